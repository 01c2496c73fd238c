"""What Baton does to tasks that exist at LeadSquared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .answers import first_text, mapping, whole_number
from .calls import Conversation, VendorRequest
from .drafts import ActionDraft, AssigneeDraft, TaskDraft
from .errors import OutcomeUnknown, TaskRejected, UnreadableResponse, UnsupportedTask
from .findings import RemoteTask
from .leadsquared_finding import LeadSquaredFinding
from .leadsquared_words import (
    owner_of,
    related_of,
    relation_of,
    reminder_of,
    stamp,
    times_of,
)
from .offers import Capability
from .words import Action, Status


class LeadSquaredActing(LeadSquaredFinding):
    """Complete, change, hand over and take back."""

    capabilities = {
        Action.COMPLETE: Capability(),
        Action.RESCHEDULE: Capability(
            note="Moves the start. LeadSquared has no call that moves the end."
        ),
        Action.REASSIGN: Capability(),
        Action.NOTE: Capability(note="Replaces the description."),
        Action.CANCEL: Capability(
            note="LeadSquared has no call that cancels: "
            "the task is deleted there, a little later."
        ),
    }

    def act(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        match draft.action:
            case Action.COMPLETE:
                return (yield from self._complete(draft))
            case Action.CANCEL:
                return (yield from self._delete(draft))
            case Action.RESCHEDULE | Action.REASSIGN | Action.NOTE:
                return (yield from self._update(draft))
        raise UnsupportedTask(f"LeadSquared has no call for “{draft.action}”.")

    def _complete(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        """A GET with an effect, known from public scripts; its answer is not.

        Where the answer is no plain success, the task itself has to show it.
        """
        response = yield VendorRequest(
            "GET",
            "/Task.svc/MarkComplete",
            query={"id": draft.external_id},
            writes=True,
        )
        if response.is_json or not 200 <= response.status_code < 300:
            self.check(response)
        if first_text(mapping(response.body), "Status").casefold() == "success":
            return None
        task = yield from self.read_task(draft.external_id)
        if task is None or task.status != Status.COMPLETED:
            raise OutcomeUnknown("LeadSquared does not show this task as completed.")
        return task

    def _update(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        """Send all that is known of the task: what becomes of the rest is not stated.

        https://apidocs.leadsquared.com/update-task/
        """
        body = self._known(draft.external_id, self._changed(draft))
        response = yield VendorRequest(
            "POST", "/Task.svc/Update", json=body, writes=True
        )
        answer = self.check_success(response)
        if whole_number(mapping(answer.get("Message")).get("AffectedRows")) == 0:
            raise TaskRejected(
                "LeadSquared changed nothing. Check that the task still exists there."
            )
        return None

    def _changed(self, draft: ActionDraft) -> TaskDraft:
        """Return the task as it shall be."""
        values, task = draft.values, draft.task
        if draft.action == Action.NOTE:
            return replace(task, note=str(values.get("note") or ""))
        if draft.action == Action.REASSIGN:
            owner = values.get("assignee")
            if not isinstance(owner, AssigneeDraft) or not (
                owner.external_id or owner.email
            ):
                raise UnsupportedTask("LeadSquared needs an owner: choose an assignee.")
            return replace(task, assignee=owner)
        start, due, day = (values.get(k) for k in ("starts_at", "due_at", "due_on"))
        if not (start or due or day):
            raise UnsupportedTask("LeadSquared needs a new date for this task.")
        if not start and task.starts_at:
            raise UnsupportedTask(
                "LeadSquared moves only the start of a task, not its end."
            )
        return replace(task, starts_at=start, due_at=due, due_on=day)

    def _known(self, external_id: str, task: TaskDraft) -> dict[str, Any]:
        body: dict[str, Any] = {"UserTaskId": external_id}
        if task.title.strip():
            body["Name"] = task.title.strip()
        body["Description"] = self.marked(self.unmarked(task.note), task.marker)
        entity, entity_id = relation_of(task)
        if entity_id or related_of(task) == "none":
            body |= {"RelatedEntity": entity, "RelatedEntityId": entity_id}
        due, _ = times_of(task, self.zone)
        if due:
            body["DueDate"] = stamp(due)
        reminder = reminder_of(task)
        body |= {k: reminder[k] for k in ("Reminder", "NotifyBy") if k in reminder}
        return body | owner_of(task, bulk=False)

    def _delete(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        """Accepted now and done later: https://apidocs.leadsquared.com/delete-tasks-in-bulk/"""
        body: dict[str, Any] = {"TaskIds": [draft.external_id]}
        if webhook := self.setting("status_webhook_url"):
            body["StatusWebhookURL"] = webhook
        response = yield VendorRequest(
            "POST", "/Task.svc/DeleteTasks", json=body, writes=True
        )
        answer = self.check_success(response)
        if reason := self.quote(first_text(answer, "FailureReason")):
            raise TaskRejected(f"LeadSquared did not delete this task: {reason}")
        if whole_number(answer.get("TasksCount")) == 0:
            raise UnreadableResponse("LeadSquared did not say what it will delete.")
        return None
