"""Which team a request works in: decided once, used by every query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from tasks_app.models import Membership, Team

from .errors import explain


class TeamRequest(HttpRequest):
    """A request behind sign-in. `team` and `membership` are None for outsiders."""

    user: User
    htmx: HtmxDetails
    memberships: list[Membership]
    membership: Membership | None
    team: Team | None
    #: How many unfinished tasks this person sees, where a view has counted them.
    unfinished: int


class TeamMiddleware:
    """Sets `request.membership` and `request.team`, read when first asked for.

    Who belongs to several teams works in the one last chosen (kept in the session).
    Pages of a team speak of times in its zone. A bare answer such as 405 gets a page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        memberships = SimpleLazyObject(lambda: memberships_of(request))
        request.memberships = memberships  # type: ignore[attr-defined]
        membership = SimpleLazyObject(lambda: current(memberships, request))
        request.membership = membership  # type: ignore[attr-defined]
        request.team = SimpleLazyObject(  # type: ignore[attr-defined]
            lambda: membership.team if membership else None
        )
        try:
            response = explain(request, self.get_response(request))
        finally:
            timezone.deactivate()
        return whole_page_to_sign_in(request, response)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> None:
        team = request.team if hasattr(view, "access") else None  # type: ignore[attr-defined]
        if team:
            timezone.activate(team.zone)


def memberships_of(request: HttpRequest) -> list[Membership]:
    """Return this person's memberships by name of the team; [] for anybody else."""
    if not request.user.is_authenticated:
        return []
    mine = Membership.objects.filter(user_id=request.user.pk)
    return list(mine.select_related("team").order_by("team__name"))


def current(
    memberships: Iterable[Membership], request: HttpRequest
) -> Membership | None:
    """Return the membership in the team this person works in, or None."""
    chosen = request.session.get("team")
    mine = list(memberships)
    return next((m for m in mine if m.team_id == chosen), mine[0] if mine else None)


def whole_page_to_sign_in(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Turn a redirect to sign-in into one of the whole page, never of a part of it."""
    if not (request.htmx and response.status_code == 302):  # type: ignore[attr-defined]
        return response
    if not response["Location"].startswith(resolve_url(settings.LOGIN_URL)):
        return response
    here = request.htmx.current_url_abs_path or ""  # type: ignore[attr-defined]
    next_page = f"?{urlencode({'next': here})}" if here else ""
    return HttpResponseClientRedirect(resolve_url(settings.LOGIN_URL) + next_page)
