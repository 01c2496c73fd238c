"""What somebody wants to create, and what Baton would send for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User

from tasks_app.models import ConnectedAccount, Prospect, TaskType, VendorUser
from tasks_app.vendors import VendorAdapter
from tasks_app.vendors.calls import VendorRequest
from tasks_app.vendors.drafts import TaskDraft
from tasks_app.vendors.offers import FieldError
from tasks_app.vendors.words import Priority

from .assigning import Holder
from .reaching import LeftOut, OpenTask, open_sentence
from .spreading import Spread


@dataclass(frozen=True)
class Sharing:
    """How tasks are shared out: `way` is "one" (the assignee), "turn" or "owner".

    `people` take turns. By owner the assignee gets the tasks of prospects without one;
    without an assignee nobody holds them (`nobody_too`), or they are left out.
    """

    way: str = "one"
    people: Sequence[User | VendorUser] = ()
    nobody_too: bool = False
    spread: Spread | None = None


@dataclass(frozen=True)
class TaskInput:
    """What somebody wrote, before it is filled in for each prospect."""

    type_code: str
    title: str = ""
    note: str = ""
    priority: Priority = Priority.NONE
    starts_at: datetime | None = None
    due_at: datetime | None = None
    due_on: date | None = None
    assignee: User | VendorUser | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    sharing: Sharing = field(default_factory=Sharing)
    #: Leave out who has an open task of this kind already.
    skip_open: bool = False

    @property
    def dated(self) -> bool:
        return bool(self.starts_at or self.due_at or self.due_on)


@dataclass(frozen=True)
class Planned:
    """One task to be: `draft.ref` is the prospect's pk, as text."""

    prospect: Prospect
    draft: TaskDraft
    group_key: str = ""
    holder: Holder = field(default_factory=Holder)


#: What a person's column is called where tasks are nobody's yet.
NOBODY = "Nobody yet"


@dataclass(frozen=True)
class Shares:
    """Who gets how many, on which day: a column for each of `people`.

    `rows` are (day, number for each person, sum); the day is None for tasks without.
    """

    people: list[tuple[str, int]]
    rows: list[tuple[date | None, list[int], int]]

    @property
    def is_worth_showing(self) -> bool:
        return len(self.people) > 1 or len(self.rows) > 1

    @property
    def days(self) -> bool:
        return len(self.rows) > 1


@dataclass(frozen=True)
class UnknownWord:
    """Braces in the text of `field`, as written, and what may have been meant.

    `theirs`: the vendor fills them in and may know a word that Baton does not.
    """

    field: str
    written: str
    meant: str = ""
    theirs: bool = False

    @property
    def better(self) -> str:
        return f"{{{{{self.meant}}}}}" if self.meant else ""

    @property
    def sentence(self) -> str:
        known = f" Did you mean {self.better}?" if self.meant else ""
        if self.theirs:
            return f"Baton does not know {self.written[:60]}.{known}"
        rest = known or " Take it out, or choose one of those offered."
        return f"{self.written[:60]} is not a variable.{rest}"


@dataclass
class Plan:
    """What `prepare` found. Nothing may be created while there are `errors`.

    `holder` is whose name the draft carries before the tasks are shared out.

    `notices` say what Baton decided for an empty field, `losses` what cannot travel,
    `warnings` what is worth a second look. `seconds` is the time until the last call,
    with `waiting_calls` of other tasks before it.
    """

    account: ConnectedAccount
    task_input: TaskInput
    adapter: VendorAdapter
    type: TaskType | None = None
    holder: Holder = field(default_factory=Holder)
    errors: list[FieldError] = field(default_factory=list)
    items: list[Planned] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    parts: list[list[TaskDraft]] = field(default_factory=list)
    waiting_calls: int = 0
    seconds: float = 0.0
    chosen: int = 0
    shares: Shares | None = None
    #: Tasks of this kind that chosen prospects have already, left out or not.
    open_already: list[OpenTask] = field(default_factory=list)
    #: What stands in double braces and Baton does not know.
    unknown: list[UnknownWord] = field(default_factory=list)
    salt: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def calls(self) -> int:
        return len(self.parts)

    @property
    def ready(self) -> int:
        return len(self.items)

    @property
    def open_sentence(self) -> str:
        return open_sentence(self.open_already)

    @property
    def open_people(self) -> int:
        return len({task.prospect.pk for task in self.open_already})

    def part_for(self, prospect: Prospect) -> list[TaskDraft]:
        """Return the drafts that travel in one call with this prospect's, itself too.

        Raise LookupError for a prospect that nothing is sent for.
        """
        ref = str(prospect.pk)
        for part in self.parts:
            if any(draft.ref == ref for draft in part):
                return part
        raise LookupError(f"Nothing is sent for prospect {prospect.pk}.")

    def request_for(self, prospect: Prospect) -> VendorRequest:
        """Return the very call that will carry this prospect's task.

        Raise LookupError for a prospect that nothing is sent for.
        """
        return self.adapter.create_request(self.part_for(prospect))

    def path_of(self, request: VendorRequest) -> str:
        """Return the whole path that this call goes to, from the host on."""
        return urlsplit(self.account.base_url).path.rstrip("/") + request.path

    def requests(self) -> Iterable[VendorRequest]:
        """Yield all calls, in no promised order."""
        for part in self.parts:
            yield self.adapter.create_request(part)
