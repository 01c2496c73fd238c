"""The list of tasks, its export, and one task."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page
from django.db.models import Prefetch
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from tasks_app.filters import DATES, TaskFilter
from tasks_app.models import NEVER, Task, TaskEvent
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.services import preferences as display
from tasks_app.services.counting import MOST, count_each, count_words
from tasks_app.services.exporting import task_rows
from tasks_app.services.leafing import read_part
from tasks_app.services.mending import is_mendable

from . import neighbours, task_acts, task_story, watching, wording
from .access import member_required
from .chosen_from import choices_of, pinned_views
from .context import preference
from .middleware import TeamRequest
from .paging import Pages
from .saved_view_links import Changed, changed_view
from .stepping import keep_address
from .task_groups import Group, ends, group_counts, grouped

#: The tabs over the list: name, label, what it asks for, tone of a count above 0.
QUICK_VIEWS = (
    ("todo", "To do", "status=open,in_progress", ""),
    ("today", "Due today", "status=open,in_progress&due=today", ""),
    ("overdue", "Overdue", "status=overdue", "red"),
    ("week", "This week", "status=open,in_progress&due=week", ""),
    ("unassigned", "Unassigned", "status=open,in_progress&assignee=none", ""),
    ("problems", "Delivery problems", "delivery=problems", "red"),
    ("all", "All", "", ""),
)
#: Those of a time: behind them something is due next.
TIMED_VIEWS = ("today", "overdue", "week")
#: So many rows are counted and paged where words are looked for: each has to be read.
MOST_WITH_WORDS = 1000
#: Not shown in a list, and some are long.
NOT_IN_LIST = ("note", "search_text", "options")


@dataclass(frozen=True)
class QuickView:
    name: str
    label: str
    query: str
    tone: str
    count: int
    current: bool

    @property
    def words(self) -> str:
        return count_words(self.count)


def visible(request: TeamRequest) -> TaskQuerySet:
    assert request.membership is not None  # noqa: S101 - every view here wants a member
    return Task.objects.visible_to_member(request.membership)


def read_filter(request: TeamRequest) -> TaskFilter:
    return TaskFilter(request.GET, choices_of(request, request.GET))


def quick_views(
    tasks: TaskQuerySet, current: TaskFilter, total: int
) -> list[QuickView]:
    """Return the tabs with their counts, by one query for all of them.

    The list that is on the screen was counted already: it has `total` tasks.
    """
    filters = {
        name: TaskFilter(QueryDict(query), current.choices)
        for name, _, query, _ in QUICK_VIEWS
    }
    shown = [name for name, f in filters.items() if f.values == current.values]
    counts = count_each(
        {name: f.apply(tasks) for name, f in filters.items() if name not in shown}, MOST
    )
    counts |= dict.fromkeys(shown, total)
    return [
        QuickView(
            name,
            label,
            query,
            tone if counts[name] else "",
            counts[name],
            name in shown,
        )
        for name, label, query, tone in QUICK_VIEWS
    ]


@dataclass(frozen=True)
class LiveCounts:
    """What a list counts after a change in it; the rows on the page stay as they are."""

    views: list[QuickView]
    total: int
    most: int

    @property
    def words(self) -> str:
        return count_words(self.total, self.most)

    @property
    def shown(self) -> str:
        """Return the total as "all that match" sends it: "412", "10000+"."""
        return str(self.total) if self.total <= self.most else f"{self.most}+"


def live_counts(tasks: TaskQuerySet, current: TaskFilter) -> LiveCounts:
    most = most_of(current)
    total = count_each({"all": current.apply(tasks)}, most)["all"]
    return LiveCounts(quick_views(tasks, current, total), total, most)


def most_of(task_filter: TaskFilter) -> int:
    """Return how far a list is counted."""
    return MOST_WITH_WORDS if task_filter.text else MOST


@require_GET
@member_required
@vary_on_headers("HX-Request", "HX-Target")
def task_list(request: TeamRequest) -> HttpResponse:
    """Show the tasks that match the address; htmx gets the part that changes."""
    task_filter = read_filter(request)
    tasks = visible(request)
    most = most_of(task_filter)
    ordered = task_filter.ordered(task_filter.apply(tasks))
    look = preference(request)
    columns, size = display.columns_of(look), display.page_size_of(look)
    part = read_part(
        ordered,
        by_due=task_filter.sort.removeprefix("-") == "due",
        page=page_asked(request),
        size=size,
        most=most,
        moments=dict(ends(task_filter.choices)),
    )
    total = part.total
    rows = Task.objects.for_list().defer(*NOT_IN_LIST)
    pages = Pages(ordered, rows, part=part, most=most, size=size)
    page = pages.get_page(request.GET.get("page", "1"))
    views = quick_views(tasks, task_filter, total)
    request.unfinished = views[0].count  # the frame shows the number of "To do", too
    here = task_filter.query(page=str(page.number) if page.number > 1 else None)
    context = {
        "filter": task_filter,
        "choices": task_filter.choices,
        "views": views,
        "page": page,
        "columns": columns,
        "display": {
            "columns": [(n, display.COLUMNS[n], on) for n, on in columns.items()],
            "densities": display.DENSITIES,
            "sizes": display.PAGE_SIZES,
            "size": size,
        },
        # Beside the columns: the box to tick, the task and its menu.
        "width": sum(columns.values()) + 3,
        "total": total,
        "groups": groups_of(page, group_counts(part), task_filter, cut=total > most),
        **as_of(task_filter),
        **({} if total else about_empty(request, task_filter, views)),
        "base": f"{task_filter.query()}&" if task_filter.query() else "",
        "list_query": here,
        "changed": changed_here(request, task_filter),
        **watching.watch(page),
    }
    template = "tasks/list.html"
    htmx = request.htmx
    if not htmx or htmx.history_restore_request:
        return render(request, template, context)
    piece = "task-answer" if htmx.target == "task-list" else "task-whole"
    response = render(request, f"{template}#{piece}", context)
    address = reverse("task-list") + (f"?{here}" if here else "")
    return keep_address(request, response, address, days=DATES)


def changed_here(request: TeamRequest, task_filter: TaskFilter) -> Changed | None:
    assert request.membership is not None  # noqa: S101
    return changed_view(task_filter, request.membership, pinned_views(request))


def as_of(task_filter: TaskFilter) -> dict[str, object]:
    """Return since when the accounts in view were last read, and those never read."""
    chosen = task_filter.values.get("account")
    accounts = [
        account
        for account in task_filter.choices.accounts
        if chosen is None or str(account.pk) in chosen
    ]
    read = [a.synced_at for a in accounts if a.synced_at]
    never = [a.name for a in accounts if not a.synced_at]
    choices = task_filter.choices
    oldest = min(read, default=None)
    words = wording.clock_words(oldest, choices.team, choices.now) if oldest else None
    return {"as_of": words, "never": never}


def page_asked(request: TeamRequest) -> int:
    """Return the page that the address names, 1 where it is no number."""
    text = request.GET.get("page", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


def groups_of(
    page: Page[Task], counts: dict[str, int], task_filter: TaskFilter, *, cut: bool
) -> list[Group]:
    """Return the rows under headings by due date, or under none in another order.

    With `cut` counting stopped in the last group.
    """
    if task_filter.sort.removeprefix("-") != "due":
        return [Group("", 0, list(page))]
    there = [name for name, number in counts.items() if number]
    last = there[0 if task_filter.sort.startswith("-") else -1] if cut else ""
    return grouped(page, counts, task_filter.choices, last)


def about_empty(
    request: TeamRequest, task_filter: TaskFilter, views: list[QuickView]
) -> dict[str, object]:
    """Return which of the empty lists this is, and what is due next.

    Whether what it shows is old the template tells, from what its frame has read.
    """
    why, now = why_empty(request, task_filter, views), task_filter.choices.now
    following = None
    if why == "all_done" and any(v.current and v.name in TIMED_VIEWS for v in views):
        due = (
            visible(request).unfinished().filter(due_sort__gte=now, due_sort__lt=NEVER)
        )
        rows = due.order_by("due_sort", "pk").defer(*NOT_IN_LIST)
        following = rows.select_related("prospect", "account").first()
    return {"empty": why, "following": following}


def why_empty(
    request: TeamRequest, task_filter: TaskFilter, views: list[QuickView]
) -> str:
    """Return which of the empty lists this is."""
    there = {view.name: view.count for view in views}
    lead = bool(request.membership and request.membership.is_lead)
    if not there["all"]:
        if lead and not task_filter.choices.accounts:
            return "no_account"
        return "nothing_yet" if lead else "none_for_me"
    if not task_filter.ignored and next((v for v in views if v.current), None):
        return "all_done"
    return "no_match"


@require_GET
@member_required
def task_export(request: TeamRequest) -> StreamingHttpResponse:
    """Hand out exactly the rows that match the address, as CSV."""
    assert request.team is not None  # noqa: S101
    task_filter = read_filter(request)
    found = task_filter.apply(visible(request)).for_list()
    tasks = task_filter.ordered(found)
    rows = task_rows(tasks, request.team)
    response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    name = f"baton-tasks-{task_filter.choices.today.isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@member_required
@vary_on_headers("HX-Request", "HX-Target")
def task_detail(request: TeamRequest, task_id: int) -> HttpResponse:
    """Show one task: how it stands, its history, and every call that was made for it.

    Over a list it is a side panel; with the list's filter it knows its neighbours.
    """
    assert request.team and request.membership  # noqa: S101
    tasks = (
        visible(request)
        .for_list()
        .select_related("batch", "created_by")
        .defer("search_text")
        .prefetch_related(
            "pushes",
            Prefetch("events", TaskEvent.objects.select_related("actor")),
        )
    )
    task = get_object_or_404(tasks, pk=task_id)
    push = task_story.create_push(task)
    calls = task_story.calls_of(task)
    context = {
        "task": task,
        "push": push,
        "head": task_story.delivery_head(task),
        "sentence": task_story.delivery_sentence(task, push, request.team),
        "legs": task_story.legs(task, push),
        "history": task_story.history(task, request.team),
        "options": task_story.options_of(task),
        "doubles": task.copies.filter(outcome=""),
        "calls": task_story.proof(calls, sees_all=request.membership.is_lead),
        **task_acts.state_context(request, task),
        "acts": task_acts.acts(task, request.team),
        "cannot": task_acts.cannot(task),
        "mendable": is_mendable(task),
        "seen": task_acts.seen_of(task),
        **place_in_list(request, task),
    }
    in_panel = request.htmx and request.htmx.target == "task-drawer"
    template = "tasks/drawer.html" if in_panel else "tasks/detail.html"
    return render(request, template, context)


def place_in_list(request: TeamRequest, task: Task) -> dict[str, object]:
    """Return where the list is that this task was opened from, and its neighbours."""
    query = neighbours.list_query(request)
    context: dict[str, object] = {"list_address": neighbours.list_address(query)}
    if query is not None:
        task_filter = neighbours.filter_of(request, query)
        context["beside"] = neighbours.beside(task, task_filter, visible(request))
    return context
