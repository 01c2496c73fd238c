"""The main job at every vendor: created, delivered, unclear answers settled, read back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task
from tasks_app.services.syncing import request_sync, sync_account
from tasks_app.vendors.words import Priority

from .conftest import VENDORS

pytestmark = pytest.mark.django_db(transaction=True)
State = Push.State


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_task_arrives_once_with_its_id(connect, vendor):
    bench = connect(vendor)

    tasks = bench.create(23)
    bench.settle()

    assert bench.states() == {State.DELIVERED: 23}
    at_vendor = {str(task["id"]) for task in bench.server.tasks()}
    assert {t.external_id for t in Task.objects.all()} == at_vendor
    assert len(tasks) == len(bench.server.ledger()) == 23


@pytest.mark.parametrize(
    "fault", ["lost_answer", "truncated", "html", "empty", "garbage"]
)
@pytest.mark.parametrize("vendor", VENDORS)
def test_an_unclear_answer_is_looked_up_and_never_sent_again(connect, vendor, fault):
    bench = connect(vendor)
    bench.create(3)
    bench.server.dial(fault, next=1, method="POST")

    bench.push()
    unclear = bench.states().get(State.NEEDS_CHECK, 0)
    bench.server.clear_dials()
    bench.settle()

    assert unclear >= 1
    assert bench.states() == {State.DELIVERED: 3}
    assert len(bench.server.ledger()) == 3


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_create_that_never_arrived_is_sent_again_after_two_looks(connect, vendor):
    bench = connect(vendor)
    bench.create(2)
    bench.server.dial("reset", next=2, method="POST")

    bench.push()
    bench.server.clear_dials()
    bench.look()
    after_one = len(bench.server.ledger())
    bench.settle()

    assert after_one <= 1
    assert bench.states() == {State.DELIVERED: 2}
    assert len(bench.server.ledger()) == 2


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_wrong_key_stops_the_queue_until_a_new_one_comes(connect, vendor):
    bench = connect(vendor)
    bench.create(3)
    good = bench.account.credentials
    ConnectedAccount.objects.filter(pk=bench.account.pk).update(
        credentials=dict.fromkeys(good, "wrong-key-000")
    )

    bench.push()
    bench.account.refresh_from_db()

    assert bench.account.state == ConnectedAccount.State.NEEDS_NEW_KEY
    assert bench.states() == {State.QUEUED: 3}
    assert bench.server.ledger() == []

    ConnectedAccount.objects.filter(pk=bench.account.pk).update(
        credentials=good, state="connected", credentials_version=2
    )
    bench.settle()
    assert bench.states() == {State.DELIVERED: 3}


@pytest.mark.parametrize(
    ("vendor", "act", "status"),
    [
        ("saleshandy", "complete", "completed"),
        ("saleshandy", "skip", "skipped"),
        ("saleshandy", "delete", "removed"),
        ("leadsquared", "complete", "completed"),
        ("leadsquared", "delete", "removed"),
        ("reply", "complete", "completed"),
        ("reply", "cancel", "cancelled"),
        ("reply", "delete", "removed"),
        ("ysuite", "complete", "completed"),
        ("ysuite", "cancel", "cancelled"),
        ("ysuite", "delete", "removed"),
    ],
)
def test_what_happens_at_the_vendor_shows(connect, vendor, act, status):
    bench = connect(vendor)
    tasks = bench.create(4)
    bench.settle()
    task = Task.objects.get(pk=tasks[0].pk)
    bench.server.act(act, [task.external_id])
    before = timezone.now()

    request_sync(bench.account)
    run = sync_account(bench.account.pk, transport=bench.transport)

    task.refresh_from_db()
    bench.account.refresh_from_db()
    assert run is not None
    assert run.error == ""
    assert task.status == status
    assert task.vendor_status
    assert task.as_of >= before
    assert bench.account.synced_at >= before
    others = Task.objects.exclude(pk=task.pk)
    assert {other.status for other in others} == {"open"}
    assert all(other.as_of >= before for other in others)


def test_a_task_that_was_changed_in_the_queue_goes_out_alone(connect):
    bench = connect("saleshandy")
    tasks = bench.create(3)
    assert len(set(Push.objects.values_list("group_key", flat=True))) == 1
    Task.objects.filter(pk=tasks[0].pk).update(priority=Priority.URGENT)

    bench.push()

    assert bench.states() == {"delivered": 3}
    creates = [c for c in bench.server.calls() if c["path"].endswith("/tasks/create")]
    assert len(creates) == 2
