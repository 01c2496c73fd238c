"""Reply.io's codes and words for the same things, and how its times are written.

Version 3 of the API is documented in two spellings. The first has the key in
`X-API-Key` and integer codes [seed]; the second has it in `Authorization: Bearer` and
words (https://docs.reply.io/api-reference/introduction). What is read may be in either.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from .drafts import TaskDraft
from .offers import TypeInfo
from .words import Channel

#: Our type codes are the integers of the seed; beside them the words.
TYPE_WORDS: dict[str, str] = {
    "0": "toDo",
    "2": "call",
    "4": "meeting",
    "5": "linkedIn",
    "7": "manualEmail",
    "8": "sms",
    "9": "whatsApp",
}
TYPES: tuple[TypeInfo, ...] = (
    TypeInfo("0", "To-do", Channel.TODO),
    TypeInfo("2", "Call", Channel.CALL),
    TypeInfo("4", "Meeting", Channel.MEETING),
    TypeInfo("5", "LinkedIn", Channel.LINKEDIN),
    TypeInfo("7", "E-mail by hand", Channel.EMAIL),
    TypeInfo("8", "SMS", Channel.SMS),
    TypeInfo("9", "WhatsApp", Channel.WHATSAPP),
)
LINKEDIN, EMAIL, CALL = "5", "7", "2"

#: Code 2 is not listed [seed].
STATUS_WORDS: dict[str, str] = {
    "0": "new",
    "1": "finished",
    "3": "cancelled",
    "4": "archived",
    "5": "sequenceDetached",
}
LINKEDIN_WORDS: dict[str, str] = {
    "0": "message",
    "1": "connect",
    "2": "inMail",
    "3": "viewProfile",
}
SOURCE_WORDS: dict[str, str] = {"0": "user", "1": "sequence", "2": "meeting"}
#: The integers are documented
#: (https://docs.reply.io/api-reference/tasks/complete-a-task), the words are formed
#: like all others of the second spelling.
CALL_RESOLUTION_WORDS: dict[str, str] = {
    "0": "positive",
    "1": "toCall",
    "2": "negative",
}

EARLIEST_START = datetime(2015, 1, 1, tzinfo=UTC)  # [seed]


def code_of(value: Any, words: dict[str, str]) -> str:
    """Return the code for a code or a word in any letter case, '' if unknown."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value).strip()
    if text in words:
        return text
    return next((c for c, w in words.items() if w.casefold() == text.casefold()), "")


def in_dialect(code: str, words: dict[str, str], dialect: str) -> int | str:
    """Return a code of ours as the account's spelling has it."""
    return words[code] if dialect == "words" else int(code)


def stamp(moment: datetime) -> str:
    """Return `2026-05-02T09:00:00Z`: UTC and whole seconds, the documented form."""
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return naive.isoformat(timespec="seconds") + "Z"


def whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone).astimezone(UTC)


def times_of(draft: TaskDraft, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Return start and due time as they are sent; a due day lasts until its end."""
    start = whole_seconds(draft.starts_at) if draft.starts_at else None
    due = whole_seconds(draft.due_at) if draft.due_at else None
    if due is None and draft.due_on:
        due = end_of_day(draft.due_on, zone)
    return start, due


def attachment_ids(value: Any) -> list[int] | None:
    """Return the ids in `12, 13` or in a list; None where one is no whole number."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        parts: list[Any] = [p for p in value.replace(";", ",").split(",") if p.strip()]
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        parts = [value]
    found: list[int] = []
    for part in parts:
        text = "" if isinstance(part, bool) else str(part).strip()
        if not (text.isascii() and text.isdigit()):
            return None
        found.append(int(text))
    return found
