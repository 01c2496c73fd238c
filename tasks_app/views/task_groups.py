"""The headings of a list that is sorted by due date, and how many rows each has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tasks_app.choices import Choices
from tasks_app.models import NEVER, Task
from tasks_app.services.days import Days
from tasks_app.services.leafing import Part


@dataclass
class Group:
    """Rows of one page under a heading; `count` is that of the whole list, as far as
    it was counted."""

    heading: str
    count: int
    tasks: list[Task]
    goes_on: bool = False

    @property
    def words(self) -> str:
        return f"{self.count:,}+" if self.goes_on else f"{self.count:,}"


#: Name → heading, in the order of their days.
HEADINGS = {
    "before": "Before today",
    "today": "Today",
    "tomorrow": "Tomorrow",
    "week": "This week",
    "later": "Later",
    "none": "No date",
}


def ends(choices: Choices) -> list[tuple[str, datetime]]:
    """Return for each group the moment before which its rows are due, in order."""
    team, days = choices.team, Days(choices.team, choices.now)
    sunday, tomorrow = days.sunday, days.tomorrow
    return [
        ("before", team.start_of(days.today)),
        ("today", team.start_of(tomorrow)),
        ("tomorrow", team.start_of(tomorrow + timedelta(days=1))),
        ("week", team.start_of(max(sunday, tomorrow) + timedelta(days=1))),
        ("later", NEVER),
    ]


def group_counts(part: Part) -> dict[str, int]:
    """Return how many of the rows that were counted each group has."""
    counts, earlier = {}, 0
    for name, number in [*part.before.items(), ("none", part.total)]:
        counts[name], earlier = number - earlier, number
    return counts


def grouped(
    tasks: Iterable[Task], counts: dict[str, int], choices: Choices, cut: str = ""
) -> list[Group]:
    """Return these rows, sorted by due date, under their headings.

    In the group `cut` counting stopped: it has that many rows less one, and more.
    """
    limits = ends(choices)
    groups: list[Group] = []
    for task in tasks:
        name = next((n for n, end in limits if task.due_sort < end), "none")
        if not groups or groups[-1].heading != HEADINGS[name]:
            is_cut = name == cut
            count = counts[name] - is_cut
            groups.append(Group(HEADINGS[name], count, [], goes_on=is_cut))
        groups[-1].tasks.append(task)
    return groups
