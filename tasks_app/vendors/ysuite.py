"""YSuite's tasks: one kind, one per call, never changed from outside.

Documented at https://www.ysuiteapp.com/api-docs/endpoints/tasks, the two key headers
at `/api-docs/authentication`. No limit of calls is documented.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .answers import mapping
from .calls import (
    Auth,
    Conversation,
    VendorRequest,
    VendorResponse,
)
from .drafts import ActionDraft, TaskDraft
from .errors import UnreadableResponse, UnsupportedTask
from .findings import ItemResult, RemoteTask
from .offers import (
    FieldError,
    FormField,
    Setting,
    TypeInfo,
)
from .words import Action, Channel
from .ysuite_reading import YSuiteReading
from .ysuite_words import PRIORITIES, STATUSES, integer, local_text

TITLE_LIMIT = 150

FIELDS = (
    FormField(
        "title",
        "Title",
        required=True,
        max_length=TITLE_LIMIT,
        vendor_name="title",
        help="At most 150 characters, the reference among them.",
    ),
    FormField("note", "Description", "long", vendor_name="description"),
    FormField(
        "starts_at", "Start", "datetime", required=True, vendor_name="start_datetime"
    ),
    FormField("due_at", "End", "datetime", vendor_name="end_datetime"),
    FormField(
        "priority",
        "Priority",
        "choice",
        choices=tuple((str(int(p)), p.name.capitalize()) for p in PRIORITIES),
        vendor_name="priority",
        default="2",
    ),
    FormField(
        "assignee",
        "Assigned to",
        vendor_name="assigned_user_id",
        help="YSuite cannot list its people: their numbers are entered by hand.",
    ),
    FormField(
        "deal_id",
        "Deal",
        "integer",
        vendor_name="deal_id",
        help="The number of a deal. Needed where the prospect has no YSuite id.",
    ),
    FormField(
        "status",
        "Status",
        "choice",
        choices=(
            ("0", "Open"),
            ("1", "In progress"),
            ("2", "Completed"),
            ("3", "Cancelled"),
            ("4", "No show"),
        ),
        vendor_name="status",
        default="0",
    ),
    FormField(
        "tags",
        "Tags",
        vendor_name="tags",
        help="The numbers of tags, with commas between them.",
    ),
)


class YSuiteAdapter(YSuiteReading):
    """YSuite tasks: a title, a start and perhaps an end, for a contact or a deal."""

    slug = "ysuite"
    name = "YSuite"
    base_urls = (("https://api.ysuite.org/v1", "YSuite"),)
    home_url = "https://www.ysuiteapp.com"
    credential_fields = (("access_key", "Access key"), ("secret_key", "Secret key"))
    settings_fields = (
        Setting(
            "time_zone",
            "Time zone of YSuite",
            kind="time_zone",
            help="YSuite's times name no zone. Empty = the team's time zone.",
        ),
    )
    default_rates = ((10, 5.0),)
    fixed_types = (TypeInfo("task", "Task", Channel.TODO),)
    priorities = PRIORITIES
    statuses = STATUSES
    lists_by_owner = True
    needs_prospect_id = False

    def auth(self) -> Auth:
        keys = self.config.credentials
        return Auth(
            headers={
                "x-ysuite-access-key": keys.get("access_key", ""),
                "x-ysuite-secret-key": keys.get("secret_key", ""),
            },
            vendor=self.name,
        )

    # -- what the form offers ------------------------------------------------------

    def fields(self, type_code: str) -> tuple[FormField, ...]:
        return FIELDS

    def validate(self, draft: TaskDraft) -> list[FieldError]:
        errors = []

        def wrong(field: str, message: str) -> None:
            errors.append(FieldError(field, message))

        if self.canonical_type(draft.type_code) is None:
            wrong("type_code", "YSuite has one type of task: Task.")
        length = len(self.marked(draft.title, draft.marker))
        if not draft.title.strip():
            wrong("title", "YSuite needs a title.")
        elif length > TITLE_LIMIT:
            wrong(
                "title",
                f"YSuite takes {TITLE_LIMIT} characters. With its reference this "
                f"title has {length}."
                if draft.marker
                else f"YSuite takes {TITLE_LIMIT} characters. This title has {length}.",
            )
        start, end = draft.starts_at, draft.due_at
        if start is None:
            wrong("starts_at", "YSuite needs a start.")
        elif end is not None and (end < start or self._local(end) < self._local(start)):
            # The second: an end in the hour that occurs twice, told by its text alone.
            wrong("due_at", "The end is before the start.")
        if draft.priority not in self.priorities:
            wrong("priority", "YSuite has no such priority.")
        if draft.assignee and integer(draft.assignee.external_id) is None:
            wrong("assignee", "This person has no YSuite number in this account.")
        options = draft.options
        if _given(options.get("deal_id")) and not integer(options["deal_id"]):
            wrong("deal_id", "A YSuite deal is a number.")
        if _given(options.get("status")) and _status(options["status"]) is None:
            wrong("status", "YSuite has no such status.")
        if _tags(options.get("tags")) is None:
            wrong("tags", "YSuite's tags are numbers, with commas between them.")
        return errors

    def prospect_error(self, draft: TaskDraft) -> str:
        key = draft.prospect.external_id.strip()
        if key and not integer(key):
            return "Its YSuite id is not a number."
        if not key and not integer(draft.options.get("deal_id")):
            return "Has no YSuite id in this account, and the task names no deal."
        return ""

    def losses(self, draft: TaskDraft) -> list[str]:
        if draft.due_on is not None:
            return ["YSuite takes a time, not a day: the due day stays in Baton."]
        return []

    def _local(self, at: datetime) -> str:
        return local_text(at, self.zone) or ""

    # -- creating ------------------------------------------------------------------

    def create_request(self, drafts: Sequence[TaskDraft]) -> VendorRequest:
        if len(drafts) != 1:
            raise UnsupportedTask("YSuite creates one task in a call.")
        draft = drafts[0]
        for error in self.validate(draft):
            raise UnsupportedTask(error.message)
        if problem := self.prospect_error(draft):
            raise UnsupportedTask(problem)
        body = {
            "title": self.marked(draft.title, draft.marker),
            "start_datetime": local_text(draft.starts_at, self.zone),
            "end_datetime": local_text(draft.due_at, self.zone),
            "cstid": integer(draft.prospect.external_id),
            "deal_id": integer(draft.options.get("deal_id")),
            "priority": self.priorities[draft.priority],
            "status": _status(draft.options.get("status")),
            "description": draft.note or None,
            "assigned_user_id": integer(draft.assignee.external_id)
            if draft.assignee
            else None,
            "tags": _tags(draft.options.get("tags")) or None,
        }
        sent = {name: value for name, value in body.items() if value is not None}
        return VendorRequest("POST", "/tasks", json=sent, writes=True)

    def read_created(
        self, response: VendorResponse, drafts: Sequence[TaskDraft]
    ) -> list[ItemResult]:
        self.check(response)
        number = mapping(mapping(response.body).get("data")).get("activity_id")
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise UnreadableResponse("YSuite reports a success but names no task.")
        return [ItemResult(draft.ref, task_id=str(number)) for draft in drafts[:1]]

    # -- acting --------------------------------------------------------------------

    def act(self, draft: ActionDraft) -> Conversation[RemoteTask | None]:
        raise UnsupportedTask(
            "YSuite lets nobody change a task from outside. Do it in YSuite; the next "
            "reading brings it here."
        )
        yield  # pragma: no cover - makes this a generator

    def can(self, action: Action, type_code: str = "") -> bool:
        return False


def _given(value: Any) -> bool:
    return value is not None and value != ""


def _status(value: Any) -> int | None:
    number = integer(value)
    return number if str(number) in STATUSES else None


def _tags(value: Any) -> list[int] | None:
    """Return the tag numbers, [] for none; None where something is no number."""
    if not _given(value):
        return []
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    items = value if isinstance(value, list | tuple) else [value]
    numbers = [integer(item) for item in items]
    return None if None in numbers else [n for n in numbers if n is not None]
