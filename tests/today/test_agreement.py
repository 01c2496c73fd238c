"""The list, its counts, its headings, Today, a week's work and the export agree.

Around midnight and both changes of the clocks, in zones from UTC−11 to UTC+14, for dates
and times: each is held against the wall calendar.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import Task, Team
from tasks_app.services.days import Days
from tasks_app.services.workload import week_of
from tests.factories import make_account, make_task, make_team, make_user

from .test_days import plainly

pytestmark = pytest.mark.django_db
#: Zone and the first moment of a day: a usual one, and those on which clocks change.
MIDNIGHTS = [
    ("Pacific/Pago_Pago", date(2026, 7, 15)),
    ("Pacific/Kiritimati", date(2026, 7, 15)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Santiago", date(2026, 4, 5)),
]
#: Seconds before and after midnight at which people look.
AWAY = (-1, 0, 3600 * 26)


@pytest.fixture
def look(client: Client) -> Any:
    """Return a function that gives what each place shows at a moment."""

    def look(team: Team, now: datetime, query: str) -> dict[str, set[int] | int]:
        with mock.patch.object(timezone, "now", return_value=now):
            listed = client.get(f"{reverse('task-list')}?{query}&sort=title")
            exported = client.get(f"{reverse('task-export')}?{query}")
        text = b"".join(exported.streaming_content).decode().lstrip("\ufeff")
        rows = list(csv.DictReader(io.StringIO(text)))
        return {
            "export": {int(row["Task"]) for row in rows},
            "list": {task.pk for task in listed.context["page"]},
            "count": listed.context["total"],
        }

    return look


@pytest.mark.parametrize(("zone", "day"), MIDNIGHTS)
def test_every_place_says_the_same(
    client: Client, look: Any, zone: str, day: date
) -> None:
    team = make_team(time_zone=zone)
    lead = make_user(team)
    client.force_login(lead)
    account = make_account(team=team)
    midnight = team.start_of(day).astimezone(UTC)
    for away in (-7, -1, 0, 1, 6):
        make_task(account=account, due_on=day + timedelta(days=away))
    for minutes in (-61, -1, 0, 1, 61, 24 * 60):
        at = midnight + timedelta(minutes=minutes)
        make_task(account=account, due_at=at, assignee=lead)
        make_task(account=account, starts_at=at, status="completed")
    tasks = list(Task.objects.filter(team=team))

    for away in AWAY:
        now = midnight + timedelta(seconds=away)
        for word in ("overdue", "today", "week"):
            key = "status" if word == "overdue" else "due"
            expected = {t.pk for t in tasks if plainly(t, word, team, now)}
            seen = look(team, now, f"{key}={word}")
            assert seen == {
                "export": expected,
                "list": expected,
                "count": len(expected),
            }, (word, now)

        late = {t.pk for t in tasks if plainly(t, "overdue", team, now)}
        with mock.patch.object(timezone, "now", return_value=now):
            assert {t.pk for t in tasks if t.is_overdue} == late
            page = client.get(reverse("today"), {"who": "team"})
        facts = page.context["facts"]
        still = [t for t in tasks if t.status in Task.UNFINISHED]
        assert facts.counts["overdue"] == len(late)
        for word in ("today", "week"):
            due = [t for t in still if plainly(t, word, team, now)]
            assert facts.counts[word] == len(due)
        days = Days.of(team, now)
        cells = week_of(Task.objects.filter(team=team), days, days.monday)
        week = [t for t in tasks if plainly(t, "week", team, now)]
        assert sum(cell.count for cell in cells.values()) == len(week)
        assert sum(cell.overdue for cell in cells.values()) == len(
            [t for t in week if t.pk in late]
        )
        assert {place[1] for place in cells} <= {
            (now.astimezone(ZoneInfo(zone)).date() + timedelta(days=n))
            for n in range(-6, 7)
        }
