"""A plain HTTP client for the practice vendors, which shares nothing with them."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

from tasks_app.practice import PracticeServer

AUTH = {
    "saleshandy": {"x-api-key": "practice-saleshandy-key"},
    "leadsquared": {
        "x-LSQ-AccessKey": "practice-leadsquared-access",
        "x-LSQ-SecretKey": "practice-leadsquared-secret",
    },
    "reply": {"Authorization": "Bearer practice-reply-key"},
    "ysuite": {
        "x-ysuite-access-key": "practice-ysuite-access",
        "x-ysuite-secret-key": "practice-ysuite-secret",
    },
}
LEAD = "7e5b7380-4295-4af2-9706-941ab71be772"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


def call(
    server: PracticeServer,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    *,
    auth: dict[str, str] | None = None,
    timeout: float = 5,
) -> Answer:
    """Make one call; a `body` other than bytes goes as JSON."""
    sent = dict(AUTH[server.app.slug] if auth is None else auth)
    if body is not None:
        sent["Content-Type"] = "application/json"
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent.update(headers or {})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()


def saleshandy_body(**changes: Any) -> dict[str, Any]:
    body = {
        "prospectIds": ["8PvBmrB7P7"],
        "taskType": "13",
        "priority": "3",
        "dueDate": "2026-04-22",
        "taskNote": "Call to follow up on the proposal sent yesterday.",
    }
    return changed(body, changes)


def leadsquared_body(**changes: Any) -> dict[str, Any]:
    body = {
        "Name": "Meeting: Subject",
        "Description": "Describing the task",
        "RelatedEntity": 1,
        "RelatedEntityId": LEAD,
        "DueDate": "2026-05-11 10:30:00",
        "EndDate": "2026-05-11 10:45:00",
        "Reminder": 30,
        "NotifyBy": "1100",
        "OwnerEmailAddress": "elin@baton.example",
        "TaskType": {"Name": "Meeting"},
    }
    return changed(body, changes)


def reply_body(**changes: Any) -> dict[str, Any]:
    body = {
        "taskType": "call",
        "startAt": "2026-05-02T09:00:00Z",
        "dueTo": "2026-05-02T17:00:00Z",
        "template": {"body": "Call about the renewal"},
        "contactId": 456,
    }
    return changed(body, changes)


def ysuite_body(**changes: Any) -> dict[str, Any]:
    body = {
        "title": "Follow up with Sarah",
        "start_datetime": "2026-07-15T10:00:00",
        "end_datetime": "2026-07-15T11:00:00",
        "cstid": 10,
        "priority": 3,
        "description": "Discuss contract renewal terms",
    }
    return changed(body, changes)


def changed(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The body with changes; a field set to `...` is left out."""
    merged = {**body, **changes}
    return {name: value for name, value in merged.items() if value is not ...}


CREATE = {
    "saleshandy": ("/v1/tasks/create", saleshandy_body),
    "leadsquared": ("/v2/Task.svc/Create", leadsquared_body),
    "reply": ("/v3/tasks", reply_body),
    "ysuite": ("/v1/tasks", ysuite_body),
}


def create(server: PracticeServer, **changes: Any) -> Answer:
    """Create a valid task at any vendor, with some fields changed."""
    path, body = CREATE[server.app.slug]
    return call(server, "POST", path, body(**changes))


def created_id(server: PracticeServer, **changes: Any) -> str:
    """Create a task and return the id that the vendor keeps it under."""
    answer = create(server, **changes)
    assert answer.status in (200, 201), answer.raw
    return str(server.tasks()[-1]["id"])
