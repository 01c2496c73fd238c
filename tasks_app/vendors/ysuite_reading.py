"""Reading YSuite: its paged list, one task, and looking for lost creates.

The list and its filters are documented (https://www.ysuiteapp.com/api-docs/endpoints/
tasks and `/pagination`), the answer for a single task is not: it is read leniently.
There is no filter by contact or by change.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from .answers import answered, mapping, same_text
from .calls import Conversation, VendorRequest, VendorResponse
from .drafts import AssigneeDraft, TaskDraft
from .errors import UnreadableResponse, UnsupportedTask
from .findings import (
    AccountInfo,
    Found,
    Page,
    Reading,
    RemoteTask,
    SyncScope,
)
from .ysuite_errors import YSuiteErrors, says_gone
from .ysuite_words import integer, local_text, read_row

PAGE_SIZE = 100
MOST_PAGES = 100
MOST_DETAILS = 40
DAY = timedelta(days=1)

Query = dict[str, str | int]


class YSuiteReading(YSuiteErrors):
    """The reading half of the adapter."""

    def test_connection(self) -> Conversation[AccountInfo]:
        answer = yield VendorRequest("GET", "/tasks", {"pageSize": 1, "pageIndex": 0})
        _, _, total = self._page(answer)
        count = "its tasks" if total is None else f"{total} tasks"
        return AccountInfo(f"YSuite accepts the keys and shows {count}.")

    # -- one task ------------------------------------------------------------------

    def read_task(self, external_id: str) -> Conversation[RemoteTask | None]:
        if integer(external_id) is None:
            raise UnsupportedTask("A YSuite task has a number for its id.")
        answer = yield VendorRequest("GET", f"/tasks/{integer(external_id)}")
        if says_gone(answer):
            return None
        self.check(answer)
        data = mapping(mapping(answer.body).get("data"))
        for place in (data, data.get("task"), data.get("data")):
            task = self._row(place)
            if task is not None:
                if task.external_id != str(integer(external_id)):
                    raise UnreadableResponse("YSuite answered about another task.")
                return task
        raise UnreadableResponse("YSuite showed no task that Baton can read.")

    # -- many tasks ----------------------------------------------------------------

    def read_tasks(self, scope: SyncScope) -> Reading:
        """Read the window of days in which our open tasks lie, once for all statuses.

        Nothing tells what changed, so all of it is read. Rows do not show who holds a
        task: so each holder's list is read by itself, and those without an id stand for
        the list of everybody. Which stored time the window means is not documented: a
        task that is missing is for `read_task`.
        """
        holders = self._holders(scope)
        if scope.bring_in:
            # Last everybody's: whoever stands in no list before it is held by nobody.
            yield from self._read(scope, [*((h, {}) for h in holders if h), (None, {})])
            return
        if scope.starts_from is None or scope.starts_to is None:
            return
        window: Query = {
            "due_date_from": scope.starts_from.isoformat(),
            "due_date_to": scope.starts_to.isoformat(),
        }
        yield from self._read(scope, [(holder, window) for holder in holders])

    def read_rest(self, scope: SyncScope) -> Reading:
        """Read what the holders have after and before the days of the scope."""
        if scope.bring_in or scope.starts_from is None or scope.starts_to is None:
            return
        after: Query = {"due_date_from": (scope.starts_to + DAY).isoformat()}
        before: Query = {"due_date_to": (scope.starts_from - DAY).isoformat()}
        holders = self._holders(scope)
        yield from self._read(
            scope, [(holder, days) for days in (after, before) for holder in holders]
        )

    def _holders(self, scope: SyncScope) -> list[int | None]:
        """Return the ids to read by, None = everybody's list."""
        ids = {integer(owner.external_id) for owner in scope.owners}
        everybody = [None] if AssigneeDraft() in scope.owners else []
        return [*everybody, *sorted(number for number in ids if number is not None)]

    def _read(self, scope: SyncScope, lists: list[tuple[int | None, Query]]) -> Reading:
        if scope.cursor.get("done"):
            return
        place = integer(scope.cursor.get("list")) or 0
        index = integer(scope.cursor.get("page")) or 0
        holder = scope.cursor.get("holder", lists[place][0] if lists[place:] else None)
        if lists[place:] and holder != lists[place][0]:
            place = index = 0  # other people hold tasks by now
        for number in range(place, len(lists)):
            holder, days = lists[number]
            query: Query = {**days}
            if holder is not None:
                query["assigned_user_id"] = holder
            more, earlier = True, set[str]()
            while more:
                answer = answered((yield self._list(query, index)))
                rows, pages, _ = self._page(answer)
                tasks = [self._held(task, holder) for task in rows if task]
                here = {task.external_id for task in tasks}
                index += 1
                more = bool(here - earlier) and (pages is None or index < pages)
                earlier = here
                cursor: dict[str, Any] = {"list": number, "holder": holder}
                if not more:
                    index = 0
                    cursor = {"done": True}
                    if number + 1 < len(lists):
                        cursor = {"list": number + 1, "holder": lists[number + 1][0]}
                yield Page(
                    tasks, {**cursor, "page": index} if "list" in cursor else cursor
                )

    def _held(self, task: RemoteTask, holder: int | None) -> RemoteTask:
        """Return the task with who holds it, known from the list that was asked for."""
        if holder is None or task.assignee_id:
            return task
        shown = task.shown | {"assignee_id"}
        return replace(task, assignee_id=str(holder), shown=shown)

    def _list(self, query: Query, index: int) -> VendorRequest:
        paging: Query = {"pageSize": PAGE_SIZE, "pageIndex": index}
        return VendorRequest("GET", "/tasks", {**query, **paging})

    def _page(
        self, answer: VendorResponse
    ) -> tuple[list[RemoteTask | None], int | None, int | None]:
        """Return a page's tasks (None = a row without an id), pages and records."""
        self.check(answer)
        data = mapping(mapping(answer.body).get("data"))
        rows = data.get("data")
        if not isinstance(rows, list):
            raise UnreadableResponse("YSuite sent no task list that can be read.")
        pages, records = data.get("total_pages"), data.get("total_records")
        return (
            [self._row(row) for row in rows],
            integer(pages) if isinstance(pages, int) else None,
            integer(records) if isinstance(records, int) else None,
        )

    def _row(self, row: Any) -> RemoteTask | None:
        task = read_row(row, zone=self.zone)
        return task and replace(task, title=self.unmarked(task.title))

    # -- looking for lost creates --------------------------------------------------

    def find_key(self, draft: TaskDraft) -> str:
        day = draft.starts_at.astimezone(self.zone).date() if draft.starts_at else ""
        return f"{self.marked(draft.title, draft.marker)}|{day}"

    def find(
        self, drafts: Sequence[TaskDraft], *, sent_at: datetime
    ) -> Conversation[Found]:
        """Search by the title that was sent, then walk the days around the tasks.

        How strict the search is and which time the days mean is not documented. So
        only both together, each read to its end, say that a task is absent.
        """
        title = self.marked(drafts[0].title, drafts[0].marker) if drafts else ""
        searched, complete = yield from self._walk({"search": title}, drafts)
        if not self._all_in(drafts, searched):
            walked, whole = yield from self._walk(self._window(drafts), drafts)
            known = {task.external_id for task in searched}
            searched += [task for task in walked if task.external_id not in known]
            complete = complete and whole
        return Found(searched, complete)

    def _window(self, drafts: Sequence[TaskDraft]) -> Query:
        days: list[date] = []
        for draft in drafts:
            for at in (draft.starts_at, draft.due_at):
                if at is not None:
                    days.append(at.astimezone(self.zone).date())
        if not days:
            return {}
        return {
            "due_date_from": (min(days) - DAY).isoformat(),
            "due_date_to": (max(days) + DAY).isoformat(),
        }

    def _walk(
        self, query: Query, drafts: Sequence[TaskDraft]
    ) -> Generator[VendorRequest, VendorResponse, tuple[list[RemoteTask], bool]]:
        """Return what may be these drafts, and whether the walk surely saw all."""
        seen: dict[str, RemoteTask] = {}
        complete, ended = True, False
        for index in range(MOST_PAGES):
            answer = yield self._list(query, index)
            rows, pages, records = self._page(answer)
            before = len(seen)
            complete = complete and None not in rows
            seen.update((task.external_id, task) for task in rows if task)
            if not rows or (pages is not None and index + 1 >= pages):
                # Rows shift between pages while others work: then the count is off.
                ended = records is None or records == len(seen)
                break
            if len(seen) == before:
                break
        tasks: list[RemoteTask] = []
        details = 0
        for task in seen.values():
            matching = [draft for draft in drafts if self._could_be(draft, task)]
            if not matching:
                continue
            if any(self._missing(draft, task) for draft in matching):
                if details == MOST_DETAILS:
                    complete = False
                    continue
                details += 1
                single = yield from self.read_task(task.external_id)
                if single is None:
                    continue
                compare = {**task.compare, **single.compare}
                task = replace(single, compare=compare, text=single.text or task.text)
            if any(self.same_task(draft, task) for draft in matching):
                tasks.append(task)
            elif any(self._missing(draft, task) for draft in matching):
                complete = False
        return tasks, complete and ended

    def _all_in(self, drafts: Sequence[TaskDraft], tasks: list[RemoteTask]) -> bool:
        free = list(tasks)
        for draft in drafts:
            match = next((task for task in free if self.same_task(draft, task)), None)
            if match is None:
                return False
            free.remove(match)
        return True

    def _could_be(self, draft: TaskDraft, task: RemoteTask) -> bool:
        """Return whether nothing that this row shows speaks against it."""
        sent, shown = self.comparable(draft), task.compare
        if draft.marker:
            return "text" not in shown or draft.marker in task.text
        return all(shown[key] == value for key, value in sent.items() if key in shown)

    def _missing(self, draft: TaskDraft, task: RemoteTask) -> bool:
        """Return whether something is not shown that tells this task from others."""
        if draft.marker:
            return "text" not in task.compare
        return any(key not in task.compare for key in self.comparable(draft))

    def same_task(self, draft: TaskDraft, remote: RemoteTask) -> bool:
        """As for all vendors, but a task may hang on a deal in place of a contact."""
        sent, shown = self.comparable(draft), remote.compare
        if draft.marker:
            linked = {"prospect", "deal"} & sent.keys() & shown.keys()
            return draft.marker in remote.text and all(
                shown[key] == sent[key] for key in linked
            )
        if "text" not in shown or not {"prospect", "deal"} & sent.keys() & shown.keys():
            return False
        return all(shown[key] == value for key, value in sent.items() if key in shown)

    def comparable(self, draft: TaskDraft) -> dict[str, Any]:
        """Return what was sent. The status is left out: it is there to be changed."""
        sent = {
            "text": same_text(self.marked(draft.title, draft.marker)),
            "start": local_text(draft.starts_at, self.zone),
            "end": local_text(draft.due_at, self.zone),
            "priority": self.priorities.get(draft.priority),
            "prospect": integer(draft.prospect.external_id),
            "deal": integer(draft.options.get("deal_id")),
            "note": same_text(draft.note),
            "assignee": integer(draft.assignee.external_id) if draft.assignee else None,
        }
        return {key: value for key, value in sent.items() if value not in (None, "")}
