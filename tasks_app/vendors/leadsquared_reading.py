"""What LeadSquared's answers mean: its errors, and a task as its lists show one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time
from html import unescape
from typing import Any

from .answers import first_text, mapping, moment, rows, same_text, whole_number
from .base import VendorAdapter
from .calls import Conversation, VendorRequest, VendorResponse
from .errors import Misconfigured, OutcomeUnknown, TaskRejected, UnreadableResponse
from .findings import RemoteTask
from .leadsquared_words import RELATED, TODO, stamp
from .words import Status

_GONE = re.compile(
    r"not\s*found|not\s*exist|no longer exists|doesn'?t exist", re.IGNORECASE
)

#: How a status that comes as a number is shown.
SHOWN_STATUS = {"0": "Incomplete", "1": "Complete"}


class LeadSquaredReading(VendorAdapter):
    """Reading single answers."""

    #: `StatusCode` of most lists; the list by lead has words. There is no third state:
    #: "Overdue" follows from the time [seed], and a deleted task is no longer shown.
    statuses = {
        "0": Status.OPEN,
        "1": Status.COMPLETED,
        "Pending": Status.OPEN,
        "Overdue": Status.OPEN,
        "Completed": Status.COMPLETED,
    }

    # -- errors --------------------------------------------------------------------

    def check(self, response: VendorResponse) -> None:
        """Raise what the answer means.

        A refused field arrives as a 500 whose `ExceptionType` starts with MX, and such
        an error never passes by itself; any other 500 may have done the work
        (https://apidocs.leadsquared.com/error-handling/). 404 is an unknown path, not
        an unknown task [seed].
        """
        status = response.status_code
        success = 200 <= status < 300
        body = mapping(response.body)
        failed = first_text(body, "Status").casefold() == "error"
        if (success and failed) or status == 500:
            if first_text(body, "ExceptionType").startswith("MX"):
                raise TaskRejected(self._refusal(body))
            raise OutcomeUnknown(
                f"LeadSquared answered with an error ({status}). "
                "The task may exist there."
            )
        if status in (400, 422):
            raise TaskRejected(self._refusal(body))
        if status == 404:
            raise Misconfigured(
                "LeadSquared does not know this address (404). "
                "Check the region of this account."
            )
        super().check(response)

    def _refusal(self, body: Mapping[str, Any]) -> str:
        reason = self.quote(first_text(body, "ExceptionMessage", "Message"))
        kind = self.quote(first_text(body, "ExceptionType"))
        if reason:
            return f"LeadSquared refused this: {reason}"
        if kind:
            return f"LeadSquared refused this and named no reason but {kind}."
        return (
            "LeadSquared refused this and gave no reason. "
            "Check the fields that this task type demands."
        )

    def check_success(self, response: VendorResponse) -> Mapping[str, Any]:
        """Return the body of an answer that says `"Status": "Success"`."""
        self.check(response)
        body = mapping(response.body)
        if first_text(body, "Status").casefold() != "success":
            raise UnreadableResponse("LeadSquared did not say whether it did this.")
        return body

    # -- one task ------------------------------------------------------------------

    def remote(self, row: Mapping[str, Any]) -> RemoteTask | None:
        """Return the task in a row of any of the lists, None where it has no id.

        The lists differ in names: `UserTaskId` or `TaskID`, `OwnerId` or `OwnerID`,
        `StatusCode` or a `Status` in words.
        """
        task_id = first_text(row, "UserTaskId", "UserTaskID", "TaskID", "TaskId", "Id")
        if not task_id:
            return None
        given: dict[str, Any] = {}
        compare: dict[str, Any] = {}
        name, note = row.get("Name"), row.get("Description")
        if isinstance(name, str):
            given["title"] = name
        if isinstance(note, str) or ("Description" in row and note is None):
            given["note"] = self.unmarked(note or "")
        text = ""
        if {"title", "note"} <= given.keys():
            text = f"{name}\n{note or ''}"
            compare["text"] = compared(text)

        self._add_relation(row, given, compare)
        self._add_times(row, given, compare)
        if owner := first_text(row, "OwnerId", "OwnerID"):
            given["assignee_id"] = owner
            compare["owner_id"] = owner.casefold()
        if email := first_text(row, "OwnerEmailAddress", "OwnerEmail"):
            given["assignee_email"] = email
            compare["owner_email"] = email.casefold()
        task_type = first_text(mapping(row.get("TaskType")), "Name")
        if task_type := task_type or first_text(row, "TaskTypeName", "TypeName"):
            given["type_code"] = task_type
        for key, ours in (("CreatedOn", "created_at"), ("ModifiedOn", "changed_at")):
            if when := moment(row.get(key)):
                given[ours] = when
        if "CompletedOn" in row:
            given["completed_at"] = moment(row["CompletedOn"])

        word = first_text(row, "StatusCode") or first_text(row, "Status")
        shown = set(given)
        if word:
            shown |= {"status", "vendor_status"}
        return RemoteTask(
            external_id=task_id,
            status=self._status(word),
            vendor_status=SHOWN_STATUS.get(word) or self.quote(word),
            compare=compare,
            text=text,
            shown=frozenset(shown),
            **given,
        )

    def _status(self, word: str) -> Status | None:
        words = {ours.casefold(): status for ours, status in self.statuses.items()}
        return words.get(word.casefold())

    def _add_relation(
        self, row: Mapping[str, Any], given: dict[str, Any], compare: dict[str, Any]
    ) -> None:
        entity = whole_number(row.get("RelatedEntity"))
        entity_id = first_text(row, "RelatedEntityId")
        if entity == RELATED["none"]:
            entity_id = ""
        elif not entity_id:
            return
        compare["prospect"] = entity_id.casefold()
        if entity != RELATED["opportunity"]:
            given["prospect_id"] = entity_id
            given["prospect_name"] = first_text(row, "RelatedEntityIdName")

    def _add_times(
        self, row: Mapping[str, Any], given: dict[str, Any], compare: dict[str, Any]
    ) -> None:
        """`DueDate` is a start wherever an end is known or may be (appointments)."""
        due, end = moment(row.get("DueDate")), moment(row.get("EndDate"))
        if due is None:
            return
        compare["due"] = stamp(due)
        local = due.astimezone(self.zone)
        midnight = local.time() == time()
        if midnight and end and end.astimezone(self.zone) == _last_second(local):
            given["due_on"] = local.date()
        elif end is not None and end > due:
            given |= {"starts_at": due, "due_at": end}
        elif "EndDate" in row or first_text(row, "Category") == TODO:
            given["due_at"] = due
        else:
            given["starts_at"] = due

    def read_task(self, external_id: str) -> Conversation[RemoteTask | None]:
        """Return the task, None only where LeadSquared surely says that it is gone."""
        row = yield from self.read_row(external_id)
        return self.remote(row) if row is not None else None

    def read_row(self, external_id: str) -> Conversation[Mapping[str, Any] | None]:
        """Read one task by a call that is known from public scripts alone.

        It answers with an array of one. None only where that is empty, or where the
        error's own words say that there is no such task.
        """
        response = yield VendorRequest(
            "GET", "/Task.svc/Retrieve.GetById", query={"id": external_id}
        )
        body = response.body
        if isinstance(body, dict) and response.status_code in (200, 500):
            kind = first_text(body, "ExceptionType")
            words = f"{kind} {first_text(body, 'ExceptionMessage')}"
            if kind.startswith("MX") and _GONE.search(words):
                return None
        self.check(response)
        if isinstance(body, dict) and "List" in body:
            body = body["List"]
        if body == []:
            return None
        for row in [body] if isinstance(body, dict) else rows(body):
            task = self.remote(row)
            if task and task.external_id.casefold() == external_id.casefold():
                return row
        raise UnreadableResponse("LeadSquared did not show the task asked for.")


def compared(text: str) -> str:
    """Return a text as it is compared: spacing and escapes even out."""
    return same_text(unescape(text))


def _last_second(moment: datetime) -> datetime:
    return moment.replace(hour=23, minute=59, second=59)
