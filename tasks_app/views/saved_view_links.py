"""Saved views as links with live counts, for the sidebar, the tabs and their page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import QueryDict
from django.urls import reverse

from tasks_app.filters import TaskFilter
from tasks_app.models import Membership, SavedView, Task
from tasks_app.services.counting import MOST, count_each, count_words
from tasks_app.services.saved_views import may_change, views_for

from .chosen_from import choices_of, pinned_views
from .middleware import TeamRequest


def address_of(view: SavedView) -> str:
    """Return the list with this view, by which the list knows that it was opened so."""
    query = f"{view.query}&" if view.query else ""
    return f"{reverse('task-list')}?{query}view={view.pk}"


@dataclass(frozen=True)
class ViewLink:
    """`count` is said in words; '' where counting would mean to read every text, and
    where not all of the view is understood any more: `ignored` says what not."""

    view: SavedView
    url: str
    count: str
    current: bool
    mine: bool
    changeable: bool
    ignored: list[str]


def list_shown(request: TeamRequest) -> QueryDict | None:
    """Return what the list on the screen asks for, None where there is no list."""
    if request.path == reverse("task-list"):
        return request.GET
    if not request.htmx:
        return None
    address = urlsplit(request.htmx.current_url_abs_path or "")
    data = QueryDict(address.query)
    if address.path == reverse("task-list"):
        return data
    # The side panel lies over a list and has the address of its task.
    behind = data.get("in") if request.path != reverse("nav") else None
    return None if behind is None else QueryDict(behind)


def view_links(
    request: TeamRequest, membership: Membership, *, pinned_only: bool
) -> list[ViewLink]:
    """Return the views this person sees; all counts come from one query."""
    views = pinned_views(request) if pinned_only else list(views_for(membership))
    if not views:
        return []
    wanted = [QueryDict(view.query) for view in views]
    # What these name is known, however many others the team has.
    choices = choices_of(request, *wanted)
    filters = {
        view.pk: TaskFilter(data, choices)
        for view, data in zip(views, wanted, strict=True)
    }
    tasks = Task.objects.visible_to_member(membership)
    # A text is looked for in every row: too much for each page that is opened. The
    # number of a view that is not understood would not be what its maker meant.
    counted = {pk: f for pk, f in filters.items() if not (f.text or f.ignored)}
    counts = count_each({str(pk): f.apply(tasks) for pk, f in counted.items()}, MOST)
    shown = list_shown(request)
    here = None if shown is None else TaskFilter(shown, choices)
    links = []
    for view in views:
        task_filter, key = filters[view.pk], str(view.pk)
        same = here is not None and here.values == task_filter.values
        links.append(
            ViewLink(
                view,
                address_of(view),
                count_words(counts[key]) if key in counts else "",
                bool(same and here and here.sort == task_filter.sort),
                view.owner_id == membership.user_id,
                may_change(membership, view),
                task_filter.ignored,
            )
        )
    return links


@dataclass(frozen=True)
class Changed:
    """The view that a list was opened with, of which the list shows something else."""

    view: SavedView
    changeable: bool


def changed_view(
    task_filter: TaskFilter, membership: Membership, pinned: list[SavedView]
) -> Changed | None:
    """Return the view that this list was opened with, None where it shows just that.

    One query where it is none of those in the sidebar, no query where none is named.
    """
    if not task_filter.view:
        return None
    pk = task_filter.view
    view = next((v for v in pinned if v.pk == pk), None)
    view = view or views_for(membership).filter(pk=pk).first()
    if view is None:
        return None
    kept = TaskFilter(QueryDict(view.query), task_filter.choices)
    if (kept.values, kept.sort) == (task_filter.values, task_filter.sort):
        return None
    return Changed(view, may_change(membership, view))
