"""Tasks on a page that change by themselves: which, how often they are looked after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from tasks_app.models import Task
from tasks_app.services.following import ACTING

#: The page looks again after so many seconds, for so many times.
PATIENCE = ((15, 2), (30, 5), (45, 20))
#: The same for what waits to be sent: its turn may be hours away.
WAITING = (*PATIENCE, (75, 20), (195, 60))
#: What stands still (a pause, a refused key, a vendor that is busy) is looked at so seldom.
SELDOM = 20
#: While something changes, the next look is one of these early ones.
EARLY = 15
#: What a row shows and others than its reader may change.
SHOWN = (
    *("title", "status", "vendor_status", "priority", "due_at", "due_on", "starts_at"),
    *("assignee_id", "vendor_user_id", "delivery", "delivery_error", "retry_at"),
    *("action", "action_state", "action_error", "is_held"),
)


def is_acting(task: Task) -> bool:
    return task.action_state in ACTING


def is_moving(task: Task) -> bool:
    """Whether it goes on by itself: on its way to the vendor, or something asked for."""
    return is_acting(task) or task.delivery in Task.MOVING


def stands_still(task: Task) -> bool:
    """Whether its turn is not about to come, as far as one knows."""
    waits = task.delivery == Task.Delivery.QUEUED
    account = task.account
    shut = account.state != account.State.CONNECTED
    return waits and (shut or task.is_held or task.retry_at is not None)


def seconds_after(looks: int, steps: Sequence[tuple[int, int]] = PATIENCE) -> int:
    """Return seconds until a page looks again after so many looks, 0 = it stops."""
    return next((seconds for most, seconds in steps if looks < most), 0)


def next_look(tasks: Iterable[Task], looks: int) -> int:
    """Return seconds until these are looked at again after so many looks, 0 = no more."""
    moving = [task for task in tasks if is_moving(task)]
    if not moving:
        return 0
    sent = all(task.delivery not in Task.MOVING for task in moving)
    seconds = seconds_after(looks, PATIENCE if sent else WAITING)
    if seconds and all(stands_still(task) for task in moving):
        return max(seconds, SELDOM)
    return seconds


def mark_of(task: Task, names: Sequence[str] = SHOWN) -> str:
    """Return a short mark that is another one when a row would look otherwise."""
    text = repr([getattr(task, name) for name in names])
    return f"{crc32(text.encode()) & 0xFFFFF:x}"


def delivery_mark(task: Task) -> str:
    return mark_of(task, ("delivery", "delivery_error", "retry_at", "is_held"))


def watch(tasks: Iterable[Task], looks: int = 0) -> dict[str, Any]:
    """Return what a list needs to look after those of its rows that move."""
    moving = [task for task in tasks if is_moving(task)]
    return {
        "watched": ",".join(str(task.pk) for task in moving),
        "marks": ",".join(mark_of(task) for task in moving),
        "every": next_look(moving, looks),
        "looks": looks + 1,
    }
