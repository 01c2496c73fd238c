"""Practice Saleshandy: `/v1`, tasks per prospect, codes as strings holding digits."""

import re
import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from . import checks
from .checks import iso, one_of, problems, text, utc
from .saleshandy_forms import (
    CALL_OUTCOMES,
    CREATE_FIELDS,
    CREATE_REQUIRED,
    FAMILIES,
    LIST_QUERY,
    PROSPECT_QUERY,
    SORTS,
    error,
    failed,
    refuse_if,
    shown,
    shown_prospect,
    shown_user,
    status_filters,
    today,
    worked,
)
from .store import Filter, Task
from .vendor import VendorApp, with_header
from .wire import Refused, Request, Response

LETTERS = string.ascii_letters + string.digits
OPEN_STATES = ("open", "snoozed")


class Saleshandy(VendorApp):
    slug = "saleshandy"
    label = "Saleshandy"
    prefix = "/v1"
    column = "id:Practice Saleshandy"
    seed_form = re.compile(r"[A-Za-z0-9]{10}")
    id_form = re.compile(r"[A-Za-z0-9]{8,12}")
    credentials = {"api_key": "practice-saleshandy-key"}
    rate_limit = ((600, 60.0),)
    user_id_form = "UsrPract{n:02d}"
    actions = (
        "complete",
        "skip",
        "snooze",
        "reopen",
        "reassign",
        "reschedule",
        "delete",
    )
    time_form = "%Y-%m-%d"
    routes = {
        "POST /tasks/create": "create",
        "GET /tasks": "list_tasks",
        "GET /tasks/counts": "counts",
        "GET /tasks/assignee/list": "assignees",
        "POST /tasks/bulk-skip": "bulk_skip",
        "POST /tasks/bulk-snooze": "bulk_snooze",
        "GET /tasks/bulk-status/{request_id}": "bulk_status",
        "GET /tasks/{task_id}": "get_task",
        "POST /tasks/{task_id}/complete": "complete",
        "POST /tasks/{task_id}/skip": "skip",
        "POST /tasks/{task_id}/snooze": "snooze",
        "PATCH /tasks/{task_id}/note": "replace_note",
        "GET /prospects": "prospects",
        "GET /user/team-member-list": "team",
        "POST /webhook/create": "create_webhook",
        "GET /webhook": "list_webhooks",
        "GET /webhook/{webhook_id}": "get_webhook",
    }

    # Errors. Their codes and texts are documented, their JSON layout is not.

    def authenticate(self, request: Request) -> Response | None:
        key = self.settings.credentials["api_key"]
        if request.headers.get("x-api-key") != key:
            return self.unauthorised()
        request.user = self.directory.owner.id
        return None

    def unauthorised(self) -> Response:
        # A bad key is documented as 400 here, not as 401.
        return error(400, 1001, "1001: Invalid token")

    def too_many(self, wait: float) -> Response:
        answer = error(429, 429, "Too many requests, please try again later")
        return with_header(answer, "Retry-After", str(int(wait) + 1))

    def broken(self) -> Response:
        return error(500, 5001, "5001: Internal server error, please try again later")

    def bad_body(self, sentence: str) -> Response:
        return error(400, 4000, f"4000: {sentence}")

    def not_found(self) -> Response:
        return error(404, 404, "Not found")

    def checked(
        self,
        request: Request,
        action: str,
        fields: dict[str, checks.Check],
        required: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The request's JSON object, or 400 `4000: Failed to <action>`."""
        body = request.json_object() if request.body or required else {}
        refuse_if(action, problems(body, fields, required))
        return body

    # Creating and reading

    def new_id(self) -> str:
        return "".join(self.random.choices(LETTERS, k=10))

    def create(self, request: Request) -> Response:
        body = self.checked(request, "create task", CREATE_FIELDS, CREATE_REQUIRED)
        results = [self.create_one(request, body, key) for key in body["prospectIds"]]
        answer = {
            "message": "Task created successfully",
            "payload": {"results": results},
        }
        return Response(201, answer, results=results)

    def create_one(
        self, request: Request, body: dict[str, Any], prospect_id: str
    ) -> dict[str, Any]:
        person = self.directory.person(prospect_id)
        if person is None or self.refuses(request):
            return {"prospectId": prospect_id, "taskId": None, "success": False}
        note = body.get("taskNote", "")
        task = Task(
            id=self.new_id(),
            prospect=prospect_id,
            owner=self.directory.owner.id,
            kind=body["taskType"],
            note=note,
            priority=int(body.get("priority", "0")),
            due=body.get("dueDate") or today(),
            search=f"{person.name} {person.email} {note}".lower(),
        )
        self.create_task(request, task)
        return {"prospectId": prospect_id, "taskId": task.id, "success": True}

    def list_tasks(self, request: Request) -> Response:
        query = request.query
        refuse_if("fetch tasks", problems(query, LIST_QUERY))
        filters = self.list_filters(query)
        size = min(int(query.get("pageSize", "25")), 100)
        page = int(query.get("page", "1"))
        order = "seq DESC"
        if "sortBy" in query:
            direction = query.get("sortOrder", "DESC")
            column = SORTS[query["sortBy"]]
            order = f"{column} {direction} NULLS LAST, seq DESC"
        tasks = self.store.select(
            filters, order=order, limit=size, offset=(page - 1) * size
        )
        payload = {
            "tasks": [shown(task) for task in tasks],
            "page": page,
            "pageSize": size,
            "total": self.store.count(filters),
        }
        return Response(200, {"message": "Tasks fetched", "payload": payload})

    def list_filters(self, query: dict[str, str]) -> list[Filter]:
        filters: list[Filter] = []
        if status := query.get("status"):
            filters += status_filters(status)
        if family := query.get("taskType"):
            codes = FAMILIES[family]
            filters.append((f"kind IN ({', '.join('?' * len(codes))})", codes))
        if assignee := query.get("taskAssignee"):
            filters.append(("owner = ?", (assignee,)))
        if words := query.get("search"):
            filters.append(self.store.text_filter(words))
        if outcome := query.get("callOutcome"):
            filters.append(("json_extract(extra, '$.call_outcome') = ?", (outcome,)))
        if query.get("sequenceId") or query.get("prospectOutcome"):
            filters.append(("0", ()))  # no practice task comes from a sequence
        return filters

    def counts(self, request: Request) -> Response:
        words = ("upcoming", "dueToday", "overdue", "completed", "skipped")
        payload = {word: self.store.count(status_filters(word)) for word in words}
        return Response(200, {"message": "Task counts fetched", "payload": payload})

    def get_task(self, request: Request, task_id: str) -> Response:
        task = self.store.get(task_id)
        if task is None:
            return error(404, 404, "The requested task could not be found")
        return Response(
            200, {"message": "Task fetched", "payload": {"task": shown(task)}}
        )

    # Working on a task

    def open_task(self, task_id: str, action: str) -> Task:
        task = self.store.get(task_id)
        if task is None or task.state not in OPEN_STATES:
            raise Refused(failed(action))
        return task

    def complete(self, request: Request, task_id: str) -> Response:
        fields = {"callOutcome": one_of(CALL_OUTCOMES)}
        body = self.checked(request, "complete task", fields)
        task = self.open_task(task_id, "complete task")
        if task.kind in FAMILIES["call"] and "callOutcome" not in body:
            return failed("complete task", "callOutcome is required for call tasks")
        if "callOutcome" in body:
            task.extra["call_outcome"] = body["callOutcome"]
        self.finish(request, task, "complete")
        return worked("completed", task, "completedAt", "callOutcome")

    def skip(self, request: Request, task_id: str) -> Response:
        self.checked(request, "skip task", {})
        task = self.open_task(task_id, "skip task")
        self.finish(request, task, "skip")
        return worked("skipped", task, "skippedAt")

    def snooze(self, request: Request, task_id: str) -> Response:
        fields = {
            "snoozeUntil": checks.zoned_time,
            "callOutcome": one_of(CALL_OUTCOMES),
        }
        body = self.checked(request, "snooze task", fields, ("snoozeUntil",))
        task = self.open_task(task_id, "snooze task")
        if "callOutcome" in body:
            task.extra["call_outcome"] = body["callOutcome"]
        self.put_off(request, task, body["snoozeUntil"])
        return worked("snoozed", task, "snoozedUntil", "callOutcome")

    def put_off(self, request: Request, task: Task, until: str) -> None:
        task.state = "snoozed"
        task.extra["snoozed_until"] = iso(utc(until))
        self.change(request, task, "snooze")

    def replace_note(self, request: Request, task_id: str) -> Response:
        body = self.checked(request, "update task note", {"note": text()}, ("note",))
        task = self.store.get(task_id)
        if task is None:
            return failed("update task note")
        if person := self.directory.person(task.prospect):
            task.search = f"{person.name} {person.email} {body['note']}".lower()
        task.note = body["note"]
        self.change(request, task, "note")
        return worked("updated", task, "note")

    def bulk_skip(self, request: Request) -> Response:
        fields = {"taskIds": checks.many(text(empty=False), 1, 100)}
        body = self.checked(request, "skip tasks", fields, ("taskIds",))
        return self.start_bulk(request, "skip", body)

    def bulk_snooze(self, request: Request) -> Response:
        fields = {
            "taskIds": checks.many(text(empty=False), 1, 10_000),
            "snoozeUntil": checks.zoned_time,
        }
        body = self.checked(request, "snooze tasks", fields, tuple(fields))
        return self.start_bulk(request, "snooze", body)

    def start_bulk(
        self, request: Request, action: str, body: dict[str, Any]
    ) -> Response:
        """Answer at once; the work is done after the bulk delay."""
        request_id = "".join(self.random.choices(LETTERS, k=10))
        total = len(body["taskIds"])
        document: dict[str, Any] = {
            "bulkActionId": request_id,
            "action": action,
            "totalTasks": total,
            "completed": 0,
            "failed": 0,
            "pending": total,
            "status": "in-progress",
            "createdAt": iso(datetime.now(UTC)),
            "completedAt": None,
            "csvDownloadLink": None,
        }
        self.store.put("request", request_id, document)

        def work() -> None:
            done = 0
            for task_id in body["taskIds"]:
                task = self.store.get(task_id)
                if task is None or task.state not in OPEN_STATES:
                    continue
                done += 1
                if action == "skip":
                    self.finish(request, task, "skip")
                else:
                    self.put_off(request, task, body["snoozeUntil"])
            document.update(completed=done, failed=total - done, pending=0)
            document.update(status="completed", completedAt=iso(datetime.now(UTC)))
            self.store.put("request", request_id, document)

        self.in_background(work)
        answer = {
            "bulkActionId": request_id,
            "message": f"{action.capitalize()} request accepted",
            "statusCheckUrl": f"/v1/tasks/bulk-status/{request_id}",
        }
        return Response(200, answer)

    def bulk_status(self, request: Request, request_id: str) -> Response:
        document = self.store.find("request", request_id)
        return Response(200, document) if document else failed("fetch bulk action")

    # People

    def prospects(self, request: Request) -> Response:
        query = request.query
        refuse_if("fetch prospects", problems(query, PROSPECT_QUERY))
        size = int(query.get("pageSize", "100"))
        start = (int(query.get("page", "1")) - 1) * size
        people = self.directory.search(query.get("search", ""))
        if query.get("sort", "DESC") == "DESC":
            people.reverse()
        rows = [shown_prospect(person) for person in people[start : start + size]]
        return Response(200, {"payload": rows})

    def assignees(self, request: Request) -> Response:
        users = [shown_user(user) for user in self.directory.users.values()]
        return Response(200, {"message": "Assignees fetched", "payload": users})

    def team(self, request: Request) -> Response:
        users = [
            {**shown_user(user), "role": user.role, "status": "active"}
            for user in self.directory.users.values()
        ]
        return Response(200, {"message": "Team members fetched", "payload": users})

    # Webhooks

    def create_webhook(self, request: Request) -> Response:
        fields = {
            "name": text(empty=False),
            "webhookUrl": text(empty=False),
            "webhookEvent": checks.many(text(empty=False), 1),
            "headers": checks.obj,
        }
        body = self.checked(request, "create webhook", fields, tuple(fields))
        if urlsplit(body["webhookUrl"]).scheme not in ("http", "https"):
            return failed("create webhook", "webhookUrl must be a URL")
        if len(self.webhooks()) >= 50:
            return failed("create webhook", "at most 50 webhooks may be active")
        key = f"{self.random.getrandbits(96):024x}"
        created = iso(datetime.now(UTC))
        hook = {"id": key, **body, "status": "active", "createdAt": created}
        self.store.put("webhook", key, hook)
        return Response(201, {"message": "Webhook created", "payload": hook})

    def list_webhooks(self, request: Request) -> Response:
        return Response(200, {"message": "Webhooks", "payload": self.webhooks()})

    def get_webhook(self, request: Request, webhook_id: str) -> Response:
        hook = self.store.find("webhook", webhook_id)
        if hook is None:
            return error(404, 404, "The requested webhook could not be found")
        return Response(200, {"message": "Webhook", "payload": hook})

    def announce(self, event: str, task: Task) -> None:
        # No sample of a task event is published: this follows the e-mail events.
        family = next(name for name, codes in FAMILIES.items() if task.kind in codes)
        names = ["task-created"]
        if event != "created":
            names = ["task-updated", f"{family}-task-updated"]
        for hook in self.webhooks():
            for name in names:
                if name in hook["webhookEvent"]:
                    body = {"event": name, "task": shown(task), "at": task.modified}
                    self.deliver(hook["webhookUrl"], body, hook["headers"])
