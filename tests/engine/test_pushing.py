"""Sending: claims, outcomes by certainty, gates, and what is written when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange, Push, TaskEvent
from tasks_app.services import states
from tasks_app.services.pushing import push_account
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.errors import OutcomeUnknown, Unreachable
from tests.factories import make_account, make_push, make_task
from tests.fakes import FakeTransport

pytestmark = pytest.mark.django_db(transaction=True)
State = Push.State


def soon():
    return timezone.now() + timedelta(seconds=5)


def saleshandy_answer(request: VendorRequest) -> VendorResponse:
    results = [
        {"prospectId": pid, "taskId": f"task-{pid}", "success": True}
        for pid in request.json["prospectIds"]
    ]
    return VendorResponse(201, body={"message": "ok", "payload": {"results": results}})


def ysuite_answer(number: int) -> VendorResponse:
    return VendorResponse(
        200, body={"success": True, "message": "ok", "data": {"activity_id": number}}
    )


def ysuite_push(account=None, **overrides) -> Push:
    account = account or make_account("ysuite")
    task = make_task(
        account=account, title="Call back", starts_at=timezone.now(), **overrides
    )
    return make_push(task=task)


def test_a_push_is_delivered_with_the_vendors_id(fake_transport):
    push = ysuite_push()
    fake_transport.responses = [ysuite_answer(15)]

    waiting = push_account(push.account_id, transport=fake_transport, until=soon())

    push.refresh_from_db()
    push.task.refresh_from_db()
    assert not waiting
    assert push.state == State.DELIVERED
    assert push.task.delivery == State.DELIVERED
    assert push.task.external_id == push.external_id == "15"
    assert push.tries == 1
    assert push.exchanges.get().outcome == Exchange.Outcome.DONE
    assert TaskEvent.objects.filter(task=push.task, new="delivered").exists()


def test_pushes_of_one_group_share_a_call(fake_transport):
    account = make_account("saleshandy")
    pushes = [
        make_push(
            task=make_task(account=account, due_on=timezone.now().date()), group_key="g"
        )
        for _ in range(3)
    ]
    adapter = account.adapter()
    from tasks_app.services.drafting import drafts_for

    key = adapter.group_key(drafts_for(pushes)[pushes[0].pk])
    Push.objects.update(group_key=key)
    fake_transport.default = saleshandy_answer

    push_account(account.pk, transport=fake_transport, until=soon())

    assert len(fake_transport.requests) == 1
    assert set(Push.objects.values_list("state", flat=True)) == {State.DELIVERED}
    assert Exchange.objects.get().pushes.count() == 3


@pytest.mark.parametrize(
    ("answer", "state", "sentence"),
    [
        (Unreachable("YSuite could not be reached."), State.QUEUED, "reached"),
        (OutcomeUnknown("No answer within 25 s."), State.NEEDS_CHECK, "No answer"),
        (VendorResponse(500, body={}), State.NEEDS_CHECK, "may exist"),
        (VendorResponse(502, body={}), State.NEEDS_CHECK, "may exist"),
        (VendorResponse(200, text="<html>"), State.NEEDS_CHECK, ""),
        (VendorResponse(200, body=[]), State.NEEDS_CHECK, ""),
        (VendorResponse(429, headers={}), State.QUEUED, "busy"),
        (
            VendorResponse(
                422,
                body={"success": False, "message": "x", "errors": {"title": ["no"]}},
            ),
            State.FAILED,
            "",
        ),
        (
            VendorResponse(302, headers={"location": "https://x"}),
            State.QUEUED,
            "redirect",
        ),
        (RuntimeError("a bug of ours"), State.NEEDS_CHECK, ""),
    ],
)
def test_the_outcome_goes_by_what_is_certain(fake_transport, answer, state, sentence):
    push = ysuite_push()
    fake_transport.responses = [answer]

    push_account(push.account_id, transport=fake_transport, until=soon())

    push.refresh_from_db()
    push.task.refresh_from_db()
    assert push.state == state
    assert push.task.delivery == state
    assert sentence in push.error
    assert push.error
    assert len(fake_transport.requests) == 1
    if state == State.NEEDS_CHECK:
        assert push.look_at > timezone.now()


def test_a_refused_key_shuts_the_gate_and_loses_nothing(fake_transport):
    account = make_account("ysuite")
    pushes = [ysuite_push(account) for _ in range(3)]
    fake_transport.responses = [
        VendorResponse(
            401, body={"success": False, "message": "Invalid API credentials."}
        )
    ]

    push_account(account.pk, transport=fake_transport, until=soon())

    account.refresh_from_db()
    assert account.state == ConnectedAccount.State.NEEDS_NEW_KEY
    assert len(fake_transport.requests) == 1
    assert {p.state for p in Push.objects.filter(pk__in=[p.pk for p in pushes])} == {
        State.QUEUED
    }


def test_retry_after_holds_the_whole_account(fake_transport):
    account = make_account("ysuite")
    ysuite_push(account)
    ysuite_push(account)
    fake_transport.responses = [VendorResponse(429, headers={"retry-after": "90"})]

    push_account(account.pk, transport=fake_transport, until=soon())
    push_account(account.pk, transport=fake_transport, until=soon())

    account.refresh_from_db()
    assert len(fake_transport.requests) == 1
    left = (account.held_until - timezone.now()).total_seconds()
    assert 85 < left < 100


def test_a_paused_account_sends_nothing(fake_transport):
    push = ysuite_push()
    ConnectedAccount.objects.update(state=ConnectedAccount.State.PAUSED)

    assert push_account(push.account_id, transport=fake_transport, until=soon())

    assert fake_transport.requests == []


def test_a_key_replaced_meanwhile_is_not_blamed(fake_transport):
    push = ysuite_push()

    def rotate(request: VendorRequest) -> VendorResponse:
        ConnectedAccount.objects.update(credentials_version=2)
        return VendorResponse(401, body={"success": False, "message": "no"})

    fake_transport.responses = [rotate, ysuite_answer(4)]

    push_account(push.account_id, transport=fake_transport, until=soon())
    push_account(push.account_id, transport=fake_transport, until=soon())

    push.refresh_from_db()
    assert push.state == State.DELIVERED


def test_a_call_refused_as_a_whole_is_halved_until_the_bad_one_stands_alone(
    fake_transport,
):
    account = make_account("saleshandy")
    pushes = [
        make_push(task=make_task(account=account, due_on=timezone.now().date()))
        for _ in range(10)
    ]
    from tasks_app.services.drafting import drafts_for

    drafts = drafts_for(pushes)
    Push.objects.update(group_key=account.adapter().group_key(drafts[pushes[0].pk]))
    bad = drafts[pushes[3].pk].prospect.external_id

    def answer(request: VendorRequest) -> VendorResponse:
        if bad in request.json["prospectIds"]:
            return VendorResponse(400, body={"message": "4000: Failed to create"})
        return saleshandy_answer(request)

    fake_transport.default = answer

    push_account(account.pk, transport=fake_transport, until=soon())

    states_by_pk = dict(Push.objects.values_list("pk", "state"))
    assert states_by_pk.pop(pushes[3].pk) == State.FAILED
    assert set(states_by_pk.values()) == {State.DELIVERED}
    assert len(fake_transport.requests) <= 12


def test_one_vendor_id_for_two_tasks_is_never_believed(fake_transport):
    account = make_account("ysuite")
    first, second = ysuite_push(account), ysuite_push(account)
    fake_transport.default = ysuite_answer(7)

    push_account(account.pk, transport=fake_transport, until=soon())

    first.refresh_from_db()
    second.refresh_from_db()
    assert first.state == State.DELIVERED
    assert second.state == State.NEEDS_CHECK
    assert "belongs to another task" in second.error


def test_two_processes_never_claim_the_same_push():
    account = make_account("ysuite")
    for _ in range(4):
        ysuite_push(account)

    _, first = states.claim(account.pk, limit=3, lease=timedelta(seconds=60))
    _, second = states.claim(account.pk, limit=3, lease=timedelta(seconds=60))

    assert len(first) == 3
    assert len(second) == 1
    assert not set(first) & set(second)


def test_urgent_pushes_overtake(fake_transport):
    account = make_account("ysuite")
    for _ in range(15):
        ysuite_push(account)
    urgent = ysuite_push(account)
    Push.objects.filter(pk=urgent.pk).update(lane=Push.Lane.URGENT)

    _, ids = states.claim(account.pk, limit=1, lease=timedelta(seconds=60))

    assert ids == [urgent.pk]


def test_an_answer_of_an_old_attempt_changes_nothing():
    push = ysuite_push()
    old, _ = states.claim(push.account_id, limit=1, lease=timedelta(seconds=-1))
    states.change(
        [states.Change(push.pk, State.QUEUED)], sources=[State.CLAIMED], attempt=old
    )
    new, _ = states.claim(push.account_id, limit=1, lease=timedelta(seconds=60))
    states.start_sending([push.pk], attempt=new, lease=timedelta(seconds=60))

    moved = states.change(
        [states.Change(push.pk, State.DELIVERED, external_id="9")],
        sources=states.ANSWERABLE,
        attempt=old,
    )

    assert moved == []


def test_a_step_the_table_does_not_know_is_refused():
    push = ysuite_push()

    with pytest.raises(ValueError, match="never goes"):
        states.change([states.Change(push.pk, State.DELIVERED)], sources=[State.QUEUED])


def test_no_secret_is_stored_with_an_exchange(fake_transport):
    push = ysuite_push()
    secret = push.account.credentials["secret_key"]
    fake_transport.responses = [VendorResponse(500, body={}, text=f"you sent {secret}")]

    push_account(push.account_id, transport=fake_transport, until=soon())

    exchange = Exchange.objects.get()
    assert secret not in exchange.response_body + str(exchange.request_body)
    assert "[key removed]" in exchange.response_body


def test_nothing_is_sent_inside_a_transaction(fake_transport):
    from django.db import connection

    push = ysuite_push()
    seen = []

    def look(request: VendorRequest) -> VendorResponse:
        seen.append((connection.in_atomic_block, Push.objects.get().state))
        return ysuite_answer(1)

    fake_transport.responses = [look]

    push_account(push.account_id, transport=fake_transport, until=soon())

    assert seen == [(False, State.SENDING)]


def test_the_breaker_opens_and_a_read_closes_it(fake_transport):
    account = make_account("ysuite")
    for _ in range(6):
        ysuite_push(account)
    fake_transport.default = Unreachable("YSuite could not be reached.")

    push_account(account.pk, transport=fake_transport, until=soon())
    account.refresh_from_db()

    assert account.state == ConnectedAccount.State.TROUBLE
    assert account.held_until > timezone.now()
    assert len(fake_transport.requests) == 5

    ConnectedAccount.objects.update(held_until=timezone.now())
    Push.objects.update(not_before=timezone.now())
    asked: list[str] = []

    def answer(request: VendorRequest) -> VendorResponse:
        asked.append(request.method)
        if request.method == "GET":
            return VendorResponse(
                200,
                body={
                    "success": True,
                    "data": {
                        "data": [],
                        "current_page": 1,
                        "total_records": 0,
                        "total_pages": 0,
                    },
                },
            )
        return ysuite_answer(len(asked))

    fake_transport.default = answer
    push_account(account.pk, transport=fake_transport, until=soon())

    account.refresh_from_db()
    assert asked[0] == "GET"
    assert account.state == ConnectedAccount.State.CONNECTED
    assert set(Push.objects.values_list("state", flat=True)) == {State.DELIVERED}


@pytest.fixture
def fake_transport() -> FakeTransport:
    return FakeTransport()
