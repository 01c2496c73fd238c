"""A week's work by person and day, and moving a task to another day or person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import (
    BooleanField,
    Case,
    Count,
    F,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber, TruncDate

from tasks_app.models import Task, VendorUser
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.vendors.words import Action

from .actions import ask, why_not
from .days import UNFINISHED, WEEK, Days
from .many import moved_to, schedule_of

#: So many tasks of one person and day are shown; the list has them all.
SHOWN = 4
#: What of a task its place in the week shows; there may be a thousand of them.
SHOWN_COLUMNS = (
    *("title", "channel", "status", "delivery", "assignee_id", "vendor_user_id"),
    "version",
    *("starts_at", "due_at", "due_on", "due_sort"),
    *("prospect__first_name", "prospect__last_name", "prospect__email"),
    "prospect__company",
)


@dataclass
class Cell:
    """One person's tasks of one day: how many, how many are open, and the first."""

    count: int = 0
    open: int = 0
    overdue: int = 0
    tasks: list[Task] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.count - len(self.tasks)


#: Who (`none`, `elsewhere` or a user's number) and when.
Place = tuple[str, date]


def week_of(tasks: TaskQuerySet, days: Days, monday: date) -> dict[Place, Cell]:
    """Return these tasks' week from this Monday on, in three queries."""
    placed = (
        tasks.filter(days.between(monday, monday + timedelta(days=WEEK - 1)))
        .order_by()
        .annotate(
            day=TruncDate("due_sort", tzinfo=days.team.zone),
            away=Case(
                When(assignee=None, vendor_user__isnull=False, then=Value(True)),
                default=Value(False),
                output_field=BooleanField(),
            ),
        )
    )
    cells: dict[Place, Cell] = defaultdict(Cell)
    counts = placed.values("assignee_id", "away", "day").annotate(
        n=Count("pk"),
        open=Count("pk", filter=UNFINISHED),
        overdue=Count("pk", filter=days.overdue),
    )
    for row in counts:
        key = key_of(row["assignee_id"], away=row["away"])
        cells[key, row["day"]] = Cell(row["n"], row["open"], row["overdue"])
    # What is still to be done first, then by time.
    first = placed.annotate(
        finished=Case(When(UNFINISHED, then=Value(0)), default=Value(1)),
    ).annotate(
        place=Window(
            RowNumber(),
            partition_by=[F("assignee_id"), F("away"), F("day")],
            order_by=[F("finished").asc(), F("due_sort").asc(), F("pk").asc()],
        )
    )
    ids = list(first.filter(place__lte=SHOWN).values_list("pk", flat=True))
    shown = (
        Task.objects.filter(pk__in=ids)
        .select_related("prospect")
        .only(*SHOWN_COLUMNS)
        .order_by("due_sort", "pk")
    )
    for task in shown:
        away = task.assignee_id is None and task.vendor_user_id is not None
        day = task.due_sort.astimezone(days.team.zone).date()
        cells[key_of(task.assignee_id, away=away), day].tasks.append(task)
    return dict(cells)


def key_of(assignee_id: int | None, *, away: bool) -> str:
    """Return the word that the list's filter has for this holder."""
    return str(assignee_id or ("elsewhere" if away else "none"))


def refused(task: Task, action: Action) -> str:
    """Return why this task cannot be moved so, '' when it can."""
    return why_not(task, action, task.account.adapter())


def holders_for(task: Task, by: User, *, is_lead: bool) -> list[VendorUser]:
    """Return who can get this task: anybody at its account, for a rep only oneself."""
    people = task.account.vendor_users.filter(active=True).select_related("user")
    if not is_lead:
        people = people.filter(user_id=by.pk)
    return [person for person in people if person.pk != task.vendor_user_id]


def move(
    task: Task,
    *,
    day: date | None = None,
    holder: VendorUser | None = None,
    by: User,
    version: int | None,
) -> bool:
    """Ask for another day, another holder or both; all of it or nothing.

    Return whether its end moves, too: not every vendor has a call for that. Raise
    `actions.NotOffered` or `actions.Conflict`.
    """
    values: dict[str, Any] = {}
    with transaction.atomic():
        if holder is not None:
            ask(task, Action.REASSIGN, {"assignee": holder}, by=by, version=version)
            version = None  # the rest is asked for by the same press
        if day is not None:
            names = schedule_of(task, task.account.adapter())
            values = moved_to(task, day, None, names=names, team=task.team)
            ask(task, Action.RESCHEDULE, values, by=by, version=version)
    return "due_at" in values or "due_on" in values or task.due_at is None
