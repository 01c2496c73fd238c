"""Today, overdue and this week: across midnight, both clock changes and the date line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from tasks_app.models import Task, Team
from tasks_app.services.days import Days, monday_of
from tests.factories import make_account, make_task, make_team

pytestmark = pytest.mark.django_db
#: UTC−11, UTC+14, both hemispheres, and two zones that change at midnight itself.
ZONES = (
    "Pacific/Pago_Pago",
    "Pacific/Kiritimati",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "America/Havana",
    "Asia/Kolkata",
)
WORDS = ("overdue", "today", "tomorrow", "week", "next7", "none")


def plainly(task: Task, word: str, team: Team, now: datetime) -> bool:
    """Say the same by the wall calendar alone, without `due_sort`."""
    zone = ZoneInfo(team.time_zone)
    end = task.due_at or (None if task.due_on else task.starts_at)
    day = end.astimezone(zone).date() if end else task.due_on
    today = now.astimezone(zone).date()
    if word == "none":
        return day is None
    if day is None:
        return False
    if word == "overdue":
        if task.status not in ("open", "in_progress"):
            return False
        return end < now if end else day < today
    monday = today - timedelta(days=today.weekday())
    first, last = {
        "today": (0, 0),
        "tomorrow": (1, 1),
        "week": ((monday - today).days, (monday - today).days + 6),
        "next7": (0, 6),
    }[word]
    return first <= (day - today).days <= last


def hours_around(team: Team, day: date) -> list[datetime]:
    """Return each half hour from the evening before this day until it is over."""
    start = team.start_of(day).astimezone(UTC) - timedelta(hours=3)
    return [start + timedelta(minutes=30 * step) for step in range(64)]


#: The days on which the clocks of one of the zones change, and a usual one.
TURNS = (
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 4),
    date(2026, 4, 5),
    date(2026, 9, 6),
    date(2026, 10, 25),
    date(2026, 11, 1),
    date(2026, 7, 15),
)


@pytest.mark.parametrize("zone", ZONES)
def test_every_word_finds_what_the_wall_calendar_says(zone: str) -> None:
    team = make_team(time_zone=zone)
    account = make_account(team=team)
    kinds: list[dict[str, Any]] = [{}]
    for turn in TURNS[::2]:
        for away in (-1, 0, 1, 6):
            kinds.append({"due_on": turn + timedelta(days=away)})
        for at in hours_around(team, turn)[::5]:
            kinds += [{"due_at": at}, {"starts_at": at}]
    first = make_task(account=account)
    tasks = [first]
    for number, kind in enumerate(kinds):
        task = Task(
            team=team,
            account=account,
            type=first.type,
            channel=first.channel,
            title=str(number),
            status=("open", "in_progress", "completed")[number % 3],
            **kind,
        )
        task.fill_derived(team)
        tasks.append(task)
    Task.objects.bulk_create(tasks[1:])
    tasks = list(Task.objects.filter(team=team))

    for turn in TURNS:
        for now in hours_around(team, turn)[::7]:
            days = Days.of(team, now)
            for word in WORDS:
                found = set(
                    Task.objects.filter(days.due(word), team=team).values_list(
                        "pk", flat=True
                    )
                )
                expected = {t.pk for t in tasks if plainly(t, word, team, now)}
                assert found == expected, (zone, word, now)


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_ends_where_the_next_begins(zone: str) -> None:
    team = make_team(time_zone=zone)

    for number in range(366):
        day = date(2026, 1, 1) + timedelta(days=number)
        end, start = team.end_of(day), team.start_of(day + timedelta(days=1))

        gap = start.astimezone(UTC) - end.astimezone(UTC)
        assert gap == timedelta(microseconds=1), day
        assert team.today(end) == day
        assert team.today(start) == day + timedelta(days=1)


def test_a_date_is_late_with_midnight_and_not_a_moment_before() -> None:
    team = make_team(time_zone="America/Santiago")
    # Here the clocks go from 24:00 back to 23:00: the day has 25 hours.
    day = date(2026, 4, 4)
    task = make_task(account=make_account(team=team), due_on=day)
    midnight = team.start_of(day + timedelta(days=1)).astimezone(UTC)

    for away, late in ((-1, False), (0, True)):
        now = midnight + timedelta(seconds=away)
        overdue = Task.objects.filter(Days.of(team, now).overdue)
        with mock.patch.object(timezone, "now", return_value=now):
            assert task.is_overdue is late
        assert overdue.exists() is late


def test_the_same_moment_is_another_day_at_the_date_line() -> None:
    now = datetime(2026, 7, 15, 10, 30, tzinfo=UTC)
    west = Days.of(make_team(time_zone="Pacific/Pago_Pago"), now)
    east = Days.of(make_team(time_zone="Pacific/Kiritimati"), now)

    assert (west.today, east.today) == (date(2026, 7, 14), date(2026, 7, 16))
    assert west.monday == east.monday == date(2026, 7, 13)


def test_a_week_is_from_monday_to_sunday() -> None:
    sunday = date(2026, 7, 19)

    assert monday_of(sunday) == date(2026, 7, 13)
    assert monday_of(sunday + timedelta(days=1)) == date(2026, 7, 20)
    team = make_team(time_zone="UTC")
    assert Days.of(team, team.start_of(sunday)).span("week") == (
        date(2026, 7, 13),
        sunday,
    )
