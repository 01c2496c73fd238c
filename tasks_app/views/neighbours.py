"""The list a task was opened from: its query string, and the tasks beside this one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse

from tasks_app.filters import TaskFilter
from tasks_app.models import Task
from tasks_app.models.tasks import TaskQuerySet

from .chosen_from import choices_of
from .middleware import TeamRequest

LONGEST = 2000


@dataclass(frozen=True)
class Beside:
    """Ids of the tasks before and after, None at either end."""

    previous: int | None = None
    next: int | None = None


def list_query(request: TeamRequest) -> str | None:
    """Return the query of the list that a task was opened from, None for no list."""
    data = request.POST if request.method == "POST" else request.GET
    query = data.get("in")
    return None if query is None else query[:LONGEST].replace("\0", "")


def list_address(query: str | None) -> str:
    if query is None:
        return reverse("task-list") + "?status=open,in_progress"
    return reverse("task-list") + (f"?{query}" if query else "")


def filter_of(request: TeamRequest, query: str) -> TaskFilter:
    """Return the filter that this query string asks for, as this person may."""
    data = QueryDict(query)
    return TaskFilter(data, choices_of(request, data))


def beside(task: Task, task_filter: TaskFilter, tasks: TaskQuerySet) -> Beside:
    """Return what stands before and after this task in the filter's order.

    The task itself need not match any more: its place is where it would stand.
    """
    ordered = task_filter.ordered(tasks)
    names = [str(name) for name in ordered.query.order_by]
    columns = [name.removeprefix("-") for name in names]
    row = ordered.filter(pk=task.pk).values(*columns).first()
    if row is None:
        return Beside()
    after, before = Q(), Q()
    for place, name in enumerate(names):
        same = Q(**{column: row[column] for column in columns[:place]})
        column = columns[place]
        up, down = (
            Q(**{f"{column}__gt": row[column]}),
            Q(**{f"{column}__lt": row[column]}),
        )
        if name.startswith("-"):
            up, down = down, up
        after |= same & up
        before |= same & down
    # The first column once more on its own: from there an index is walked along.
    first, start = columns[0], row[columns[0]]
    up, down = Q(**{f"{first}__gte": start}), Q(**{f"{first}__lte": start})
    after &= down if names[0].startswith("-") else up
    before &= up if names[0].startswith("-") else down
    matching = task_filter.ordered(task_filter.apply(tasks))
    return Beside(
        matching.filter(before).reverse().values_list("pk", flat=True).first(),
        matching.filter(after).values_list("pk", flat=True).first(),
    )
