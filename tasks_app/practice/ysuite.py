"""Practice YSuite: `/v1`, one kind of task, one envelope around every answer."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from .checks import problems, text, whole
from .people import Person
from .store import Filter, Task
from .vendor import VendorApp
from .wire import Refused, Request, Response
from .ysuite_forms import (
    CONTACT_QUERY,
    DEAL_QUERY,
    DUE,
    LIST_QUERY,
    SORTS,
    STATES,
    TASK_FIELDS,
    error,
    listed,
    page,
    paged,
    refuse_if,
    shown_contact,
    slice_of,
    succeeded,
)


class YSuite(VendorApp):
    slug = "ysuite"
    label = "YSuite"
    prefix = "/v1"
    column = "id:Practice YSuite"
    seed_form = re.compile(r"[1-9]\d{0,8}")
    id_form = re.compile(r"[1-9]\d{0,8}")
    credentials = {
        "access_key": "practice-ysuite-access",
        "secret_key": "practice-ysuite-secret",
    }
    rate_limit = ((600, 60.0),)
    user_id_form = "1{n}"
    actions = (
        "start",
        "complete",
        "cancel",
        "no_show",
        "reopen",
        "reassign",
        "reschedule",
        "delete",
    )
    time_form = "%Y-%m-%dT%H:%M:%S"
    plain_extra: ClassVar[Mapping[str, Any]] = {
        "end": None,
        "deal_id": None,
        "tags": [],
    }
    routes = {
        "GET /tasks": "list_tasks",
        "POST /tasks": "create",
        "GET /tasks/{task_id}": "get_task",
        "GET /contacts": "list_contacts",
        "POST /contacts": "create_contact",
        "GET /contacts/{contact_id}": "get_contact",
        "GET /deals": "list_deals",
        "POST /deals": "create_deal",
        "GET /deals/{deal_id}": "get_deal",
    }

    def authenticate(self, request: Request) -> Response | None:
        keys = self.settings.credentials
        given = (
            request.headers.get("x-ysuite-access-key"),
            request.headers.get("x-ysuite-secret-key"),
        )
        if given != (keys["access_key"], keys["secret_key"]):
            return self.unauthorised()
        request.user = self.directory.owner.id
        return None

    def unauthorised(self) -> Response:
        return error(401, "Invalid API credentials.")

    def too_many(self, wait: float) -> Response:
        return error(429, "Too many requests.")

    def broken(self) -> Response:
        return error(500, "An unexpected error occurred.")

    def bad_body(self, sentence: str) -> Response:
        return error(400, f"The request cannot be read: {sentence}.")

    def not_found(self) -> Response:
        return error(404, "Endpoint not found.")

    # Tasks

    def create(self, request: Request) -> Response:
        body = request.json_object()
        wrong = problems(body, TASK_FIELDS, ("title", "start_datetime"))
        if "deal_id" not in body and "cstid" not in body:
            wrong["cstid"] = wrong["deal_id"] = "one of deal_id and cstid is required"
        start, end = body.get("start_datetime"), body.get("end_datetime")
        if not wrong and end is not None and str(end) < str(start):
            wrong["end_datetime"] = "must not be before start_datetime"
        refuse_if(wrong)
        self.check_links(request, body)
        now = datetime.now(UTC).isoformat()
        state = STATES[body.get("status", 0)]
        task = Task(
            id=str(self.next_number()),
            prospect=str(body.get("cstid", "")),
            owner=str(body.get("assigned_user_id", request.user)),
            kind="Task",
            state=state,
            title=body["title"],
            note=body.get("description", ""),
            priority=body.get("priority", 2),
            starts=body["start_datetime"],
            due=body.get("end_datetime") or body["start_datetime"],
            finished="" if state in ("open", "in_progress") else now,
            search=body["title"].lower(),
            extra={
                "end": body.get("end_datetime"),
                "deal_id": body.get("deal_id"),
                "tags": body.get("tags", []),
            },
        )
        self.create_task(request, task)
        data = {
            "activity_id": int(task.id),
            "title": task.title,
            "activity_type": "Task",
        }
        return succeeded(data, "Task activity created successfully.")

    def check_links(self, request: Request, body: dict[str, Any]) -> None:
        """Refuse what the task points at when it is not there."""
        known = "cstid" not in body or self.directory.person(str(body["cstid"]))
        if not known or self.refuses(request):
            raise Refused(error(400, "Contact not found."))
        if "deal_id" in body and not self.knows_deal(str(body["deal_id"])):
            raise Refused(error(400, "Deal not found."))
        user = body.get("assigned_user_id")
        if user is not None and str(user) not in self.directory.users:
            raise Refused(error(400, "User not found."))

    def knows_deal(self, deal_id: str) -> bool:
        seeded = self.store.find("deal", deal_id) is not None
        return seeded or self.directory.accept_unknown

    def list_tasks(self, request: Request) -> Response:
        query = request.query
        refuse_if(problems(query, LIST_QUERY))
        filters: list[Filter] = []
        if words := query.get("search"):
            filters.append(self.store.text_filter(words))
        if "status" in query:
            filters.append(("state = ?", (STATES[int(query["status"])],)))
        if "priority" in query:
            filters.append(("priority = ?", (int(query["priority"]),)))
        if "assigned_user_id" in query:
            filters.append(("owner = ?", (query["assigned_user_id"],)))
        # "Due" is the end of a task, or its start when it has none.
        if "due_date_from" in query:
            filters.append((f"{DUE} >= ?", (query["due_date_from"],)))
        if "due_date_to" in query:
            filters.append((f"{DUE} <= ?", (f"{query['due_date_to']}T23:59:59",)))
        size, index = page(query)
        order = "seq"
        if "sortBy" in query:
            direction = query.get("sortOrder", "asc").upper()
            order = f"{SORTS[query['sortBy']]} {direction}, seq {direction}"
        tasks = self.store.select(filters, order=order, limit=size, offset=index * size)
        rows = [listed(task) for task in tasks]
        return paged(rows, self.store.count(filters), size, index)

    def get_task(self, request: Request, task_id: str) -> Response:
        task = self.store.get(task_id)
        if task is None:
            return error(400, "Task not found.")
        data = {
            **listed(task),
            "description": task.note or None,
            "deal_id": task.extra["deal_id"],
            "assigned_user_id": int(task.owner),
            "tags": task.extra["tags"],
        }
        return succeeded(data)

    def reschedule(self, task: Task, start: datetime) -> None:
        super().reschedule(task, start)
        if task.extra["end"]:
            task.extra["end"] = task.due

    # Contacts and deals

    def list_contacts(self, request: Request) -> Response:
        query = request.query
        refuse_if(problems(query, CONTACT_QUERY))
        people = self.directory.search(query.get("search", ""))
        if query.get("type") == "2":
            people = []
        return slice_of([shown_contact(person) for person in people], query)

    def get_contact(self, request: Request, contact_id: str) -> Response:
        person = self.directory.person(contact_id)
        if person is None:
            return error(400, "Contact not found.")
        return succeeded(shown_contact(person))

    def create_contact(self, request: Request) -> Response:
        fields = {
            "cstname": text(longest=100, empty=False),
            "contact_type": whole(1, 2),
            "cstemail": text(),
            "cstmobile": text(),
        }
        body = request.json_object()
        refuse_if(problems(body, fields, ("cstname", "contact_type")))
        taken = [int(key) for key in self.directory.people]
        key = str(max(taken, default=0) + 1)
        first, _, last = body["cstname"].partition(" ")
        person = Person(
            key, first, last, body.get("cstemail", ""), body.get("cstmobile", "")
        )
        self.directory.add_people([person])
        self.store.put("prospect", key, person.as_dict())
        return succeeded({"cstid": int(key)}, "Contact created successfully.")

    def list_deals(self, request: Request) -> Response:
        query = request.query
        refuse_if(problems(query, DEAL_QUERY))
        words = query.get("search", "").lower()
        deals = [
            deal
            for deal in self.store.documents("deal")
            if words in str(deal.get("deal_name", "")).lower()
            and query.get("cstid", str(deal.get("cstid"))) == str(deal.get("cstid"))
        ]
        return slice_of(deals, query)

    def get_deal(self, request: Request, deal_id: str) -> Response:
        deal = self.store.find("deal", deal_id)
        return succeeded(deal) if deal else error(400, "Deal not found.")

    def create_deal(self, request: Request) -> Response:
        fields = {
            "deal_name": text(empty=False),
            "deal_amount": whole(0),
            "cstid": whole(1),
            "pipeline_id": whole(1),
        }
        body = request.json_object()
        refuse_if(problems(body, fields, ("deal_name",)))
        taken = [int(deal["deal_id"]) for deal in self.store.documents("deal")]
        key = max(taken, default=0) + 1
        owner = self.directory.owner.name
        self.store.put("deal", str(key), {"deal_id": key, "owner": owner, **body})
        return succeeded({"deal_id": key}, "Deal created successfully.")
