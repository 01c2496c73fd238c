"""What a webhook leads to: reading at the vendor, and nothing it says itself."""

from __future__ import annotations

import itertools
import json
import random
from datetime import timedelta

import pytest
from django.utils import timezone

from tasks_app.models import Push, SyncRun, Task, TaskEvent, WebhookEvent
from tasks_app.services import hooks, sweeping
from tasks_app.services.hook_contents import DEEPEST, hint_of
from tasks_app.services.pushing import push_account
from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.errors import (
    CredentialsRejected,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from tests.factories import EXTERNAL_IDS, make_account, make_push, make_task
from tests.hooks.conftest import delivered, post, process, shows

pytestmark = pytest.mark.django_db

GONE = VendorResponse(404, body={"message": "The requested task could not be found"})


def told(task: Task, **values: object) -> None:
    """Saleshandy posts about this task."""
    body = {"event": "task-updated", "task": {"taskId": task.external_id, **values}}
    assert post(task.account, body).status_code == 200


def forget_when_read() -> None:
    """Let the pause between two readings of a task be over."""
    Task.objects.update(as_of=timezone.now() - timedelta(seconds=10))


# -- a hint leads to a reading -----------------------------------------------------------


def test_the_vendors_value_counts_and_the_history_says_webhook(fake_transport):
    task = delivered()
    told(task)
    fake_transport.responses = [shows("completed")]

    assert process(task.account, fake_transport) == 1

    task.refresh_from_db()
    assert task.status == Task.Status.COMPLETED
    assert task.as_of is not None
    assert {event.source for event in task.events.all()} == {TaskEvent.Source.WEBHOOK}
    event = WebhookEvent.objects.get()
    assert event.processed_at is not None
    assert event.outcome == "Read 1 at the vendor."


def test_a_true_secret_with_a_lie_changes_nothing(fake_transport):
    """F77"""
    task = delivered()
    told(task, status="completed", completedAt="2026-01-01T00:00:00Z")
    fake_transport.responses = [shows("upcoming")]

    process(task.account, fake_transport)

    task.refresh_from_db()
    assert task.status == Task.Status.OPEN


def test_a_task_that_is_gone_there_is_marked_so(fake_transport):
    task = delivered()
    told(task)
    fake_transport.responses = [GONE]

    process(task.account, fake_transport)

    task.refresh_from_db()
    assert task.status == Task.Status.REMOVED
    assert task.events.get(kind="status").source == TaskEvent.Source.WEBHOOK


def test_an_event_about_a_removed_task_does_no_harm(fake_transport):
    """F80: late, after the task is gone and after it is over."""
    removed = delivered(external_id="removed-1")
    Task.objects.update(status=Task.Status.REMOVED)
    over = delivered(removed.account, external_id="over-1")
    Task.objects.filter(pk=over.pk).update(status=Task.Status.COMPLETED)
    told(removed)
    told(over)
    fake_transport.responses = [GONE, shows("completed")]
    fake_transport.default = GONE

    process(removed.account, fake_transport)

    removed.refresh_from_db()
    assert removed.status == Task.Status.REMOVED
    assert not WebhookEvent.objects.filter(processed_at=None).exists()


# -- F78: once ---------------------------------------------------------------------------


def test_ten_copies_are_one_reading(fake_transport):
    """F78"""
    task = delivered()
    for _ in range(10):
        told(task)
    fake_transport.default = shows("completed")

    assert process(task.account, fake_transport) == 1
    assert process(task.account, fake_transport) == 0

    assert len(fake_transport.requests) == 1
    assert task.events.filter(kind="status").count() == 1


def test_several_events_about_one_task_are_one_reading(fake_transport):
    task = delivered()
    for number in range(5):
        told(task, number=number)
    fake_transport.default = shows("completed")

    assert process(task.account, fake_transport) == 5
    assert len(fake_transport.requests) == 1


def test_a_task_is_not_read_again_within_seconds(fake_transport):
    """F82: a vendor that posts without end does not eat the account's limit."""
    task = delivered()
    told(task, number=1)
    fake_transport.default = shows("completed")
    process(task.account, fake_transport)

    told(task, number=2)

    assert process(task.account, fake_transport) == 0
    assert len(fake_transport.requests) == 1
    forget_when_read()
    assert process(task.account, fake_transport) == 1
    assert len(fake_transport.requests) == 2


def test_an_event_that_comes_again_while_it_is_worked_on_stays_due(fake_transport):
    """F78"""
    task = delivered()
    told(task)

    def meanwhile(request):
        told(task)
        return shows("upcoming")(request)

    fake_transport.responses = [meanwhile]

    process(task.account, fake_transport)

    assert WebhookEvent.objects.get().processed_at is None


def test_a_reading_by_somebody_else_meanwhile_is_not_overwritten(fake_transport):
    """F79"""
    task = delivered()
    told(task)

    def meanwhile(request):
        Task.objects.update(status=Task.Status.COMPLETED, as_of=timezone.now())
        return shows("upcoming")(request)

    fake_transport.responses = [meanwhile]

    process(task.account, fake_transport)

    task.refresh_from_db()
    assert task.status == Task.Status.COMPLETED
    assert WebhookEvent.objects.get().processed_at is None


# -- F79: order --------------------------------------------------------------------------

STEPS = ["upcoming", "dueToday", "overdue", "snoozed", "completed"]
ORDERS = [
    STEPS,
    STEPS[::-1],
    *random.Random(7).sample(list(itertools.permutations(STEPS)), 10),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(order))
def test_any_order_ends_in_the_vendors_current_value(order, fake_transport):
    """F79"""
    task = delivered()
    fake_transport.default = shows("completed")

    for status in order:
        told(task, status=status)
        process(task.account, fake_transport)
        forget_when_read()
    process(task.account, fake_transport)

    task.refresh_from_db()
    assert task.status == Task.Status.COMPLETED
    assert not WebhookEvent.objects.filter(processed_at=None).exists()


# -- F81: before our own record ----------------------------------------------------------


def test_an_event_before_our_own_record_waits_for_it(fake_transport):
    """F81: the webhook overtakes the answer to the create."""
    push = make_push(task=make_task())
    account = push.account

    def created(request):
        body = {"event": "task-updated", "task": {"taskId": "7PWYDWW7zo"}}
        assert post(account, body).status_code == 200
        assert process(account, fake_transport) == 0
        results = [
            {"prospectId": pid, "taskId": "7PWYDWW7zo", "success": True}
            for pid in request.json["prospectIds"]
        ]
        return VendorResponse(
            201, body={"message": "", "payload": {"results": results}}
        )

    fake_transport.responses = [created, shows("completed")]
    until = timezone.now() + timedelta(seconds=5)

    push_account(account.pk, transport=fake_transport, until=until)
    forget_when_read()
    assert process(account, fake_transport) == 1

    push.refresh_from_db()
    push.task.refresh_from_db()
    assert push.state == Push.State.DELIVERED
    assert push.task.status == Task.Status.COMPLETED


def test_an_event_that_nobody_claims_is_done_after_a_while(fake_transport):
    """F81"""
    account = make_account()
    make_push(
        task=make_task(account=account),
        state=Push.State.SENDING,
        attempt_id="6f1c1c5e-5a0e-4c4e-8f50-2f2bb1b1b1b1",
        lease_until=timezone.now() + timedelta(seconds=60),
    )
    post(account, {"taskId": "somebody-elses"})

    assert process(account, fake_transport) == 0
    WebhookEvent.objects.update(received_at=timezone.now() - timedelta(seconds=100))
    assert process(account, fake_transport) == 1
    assert WebhookEvent.objects.get().outcome == "Names no task of this account."


def test_the_echo_of_our_own_create_costs_no_call(fake_transport):
    task = delivered()
    post(task.account, {"event": "task-created", "task": {"taskId": task.external_id}})

    assert process(task.account, fake_transport) == 1
    assert fake_transport.requests == []


# -- F85: another team's item ------------------------------------------------------------


def test_a_task_of_another_account_is_not_touched(fake_transport):
    """F85"""
    theirs = delivered()
    mine = make_account()
    assert post(mine, {"taskId": theirs.external_id}).status_code == 200

    assert process(mine, fake_transport) == 1

    theirs.refresh_from_db()
    assert theirs.as_of is None
    assert fake_transport.requests == []


# -- looks brought forward ---------------------------------------------------------------


def unclear(account, state, **values) -> Push:
    now = timezone.now()
    return make_push(
        task=make_task(account=account),
        state=state,
        **{
            "request_number": "1556275384" if state == "accepted" else "",
            "sent_at": now - timedelta(hours=1),
            "look_at": now + timedelta(minutes=10),
            **values,
        },
    )


def comes_forward(push: Push, account, fake_transport) -> bool:
    before = push.look_at
    post(account, {"Status": "Success", "RequestId": "1556275384"})
    process(account, fake_transport)
    push.refresh_from_db()
    assert push.state in ("accepted", "needs_check")
    return push.look_at < before


@pytest.mark.parametrize("state", ["accepted", "needs_check"])
def test_news_that_name_no_task_bring_looks_forward(state, fake_transport):
    account = make_account("leadsquared")
    push = unclear(account, state)

    assert comes_forward(push, account, fake_transport)
    assert account.pk in sweeping.work_of(timezone.now())["look"]
    assert fake_transport.requests == []


@pytest.mark.parametrize(
    "values",
    [
        {"absent_reads": 1},  # between two looks that may lead to sending again
        {"sent_at": timedelta()},  # before the vendor has settled
        {"look_at": timedelta(seconds=60)},  # may be looked for now
    ],
    ids=["second look", "settling", "claimed"],
)
def test_no_post_hurries_a_resend(values, fake_transport):
    """F77: a lie with a true secret must not make a second task."""
    account = make_account("leadsquared")
    now = timezone.now()
    given = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in values.items()
    }

    assert not comes_forward(
        unclear(account, "needs_check", **given), account, fake_transport
    )


def test_other_accounts_looks_stay(fake_transport):
    account, other = make_account("leadsquared"), make_account("leadsquared")

    assert not comes_forward(unclear(other, "accepted"), account, fake_transport)


# -- many, and trouble -------------------------------------------------------------------


def test_a_bulk_event_asks_for_a_reading_instead_of_many_calls(fake_transport):
    account = make_account()
    ids = [EXTERNAL_IDS["saleshandy"](n) for n in range(hooks.MOST_READS + 1)]
    for external_id in ids:
        delivered(account, external_id)
    post(account, {"event": "bulk-task-updated", "taskIds": ids})

    assert process(account, fake_transport) == 1

    assert SyncRun.objects.get(account=account).state == SyncRun.State.WAITING
    assert fake_transport.requests == []


def test_a_reading_under_way_is_waited_for(fake_transport):
    account = make_account()
    run = SyncRun.objects.create(account=account, window="1", state="running")
    WebhookEvent.objects.create(account=account, digest="flood", body="")

    assert process(account, fake_transport) == 0
    SyncRun.objects.filter(pk=run.pk).update(state="done")
    assert process(account, fake_transport) == 1
    assert SyncRun.objects.filter(account=account, state="waiting").count() == 1


def test_the_number_of_queries_does_not_grow_with_the_ids(
    fake_transport, django_assert_max_num_queries
):
    account = make_account()
    for number in range(50):
        post(account, {"ids": [f"{number}-{n}" for n in range(100)]})

    with django_assert_max_num_queries(12):
        assert process(account, fake_transport) == 50


@pytest.mark.parametrize(
    "error", [Unreachable("No connection."), OutcomeUnknown("Garbage.")]
)
def test_a_task_that_cannot_be_read_is_left_to_the_next_reading(error, fake_transport):
    task = delivered()
    told(task)
    fake_transport.responses = [error]

    assert process(task.account, fake_transport) == 1

    assert WebhookEvent.objects.get().outcome.startswith("Left to the next reading")
    assert SyncRun.objects.filter(account=task.account, state="waiting").exists()


@pytest.mark.parametrize(
    "error", [RateLimited("Slow down.", retry_after=30), CredentialsRejected("No key.")]
)
def test_a_shut_gate_keeps_events_waiting(error, fake_transport):
    task = delivered()
    told(task)
    assert sweeping.work_of(timezone.now())["hooks"] == [task.account_id]
    fake_transport.responses = [error]

    assert process(task.account, fake_transport) == 0
    assert process(task.account, fake_transport) == 0

    assert len(fake_transport.requests) == 1
    assert WebhookEvent.objects.get().processed_at is None
    assert sweeping.work_of(timezone.now())["hooks"] == []


def test_nothing_is_read_for_a_disconnected_account(fake_transport):
    task = delivered()
    told(task)
    type(task.account).objects.update(deleted_at=timezone.now())

    assert process(task.account, fake_transport) == 0
    assert sweeping.work_of(timezone.now())["hooks"] == []


# -- what a body may be about ------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[" * 100_000,
        '{"a":' * 50_000,
        "[" + "1" * 5000 + "]",
        '{"a": NaN, "b": 1e999, "c": "\\ud800"}',
        "\ufffd" * 1000,
        json.dumps("[" * 1000),
    ],
    ids=range(9),
)
def test_no_body_is_too_odd(body):
    """F82"""
    assert len(hint_of(body).ids) <= 2000


def test_ids_are_found_wherever_they_stand():
    guid = "7E5B7380-4295-4AF2-9706-000000000001"
    body = {
        "Data": json.dumps({"Task": [{"UserTaskId": guid}]}),
        "number": 2001,
        "flag": True,
        "a": {"b": [["7PWYDWW7zo"]]},
        "text": "has blanks",
    }

    ids = hint_of(json.dumps(body)).ids

    assert ids == {guid, guid.lower(), "2001", "7PWYDWW7zo"}


def test_ids_are_found_in_a_form():
    assert "7PWYDWW7zo" in hint_of("task%5Bid%5D=7PWYDWW7zo&x=%20").ids


def test_the_search_is_bounded_in_depth_and_number():
    """F82"""
    deep = "[" * (DEEPEST + 5) + '"hidden"' + "]" * (DEEPEST + 5)

    assert hint_of(deep).ids == frozenset()
    assert len(hint_of(json.dumps([f"id-{n}" for n in range(15_000)])).ids) <= 2001
