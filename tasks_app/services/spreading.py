"""Due dates for many tasks: so many on each working day, in the team's zone."""

from __future__ import annotations

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

    Start and end are moved alike; a time that the clocks leave out moves forward.
    """

    def later(at: datetime | None) -> datetime | None:
        if at is None:
            return None
        local = at.astimezone(zone)
        day = working_day(local.date(), number)
        return moment_of(datetime.combine(day, local.time()), zone)[0]

    day = draft.due_on
    return replace(
        draft,
        starts_at=later(draft.starts_at),
        due_at=later(draft.due_at),
        due_on=working_day(day, number) if day else None,
    )


def day_of(draft: TaskDraft, zone: ZoneInfo) -> date | None:
    """Return the day this task is due, else begins, in the zone; None without one."""
    if draft.due_on is not None:
        return draft.due_on
    at = draft.due_at or draft.starts_at
    return at.astimezone(zone).date() if at else None
