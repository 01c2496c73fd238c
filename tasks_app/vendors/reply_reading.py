"""What Reply.io's answers mean: its errors, and a task as it shows one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .answers import first_text, mapping, moment, rows, same_text
from .answers import whole_number as number
from .base import VendorAdapter
from .calls import Conversation, VendorRequest, VendorResponse
from .errors import Misconfigured, TaskRejected, UnreadableResponse
from .findings import AccountInfo, RemoteTask
from .reply_words import (
    STATUS_WORDS,
    TYPE_WORDS,
    code_of,
    stamp,
)
from .words import Status


class ReplyReading(VendorAdapter):
    """Reading single answers. https://docs.reply.io/api-reference/tasks/get-a-task"""

    #: Archived tasks, and those their sequence let go of, are nobody's work any more.
    statuses = {
        "new": Status.OPEN,
        "finished": Status.COMPLETED,
        "cancelled": Status.CANCELLED,
        "archived": Status.CANCELLED,
        "sequenceDetached": Status.CANCELLED,
    }

    # -- errors --------------------------------------------------------------------

    def check(self, response: VendorResponse) -> None:
        """Raise what the answer means; refusals name the fields they are about.

        All errors but a 401 are problem documents; business errors carry a `code` such
        as `sequence.notFound` (https://docs.reply.io/api-reference/introduction).
        """
        status = response.status_code
        if status in (400, 422):
            raise TaskRejected(f"Reply.io refused this: {self._reason(response)}")
        if status in (403, 404) and self._resource(response) in ("contact", "prospect"):
            raise TaskRejected(
                "Reply.io does not know this contact. Check its Reply.io id."
            )
        if status in (403, 404) and self._resource(response) in ("task", "user"):
            raise TaskRejected(f"Reply.io refused this: {self._reason(response)}")
        if status == 404:
            raise Misconfigured(
                "Reply.io does not know this address (404). "
                "Check the base URL of this account."
            )
        super().check(response)

    def _resource(self, response: VendorResponse) -> str:
        code = first_text(mapping(response.body), "code")
        return code.split(".")[0].casefold() if "." in code else ""

    def _reason(self, response: VendorResponse) -> str:
        """Return the problem document's reasons, field by field where it has them."""
        body = mapping(response.body)
        errors = body.get("errors")
        reasons: list[str] = []
        if isinstance(errors, dict):
            for name, messages in errors.items():
                said = messages if isinstance(messages, list) else [messages]
                reasons += [f"{name}: {m}" for m in said if isinstance(m, str)]
        for row in rows(errors):
            name = first_text(row, "pointer", "field", "name").strip("#/")
            message = first_text(row, "detail", "message", "title", "code")
            reasons.append(f"{name.replace('/', '.')}: {message}".strip(": "))
        reason = "; ".join(r for r in reasons if r)
        reason = reason or first_text(body, "detail", "title", "message", "code")
        return self.quote(reason) or "it gave no reason. Check the task's fields."

    # -- one task ------------------------------------------------------------------

    def remote(self, row: Mapping[str, Any]) -> RemoteTask | None:
        """Return the task in a row of a list or in a detail, None where it has no id.

        Rows have `contact.id`, details `contactId`; only details have the text.
        """
        task_id = number(row.get("id"))
        if task_id is None or task_id <= 0:
            return None
        given: dict[str, Any] = {}
        compare: dict[str, Any] = {}

        contact = row.get("contact")
        if isinstance(contact, dict) or ("contact" in row and contact is None):
            contact_id = first_text(mapping(contact), "id")
            given["prospect_name"] = first_text(mapping(contact), "fullName", "name")
            given["prospect_id"] = compare["prospect"] = contact_id
        if number(row.get("contactId")) is not None or (
            "contactId" in row and row["contactId"] is None
        ):
            given["prospect_id"] = compare["prospect"] = first_text(row, "contactId")

        if code := code_of(row.get("taskType"), TYPE_WORDS):
            given["type_code"] = compare["type"] = code
        for key, name, ours in (
            ("startAt", "start", "starts_at"),
            ("dueTo", "due", "due_at"),
        ):
            if when := moment(row.get(key)):
                given[ours] = when
                compare[name] = stamp(when)
        template = mapping(row.get("template"))
        text = template.get("body")
        if isinstance(text, str):
            given["note"] = self.unmarked(text)
            compare["text"] = same_text(text)
            subject = template.get("subject")
            if isinstance(subject, str) and subject:
                compare["subject"] = same_text(subject)
        if assignee := first_text(row, "assignedUserId"):
            given["assignee_id"] = assignee
        if created := moment(row.get("createdAt")):
            given["created_at"] = created
        if "finishedAt" in row:
            given["completed_at"] = moment(row["finishedAt"])

        status, word = self._status(row)
        shown = set(given)
        if word:
            shown |= {"status", "vendor_status"}
        return RemoteTask(
            external_id=str(task_id),
            status=status,
            vendor_status=word,
            compare=compare,
            text=text if isinstance(text, str) else "",
            shown=frozenset(shown),
            **given,
        )

    def _status(self, row: Mapping[str, Any]) -> tuple[Status | None, str]:
        value = row.get("status")
        word = STATUS_WORDS.get(code_of(value, STATUS_WORDS), "")
        status = self.statuses.get(word)
        if not word:
            return None, self.quote(first_text(row, "status"))
        if row.get("isFailed") is True:
            return status, f"{word} (failed)"
        return status, word

    def read_detail(self, response: VendorResponse) -> RemoteTask:
        task = self.remote(mapping(response.body))
        if task is None:
            raise UnreadableResponse("Reply.io did not show the task.")
        return task

    def read_task(self, external_id: str) -> Conversation[RemoteTask | None]:
        """Return the task, None where a problem document says that it is not found."""
        response = yield VendorRequest("GET", self.task_path(external_id))
        if self._is_gone(response):
            return None
        self.check(response)
        task = self.read_detail(response)
        if task.external_id != external_id.strip():
            raise UnreadableResponse("Reply.io showed another task than the one asked.")
        return task

    def task_path(self, external_id: str) -> str:
        task_id = number(external_id)
        if task_id is None or task_id <= 0:
            raise TaskRejected("Reply.io has no task with such an id: ids are numbers.")
        return f"/tasks/{task_id}"

    def _is_gone(self, response: VendorResponse) -> bool:
        # An unknown address is a 404 too, but comes without a problem document.
        if response.status_code != 404 or not isinstance(response.body, dict):
            return False
        return self._resource(response) in ("", "task")

    def test_connection(self) -> Conversation[AccountInfo]:
        """https://docs.reply.io/api-reference/authentication"""
        response = yield VendorRequest("GET", "/whoami")
        self.check(response)
        user = number(mapping(response.body).get("userId"))
        if user is None:
            raise UnreadableResponse("Reply.io did not say whose key this is.")
        return AccountInfo(f"Reply.io accepts the key of user {user}.")
