"""Reading Saleshandy: its list by status, one task, and looking for lost creates.

Known of the list are its filters and sort keys, not its answer: there is no filter by
prospect, by creation or by change (a client generated from the vendor's description:
https://github.com/nativeship/n8n-nodes-saleshandy). So a walk ends surely only where a
page comes back empty, and everything about a row is read leniently.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from .answers import answered, first_text, is_on, mapping
from .calls import Conversation, VendorRequest, VendorResponse
from .drafts import TaskDraft
from .errors import Refused, UnreadableResponse
from .findings import (
    CLOCK_SLACK,
    AccountInfo,
    Found,
    Page,
    Reading,
    RemoteHook,
    RemoteTask,
    RemoteUser,
    SyncScope,
)
from .saleshandy_errors import SaleshandyErrors, says_task_is_gone
from .saleshandy_words import FAMILIES, ended_at, plain, read_row

PAGE_SIZE = 100
MOST_PAGES = 200  # of each status, when looking for a task: 20,000 rows
MOST_DETAILS = 40

#: In the order in which a task can move while we read, so that none slips past.
OPEN = ("upcoming", "dueToday", "overdue")
FINISHED = {"completed": "completedAt", "skipped": "skippedAt"}
#: No status asked for.
ALL = "all"


@dataclass(frozen=True)
class _Rows:
    """One page of the list. `ended` are the finishing times, None where not shown."""

    tasks: list[RemoteTask]
    ended: list[datetime | None]
    count: int

    @property
    def whole(self) -> bool:
        return len(self.tasks) == self.count

    def due_before(self, first: date) -> bool:
        """Return whether this page surely goes on to due days before this one."""
        days = [task.due_on for task in self.tasks if task.due_on is not None]
        return (
            bool(days)
            and len(days) == self.count
            and days == sorted(days, reverse=True)
            and days[-1] < first
        )

    def reaches(self, earliest: datetime | None) -> bool:
        """Return whether this page surely goes back to before `earliest`: it shows all
        its times, and they run from the newest to the oldest."""
        times = [at for at in self.ended if at is not None]
        return (
            earliest is not None
            and bool(times)
            and len(times) == self.count
            and times == sorted(times, reverse=True)
            and times[-1] < earliest
        )


#: So many open tasks are not worth a walk through the lists.
FEW = 20


class SaleshandyReading(SaleshandyErrors):
    """The reading half of the adapter."""

    lists_people = True

    def test_connection(self) -> Conversation[AccountInfo]:
        answer = yield VendorRequest("GET", "/tasks", {"page": 1, "pageSize": 10})
        self.check(answer)
        if rows_in(answer.body) is None:
            return AccountInfo(
                "Saleshandy accepts the key, but its task list looks unlike what Baton "
                "knows: statuses may not come back."
            )
        return AccountInfo("Saleshandy accepts the key and shows its tasks.")

    def read_users(self) -> Conversation[list[RemoteUser]]:
        answer = yield VendorRequest("GET", "/tasks/assignee/list")
        self.check(answer)
        found = {}
        for row in rows_in(answer.body) or []:
            row = mapping(row)
            key = first_text(row, "id", "userId", "assigneeId")
            name = first_text(row, "name", "fullName") or " ".join(
                filter(None, (first_text(row, n) for n in ("firstName", "lastName")))
            )
            if key:
                found[key] = RemoteUser(key, name, first_text(row, "email"))
        return list(found.values())

    def read_hooks(self) -> Conversation[list[RemoteHook] | None]:
        """Fifty at the most can be active. The call is known of a generated client
        alone (see above), the words of `status` are not documented."""
        found: list[RemoteHook] = []
        for page in (1, 2):
            query: dict[str, str | int] = {"page": page, "pageSize": 25}
            answer = yield VendorRequest("GET", "/webhook", query)
            if answer.status_code in (429, 503):
                self.check(answer)
            listed = rows_in(answer.body) if answer.status_code == 200 else None
            if listed is None:
                return None
            for row in map(mapping, listed):
                word = row.get("status", row.get("isActive"))
                found.append(
                    RemoteHook(first_text(row, "webhookUrl", "url"), is_on(word))
                )
            if len(listed) < 25:
                break
        return found

    # -- one task ------------------------------------------------------------------

    def read_task(self, external_id: str) -> Conversation[RemoteTask | None]:
        answer = yield VendorRequest("GET", f"/tasks/{quote(external_id, safe='')}")
        if says_task_is_gone(answer):
            return None
        self.check(answer)
        task = self.task_in(answer.body, external_id)
        if task is None:
            raise UnreadableResponse("Saleshandy showed no task that Baton can read.")
        return task

    def task_in(self, body: Any, external_id: str) -> RemoteTask | None:
        """Return the task in this answer, None where it shows none.

        An answer about another task is `UnreadableResponse`.
        """
        payload = mapping(mapping(body).get("payload"))
        for place in (payload.get("task"), payload, mapping(body).get("task")):
            task = self._row(place)
            if task is not None and task.external_id != external_id:
                raise UnreadableResponse("Saleshandy answered about another task.")
            if task is not None:
                return task
        return None

    # -- many tasks ----------------------------------------------------------------

    def read_tasks(self, scope: SyncScope) -> Reading:
        """Read what was finished since the last reading, newest first.

        Nothing tells which open tasks changed. A few are cheaper asked for one by one by
        the caller; of many, the lists show a hundred with each call. Where many are
        snoozed, which no status shows, the list of all statuses does.
        """
        walks = [*FINISHED]
        if scope.unlisted > FEW:
            walks.append(ALL)
        elif scope.bring_in or scope.open_tasks > FEW:
            walks += OPEN
        yield from self._read(scope, walks)

    def read_rest(self, scope: SyncScope) -> Reading:
        """Read the list of all statuses: it shows snoozed tasks, if anything does."""
        if scope.unlisted <= FEW:
            yield from self._read(scope, [ALL])

    def _read(self, scope: SyncScope, walks: Sequence[str]) -> Reading:
        since = scope.since - CLOCK_SLACK if scope.since else None
        status = scope.cursor.get("status", walks[0])
        page = scope.cursor.get("page", 1)
        if status not in walks or not isinstance(page, int):
            return
        earlier: list[str] = []  # ids of the page before
        full = 0  # how many rows a whole page has here is learnt from the first one
        while True:
            answer = answered((yield self._list(status, page)))
            rows = self._rows(answer, "" if status == ALL else status)
            here = [task.external_id for task in rows.tasks]
            ended = not rows.count or here == earlier or rows.count < full
            if status in FINISHED:
                ended = ended or rows.reaches(since)
            elif status == ALL and scope.starts_from:
                ended = ended or rows.due_before(scope.starts_from)
            full, earlier = rows.count, here
            if not ended:
                page += 1
            elif status == walks[-1]:
                yield Page(rows.tasks, {"status": "done"})
                return
            else:
                status, page = walks[walks.index(status) + 1], 1
                full, earlier = 0, []
            yield Page(rows.tasks, {"status": status, "page": page})

    def _list(self, status: str, page: int, family: str = "") -> VendorRequest:
        query: dict[str, str | int] = {
            "status": status,
            "sortBy": FINISHED.get(status, "dueDate"),
            "sortOrder": "DESC",
            "page": page,
            "pageSize": PAGE_SIZE,
        }
        if status == ALL:
            del query["status"]
        if family:
            query["taskType"] = family
        return VendorRequest("GET", "/tasks", query)

    def _rows(self, answer: VendorResponse, status: str) -> _Rows:
        self.check(answer)
        rows = rows_in(answer.body)
        if rows is None:
            raise UnreadableResponse("Saleshandy sent no task list that can be read.")
        tasks = [self._row(row, status) for row in rows]
        return _Rows(
            [task for task in tasks if task is not None],
            [ended_at(row) for row in rows],
            len(rows),
        )

    def _row(self, row: Any, status: str = "") -> RemoteTask | None:
        task = read_row(row, zone=self.zone, status=status)
        return task and replace(task, note=self.unmarked(task.note))

    # -- looking for lost creates --------------------------------------------------

    def find_key(self, draft: TaskDraft) -> str:
        return FAMILIES.get(self.canonical_type(draft.type_code) or "", "")

    def find(
        self, drafts: Sequence[TaskDraft], *, sent_at: datetime
    ) -> Conversation[Found]:
        """Walk the family's tasks of every status; read one by one where rows are thin.

        A task that was snoozed since may be in none of these lists.
        """
        if not drafts:
            return Found([], complete=True)
        family = self.find_key(drafts[0])
        earliest = sent_at - CLOCK_SLACK
        complete = True
        found: dict[str, RemoteTask] = {}
        for status in (*OPEN, *FINISHED):
            walked, whole = yield from self._walk(family, status, earliest)
            complete = complete and whole
            found.update((task.external_id, task) for task in walked)

        tasks: list[RemoteTask] = []
        details = 0
        for task in found.values():
            if task.created_at is not None and task.created_at < earliest:
                continue
            if not any(self._could_be(draft, task) for draft in drafts):
                continue
            if not _identifies(task):
                if details == MOST_DETAILS:
                    complete = False
                    continue
                details += 1
                single = yield from self.read_task(task.external_id)
                if single is None:
                    continue
                task = single
                complete = complete and _identifies(task)
            if any(self.same_task(draft, task) for draft in drafts):
                tasks.append(task)
        return Found(tasks, complete)

    def _walk(
        self, family: str, status: str, earliest: datetime
    ) -> Generator[VendorRequest, VendorResponse, tuple[list[RemoteTask], bool]]:
        """Return the tasks of one status, and whether they are surely all."""
        tasks: dict[str, RemoteTask] = {}
        whole = True
        for page in range(1, MOST_PAGES + 1):
            answer = yield self._list(status, page, family)
            try:
                rows = self._rows(answer, status)
            except Refused:
                if page == 1:
                    raise
                return list(tasks.values()), False
            whole = whole and rows.whole
            before = len(tasks)
            tasks.update((task.external_id, task) for task in rows.tasks)
            if not rows.count or (status in FINISHED and rows.reaches(earliest)):
                return list(tasks.values()), whole
            if len(tasks) == before:
                break  # the same page again and again
        return list(tasks.values()), False

    def _could_be(self, draft: TaskDraft, task: RemoteTask) -> bool:
        """Return whether nothing that this row shows speaks against it."""
        sent, shown = self.comparable(draft), task.compare
        if shown.get("prospect", sent["prospect"]) != sent["prospect"]:
            return False
        if draft.marker:
            return "text" not in shown or draft.marker in task.text
        return all(shown[key] == value for key, value in sent.items() if key in shown)

    def same_task(self, draft: TaskDraft, remote: RemoteTask) -> bool:
        # One marker serves a whole call: it says little without the prospect.
        return _identifies(remote) and super().same_task(draft, remote)

    def due_day(self, draft: TaskDraft) -> date | None:
        """Return the due day as the account's people see it, None where none is set."""
        if draft.due_on is not None or draft.due_at is None:
            return draft.due_on
        return draft.due_at.astimezone(self.zone).date()

    def comparable(self, draft: TaskDraft) -> dict[str, Any]:
        sent: dict[str, Any] = {
            "prospect": draft.prospect.external_id,
            "type": self.canonical_type(draft.type_code),
            "priority": self.priorities.get(draft.priority),
            "text": plain(self.marked(draft.note, draft.marker)),
        }
        day = self.due_day(draft)
        if day is not None:
            sent["due"] = day.isoformat()
        return sent


def _identifies(task: RemoteTask) -> bool:
    return "prospect" in task.compare and "text" in task.compare


def rows_in(body: Any) -> list[Any] | None:
    """Return the list in this answer, wherever it stands; None where there is none."""
    payload = body.get("payload", body.get("data")) if isinstance(body, dict) else body
    if isinstance(payload, list):
        return payload
    for name in (
        "tasks",
        "webhooks",
        "data",
        "results",
        "items",
        "rows",
        "assignees",
        "users",
    ):
        rows = mapping(payload).get(name)
        if isinstance(rows, list):
            return rows
    return None
