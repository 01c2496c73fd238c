"""Saved views as links with live counts, for the sidebar, the tabs and their page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from tasks_app.choices import Choices, split
from tasks_app.filters import TaskFilter
from tasks_app.models import Membership, SavedView, Task
from tasks_app.services.counting import MOST, count_each, count_words
from tasks_app.services.saved_views import views_for


@dataclass(frozen=True)
class ViewLink:
    """`count` is said in words; '' where counting would mean to read every text."""

    view: SavedView
    url: str
    count: str
    current: bool
    mine: bool
    changeable: bool


def view_links(
    request: HttpRequest, membership: Membership, *, pinned_only: bool
) -> list[ViewLink]:
    """Return the views this person sees; all counts come from one query."""
    rows = views_for(membership)
    views = list(rows.filter(pinned=True) if pinned_only else rows)
    if not views:
        return []
    wanted = [QueryDict(view.query) for view in views]
    # What these name is known, however many others the team has.
    named = [
        (name, value)
        for data in wanted
        for name in ("batch", "tag")
        for value in split(data, name)
    ]
    asked = QueryDict(urlencode(named))
    choices = Choices.of(membership.team, membership, asked)
    filters = {
        view.pk: TaskFilter(data, choices)
        for view, data in zip(views, wanted, strict=True)
    }
    tasks = Task.objects.visible_to(request.user, membership.team)  # type: ignore[arg-type]
    # A text is looked for in every row: too much for each page that is opened.
    counts = count_each(
        {str(pk): f.apply(tasks) for pk, f in filters.items() if not f.text}, MOST
    )
    address = reverse("task-list")
    here = TaskFilter(request.GET, choices) if request.path == address else None
    links = []
    for view in views:
        task_filter, key = filters[view.pk], str(view.pk)
        same = here is not None and here.values == task_filter.values
        links.append(
            ViewLink(
                view,
                f"{address}?{view.query}" if view.query else address,
                count_words(counts[key]) if key in counts else "",
                bool(same and here and here.sort == task_filter.sort),
                view.owner_id == membership.user_id,
                view.owner_id == membership.user_id
                or (view.shared and membership.is_lead),
            )
        )
    return links
