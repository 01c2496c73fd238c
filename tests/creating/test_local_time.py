"""A time of day that somebody wrote, around the changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tasks_app.services.local_time import moment_of
from tasks_app.services.queueing import duration

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_time_that_does_not_exist_moves_forward_and_says_so() -> None:
    moment, note = moment_of(datetime(2026, 3, 29, 2, 30), BERLIN)

    assert moment == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert note == (
        "02:30 does not exist on 29 March 2026 in Europe/Berlin: the clocks go "
        "forward. 03:30 is used."
    )


def test_of_a_time_that_comes_twice_the_first_is_taken() -> None:
    moment, note = moment_of(datetime(2026, 10, 25, 2, 30), BERLIN)

    assert moment == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert note == ""


def test_an_offset_that_was_written_is_kept() -> None:
    written = datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=-7)))

    assert moment_of(written, BERLIN) == (datetime(2026, 7, 1, 16, tzinfo=UTC), "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "A few seconds"),
        (42, "42 s"),
        (59.6, "1 min"),
        (84, "1 min 24 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (200000, "2 days 7 h"),
    ],
)
def test_a_length_of_time_in_words(seconds, words) -> None:
    assert duration(seconds) == words
