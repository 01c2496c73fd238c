"""A paused batch: nothing more of it leaves, whoever is at work on the queue."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import NEVER, Batch, Push, Task, TaskEvent
from tasks_app.services import (
    account_health,
    delivery,
    foreground,
    pausing,
    queueing,
    states,
    sweeping,
)
from tasks_app.services.pushing import push_account
from tasks_app.vendors.calls import VendorResponse
from tests.factories import make_account, make_batch, make_push, make_task, make_user

pytestmark = pytest.mark.django_db(transaction=True)
State = Push.State
LEASE = timedelta(seconds=60)


class Held:
    """A batch of tasks at YSuite, which takes one with each call, and its lead."""

    def __init__(self, number: int) -> None:
        self.account = make_account("ysuite")
        self.batch = make_batch(self.account, title="Q3 renewal check-in")
        self.lead = make_user(self.account.team)
        self.pushes = [self.add() for _ in range(number)]

    def add(self, batch: Batch | None = None, state: str = "queued", **push) -> Push:
        values = {"external_id": f"{Push.objects.count()}"} if "deliv" in state else {}
        task = make_task(
            account=self.account,
            batch=batch or self.batch,
            starts_at=timezone.now(),
            delivery=state,
            **values,
        )
        return make_push(task=task, state=state, **values, **push)

    def pause(self) -> int | None:
        return pausing.pause(self.batch, by=self.lead)

    def resume(self) -> int | None:
        return pausing.resume(self.batch, by=self.lead)

    def push(self, transport) -> bool:
        until = timezone.now() + timedelta(seconds=5)
        return push_account(self.account.pk, transport=transport, until=until)

    def states(self) -> list[str]:
        rows = Push.objects.filter(task__batch=self.batch).order_by("pk")
        return list(rows.values_list("state", flat=True))

    def claim(self, limit: int = 10):
        return states.claim(self.account.pk, limit=limit, lease=LEASE)


def created(number: int) -> VendorResponse:
    return VendorResponse(
        200, body={"success": True, "message": "ok", "data": {"activity_id": number}}
    )


def test_nothing_of_a_paused_batch_goes_out_and_others_do(fake_transport):
    held = Held(3)
    other = held.add(make_batch(held.account, title="Another"))
    fake_transport.responses = [created(15)]

    number = held.pause()
    waiting = held.push(fake_transport)

    assert number == 3
    assert not waiting
    assert len(fake_transport.requests) == 1
    assert held.states() == [State.QUEUED] * 3
    other.refresh_from_db()
    assert other.state == State.DELIVERED


def test_all_of_it_goes_out_when_it_is_resumed(fake_transport):
    held = Held(2)
    fake_transport.responses = [created(15), created(16)]
    held.pause()

    assert held.resume() == 2
    held.push(fake_transport)

    assert held.states() == [State.DELIVERED] * 2
    assert not Push.objects.filter(paused=True).exists()


def test_what_is_claimed_and_not_sent_is_held(fake_transport):
    """The pause comes between the claim and the first byte."""
    held = Held(2)

    class Pausing:
        def send(self, *args, **kwargs):
            raise AssertionError("It was sent.")

    attempt, ids = held.claim()
    held.pause()

    assert states.start_sending(ids, attempt=attempt, lease=LEASE) == []
    states.change(
        [states.Change(pk, State.QUEUED) for pk in ids],
        sources=[State.CLAIMED],
        attempt=attempt,
    )
    assert held.states() == [State.QUEUED] * 2
    assert not held.push(Pausing())


def test_a_pause_during_a_call_stops_the_rest_of_the_claim(fake_transport):
    """Ten are claimed at once: one call is under way, the other nine go back."""
    held = Held(10)

    def answer(request):
        assert held.pause() == 9
        return created(15)

    fake_transport.default = answer

    held.push(fake_transport)

    assert len(fake_transport.requests) == 1
    assert sorted(held.states()) == [State.DELIVERED] + [State.QUEUED] * 9
    assert set(Task.objects.values_list("delivery", flat=True)) == {
        "delivered",
        "queued",
    }


def test_what_was_being_sent_is_recorded_and_what_comes_back_waits(fake_transport):
    held = Held(1)

    def busy(request):
        held.pause()
        return VendorResponse(429, headers={})

    fake_transport.responses = [busy]

    held.push(fake_transport)
    Push.objects.update(not_before=timezone.now())
    type(held.account).objects.update(held_until=None)
    held.push(fake_transport)

    assert len(fake_transport.requests) == 1
    assert held.states() == [State.QUEUED]


@pytest.mark.parametrize("state", ["failed", "needs_check"])
def test_what_comes_back_to_the_queue_later_waits_too(fake_transport, state):
    held = Held(0)
    push = held.add(state=state)
    held.pause()

    if state == "failed":
        tasks = Task.objects.filter(batch=held.batch)
        assert delivery.retry_failed(tasks, by=held.lead) == 1
    else:
        delivery.settle_by_person(push, "again", by=held.lead)

    assert held.states() == [State.QUEUED]
    assert not held.push(fake_transport)
    assert fake_transport.requests == []


def test_a_claim_never_takes_what_was_paused_before_it_began():
    """Four processes claim without a break while somebody pauses and resumes."""
    held = Held(60)
    over, wrong = threading.Event(), []
    paused = threading.Event()

    def work() -> None:
        try:
            while not over.is_set():
                before = paused.is_set()
                attempt, ids = held.claim(limit=2)
                if not ids:
                    continue
                if before and paused.is_set():
                    wrong.append(ids)
                before = paused.is_set()
                sent = states.start_sending(ids, attempt=attempt, lease=LEASE)
                if sent and before and paused.is_set():
                    wrong.append(sent)
                back = [states.Change(pk, State.QUEUED) for pk in ids]
                sources = [State.CLAIMED, State.SENDING]
                states.change(back, sources=sources, attempt=attempt, events=False)
        except BaseException as error:
            wrong.append(error)
            raise
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(6):
            assert held.pause() is not None
            paused.set()
            assert not over.wait(0.05)
            paused.clear()
            assert held.resume() is not None
    finally:
        over.set()
        for thread in threads:
            thread.join(30)

    assert wrong == []
    assert held.states() == [State.QUEUED] * 60


def test_a_second_press_changes_nothing_and_keeps_who_was_first():
    held = Held(1)
    later = make_user(held.account.team)
    held.pause()

    assert pausing.pause(held.batch, by=later) is None

    held.batch.refresh_from_db()
    assert held.batch.paused_by == held.lead
    assert held.resume() == 1
    assert held.resume() is None


def test_the_history_of_each_task_that_waited_names_who_paused_and_resumed():
    held = Held(1)
    there = held.add(state="delivered")
    held.pause()
    held.resume()

    events = TaskEvent.objects.filter(kind__in=["paused", "resumed"])

    assert list(events.values_list("task", "kind", "actor", "source")) == [
        (held.pushes[0].task_id, "paused", held.lead.pk, "person"),
        (held.pushes[0].task_id, "resumed", held.lead.pk, "person"),
    ]
    there.refresh_from_db()
    assert not there.paused


def test_no_worker_is_rung_for_a_paused_batch_and_nobody_counts_it_as_going_out():
    held = Held(2)
    now = timezone.now() + timedelta(seconds=1)
    assert sweeping.work_of(now)["push"] == [held.account.pk]

    held.pause()

    assert sweeping.work_of(now)["push"] == []
    assert queueing.queue_length(held.account) == 0
    accounts = type(held.account).objects.all()
    health = account_health.healths(accounts, held.account.team)[0]
    assert (health.queued, health.paused) == (0, 2)


def test_the_push_command_ends_and_says_why_some_wait(fake_transport):
    held = Held(1)
    held.pause()

    outcome = foreground.push_accounts(
        [held.account], transport=fake_transport, until_empty=True, timeout=5
    )[0]

    assert outcome.waiting == 1
    assert outcome.trouble == "has tasks of a paused batch"


def test_an_action_behind_a_paused_create_keeps_nobody_busy(fake_transport):
    held = Held(1)
    held.pause()
    make_push(task=held.pushes[0].task, kind="note", state="queued")

    began = time.monotonic()
    foreground.push_accounts(
        [held.account], transport=fake_transport, until_empty=True, timeout=20
    )

    assert time.monotonic() - began < 20  # it ended by itself
    assert sweeping.work_of(timezone.now())["push"] == []
    held.resume()
    assert sweeping.work_of(timezone.now())["push"] == [held.account.pk]


def test_what_became_due_during_a_pause_is_asked_about_not_sent_late(fake_transport):
    held = Held(2)
    soon = held.pushes[0].created_at + timedelta(minutes=1)
    Task.objects.filter(pk=held.pushes[0].task_id).update(due_sort=soon)
    Task.objects.filter(pk=held.pushes[1].task_id).update(due_sort=NEVER)
    fake_transport.responses = [created(15)]
    held.pause()

    with time_machine.travel(soon + timedelta(minutes=1)):
        assert held.resume() == 1
        held.push(fake_transport)

    assert held.states() == [State.FAILED, State.DELIVERED]
    assert "Its due time passed" in Task.objects.get(due_sort=soon).delivery_error


def test_patience_ends_no_task_that_a_pause_held():
    held = Held(1)
    long_ago = timezone.now() - timedelta(days=3)
    Push.objects.update(created_at=long_ago, tries=2)
    Task.objects.update(due_sort=NEVER)
    held.pause()

    sweeping.give_up(timezone.now())
    assert held.states() == [State.QUEUED]

    held.resume()
    sweeping.give_up(timezone.now())
    assert held.states() == [State.QUEUED]


def test_a_claim_passes_over_a_large_paused_batch_by_an_index():
    held = Held(1)
    tasks = Task.objects.bulk_create(
        Task(
            team=held.account.team,
            account=held.account,
            batch=held.batch,
            type_id=held.pushes[0].task.type_id,
            channel="todo",
            title=str(number),
        )
        for number in range(3000)
    )
    Push.objects.bulk_create(Push(account=held.account, task=task) for task in tasks)
    held.pause()
    other = held.add(make_batch(held.account))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    with CaptureQueriesContext(connection) as captured:
        _, ids = held.claim()

    assert ids == [other.pk]
    sql = next(q["sql"] for q in captured.captured_queries if "WITH due" in q["sql"])
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        cursor.execute(explain + sql)
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert re.search(r"USING INDEX push_queue|using push_(queue|due) on", plan), plan
