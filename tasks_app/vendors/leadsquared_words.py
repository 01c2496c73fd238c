"""LeadSquared's hosts, times and options, and how a draft becomes a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, tzinfo
from typing import Any

from .answers import whole_number
from .drafts import TaskDraft
from .words import Channel

#: https://apidocs.leadsquared.com/overview/
HOSTS: tuple[tuple[str, str], ...] = (
    ("api.leadsquared.com", "Singapore"),
    ("api-us11.leadsquared.com", "United States"),
    ("api-in21.leadsquared.com", "India (Mumbai)"),
    ("api-in22.leadsquared.com", "India (Hyderabad)"),
    ("api-ir31.leadsquared.com", "Ireland"),
    ("api-ca12.leadsquared.com", "Canada"),
)
#: `RelatedEntity`: 0 and 1 [seed], 5 in the newer bulk call [seed].
RELATED: dict[str, int] = {"none": 0, "lead": 1, "opportunity": 5}
NOTIFY: dict[str, str] = {"email": "1100", "none": "1000"}  # [seed]
APPOINTMENT, TODO = "0", "1"  # `Category` of a type

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CUSTOM_NAME = re.compile(r"mx_\w+", re.ASCII)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")

#: Types are the account's own: their names are all there is to guess a channel by.
_CHANNELS: tuple[tuple[Channel, str], ...] = (
    (Channel.WHATSAPP, "whatsapp"),
    (Channel.LINKEDIN, "linkedin|linked in"),
    (Channel.SMS, r"\bsms\b|text message"),
    (Channel.EMAIL, r"e-?mail|\bmail"),
    (Channel.CALL, r"\b(re)?call|phone|telephon|dial"),
    (Channel.MEETING, r"meeting|\bmeet\b|visit|demo|appointment"),
)


def channel_of(type_name: str) -> Channel:
    """Return the channel that the name of a type speaks of, else a to-do."""
    name = type_name.casefold()
    for channel, pattern in _CHANNELS:
        if re.search(pattern, name):
            return channel
    return Channel.TODO


def stamp(moment: datetime) -> str:
    """Return `2021-11-25 13:10:00` in UTC, the one form all calls take [seed]."""
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return naive.isoformat(sep=" ", timespec="seconds")


def times_of(draft: TaskDraft, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Return `DueDate`, which is a start, and `EndDate`, after which it is overdue.

    A day without a time begins at its midnight and ends with its last second: else
    it would be overdue as soon as it has begun.
    """
    first = last = None
    if draft.due_on:
        first = datetime.combine(draft.due_on, time(), tzinfo=zone)
        last = datetime.combine(draft.due_on, time(23, 59, 59), tzinfo=zone)
    if draft.starts_at:
        return draft.starts_at, draft.due_at or last
    if draft.due_at:
        return draft.due_at, None
    return first, last


def related_of(draft: TaskDraft) -> str:
    """Return what the task is related to, '' where the option is none of ours."""
    chosen = str(draft.options.get("related") or "lead").strip().casefold()
    by_code = {str(code): word for word, code in RELATED.items()}
    chosen = by_code.get(chosen, chosen)
    return chosen if chosen in RELATED else ""


def relation_of(draft: TaskDraft) -> tuple[int, str]:
    """Return `RelatedEntity` and `RelatedEntityId`."""
    related = related_of(draft)
    if related == "opportunity":
        return RELATED[related], str(draft.options.get("opportunity_id") or "").strip()
    if related == "lead":
        return RELATED[related], draft.prospect.external_id
    return RELATED["none"], ""


def notify_of(value: Any) -> str | None:
    """Return the code for a word or a code, '' for nothing, None if unknown."""
    text = str(value or "").strip().casefold()
    if not text or text in NOTIFY.values():
        return text
    return NOTIFY.get(text)


def clock_of(value: Any) -> str | None:
    """Return `10:00:00` for a time of day, '' for nothing, None if it is none."""
    text = str(value or "").strip()
    if not text:
        return ""
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    return f"{int(match[1]):02}:{match[2]}:{match[3] or '00'}"


def amount_of(value: Any) -> int | None:
    """Return a number of minutes or days, None if it is none or below zero."""
    number = whole_number(value)
    return number if number is not None and number >= 0 else None


def custom_fields(options: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the type's own fields, given as an object, as lines `mx_Custom_1=…`, or
    as options of that name; None where one cannot be read."""
    given = options.get("custom_fields") or {}
    pairs: list[tuple[Any, Any]] = []
    if isinstance(given, Mapping):
        pairs += given.items()
    elif isinstance(given, str):
        lines = [line for line in given.splitlines() if line.strip()]
        if any("=" not in line for line in lines):
            return None
        pairs += [tuple(line.split("=", 1)) for line in lines]  # type: ignore[misc]
    elif isinstance(given, list | tuple):
        if not all(isinstance(p, list | tuple) and len(p) == 2 for p in given):
            return None
        pairs += [(p[0], p[1]) for p in given]
    else:
        return None
    pairs += [item for item in options.items() if item[0].startswith("mx_")]
    found: dict[str, str] = {}
    for name, value in pairs:
        key = str(name).strip()
        if not _CUSTOM_NAME.fullmatch(key) or isinstance(value, list | dict | tuple):
            return None
        if value is not None and str(value).strip():
            found[key] = str(value).strip()
    return found


def create_row(
    draft: TaskDraft, *, description: str, zone: tzinfo, bulk: bool
) -> dict[str, Any]:
    """Return the object that creates a valid draft, alone or as a row of the bulk call.

    https://apidocs.leadsquared.com/create-task-appointment/ and .../create-a-to-do/
    """
    options = draft.options
    entity, entity_id = relation_of(draft)
    due, end = times_of(draft, zone)
    row: dict[str, Any] = {
        "Name": draft.title.strip(),
        "Description": description,
        "RelatedEntity": entity,
        "RelatedEntityId": entity_id,
    }
    if due:
        row["DueDate"] = stamp(due)
    if end:
        row["EndDate"] = stamp(end)
    row |= reminder_of(draft)
    row |= owner_of(draft, bulk=bulk)
    if location := str(options.get("location") or "").strip():
        row["Location"] = location
    row["TaskType"] = {"Name": draft.type_code.strip()}
    if fields := custom_fields(options):
        row["CustomFields"] = fields
    return row


def reminder_of(draft: TaskDraft) -> dict[str, Any]:
    """Return the reminder: in minutes, or for to-dos in days at a time of day."""
    row: dict[str, Any] = {}
    if (minutes := amount_of(draft.options.get("reminder"))) is not None:
        row["Reminder"] = minutes
    if clock := clock_of(draft.options.get("reminder_time")):
        days = amount_of(draft.options.get("reminder_before_days")) or 0
        row |= {"ReminderBeforeDays": str(days), "ReminderTime": clock}
    if notify := notify_of(draft.options.get("notify_by")):
        row["NotifyBy"] = notify
    return row


def owner_of(draft: TaskDraft, *, bulk: bool) -> dict[str, str]:
    """Return the owner. The bulk call documents the e-mail address alone [seed]."""
    owner = draft.assignee
    if owner is None:
        return {}
    if owner.external_id and not (bulk and owner.email):
        return {"OwnerId": owner.external_id}
    return {"OwnerEmailAddress": owner.email} if owner.email else {}
