"""The frame by itself: the counts of the sidebar, for pages that stay open."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .access import member_required
from .middleware import TeamRequest


@require_GET
@member_required
def nav(request: TeamRequest) -> HttpResponse:
    """Show the counts alone; each takes the place of the one with its id."""
    return render(request, "components/_nav_counts.html")
