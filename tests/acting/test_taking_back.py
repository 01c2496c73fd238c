"""Taking back what was not sent: its work ends with it, whoever and whatever did it."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task
from tasks_app.services import actions, batches, delivery
from tasks_app.services.accounts import disconnect, erase_spent_credentials
from tasks_app.services.many import Wanted, ask_many
from tasks_app.vendors.words import Action
from tests.factories import make_account, make_batch, make_push, make_task, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return make_account("leadsquared")


@pytest.fixture
def lead(account):
    return make_user(account.team)


def waiting(account: Any, state: str = "queued", **overrides: Any) -> Task:
    task = make_task(account=account, delivery=state, **overrides)
    make_push(task=task, state=state, request_number="R1")
    return task


def one(task: Task) -> Any:
    return Task.objects.filter(pk=task.pk)


WAYS = {
    "the task's button": lambda t, by: delivery.withdraw(one(t), by=by),
    "its menu": lambda t, by: actions.ask(t, Action.CANCEL, by=by),
    "many": lambda t, by: ask_many([t.pk], "cancel", Wanted(), by=by, team=t.team),
    "its batch": lambda t, by: batches.cancel_rest(one(t), by=by),
    "its account": lambda t, by: disconnect(t.account, by),
}


@pytest.mark.parametrize("way", WAYS)
def test_whichever_way_it_is_taken_back_its_work_is_over(account, lead, way) -> None:
    task = waiting(account, batch=make_batch(account))

    WAYS[way](task, lead)

    task.refresh_from_db()
    assert (task.delivery, task.status) == ("withdrawn", "cancelled")
    assert (task.version, task.completed_at) == (2, None)


@pytest.mark.parametrize("way", ["the task's button", "its account"])
def test_what_was_done_meanwhile_stays_done_and_is_told_to_nobody(
    account, lead, way
) -> None:
    task = waiting(account)
    actions.ask(task, Action.COMPLETE, by=lead)
    task.refresh_from_db()
    done_at = task.completed_at

    WAYS[way](task, lead)

    task.refresh_from_db()
    assert done_at is not None
    assert (task.delivery, task.status) == ("withdrawn", "completed")
    assert task.completed_at == done_at
    assert (task.action_state, task.action_error) == ("", "")
    assert set(Push.objects.values_list("state", flat=True)) == {"withdrawn"}


def test_a_refused_wish_does_not_open_what_was_taken_back(account, lead) -> None:
    task = waiting(account, "failed")
    push = Push.objects.get()
    wish = make_push(
        task=task, kind="complete", state="claimed", values={"before": {"status": "open"}},
        attempt_id="0" * 32, lease_until=timezone.now(),
    )  # fmt: skip
    delivery.withdraw(one(task), by=lead)

    actions.restore(wish)

    task.refresh_from_db()
    push.refresh_from_db()
    assert (push.state, task.status) == ("withdrawn", "cancelled")


def test_what_is_late_or_unclear_stays_somebodys_work(account, lead) -> None:
    tasks = [waiting(account, state) for state in ("needs_check", "accepted")]
    tasks += [waiting(account), waiting(account, "failed")]

    batches.cancel_rest(Task.objects.all(), by=lead)

    for task in tasks:
        task.refresh_from_db()
    assert [task.status for task in tasks] == ["open", "open", "cancelled", "open"]


def test_wishes_that_never_leave_are_no_more_shown(account, lead) -> None:
    done = make_task(account=account, delivery="delivered", external_id="T1")
    moved = make_task(account=account, delivery="delivered", external_id="T2")
    before = timezone.now() + timedelta(days=1)
    Task.objects.filter(pk=moved.pk).update(starts_at=before)
    moved.refresh_from_db()
    for days in (2, 3):
        later = {"starts_at": before + timedelta(days=days)}
        actions.ask(moved, Action.RESCHEDULE, later, by=lead)
        moved.refresh_from_db()
    actions.ask(done, Action.COMPLETE, by=lead)

    disconnect(account, lead)

    done.refresh_from_db()
    moved.refresh_from_db()
    assert (done.status, done.completed_at, done.action_state) == ("open", None, "")
    assert (moved.starts_at, moved.due_sort) == (before, before)


def test_two_wishes_on_either_side_of_a_portion_are_undone_in_order(
    account, lead, monkeypatch
) -> None:
    monkeypatch.setattr(actions, "ROWS_AT_ONCE", 2)
    other = make_task(account=account, delivery="delivered", external_id="T1")
    task = make_task(account=account, delivery="delivered", external_id="T2")
    wishes = [(other, "first"), (task, "first"), (task, "second")]
    for noted, note in wishes:
        noted.refresh_from_db()
        actions.ask(noted, Action.NOTE, {"note": note}, by=lead)

    disconnect(account, lead)

    task.refresh_from_db()
    assert task.note == ""


def test_a_wish_is_withdrawn_and_put_back_or_neither(
    account, lead, monkeypatch
) -> None:
    task = make_task(account=account, delivery="delivered", external_id="T1")
    disconnect(account, lead)
    ConnectedAccount.objects.update(credentials="kept")
    values = {"before": {"status": "open", "completed_at": None}}
    push = make_push(task=task, kind="complete", state="queued", values=values)
    Task.objects.filter(pk=task.pk).update(status="completed")
    restore_many = actions.restore_many

    def break_down(pushes: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(actions, "restore_many", break_down)
    with pytest.raises(RuntimeError):
        erase_spent_credentials()
    push.refresh_from_db()
    assert push.state == "queued"

    monkeypatch.setattr(actions, "restore_many", restore_many)
    erase_spent_credentials()
    push.refresh_from_db()
    task.refresh_from_db()
    assert (push.state, task.status) == ("withdrawn", "open")


def test_old_rows_are_cancelled_by_the_migration(account) -> None:
    zombie = waiting(account, "withdrawn")
    working = waiting(account, "withdrawn", status="in_progress")
    done = waiting(account, "withdrawn", status="completed")
    queued = waiting(account)
    name = "tasks_app.migrations.0022_end_withdrawn_work"

    importlib.import_module(name).end(apps, None)

    for task in (zombie, working, done, queued):
        task.refresh_from_db()
    assert [t.status for t in (zombie, working, done, queued)] == [
        "cancelled", "cancelled", "completed", "open",
    ]  # fmt: skip
    assert (zombie.version, queued.version) == (2, 1)
