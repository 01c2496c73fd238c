"""What an adapter gives back, in our terms, and what a reading has to cover."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from .calls import VendorRequest, VendorResponse
from .drafts import AssigneeDraft
from .words import Priority, Status

#: Clocks of ours and a vendor's may differ by this much.
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True)
class RemoteUser:
    external_id: str
    name: str = ""
    email: str = ""
    active: bool = True


@dataclass(frozen=True)
class RemoteHook:
    """A webhook as the vendor lists it; `active` is None where its word is unknown."""

    url: str = field(repr=False)
    active: bool | None = None


@dataclass(frozen=True)
class AccountInfo:
    """What a connection test learnt, as a sentence and as settings worth keeping."""

    sentence: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ItemResult:
    """What became of one draft: exactly one of the four is set.

    `task_id` created; `request_id` accepted for later; `refused` a sentence: certainly
    not created; `unclear` a sentence: it may or may not exist.
    """

    ref: str
    task_id: str = ""
    request_id: str = ""
    refused: str = ""
    unclear: str = ""
    url: str = ""


@dataclass(frozen=True)
class RemoteTask:
    """A task as the vendor shows it. None or '' = not shown.

    `status` is ours, None where the vendor's word (`vendor_status`) is unknown to us.
    `compare` holds, in the vendor's terms, the fields that also `comparable()` makes
    from a draft; a field that this answer does not show is left out.
    """

    external_id: str
    status: Status | None
    vendor_status: str = ""
    compare: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""  # where a marker would stand
    title: str = ""
    note: str = ""
    type_code: str = ""
    priority: Priority | None = None
    starts_at: datetime | None = None
    due_at: datetime | None = None
    due_on: date | None = None
    prospect_id: str = ""
    prospect_name: str = ""
    assignee_id: str = ""
    assignee_email: str = ""
    created_at: datetime | None = None
    changed_at: datetime | None = None
    completed_at: datetime | None = None
    url: str = ""
    #: Names of the fields above that this answer really shows; others are unknown.
    shown: frozenset[str] = frozenset()

    def predates(self, moment: datetime) -> bool:
        """Return whether it was surely created before this, so that it is no answer to
        what was sent then; False where the vendor does not show when."""
        return self.created_at is not None and self.created_at < moment - CLOCK_SLACK


@dataclass(frozen=True)
class Found:
    """Tasks that may be the ones looked for.

    `complete` is True only when the read surely showed every such task with all that
    is needed to recognise it: only then does absence mean absent.
    """

    tasks: Sequence[RemoteTask]
    complete: bool


@dataclass(frozen=True)
class SyncScope:
    """What a reading of an account has to cover.

    `since` is the watermark of the last complete reading (None = first). `starts_from`
    and `starts_to` bound the times of our open tasks, in days with a day to spare.
    `owners` are the vendor's users whose tasks matter. `cursor` resumes a reading that
    was stopped: the last `Page.cursor` that was stored. `bring_in` asks for everything
    visible, also what Baton did not create.
    """

    until: datetime
    since: datetime | None = None
    starts_from: date | None = None
    starts_to: date | None = None
    owners: Sequence[AssigneeDraft] = ()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    bring_in: bool = False
    #: How many open tasks of ours there are: few are asked for one by one, many listed.
    open_tasks: int = 0
    #: How many of them were last seen under a word of `VendorAdapter.unlisted`.
    unlisted: int = 0


@dataclass(frozen=True)
class Page:
    """Some tasks read, and where to go on after they are stored."""

    tasks: Sequence[RemoteTask]
    cursor: Mapping[str, Any] = field(default_factory=dict)


Reading: TypeAlias = Generator[VendorRequest | Page, VendorResponse | None, None]
