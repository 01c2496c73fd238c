"""What the filters of one request choose from: read once, whoever asks first."""

from __future__ import annotations

from django.http import QueryDict

from tasks_app.choices import Choices
from tasks_app.models import SavedView
from tasks_app.services.saved_views import views_for

from .middleware import TeamRequest


def choices_of(request: TeamRequest, *wanted: QueryDict) -> Choices:
    """Return the choices of this person, with all that these addresses name.

    What the pinned views name is read along with it: the frame counts them later.
    """
    assert request.team and request.membership  # noqa: S101 - every caller has a member
    kept: Choices | None = getattr(request, "_choices", None)
    if kept is None or not all(kept.knows(data) for data in wanted):
        pinned = [QueryDict(view.query) for view in pinned_views(request)]
        kept = Choices.of(
            request.team, request.membership, request.GET, besides=[*wanted, *pinned]
        )
        request._choices = kept  # type: ignore[attr-defined]
    return kept


def pinned_views(request: TeamRequest) -> list[SavedView]:
    """Return the views that every page of this person shows, read once for each."""
    assert request.membership is not None  # noqa: S101
    kept: list[SavedView] | None = getattr(request, "_pinned_views", None)
    if kept is None:
        kept = list(views_for(request.membership).filter(pinned=True))
        request._pinned_views = kept  # type: ignore[attr-defined]
    return kept
