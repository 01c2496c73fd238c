"""Practice LeadSquared: `/v2`, GET and POST only, validation errors as 500 MX."""

import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

from . import checks
from . import leadsquared_forms as forms
from .checks import spaced_time, utc
from .leadsquared_reads import LeadSquaredReads
from .people import User
from .store import Task
from .wire import Refused, Request, Response


def make_type(name: str, category: int, minutes: int) -> dict[str, Any]:
    """A task type: category 0 for appointments, 1 for to-dos, and how long it lasts."""
    key = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.practice"))
    return {"Id": key, "Name": name, "Category": category, "Minutes": minutes}


TYPES = {
    kind["Name"]: kind
    for kind in (
        make_type("Meeting", 0, 30),
        make_type("Phone Call", 0, 15),
        make_type("Follow-Up", 1, 60),
        make_type("Document Collection", 1, 60),
    )
}
MOST_FAILURES = 5
KEPT = (
    "Reminder",
    "NotifyBy",
    "ReminderBeforeDays",
    "ReminderTime",
    "Location",
    "CustomFields",
)


class LeadSquared(LeadSquaredReads):
    slug = "leadsquared"
    label = "LeadSquared"
    prefix = "/v2"
    column = "id:Practice LeadSquared"
    seed_form = checks.GUID
    id_form = checks.GUID
    credentials = {
        "access_key": "practice-leadsquared-access",
        "secret_key": "practice-leadsquared-secret",
    }
    rate_limit = ((25, 5.0),)
    user_id_form = "00000000-0000-4000-8000-{n:012d}"
    actions = ("complete", "reopen", "reassign", "reschedule", "delete")
    time_form = "%Y-%m-%d %H:%M:%S"
    plain_extra: ClassVar[Mapping[str, Any]] = {"related": 1}
    routes = {
        "POST /Task.svc/Create": "create",
        "POST /Task.svc/Bulk/Create": "bulk_create",
        "POST /Task.svc/Update": "update",
        "GET /Task.svc/MarkComplete": "mark_complete",
        "POST /Task.svc/Retrieve": "retrieve",
        "GET /Task.svc/Retrieve.GetById": "get_by_id",
        "GET /LeadManagement.svc/RetrieveTaskByLeadId": "by_lead",
        "POST /Task.svc/RetrieveAppointments/ByUserEmailAddress": "appointments",
        "POST /Task.svc/RetrieveAppointments/ByUserId": "appointments",
        "POST /Task.svc/RetrieveToDos/ByUserEmailAddress": "to_dos",
        "POST /Task.svc/RetrieveToDos/ByUserId": "to_dos",
        "POST /Task.svc/DeleteTasks": "delete_tasks",
        "GET /Task.svc/RetrieveTaskType": "list_types",
        "GET /UserManagement.svc/Users.Get": "users",
        "GET /Authentication.svc/UserByAccessKey.Get": "who_am_i",
        "GET /LeadManagement.svc/Leads.GetByEmailaddress": "leads_by_email",
        "POST /LeadManagement.svc/Leads.Get": "search_leads",
        "POST /OpportunityManagement.svc/GetOpportunitiesOfLead": "opportunities",
        "POST /Webhook.svc/Create": "create_webhook",
        "POST /Webhook.svc/Retrieve": "list_webhooks",
    }

    def authenticate(self, request: Request) -> Response | None:
        query, headers = request.query, request.headers
        given = (
            query.get("accessKey", headers.get("x-lsq-accesskey")),
            query.get("secretKey", headers.get("x-lsq-secretkey")),
        )
        keys = self.settings.credentials
        if given != (keys["access_key"], keys["secret_key"]):
            return self.unauthorised()
        request.user = self.directory.owner.id
        return None

    def unauthorised(self) -> Response:
        sentence = "Invalid access credentials. Check your AccessKey and SecretKey."
        return forms.error(401, "MXAuthenticationFailedException", sentence)

    def too_many(self, wait: float) -> Response:
        # No Retry-After is documented.
        calls, seconds = (self.settings.rate_limit or self.rate_limit)[0]
        sentence = f"API calls exceeded the limit of {calls} in {seconds:g} second(s)"
        return forms.error(429, "MXTooManyRequestsException", sentence)

    def broken(self) -> Response:
        return forms.error(500, "SystemException", "An unexpected error occurred")

    def bad_body(self, sentence: str) -> Response:
        return forms.error(400, "MXInvalidRequestException", sentence)

    def not_found(self) -> Response:
        # 404 means that the path is wrong, never that a task is missing.
        sentence = "The API could not be found. Please check the API signature."
        return forms.error(404, "MXApiNotFoundException", sentence)

    def task_types(self) -> dict[str, dict[str, Any]]:
        seeded = {kind["Name"]: kind for kind in self.store.documents("task_type")}
        return {**TYPES, **seeded}

    def new_task_type(self, given: Any) -> dict[str, Any]:
        data = given if isinstance(given, dict) else {"Name": given}
        return {**make_type(data["Name"], 0, 30), **data}

    # Creating

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def plant(self, request: Request, given: Mapping[str, Any]) -> Task:
        kind = self.task_types()[given["kind"]]["Id"]
        extra = {"by": self.directory.owner.id, **given.get("extra", {})}
        return super().plant(request, {**given, "kind": kind, "extra": extra})

    def create(self, request: Request) -> Response:
        body = self.structured(request, forms.TASK_FIELDS)
        task = self.create_task(request, self.read_task(request, body))
        return forms.success(Id=task.id)

    def bulk_create(self, request: Request) -> Response:
        """Answer a request number; the tasks, and no word of them, come later."""
        fields: dict[str, checks.Check] = {
            "TaskList": checks.many(checks.obj, 1, 50),
            "StatusWebhookURL": checks.text(),
        }
        body = self.structured(request, fields, ("TaskList",))
        for row in body["TaskList"]:
            if wrong := checks.problems(row, forms.BULK_ROW_FIELDS):
                raise forms.bad_structure(wrong)
        number = str(self.random.randrange(1_000_000_000, 2_000_000_000))
        self.store.enter(
            request.at, request.id, "bulk", number, "", {"rows": len(body["TaskList"])}
        )

        def work() -> None:
            reasons = []
            for row in body["TaskList"]:
                try:
                    self.create_task(request, self.read_task(request, row))
                except Refused as refused:
                    reasons.append(refused.response.body["ExceptionMessage"])
            total = len(body["TaskList"])
            self.report(
                body.get("StatusWebhookURL", ""),
                Status="Error" if len(reasons) == total else "Success",
                Operation="Bulk Create Tasks",
                RequestId=number,
                TasksCount=total,
                CreatedTasksCount=total - len(reasons),
                FailureReason="; ".join(reasons) or None,
            )

        self.in_background(work)
        return forms.success(Id=number)

    def report(self, url: str, **outcome: Any) -> None:
        """Post the outcome of a background request; the body is undocumented."""
        if url:
            self.deliver(url, outcome, {})

    def read_task(self, request: Request, body: dict[str, Any]) -> Task:
        """A new task from a row whose structure is right, or an MX refusal."""
        if not body.get("Name", "").strip():
            raise forms.mandatory("Name")
        owner = self.read_owner(body)
        if owner is None:
            raise forms.mandatory("OwnerEmailAddress")
        related, related_id = self.read_related(request, body)
        kind = self.read_type(body)
        starts = self.read_time(body, "DueDate") or forms.now_spaced()
        length = timedelta(minutes=kind["Minutes"])
        due = self.read_time(body, "EndDate")
        due = due or (utc(starts) + length).strftime(self.time_form)
        if due < starts:
            raise forms.invalid("EndDate", "must not be before DueDate")
        self.read_reminders(body)
        extra = {name: body[name] for name in KEPT if name in body}
        extra.update(related=related, by=self.directory.owner.id)
        return Task(
            id=self.new_id(),
            prospect=related_id,
            owner=owner.id,
            kind=kind["Id"],
            title=body["Name"],
            note=body.get("Description", ""),
            starts=starts,
            due=due,
            search=f"{body['Name']} {body.get('Description', '')}".lower(),
            extra=extra,
        )

    def read_owner(self, body: dict[str, Any]) -> User | None:
        """The assignee; None when neither field is there."""
        given = [body[n] for n in ("OwnerId", "OwnerEmailAddress") if body.get(n)]
        if len(given) > 1:
            raise forms.invalid("OwnerId", "and 'OwnerEmailAddress' exclude each other")
        if not given:
            return None
        owner = self.directory.user(given[0])
        if owner is None:
            raise mx_unknown("User", given[0])
        return owner

    def read_related(self, request: Request, body: dict[str, Any]) -> tuple[int, str]:
        related, key = body.get("RelatedEntity", 0), body.get("RelatedEntityId", "")
        if related not in (0, 1, 5):
            raise forms.invalid("RelatedEntity", "must be 0, 1 or 5")
        if related == 0:
            if self.refuses(request):
                raise mx_unknown("Lead", key)
            return 0, ""  # an id is considered only with 1 or 5
        if not key:
            raise forms.mandatory("RelatedEntityId")
        key = key.lower()
        known = self.directory.person(key) is not None
        if related == 5 and not self.directory.accept_unknown:
            known = self.store.find("opportunity", key) is not None
        if not known or self.refuses(request):
            raise mx_unknown("Lead" if related == 1 else "Opportunity", key)
        return related, key

    def read_type(self, body: dict[str, Any]) -> dict[str, Any]:
        given = body.get("TaskType")
        if not given or not isinstance(given.get("Name"), str):
            raise forms.mandatory("TaskType")
        if set(given) != {"Name"}:
            raise forms.bad_structure({"TaskType": "may hold a Name only"})
        kind = self.task_types().get(given["Name"])
        if kind is None:
            raise mx_unknown("Task type", given["Name"])
        return kind

    def read_time(self, body: dict[str, Any], name: str) -> str:
        value: str = body.get(name, "")
        if value and (why := spaced_time(value)):
            raise forms.invalid(name, why)
        return value

    def read_reminders(self, body: dict[str, Any]) -> None:
        if body.get("Reminder", 0) < 0:
            raise forms.invalid("Reminder", "must not be negative")
        if body.get("NotifyBy", "1000") not in ("1000", "1100"):
            raise forms.invalid("NotifyBy", "must be 1000 or 1100")
        days = body.get("ReminderBeforeDays", "0")
        if days and checks.number_in_text(days) is None:
            raise forms.invalid("ReminderBeforeDays", "must be a number")
        clock = body.get("ReminderTime", "")
        if clock and not forms.CLOCK.fullmatch(clock):
            raise forms.invalid("ReminderTime", "must look like HH:MM:SS")
        for name, value in body.get("CustomFields", {}).items():
            if not re.fullmatch(r"mx_Custom_\d+", name) or not isinstance(value, str):
                raise forms.invalid(name, "is not a custom field of this account")

    # Changing

    def update(self, request: Request) -> Response:
        """Change the fields given and keep the others; the sheet leaves it open."""
        body = self.structured(request, forms.UPDATE_FIELDS)
        task = self.find_task(body.get("UserTaskId", ""), "UserTaskId")
        if "Name" in body and not body["Name"].strip():
            raise forms.mandatory("Name")
        self.read_reminders(body)
        if owner := self.read_owner(body):
            task.owner = owner.id
        if "RelatedEntity" in body:
            task.extra["related"], task.prospect = self.read_related(request, body)
        if starts := self.read_time(body, "DueDate"):
            self.reschedule(task, utc(starts))
        task.title = body.get("Name", task.title)
        task.note = body.get("Description", task.note)
        for name in ("Reminder", "NotifyBy"):
            if name in body:
                task.extra[name] = body[name]
        self.change(request, task, "update")
        return forms.success(AffectedRows=1, AutoId=self.next_number())

    def mark_complete(self, request: Request) -> Response:
        task = self.find_task(request.query.get("id", ""), "id")
        if task.state == forms.LIVE:
            self.finish(request, task, "complete")
        return forms.success(AffectedRows=1)

    def delete_tasks(self, request: Request) -> Response:
        fields: dict[str, checks.Check] = {
            "TaskIds": checks.many(checks.text(empty=False), 1, 5000),
            "StatusWebhookURL": checks.text(),
        }
        body = self.structured(request, fields, ("TaskIds",))

        def work() -> None:
            found = [self.store.get(key) for key in dict.fromkeys(body["TaskIds"])]
            gone = [task for task in found if task]
            for task in gone:
                self.remove(request, task)
            self.report(
                body.get("StatusWebhookURL", ""),
                Status="Success",
                Operation="Bulk Delete Tasks",
                TasksCount=len(body["TaskIds"]),
                DeletedTasksCount=len(gone),
                FailureReason=None,
            )

        self.in_background(work)
        number = self.random.randrange(1_000_000_000, 2_000_000_000)
        return forms.success(Id=str(number))

    def find_task(self, task_id: str, name: str) -> Task:
        if not task_id:
            raise forms.mandatory(name)
        task = self.store.get(task_id.lower())
        if task is None:
            raise mx_unknown("Task", task_id)
        return task

    # Webhooks

    def create_webhook(self, request: Request) -> Response:
        required = ("URL", "Method", "WebhookEvent")
        body = self.structured(request, forms.WEBHOOK_FIELDS, required)
        if urlsplit(body["URL"]).scheme not in ("http", "https"):
            raise forms.invalid("URL", "must be a URL")
        if body["WebhookEvent"] not in forms.EVENTS:
            raise forms.invalid("WebhookEvent", "is not a task event")
        key = str(uuid.uuid4())
        event = forms.EVENTS[body["WebhookEvent"]]
        hook = {**body, "Id": key, "WebhookEvent": event, "StatusCode": 0}
        self.store.put("webhook", key, {**hook, "failures": 0})
        return forms.success(Id=key)

    def list_webhooks(self, request: Request) -> Response:
        parameter = self.structured(request, forms.HOOK_SEARCH).get("Parameter", {})
        event, state = parameter.get("WebhookEvent"), parameter.get("StatusCode")
        rows = [
            {
                "WebhookId": hook["Id"],
                "EventCode": hook["WebhookEvent"],
                "URL": hook["URL"],
                "StatusCode": hook["StatusCode"],
            }
            for hook in self.webhooks()
            if event in (None, "", hook["WebhookEvent"])
            and state in (None, hook["StatusCode"])
        ]
        return Response(200, {"RecordCount": len(rows), "Response": rows})

    def announce(self, event: str, task: Task) -> None:
        names = {"created": "Task_Create", "completed": "Task_Complete"}
        name = names.get(event, "Task_Update")
        for hook in self.webhooks():
            if hook["WebhookEvent"] == name and hook["StatusCode"] == 0:
                headers = {
                    str(header.get("Key")): str(header.get("Value"))
                    for header in hook.get("CustomHeaders", [])
                }
                body = {"Event": name, "Data": self.row(task)}
                self.deliver(
                    hook["URL"], body, headers, partial(self.judge, hook["Id"])
                )

    def judge(self, key: str, status: int) -> None:
        """Switch a webhook off (2) when its receiver failed to answer 200 too often."""
        hook = self.store.find("webhook", key)
        if hook is None:
            return
        hook["failures"] = 0 if status == 200 else hook["failures"] + 1
        if hook["failures"] >= MOST_FAILURES:
            hook["StatusCode"] = 2
        self.store.put("webhook", key, hook)


def mx_unknown(what: str, given: str) -> Refused:
    return forms.mx("EntityNotFound", f"{what} '{given}' does not exist")
