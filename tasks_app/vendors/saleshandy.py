"""Saleshandy's tasks, created for many prospects in one call.

What its API takes and answers when creating is documented
(https://developer.saleshandy.com/api-reference/tasks/create); what reading looks like
is known only in part, see `saleshandy_reading`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from .answers import mapping
from .calls import Auth, VendorRequest, VendorResponse
from .drafts import TaskDraft
from .errors import TaskRejected, UnreadableResponse, UnsupportedTask
from .findings import ItemResult
from .offers import FieldError, FormField, Setting
from .saleshandy_acting import SaleshandyActing
from .saleshandy_errors import says_prospect_is_unknown
from .saleshandy_words import PRIORITIES, STATUSES, TYPES

FIELDS = (
    FormField("note", "Note", "long", vendor_name="taskNote"),
    FormField(
        "priority",
        "Priority",
        "choice",
        choices=tuple((str(int(p)), p.name.capitalize()) for p in PRIORITIES),
        vendor_name="priority",
        default="0",
    ),
    FormField(
        "due_on",
        "Due",
        "date",
        vendor_name="dueDate",
        help="A day without a time. Saleshandy takes today where none is given.",
    ),
)


class SaleshandyAdapter(SaleshandyActing):
    """Saleshandy tasks: a type, a note, a day and a priority, for many prospects."""

    slug = "saleshandy"
    name = "Saleshandy"
    base_urls = (("https://open-api.saleshandy.com/v1", "Saleshandy"),)
    home_url = "https://my.saleshandy.com"
    credential_fields = (("api_key", "API key"),)
    settings_fields = (
        Setting(
            "time_zone",
            "Time zone of due days",
            kind="time_zone",
            help="Saleshandy takes a day, not a time. Empty = the team's time zone.",
        ),
    )
    #: Not documented; 20 calls in a window were seen elsewhere in this API.
    default_rates = ((20, 10.0),)
    #: No limit is documented. Few in a call leave few unclear when an answer is lost.
    create_limit = 25
    lists_hooks = True
    marker_default = True
    marker_shared = True
    fixed_types = TYPES
    priorities = PRIORITIES
    statuses = STATUSES
    unlisted = frozenset({"snoozed"})

    def auth(self) -> Auth:
        key = self.config.credentials.get("api_key", "")
        return Auth(headers={"x-api-key": key}, vendor=self.name)

    # -- what the form offers ------------------------------------------------------

    def fields(self, type_code: str) -> tuple[FormField, ...]:
        return FIELDS

    def validate(self, draft: TaskDraft) -> list[FieldError]:
        errors = []
        if self.canonical_type(draft.type_code) is None:
            message = "Saleshandy has no such task type."
            errors.append(FieldError("type_code", message))
        if draft.priority not in self.priorities:
            errors.append(FieldError("priority", "Saleshandy has no such priority."))
        day = self.due_day(draft)
        if day is not None and day.year < 1000:
            errors.append(FieldError("due_on", "Saleshandy takes no such year."))
        return errors

    def losses(self, draft: TaskDraft) -> list[str]:
        lost = []
        if draft.title:
            lost.append("Saleshandy has no title: it stays in Baton.")
        if draft.due_at is not None:
            at = draft.due_at.astimezone(self.zone)
            lost.append(f"Saleshandy has no time of day: {at:%H:%M} will be dropped.")
        if draft.starts_at is not None:
            lost.append("Saleshandy has no start: it stays in Baton.")
        if draft.assignee is not None:
            lost.append(
                "Saleshandy decides who gets the task: the assignee stays in Baton."
            )
        return lost

    # -- creating ------------------------------------------------------------------

    def _shared(self, draft: TaskDraft) -> dict[str, str]:
        """Return what one call has once for all its prospects."""
        shared = {"taskType": self.canonical_type(draft.type_code) or ""}
        priority = self.priorities.get(draft.priority)
        if priority is not None:
            shared["priority"] = priority
        day = self.due_day(draft)
        if day is not None:
            shared["dueDate"] = day.isoformat()
        note = self.marked(draft.note, draft.marker)
        if note:
            shared["taskNote"] = note
        return shared

    def group_key(self, draft: TaskDraft) -> str:
        text = json.dumps(self._shared(draft), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def split(self, drafts: Sequence[TaskDraft]) -> list[list[TaskDraft]]:
        """As the base does, but never with one prospect twice in a call: results are
        told apart by the prospect alone."""
        calls: list[list[TaskDraft]] = []
        rounds: dict[str, int] = {}
        layers: list[list[TaskDraft]] = []
        for draft in drafts:
            layer = rounds.get(draft.prospect.external_id, 0)
            rounds[draft.prospect.external_id] = layer + 1
            if layer == len(layers):
                layers.append([])
            layers[layer].append(draft)
        for alike in layers:
            calls += super().split(alike)
        return calls

    def create_request(self, drafts: Sequence[TaskDraft]) -> VendorRequest:
        for draft in drafts:
            for error in self.validate(draft):
                raise UnsupportedTask(error.message)
            if problem := self.prospect_error(draft):
                raise UnsupportedTask(problem)
        ids = [draft.prospect.external_id for draft in drafts]
        if not ids or len(set(ids)) < len(ids):
            raise UnsupportedTask("A call needs prospects, each of them once.")
        if len({self.group_key(draft) for draft in drafts}) > 1:
            raise UnsupportedTask("One call creates tasks that are alike, no others.")
        body = {"prospectIds": ids, **self._shared(drafts[0])}
        return VendorRequest("POST", "/tasks/create", json=body, writes=True)

    def read_created(
        self, response: VendorResponse, drafts: Sequence[TaskDraft]
    ) -> list[ItemResult]:
        """Return each prospect's own result: the status and the message of the answer
        speak of success even where every prospect was refused."""
        if says_prospect_is_unknown(response):
            raise TaskRejected(self.refusal(response))
        self.check(response)
        results = mapping(mapping(response.body).get("payload")).get("results")
        if not isinstance(results, list):
            raise UnreadableResponse("Saleshandy sent no result for any prospect.")
        verdicts: dict[str, set[tuple[bool, str] | None]] = {}
        for row in results:
            row = mapping(row)
            if isinstance(row.get("prospectId"), str):
                verdicts.setdefault(row["prospectId"], set()).add(_verdict(row))
        owners: dict[str, set[str]] = {}
        for prospect_id, said in verdicts.items():
            for verdict in said:
                if verdict and verdict[1]:
                    owners.setdefault(verdict[1], set()).add(prospect_id)
        return [
            self._result(draft, verdicts.get(draft.prospect.external_id, set()), owners)
            for draft in drafts
        ]

    def _result(
        self,
        draft: TaskDraft,
        said: set[tuple[bool, str] | None],
        owners: dict[str, set[str]],
    ) -> ItemResult:
        if not said:
            return ItemResult(
                draft.ref, unclear="Saleshandy's answer leaves this prospect out."
            )
        verdict = next(iter(said)) if len(said) == 1 else None
        if verdict is None:
            return ItemResult(
                draft.ref, unclear="Saleshandy's answer for this prospect is unclear."
            )
        created, task_id = verdict
        if not created:
            return ItemResult(
                draft.ref,
                refused="Saleshandy refused this prospect and gave no reason. "
                "Check that it still exists there.",
            )
        if len(owners[task_id]) > 1:
            return ItemResult(
                draft.ref, unclear="Saleshandy named one task for several prospects."
            )
        return ItemResult(draft.ref, task_id=task_id)


def _verdict(row: Any) -> tuple[bool, str] | None:
    """Return whether the task was created and its id, None where this is unclear."""
    task_id = row.get("taskId")
    task_id = task_id.strip() if isinstance(task_id, str) else task_id
    if row.get("success") is True and isinstance(task_id, str):
        return (True, task_id) if task_id and task_id.isprintable() else None
    if row.get("success") is False and task_id in (None, ""):
        return False, ""
    return None
