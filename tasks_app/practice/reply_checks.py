"""What Reply accepts in its bodies and queries."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from . import checks
from . import reply_forms as forms
from .checks import many, one_of, or_null, problems, text, utc, whole
from .reply_forms import Dialect, invalid
from .wire import Request

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
IDS = many(whole(), 1, 100)


def dialect_of(request: Request) -> Dialect:
    return Dialect(words="authorization" in request.headers)


@cache
def task_fields(dialect: Dialect) -> dict[str, checks.Check]:
    return {
        "taskType": one_of(dialect.values(forms.TYPES)),
        "startAt": checks.zoned_time,
        "dueTo": checks.zoned_time,
        "template": checks.obj,
        "contactId": or_null(whole(1)),
        "linkedInTaskType": or_null(one_of(dialect.values(forms.LINKEDIN))),
    }


def check_task(dialect: Dialect, body: dict[str, Any]) -> None:
    """Refuse with one entry per field that is not right."""
    wrong = problems(
        body, task_fields(dialect), ("taskType", "startAt", "dueTo", "template")
    )
    template = body.get("template")
    if isinstance(template, dict):
        inner = problems(template, TEMPLATE_FIELDS, ("body",))
        wrong.update({f"template.{name}": why for name, why in inner.items()})
    if wrong:
        raise invalid(wrong)
    start, due = utc(body["startAt"]), utc(body["dueTo"])
    if start < EARLIEST:
        wrong["startAt"] = "must be on or after 2015-01-01"
    if due <= start:
        wrong["dueTo"] = "must be after startAt"
    is_linkedin = dialect.read(forms.TYPES, body["taskType"]) == "linkedIn"
    if body.get("linkedInTaskType") is not None and not is_linkedin:
        wrong["linkedInTaskType"] = "is for LinkedIn tasks only"
    if forms.has_variables(body["template"]):
        if body.get("contactId") is None:
            wrong["contactId"] = "is required when the template uses variables"
        elif forms.unbalanced(body["template"]):
            wrong["template.body"] = "holds a variable that cannot be read"
    if wrong:
        raise invalid(wrong)


@cache
def filter_fields(dialect: Dialect) -> dict[str, checks.Check]:
    fields: dict[str, checks.Check] = {
        "from": or_null(checks.zoned_time),
        "to": or_null(checks.zoned_time),
        "taskType": or_null(one_of(dialect.values(forms.TYPES))),
        "status": or_null(one_of(dialect.values(forms.STATUSES))),
        "sequenceIds": or_null(many(whole())),
        "sequenceStepIds": or_null(many(whole())),
        "timeZoneIds": or_null(many(text())),
        "contactId": or_null(whole()),
        "assignedUserId": or_null(whole()),
        "overdue": or_null(checks.flag),
    }
    if not dialect.words:
        fields["linkedInTaskType"] = or_null(one_of(dialect.values(forms.LINKEDIN)))
    return fields


TEMPLATE_FIELDS: dict[str, checks.Check] = {
    "body": text(empty=False),
    "subject": or_null(text()),
    "attachmentIdList": many(whole()),
}
CONTACT_FIELDS: dict[str, checks.Check] = {
    "rules": or_null(many(checks.obj)),
    "listId": or_null(whole()),
    "sequenceId": or_null(whole()),
    "sequenceStepId": or_null(whole()),
    "searchTerm": or_null(text()),
    "sortBy": or_null(text()),
    "sortDirection": or_null(text()),
}


def page(query: dict[str, str]) -> tuple[int, int]:
    """Return top (1..1000, default 25) and skip."""
    top = checks.number_in_text(query.get("top", "25"), 1, 1000)
    skip = checks.number_in_text(query.get("skip", "0"))
    if top is None:
        raise invalid({"top": "must be a number from 1 to 1000"})
    if skip is None:
        raise invalid({"skip": "must be a number"})
    return top, skip


def optional_object(
    request: Request, fields: dict[str, checks.Check]
) -> dict[str, Any]:
    """A body that may be left out."""
    if not request.body:
        return {}
    body = request.json_object()
    if wrong := problems(body, fields):
        raise invalid(wrong)
    return body
