"""Saleshandy's value lists, errors and shapes."""

from datetime import UTC, datetime
from typing import Any

from . import checks
from .checks import one_of, text
from .people import Person, User
from .store import Filter, Task
from .wire import Refused, Response

FAMILIES = {
    "linkedin": ("2", "3", "4", "5", "6"),
    "custom": ("9",),
    "call": ("11", "12", "13", "14", "15"),
    "whatsapp": ("16", "17", "18"),
}
TASK_TYPES = tuple(code for codes in FAMILIES.values() for code in codes)
CALL_OUTCOMES = (
    "Interested",
    "Callback Later",
    "Followup",
    "Not Interested",
    "Wrong Number",
    "No Answer",
    "Left Voicemail",
    "Not In Service",
)
TASK_EVENTS = (
    "task-created",
    "task-updated",
    "bulk-task-updated",
    "call-task-updated",
    "linkedin-task-updated",
    "custom-task-updated",
    "whatsapp-task-updated",
)
SORTS = {
    "priority": "CASE priority WHEN 0 THEN 5 ELSE priority END",
    "completedAt": "CASE state WHEN 'completed' THEN finished END",
    "skippedAt": "CASE state WHEN 'skipped' THEN finished END",
    "dueDate": "due",
}


def number(least: int) -> checks.Check:
    def check(value: str) -> str | None:
        fits = checks.number_in_text(value, least) is not None
        return None if fits else f"must be a number from {least}"

    return check


CREATE_FIELDS: dict[str, checks.Check] = {
    "prospectIds": checks.many(text(empty=False), least=1),
    "taskType": one_of(TASK_TYPES),
    "priority": one_of(("1", "2", "3", "4")),
    "dueDate": checks.day,
    "taskNote": text(),
}
CREATE_REQUIRED = ("prospectIds", "taskType")
LIST_QUERY: dict[str, checks.Check] = {
    "page": number(1),
    "pageSize": number(1),
    "sortOrder": one_of(("ASC", "DESC")),
    "sortBy": one_of(SORTS),
    "status": one_of(("upcoming", "dueToday", "completed", "skipped", "overdue")),
    "sequenceId": text(),
    "taskAssignee": text(),
    "prospectOutcome": text(),
    "taskType": one_of(FAMILIES),
    "search": text(),
    "callOutcome": one_of(CALL_OUTCOMES),
}
PROSPECT_QUERY: dict[str, checks.Check] = {
    "search": text(),
    "pageSize": one_of(("10", "20", "50", "100")),
    "page": number(1),
    "sort": one_of(("ASC", "DESC")),
    "sortBy": one_of(("createdAt", "owner")),
    "includeCustomFields": one_of(("true", "false")),
}


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def error(status: int, code: int, message: str) -> Response:
    return Response(status, {"code": code, "message": message})


def failed(action: str, why: str = "") -> Response:
    """The documented 400; the reason after the colon is this server's own."""
    sentence = f"4000: Failed to {action}"
    return error(400, 4000, f"{sentence}: {why}" if why else sentence)


def refuse_if(action: str, wrong: dict[str, str]) -> None:
    if wrong:
        why = "; ".join(f"{name} {sentence}" for name, sentence in wrong.items())
        raise Refused(failed(action, why))


def status_filters(status: str) -> list[Filter]:
    """`upcoming`, `dueToday` and `overdue` follow from the day, the rest is stored."""
    if status in ("completed", "skipped"):
        return [("state = ?", (status,))]
    comparison = {"upcoming": ">", "dueToday": "=", "overdue": "<"}[status]
    return [("state = 'open'", ()), (f"due {comparison} ?", (today(),))]


def shown_status(task: Task) -> str:
    if task.state != "open":
        return task.state
    day = today()
    if task.due == day:
        return "dueToday"
    return "upcoming" if task.due > day else "overdue"


def shown(task: Task) -> dict[str, Any]:
    """A task as the list and the single read show it."""
    return {
        "taskId": task.id,
        "prospectId": task.prospect,
        "taskType": task.kind,
        "priority": str(task.priority) if task.priority else None,
        "status": shown_status(task),
        "dueDate": task.due,
        "note": task.note,
        "assigneeId": task.owner,
        "callOutcome": task.extra.get("call_outcome"),
        "createdAt": task.created,
        "completedAt": task.finished if task.state == "completed" else None,
        "skippedAt": task.finished if task.state == "skipped" else None,
        "snoozedUntil": task.extra.get("snoozed_until"),
    }


def worked(word: str, task: Task, *names: str) -> Response:
    """The answer to a change, in the documented form of snooze."""
    row = shown(task)
    short = {name: row[name] for name in ("taskId", "status", *names) if row[name]}
    return Response(
        200, {"message": f"Task {word} successfully", "payload": {"task": short}}
    )


def shown_prospect(person: Person) -> dict[str, Any]:
    values = {
        "First Name": person.first,
        "Last Name": person.last,
        "Company": person.company,
        "Job Title": person.title,
        "Phone Number": person.phone,
        "LinkedIn": person.linkedin,
    }
    attributes = [
        {"id": f"attribute{index}", "key": key, "value": value}
        for index, (key, value) in enumerate(values.items(), 1)
    ]
    return {
        "id": person.id,
        "createdAt": "2026-01-13T09:48:35.824Z",
        "email": person.email,
        "verificationStatus": "valid",
        "attributes": attributes,
    }


def shown_user(user: User) -> dict[str, str]:
    return {
        "id": user.id,
        "firstName": user.first,
        "lastName": user.last,
        "email": user.email,
    }
