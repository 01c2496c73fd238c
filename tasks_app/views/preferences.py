"""What one person sets for themselves: theme, density, single keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from tasks_app.services import preferences as service

from .access import member_required
from .context import THEMES
from .middleware import TeamRequest
from .neighbours import LONGEST, list_address
from .people import keep_theme


@require_http_methods(["GET", "POST"])
@member_required
def preferences(request: TeamRequest) -> HttpResponse:
    if request.method == "POST":
        theme = request.POST.get("theme", "")
        service.save_preference(
            request.user,
            theme=theme,
            density=request.POST.get("density", ""),
            single_keys="single_keys" in request.POST,
        )
        messages.success(request, "Saved.")
        response = redirect("preferences")
        keep_theme(request, response, theme)
        return response
    preference = service.preference_of(request.user)
    cookie = request.COOKIES.get("theme", "")
    context = {
        "preference": preference,
        "theme": cookie if cookie in THEMES else "system",
        "themes": service.THEMES,
        "densities": service.DENSITIES,
    }
    return render(request, "search/preferences.html", context)


@require_POST
@member_required
def task_display(request: TeamRequest) -> HttpResponse:
    """Keep which columns the task list has, how dense and how long it is."""
    data = request.POST
    service.save_list_display(
        request.user,
        columns=data.getlist("column"),
        density=data.get("density", ""),
        page_size=data.get("page_size", ""),
    )
    return redirect(list_address(data.get("query", "")[:LONGEST].replace("\0", "")))
