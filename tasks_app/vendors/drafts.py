"""What an adapter gets: plain data made from the account, the task and the people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .words import Action, Priority


@dataclass(frozen=True)
class AccountConfig:
    """A connection as an adapter needs it. `settings` are texts, see `Setting`."""

    base_url: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProspectDraft:
    """The person a task is for; `external_id` is theirs at this vendor, '' if none."""

    external_id: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    title: str = ""
    phone: str = ""
    linkedin_url: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True)
class AssigneeDraft:
    external_id: str = ""
    email: str = ""


@dataclass(frozen=True)
class TaskDraft:
    """One task to create. Date-times are aware; `due_on` is a day without a time.

    `ref` is our own name for it, by which results are told apart. `marker` is '' or a
    short text such as `bt-7f3aq2kz` which goes into a field that the vendor shows back.
    """

    ref: str
    type_code: str
    prospect: ProspectDraft = ProspectDraft()
    title: str = ""
    note: str = ""
    priority: Priority = Priority.NONE
    starts_at: datetime | None = None
    due_at: datetime | None = None
    due_on: date | None = None
    assignee: AssigneeDraft | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    marker: str = ""


@dataclass(frozen=True)
class ActionDraft:
    """One thing to do to a task that exists at the vendor.

    `values` depends on the action: `outcome` for complete, `until` (aware) for snooze,
    `starts_at`/`due_at`/`due_on` for reschedule, `assignee` (AssigneeDraft) for
    reassign, `note` for note, `reason` for skip and cancel.
    `task` is the task as Baton knows it, so that full updates can be made.
    """

    action: Action
    external_id: str
    task: TaskDraft
    values: Mapping[str, Any] = field(default_factory=dict)
