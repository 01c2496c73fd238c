"""A worker that cannot be rung, or hears nothing, works all the same (F12, F13, F15)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from tasks_app.jobs import pulse
from tasks_app.jobs.push import push_account_job
from tasks_app.models import Push
from tests.factories import make_account, make_push, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What the worker runs by itself, without doing it."""
    seen: list[tuple[str, int]] = []
    monkeypatch.setattr(
        pulse.alone, "start", lambda job, number: seen.append((job.name, number))
    )
    return seen


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the worker sends to the broker, which takes it."""
    seen: list[Any] = []
    monkeypatch.setattr(
        push_account_job, "apply_async", lambda args, **options: seen.append(args)
    )
    return seen


def test_a_worker_that_hears_leaves_the_work_to_messages(started, rung):
    push = make_push()
    pulse.hearing.note()

    pulse.ring_for_due_work()

    assert rung == [(push.account_id,)]
    assert started == []


def test_a_broker_that_is_away_is_asked_once_and_the_work_begins(started, monkeypatch):
    pushes = [make_push(task=make_task(account=make_account())) for _ in range(3)]
    asked = []

    def away(args: Any, **options: Any) -> None:
        asked.append(args)
        raise OperationalError("gone")

    monkeypatch.setattr(push_account_job, "apply_async", away)
    pulse.hearing.note()

    pulse.ring_for_due_work()

    assert len(asked) == 1
    assert sorted(number for _, number in started) == sorted(
        push.account_id for push in pushes
    )


def test_a_worker_that_has_heard_nothing_for_long_works_by_itself(
    started, rung, monkeypatch
):
    push = make_push()
    pulse.hearing.note()
    monkeypatch.setattr(pulse, "DEAF_AFTER", -1)

    pulse.ring_for_due_work()

    assert rung == [(push.account_id,)]  # it still rings: another one may hear
    assert started == [(push_account_job.name, push.account_id)]


def test_where_nothing_is_due_there_is_nothing_to_hear(started, monkeypatch):
    make_push(state=Push.State.WITHDRAWN)
    monkeypatch.setattr(pulse.hearing, "heard", -1e9)

    pulse.ring_for_due_work()
    make_push()

    assert not pulse.hearing.is_deaf()
    assert started == []


def test_alone_a_job_runs_once_at_a_time_and_only_a_few_at_all():
    alone = pulse.Alone(most=2)
    go, begun = threading.Event(), threading.Semaphore(0)

    class Job:
        name = "job"

        @staticmethod
        def run(number: int) -> None:
            begun.release()
            assert go.wait(20)
            raise ValueError("It does not matter how it ends.")

    assert alone.start(Job, 1)
    assert not alone.start(Job, 1)
    assert alone.start(Job, 2)
    assert not alone.start(Job, 3)
    assert begun.acquire(timeout=20)
    assert begun.acquire(timeout=20)
    go.set()
    for thread in threading.enumerate():
        if thread.name.startswith("alone"):
            thread.join(20)

    assert alone.running == set()
    assert alone.start(Job, 1)
