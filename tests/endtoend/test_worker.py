"""From a batch in the database to tasks at the vendors, through a real worker."""

from __future__ import annotations

import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable

import pytest

from tasks_app.models import Batch, Exchange, Task
from tasks_app.practice import PracticeServer
from tasks_app.services.creating import create_tasks, prepare
from tasks_app.services.syncing import request_sync
from tests.creating.inputs import input_for, linked_prospects
from tests.factories import make_account, make_team, make_vendor_user
from tests.house.test_supervising import wait_until

from .conftest import Worker

pytestmark = [pytest.mark.worker, pytest.mark.xdist_group("processes")]

Vendors = dict[str, PracticeServer]
StartWorker = Callable[[], Worker]
UNSETTLED = [
    Task.Delivery.QUEUED,
    Task.Delivery.CLAIMED,
    Task.Delivery.SENDING,
    Task.Delivery.ACCEPTED,
    Task.Delivery.NEEDS_CHECK,
]


def make_batch(server: PracticeServer, number: int) -> Batch:
    """Return a batch of tasks that wait to be sent to this practice vendor."""
    account = make_account(
        server.app.slug,
        team=make_team(),
        base_url=server.base_url,
        credentials=server.app.settings.credentials,
        rates=[],
    )
    prospects = linked_prospects(account, number)
    known = server.app.directory.owner
    holder = make_vendor_user(account, external_id=known.id, email=known.email)
    plan = prepare(
        account=account,
        task_input=input_for(account, assignee=holder),
        prospects=prospects,
    )
    assert plan.errors == []
    return create_tasks(plan, by=None, form_token=uuid.uuid4())


def wait_until_settled(*batches: Batch, seconds: float) -> None:
    """Wait until each task has arrived or failed; else say which ones hang and why."""
    tasks = Task.objects.filter(batch__in=batches, delivery__in=UNSETTLED)
    end = time.monotonic() + seconds
    while tasks.exists():
        if time.monotonic() > end:
            columns = ("account__vendor", "delivery", "delivery_error")
            pytest.fail(f"Not settled: {Counter(tasks.values_list(*columns))}")
        time.sleep(0.2)


def deliveries(batch: Batch) -> Counter[str]:
    return Counter(batch.tasks.values_list("delivery", flat=True))


def created_at(server: PracticeServer) -> Counter[str]:
    """Return how many tasks each prospect has got at this vendor."""
    return Counter(line["prospect"] for line in server.ledger("create"))


def test_a_worker_delivers_to_all_four_vendors_and_reads_back(vendors, start_worker):
    worker = start_worker()

    batches = {slug: make_batch(server, 24) for slug, server in vendors.items()}
    wait_until_settled(*batches.values(), seconds=90)

    for slug, batch in batches.items():
        assert deliveries(batch) == {Task.Delivery.DELIVERED: 24}, slug
        assert not batch.tasks.filter(external_id="").exists()
        assert set(created_at(vendors[slug]).values()) == {1}, slug
        assert len(created_at(vendors[slug])) == 24
        assert vendors[slug].state()["refused"] == 0

    done = batches["reply"].tasks.order_by("pk").first()
    vendors["reply"].act("complete", [done.external_id])
    run = request_sync(batches["reply"].account)
    wait_until(lambda: type(run).objects.get(pk=run.pk).ended_at is not None, 60)

    done.refresh_from_db()
    assert done.status == Task.Status.COMPLETED
    assert done.vendor_status
    assert "Traceback" not in worker.output.read_text()


def test_a_killed_worker_loses_nothing_and_sends_nothing_twice(vendors, start_worker):
    """Killed while calls are under way; another one takes over after the leases."""
    server = vendors["ysuite"]
    server.dial("slow", seconds=0.5)
    worker = start_worker()
    batch = make_batch(server, 12)
    wait_until(lambda: Exchange.objects.filter(purpose="create").count() >= 3, 30)

    worker.stop(signal.SIGKILL)
    start_worker()
    wait_until_settled(batch, seconds=60)

    assert deliveries(batch) == {Task.Delivery.DELIVERED: 12}
    assert set(created_at(server).values()) == {1}
    assert len(created_at(server)) == 12
