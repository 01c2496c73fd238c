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


#: When a working day begins, and its second half. The afternoon is offered before noon.
MORNING, NOON, AFTERNOON = time(9), time(12), time(14)


def moments(team: Team, now: datetime) -> list[Moment]:
    """Return the offered moments in order, each moment once under its first name."""
    offered: dict[datetime, Moment] = {}
    for moment in all_moments(team, now):
        is_over = (
            moment.name == "afternoon" and now.astimezone(team.zone).time() >= NOON
        )
        if not is_over:
            offered.setdefault(moment.at, moment)
    return sorted(offered.values(), key=lambda moment: moment.at)


def all_moments(team: Team, now: datetime) -> list[Moment]:
    hour = (now + timedelta(hours=1)).replace(second=0, microsecond=0)
    today = team.today(now)

    def at(days: int, clock: time = MORNING) -> datetime:
        day = today + timedelta(days=days)
        return datetime.combine(day, clock, tzinfo=team.zone).astimezone(UTC)

    return [
        Moment("hour", "In 1 hour", hour),
        Moment("afternoon", "This afternoon", at(0, AFTERNOON)),
        Moment("tomorrow", "Tomorrow", at(1)),
        Moment("monday", "Next Monday", at(7 - today.weekday())),
        Moment("days", "In 2 days", at(2)),
        Moment("week", "In a week", at(7)),
    ]


def moment_named(name: str, team: Team, now: datetime) -> datetime | None:
    """Return the moment of a menu that may be some time old, None if it is over."""
    found = (m.at for m in all_moments(team, now) if m.name == name)
    return next((at for at in found if at > now), None)
