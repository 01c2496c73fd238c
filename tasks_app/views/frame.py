"""The frame by itself: the counts of the sidebar, for pages that stay open."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from .access import member_required
from .middleware import TeamRequest


@require_GET
@member_required
@vary_on_headers("HX-Request")
def nav(request: TeamRequest) -> HttpResponse:
    """Show the counts alone; each takes the place of the one with its id."""
    if not request.htmx:
        return redirect("home")  # it is no page
    return render(request, "components/_nav_counts.html")
