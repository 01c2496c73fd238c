"""A team in another time zone: its days end at other moments from then on.

`Task.due_sort` keeps the moment a task is over, so every date without a time is reckoned
anew, in portions that are each committed. A process that dies half-way loses nothing:
the sweep goes through every team whose `sorted_in` is not its zone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from django.db import transaction

from tasks_app.models import Task, Team

PORTION = 1000


def zone_changed(team: Team) -> None:
    """Reckon the team's days anew once the change is committed.

    Whoever still works with the old zone at this moment may write after that: the sweep
    looks through all of it once more.
    """
    Team.objects.filter(pk=team.pk).update(sorted_in="")
    transaction.on_commit(lambda: resort(team))


def resort(team: Team) -> int:
    """Let every date without a time end with its day in the team's zone.

    Return how many tasks had another end before.
    """
    moved, last = 0, 0
    while True:
        rows = list(
            Task.objects.filter(team=team, due_at=None, pk__gt=last)
            .exclude(due_on=None)
            .order_by("pk")
            .values_list("pk", "due_on", "due_sort")[:PORTION]
        )
        if not rows:
            return moved
        last = rows[-1][0]
        wrong: dict[date, list[int]] = defaultdict(list)
        for pk, day, end in rows:
            if day is not None and end != team.end_of(day):
                wrong[day].append(pk)
        with transaction.atomic():
            for day, ids in wrong.items():
                # Only those that have not been moved to another day meanwhile.
                same = Task.objects.filter(pk__in=ids, due_on=day, due_at=None)
                moved += same.update(due_sort=team.end_of(day))


def resort_stale() -> int:
    """Reckon the days of teams anew that came into another zone; return how many teams."""
    stale = [
        team
        for team in Team.objects.only("pk", "time_zone", "sorted_in")
        if team.sorted_in != team.time_zone
    ]
    for team in stale:
        resort(team)
        # Not where the zone was changed again meanwhile.
        Team.objects.filter(pk=team.pk, time_zone=team.time_zone).update(
            sorted_in=team.time_zone
        )
    return len(stale)
