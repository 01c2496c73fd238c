"""Reply's two dialects, its errors and shapes."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from .people import Person
from .store import Task
from .wire import Refused, Response

TYPES = {
    "toDo": 0,
    "call": 2,
    "meeting": 4,
    "linkedIn": 5,
    "manualEmail": 7,
    "sms": 8,
    "whatsApp": 9,
}
LINKEDIN = {"message": 0, "connect": 1, "inMail": 2, "viewProfile": 3}
STATUSES = {
    "new": 0,
    "finished": 1,
    "cancelled": 3,
    "archived": 4,
    "sequenceDetached": 5,
}
SOURCES = {"user": 0, "sequence": 1, "meeting": 2}
RESOLUTIONS = {"positive": 0, "toCall": 1, "negative": 2}
STATES = {
    "new": "open",
    "finished": "completed",
    "cancelled": "cancelled",
    "archived": "archived",
    "sequenceDetached": "detached",
}
WORD_OF_STATE = {state: word for word, state in STATES.items()}
DELIVERED_BY = {
    "manualEmail": "email",
    "call": "phoneNumber",
    "sms": "phoneNumber",
    "linkedIn": "linkedInUrl",
}
VARIABLE = re.compile(r"\{\{\{?\s*([A-Za-z0-9_.]+)\s*\}?\}\}")


@dataclass(frozen=True)
class Dialect:
    """How enums are spelled: integers with X-API-Key, words with Bearer."""

    words: bool

    def spell(self, table: dict[str, int], word: str | None) -> int | str | None:
        if word is None:
            return None
        return word if self.words else table[word]

    def values(self, table: dict[str, int]) -> tuple[int | str, ...]:
        return tuple(table) if self.words else tuple(table.values())

    def read(self, table: dict[str, int], value: Any) -> str:
        """The word for a value that was already found to be in the table."""
        if self.words:
            return str(value)
        return next(word for word, number in table.items() if number == value)

    @property
    def assignee_field(self) -> str:
        """The field of batch assign."""
        return "userId" if self.words else "assignedUserId"


def problem(
    status: int, code: str, detail: str, errors: dict[str, str] | None = None
) -> Response:
    """application/problem+json; `errors` are field -> sentence."""
    body: dict[str, Any] = {
        "type": f"https://docs.reply.io/errors/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = [
            {"pointer": "/" + name.replace(".", "/"), "detail": sentence}
            for name, sentence in errors.items()
        ]
    return Response(status, body, {"Content-Type": "application/problem+json"})


def refuse(status: int, code: str, detail: str) -> Refused:
    return Refused(problem(status, code, detail))


def invalid(errors: dict[str, str]) -> Refused:
    detail = "One or more fields are not valid."
    return Refused(problem(400, "validation.failed", detail, errors))


def has_variables(template: dict[str, Any]) -> bool:
    return any("{{" in (template.get(part) or "") for part in ("body", "subject"))


def unbalanced(template: dict[str, Any]) -> bool:
    """Whether braces are left over once every variable is taken out."""
    parts = [template.get(part) or "" for part in ("body", "subject")]
    return any("{{" in VARIABLE.sub("", part) for part in parts)


def render(text: str | None, person: Person | None) -> str | None:
    """The text with its variables filled in; one without a value becomes nothing."""
    if text is None or person is None:
        return text
    values = {
        "firstname": person.first,
        "lastname": person.last,
        "fullname": person.name,
        "email": person.email,
        "company": person.company,
        "title": person.title,
        "phone": person.phone,
    }
    return VARIABLE.sub(lambda found: values.get(found[1].lower(), ""), text)


def rendered(template: dict[str, Any], person: Person | None) -> dict[str, Any]:
    return {
        **template,
        "body": render(template["body"], person),
        "subject": render(template["subject"], person),
    }


def seconds(iso_text: str) -> str | None:
    """`2026-05-01T09:00:00Z`, or None for no time."""
    return f"{iso_text[:19]}Z" if iso_text else None


def number(text: str) -> int | None:
    return int(text) if text else None


def detail(
    task: Task, dialect: Dialect, person: Person | None, *, with_content: bool
) -> dict[str, Any]:
    """The full task detail, which most calls answer with."""
    template = task.extra["template"]
    content = rendered(template, person)
    finished = task.state == "completed"
    channel = DELIVERED_BY.get(task.kind)
    delivery = None
    if channel and person:
        targets = {
            "email": person.email,
            "phoneNumber": person.phone,
            "linkedInUrl": person.linkedin,
        }
        delivery = {
            name: (target or None) if name == channel else None
            for name, target in targets.items()
        }
    return {
        "id": int(task.id),
        "contactId": number(task.prospect),
        "taskType": dialect.spell(TYPES, task.kind),
        "status": dialect.spell(STATUSES, WORD_OF_STATE[task.state]),
        "linkedInTaskType": dialect.spell(LINKEDIN, task.extra["linkedin"]),
        "sequenceId": None,
        "sequenceStepId": None,
        "sequenceStepDisplayName": None,
        "assignedUserId": int(task.owner),
        "creationSource": dialect.spell(SOURCES, "user"),
        "createdAt": seconds(task.created),
        "startAt": seconds(task.starts),
        "dueTo": seconds(task.due),
        "finishedAt": seconds(task.finished) if finished else None,
        "isFailed": False,
        "isScheduled": False,
        # Once a task is finished only its final text is left.
        "template": content if finished else template,
        "content": content if with_content else None,
        "deliveryInfo": delivery,
    }


def listed(task: Task, dialect: Dialect, person: Person | None) -> dict[str, Any]:
    """A task as the filter lists it: leaner, and with the contact inside."""
    contact = {"id": int(person.id), "fullName": person.name} if person else None
    return {
        "id": int(task.id),
        "taskType": dialect.spell(TYPES, task.kind),
        "status": dialect.spell(STATUSES, WORD_OF_STATE[task.state]),
        "linkedInTaskType": dialect.spell(LINKEDIN, task.extra["linkedin"]),
        "assignedUserId": int(task.owner),
        "contact": contact,
        "startAt": seconds(task.starts),
        "dueTo": seconds(task.due),
        "finishedAt": seconds(task.finished) if task.state == "completed" else None,
        "isScheduled": False,
        "sequenceId": None,
        "sequenceStepId": None,
    }


def shown_contact(person: Person, owner_id: str) -> dict[str, Any]:
    return {
        "id": int(person.id),
        "email": person.email,
        "firstName": person.first,
        "lastName": person.last,
        "company": person.company,
        "title": person.title,
        "phone": person.phone,
        "linkedInUrl": person.linkedin or None,
        "timeZoneId": None,
        "ownerUserId": int(owner_id),
        "isOptedOut": False,
    }
