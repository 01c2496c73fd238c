"""Messages are doorbells: doubled, lost or never sent, the same calls are made."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from tasks_app.jobs.push import push_account_job, reconcile_job
from tasks_app.jobs.sweep import sweep_job
from tasks_app.jobs.sync import sync_job
from tasks_app.models import ConnectedAccount, Exchange, Heartbeat, SyncRun, Task
from tasks_app.services.transport import default_transport
from tests.faults.conftest import is_create
from tests.house.test_supervising import wait_until

from .conftest import ROOT, Redis
from .test_worker import created_at, deliveries, make_batch, wait_until_settled

pytestmark = [pytest.mark.worker, pytest.mark.xdist_group("processes")]

#: Tasks for each vendor, and how many creating calls these take at the least.
SIZES = {
    "saleshandy": (60, 3),
    "leadsquared": (100, 2),
    "reply": (8, 8),
    "ysuite": (8, 8),
}


def creating_calls(server) -> int:
    slug = server.app.slug
    calls = server.calls()
    return sum(is_create(slug, call["method"], call["path"]) for call in calls)


def ring_often(account_ids: list[int], times: int) -> None:
    """Deliver every message so many times, to the worker or, where there is no broker,
    to as many threads here, which work beside it."""

    def ring() -> None:
        try:
            for account_id in account_ids:
                for job in (push_account_job, reconcile_job, sync_job):
                    if settings.HAS_BROKER:
                        job.delay(account_id)
                    else:
                        job.run(account_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ring) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def here(vendors, settings) -> Iterator[None]:
    """Lets this process call the practice vendors, too."""
    hosts = [server.origin.removeprefix("http://") for server in vendors.values()]
    settings.EXTRA_VENDOR_HOSTS = hosts
    default_transport.cache_clear()
    yield
    default_transport.cache_clear()


def test_every_message_ten_times_makes_the_same_calls_as_once(
    vendors, start_worker, here
):
    start_worker()
    for server in vendors.values():
        server.set(rate_limit=None)

    batches = {slug: make_batch(vendors[slug], n) for slug, (n, _) in SIZES.items()}
    ConnectedAccount.objects.update(rates=[[1000, 1]])
    ids = list(ConnectedAccount.objects.values_list("pk", flat=True))
    ring_often(ids, 10)
    wait_until_settled(*batches.values(), seconds=90)
    ring_often(ids, 10)

    for slug, (number, calls) in SIZES.items():
        assert deliveries(batches[slug]) == {Task.Delivery.DELIVERED: number}, slug
        assert set(created_at(vendors[slug]).values()) == {1}, slug
        assert creating_calls(vendors[slug]) == calls, slug


# -- a broker that is emptied, killed, or away from the start --------------------------


def slow_batch(vendors, number: int):
    """Return YSuite with a batch that takes a few seconds, and the batch."""
    server = vendors["ysuite"]
    server.set(rate_limit=None)
    server.dial("slow", seconds=0.25)
    batch = make_batch(server, number)
    ConnectedAccount.objects.update(rates=[[1000, 1]])
    return server, batch


def wait_for_calls(number: int) -> None:
    creates = Exchange.objects.filter(purpose="create")
    wait_until(lambda: creates.count() >= number, 40)


def check_all_arrived(server, batch, number: int) -> None:
    wait_until_settled(batch, seconds=60)
    assert deliveries(batch) == {Task.Delivery.DELIVERED: number}
    assert set(created_at(server).values()) == {1}
    assert len(created_at(server)) == number


def test_an_emptied_broker_loses_nothing(vendors, start_worker, own_redis: Redis):
    start_worker(CELERY_BROKER_URL=own_redis.url)
    server, batch = slow_batch(vendors, 40)

    for calls in (3, 9, 15, 21, 27):
        wait_for_calls(calls)
        own_redis.client().flushall()

    check_all_arrived(server, batch, 40)


def test_without_the_broker_work_goes_on_and_with_it_again(
    vendors, start_worker, own_redis: Redis
):
    worker = start_worker(CELERY_BROKER_URL=own_redis.url)
    server, batch = slow_batch(vendors, 30)
    wait_for_calls(3)

    own_redis.kill()
    check_all_arrived(server, batch, 30)
    _, born_without = slow_batch(vendors, 6)
    wait_until_settled(born_without, seconds=60)
    assert not own_redis.answers()
    own_redis.start()
    _, after = slow_batch(vendors, 6)
    wait_until_settled(after, seconds=60)

    for later in (born_without, after):
        assert deliveries(later) == {Task.Delivery.DELIVERED: 6}
    assert creating_calls(server) == 42
    assert worker.process.poll() is None


def test_a_doorbell_that_is_dead_fails_nothing(
    transactional_db, vendors, settings, monkeypatch
):
    """F12: the page that saves a batch does not notice."""
    settings.HAS_BROKER = True

    def dead(*args: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(push_account_job, "delay", dead)
    _, batch = slow_batch(vendors, 2)

    assert deliveries(batch) == {Task.Delivery.QUEUED: 2}


# -- many schedulers -------------------------------------------------------------------


@pytest.fixture
def ten_schedulers(start_worker, tmp_path) -> Iterator[None]:
    worker = start_worker(SYNC_EVERY="3", SWEEP_EVERY="1")
    output = tmp_path / "schedulers.txt"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.endtoend.schedulers", "10"],
        cwd=ROOT,
        env=worker.env,
        stdin=subprocess.DEVNULL,
        stdout=output.open("w"),
        stderr=subprocess.STDOUT,
    )
    wait_until(lambda: "ready." in output.read_text(), 40)
    yield
    process.kill()
    process.wait()
    assert "Traceback" not in output.read_text()


def test_ten_schedulers_make_one_run_for_each_window(vendors, ten_schedulers):
    server = vendors["reply"]
    batch = make_batch(server, 3)
    ConnectedAccount.objects.update(rates=[[1000, 1]])
    wait_until_settled(batch, seconds=60)

    beats = Heartbeat.objects.filter(role=Heartbeat.Role.SCHEDULER)
    wait_until(lambda: beats.count() >= 10, 40)
    done = SyncRun.objects.filter(state=SyncRun.State.DONE)
    wait_until(lambda: done.count() >= 3, 60)

    runs = list(SyncRun.objects.values_list("window", flat=True))
    assert max(Counter(runs).values()) == 1
    first = min(int(window.rsplit("-", 1)[1]) for window in runs)
    now = int(timezone.now().timestamp() // 3)
    assert len(runs) <= now - first + 1
    assert set(created_at(server).values()) == {1}
    assert deliveries(batch) == {Task.Delivery.DELIVERED: 3}
    # Each reading was made by one process, which counted all of its calls.
    made = Exchange.objects.filter(purpose="sync").count()
    assert 0 < made <= sum(SyncRun.objects.values_list("calls", flat=True))


def test_ten_sweeps_of_one_message_do_no_harm(vendors, start_worker):
    start_worker()
    server, batch = slow_batch(vendors, 6)

    for _ in range(10):
        sweep_job.apply()

    check_all_arrived(server, batch, 6)
