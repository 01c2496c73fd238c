"""Finding a LeadSquared task again after an answer that said too little.

`Task.svc/Retrieve` lists one owner's tasks, `RetrieveTaskByLeadId` those of one lead:
https://apidocs.leadsquared.com/retrieve-tasks/ and .../retrieve-tasks-by-leadid/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .calls import Conversation, VendorRequest
from .drafts import AssigneeDraft, TaskDraft
from .errors import CredentialsRejected, NothingHappened, VendorError
from .findings import CLOCK_SLACK, Found, RemoteTask
from .leadsquared_listing import LeadSquaredListing, Walk, Window
from .leadsquared_reading import compared
from .leadsquared_words import RELATED, related_of, relation_of, stamp, times_of

OPEN, COMPLETE = 0, 1
#: Answers of 200 rows read for one look: an owner may get thousands of tasks at once.
MOST_PAGES = 150
MOST_DETAILS = 20
#: `FromDate` and `ToDate` are of an unstated date: this leaves room on either side.
SPARE = timedelta(days=2)

Sent = tuple[TaskDraft, Mapping[str, Any]]


class Listed:
    """What the lists have shown so far, by id; of rows that may matter alone."""

    def __init__(self, wanted: frozenset[str] | None) -> None:
        #: The prospects looked for; None where any row may matter.
        self.wanted = wanted
        self.rows: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, RemoteTask] = {}

    def add(self, row: Mapping[str, Any], task: RemoteTask) -> None:
        whose = task.compare.get("prospect")
        if self.wanted is None or whose is None or whose in self.wanted:
            self.put(row, task)

    def put(self, row: Mapping[str, Any], task: RemoteTask) -> None:
        key = task.external_id.casefold()
        self.rows[key], self.tasks[key] = dict(row), task

    def since(self, moment: datetime) -> list[RemoteTask]:
        """Return what was not surely created before."""
        return [
            task
            for task in self.tasks.values()
            if not (task.created_at and task.created_at < moment)
        ]


class LeadSquaredFinding(LeadSquaredListing):
    """Looking for what a call may have created."""

    def find_key(self, draft: TaskDraft) -> str:
        """All drafts of one owner are found by the same list."""
        owner = draft.assignee
        if owner and (owner.external_id or owner.email):
            return f"owner:{(owner.external_id or owner.email).casefold()}"
        return f"lead:{draft.prospect.external_id}"

    def comparable(self, draft: TaskDraft) -> dict[str, Any]:
        due, _ = times_of(draft, self.zone)
        note = self.marked(draft.note, draft.marker)
        sent: dict[str, Any] = {
            "prospect": relation_of(draft)[1].casefold(),
            "text": compared(f"{draft.title} {note}"),
        }
        if due:
            sent["due"] = stamp(due)
        # A bulk row names the owner by address, lists mostly by id.
        if draft.assignee and draft.assignee.external_id:
            sent["owner_id"] = draft.assignee.external_id.casefold()
        elif draft.assignee and draft.assignee.email:
            sent["owner_email"] = draft.assignee.email.casefold()
        return sent

    def find(
        self, drafts: Sequence[TaskDraft], *, sent_at: datetime
    ) -> Conversation[Found]:
        """Read the owner's list, and the list of a lead where that does not tell.

        By-owner rows need not show whose task it is. What may be one of the drafts and
        does not show enough is looked up under the draft's lead or by itself; what then
        is still in doubt leaves the finding incomplete.
        """
        since = sent_at - CLOCK_SLACK
        sent = [(draft, self.comparable(draft)) for draft in drafts]
        # A marker tells by itself, whomever the task is related to by now.
        marked = any(draft.marker for draft in drafts)
        listed = Listed(None if marked else frozenset(f["prospect"] for _, f in sent))
        complete = True
        owner = next((d.assignee for d in drafts if d.assignee), None)
        if owner and (owner.external_id or owner.email):
            window = self._window_of(drafts, sent_at)
            for status in (OPEN, COMPLETE):
                whole = yield from self._collect(owner, status, window, since, listed)
                complete = complete and whole
        else:
            owner = None
            complete = all(related_of(draft) == "lead" for draft in drafts)

        led = [pair for pair in sent if related_of(pair[0]) == "lead"]
        elsewhere = [pair for pair in sent if related_of(pair[0]) != "lead"]
        unclear = _unclear(listed.since(since))
        asked = [p for p in led if owner is None or _doubtful(unclear, [p])]
        for lead in dict.fromkeys(relation_of(draft)[1] for draft, _ in asked):
            whole = yield from self._collect_lead(lead, listed)
            complete = complete and whole

        unclear = _unclear(listed.since(since))
        for task in _doubtful(unclear, elsewhere)[:MOST_DETAILS]:
            yield from self._collect_one(task.external_id.casefold(), listed)

        tasks = listed.since(since)
        found: list[RemoteTask] = []
        for task in tasks:
            # Without a creation time an old task might pass for the one looked for.
            if task.created_at or any(
                d.marker and d.marker in task.text for d in drafts
            ):
                found.append(task)
            elif any(_alike(task, draft, fields) for draft, fields in sent):
                complete = False
        # What no lead's list has shown by now is not related to any of these leads.
        unclear = _unclear(tasks)
        doubtful = [t for t in _doubtful(unclear, led) if "prospect" in t.compare]
        if doubtful or _doubtful(unclear, elsewhere):
            complete = False
        return Found(found, complete=complete)

    def _window_of(self, drafts: Sequence[TaskDraft], sent_at: datetime) -> Window:
        """Return bounds that hold whether they are of due dates or of creation."""
        times = [sent_at, *(t for d in drafts for t in times_of(d, self.zone) if t)]
        return min(times) - SPARE, max(times) + SPARE

    def _collect(
        self,
        owner: AssigneeDraft,
        status: int,
        window: Window,
        since: datetime,
        listed: Listed,
    ) -> Conversation[bool]:
        """Add an owner's recent rows by id; return whether these are surely all."""
        walk = Walk("CreatedOn", until=since)
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            before = len(seen)
            response = yield self.list_request(owner, status, window, walk)
            page, total = self.read_list(response, "List")
            for row in page:
                if (task := self.remote(row)) is None:
                    return False
                seen.add(task.external_id.casefold())
                listed.add(row, task)
            if not walk.take(page, total):
                return True
            if len(seen) == before:
                return False  # the same page again
        return False

    def _collect_lead(self, lead: str, listed: Listed) -> Conversation[bool]:
        """Add what a lead has; return whether that is surely all: it has no pages."""
        response = yield VendorRequest(
            "GET", "/LeadManagement.svc/RetrieveTaskByLeadId", query={"leadId": lead}
        )
        page, total = self.read_list(response, "TaskList")
        whole = (total or 0) <= len(page)
        for row in page:
            if (task := self.remote(row)) is None:
                whole = False
                continue
            key = task.external_id.casefold()
            shown = {k: v for k, v in row.items() if v is not None}
            more = {**listed.rows.get(key, {}), **shown, **_lead(lead)}
            listed.put(more, self.remote(more) or task)
        return whole

    def _collect_one(self, task_id: str, listed: Listed) -> Conversation[None]:
        """Add what the task itself shows. The call is not documented and may fail."""
        try:
            row = yield from self.read_row(task_id)
        except (NothingHappened, CredentialsRejected):
            raise
        except VendorError:
            return
        if row is not None:
            more = {**listed.rows[task_id], **row}
            if task := self.remote(more):
                listed.put(more, task)


def _alike(task: RemoteTask, draft: TaskDraft, sent: Mapping[str, Any]) -> bool:
    """Return whether nothing that the task shows speaks against the draft."""
    shown = task.compare
    if draft.marker:
        return "text" not in shown or draft.marker in task.text
    return all(sent[key] == shown[key] for key in sent.keys() & shown.keys())


def _settled(task: RemoteTask, draft: TaskDraft) -> bool:
    """Return whether the task shows enough to say that it is or is not the draft."""
    if "text" not in task.compare:
        return False
    return bool(draft.marker) or (
        "prospect" in task.compare and task.created_at is not None
    )


def _unclear(tasks: Sequence[RemoteTask]) -> list[RemoteTask]:
    """Return the tasks that do not show enough to be told from every draft.

    They are few; the others need not be held against each draft one by one.
    """
    return [
        task
        for task in tasks
        if not {"text", "prospect"} <= task.compare.keys() or task.created_at is None
    ]


def _doubtful(tasks: Sequence[RemoteTask], sent: Sequence[Sent]) -> list[RemoteTask]:
    """Return what may be one of the drafts yet does not show enough."""
    return [
        task
        for task in tasks
        if any(_alike(task, d, s) and not _settled(task, d) for d, s in sent)
    ]


def _lead(lead: str) -> dict[str, Any]:
    return {"RelatedEntity": RELATED["lead"], "RelatedEntityId": lead}
