"""Whether and when to try again: pure functions of what is known."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

FIRST = 5.0  # seconds
LONGEST = 900.0
#: A push is tried for so long, or until its due time if that is sooner.
PATIENCE = timedelta(hours=24)
#: A look-up is tried for so long before a person is asked.
LOOK_PATIENCE = timedelta(hours=24)
#: A vendor that took a request and never shows the task is waited for so long.
ACCEPTED_PATIENCE = timedelta(hours=12)
FIRST_LOOK_AFTER_ACCEPTED = timedelta(seconds=3)


def backoff(tries: int) -> timedelta:
    """Return a wait with full jitter after this many tries: 0..5 s, 0..10 s … 15 min."""
    most = min(FIRST * 2 ** min(max(tries - 1, 0), 20), LONGEST)
    return timedelta(seconds=random.uniform(0, most))


def next_look(now: datetime, since: datetime) -> datetime:
    """Return when to look again: after half the time waited, within 5 s and 15 min."""
    waited = (now - since).total_seconds()
    return now + timedelta(seconds=min(max(waited / 2, 5.0), LONGEST))


def gives_up_at(created_at: datetime, due_sort: datetime) -> datetime:
    """Return when a queued push is not sent any more without a person's word.

    A task that was already due when it was written is tried for the whole time.
    """
    latest = created_at + PATIENCE
    return min(latest, due_sort) if due_sort > created_at else latest
