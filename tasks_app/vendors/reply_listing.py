"""Reply.io's lists of tasks: to find one again, and to read an account.

Lists are filtered by start time, contact, type and status; they show neither the text
nor the creation time (https://docs.reply.io/api-reference/tasks/filter-tasks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from .answers import answered, first_text, mapping, moment, rows, same_text
from .answers import whole_number as number
from .calls import Conversation, VendorRequest, VendorResponse
from .drafts import TaskDraft
from .errors import UnreadableResponse
from .findings import (
    Found,
    Page,
    Reading,
    RemoteTask,
    SyncScope,
)
from .handlebars import variables_in
from .reply_reading import ReplyReading
from .reply_words import (
    EARLIEST_START,
    EMAIL,
    SOURCE_WORDS,
    STATUS_WORDS,
    TYPE_WORDS,
    code_of,
    in_dialect,
    stamp,
    times_of,
)
from .words import Status

MOST = 1000  # rows in one answer
MOST_PAGES = 20
MOST_DETAILS = 50
#: Rows read again with the next page: nothing says that the order holds still.
OVERLAP = 20
#: In which a task of ours may be when it is looked for, the likeliest first.
LOOKED_FOR = ("0", "1", "3", "4")


class ReplyListing(ReplyReading):
    """Looking for what a call may have created, and reading all there is."""

    # -- looking for what may have been created -------------------------------------

    def find_key(self, draft: TaskDraft) -> str:
        """One list per contact; tasks without one are told apart by their start."""
        if draft.prospect.external_id:
            return f"contact:{draft.prospect.external_id}"
        start, _ = times_of(draft, self.zone)
        return f"start:{stamp(start)}" if start else ""

    def comparable(self, draft: TaskDraft) -> dict[str, Any]:
        start, due = times_of(draft, self.zone)
        contact = number(draft.prospect.external_id)
        code = code_of(draft.type_code, TYPE_WORDS)
        sent: dict[str, Any] = {
            "prospect": "" if contact is None else str(contact),
            "type": code,
            "text": same_text(self.marked(draft.note, draft.marker)),
        }
        if start:
            sent["start"] = stamp(start)
        if due:
            sent["due"] = stamp(due)
        subject = draft.options.get("subject")
        if code == EMAIL and isinstance(subject, str) and subject.strip():
            sent["subject"] = same_text(subject)
        return sent

    def find(
        self, drafts: Sequence[TaskDraft], *, sent_at: datetime
    ) -> Conversation[Found]:
        """Filter by contact and start, then read what is left one by one.

        Lists show neither text nor creation time, so every row that may be meant is
        read in full.
        """
        starts = [s for d in drafts if (s := times_of(d, self.zone)[0])]
        if not starts:
            return Found([], complete=False)
        wanted = [self.comparable(draft) for draft in drafts]
        window: dict[str, Any] = {
            "from": stamp(max(min(starts) - timedelta(minutes=1), EARLIEST_START)),
            "to": stamp(max(starts) + timedelta(minutes=1)),
        }
        contacts = {sent["prospect"] for sent in wanted}
        types = {sent["type"] for sent in wanted}
        if len(contacts) == 1 and (contact := next(iter(contacts))):
            window["contactId"] = int(contact)
        if len(types) == 1 and (code := next(iter(types))):
            window["taskType"] = self._spelt(code, TYPE_WORDS)

        complete = True
        found: dict[str, RemoteTask] = {}
        looked_at: set[str] = set()
        for status in LOOKED_FOR:
            body = {**window, "status": self._spelt(status, STATUS_WORDS)}
            listed, whole = yield from self._filtered(body)
            complete = complete and whole
            for task_id, row in listed.items():
                if task_id in looked_at or not _may_be(row, wanted):
                    continue
                if len(looked_at) >= MOST_DETAILS:
                    complete = False
                    break
                looked_at.add(task_id)
                response = yield VendorRequest("GET", self.task_path(task_id))
                if self._is_gone(response):
                    continue
                self.check(response)
                detail = mapping(response.body)
                task = self.remote(detail)
                if task is None or not self._tells(task, task_id, drafts):
                    complete = False
                    continue
                source = code_of(detail.get("creationSource"), SOURCE_WORDS)
                if task.predates(sent_at) or source in ("1", "2"):
                    continue
                found[task_id] = task
                # A finished task has its variables filled in for good.
                if task.status != Status.OPEN and self._blurred(task, drafts):
                    complete = False
            matching = sum(
                any(self.same_task(draft, task) for draft in drafts)
                for task in found.values()
            )
            if matching >= len(drafts):
                break
        return Found(list(found.values()), complete=complete)

    def _tells(
        self, task: RemoteTask, task_id: str, drafts: Sequence[TaskDraft]
    ) -> bool:
        """Return whether the detail shows enough to say which draft it is, if any."""
        if task.external_id != task_id or not {"prospect", "text"} <= set(task.compare):
            return False
        marked = any(d.marker and d.marker in task.text for d in drafts)
        return marked or task.created_at is not None

    def _blurred(self, task: RemoteTask, drafts: Sequence[TaskDraft]) -> bool:
        """Return whether this may be one of the drafts whose text no longer tells."""
        return any(
            variables_in(draft.note) and not self.same_task(draft, task)
            for draft in drafts
            if not draft.marker
        )

    def _filtered(
        self, body: dict[str, Any]
    ) -> Conversation[tuple[dict[str, Mapping[str, Any]], bool]]:
        """Return the rows by id, and whether these are surely all."""
        listed: dict[str, Mapping[str, Any]] = {}
        skip = 0
        for _ in range(MOST_PAGES):
            response = yield self._filter_request(body, skip)
            items, more = self._read_items(response)
            for row in items:
                if (task_id := number(row.get("id"))) is None:
                    return listed, False
                listed[str(task_id)] = row
            if not more:
                return listed, True
            if not items:
                break
            skip += len(items)
        return listed, False

    # -- reading an account ---------------------------------------------------------

    def read_tasks(self, scope: SyncScope) -> Reading:
        """Read the window of start times of our open tasks, whatever their status.

        There is no "changed since" and rows show no text. All statuses in one list are
        fewer calls than a list for each, and a task that ends while we read does not
        move the others to other pages. What is not seen here was removed, or moved out
        of the window, and is asked for by itself.
        """
        yield from self._read(scope, [self._window(scope)])

    def read_rest(self, scope: SyncScope) -> Reading:
        """Read what starts after the window, then what starts before it."""
        if scope.bring_in or scope.starts_from is None:
            return
        window, ever = self._window(scope), self._window(replace(scope, bring_in=True))
        yield from self._read(
            scope,
            [
                {"from": window["to"], "to": ever["to"]},
                {"from": ever["from"], "to": window["from"]},
            ],
        )

    def _read(self, scope: SyncScope, windows: Sequence[dict[str, Any]]) -> Reading:
        if scope.cursor.get("done"):
            return
        place = number(scope.cursor.get("window")) or 0
        skip = number(scope.cursor.get("skip")) or 0
        for at in range(place, len(windows)):
            more, earlier = True, set[str]()
            while more:
                request = self._filter_request(windows[at], skip)
                items, more = self._read_items(answered((yield request)))
                more = more and bool(items)
                tasks = [task for row in items if (task := self.remote(row))]
                here = {task.external_id for task in tasks}
                if more and here <= earlier:
                    raise UnreadableResponse("Reply.io repeats its list without end.")
                fresh = [task for task in tasks if task.external_id not in earlier]
                earlier = here
                skip += len(items) - (OVERLAP if len(items) > 10 * OVERLAP else 0)
                cursor: dict[str, Any] = {"window": at, "skip": skip}
                if not more:
                    skip = 0
                    last = at + 1 == len(windows)
                    cursor = {"done": True} if last else {"window": at + 1, "skip": 0}
                yield Page(fresh, cursor)

    def _window(self, scope: SyncScope) -> dict[str, Any]:
        """Return bounds on the start: without them the list ends a year from now."""
        first = scope.starts_from or EARLIEST_START.date()
        last = scope.starts_to or (scope.until + timedelta(days=366)).date()
        if scope.bring_in:
            first = EARLIEST_START.date()
            last = max(last, (scope.until + timedelta(days=5 * 366)).date())
        first = min(first, last)
        return {"from": _day(first), "to": _day(last + timedelta(days=1))}

    def _filter_request(self, body: dict[str, Any], skip: int) -> VendorRequest:
        query = {"top": MOST, "skip": skip}
        return VendorRequest("POST", "/tasks/filter", query=query, json=body)

    def _read_items(
        self, response: VendorResponse
    ) -> tuple[list[Mapping[str, Any]], bool]:
        self.check(response)
        items = mapping(response.body).get("items")
        if not isinstance(items, list) or len(rows(items)) != len(items):
            raise UnreadableResponse("Reply.io did not answer with a list of tasks.")
        more = mapping(response.body).get("hasMore")
        if not isinstance(more, bool):
            raise UnreadableResponse("Reply.io did not say whether its list goes on.")
        return rows(items), more

    def _spelt(self, code: str, words: dict[str, str]) -> int | str:
        return in_dialect(code, words, self.setting("dialect"))


def _may_be(row: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a row contradicts every draft in what it shows."""
    start, due = moment(row.get("startAt")), moment(row.get("dueTo"))
    shown = {"type": code_of(row.get("taskType"), TYPE_WORDS)}
    shown |= {"start": stamp(start) if start else "", "due": stamp(due) if due else ""}
    if isinstance(row.get("contact"), dict):
        shown["prospect"] = first_text(mapping(row["contact"]), "id")
    return any(
        all(not shown.get(key) or shown[key] == sent.get(key) for key in shown)
        for sent in wanted
    )


def _day(day: date) -> str:
    return f"{datetime.combine(day, time()).isoformat(timespec='seconds')}Z"
