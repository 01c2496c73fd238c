"""Practice Reply: `/v3`, integers with X-API-Key and words with Bearer."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from . import checks
from . import reply_forms as forms
from .checks import one_of, or_null, problems, utc, whole
from .people import Person
from .reply_checks import (
    CONTACT_FIELDS,
    IDS,
    check_task,
    dialect_of,
    filter_fields,
    optional_object,
    page,
)
from .reply_forms import Dialect, invalid, refuse
from .store import Filter, Task
from .vendor import VendorApp, with_header
from .wire import Request, Response

FORM = "%Y-%m-%dT%H:%M:%SZ"


class Reply(VendorApp):
    slug = "reply"
    label = "Reply"
    prefix = "/v3"
    column = "id:Practice Reply"
    seed_form = re.compile(r"[1-9]\d{0,8}")
    id_form = re.compile(r"[1-9]\d{0,8}")
    credentials = {"api_key": "practice-reply-key"}
    rate_limit = ((100, 60.0), (3000, 3600.0))
    user_id_form = "50{n}"
    actions = (
        "complete",
        "cancel",
        "archive",
        "reopen",
        "reassign",
        "reschedule",
        "delete",
    )
    time_form = FORM
    plain_extra: ClassVar[Mapping[str, Any]] = {
        "template": {"body": "", "subject": None, "attachmentIdList": []},
        "linkedin": None,
    }
    routes = {
        "POST /tasks": "create",
        "POST /tasks/filter": "filter_tasks",
        "POST /tasks/batch/complete": "batch_complete",
        "POST /tasks/batch/assign": "batch_assign",
        "POST /tasks/bulk-delete": "bulk_delete",
        "GET /tasks/{task_id}": "get_task",
        "PUT /tasks/{task_id}": "replace_task",
        "POST /tasks/{task_id}/complete": "complete",
        "POST /tasks/{task_id}/execute": "execute",
        "PUT /tasks/{task_id}/assigned-user": "assign",
        "POST /contacts/filter": "filter_contacts",
        "GET /whoami": "who_am_i",
    }

    # The key is a master key: it may act for another user of the workspace.

    def authenticate(self, request: Request) -> Response | None:
        key = self.settings.credentials["api_key"]
        given = request.headers
        scheme, _, token = given.get("authorization", "").partition(" ")
        bearer = token if scheme.lower() == "bearer" else None
        if (bearer or given.get("x-api-key")) != key:
            return self.unauthorised()
        request.user = self.directory.owner.id
        acting_for = given.get("x-user-id") or given.get("x-user-email")
        if acting_for:
            user = self.directory.user(acting_for)
            if user is None:
                detail = "The key may not act for this user."
                return forms.problem(403, "user.notPermitted", detail)
            request.user = user.id
        return None

    def unauthorised(self) -> Response:
        return Response(401, b"", {"WWW-Authenticate": "Bearer"})

    def too_many(self, wait: float) -> Response:
        detail = "Too many requests. Wait before you send the next one."
        answer = forms.problem(429, "rateLimit.exceeded", detail)
        return with_header(answer, "Retry-After", str(math.ceil(wait)))

    def broken(self) -> Response:
        return forms.problem(500, "server.error", "Something went wrong.")

    def bad_body(self, sentence: str) -> Response:
        return forms.problem(400, "request.notReadable", sentence)

    def not_found(self) -> Response:
        return forms.problem(404, "route.notFound", "There is no such endpoint.")

    # Creating and reading

    def create(self, request: Request) -> Response:
        body = request.json_object()
        task = Task(id=str(self.next_number()), owner=request.user)
        self.fill(request, task, body)
        self.create_task(request, task)
        return self.answer(request, task, 201)

    def fill(self, request: Request, task: Task, body: dict[str, Any]) -> None:
        """Set everything a create or a full replacement may set."""
        dialect = dialect_of(request)
        check_task(dialect, body)
        contact_id = body.get("contactId")
        if contact_id is not None and (
            self.directory.person(str(contact_id)) is None or self.refuses(request)
        ):
            raise refuse(404, "contact.notFound", f"There is no contact {contact_id}.")
        template = {"subject": None, "attachmentIdList": [], **body["template"]}
        subtype = body.get("linkedInTaskType")
        task.kind = dialect.read(forms.TYPES, body["taskType"])
        task.prospect = "" if contact_id is None else str(contact_id)
        task.starts = utc(body["startAt"]).strftime(FORM)
        task.due = utc(body["dueTo"]).strftime(FORM)
        task.note = template["body"]
        task.title = template["subject"] or ""
        task.search = f"{task.title} {task.note}".lower()
        task.extra["template"] = template
        task.extra["linkedin"] = (
            None if subtype is None else dialect.read(forms.LINKEDIN, subtype)
        )

    def get_task(self, request: Request, task_id: str) -> Response:
        wanted = request.query.get("includeContent", "false").lower()
        if wanted not in ("true", "false"):
            raise invalid({"includeContent": "must be true or false"})
        task = self.find(task_id)
        return self.answer(request, task, with_content=wanted == "true")

    def replace_task(self, request: Request, task_id: str) -> Response:
        task = self.find(task_id)
        if task.state != "open":
            raise refuse(409, "task.notEditable", "Only tasks with status New change.")
        self.fill(request, task, request.json_object())
        self.change(request, task, "replace")
        return self.answer(request, task)

    def filter_tasks(self, request: Request) -> Response:
        top, skip = page(request.query)
        body = request.json_object()
        dialect = dialect_of(request)
        if wrong := problems(body, filter_fields(dialect)):
            raise invalid(wrong)
        filters = self.filters(dialect, body)
        tasks = self.store.select(
            filters, order="starts, seq", limit=top + 1, offset=skip
        )
        items = [
            forms.listed(task, dialect, self.contact_of(task)) for task in tasks[:top]
        ]
        return Response(200, {"items": items, "hasMore": len(tasks) > top})

    def filters(self, dialect: Dialect, body: dict[str, Any]) -> list[Filter]:
        now = datetime.now(UTC)
        start = utc(body.get("from") or "2000-01-01T00:00:00Z")
        end = utc(body["to"]) if body.get("to") else now + timedelta(days=365)
        if end <= start:
            raise invalid({"to": "must be after from"})
        found: list[Filter] = [
            ("starts >= ?", (start.strftime(FORM),)),
            ("starts <= ?", (end.strftime(FORM),)),
        ]
        given = {name: value for name, value in body.items() if value is not None}
        if "taskType" in given:
            kind = dialect.read(forms.TYPES, given["taskType"])
            found.append(("kind = ?", (kind,)))
        if "status" in given:
            state = forms.STATES[dialect.read(forms.STATUSES, given["status"])]
            found.append(("state = ?", (state,)))
        if "linkedInTaskType" in given:
            subtype = dialect.read(forms.LINKEDIN, given["linkedInTaskType"])
            found.append(("json_extract(extra, '$.linkedin') = ?", (subtype,)))
        if "contactId" in given:
            found.append(("prospect = ?", (str(given["contactId"]),)))
        if "assignedUserId" in given:
            found.append(("owner = ?", (str(given["assignedUserId"]),)))
        if "overdue" in given:
            late = "state = 'open' AND due < ?"
            condition = f"({late})" if given["overdue"] else f"NOT ({late})"
            found.append((condition, (now.strftime(FORM),)))
        if given.get("sequenceIds") or given.get("sequenceStepIds"):
            found.append(("0", ()))  # no practice task comes from a sequence
        return found

    # Working on tasks

    def complete(self, request: Request, task_id: str) -> Response:
        dialect = dialect_of(request)
        fields = {
            "callResolution": or_null(one_of(dialect.values(forms.RESOLUTIONS))),
            "finishProspectInSequence": or_null(checks.flag),
        }
        body = optional_object(request, fields)
        task = self.find(task_id)
        if body.get("callResolution") is not None and task.kind != "call":
            raise invalid({"callResolution": "is for call tasks only"})
        if task.state != "open":
            raise refuse(409, "task.cannotComplete", "The task is not New.")
        self.finish_task(request, task)
        return self.answer(request, task)

    def finish_task(self, request: Request, task: Task) -> None:
        template = task.extra["template"]
        task.extra["template"] = forms.rendered(template, self.contact_of(task))
        self.finish(request, task, "complete")

    def execute(self, request: Request, task_id: str) -> Response:
        """The real call sends a message: every use is marked in the ledger."""
        self.store.enter(request.at, request.id, "EXECUTED", task_id, "", {})
        fields = {"content": checks.obj, "emailAccountId": whole()}
        optional_object(request, fields)
        task = self.find(task_id)
        if task.kind not in ("manualEmail", "sms"):
            detail = "Only ManualEmail and Sms tasks can be executed."
            raise refuse(400, "task.cannotExecute", detail)
        if task.state != "open":
            raise refuse(409, "task.cannotExecute", "The task is not New.")
        self.finish_task(request, task)
        return self.answer(request, task)

    def assign(self, request: Request, task_id: str) -> Response:
        body = request.json_object()
        if wrong := problems(body, {"userId": whole()}, ("userId",)):
            raise invalid(wrong)
        task = self.find(task_id)
        task.owner = self.user_id(body["userId"])
        self.change(request, task, "reassign")
        return self.answer(request, task)

    def batch_complete(self, request: Request) -> Response:
        failed: dict[str, Any] = {}
        for key, task in self.batch(request, {}):
            if task is None:
                failed[key] = {"error": 1}
            elif task.state != "open":
                failed[key] = {"error": 7}
            else:
                self.finish_task(request, task)
        return Response(200, failed, results=failed)

    def batch_assign(self, request: Request) -> Response:
        field = dialect_of(request).assignee_field
        pairs = self.batch(request, {field: whole()})
        owner = self.user_id(request.json_object()[field])
        failed: dict[str, Any] = {}
        for key, task in pairs:
            if task is None:
                failed[key] = {"error": 1}
            else:
                task.owner = owner
                self.change(request, task, "reassign")
        return Response(200, failed, results=failed)

    def bulk_delete(self, request: Request) -> Response:
        failed: dict[str, Any] = {}
        for key, task in self.batch(request, {}):
            if task is None:
                failed[key] = {"error": 1}
            else:
                self.remove(request, task)
        return Response(200, failed, results=failed)

    def batch(
        self, request: Request, more: dict[str, checks.Check]
    ) -> list[tuple[str, Task | None]]:
        """The tasks named by `ids`, None for those that are not there."""
        body = request.json_object()
        if wrong := problems(body, {"ids": IDS, **more}, ("ids", *more)):
            raise invalid(wrong)
        keys = dict.fromkeys(str(number) for number in body["ids"])
        return [(key, self.store.get(key)) for key in keys]

    # People

    def filter_contacts(self, request: Request) -> Response:
        top, skip = page(request.query)
        body = request.json_object()
        if wrong := problems(body, CONTACT_FIELDS):
            raise invalid(wrong)
        people = self.directory.search(body.get("searchTerm") or "")
        for rule in body.get("rules") or ():
            if rule.get("property") == "email":
                wanted = str(rule.get("value")).lower()
                people = [one for one in people if one.email.lower() == wanted]
        owner = self.directory.owner.id
        found = people[skip : skip + top]
        answer = {
            "items": [forms.shown_contact(person, owner) for person in found],
            "hasMore": len(people) > skip + top,
            "totalCount": len(people),
        }
        return Response(200, answer)

    def who_am_i(self, request: Request) -> Response:
        return Response(200, {"userId": int(request.user)})

    # Helpers

    def find(self, task_id: str) -> Task:
        task = self.store.get(task_id)
        if task is None:
            raise refuse(404, "task.notFound", f"There is no task {task_id}.")
        return task

    def user_id(self, number: int) -> str:
        if str(number) not in self.directory.users:
            raise refuse(404, "user.notFound", f"There is no user {number}.")
        return str(number)

    def contact_of(self, task: Task) -> Person | None:
        return self.directory.person(task.prospect) if task.prospect else None

    def answer(
        self,
        request: Request,
        task: Task,
        status: int = 200,
        *,
        with_content: bool = False,
    ) -> Response:
        body = forms.detail(
            task,
            dialect_of(request),
            self.contact_of(task),
            with_content=with_content,
        )
        return Response(status, body)
