"""The engine against practice vendors, over real HTTP on this machine."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tasks_app import practice
from tasks_app.models import ConnectedAccount, Prospect, ProspectLink, Push, Task
from tasks_app.services.creating import create_tasks, prepare
from tasks_app.services.planning import TaskInput
from tasks_app.services.pushing import push_account
from tasks_app.services.reconciling import reconcile_account
from tasks_app.services.sweeping import sweep
from tasks_app.services.transport import vendor_hosts
from tasks_app.vendors.transport import HttpTransport
from tasks_app.vendors.words import Priority
from tests.factories import EXTERNAL_IDS, make_account, make_user, make_vendor_user

VENDORS = ("saleshandy", "leadsquared", "reply", "ysuite")
TYPES = {"saleshandy": "13", "leadsquared": "Meeting", "reply": "2", "ysuite": "task"}


@dataclass
class Bench:
    """One account at one practice vendor, and what a test does with them."""

    account: ConnectedAccount
    server: practice.PracticeServer
    transport: HttpTransport

    def create(self, count: int, **changes: Any) -> list[Task]:
        """Create tasks for `count` new prospects through the product's own service."""
        team = self.account.team
        prospects = Prospect.objects.bulk_create(
            prospect(team, number) for number in range(count)
        )
        first = ProspectLink.objects.count() + 1
        ids = [EXTERNAL_IDS[self.account.vendor](first + n) for n in range(count)]
        ProspectLink.objects.bulk_create(
            ProspectLink(prospect=person, account=self.account, external_id=external_id)
            for person, external_id in zip(prospects, ids, strict=True)
        )
        self.server.seed(prospects=ids)
        start = timezone.now().replace(microsecond=0) + timedelta(days=1)
        values = {
            "type_code": TYPES[self.account.vendor],
            "title": "Follow up on the proposal",
            "note": "Call about the renewal",
            "priority": Priority.HIGH,
            "starts_at": None if self.account.vendor == "saleshandy" else start,
            "due_at": start + timedelta(hours=1),
            "assignee": self.account.vendor_users.first(),
            **changes,
        }
        plan = prepare(
            account=self.account, task_input=TaskInput(**values), prospects=prospects
        )
        assert not plan.errors, plan.errors
        batch = create_tasks(plan, by=make_user(team), form_token=uuid.uuid4())
        return list(batch.tasks.order_by("pk"))

    def push(self, seconds: float = 20) -> None:
        push_account(
            self.account.pk,
            transport=self.transport,
            until=timezone.now() + timedelta(seconds=seconds),
        )

    def look(self) -> int:
        """Make every look due and look."""
        Push.objects.filter(look_at__isnull=False).update(look_at=timezone.now())
        return reconcile_account(self.account.pk, transport=self.transport)

    def settle(self, rounds: int = 8) -> None:
        """Push, sweep and look until nothing moves, with all waiting times skipped."""
        for _ in range(rounds):
            ConnectedAccount.objects.update(held_until=None)
            Push.objects.filter(state=Push.State.QUEUED).update(
                not_before=timezone.now()
            )
            self.push()
            self.server.settle()
            self.look()
            if not Push.objects.exclude(state__in=Task.SETTLED).exists():
                return
        sweep()

    def states(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for state in Push.objects.values_list("state", flat=True):
            counts[state] = counts.get(state, 0) + 1
        return counts


def prospect(team: Any, number: int) -> Prospect:
    person = Prospect(
        team=team,
        first_name="Ada",
        last_name=f"Okafor {uuid.uuid4().hex[:6]}",
        email=f"ada.{number}.{uuid.uuid4().hex[:8]}@halden.example",
    )
    person.fill_derived()
    return person


@pytest.fixture
def connect(settings: Any) -> Iterator[Callable[..., Bench]]:
    """Return a function that starts a practice vendor and connects an account to it."""
    servers = []

    def make(vendor: str, **account: Any) -> Bench:
        server = practice.start(vendor, rate_limit=None, bulk_delay=0.0)
        servers.append(server)
        row = make_account(
            vendor,
            base_url=server.base_url,
            credentials=dict(server.app.credentials),
            reference_marker=account.pop("reference_marker", vendor == "saleshandy"),
            **account,
        )
        make_vendor_user(row, external_id=user_id(server), email="lead@baton.example")
        host = server.origin.removeprefix("http://")
        transport = HttpTransport(allowed_hosts=vendor_hosts(), extra_hosts=[host])
        return Bench(row, server, transport)

    yield make
    for server in servers:
        server.close()


def user_id(server: practice.PracticeServer) -> str:
    """Return the vendor's id of lead@baton.example."""
    return next(
        user.id
        for user in server.app.directory.users.values()
        if user.email == "lead@baton.example"
    )
