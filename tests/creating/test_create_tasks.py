"""Saving a plan: all of it or nothing, once for each form, and ready to be sent."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection, transaction

from tasks_app.models import Batch, Push, Task, TaskEvent
from tasks_app.services import creating
from tasks_app.services.creating import NothingToCreate, create_tasks, prepare
from tasks_app.services.drafting import drafts_for
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.words import Priority
from tests.creating.inputs import input_for, linked_prospects
from tests.factories import make_account, make_prospect, make_user

pytestmark = pytest.mark.django_db


def plan_for(account, number=3, prospects=None, **overrides):
    prospects = linked_prospects(account, number) if prospects is None else prospects
    task_input = input_for(account, **overrides)
    return prepare(account=account, task_input=task_input, prospects=prospects)


def test_a_plan_with_errors_saves_nothing() -> None:
    account = make_account("reply")
    plan = plan_for(account, note="")

    with pytest.raises(NothingToCreate):
        create_tasks(plan, by=make_user(account.team), form_token=uuid.uuid4())

    assert not Batch.objects.exists()


def test_a_plan_without_anybody_saves_nothing() -> None:
    account = make_account("saleshandy")
    plan = plan_for(account, prospects=[make_prospect(account.team)])

    with pytest.raises(NothingToCreate):
        create_tasks(plan, by=make_user(account.team), form_token=uuid.uuid4())

    assert not Batch.objects.exists()


def test_everything_or_nothing_is_saved(monkeypatch) -> None:
    account = make_account("saleshandy")
    plan = plan_for(account)

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the machine stops")

    monkeypatch.setattr(TaskEvent.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        create_tasks(plan, by=make_user(account.team), form_token=uuid.uuid4())

    assert not Batch.objects.exists()
    assert not Task.objects.exists()
    assert not Push.objects.exists()


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_rows_rebuild_the_drafts_that_were_shown(vendor) -> None:
    account = make_account(vendor, reference_marker=True)
    plan = plan_for(account, number=12, note="Ask {{firstName}} about the audit.")

    batch = create_tasks(plan, by=make_user(account.team), form_token=uuid.uuid4())

    pushes = list(Push.objects.filter(task__batch=batch).select_related("task"))
    drafts = drafts_for(pushes)
    planned = {int(item.draft.ref): item for item in plan.items}
    assert len(pushes) == 12
    for push in pushes:
        item = planned[push.task.prospect_id]
        again = drafts[push.pk]
        assert again == creating_again(item.draft, push)
        assert push.group_key == item.group_key
        assert len(push.group_key) <= 64
        assert plan.adapter.create_request([again]).json == (
            plan.adapter.create_request([item.draft]).json
        )


def creating_again(draft, push):
    from dataclasses import replace

    return replace(draft, ref=str(push.pk))


def test_tasks_wait_in_the_queue_with_their_history() -> None:
    account = make_account("saleshandy")
    lead = make_user(account.team)

    batch = create_tasks(plan_for(account), by=lead, form_token=uuid.uuid4())

    tasks = list(batch.tasks.all())
    assert {task.delivery for task in tasks} == {"queued"}
    assert {task.created_by for task in tasks} == {lead}
    assert {task.channel for task in tasks} == {"call"}
    assert all(task.due_sort.year == 2030 for task in tasks)
    assert all("halden" in task.search_text for task in tasks)
    events = TaskEvent.objects.filter(task__in=tasks)
    assert {(e.kind, e.source, e.actor) for e in events} == {
        ("created", "person", lead)
    }
    assert (
        Push.objects.filter(task__in=tasks, kind="create", state="queued").count() == 3
    )


def test_left_outs_are_kept_with_the_batch() -> None:
    account = make_account("saleshandy")
    unlinked = make_prospect(account.team, first_name="Ravi", last_name="D")
    prospects = [unlinked, *linked_prospects(account, 2)]

    batch = create_tasks(
        plan_for(account, prospects=prospects), by=None, form_token=uuid.uuid4()
    )

    assert batch.tasks.count() == 2
    assert batch.left_out[0]["name"] == "Ravi D"
    assert "no Saleshandy id" in batch.left_out[0]["reason"]


@pytest.mark.parametrize(
    ("number", "priority", "lane"),
    [
        (1, Priority.NONE, Push.Lane.URGENT),
        (2, Priority.NONE, Push.Lane.NORMAL),
        (2, Priority.URGENT, Push.Lane.URGENT),
    ],
)
def test_single_and_urgent_tasks_pass_the_others(number, priority, lane) -> None:
    account = make_account("saleshandy")
    plan = plan_for(account, number=number, priority=priority)

    create_tasks(plan, by=None, form_token=uuid.uuid4())

    assert {push.lane for push in Push.objects.all()} == {lane}


def test_batches_that_are_alike_never_share_a_call() -> None:
    account = make_account("saleshandy")
    prospects = linked_prospects(account, 2)

    for _ in range(2):
        plan = plan_for(account, prospects=prospects)
        create_tasks(plan, by=None, form_token=uuid.uuid4())

    keys = set(Push.objects.values_list("group_key", "task__batch"))
    assert len(keys) == 2
    assert len({key for key, _ in keys}) == 2


def test_the_same_form_sent_twice_makes_one_batch() -> None:
    account = make_account("saleshandy")
    prospects = linked_prospects(account, 2)
    token = uuid.uuid4()

    first = create_tasks(
        plan_for(account, prospects=prospects), by=None, form_token=token
    )
    second = create_tasks(
        plan_for(account, prospects=prospects), by=None, form_token=token
    )

    assert first == second
    assert Task.objects.count() == 2


def test_a_form_token_of_another_team_is_no_way_in() -> None:
    theirs = make_account("saleshandy")
    token = uuid.uuid4()
    create_tasks(plan_for(theirs), by=None, form_token=token)
    ours = make_account("saleshandy")

    with pytest.raises(Exception, match=r"(?i)unique"), transaction.atomic():
        create_tasks(plan_for(ours), by=None, form_token=token)

    assert Batch.objects.count() == 1


def test_the_doorbell_rings_when_the_batch_is_saved(
    monkeypatch, django_capture_on_commit_callbacks
) -> None:
    rung: list[int] = []
    monkeypatch.setattr("tasks_app.services.doorbell.ring_now", rung.append)
    account = make_account("saleshandy")
    plan = plan_for(account)

    with django_capture_on_commit_callbacks(execute=True):
        create_tasks(plan, by=None, form_token=uuid.uuid4())
        assert rung == []

    assert rung == [account.pk]


def test_a_thousand_prospects_take_a_bounded_number_of_queries(
    django_assert_max_num_queries,
) -> None:
    account = make_account("saleshandy")
    plan = plan_for(account, number=1000)

    with django_assert_max_num_queries(90):
        batch = create_tasks(plan, by=None, form_token=uuid.uuid4())

    assert batch.tasks.count() == 1000


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_make_one_batch(monkeypatch) -> None:
    account = make_account("saleshandy")
    plan = plan_for(account)
    token = uuid.uuid4()
    both = threading.Barrier(2)
    unseen = creating.batch_of
    seen_first: set[int] = set()

    def look(*args):
        found = unseen(*args)
        if threading.get_ident() not in seen_first:
            seen_first.add(threading.get_ident())
            both.wait(timeout=10)  # both have looked before either saves
        return found

    monkeypatch.setattr(creating, "batch_of", look)
    made: list[object] = []

    def click() -> None:
        try:
            made.append(create_tasks(plan, by=None, form_token=token).pk)
        except Exception as error:
            made.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 1
    assert Batch.objects.get().pk == made[0]
    assert Task.objects.count() == 3
