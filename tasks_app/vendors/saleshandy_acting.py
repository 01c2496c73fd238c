"""Acting on Saleshandy's tasks: complete, skip, snooze, replace the note.

Snoozing is documented (https://developer.saleshandy.com/api-reference/tasks/snooze);
of the others only the requests are known, so their answers may show anything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from .answers import mapping
from .calls import Conversation, VendorRequest
from .drafts import ActionDraft
from .errors import OutcomeUnknown, TaskRejected, UnreadableResponse, UnsupportedTask
from .findings import RemoteTask
from .offers import Capability
from .saleshandy_errors import says_task_is_gone
from .saleshandy_reading import SaleshandyReading
from .saleshandy_words import CALL_OUTCOMES, CALLS
from .words import Action


class SaleshandyActing(SaleshandyReading):
    """The acting part of the adapter."""

    capabilities = {
        Action.COMPLETE: Capability(outcomes=CALL_OUTCOMES, outcome_types=CALLS),
        Action.SKIP: Capability(note="Saleshandy cannot cancel: the task is skipped."),
        Action.SNOOZE: Capability(),
        Action.NOTE: Capability(),
    }

    def act(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        answer = yield self._action_request(draft)
        if says_task_is_gone(answer):
            raise TaskRejected("Saleshandy has no such task any more.")
        if answer.status_code in (200, 201, 204) and answer.body is None:
            if answer.text.strip():
                raise UnreadableResponse(
                    "Saleshandy sent an answer that cannot be read."
                )
            return None  # its answer is not documented: an empty one will do
        self.check(answer)
        if mapping(answer.body).get("success") is False:
            raise OutcomeUnknown(
                "Saleshandy reports a failure as a success. Look at the task there."
            )
        return self.task_in(answer.body, draft.external_id)

    def _action_request(self, draft: ActionDraft) -> VendorRequest:
        place = f"/tasks/{quote(draft.external_id, safe='')}"
        values = draft.values
        match draft.action:
            case Action.COMPLETE:
                body = self._outcome(draft)
                return VendorRequest(
                    "POST", f"{place}/complete", json=body, writes=True
                )
            case Action.SKIP:
                return VendorRequest("POST", f"{place}/skip", writes=True)
            case Action.SNOOZE:
                until = values.get("until")
                if not isinstance(until, datetime) or until.tzinfo is None:
                    raise UnsupportedTask("Saleshandy needs a time to snooze until.")
                body = {
                    "snoozeUntil": f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
                }
                return VendorRequest("POST", f"{place}/snooze", json=body, writes=True)
            case Action.NOTE:
                text = self.unmarked(str(values.get("note") or "")).strip()
                note = self.marked(text, draft.task.marker)
                return VendorRequest(
                    "PATCH", f"{place}/note", json={"note": note}, writes=True
                )
        raise UnsupportedTask(f"Saleshandy has no call for this: {draft.action.value}.")

    def _outcome(self, draft: ActionDraft) -> dict[str, Any]:
        if self.canonical_type(draft.task.type_code) not in CALLS:
            return {}
        outcome = draft.values.get("outcome")
        if outcome not in dict(CALL_OUTCOMES):
            raise UnsupportedTask("Saleshandy needs the outcome of the call.")
        return {"callOutcome": outcome}
