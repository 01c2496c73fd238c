"""A week's work by person and day, and moving a task to another day or person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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
from django.utils import timezone

from tasks_app.models import Push, Task, TaskEvent, VendorUser
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.words import Action

from . import holding
from .actions import NotOffered, ask, hand_over, locked_creates, undo, why_not
from .days import UNFINISHED, WEEK, Days
from .holding import only_here
from .many import moved_to, schedule_of
from .members import members_by_name, name_of
from .snoozing import MORNING

#: Held by somebody at the vendor whom nobody here is.
AWAY = Case(
    When(assignee=None, vendor_user__isnull=False, then=Value(True)),
    default=Value(False),
    output_field=BooleanField(),
)
#: So many tasks of one person and day are shown; the list has them all.
SHOWN = 4
#: So many where the week has more than so many people: else nobody sees its end.
SHOWN_OF_MANY, MANY = 2, 12
#: What of a task its place in the week shows; there may be a thousand of them.
SHOWN_COLUMNS = (
    *("title", "channel", "status", "delivery", "assignee_id", "vendor_user_id"),
    *("version", "account_id", "type_id"),
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
            away=AWAY,
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
    few = len({key for key, _ in cells}) <= MANY
    first = first.filter(place__lte=SHOWN if few else SHOWN_OF_MANY)
    ids = list(first.values_list("pk", flat=True))
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


def overdue_before(tasks: TaskQuerySet, days: Days, monday: date) -> dict[str, int]:
    """Return how many of these tasks are overdue since before this Monday, by holder."""
    rows = (
        tasks.filter(days.overdue, days.until(monday - timedelta(days=1)))
        .order_by()
        .annotate(away=AWAY)
        .values("assignee_id", "away")
        .annotate(n=Count("pk"))
    )
    return {key_of(row["assignee_id"], away=row["away"]): row["n"] for row in rows}


def day_action(task: Task, adapter: VendorAdapter) -> tuple[Action, str]:
    """Return what moves this task to another day, and why that cannot be, '' if it can.

    Where a vendor moves no dates, its snoozing does: the task is due then.
    """
    reason = why_not(task, Action.RESCHEDULE, adapter)
    if reason and not why_not(task, Action.SNOOZE, adapter):
        return Action.SNOOZE, ""
    return Action.RESCHEDULE, reason


@dataclass(frozen=True)
class Taker:
    """Somebody who can get a task: `person` as the vendor knows them, or as Baton."""

    person: VendorUser | User
    user: User | None

    @property
    def pk(self) -> int:
        return self.person.pk

    def __str__(self) -> str:
        if isinstance(self.person, User):
            return name_of(self.person)
        return str(self.person)


def takers_for(task: Task, by: User, *, is_lead: bool) -> list[Taker]:
    """Return who can get this task: anybody at its account, for a rep only oneself.

    Where the vendor keeps nobody for it, anybody of the team.
    """
    if only_here(task.account.adapter(), task.type.code):
        members = members_by_name(task.team) if is_lead else [by]
        return [Taker(m, m) for m in members if m.pk != task.assignee_id]
    people = task.account.vendor_users.filter(active=True).select_related("user")
    if not is_lead:
        people = people.filter(user_id=by.pk)
    found = [person for person in people if person.pk != task.vendor_user_id]
    return [Taker(person, person.user) for person in found]


@dataclass
class Moved:
    """What was asked for, in this order, and what became of the dates."""

    pushes: list[Push] = field(default_factory=list)
    #: The line of history by which a holder of Baton alone is given back.
    handed: TaskEvent | None = None
    #: False where the vendor has no call that moves the end, too.
    whole: bool = True
    #: Until when it is snoozed, where that is how its day moves.
    until: datetime | None = None


def move(
    task: Task,
    *,
    day: date | None = None,
    taker: Taker | None = None,
    by: User,
    version: int | None,
) -> Moved:
    """Ask for another day, another holder or both; all of it or nothing.

    Raise `actions.NotOffered` or `actions.Conflict`.
    """
    moved = Moved()
    with transaction.atomic():
        # Before `hand_over` locks the task: whoever sends locks in this order, too.
        locked_creates([task.pk], task.account.team)
        if taker is not None and isinstance(taker.person, User):
            moved.handed = hand_over(task, taker.person, by=by, version=version)
        elif taker is not None:
            wanted = {"assignee": taker.person}
            push = ask(task, Action.REASSIGN, wanted, by=by, version=version)
            moved.pushes += [push] if push else []
        if taker is not None:
            version = None  # the rest is asked for by the same press
        if day is not None:
            move_day(task, day, moved, by=by, version=version)
    return moved


def move_day(
    task: Task, day: date, moved: Moved, *, by: User, version: int | None
) -> None:
    """Ask for another day, by what this vendor has for that."""
    adapter = task.account.adapter()
    action, _ = day_action(task, adapter)
    values: dict[str, Any]
    if action == Action.SNOOZE:
        moved.until = snoozed_to(task, day)
        values = {"until": moved.until}
    else:
        names = schedule_of(task, adapter)
        values = moved_to(task, day, None, names=names, team=task.team)
        moved.whole = "due_at" in values or "due_on" in values or task.due_at is None
    push = ask(task, action, values, by=by, version=version)
    moved.pushes += [push] if push else []


def snoozed_to(task: Task, day: date) -> datetime:
    """Return until when it is snoozed on this day: at its own time, else the morning."""
    zone = task.team.zone
    at = task.due_at.astimezone(zone).time() if task.due_at else MORNING
    until = datetime.combine(day, at, tzinfo=zone)
    if until <= timezone.now():
        raise NotOffered(f"{day:%A} {at:%H:%M} is over. Choose a later day.")
    return until


def take_back(task: Task, pushes: Sequence[Push], handed: str, *, by: User) -> bool:
    """Take all of a move back, or, where a part of it has left, nothing.

    `handed` is the number of its `Moved.handed`, '' for none.
    """
    events = TaskEvent.objects.filter(task=task, actor=by, kind=holding.KIND)
    event = events.filter(pk=handed).first() if handed else None
    if handed and event is None:
        return False
    try:
        with transaction.atomic():
            for push in sorted(pushes, key=lambda push: push.pk, reverse=True):
                if not undo(push, by=by):
                    raise TooLate
            if event is not None:
                former = {task.pk: event.old}
                team = task.team
                if not holding.give_back(former, event.new, by=by, team=team):
                    raise TooLate
    except TooLate:
        return False
    return True


class TooLate(Exception):
    """A part of a move has left already: what was taken back of it is not."""
