"""Our own words for a task, which every adapter maps to its vendor's and back."""

from __future__ import annotations

import enum


class Priority(enum.IntEnum):
    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    URGENT = 4


class Status(enum.StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    REMOVED = "removed"


class Channel(enum.StrEnum):
    CALL = "call"
    EMAIL = "email"
    LINKEDIN = "linkedin"
    WHATSAPP = "whatsapp"
    SMS = "sms"
    MEETING = "meeting"
    TODO = "todo"


class Action(enum.StrEnum):
    """What a person may ask the vendor to do to a task that exists there."""

    COMPLETE = "complete"
    SKIP = "skip"
    CANCEL = "cancel"
    SNOOZE = "snooze"
    RESCHEDULE = "reschedule"
    REASSIGN = "reassign"
    NOTE = "note"
