"""LeadSquared's tasks: one by one with their ids, or in bulk without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .answers import first_text, mapping
from .base import in_pieces
from .calls import Auth, VendorRequest, VendorResponse
from .drafts import TaskDraft
from .errors import UnreadableResponse, UnsupportedTask
from .findings import ItemResult
from .leadsquared_acting import LeadSquaredActing
from .leadsquared_fields import FIELDS, SETTINGS
from .leadsquared_words import (
    APPOINTMENT,
    GUID,
    HOSTS,
    amount_of,
    clock_of,
    create_row,
    custom_fields,
    notify_of,
    related_of,
    times_of,
)
from .offers import FieldError, FormField
from .words import Priority

NO_OWNER = "LeadSquared needs an owner: choose an assignee."
NO_DUE = "LeadSquared would assume today in an unknown zone: give a due date."


class LeadSquaredAdapter(LeadSquaredActing):
    """LeadSquared tasks, which carry neither a priority nor a reference of ours.

    From `bulk_from` tasks on they share calls of 50. Such a call answers with a request
    number alone [seed], so their ids are looked up later.
    """

    slug = "leadsquared"
    name = "LeadSquared"
    base_urls = tuple((f"https://{host}/v2", region) for host, region in HOSTS)
    credential_fields = (("access_key", "Access key"), ("secret_key", "Secret key"))
    settings_fields = SETTINGS
    #: [seed]. Plans have less: https://apidocs.leadsquared.com/rate-limits/
    default_rates = ((25, 5.0),)
    create_limit = 50
    lists_by_owner = True
    lists_hooks = True
    needs_prospect_id = True

    # -- what the form offers ------------------------------------------------------

    def fields(self, type_code: str) -> tuple[FormField, ...]:
        """Types are the account's own, so all fields are offered for each."""
        return FIELDS

    def validate(self, draft: TaskDraft) -> list[FieldError]:
        errors: list[FieldError] = []

        def wrong(field: str, message: str) -> None:
            errors.append(FieldError(field, message))

        if not draft.type_code.strip():
            wrong("type_code", "LeadSquared needs a task type of your account.")
        if not draft.title.strip():
            wrong("title", "LeadSquared needs a title.")
        owner = draft.assignee
        if owner is None or not (owner.external_id or owner.email):
            wrong("assignee", NO_OWNER)
        due, end = times_of(draft, self.zone)
        if due is None:
            wrong("due_at", NO_DUE)
        elif end is not None and end < due:
            late = "due_at" if draft.due_at else "due_on"
            wrong(late, "The task would be due before it starts.")
        self._validate_options(draft, wrong)
        return errors

    def _validate_options(self, draft: TaskDraft, wrong: Any) -> None:
        options = draft.options
        related = related_of(draft)
        opportunity = str(options.get("opportunity_id") or "").strip()
        if not related:
            wrong("related", "Tasks relate to the lead, an opportunity or nobody.")
        if related == "opportunity" and not GUID.fullmatch(opportunity):
            wrong(
                "opportunity_id",
                "Give the opportunity's id: 36 characters with four dashes.",
            )
        given = {k: options.get(k) not in (None, "") for k in _REMINDERS}
        for name in ("reminder", "reminder_before_days"):
            if given[name] and amount_of(options[name]) is None:
                wrong(name, "Give a whole number, 0 or more.")
        if clock_of(options.get("reminder_time")) is None:
            wrong("reminder_time", "Give a time of day such as 10:00.")
        in_days = given["reminder_before_days"] or given["reminder_time"]
        if given["reminder"] and in_days:
            wrong("reminder", "Give the reminder in minutes or in days, not both.")
        elif given["reminder_before_days"] and not given["reminder_time"]:
            wrong("reminder_time", "A reminder in days needs its time of day.")
        elif in_days and str(options.get("category", "")) == APPOINTMENT:
            name = next(n for n in _REMINDERS if given[n])
            wrong(name, "Appointments take a reminder in minutes only.")
        if notify_of(options.get("notify_by")) is None:
            wrong("notify_by", "Owners are notified by e-mail or not at all.")
        if custom_fields(options) is None:
            wrong("custom_fields", "Write each field as mx_Custom_1=value.")

    def prospect_error(self, draft: TaskDraft) -> str:
        if related_of(draft) == "lead" and not draft.prospect.external_id.strip():
            return "Has no LeadSquared id in this account."
        return ""

    def losses(self, draft: TaskDraft) -> list[str]:
        lost: list[str] = []
        if draft.priority != Priority.NONE:
            lost.append("Priority stays in Baton: LeadSquared has none.")
        if draft.options.get("opportunity_id") and related_of(draft) != "opportunity":
            lost.append("The opportunity is dropped: the task is not related to it.")
        if draft.due_on and draft.due_at:
            lost.append("The due day is dropped: the due time counts.")
        return lost

    # -- creating ------------------------------------------------------------------

    def auth(self) -> Auth:
        access = str(self.config.credentials.get("access_key", "")).strip()
        secret = str(self.config.credentials.get("secret_key", "")).strip()
        if self.setting("keys_in") == "query":
            return Auth(
                query={"accessKey": access, "secretKey": secret}, vendor=self.name
            )
        headers = {"x-LSQ-AccessKey": access, "x-LSQ-SecretKey": secret}
        return Auth(headers=headers, vendor=self.name)

    def group_key(self, draft: TaskDraft) -> str:
        """The bulk call tells owners by e-mail address alone: without one, no bulk."""
        by_address = draft.assignee is not None and bool(draft.assignee.email)
        return "bulk" if self._bulk_from and by_address else ""

    def split(self, drafts: Sequence[TaskDraft]) -> list[list[TaskDraft]]:
        """Return calls of 50; a rest that is not worth a bulk call goes one by one."""
        least = self._bulk_from
        if not least or len(drafts) < least:
            return [[draft] for draft in drafts]
        calls: list[list[TaskDraft]] = []
        for piece in in_pieces(drafts, self.create_limit):
            small = len(piece) < min(least, self.create_limit)
            calls += [[draft] for draft in piece] if small else [piece]
        return calls

    def create_request(self, drafts: Sequence[TaskDraft]) -> VendorRequest:
        if not 1 <= len(drafts) <= self.create_limit:
            raise UnsupportedTask("LeadSquared takes 1 to 50 tasks in a call.")
        for draft in drafts:
            for error in self.validate(draft):
                raise UnsupportedTask(error.message)
            if trouble := self.prospect_error(draft):
                raise UnsupportedTask(trouble)
        bulk = len(drafts) > 1
        made = [
            create_row(
                draft,
                description=self.marked(draft.note, draft.marker),
                zone=self.zone,
                bulk=bulk,
            )
            for draft in drafts
        ]
        if not bulk:
            return VendorRequest("POST", "/Task.svc/Create", json=made[0], writes=True)
        body: dict[str, Any] = {"TaskList": made}
        if webhook := self.setting("status_webhook_url"):
            body["StatusWebhookURL"] = webhook
        return VendorRequest("POST", "/Task.svc/Bulk/Create", json=body, writes=True)

    def read_created(
        self, response: VendorResponse, drafts: Sequence[TaskDraft]
    ) -> list[ItemResult]:
        """A single call answers with the task's id, a bulk call with its own number."""
        message = mapping(self.check_success(response).get("Message"))
        given = first_text(message, "Id")
        bulk = len(drafts) > 1
        # A number is the number of a request, never the id of a task.
        form = r"[0-9A-Za-z-]{1,50}" if bulk else r"(?![0-9]+$)[0-9A-Za-z-]{1,50}"
        if not re.fullmatch(form, given) or given[0] == "-" or not given.strip("0-"):
            raise UnreadableResponse(
                "LeadSquared reported success without "
                f"{'a request number' if bulk else 'the id of the task'}. "
                "The task may exist there."
            )
        if bulk:
            return [ItemResult(draft.ref, request_id=given) for draft in drafts]
        return [ItemResult(draft.ref, task_id=given) for draft in drafts]

    @property
    def _bulk_from(self) -> int:
        given = amount_of(self.setting("bulk_from"))
        return 10 if given is None else given


_REMINDERS = ("reminder", "reminder_before_days", "reminder_time")
