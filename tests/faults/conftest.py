"""One account at one practice vendor over real HTTP, with short deadlines.

The vendors' servers run for the whole session and forget everything between tests, and
each test's rows are rolled back: so a fault costs milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tasks_app import practice
from tasks_app.models import ConnectedAccount, Push, Task
from tasks_app.practice.vendor import gateway_error
from tasks_app.practice.wire import Request, Response
from tasks_app.services.reconciling import reconcile_account
from tasks_app.services.transport import vendor_hosts
from tasks_app.vendors.calls import Auth, VendorRequest, VendorResponse
from tasks_app.vendors.transport import HttpTransport
from tests.engine.conftest import Bench, user_id
from tests.factories import make_account, make_vendor_user

State = Push.State

#: Where each vendor takes new tasks.
CREATES = {
    "saleshandy": ("/v1/tasks/create",),
    "leadsquared": ("/v2/Task.svc/Create", "/v2/Task.svc/Bulk/Create"),
    "reply": ("/v3/tasks",),
    "ysuite": ("/v1/tasks",),
}
#: What no sentence for a person holds, besides what a vendor itself said.
JARGON = re.compile(
    r"json|https?\b|html|\bNone\b|\bnull\b|exception|traceback|errno|socket|127\.0|"
    r"localhost|timeout|[{}<>_!]|\bplease\b|\boops\b",
    re.I,
)


def is_create(vendor: str, method: str, path: str) -> bool:
    return method == "POST" and path in CREATES[vendor]


@dataclass
class Bed(Bench):
    """A bench whose vendor also answers what no dial offers."""

    hooks: list[Callable[[VendorRequest], None]] = field(default_factory=list)

    @property
    def vendor(self) -> str:
        return str(self.account.vendor)

    @property
    def name(self) -> str:
        return str(self.account.adapter_class.name)

    # -- what the vendor does ------------------------------------------------------

    def dial(self, kind: str, **settings: Any) -> None:
        """Set a dial for creates alone, by default for the next one."""
        settings = {"next": 1, "method": "POST", **settings}
        for path in CREATES[self.vendor]:
            self.server.dial(kind, path=path, **settings)

    def bend(self, change: Callable[[Request, Response], Response], n: int = 1) -> None:
        """Do what the next n creates ask, then let `change` make the answer."""
        self._answer(n, lambda request, do: change(request, do()))

    def answer(
        self,
        status: int,
        body: Any = b"",
        headers: dict[str, str] | None = None,
        *,
        n: int = 1,
        done: bool = False,
    ) -> None:
        """Answer the next n creates so; `done` says whether they are done all the same."""

        def reply(request: Request, do: Callable[[], Response]) -> Response:
            if done:
                do()
            return Response(status, body, dict(headers or {}))

        self._answer(n, reply)

    def postpone(self) -> Callable[[], None]:
        """Let the next create end in an error; return what makes the vendor do it."""
        held: list[Callable[[], Response]] = []

        def reply(request: Request, do: Callable[[], Response]) -> Response:
            held.append(do)
            return gateway_error(502)

        self._answer(1, reply)
        return lambda: [do() for do in held] and None

    def _answer(
        self, n: int, reply: Callable[[Request, Callable[[], Response]], Response]
    ) -> None:
        app = self.server.app
        real = type(app).dispatch
        left = [n]

        def dispatch(request: Request) -> Response:
            if left[0] and is_create(self.vendor, request.method, request.path):
                left[0] -= 1
                return reply(request, lambda: real(app, request))
            return real(app, request)

        app.dispatch = dispatch  # type: ignore[method-assign]

    # -- what was seen -------------------------------------------------------------

    def sent(self) -> int:
        """Return how many creating calls reached the vendor."""
        return sum(
            is_create(self.vendor, call["method"], call["path"])
            for call in self.server.calls()
        )

    def made(self) -> list[str]:
        """Return the prospects of the ledger, one for each task that was created."""
        return [line["prospect"] for line in self.server.ledger()]

    def fresh(self) -> ConnectedAccount:
        return ConnectedAccount.objects.get(pk=self.account.pk)

    def held_seconds(self) -> float:
        held = self.fresh().held_until
        return (held - timezone.now()).total_seconds() if held else 0.0

    def stands(self, state: str, count: int = 1) -> list[Push]:
        """Check that all pushes are in this state and their tasks say so."""
        pushes = list(Push.objects.select_related("task").order_by("pk"))
        assert [p.state for p in pushes] == [state] * count, [p.error for p in pushes]
        assert [p.task.delivery for p in pushes] == [state] * count
        return pushes

    def says(self, *words: str) -> str:
        """Check that the first push tells a person what happened; return the sentence."""
        push = Push.objects.select_related("task").order_by("pk").first()
        assert push is not None
        assert push.task.delivery_error == push.error
        plain(push.error, self.name)
        for word in words:
            assert word in push.error
        return push.error

    def heal(self) -> None:
        self.server.clear_dials()
        self.server.app.__dict__.pop("dispatch", None)

    def arrives(self, count: int = 1) -> None:
        """Check that with the trouble over each task arrives, and once."""
        self.heal()
        self.settle()
        self.stands(State.DELIVERED, count)
        made = self.made()
        assert len(made) == len(set(made)) == count
        at_vendor = {str(task["id"]) for task in self.server.tasks()}
        assert {task.external_id for task in Task.objects.all()} == at_vendor

    def settle(self, rounds: int = 8) -> None:
        # As a new key or a person's "connect again" would.
        self.revive()
        super().settle(rounds)

    def revive(self) -> None:
        ConnectedAccount.objects.filter(state__in=["trouble", "needs_new_key"]).update(
            state="connected", held_until=None, trouble_count=0
        )

    def look_later(self, hours: float) -> None:
        """Look as if this much time had passed since the push was sent."""
        ago = timezone.now() - timedelta(hours=hours)
        Push.objects.update(sent_at=ago, look_at=timezone.now())
        reconcile_account(self.account.pk, transport=self.transport)


def plain(sentence: str, name: str) -> None:
    """Check that this is a sentence for people which names the vendor."""
    assert name in sentence, sentence
    # What comes after this the vendor itself has said.
    own = re.sub(r"refused this:.*", "refused this.", re.sub(r"“[^”]*”", "", sentence))
    assert own[-1] in "., ", sentence
    assert not JARGON.search(own), sentence


@dataclass
class Watched:
    """A transport that runs hooks before each creating call."""

    inner: HttpTransport
    bed: Bed | None = None

    def send(
        self, request: VendorRequest, *, base_url: str, auth: Auth, deadline: float
    ) -> VendorResponse:
        assert self.bed is not None
        path = base_url.split("/", 3)[-1]
        if is_create(self.bed.vendor, request.method, f"/{path}{request.path}"):
            for hook in list(self.bed.hooks):
                hook(request)
        return self.inner.send(request, base_url=base_url, auth=auth, deadline=deadline)


@pytest.fixture(scope="session")
def vendors() -> Iterator[dict[str, practice.PracticeServer]]:
    running: dict[str, practice.PracticeServer] = {}
    yield running
    for server in running.values():
        server.close()


@pytest.fixture
def lay(
    vendors: dict[str, practice.PracticeServer], settings: Any
) -> Iterator[Callable[..., Bed]]:
    """Return a function that connects an account to a practice vendor of its own."""
    settings.CALL_DEADLINE = 5
    transports: list[HttpTransport] = []
    used: list[practice.PracticeServer] = []

    def make(vendor: str, **account: Any) -> Bed:
        if vendor not in vendors:
            vendors[vendor] = practice.start(vendor, rate_limit=None, bulk_delay=0.0)
        server = vendors[vendor]
        used.append(server)
        server.reset()
        hosts = [server.origin.removeprefix("http://"), *account.pop("hosts", [])]
        row = make_account(
            vendor,
            **{
                "base_url": server.base_url,
                "credentials": dict(server.app.credentials),
                "reference_marker": vendor == "saleshandy",
                **account,
            },
        )
        make_vendor_user(row, external_id=user_id(server), email="lead@baton.example")
        wire = HttpTransport(allowed_hosts=vendor_hosts(), extra_hosts=hosts)
        transports.append(wire)
        watched = Watched(wire)
        bed = Bed(row, server, watched)  # type: ignore[arg-type]
        watched.bed = bed
        return bed

    yield make
    for transport in transports:
        transport.close()
    for server in used:
        server.app.__dict__.pop("dispatch", None)
        server.clear_dials()
        server.set(credentials=dict(type(server.app).credentials), bulk_delay=0.0)
