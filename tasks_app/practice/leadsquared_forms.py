"""LeadSquared's field rules, errors and shapes."""

import re
from datetime import UTC, datetime
from typing import Any

from . import checks
from .checks import one_of, text, whole
from .people import Person, User
from .store import Task
from .wire import Refused, Response

NEVER = "0001-01-01 00:00:00.000"
LIVE = "open"
EVENTS = {7: "Task_Create", 8: "Task_Reminder", 16: "Task_Complete", 17: "Task_Update"}
SORT_COLUMNS = {
    "CreatedOn": "created",
    "ModifiedOn": "modified",
    "CompletedOn": "finished",
    "DueDate": "starts",
    "EndDate": "due",
    "Name": "title",
    "StatusCode": "state",
    "OwnerId": "owner",
}

# Fields whose type is wrong are "not as per API specification": 400. What the fields
# say is judged afterwards, and refused as a 500 with an MX exception.
TASK_FIELDS: dict[str, checks.Check] = {
    "Name": text(),
    "Description": text(),
    "RelatedEntity": whole(),
    "RelatedEntityId": text(),
    "DueDate": text(),
    "EndDate": text(),
    "Reminder": whole(),
    "ReminderBeforeDays": text(),
    "ReminderTime": text(),
    "NotifyBy": text(),
    "OwnerId": text(),
    "OwnerEmailAddress": text(),
    "TaskType": checks.obj,
    "Location": text(),
    "CustomFields": checks.obj,
}
BULK_ROW_FIELDS = {
    name: check for name, check in TASK_FIELDS.items() if name != "OwnerId"
}
UPDATE_NAMES = (
    "Name",
    "Description",
    "RelatedEntity",
    "RelatedEntityId",
    "DueDate",
    "Reminder",
    "NotifyBy",
    "OwnerId",
    "OwnerEmailAddress",
)
UPDATE_FIELDS = {
    "UserTaskId": text(),
    **{name: TASK_FIELDS[name] for name in UPDATE_NAMES},
}
LIST_FIELDS: dict[str, checks.Check] = {
    "Parameter": checks.obj,
    "Columns": checks.obj,
    "Sorting": checks.obj,
    "Paging": checks.obj,
}
PARAMETER_FIELDS: dict[str, checks.Check] = {
    "LookupName": one_of(("OwnerId", "OwnerEmailAddress")),
    "LookupValue": text(empty=False),
    "FromDate": checks.spaced_time,
    "ToDate": checks.spaced_time,
    "StatusCode": one_of((0, 1)),
    "TypeName": text(empty=False),
}
USERS_FIELDS: dict[str, checks.Check] = {
    "FromDate": checks.day,
    "ToDate": checks.day,
    "Users": checks.many(text(empty=False), 1),
    "Paging": checks.obj,
}
PAGING_FIELDS: dict[str, checks.Check] = {
    "Offset": whole(0),
    "RowCount": whole(1, 1000),
    "PageIndex": whole(1),
    "PageSize": whole(1, 1000),
}
SORTING_FIELDS: dict[str, checks.Check] = {
    "ColumnName": one_of(SORT_COLUMNS),
    "Direction": one_of(("0", "1")),
}
COLUMN_FIELDS: dict[str, checks.Check] = {"Include_CSV": text(), "Exclude_CSV": text()}
LEAD_COLUMNS = ("ProspectID", "FirstName", "LastName", "EmailAddress", "Phone")
LEAD_FIELDS: dict[str, checks.Check] = {
    "LookupName": one_of((*LEAD_COLUMNS, "Company")),
    "LookupValue": text(),
    "SqlOperator": one_of(("=", "LIKE", ">", "<", "<=", ">=", "<>")),
}
WEBHOOK_FIELDS: dict[str, checks.Check] = {
    "Description": text(),
    "URL": text(empty=False),
    "Method": one_of(("POST",)),
    "ContentType": one_of(("application/json",)),
    "WebhookEvent": whole(0),
    "NotifyOnFailure": text(),
    "CustomHeaders": checks.many(checks.obj),
}
#: https://apidocs.leadsquared.com/retrieve-a-webhook/
HOOK_SEARCH: dict[str, checks.Check] = {
    "Parameter": checks.obj,
    "Sorting": checks.obj,
    "Paging": checks.obj,
}
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d")


def error(status: int, exception: str, message: str) -> Response:
    body = {
        "Status": "Error",
        "ExceptionType": exception,
        "ExceptionMessage": message,
    }
    return Response(status, body)


def mx(exception: str, message: str) -> Refused:
    """A field that is not accepted arrives as a 500 with an MX exception."""
    return Refused(error(500, f"MX{exception}Exception", message))


def mandatory(name: str) -> Refused:
    return mx("MandatoryAttributeMissing", f"'{name}' is mandatory")


def invalid(name: str, why: str) -> Refused:
    return mx("InvalidAttributeValue", f"'{name}' {why}")


def bad_structure(wrong: dict[str, str]) -> Refused:
    """400: "the message body on the request is not as per API specification"."""
    why = "; ".join(f"{name} {sentence}" for name, sentence in wrong.items())
    return Refused(error(400, "MXInvalidRequestException", why))


def success(**message: Any) -> Response:
    return Response(200, {"Status": "Success", "Message": message})


def spaced(iso_text: str) -> str:
    """`2026-05-01 09:00:00.000` of an ISO time or of our own spaced text."""
    return f"{iso_text[:19].replace('T', ' ')}.000" if iso_text else NEVER


def now_spaced() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


def task_type(data: dict[str, Any]) -> dict[str, Any]:
    """A task type as RetrieveTaskType lists it; `Mandatory` tells what it demands."""
    columns = [
        {"SchemaName": name, "DisplayName": shown, "Mandatory": must, "IsDefault": True}
        for name, shown, must in (
            ("Name", "Subject", True),
            ("Owner", "Owner", True),
            ("DueDate", "Schedule", False),
            ("Description", "Description", False),
        )
    ]
    return {
        "Category": data["Category"],
        "Color": "#5b8def",
        "ColumnConfiguration": columns,
        "DefaultDuration": data["Minutes"],
        "Id": data["Id"],
        "Name": data["Name"],
    }


def listed(
    task: Task, kind: dict[str, Any], owner: User | None, person: Person | None
) -> dict[str, Any]:
    """A task as Retrieve and its siblings show it."""
    extra = task.extra
    return {
        "UserTaskId": task.id,
        "Name": task.title,
        "Category": kind["Category"],
        "Description": task.note,
        "RelatedEntity": extra["related"],
        "RelatedEntityId": task.prospect or None,
        "RelatedEntityIdName": person.name if person else None,
        "DueDate": spaced(task.starts),
        "EndDate": spaced(task.due),
        "Reminder": extra.get("Reminder", 0),
        "ReminderBeforeDays": int(extra.get("ReminderBeforeDays") or 0),
        "ReminderTime": extra.get("ReminderTime", ""),
        "NotifyBy": extra.get("NotifyBy", "1000"),
        "StatusCode": 0 if task.state == LIVE else 1,
        "OwnerId": task.owner,
        "OwnerName": owner.name if owner else None,
        "OwnerEmailAddress": owner.email if owner else None,
        "Location": extra.get("Location", ""),
        "CustomFields": extra.get("CustomFields", {}),
        "CreatedBy": extra["by"],
        "CreatedOn": spaced(task.created),
        "ModifiedBy": extra["by"],
        "ModifiedOn": spaced(task.modified),
        "CompletedOn": spaced(task.finished),
        "TaskType": task_type(kind),
    }


def listed_by_lead(
    task: Task, owner: User | None, author: User | None
) -> dict[str, Any]:
    """A task as RetrieveTaskByLeadId shows it: other spellings, a status in words."""
    status = "Completed"
    if task.state == LIVE:
        status = "Overdue" if task.due < now_spaced() else "Pending"
    return {
        "TaskID": task.id,
        "Name": task.title,
        "Description": task.note,
        "DueDate": task.starts,
        "CreatedOn": spaced(task.created)[:19],
        "OwnerID": task.owner,
        "OwnerName": owner.name if owner else "",
        "CreatedBy": task.extra["by"],
        "CreatedByName": author.name if author else "",
        "Status": status,
        "Reminder": str(task.extra.get("Reminder", 0)),
    }


def lead(person: Person, owner: User) -> dict[str, Any]:
    return {
        "ProspectID": person.id,
        "FirstName": person.first,
        "LastName": person.last,
        "EmailAddress": person.email,
        "Phone": person.phone,
        "Company": person.company,
        "JobTitle": person.title,
        "OwnerId": owner.id,
    }
