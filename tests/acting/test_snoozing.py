"""The moments of the snooze menu, in the team's zone and at its edges."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tasks_app.models import Team
from tasks_app.services import snoozing

BERLIN = ZoneInfo("Europe/Berlin")


def offered(at: datetime, zone: str = "Europe/Berlin") -> dict[str, str]:
    """Return label → local moment, as the menu shows them at `at`."""
    team = Team(time_zone=zone)
    shown = snoozing.moments(team, at.astimezone(UTC))
    assert [m.at for m in shown] == sorted({m.at for m in shown})
    assert all(m.at > at for m in shown)
    return {m.label: f"{m.at.astimezone(team.zone):%a %d %H:%M}" for m in shown}


def test_in_the_morning_the_afternoon_is_offered():
    assert offered(datetime(2026, 7, 15, 10, 12, tzinfo=BERLIN)) == {
        "In 1 hour": "Wed 15 11:12",
        "This afternoon": "Wed 15 14:00",
        "Tomorrow": "Thu 16 09:00",
        "In 2 days": "Fri 17 09:00",
        "Next Monday": "Mon 20 09:00",
        "In a week": "Wed 22 09:00",
    }


@pytest.mark.parametrize(
    ("day", "clock", "missing"),
    [
        (15, (12, 0), {"This afternoon"}),
        (15, (11, 59), set()),
        (15, (23, 30), {"This afternoon"}),
        (18, (15, 0), {"This afternoon", "In 2 days"}),  # Saturday
        (19, (15, 0), {"This afternoon", "Next Monday"}),  # Sunday
        (20, (15, 0), {"This afternoon", "In a week"}),  # Monday
    ],
)
def test_each_moment_is_offered_once(day, clock, missing):
    every = {"In 1 hour", "This afternoon", "Tomorrow", "Next Monday", "In 2 days"}
    every.add("In a week")
    found = offered(datetime(2026, 7, day, *clock, tzinfo=BERLIN))

    assert every - set(found) == missing


def test_late_in_the_evening_an_hour_ends_tomorrow():
    found = offered(datetime(2026, 7, 15, 23, 30, tzinfo=BERLIN))

    assert found["In 1 hour"] == "Thu 16 00:30"
    assert found["Tomorrow"] == "Thu 16 09:00"


def test_the_day_is_the_teams_not_that_of_utc():
    found = offered(datetime(2026, 7, 15, 23, 30, tzinfo=UTC), "Asia/Tokyo")

    assert found["This afternoon"] == "Thu 16 14:00"
    assert found["Tomorrow"] == "Fri 17 09:00"


@pytest.mark.parametrize(
    "evening", [datetime(2026, 3, 28, 23, 30), datetime(2026, 10, 24, 23, 30)]
)
def test_over_a_change_of_the_clock_mornings_stay_at_nine(evening):
    found = offered(evening.replace(tzinfo=BERLIN))

    assert found["Tomorrow"].endswith("09:00")
    assert found["In a week"].endswith("09:00")


def test_an_hour_over_the_change_of_the_clock_is_an_hour():
    before = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN)

    assert offered(before)["In 1 hour"] == "Sun 29 03:30"


def test_a_moment_of_an_old_menu_that_is_over_is_refused():
    team, now = (
        Team(time_zone="Europe/Berlin"),
        datetime(2026, 7, 15, 16, tzinfo=BERLIN),
    )

    assert snoozing.moment_named("afternoon", team, now) is None
    assert snoozing.moment_named("nonsense", team, now) is None
    at = snoozing.moment_named("days", team, now)
    assert at is not None and at.astimezone(BERLIN).day == 17
