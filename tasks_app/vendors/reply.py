"""Reply.io's tasks, one call for each, with start, due time and a text to work from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .answers import mapping, whole_number
from .calls import Auth, VendorRequest, VendorResponse
from .drafts import TaskDraft
from .errors import UnreadableResponse, UnsupportedTask
from .findings import ItemResult
from .handlebars import problems, unknown_variables, variables_in
from .offers import FieldError, FormField
from .reply_acting import ReplyActing
from .reply_fields import FIELDS, SETTINGS
from .reply_words import (
    EARLIEST_START,
    EMAIL,
    LINKEDIN,
    LINKEDIN_WORDS,
    TYPE_WORDS,
    TYPES,
    attachment_ids,
    code_of,
    in_dialect,
    stamp,
    times_of,
)
from .words import Priority

NO_START = "Reply.io needs a time at which the task starts."
NO_DUE = "Reply.io needs a time at which the task is due."
NO_TEXT = "Reply.io needs a text."
BAD_ATTACHMENTS = "Attachments are given by their Reply.io numbers, such as 12, 13."


class ReplyAdapter(ReplyActing):
    """Reply.io tasks of API version 3, which have no title, priority or assignee.

    Variables in the text are Reply.io's own to fill in, so the text goes as it is.
    """

    slug = "reply"
    name = "Reply.io"
    base_urls = (("https://api.reply.io/v3", "Reply.io"),)
    home_url = "https://run.reply.io"
    credential_fields = (("api_key", "API key"),)
    settings_fields = SETTINGS
    #: https://docs.reply.io/api-reference/rate-limits: per user, all programs together.
    default_rates = ((100, 60.0), (3000, 3600.0))
    fixed_types = TYPES
    needs_prospect_id = False
    vendor_renders = True

    # -- what the form offers ------------------------------------------------------

    def canonical_type(self, code: str) -> str | None:
        """Return the seed's integer for it or for its word, as text."""
        return code_of(code, TYPE_WORDS) or None

    def fields(self, type_code: str) -> tuple[FormField, ...]:
        code = self.canonical_type(type_code)
        return tuple(f for f in FIELDS if not f.types or code in f.types)

    def validate(self, draft: TaskDraft) -> list[FieldError]:
        errors: list[FieldError] = []
        code = self.canonical_type(draft.type_code)
        if code is None:
            errors.append(FieldError("type_code", "Reply.io has no such task type."))
        if not draft.note.strip():
            errors.append(FieldError("note", NO_TEXT))
        errors += [FieldError("note", problem) for problem in problems(draft.note)]
        if code == EMAIL:
            subject = _text(draft.options.get("subject"))
            errors += [FieldError("subject", problem) for problem in problems(subject)]
        start, due = times_of(draft, self.zone)
        due_field = "due_at" if draft.due_at or not draft.due_on else "due_on"
        if start is None:
            errors.append(FieldError("starts_at", NO_START))
        elif start < EARLIEST_START:
            message = "Reply.io takes no task that starts before 2015."
            errors.append(FieldError("starts_at", message))
        if due is None:
            errors.append(FieldError(due_field, NO_DUE))
        elif start is not None and due <= start:
            message = "Reply.io needs a due time that is later than the start."
            errors.append(FieldError(due_field, message))
        if code == LINKEDIN and not self._linkedin_code(draft):
            message = "LinkedIn tasks are message, connect, inMail or viewProfile."
            errors.append(FieldError("linkedin_type", message))
        if attachment_ids(draft.options.get("attachment_ids")) is None:
            errors.append(FieldError("attachment_ids", BAD_ATTACHMENTS))
        return errors

    def prospect_error(self, draft: TaskDraft) -> str:
        contact = draft.prospect.external_id
        if not contact:
            if variables_in(draft.note) or self._subject_variables(draft):
                return "Needs a Reply.io contact because the text has variables."
            return ""
        number = whole_number(contact)
        if number is None or number <= 0:
            return "Its Reply.io id is not a number, as the ids of contacts there are."
        return ""

    def losses(self, draft: TaskDraft) -> list[str]:
        code = self.canonical_type(draft.type_code)
        lost: list[str] = []
        if draft.title.strip():
            lost.append("The title stays in Baton: Reply.io has none.")
        if draft.priority != Priority.NONE:
            lost.append("Priority stays in Baton: Reply.io has none.")
        if draft.assignee and draft.assignee.external_id != self.setting("act_as"):
            lost.append(
                "The assignee stays in Baton: a new task goes to the user of this "
                "account's key. Reassign it once it is there."
            )
        if draft.due_on and draft.due_at:
            lost.append("The due day is dropped: the due time counts.")
        if code != EMAIL and _text(draft.options.get("subject")):
            lost.append(
                "The subject stays in Baton: at Reply.io only e-mails have one."
            )
        if code != LINKEDIN and draft.options.get("linkedin_type") not in (None, ""):
            lost.append("The kind of LinkedIn task is dropped: this is none.")
        unknown = unknown_variables(
            f"{draft.note} {_text(draft.options.get('subject'))}"
        )
        if unknown:
            names = ", ".join(f"{{{{{name}}}}}" for name in unknown[:5])
            lost.append(
                f"Baton does not know {names}: check that Reply.io fills it in, "
                "else it stays empty."
            )
        return lost

    # -- creating ------------------------------------------------------------------

    def auth(self) -> Auth:
        key = str(self.config.credentials.get("api_key", "")).strip()
        if self.setting("dialect") == "words":
            headers = {"Authorization": f"Bearer {key}"}
        else:
            headers = {"X-API-Key": key}
        if self.setting("act_as"):
            headers["X-User-Id"] = self.setting("act_as").strip()
        return Auth(headers=headers, vendor=self.name)

    def create_request(self, drafts: Sequence[TaskDraft]) -> VendorRequest:
        if len(drafts) != 1:
            raise UnsupportedTask("Reply.io takes one task in a call.")
        draft = drafts[0]
        for error in self.validate(draft):
            raise UnsupportedTask(error.message)
        if trouble := self.prospect_error(draft):
            raise UnsupportedTask(trouble)
        return VendorRequest("POST", "/tasks", json=self._body(draft), writes=True)

    def read_created(
        self, response: VendorResponse, drafts: Sequence[TaskDraft]
    ) -> list[ItemResult]:
        """Return the new task's number. 200 or 201 is not stated: both will do."""
        self.check(response)
        number = whole_number(mapping(response.body).get("id"))
        if response.status_code not in (200, 201) or number is None or number <= 0:
            raise UnreadableResponse(
                "Reply.io answered without the number of the new task. "
                "It may exist there."
            )
        if len(drafts) != 1:
            unclear = "Reply.io answered for one task only. This one may exist there."
            return [ItemResult(draft.ref, unclear=unclear) for draft in drafts]
        return [ItemResult(drafts[0].ref, task_id=str(number))]

    def _body(self, draft: TaskDraft) -> dict[str, Any]:
        code = self.canonical_type(draft.type_code) or ""
        dialect = self.setting("dialect")
        start, due = times_of(draft, self.zone)
        if start is None or due is None:
            raise UnsupportedTask(NO_START if start is None else NO_DUE)
        template: dict[str, Any] = {"body": self.marked(draft.note, draft.marker)}
        subject = _text(draft.options.get("subject"))
        if code == EMAIL and subject:
            template["subject"] = subject
        if attachments := attachment_ids(draft.options.get("attachment_ids")):
            template["attachmentIdList"] = attachments
        body: dict[str, Any] = {
            "taskType": in_dialect(code, TYPE_WORDS, dialect),
            "startAt": stamp(start),
            "dueTo": stamp(due),
            "template": template,
            "contactId": whole_number(draft.prospect.external_id),
        }
        if code == LINKEDIN:
            kind = self._linkedin_code(draft)
            body["linkedInTaskType"] = in_dialect(kind, LINKEDIN_WORDS, dialect)
        return body

    def _linkedin_code(self, draft: TaskDraft) -> str:
        chosen = draft.options.get("linkedin_type")
        return code_of("0" if chosen in (None, "") else chosen, LINKEDIN_WORDS)

    def _subject_variables(self, draft: TaskDraft) -> list[str]:
        if self.canonical_type(draft.type_code) != EMAIL:
            return []
        return variables_in(_text(draft.options.get("subject")))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
