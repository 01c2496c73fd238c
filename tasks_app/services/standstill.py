"""Why an account's queue stands still, since when, and how long it will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Team

from . import gate, pacing
from .members import name_of
from .queueing import calls_for, calls_waiting, queue_length, waiting


@dataclass(frozen=True)
class HeldUp:
    """Why an account's queue stands still or is slow, and since when."""

    tone: str
    headline: str
    sentence: str = ""


def held_up(
    account: ConnectedAccount, team: Team, *, now: datetime | None = None
) -> HeldUp | None:
    """Return what is in the way of this account's queue, None when it moves."""
    now = now or timezone.now()
    vendor = account.get_vendor_display()
    safe = tasks_words(queue_length(account))
    state = ConnectedAccount.State
    if account.deleted_at is not None:
        return HeldUp("red", f"{account.name} is disconnected", f"{safe} in its queue.")
    if account.state == state.NEEDS_NEW_KEY:
        since = clock(account.state_since, team, now)
        return HeldUp(
            "red",
            f"{vendor} rejects the key since {since}",
            f"{safe} safe in the queue. They go out when an administrator has entered "
            "a new key.",
        )
    if account.state == state.PAUSED:
        who = account.paused_by
        by = f" by {name_of(who)}" if who else ""
        since = clock(account.state_since, team, now)
        return HeldUp(
            "amber",
            f"{account.name} is paused{by} since {since}",
            f"{safe} safe in the queue. They go out when the account goes on.",
        )
    again = account.held_until if not gate.is_open(account, now) else None
    next_try = f" Next try at {clock(again, team, now)}." if again else ""
    if account.trouble_since is not None and (again or account.state == state.TROUBLE):
        since = clock(account.trouble_since, team, now)
        return HeldUp(
            "amber",
            f"{vendor} has not answered as it should since {since}",
            f"{account.held_reason or account.state_reason} {safe} safe in the queue."
            f"{next_try}".strip(),
        )
    if again:
        return HeldUp("amber", f"{vendor} asked for a pause", f"{safe} wait.{next_try}")
    return None


def tasks_words(number: int) -> str:
    return "1 task is" if number == 1 else f"{number:,} tasks are"


def clock(at: datetime, team: Team, now: datetime) -> str:
    """Return "08:14", with the day where it is another one."""
    local, today = at.astimezone(team.zone), now.astimezone(team.zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    return f"{local.day} {local:%B %H:%M}"


def seconds_left(account: ConnectedAccount) -> float:
    """Return how long the account's whole queue takes at its rates, at best."""
    calls = calls_waiting(account, account.adapter())
    return pacing.held_seconds(account) + pacing.seconds_for(account, calls)


def turn_times(
    account: ConnectedAccount, task_ids: Sequence[int], *, now: datetime | None = None
) -> dict[int, datetime]:
    """Return about when each of these is sent if it is queued, by its id.

    Two queries for any number: what stands before the first of them is counted, and
    the others are taken to follow each other.
    """
    now = now or timezone.now()
    queue = waiting(account).filter(state=Push.State.QUEUED)
    creates = queue.filter(task__in=task_ids, kind=Push.Kind.CREATE)
    rows = list(
        creates.order_by("lane", "pk").values_list("task_id", "pk", "lane", "group_key")
    )
    if not rows:
        return {}
    _, first, lane, _ = rows[0]
    before = queue.filter(Q(lane__lt=lane) | Q(lane=lane, pk__lt=first))
    most = account.adapter_class.create_limit
    calls = calls_for(before, most)
    held = pacing.held_seconds(account)
    found, groups = {}, Counter[str]()
    for task_id, _, _, group in rows:
        calls += not group or groups[group] % most == 0
        groups[group] += 1
        wait = held + pacing.seconds_for(account, calls)
        found[task_id] = now + timedelta(seconds=wait)
    return found
