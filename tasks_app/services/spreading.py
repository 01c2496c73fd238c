"""Due dates for many tasks: so many on each working day, in the team's zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tasks_app.vendors.drafts import TaskDraft

from .days import WEEK, monday_of
from .local_time import moment_of

WORKING_DAYS = 5
#: More on one day is no spreading any more.
MOST_PER_DAY = 10_000


@dataclass(frozen=True)
class Spread:
    """At most `per_day` tasks on one working day: in all, or `each` person's own."""

    per_day: int
    each: bool = False


def working_day(first: date, number: int) -> date:
    """Return the working day that comes `number` working days after the first one.

    Monday to Friday; a first day on a weekend means the Monday behind it.
    """
    monday, place = monday_of(first), first.weekday()
    if place >= WORKING_DAYS:
        monday, place = monday + timedelta(days=WEEK), 0
    weeks, place = divmod(place + number, WORKING_DAYS)
    return monday + timedelta(days=weeks * WEEK + place)


def moved(draft: TaskDraft, number: int, zone: ZoneInfo) -> TaskDraft:
    """Return the draft so many working days later, at the same time of day.

    Start and end move together: where one of them is on a weekend, both first move on by
    so many days that neither is. A time that the clocks leave out moves forward.
    """
    moments = [
        at.astimezone(zone) for at in (draft.starts_at, draft.due_at) if at is not None
    ]
    days = [at.date() for at in moments] + ([draft.due_on] if draft.due_on else [])
    ahead = days_to_work(days)

    def day_later(day: date) -> date:
        return working_day(day + ahead, number)

    def later(at: datetime | None) -> datetime | None:
        if at is None:
            return None
        local = at.astimezone(zone)
        return moment_of(datetime.combine(day_later(local.date()), local.time()), zone)[
            0
        ]

    return replace(
        draft,
        starts_at=later(draft.starts_at),
        due_at=later(draft.due_at),
        due_on=day_later(draft.due_on) if draft.due_on else None,
    )


def days_to_work(days: Iterable[date]) -> timedelta:
    """Return by how much at least up to three days move on together to be working days.

    Each of them leaves out two of the seven ways to move, so that one is left.
    """
    places = {day.weekday() for day in days}
    return next(
        timedelta(days=more)
        for more in range(WEEK)
        if all((place + more) % WEEK < WORKING_DAYS for place in places)
    )


def day_of(draft: TaskDraft, zone: ZoneInfo) -> date | None:
    """Return the day this task is due, else begins, in the zone; None without one."""
    if draft.due_on is not None:
        return draft.due_on
    at = draft.due_at or draft.starts_at
    return at.astimezone(zone).date() if at else None
