"""What all adapters share.

An adapter translates and does nothing else: it keeps no state, reads no settings and
sends nothing. A single call is a pair of methods (`create_request`, `read_created`).
What takes several calls is a *conversation*: a generator that yields `VendorRequest`s,
is sent `VendorResponse`s and returns its finding. `services/talking.py` drives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo

from .calls import Auth, Conversation, VendorRequest, VendorResponse
from .checking import check_response, hidden, one_line
from .drafts import AccountConfig, ActionDraft, TaskDraft
from .findings import (
    AccountInfo,
    Found,
    ItemResult,
    Reading,
    RemoteHook,
    RemoteTask,
    RemoteUser,
    SyncScope,
)
from .offers import Capability, FieldError, FormField, Setting, TypeInfo
from .words import Action, Channel, Priority, Status

T = TypeVar("T")


class VendorAdapter:
    """The parts that are alike; a vendor's class says what it is and where it differs."""

    slug: ClassVar[str]
    name: ClassVar[str]
    #: (URL, label) offered when connecting; the first is the default.
    base_urls: ClassVar[tuple[tuple[str, str], ...]]
    #: Where people open the tool itself, for links that name no task.
    home_url: ClassVar[str] = ""
    credential_fields: ClassVar[tuple[tuple[str, str], ...]]  # (key, label)
    settings_fields: ClassVar[tuple[Setting, ...]] = ()
    #: ((calls, seconds), ...), every one of which holds in any sliding window.
    default_rates: ClassVar[tuple[tuple[int, float], ...]]
    #: Most drafts in one call.
    create_limit: ClassVar[int] = 1
    marker_default: ClassVar[bool] = False
    #: One marker serves all drafts of a call, because they share their text.
    marker_shared: ClassVar[bool] = False
    #: Seconds before a first look after an unclear answer.
    settle_seconds: ClassVar[float] = 60
    #: None where the types are the account's own and must be read.
    fixed_types: ClassVar[tuple[TypeInfo, ...] | None] = None
    #: The vendor has a call that lists who can hold tasks.
    lists_people: ClassVar[bool] = False
    priorities: ClassVar[Mapping[Priority, Any]] = {}
    statuses: ClassVar[Mapping[str, Status]] = {}
    capabilities: ClassVar[Mapping[Action, Capability]] = {}
    #: Words of open tasks that no list by status shows.
    unlisted: ClassVar[frozenset[str]] = frozenset()
    #: `read_tasks` shows the tasks of `SyncScope.owners` alone; one without id and
    #: e-mail stands for the tasks that nobody holds.
    lists_by_owner: ClassVar[bool] = False
    #: Needs the prospect's own id at this vendor.
    needs_prospect_id: ClassVar[bool] = True
    #: Can post about tasks, and lists the webhooks that were set up.
    lists_hooks: ClassVar[bool] = False
    #: Handlebars in the text are filled in by the vendor, not by Baton.
    vendor_renders: ClassVar[bool] = False

    def __init__(self, config: AccountConfig) -> None:
        self.config = config

    # -- what the form offers ------------------------------------------------------

    def fields(self, type_code: str) -> tuple[FormField, ...]:
        """Return what this vendor takes for a task of this type, in form order."""
        raise NotImplementedError

    def validate(self, draft: TaskDraft) -> list[FieldError]:
        """Return what this vendor would refuse, as sentences; [] when it may be sent.

        The prospect is not looked at: see `prospect_error`.
        """
        raise NotImplementedError

    def prospect_error(self, draft: TaskDraft) -> str:
        """Return why this prospect cannot get this task here, '' when they can."""
        if self.needs_prospect_id and not draft.prospect.external_id:
            return f"Has no {self.name} id in this account."
        return ""

    def losses(self, draft: TaskDraft) -> list[str]:
        """Return sentences naming what was filled in but cannot travel."""
        return []

    # -- creating ------------------------------------------------------------------

    def auth(self) -> Auth:
        """Return the keys as headers or query."""
        raise NotImplementedError

    def group_key(self, draft: TaskDraft) -> str:
        """Return a text that is equal for drafts that may share a call; '' = alone."""
        return ""

    def split(self, drafts: Sequence[TaskDraft]) -> list[list[TaskDraft]]:
        """Return the calls that these drafts, all of one group key, are sent in."""
        step = self.create_limit if drafts and self.group_key(drafts[0]) else 1
        return [list(drafts[i : i + step]) for i in range(0, len(drafts), step)]

    def create_request(self, drafts: Sequence[TaskDraft]) -> VendorRequest:
        """Return the call that creates these drafts: one part of `split`.

        Raise `UnsupportedTask` when a draft cannot be expressed.
        """
        raise NotImplementedError

    def read_created(
        self, response: VendorResponse, drafts: Sequence[TaskDraft]
    ) -> list[ItemResult]:
        """Return one result per draft, in any order; raise `VendorError`."""
        raise NotImplementedError

    # -- reading -------------------------------------------------------------------

    def test_connection(self) -> Conversation[AccountInfo]:
        """Make a harmless read; return what it showed; raise `VendorError`."""
        raise NotImplementedError

    def read_types(self) -> Conversation[list[TypeInfo]]:
        """Return the account's types; the fixed ones without a call."""
        return list(self.fixed_types or ())
        yield  # pragma: no cover - makes this a generator

    def read_users(self) -> Conversation[list[RemoteUser]]:
        """Return people who can hold tasks; [] where the vendor cannot list them."""
        return []
        yield  # pragma: no cover - makes this a generator

    def read_hooks(self) -> Conversation[list[RemoteHook] | None]:
        """Return the account's webhooks; None where the vendor does not tell.

        That call is no reason to doubt the account: only a busy vendor is an error.
        """
        return None
        yield  # pragma: no cover - makes this a generator

    def find_key(self, draft: TaskDraft) -> str:
        """Return a text that is equal for drafts that one `find` serves together."""
        return draft.prospect.external_id

    def find(
        self, drafts: Sequence[TaskDraft], *, sent_at: datetime
    ) -> Conversation[Found]:
        """Read what may be these drafts, created at or after `sent_at` (UTC)."""
        raise NotImplementedError

    def comparable(self, draft: TaskDraft) -> dict[str, Any]:
        """Return what was sent in the terms of `RemoteTask.compare`."""
        raise NotImplementedError

    def same_task(self, draft: TaskDraft, remote: RemoteTask) -> bool:
        """Return whether `remote` is what became of `draft`, as far as it shows.

        The marker decides where there is one; else every field that was sent and is
        shown must be equal, the prospect among them.
        """
        sent = self.comparable(draft)
        if draft.marker:
            if draft.marker not in remote.text:
                return False
            prospect = sent.get("prospect")
            return bool(remote.compare.get("prospect", prospect) == prospect)
        shown = remote.compare
        if "prospect" not in shown or "text" not in shown:
            return False
        return all(shown[key] == value for key, value in sent.items() if key in shown)

    def read_task(self, external_id: str) -> Conversation[RemoteTask | None]:
        """Read one task; return None only where the vendor says that it is gone."""
        raise NotImplementedError

    def read_tasks(self, scope: SyncScope) -> Reading:
        """Read the account the cheapest way, yielding a `Page` after each answer."""
        raise NotImplementedError

    def read_rest(self, scope: SyncScope) -> Reading:
        """Read lists that may show open tasks which `read_tasks` did not show.

        Those that are moved out of the days of the scope, say. The caller may end it.
        """
        return
        yield  # pragma: no cover - makes this a generator

    # -- acting --------------------------------------------------------------------

    def can(self, action: Action, type_code: str = "") -> bool:
        return action in self.capabilities

    def act(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        """Do it; return the task as the vendor then shows it, None if it shows none.

        Calls with an effect have `writes` set. Raise `UnsupportedTask` where `can`
        says no.
        """
        raise NotImplementedError

    # -- shared helpers ------------------------------------------------------------

    def check(self, response: VendorResponse) -> None:
        """Raise the `VendorError` that this answer means; return for a success."""
        check_response(response, vendor=self.name)

    def quote(self, text: Any) -> str:
        """Return a vendor's text fit for a sentence: one line, short, no keys."""
        line = text if isinstance(text, str) else ""
        line = hidden(line, map(str, self.config.credentials.values()), "…")
        return one_line(line)

    def setting(self, name: str) -> str:
        """Return a setting of this account, or its default."""
        value = self.config.settings.get(name, "")
        if value != "":
            return str(value)
        return next((s.default for s in self.settings_fields if s.name == name), "")

    @property
    def zone(self) -> tzinfo:
        """The zone this account's days and zoneless times are in."""
        return ZoneInfo(self.setting("time_zone") or "UTC")

    def type_info(self, type_code: str) -> TypeInfo | None:
        return next((t for t in self.fixed_types or () if t.code == type_code), None)

    @staticmethod
    def channel_of(type_name: str) -> Channel:
        """Return the channel that the name of an account's own type speaks of."""
        return Channel.TODO

    def canonical_type(self, code: str) -> str | None:
        """Return the code of a fixed type, however it is written; None if unknown.

        Where the types are the account's own, any text that is not empty stands.
        """
        code = str(code).strip()
        if self.fixed_types is None:
            return code or None
        for info in self.fixed_types:
            if code and info.code.casefold() == code.casefold():
                return info.code
        return None

    def marked(self, text: str, marker: str) -> str:
        """Return the text with the reference marker at its end."""
        return f"{text} [{marker}]".strip() if marker else text

    def unmarked(self, text: str) -> str:
        """Return the text without a reference marker at its end."""
        return re.sub(r"\s*\[bt-[0-9a-z]+\]\s*$", "", text)


def in_pieces(items: Sequence[T], size: int) -> Iterable[list[T]]:
    """Yield the items in lists of at most `size`."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
