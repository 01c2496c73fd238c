"""What the four practice vendors have in common."""

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from .checks import iso, utc
from .later import Later, post
from .limits import Limits
from .people import Directory, User, practice_users
from .store import Store, Task
from .wire import BadBody, Refused, Request, Response

Handler = Callable[..., Response]

ENDED = {
    "complete": "completed",
    "skip": "skipped",
    "cancel": "cancelled",
    "no_show": "no_show",
    "archive": "archived",
}
REOPENED = {"reopen": "open", "start": "in_progress"}


@dataclass
class Settings:
    """What can be changed while a server runs. Delays are in seconds."""

    credentials: dict[str, str]
    rate_limit: Limits | None
    bulk_delay: float = 2.0


class VendorApp:
    """One vendor's API, without the network: a request in, a response out.

    Every method runs under the server's lock and inside one transaction.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    prefix: ClassVar[str]
    column: ClassVar[str]  # of the prospects file
    seed_form: ClassVar[re.Pattern[str]]  # of ids in that file
    id_form: ClassVar[re.Pattern[str]]  # of ids it takes when it accepts unknown ones
    credentials: ClassVar[dict[str, str]]
    rate_limit: ClassVar[Limits]
    user_id_form: ClassVar[str]  # form of a user id, with {n} for a number
    actions: ClassVar[tuple[str, ...]]  # what a rep can do to a task at the vendor
    time_form: ClassVar[str]  # strftime form of a task's `starts` and `due`
    plain_extra: ClassVar[Mapping[str, Any]] = {}  # in `extra` of every task
    routes: ClassVar[Mapping[str, str]]  # "METHOD /path/{name}" -> method of the class

    def __init__(
        self, store: Store, settings: Settings, later: Later, deliveries: Later
    ) -> None:
        self.store = store
        self.settings = settings
        self.later = later
        self.deliveries = deliveries
        self.directory = Directory(
            self.id_form, practice_users(map(self.nth_user_id, range(1, 5)))
        )
        self.random = random.Random()
        self.origin = ""
        self._number = store.highest_number()
        self._refusal_count = 0
        self._exact: dict[tuple[str, str], Handler] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Handler]] = []
        for route, name in self.routes.items():
            method, path = route.split()
            self._add_route(method, path, getattr(self, name))

    def _add_route(self, method: str, path: str, handler: Handler) -> None:
        if "{" not in path:
            self._exact[method, self.prefix + path] = handler
            return
        pattern = re.sub(
            r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.prefix + path)
        )
        self._patterns.append((method, re.compile(pattern), handler))

    # What a vendor answers where its documents say so

    def authenticate(self, request: Request) -> Response | None:
        """Name the request's user, or return the answer to a wrong key."""
        raise NotImplementedError

    def unauthorised(self) -> Response:
        raise NotImplementedError

    def too_many(self, wait: float) -> Response:
        """The answer to a call over the limit; `wait` seconds until the next fits."""
        raise NotImplementedError

    def failure(self, status: int) -> Response:
        """The answer when the vendor itself is in trouble."""
        if status in (502, 503, 504):
            return gateway_error(status)
        return self.broken()

    def broken(self) -> Response:
        raise NotImplementedError

    def bad_body(self, sentence: str) -> Response:
        raise NotImplementedError

    def not_found(self) -> Response:
        raise NotImplementedError

    def announce(self, event: str, task: Task) -> None:
        """Tell webhooks that a task was `created`, `updated` or `completed`."""

    # Serving

    def dispatch(self, request: Request) -> Response:
        """Do what the request asks, and answer."""
        path = request.path
        handler = self._exact.get((request.method, path))
        found: dict[str, str] = {}
        if handler is None:
            for method, pattern, candidate in self._patterns:
                if method == request.method and (match := pattern.fullmatch(path)):
                    handler, found = candidate, match.groupdict()
                    break
        if handler is None:
            return self.not_found()
        try:
            return handler(request, **found)
        except BadBody as error:
            return self.bad_body(str(error))
        except Refused as refused:
            return refused.response

    # What it knows

    def nth_user_id(self, n: int) -> str:
        return self.user_id_form.format(n=n)

    def new_user_id(self) -> str:
        return self.nth_user_id(len(self.directory.users) + 1)

    def new_task_type(self, given: Any) -> dict[str, Any]:
        """A task type of the account; only LeadSquared has such."""
        raise ValueError(f"{self.label} has no task types of its own.")

    # Tasks

    def new_id(self) -> str:
        """An id that no task of this vendor has."""
        return str(self.next_number())

    def plant(self, request: Request, given: Mapping[str, Any]) -> Task:
        """Keep a task that has been there for long: no webhook is told."""
        task = Task(
            **{
                "id": self.new_id(),
                "owner": self.directory.owner.id,
                "created": iso(datetime.now(UTC)),
                **given,
                "extra": {**self.plain_extra, **given.get("extra", {})},
            }
        )
        task.modified = task.modified or task.created
        self.store.add(task)
        self.enter(request, "plant", task)
        return task

    def next_number(self) -> int:
        """A number that no task of this vendor has had, even a deleted one."""
        self._number += 1
        return self._number

    def refuses(self, request: Request) -> bool:
        """Whether the partial-refusal dial takes this prospect."""
        if not request.refuse_every:
            return False
        self._refusal_count += 1
        return self._refusal_count % request.refuse_every == 0

    def create_task(self, request: Request, task: Task) -> Task:
        """Keep a new task, write it into the ledger and tell the webhooks."""
        now = iso(datetime.now(UTC))
        task.created = task.modified = now
        self.store.add(task)
        self.enter(request, "create", task)
        self.announce("created", task)
        return task

    def change(self, request: Request, task: Task, event: str) -> Task:
        """Keep a changed task: `event` is what happened, such as completed."""
        task.modified = iso(datetime.now(UTC))
        self.store.save(task)
        self.enter(request, event, task)
        self.announce("completed" if event == "complete" else "updated", task)
        return task

    def finish(self, request: Request, task: Task, event: str) -> Task:
        """Bring a task to its end: `event` is complete, skip or cancel."""
        task.state = ENDED[event]
        task.finished = iso(datetime.now(UTC))
        return self.change(request, task, event)

    def remove(self, request: Request, task: Task) -> None:
        self.store.delete(task.id)
        self.enter(request, "delete", task)

    def enter(self, request: Request, event: str, task: Task) -> None:
        """Write a line about a task into the ledger."""
        detail = {
            "title": task.title,
            "note": task.note,
            "kind": task.kind,
            "owner": task.owner,
            "priority": task.priority,
            "starts": task.starts,
            "due": task.due,
        }
        self.store.enter(request.at, request.id, event, task.id, task.prospect, detail)

    # As a rep would, at the vendor

    def act(
        self,
        request: Request,
        action: str,
        ids: Iterable[str],
        *,
        user: str = "",
        to: str = "",
    ) -> list[str]:
        """Do `action` to the tasks; return the ids of those that exist.

        `user` is an id or e-mail for reassign; `to` an ISO time for reschedule and
        snooze. ValueError when the vendor has no such action or no such user.
        """
        if action not in self.actions:
            raise ValueError(f"{self.label} has no action {action!r}.")
        holder = self.directory.user(user) if action == "reassign" else None
        if action == "reassign" and holder is None:
            raise ValueError(f"{self.label} has no user {user!r}.")
        moment = utc(to) if action in ("reschedule", "snooze") else None
        done = []
        for task_id in ids:
            if task := self.store.get(task_id):
                self._act_on(request, action, task, holder, moment)
                done.append(task_id)
        return done

    def _act_on(
        self,
        request: Request,
        action: str,
        task: Task,
        holder: User | None,
        moment: datetime | None,
    ) -> None:
        if action == "delete":
            self.remove(request, task)
        elif action in ENDED:
            self.finish(request, task, action)
        else:
            if action in REOPENED:
                task.state, task.finished = REOPENED[action], ""
            elif holder:
                task.owner = holder.id
            elif action == "snooze" and moment:
                task.state = "snoozed"
                task.extra["snoozed_until"] = iso(moment)
            elif moment:
                self.reschedule(task, moment)
            self.change(request, task, action)

    def reschedule(self, task: Task, start: datetime) -> None:
        """Move a task to `start` and keep how long it lasts."""
        start_text = start.strftime(self.time_form)
        if not task.starts:
            task.due = start_text
            return
        length = timedelta(0)
        if task.due:
            length = utc(task.due) - utc(task.starts)
        task.starts = start_text
        task.due = (start + length).strftime(self.time_form)

    # Webhooks

    def webhooks(self) -> list[dict[str, Any]]:
        return self.store.documents("webhook")

    def deliver(
        self,
        url: str,
        body: Any,
        headers: dict[str, str],
        then: Callable[[int], None] | None = None,
    ) -> None:
        """Post `body` soon; `then` gets the receiver's status, 0 for none."""

        def send() -> None:
            status = post(url, body, headers)
            with self.store.lock:
                detail = {"url": url, "status": status, "body": body}
                at = datetime.now(UTC).timestamp()
                self.store.enter(at, "", "webhook", "", "", detail)
                if then:
                    then(status)

        self.deliveries.run(0, send)

    def in_background(self, work: Callable[[], None]) -> None:
        """Do `work` after the bulk delay, as one transaction."""

        def locked() -> None:
            with self.store.lock, self.store.transaction():
                work()

        self.later.run(self.settings.bulk_delay, locked)


def gateway_error(status: int) -> Response:
    """What stands in front of a vendor answers when the vendor does not."""
    names = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Time-out"}
    page = f"<html><body><h1>{status} {names[status]}</h1></body></html>"
    return Response(status, page.encode(), {"Content-Type": "text/html"})


def with_header(response: Response, name: str, value: str | None) -> Response:
    """The response with a header set, or taken out when `value` is None."""
    headers = {n: v for n, v in response.headers.items() if n.lower() != name.lower()}
    if value is not None:
        headers[name] = value
    return replace(response, headers=headers)
