"""What Baton does to tasks that exist at Reply.io.

Reply.io's *execute* call sends the e-mail or SMS for real. Baton never makes it:
completing a task here completes it and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .answers import first_text, mapping, moment, whole_number
from .calls import Conversation, VendorRequest, VendorResponse
from .drafts import ActionDraft, AssigneeDraft
from .errors import OutcomeUnknown, TaskRejected, UnreadableResponse, UnsupportedTask
from .findings import RemoteTask
from .handlebars import problems
from .offers import Capability
from .reply_listing import ReplyListing
from .reply_words import (
    CALL,
    CALL_RESOLUTION_WORDS,
    STATUS_WORDS,
    TYPE_WORDS,
    code_of,
    end_of_day,
    in_dialect,
    stamp,
    whole_seconds,
)
from .words import Action

ONLY_NEW = "Reply.io changes a task only while it is new, and this one no longer is."
WRONG_ORDER = "Reply.io needs a due time that is later than the start."
ONLY_IF_NEW = "Only while the task is new there."


class ReplyActing(ReplyListing):
    """Complete, change, hand over and take back.

    https://docs.reply.io/api-reference/tasks/complete-a-task and the pages beside it.
    """

    capabilities = {
        Action.COMPLETE: Capability(
            outcomes=(("0", "Positive"), ("1", "To call"), ("2", "Negative")),
            outcome_types=frozenset({CALL}),
            note="Nothing is sent to the contact.",
        ),
        Action.RESCHEDULE: Capability(note=ONLY_IF_NEW),
        Action.NOTE: Capability(note=ONLY_IF_NEW),
        Action.REASSIGN: Capability(note="To a user of the same Reply.io team."),
        Action.CANCEL: Capability(
            note="Reply.io has no call that cancels: the task is deleted there."
        ),
    }

    def act(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        path = self.task_path(draft.external_id)
        match draft.action:
            case Action.COMPLETE:
                return (yield from self._complete(draft, path))
            case Action.RESCHEDULE | Action.NOTE:
                return (yield from self._replace(draft, path))
            case Action.REASSIGN:
                return (yield from self._reassign(draft, path))
            case Action.CANCEL:
                return (yield from self._delete(draft))
        raise UnsupportedTask(f"Reply.io has no call for “{draft.action}”.")

    def _complete(
        self, draft: ActionDraft, path: str
    ) -> Conversation[RemoteTask | None]:
        body: dict[str, Any] = {}
        outcome = draft.values.get("outcome")
        if outcome not in (None, ""):
            code = code_of(outcome, CALL_RESOLUTION_WORDS)
            if not code or code_of(draft.task.type_code, TYPE_WORDS) != CALL:
                raise UnsupportedTask("Reply.io takes an outcome for calls only.")
            dialect = self.setting("dialect")
            body["callResolution"] = in_dialect(code, CALL_RESOLUTION_WORDS, dialect)
        response = yield VendorRequest(
            "POST", f"{path}/complete", json=body, writes=True
        )
        return self._after(response, draft)

    def _replace(
        self, draft: ActionDraft, path: str
    ) -> Conversation[RemoteTask | None]:
        """Read the task and send all of it back with the change: PUT replaces it.

        https://docs.reply.io/api-reference/tasks/update-a-task
        """
        response = yield VendorRequest("GET", path)
        if self._is_gone(response):
            raise TaskRejected("Reply.io no longer has this task.")
        self.check(response)
        current = mapping(response.body)
        if first_text(current, "id") != draft.external_id.strip():
            raise UnreadableResponse("Reply.io did not show the task to change.")
        if STATUS_WORDS.get(code_of(current.get("status"), STATUS_WORDS)) != "new":
            raise UnsupportedTask(ONLY_NEW)
        body = self._whole(current)
        if draft.action == Action.NOTE:
            note = str(draft.values.get("note") or "").strip()
            if not note:
                raise UnsupportedTask("Reply.io needs a text.")
            for problem in problems(note):
                raise UnsupportedTask(problem)
            body["template"]["body"] = self._with_marker(note, draft, current)
        else:
            self._move(body, draft)
        response = yield VendorRequest("PUT", path, json=body, writes=True)
        return self._after(response, draft)

    def _whole(self, current: Mapping[str, Any]) -> dict[str, Any]:
        """Return what PUT takes, in the spelling in which it was shown."""
        template = mapping(current.get("template"))
        needed = (current.get("taskType"), current.get("startAt"), current.get("dueTo"))
        if not isinstance(template.get("body"), str) or None in needed:
            raise UnreadableResponse(
                "Reply.io did not show the whole task, so Baton changed nothing."
            )
        kept = {
            key: template[key]
            for key in ("body", "subject", "attachmentIdList")
            if template.get(key) is not None
        }
        body: dict[str, Any] = {
            "taskType": current["taskType"],
            "startAt": current["startAt"],
            "dueTo": current["dueTo"],
            "template": kept,
            "contactId": current.get("contactId"),
        }
        if current.get("linkedInTaskType") is not None:
            body["linkedInTaskType"] = current["linkedInTaskType"]
        return body

    def _with_marker(
        self, note: str, draft: ActionDraft, current: Mapping[str, Any]
    ) -> str:
        old = str(mapping(current.get("template")).get("body") or "")
        if draft.task.marker and draft.task.marker in old:
            return self.marked(self.unmarked(note), draft.task.marker)
        return note

    def _move(self, body: dict[str, Any], draft: ActionDraft) -> None:
        start, due = moment(body["startAt"]), moment(body["dueTo"])
        values = draft.values
        if values.get("starts_at"):
            start = whole_seconds(values["starts_at"])
            body["startAt"] = stamp(start)
        if values.get("due_at"):
            due = whole_seconds(values["due_at"])
            body["dueTo"] = stamp(due)
        elif values.get("due_on"):
            due = end_of_day(values["due_on"], self.zone)
            body["dueTo"] = stamp(due)
        if start is None or due is None:
            raise UnreadableResponse("Reply.io did not show when the task is due.")
        if due <= start:
            raise UnsupportedTask(WRONG_ORDER)

    def _reassign(
        self, draft: ActionDraft, path: str
    ) -> Conversation[RemoteTask | None]:
        assignee = draft.values.get("assignee")
        user = None
        if isinstance(assignee, AssigneeDraft):
            user = whole_number(assignee.external_id)
        if user is None or user <= 0:
            raise UnsupportedTask(
                "Reply.io needs the number of the user who takes over. "
                "Enter it for this person in the account's list of users."
            )
        response = yield VendorRequest(
            "PUT", f"{path}/assigned-user", json={"userId": user}, writes=True
        )
        return self._after(response, draft)

    def _delete(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        """The answer is an object of what failed, by task id; {} = all is deleted."""
        task_id = whole_number(draft.external_id)
        response = yield VendorRequest(
            "POST", "/tasks/bulk-delete", json={"ids": [task_id]}, writes=True
        )
        if response.status_code == 204:
            return None
        self.check(response)
        failed = response.body
        if not isinstance(failed, dict) or any(not key.isdigit() for key in failed):
            raise UnreadableResponse(
                "Reply.io did not say whether it took the task back."
            )
        if str(task_id) in failed:
            # One error number stands for both: not found, and not permitted.
            if (yield from self.read_task(draft.external_id)) is None:
                return None
            raise TaskRejected(
                "Reply.io did not delete this task: the key may not delete it."
            )
        return None

    def _after(self, response: VendorResponse, draft: ActionDraft) -> RemoteTask | None:
        """Return the task that a change was answered with, None for a bare 204."""
        if response.status_code == 204:
            return None
        if self._is_gone(response):
            raise TaskRejected("Reply.io no longer has this task.")
        if response.status_code == 409 and self._resource(response) == "task":
            raise TaskRejected(f"Reply.io refused this: {self._reason(response)}")
        self.check(response)
        task = self.read_detail(response)
        if task.external_id != str(whole_number(draft.external_id)):
            raise OutcomeUnknown("Reply.io answered about another task.")
        return task
