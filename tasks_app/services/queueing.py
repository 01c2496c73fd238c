"""How long an account's queue is, in calls and in words."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from tasks_app.models import ConnectedAccount, Push
from tasks_app.vendors import VendorAdapter

WAITING = (Push.State.QUEUED, Push.State.CLAIMED, Push.State.SENDING)


def calls_waiting(
    account: ConnectedAccount, adapter: VendorAdapter, *, urgent_only: bool = False
) -> int:
    """Return how many calls the tasks that already wait will take, about.

    `urgent_only` counts what an urgent task has to wait for.
    """
    pushes = waiting(account)
    if urgent_only:
        pushes = pushes.filter(lane=Push.Lane.URGENT)
    return calls_for(pushes, adapter.create_limit)


def calls_for(pushes: QuerySet[Push], create_limit: int) -> int:
    """Return how many calls these pushes take, about, by one query."""
    groups = pushes.order_by().values("group_key", "call_limit").annotate(n=Count("pk"))
    calls = 0
    for row in groups:
        most = min(create_limit, row["call_limit"] or create_limit)
        step = most if row["group_key"] else 1
        calls += -(-row["n"] // max(step, 1))
    return calls


def queue_length(account: ConnectedAccount) -> int:
    """Return how many tasks wait in this account's queue."""
    return waiting(account).count()


def waiting(account: ConnectedAccount) -> QuerySet[Push]:
    """Return what goes out by itself: not what waits for a paused batch."""
    return Push.objects.filter(account=account, state__in=WAITING, paused=False)


def duration(seconds: float) -> str:
    """Return a length of time in words: "42 s", "1 min 24 s", "2 h 5 min"."""
    if seconds < 5:
        return "A few seconds"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(round(whole / 60), 60)
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def rate_words(account: ConnectedAccount) -> str:
    """Return the account's limits: "25 per 5 s", "100 per minute, 3,000 per hour"."""
    named = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}
    parts = [
        f"{calls:,} per {named.get(seconds) or f'{seconds:g} s'}"
        for calls, seconds in account.effective_rates()
    ]
    return ", ".join(parts)
