"""Saleshandy's codes and words, and a task as any of its answers shows it.

The codes are documented for creating. What reading answers look like is not: rows are
read by every likely name, and a value under none of them counts as not shown.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from .answers import first_text, mapping, moment
from .findings import RemoteTask
from .offers import TypeInfo
from .words import Channel, Priority, Status

#: https://developer.saleshandy.com/api-reference/tasks/create, `taskType`.
TYPES = tuple(
    TypeInfo(code, name, channel)
    for code, name, channel in (
        ("2", "LinkedIn connection request", Channel.LINKEDIN),
        ("3", "LinkedIn message", Channel.LINKEDIN),
        ("4", "LinkedIn InMail", Channel.LINKEDIN),
        ("5", "LinkedIn view profile", Channel.LINKEDIN),
        ("6", "LinkedIn post interaction", Channel.LINKEDIN),
        ("9", "Custom", Channel.TODO),
        ("11", "Call introduction", Channel.CALL),
        ("12", "Call demo", Channel.CALL),
        ("13", "Call follow-up", Channel.CALL),
        ("14", "Call reminder", Channel.CALL),
        ("15", "Call other", Channel.CALL),
        ("16", "WhatsApp message", Channel.WHATSAPP),
        ("17", "WhatsApp voice message", Channel.WHATSAPP),
        ("18", "WhatsApp voice call", Channel.WHATSAPP),
    )
)
CALLS = frozenset(info.code for info in TYPES if info.channel is Channel.CALL)
#: The families that the list can be filtered by.
FAMILIES = {
    info.code: "custom" if info.channel is Channel.TODO else info.channel.value
    for info in TYPES
}

#: 1 is the most urgent; a task without a priority is created without the field.
PRIORITIES: Mapping[Priority, str | None] = {
    Priority.NONE: None,
    Priority.LOW: "4",
    Priority.MEDIUM: "3",
    Priority.HIGH: "2",
    Priority.URGENT: "1",
}
_PRIORITY_WORDS = {
    **{code: priority for priority, code in PRIORITIES.items() if code},
    **{priority.name.lower(): priority for priority in Priority},
    "": Priority.NONE,
    "0": Priority.NONE,
}

#: The first three follow from the due day; `snoozed` comes from the snooze answer.
STATUSES = {
    "upcoming": Status.OPEN,
    "dueToday": Status.OPEN,
    "overdue": Status.OPEN,
    "snoozed": Status.OPEN,
    "completed": Status.COMPLETED,
    "skipped": Status.SKIPPED,
}
_STATUS_WORDS = {word.lower(): status for word, status in STATUSES.items()}

#: https://developer.saleshandy.com/api-reference/tasks/snooze, `callOutcome`.
CALL_OUTCOMES = tuple(
    (word, word)
    for word in (
        "Interested",
        "Callback Later",
        "Followup",
        "Not Interested",
        "Wrong Number",
        "No Answer",
        "Left Voicemail",
        "Not In Service",
    )
)


def plain(text: str) -> str:
    """Return a note as notes are compared: without markup, with even spacing."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", text)).split())


def due_day(value: Any, zone: tzinfo) -> date | None:
    """Return the day in a due date, None where it cannot be told surely.

    A day that is stored as a date-time begins or ends in UTC or in the account's zone.
    """
    if not isinstance(value, str):
        return None
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            return None
    at = moment(value)
    if at is None:
        return None
    for seen in (at.astimezone(UTC), at.astimezone(zone)):
        if (seen.hour, seen.minute) in ((0, 0), (23, 59)):
            return seen.date()
    return None


def read_row(row: Any, *, zone: tzinfo, status: str = "") -> RemoteTask | None:
    """Return the task in this row, None where it has no id.

    `status` is the one that was asked for, used where the row shows none.
    """
    row = mapping(row)
    task_id = row.get("taskId") or row.get("id")
    task_id = task_id.strip() if isinstance(task_id, str) else ""
    if not task_id or not task_id.isprintable():
        return None
    values: dict[str, Any] = {}
    compare: dict[str, Any] = {}

    word = first_text(row, "status", "taskStatus") or status
    note = _shown(row, "taskNote", "note", "notes")
    if isinstance(note, str | None):
        values["note"] = note or ""
        compare["text"] = plain(note or "")
    code = first_text(row, "taskType", "type")
    if code in FAMILIES:
        values["type_code"] = compare["type"] = code
    priority = _shown(row, "priority")
    key = "" if priority is None else str(priority).strip().lower()
    if priority is not _ABSENT and key in _PRIORITY_WORDS:
        values["priority"] = _PRIORITY_WORDS[key]
        compare["priority"] = PRIORITIES[values["priority"]]
    day = due_day(_shown(row, "dueDate", "dueAt"), zone)
    if day is not None:
        compare["due"] = day.isoformat()
    until = moment(row.get("snoozedUntil")) if word.lower() == "snoozed" else None
    if until is not None:
        values["due_at"] = until
    elif day is not None:
        values["due_on"] = day

    person = mapping(row.get("prospect"))
    prospect = first_text(row, "prospectId") or first_text(person, "id", "prospectId")
    if prospect:
        values["prospect_id"] = compare["prospect"] = prospect
    name = first_text(row, "prospectName") or first_text(person, "name", "fullName")
    name = name or " ".join(
        filter(None, (first_text(person, "firstName"), first_text(person, "lastName")))
    )
    if name:
        values["prospect_name"] = name
    holder = mapping(row.get("assignee") or row.get("taskAssignee"))
    values["assignee_id"] = first_text(holder, "id", "userId") or first_text(
        row, "assigneeId", "taskAssignee"
    )
    values["assignee_email"] = first_text(holder, "email") or first_text(
        row, "assigneeEmail"
    )
    values["created_at"] = moment(row.get("createdAt"))
    values["changed_at"] = moment(row.get("skippedAt")) or moment(row.get("updatedAt"))
    values["completed_at"] = moment(row.get("completedAt"))
    shown = {name for name, value in values.items() if value not in ("", None)}
    shown |= {name for name in ("note", "priority") if name in values}
    return RemoteTask(
        external_id=task_id,
        status=_STATUS_WORDS.get(word.lower()),
        vendor_status=word,
        compare=compare,
        text=values.get("note", ""),
        shown=frozenset(shown | ({"status"} if word else set())),
        **values,
    )


_ABSENT = object()


def _shown(row: Mapping[str, Any], *names: str) -> Any:
    """Return the value under the first of these names, `_ABSENT` where none is."""
    return next((row[name] for name in names if name in row), _ABSENT)


def ended_at(row: Any) -> datetime | None:
    """Return when the task in this row was finished, None where that is not shown."""
    row = mapping(row)
    return moment(row.get("completedAt")) or moment(row.get("skippedAt"))
