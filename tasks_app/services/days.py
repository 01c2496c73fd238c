"""Today, overdue and this week: one definition for filters, counts and pages.

All of it goes by `Task.due_sort`, the moment a task is over (a date without a time is
over with its day in the team's zone), and by the team's own calendar: a day begins and
ends with the clocks of its zone, so it may have 23 or 25 hours. A week begins on Monday.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from tasks_app.models import NEVER, Task, Team

UNFINISHED = Q(status__in=Task.UNFINISHED)
WEEK = 7


@dataclass(frozen=True)
class Days:
    """The team's calendar as it stands at `now` (aware)."""

    team: Team
    now: datetime

    @classmethod
    def of(cls, team: Team, now: datetime | None = None) -> Days:
        return cls(team, now or timezone.now())

    @property
    def today(self) -> date:
        return self.team.today(self.now)

    @property
    def tomorrow(self) -> date:
        return self.today + timedelta(days=1)

    @property
    def monday(self) -> date:
        return monday_of(self.today)

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=WEEK - 1)

    @property
    def overdue(self) -> Q:
        """Unfinished and past its end."""
        return UNFINISHED & Q(due_sort__lt=self.now)

    def span(self, word: str) -> tuple[date, date]:
        """Return the first and last day of `today tomorrow week next7`."""
        return {
            "today": (self.today, self.today),
            "tomorrow": (self.tomorrow, self.tomorrow),
            "week": (self.monday, self.sunday),
            "next7": (self.today, self.today + timedelta(days=WEEK - 1)),
        }[word]

    def due(self, word: str) -> Q:
        """Return the condition of `overdue none` or of one of the spans."""
        if word == "none":
            return Q(due_sort=NEVER)
        if word == "overdue":
            return self.overdue
        return self.between(*self.span(word))

    def between(self, first: date, last: date) -> Q:
        """Return the condition of being due on one of these days, both included."""
        return self.since(first) & self.until(last)

    def since(self, first: date, column: str = "due_sort") -> Q:
        """Return the condition of a column on this day or later; never is no day."""
        begun = Q(**{f"{column}__gte": self.team.start_of(first)})
        return begun & Q(due_sort__lt=NEVER) if column == "due_sort" else begun

    def until(self, last: date, column: str = "due_sort") -> Q:
        """Return the condition of a column on this day or earlier."""
        return Q(**{f"{column}__lt": self.team.start_of(last + timedelta(days=1))})


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())
