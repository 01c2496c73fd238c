"""Words and relative times, in any zone, across midnight and the two clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tasks_app.models import Batch, Push, Task, Team
from tasks_app.templatetags.baton import hue, initials, web_address
from tasks_app.views.task_groups import HEADINGS, ends, grouped
from tasks_app.views.wording import (
    When,
    clock_words,
    delivery_look,
    due_words,
    moment_words,
    zone_words,
)

BERLIN = Team(name="A", time_zone="Europe/Berlin")
NOW = datetime(2026, 7, 15, 8, 30, tzinfo=UTC)  # Wednesday, 10:30 in Berlin


def task(team: Team = BERLIN, **fields: object) -> Task:
    made = Task(**{"status": "open", **fields})
    made.prospect = None
    made.fill_derived(team)
    return made


@pytest.mark.parametrize(
    ("fields", "text", "tone"),
    [
        ({"due_on": date(2026, 7, 15)}, "Today", "today"),
        ({"due_on": date(2026, 7, 16)}, "Tomorrow", ""),
        ({"due_on": date(2026, 7, 17)}, "Fri", ""),
        ({"due_on": date(2026, 7, 22)}, "22 Jul", ""),
        ({"due_on": date(2027, 7, 22)}, "22 Jul 2027", ""),
        ({"due_on": date(2026, 7, 14)}, "1 day late", "late"),
        ({"due_on": date(2026, 7, 14), "status": "completed"}, "Yesterday", ""),
        ({"due_on": date(2026, 7, 1), "status": "skipped"}, "1 Jul", ""),
        ({"due_at": NOW + timedelta(minutes=30)}, "Today 11:00", "today"),
        ({"due_at": NOW + timedelta(days=1)}, "Tomorrow 10:30", ""),
        ({"due_at": NOW - timedelta(seconds=5)}, "1 min late", "late"),
        ({"due_at": NOW - timedelta(minutes=59)}, "59 min late", "late"),
        ({"due_at": NOW - timedelta(hours=3)}, "3 h late", "late"),
        ({"due_at": NOW - timedelta(hours=11)}, "1 day late", "late"),
        ({"due_at": NOW - timedelta(days=13)}, "13 days late", "late"),
        ({"starts_at": NOW + timedelta(hours=1)}, "Today 11:30", "today"),
        ({"starts_at": NOW, "due_on": date(2026, 7, 16)}, "Tomorrow", ""),
    ],
)
def test_due_in_words(fields: dict[str, object], text: str, tone: str) -> None:
    due = due_words(task(**fields), BERLIN, NOW)

    assert due is not None
    assert (due.text, due.tone) == (text, tone)


def test_no_date_is_none() -> None:
    assert due_words(task(), BERLIN, NOW) is None


def test_the_exact_time_names_its_zone() -> None:
    timed = due_words(task(due_at=NOW), BERLIN, NOW)
    whole_day = due_words(task(due_on=date(2026, 7, 13)), BERLIN, NOW)

    assert timed and whole_day
    assert timed.title == "Wednesday 15 July 2026, 10:30 Berlin time"
    assert timed.iso == "2026-07-15T10:30+02:00"
    assert whole_day.title == "Monday 13 July 2026, any time"
    assert whole_day.iso == "2026-07-13"


@pytest.mark.parametrize(
    ("zone", "now", "text"),
    [
        # The same day is today, tomorrow or yesterday around the world.
        ("Etc/GMT+11", datetime(2026, 7, 15, 10, 59, tzinfo=UTC), "Tomorrow"),
        ("Etc/GMT+11", datetime(2026, 7, 15, 11, 0, tzinfo=UTC), "Today"),
        ("Pacific/Kiritimati", datetime(2026, 7, 14, 9, 59, tzinfo=UTC), "Tomorrow"),
        ("Pacific/Kiritimati", datetime(2026, 7, 14, 10, 0, tzinfo=UTC), "Today"),
        ("Pacific/Kiritimati", datetime(2026, 7, 15, 9, 59, tzinfo=UTC), "Today"),
        ("Pacific/Kiritimati", datetime(2026, 7, 15, 10, 0, tzinfo=UTC), "1 day late"),
    ],
)
def test_a_day_belongs_to_the_teams_zone(zone: str, now: datetime, text: str) -> None:
    team = Team(name="B", time_zone=zone)

    due = due_words(task(team, due_on=date(2026, 7, 15)), team, now)

    assert due and due.text == text


@pytest.mark.parametrize(
    ("utc", "text"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "Today 01:59"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Today 03:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Today 02:30"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Today 02:30"),
    ],
)
def test_clock_changes(utc: datetime, text: str) -> None:
    due = due_words(task(due_at=utc), BERLIN, utc - timedelta(minutes=5))

    assert due and due.text == text


def test_groups_on_a_sunday_and_on_the_longest_day() -> None:
    class On:
        team = BERLIN
        today = date(2026, 10, 25)  # a Sunday of 25 hours
        now = datetime(2026, 10, 25, 8, 0, tzinfo=UTC)

    limits = dict(ends(On()))  # type: ignore[arg-type]
    tasks = [
        task(due_on=date(2026, 10, 24)),
        task(due_at=datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)),
        task(due_on=date(2026, 10, 25)),
        task(due_at=datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
        task(due_on=date(2026, 10, 27)),
        task(),
    ]

    groups = grouped(tasks, dict.fromkeys(HEADINGS, 0), On())  # type: ignore[arg-type]

    assert limits["today"].astimezone(UTC) - limits["before"].astimezone(
        UTC
    ) == timedelta(hours=25)
    assert [(g.heading, len(g.tasks)) for g in groups] == [
        ("Before today", 1),
        ("Today", 2),
        ("Tomorrow", 1),
        ("Later", 1),
        ("No date", 1),
    ]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "just now"),
        (NOW - timedelta(seconds=61), "1 min ago"),
        (NOW - timedelta(minutes=90), "09:00"),
        (NOW - timedelta(days=1), "Yesterday 10:30"),
        (NOW + timedelta(minutes=13), "10:43"),
        (NOW - timedelta(days=400), "10 Jun 2025 10:30"),
    ],
)
def test_moments_in_words(at: datetime, text: str) -> None:
    assert moment_words(at, BERLIN, NOW).text == text


def test_a_page_that_stays_open_gets_the_clock() -> None:
    assert clock_words(NOW, BERLIN, NOW).text == "10:30"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Berlin", "Berlin time"),
        ("America/New_York", "New York time"),
        ("UTC", "UTC"),
    ],
)
def test_the_zone_is_named(zone: str, words: str) -> None:
    assert zone_words(Team(time_zone=zone)) == words


@pytest.mark.parametrize("state", [*Task.Delivery.values, "retrying"])
def test_every_state_has_a_word_a_mark_and_an_explanation(state: str) -> None:
    look = delivery_look(state)

    assert look.label and look.key in {
        "queued",
        "sending",
        "accepted",
        "delivered",
        "failed",
        "needs_check",
        "withdrawn",
        "retrying",
    }
    assert look.title or state == "retrying"


def test_what_is_held_is_said_to_wait_no_longer_than_until_its_due_time() -> None:
    held = Task(delivery="queued", batch=Batch(paused_at=NOW))

    assert delivery_look(held).title == (
        "Its batch is paused: it waits until that goes on or its due time passes"
    )


def test_what_was_taken_back_is_not_said_to_be_unsent() -> None:
    assert "before it was sent" not in delivery_look("withdrawn").title


def test_retrying_says_when_and_why() -> None:
    busy = Task(delivery="queued", retry_at=NOW, delivery_error="YSuite was busy.")
    push = Push(state="queued", error="YSuite was busy.", not_before=NOW)

    for thing in (busy, push):
        look = delivery_look(thing, BERLIN)
        assert (look.label, look.title) == (
            "Retrying",
            "YSuite was busy. Trying again at 10:30.",
        )
    assert delivery_look(Push(state="queued")).label == "Queued"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/x",
        "",
        "http://[",
        "ftp://x/",
    ],
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert web_address(url) == ""
    assert web_address("https://x.example/1") == "https://x.example/1"


def test_avatars_for_any_name() -> None:
    class Person:
        def __init__(self, name: str) -> None:
            self.full_name = name

        def __str__(self) -> str:
            return "nobody@x.example"

    shown = {
        name: initials(Person(name)) for name in ("Amara Nwosu", "Cher", "", "李 小龙")
    }

    assert shown == {"Amara Nwosu": "AN", "Cher": "C", "": "N", "李 小龙": "李小"}
    assert 1 <= hue(Person("Cher")) <= 6


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("Yesterday 23:04", "yesterday 23:04"),
        ("Today", "today"),
        ("10:02", "10:02"),
        ("16 Nov 10:02", "16 Nov 10:02"),
        ("Wed 07:04", "Wed 07:04"),
    ],
)
def test_a_day_within_a_sentence_begins_small(text, within) -> None:
    assert When(text, "", "").within == within
