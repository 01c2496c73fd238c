"""LeadSquared's lists of one owner's tasks, and how an account is read by them.

No list covers all owners, and none knows "changed since":
https://apidocs.leadsquared.com/retrieve-tasks/
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from .answers import (
    answered,
    mapping,
    moment,
    rows,
    whole_number,
)
from .calls import Conversation, VendorRequest, VendorResponse
from .drafts import AssigneeDraft
from .errors import UnreadableResponse
from .findings import (
    CLOCK_SLACK,
    Page,
    Reading,
    SyncScope,
)
from .leadsquared_account import LeadSquaredAccount
from .leadsquared_words import stamp

ROWS = 200  # in one answer, as in the documented example
OPEN, COMPLETE = 0, 1

Window = tuple[datetime, datetime]


#: Earlier and later than any task.
EVER: Window = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 2, tzinfo=UTC))


@dataclass(frozen=True)
class Stage:
    """One list of one owner: of a status, within a window of times."""

    owner: str
    status: int
    window: Window


@dataclass
class Walk:
    """How far a list, sorted newest first by one column, has been read."""

    column: str
    until: datetime | None
    offset: int = 0
    last: datetime | None = None
    sorted: bool = True

    def take(self, listed: Sequence[Mapping[str, Any]], total: int | None) -> bool:
        """Note the rows of an answer; return whether there may be more of interest.

        Whether the list is really sorted is not taken on trust.
        """
        self.offset += len(listed)
        for row in listed:
            when = moment(row.get(self.column))
            if when is None or (self.last is not None and when > self.last):
                self.sorted = False
            self.last = when or self.last
        if not listed or (len(listed) < ROWS and (total or 0) <= self.offset):
            return False
        past = self.until and self.last and self.last < self.until
        return not (self.sorted and past)


class LeadSquaredListing(LeadSquaredAccount):
    """Reading all tasks of the owners that matter."""

    def read_tasks(self, scope: SyncScope) -> Reading:
        """Read owner after owner: first what was completed, then what is open.

        Completed tasks are read newest change first, back to the last reading.
        """
        owners = by_key(scope.owners)
        if not owners and scope.bring_in:
            users = yield from _passing(self.read_users())
            owners = by_key([AssigneeDraft(u.external_id, u.email) for u in users])
        window = _window_of_scope(scope)
        stages = [
            Stage(key, status, window)
            for key in sorted(owners)
            for status in (COMPLETE, OPEN)
        ]
        yield from self._read(scope, owners, stages)

    def read_rest(self, scope: SyncScope) -> Reading:
        """Read what the owners hold before and after the days of the scope."""
        if scope.bring_in:
            return
        owners = by_key(scope.owners)
        first, last = _window_of_scope(scope)
        stages = [
            Stage(key, OPEN, window)
            for key in sorted(owners)
            for window in ((last, EVER[1]), (EVER[0], first))
        ]
        yield from self._read(scope, owners, stages)

    def _read(
        self, scope: SyncScope, owners: Mapping[str, AssigneeDraft], stages: list[Stage]
    ) -> Reading:
        if scope.cursor.get("done"):
            return
        place = whole_number(scope.cursor.get("stage")) or 0
        offset = whole_number(scope.cursor.get("offset")) or 0
        if scope.cursor.get("owner") not in (
            None,
            *(stage.owner for stage in stages[place : place + 1]),
        ):
            place = offset = 0  # other people hold tasks by now
        since = scope.since - CLOCK_SLACK if scope.since else None
        for number, stage in enumerate(stages):
            if number < place:
                continue
            column = "ModifiedOn" if stage.status == COMPLETE else "CreatedOn"
            walk = Walk(column, until=since if stage.status == COMPLETE else None)
            walk.offset = offset if number == place else 0
            more, earlier = True, set[str]()
            while more:
                request = self.list_request(
                    owners[stage.owner],
                    stage.status,
                    stage.window,
                    walk,
                    types=scope.bring_in,
                )
                response = answered((yield request))
                listed, total = self.read_list(response, "List")
                tasks = [task for row in listed if (task := self.remote(row))]
                here = {task.external_id.casefold() for task in tasks}
                more = walk.take(listed, total)
                if more and here <= earlier:
                    raise UnreadableResponse("LeadSquared repeats its list.")
                earlier = here
                if more:
                    cursor = _cursor(number, stages, walk.offset)
                else:
                    cursor = _cursor(number + 1, stages, 0)
                yield Page(tasks, cursor)

    def list_request(
        self,
        owner: AssigneeDraft,
        status: int,
        window: Window,
        walk: Walk,
        *,
        types: bool = False,
    ) -> VendorRequest:
        lookup = ("OwnerId", owner.external_id)
        if not owner.external_id:
            lookup = ("OwnerEmailAddress", owner.email)
        body: dict[str, Any] = {
            "Parameter": {
                "LookupName": lookup[0],
                "LookupValue": lookup[1],
                "FromDate": stamp(window[0]),
                "ToDate": stamp(window[1]),
                "StatusCode": status,
            },
            "Sorting": {"ColumnName": walk.column, "Direction": "1"},
            "Paging": {"Offset": walk.offset, "RowCount": ROWS},
        }
        if not types:  # each row would carry the whole form of its type
            body["Columns"] = {"Exclude_CSV": "TaskType"}
        return VendorRequest("POST", "/Task.svc/Retrieve", json=body)

    def read_list(
        self, response: VendorResponse, name: str
    ) -> tuple[list[Mapping[str, Any]], int | None]:
        self.check(response)
        body = mapping(response.body)
        listed, total = body.get(name), whole_number(body.get("RecordCount"))
        if listed is None and total == 0:
            listed = []
        if not isinstance(listed, list) or len(rows(listed)) != len(listed):
            raise UnreadableResponse("LeadSquared did not answer with a list of tasks.")
        return rows(listed), total


def _window_of_scope(scope: SyncScope) -> Window:
    first = scope.starts_from or (scope.until - timedelta(days=366)).date()
    last = scope.starts_to or (scope.until + timedelta(days=366)).date()
    if scope.bring_in:
        return EVER
    midnight = datetime.combine(last, time(), tzinfo=UTC)
    return datetime.combine(first, time(), tzinfo=UTC), midnight + timedelta(days=1)


def _cursor(number: int, stages: Sequence[Stage], offset: int) -> dict[str, Any]:
    if number == len(stages):
        return {"done": True}
    return {"stage": number, "owner": stages[number].owner, "offset": offset}


def by_key(owners: Sequence[AssigneeDraft]) -> dict[str, AssigneeDraft]:
    """Return those that can be named, each once."""
    found = {(o.external_id or o.email).casefold(): o for o in owners}
    found.pop("", None)
    return found


def _passing(
    conversation: Conversation[Any],
) -> Generator[VendorRequest | Page, VendorResponse | None, Any]:
    """Hold a conversation in the middle of a reading."""
    request = next(conversation)
    while True:
        response = answered((yield request))
        try:
            request = conversation.send(response)
        except StopIteration as end:
            return end.value
