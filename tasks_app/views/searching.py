"""Search over everything: a page, and the results below the box while typing."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from tasks_app.services import searching

from .access import member_required
from .middleware import TeamRequest
from .tasks import visible

#: So many of a kind on the page; under the box there is room for fewer.
ON_PAGE = 20


@require_GET
@member_required
@vary_on_headers("HX-Request")
def search(request: TeamRequest) -> HttpResponse:
    assert request.team and request.membership  # noqa: S101 - wants a member
    typing = bool(request.htmx) and not request.htmx.history_restore_request
    found = searching.search(
        request.GET.get("q", ""),
        tasks=visible(request),
        team=request.team,
        sees_all=request.membership.is_lead,
        limit=searching.LIMIT if typing else ON_PAGE,
    )
    part = "#results" if typing else ""
    context = {"found": found, "typing": typing}
    return render(request, f"search/search.html{part}", context)
