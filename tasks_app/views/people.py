"""Signing in and out, and which team and theme a person works in."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from tasks_app.forms.people import PasswordResetForm, SignInForm

from .access import member_required
from .context import THEMES
from .middleware import TeamRequest

sign_in = auth_views.LoginView.as_view(
    authentication_form=SignInForm, redirect_authenticated_user=True
)
sign_out = auth_views.LogoutView.as_view()
password_reset = auth_views.PasswordResetView.as_view(
    form_class=PasswordResetForm,
    email_template_name="registration/password_reset_email.txt",
    subject_template_name="registration/password_reset_subject.txt",
    success_url=reverse_lazy("password-reset-done"),
)
password_reset_done = auth_views.PasswordResetDoneView.as_view()
#: Also where somebody who was made without a password chooses the first one.
password_reset_confirm = auth_views.PasswordResetConfirmView.as_view(
    success_url=reverse_lazy("password-reset-complete")
)
password_reset_complete = auth_views.PasswordResetCompleteView.as_view()

YEAR = 365 * 24 * 3600  # seconds


def back(request: HttpRequest) -> HttpResponseRedirect:
    """Return a redirect to the page named in the form, or home."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(target if safe else reverse("home"))


@require_GET
@member_required
def home(request: TeamRequest) -> HttpResponse:
    return redirect("today")


@require_POST
@member_required
def team_switch(request: TeamRequest) -> HttpResponse:
    """Work in another team of one's own; any other number is not found."""
    chosen = request.POST.get("team", "")
    for membership in request.memberships:
        if str(membership.team_id) == chosen:
            request.session["team"] = membership.team_id
            return redirect("home")
    raise Http404("You do not belong to this team.")


@require_POST
@login_not_required
def theme(request: HttpRequest) -> HttpResponse:
    """Keep light, dark or system in a cookie; go back to the page."""
    response = back(request)
    keep_theme(request, response, request.POST.get("theme", ""))
    return response


def keep_theme(request: HttpRequest, response: HttpResponse, chosen: str) -> None:
    """Keep this theme in this browser; an unknown word changes nothing."""
    if chosen == "system":
        response.delete_cookie("theme", samesite="Lax")
    elif chosen in THEMES:
        response.set_cookie(
            "theme",
            chosen,
            max_age=YEAR,
            samesite="Lax",
            secure=request.is_secure(),
            httponly=True,
        )


@require_GET
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the web process is up, and nothing else."""
    return HttpResponse("up\n", content_type="text/plain")
