"""YSuite's numbers and zoneless times, and a task as its answers show it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from .answers import mapping, same_text, whole_number
from .findings import RemoteTask
from .words import Priority, Status

#: 4 is the most urgent; 2 where the field is left out.
PRIORITIES: Mapping[Priority, int] = {
    Priority.NONE: 0,
    Priority.LOW: 1,
    Priority.MEDIUM: 2,
    Priority.HIGH: 3,
    Priority.URGENT: 4,
}
_PRIORITIES_BACK = {number: priority for priority, number in PRIORITIES.items()}

STATUSES = {
    "0": Status.OPEN,
    "1": Status.IN_PROGRESS,
    "2": Status.COMPLETED,
    "3": Status.CANCELLED,
    "4": Status.NO_SHOW,
}


def integer(value: Any) -> int | None:
    """Return an id: a whole number above or equal to 0, also given as text."""
    number = whole_number(value)
    return number if number is not None and number >= 0 else None


def local_text(at: datetime | None, zone: tzinfo) -> str | None:
    """Return `YYYY-MM-DDTHH:MM:SS` in the account's zone.

    When clocks go back, an hour occurs twice: both instants become the same text.
    """
    if at is None:
        return None
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def local_moment(value: Any, zone: tzinfo) -> datetime | None:
    """Return the instant of a zoneless time, in UTC; None where it is unreadable.

    A time that occurs twice is the first of the two; one that clocks jump over moves
    forward by the jump. A time that names its zone is taken at its word.
    """
    if not isinstance(value, str) or not re.match(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}.", value
    ):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        at = at.replace(tzinfo=zone, fold=0) if at.tzinfo is None else at
        return at.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def read_row(row: Any, *, zone: tzinfo) -> RemoteTask | None:
    """Return the task in this row, None where it has no id."""
    row = mapping(row)
    number = row.get("activity_id")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        return None
    values: dict[str, Any] = {}
    compare: dict[str, Any] = {}

    title, note = row.get("title"), row.get("description", 0)
    if isinstance(title, str):
        values["title"], compare["text"] = title, same_text(title)
    if isinstance(note, str | None):
        values["note"] = note or ""
        compare["note"] = same_text(note or "")
    for ours, theirs, name in (
        ("start", "start_datetime", "starts_at"),
        ("end", "end_datetime", "due_at"),
    ):
        at = local_moment(row.get(theirs), zone)
        if at is not None:
            values[name], compare[ours] = at, local_text(at, zone)
    priority = integer(row.get("priority"))
    if priority in _PRIORITIES_BACK:
        values["priority"], compare["priority"] = _PRIORITIES_BACK[priority], priority
    for ours, theirs in (
        ("prospect", "cstid"),
        ("deal", "deal_id"),
        ("assignee", "assigned_user_id"),
    ):
        found = integer(row.get(theirs))
        if found is not None:
            compare[ours] = found
    values["prospect_id"] = str(compare.get("prospect", ""))
    values["assignee_id"] = str(compare.get("assignee", ""))
    status = row.get("status")
    word = "" if isinstance(status, bool) or status is None else str(status)
    shown = {name for name, value in values.items() if value != ""}
    shown |= {"note"} & values.keys()
    return RemoteTask(
        external_id=str(number),
        status=STATUSES.get(word),
        vendor_status=word,
        compare=compare,
        text=values.get("title", ""),
        shown=frozenset(shown | ({"status"} if word else set())),
        **values,
    )
