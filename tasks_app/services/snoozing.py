"""Until when a task can be put off: the moments that a menu offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from tasks_app.models import Team


@dataclass(frozen=True)
class Moment:
    """One line of the menu; `at` is aware."""

    name: str
    label: str
    at: datetime


#: When a working day begins.
MORNING = time(9)


def moments(team: Team, now: datetime) -> list[Moment]:
    """Return the offered moments, in order; on a Sunday tomorrow is next Monday."""
    hour, tomorrow, monday = all_moments(team, now)
    return [hour, tomorrow, monday][: 2 if tomorrow.at == monday.at else 3]


def all_moments(team: Team, now: datetime) -> list[Moment]:
    hour = (now + timedelta(hours=1)).replace(second=0, microsecond=0)
    today = team.today(now)
    monday = today + timedelta(days=7 - today.weekday())

    def morning_of(days: int) -> datetime:
        day = today + timedelta(days=days)
        return datetime.combine(day, MORNING, tzinfo=team.zone).astimezone(UTC)

    return [
        Moment("hour", "In 1 hour", hour),
        Moment("tomorrow", "Tomorrow", morning_of(1)),
        Moment("monday", "Next Monday", morning_of((monday - today).days)),
    ]


def moment_named(name: str, team: Team, now: datetime) -> datetime | None:
    return next((m.at for m in all_moments(team, now) if m.name == name), None)
