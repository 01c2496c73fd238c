"""YSuite's field rules, envelope and shapes."""

from typing import Any

from . import checks
from .checks import many, text, whole
from .people import Person
from .store import Task
from .wire import Refused, Response

STATES = ("open", "in_progress", "completed", "cancelled", "no_show")
DUE = "due"
SORTS = {
    "activity_id": "CAST(id AS INTEGER)",
    "title": "title",
    "status": "state",
    "priority": "priority",
    "start_datetime": "starts",
    "end_datetime": DUE,
}
TASK_FIELDS: dict[str, checks.Check] = {
    "title": text(longest=150, empty=False),
    "start_datetime": checks.local_time,
    "end_datetime": checks.local_time,
    "deal_id": whole(1),
    "cstid": whole(1),
    "description": text(),
    "priority": whole(0, 4),
    "status": whole(0, 4),
    "assigned_user_id": whole(1),
    "tags": many(whole(1)),
    "activity_type": checks.one_of(("Task",)),
}


def number(low: int, high: int = 2**31) -> checks.Check:
    def check(value: str) -> str | None:
        fits = checks.number_in_text(value, low, high) is not None
        return None if fits else f"must be an integer from {low} to {high}"

    return check


PAGE_QUERY: dict[str, checks.Check] = {
    "pageSize": number(1, 100),
    "pageIndex": number(0),
    "search": text(),
    "sortBy": text(),
    "sortOrder": checks.one_of(("asc", "desc")),
}
LIST_QUERY: dict[str, checks.Check] = {
    **PAGE_QUERY,
    "sortBy": checks.one_of(SORTS),
    "status": number(0, 4),
    "priority": number(0, 4),
    "assigned_user_id": number(1),
    "due_date_from": checks.day,
    "due_date_to": checks.day,
}
CONTACT_QUERY: dict[str, checks.Check] = {**PAGE_QUERY, "type": number(1, 2)}
DEAL_QUERY: dict[str, checks.Check] = {
    **PAGE_QUERY,
    "pipeline_id": number(1),
    "deal_current_stage": number(1),
    "cstid": number(1),
    "deal_owner_id": number(1),
}


def error(status: int, message: str) -> Response:
    return Response(status, {"success": False, "message": message})


def refuse_if(wrong: dict[str, str]) -> None:
    """422 with one entry per field."""
    if wrong:
        errors = {name: [sentence] for name, sentence in wrong.items()}
        body = {"success": False, "message": "Validation failed.", "errors": errors}
        raise Refused(Response(422, body))


def succeeded(data: Any, message: str = "") -> Response:
    body: dict[str, Any] = {"success": True}
    if message:
        body["message"] = message
    return Response(200, {**body, "data": data})


def page(query: dict[str, str]) -> tuple[int, int]:
    """Return the page size and the zero-based page index."""
    return int(query.get("pageSize", "10")), int(query.get("pageIndex", "0"))


def paged(rows: list[dict[str, Any]], total: int, size: int, index: int) -> Response:
    # current_page counts from one although pageIndex counts from zero.
    data = {
        "data": rows,
        "current_page": index + 1,
        "total_records": total,
        "total_pages": -(-total // size),
    }
    return succeeded(data)


def slice_of(rows: list[dict[str, Any]], query: dict[str, str]) -> Response:
    size, index = page(query)
    return paged(rows[index * size : (index + 1) * size], len(rows), size, index)


def listed(task: Task) -> dict[str, Any]:
    return {
        "activity_id": int(task.id),
        "title": task.title,
        "activity_type": "Task",
        "status": STATES.index(task.state),
        "priority": task.priority,
        "start_datetime": task.starts,
        "end_datetime": task.extra["end"],
        "cstid": int(task.prospect) if task.prospect else None,
    }


def shown_contact(person: Person) -> dict[str, Any]:
    return {
        "cstid": int(person.id),
        "cstname": person.name,
        "cstemail": person.email,
        "cstmobile": person.phone,
        "contact_type": 1,
        "cstcreated_on": "2026-05-15T08:30:00Z",
    }
