"""Testing, pausing and leaving an account."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push
from tasks_app.services import accounts, gate, sweeping
from tasks_app.services.accounts import (
    check_connection,
    connect_account,
    disconnect,
    erase_spent_credentials,
    pause,
    resume,
)
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.errors import OutcomeUnknown, RateLimited, Unreachable
from tests.factories import CREDENTIALS, make_account, make_push, make_task, make_user

pytestmark = pytest.mark.django_db
State = ConnectedAccount.State


def answer(status: int, body: object = None, **headers: str) -> VendorResponse:
    return VendorResponse(status, headers=headers, body=body, text="")


def reply_yes() -> VendorResponse:
    return answer(200, {"userId": 42})


# -- the test: bad answers first -------------------------------------------------------


@pytest.mark.parametrize("vendor", ["leadsquared", "reply", "ysuite"])
def test_refused_key_is_told_and_shuts_the_gate(vendor, fake_transport):
    account = make_account(vendor)
    fake_transport.default = answer(401)

    result = check_connection(account, transport=fake_transport)

    name = ADAPTERS[vendor].name
    assert not result.ok
    assert result.sentence == f"{name} rejects this key. Enter a new one."
    account.refresh_from_db()
    assert account.state == State.NEEDS_NEW_KEY
    assert account.checked_at is None


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Unreachable("api.reply.io could not be reached. Nothing was created."),
         "api.reply.io could not be reached. The key is not tested."),
        (OutcomeUnknown("api.reply.io did not answer within 25 seconds."),
         "did not answer within 25 seconds"),
        (RateLimited("busy", retry_after=30), "Test again in 30 seconds."),
        (RateLimited("busy"), "Test again in a minute."),
        (answer(500, {}), "Reply.io answered with an error (500)"),
        (answer(200, None), "cannot be read"),
        (answer(200, {"hello": 1}), "did not say whose key"),
        (answer(302, {}), "redirect"),
    ],
)  # fmt: skip
def test_every_other_failure_is_told_and_keeps_the_key(failure, words, fake_transport):
    account = make_account("reply")
    fake_transport.default = failure

    result = check_connection(account, transport=fake_transport)

    assert not result.ok
    assert words in result.sentence
    assert "Nothing was created" not in result.sentence
    account.refresh_from_db()
    assert account.state != State.NEEDS_NEW_KEY
    assert account.checked_at is None


def test_account_without_a_key_is_not_tested(fake_transport):
    account = make_account("reply", credentials={})

    result = check_connection(account, transport=fake_transport)

    assert not result.ok
    assert "has no Reply.io key" in result.sentence
    assert fake_transport.requests == []


def test_used_up_rate_is_told(fake_transport):
    account = make_account("reply", rates=[[1, 3600]])
    fake_transport.default = reply_yes()

    check_connection(account, transport=fake_transport)
    result = check_connection(account, transport=fake_transport)

    assert not result.ok
    assert "rate limit of this account is used up" in result.sentence
    assert len(fake_transport.requests) == 1


def test_answer_never_holds_the_key(fake_transport, caplog):
    caplog.set_level("DEBUG")
    account = make_account("reply", credentials={"api_key": "sk-marked-0123456789"})
    fake_transport.default = VendorResponse(
        401, body={"error": "bad sk-marked-0123456789"}, text="bad sk-marked-0123456789"
    )

    result = check_connection(account, transport=fake_transport)

    account.refresh_from_db()
    kept = account.exchanges.values_list(
        "path", "request_body", "response_body", "error"
    )
    for written in (
        result.sentence,
        account.state_reason,
        caplog.text,
        str(list(kept)),
    ):
        assert "sk-marked-0123456789" not in written


# -- the test: a yes -------------------------------------------------------------------


def test_accepted_key_is_told_and_noted(fake_transport):
    account = make_account("reply")
    fake_transport.default = reply_yes()

    result = check_connection(account, transport=fake_transport, by=make_user())

    assert result.ok
    assert result.sentence.startswith("Reply.io accepts ")
    assert account.is_connected
    assert account.exchanges.get().purpose == "test"


@pytest.mark.parametrize("state", [State.NEEDS_NEW_KEY, State.TROUBLE])
def test_yes_opens_the_gate_and_rings(state, fake_transport, monkeypatch):
    rung = []
    monkeypatch.setattr(accounts, "ring", rung.append)
    account = make_account("reply", state=state, state_reason="Something.")
    fake_transport.default = reply_yes()

    check_connection(account, transport=fake_transport)

    account.refresh_from_db()
    assert account.state == State.CONNECTED
    assert account.state_reason == ""
    assert account.trouble_count == 0
    assert rung == [account.pk]


def test_yes_does_not_end_a_pause(fake_transport):
    account = make_account("reply")
    pause(account)
    fake_transport.default = reply_yes()

    result = check_connection(account, transport=fake_transport)

    assert result.ok
    account.refresh_from_db()
    assert account.state == State.PAUSED


def test_yes_to_an_old_key_says_nothing_about_the_new_one(fake_transport):
    account = make_account("reply")

    def while_it_is_changed(request):
        connect_account(
            team=account.team,
            vendor="reply",
            name=account.name,
            credentials={"api_key": "another"},
        )
        return reply_yes()

    fake_transport.default = while_it_is_changed

    check_connection(account, transport=fake_transport)

    account.refresh_from_db()
    assert account.checked_at is None


def test_no_to_an_old_key_does_not_shut_the_gate(fake_transport):
    account = make_account("reply")

    def while_it_is_changed(request):
        connect_account(
            team=account.team,
            vendor="reply",
            name=account.name,
            credentials={"api_key": "another"},
        )
        return answer(401)

    fake_transport.default = while_it_is_changed

    check_connection(account, transport=fake_transport)

    account.refresh_from_db()
    assert account.state == State.CONNECTED


# -- pausing ---------------------------------------------------------------------------


def test_pause_names_who_and_keeps_the_queue():
    lead = make_user(first_name="Maya", last_name="Okafor")
    push = make_push()

    assert pause(push.account, lead)

    account = ConnectedAccount.objects.get()
    assert account.state == State.PAUSED
    assert account.state_reason == "Paused by Maya Okafor."
    assert account.paused_by == lead
    assert not gate.is_open(account)
    push.refresh_from_db()
    assert push.state == Push.State.QUEUED


def test_second_pause_changes_nothing():
    account = make_account()
    pause(account)
    since = account.state_since

    assert not pause(account)

    account.refresh_from_db()
    assert account.state_since == since


def test_resume_opens_the_gate_and_rings(monkeypatch):
    rung = []
    monkeypatch.setattr(accounts, "ring", rung.append)
    account = make_account()
    pause(account, make_user())

    assert resume(account)

    account.refresh_from_db()
    assert account.state == State.CONNECTED
    assert account.paused_by is None
    assert rung == [account.pk]


def test_resume_does_not_open_a_gate_that_waits_for_a_key():
    account = make_account()
    gate.shut(account, State.NEEDS_NEW_KEY, "Rejected.")

    assert not resume(account)

    account.refresh_from_db()
    assert account.state == State.NEEDS_NEW_KEY


# -- leaving ---------------------------------------------------------------------------


def test_disconnect_withdraws_the_queue_and_erases_the_key():
    push = make_push()
    account = push.account

    assert disconnect(account, make_user()) == 1

    push.refresh_from_db()
    assert push.state == Push.State.WITHDRAWN
    push.task.refresh_from_db()
    assert (push.task.delivery, push.task.status) == ("withdrawn", "cancelled")
    assert "was disconnected" in push.task.delivery_error
    account = ConnectedAccount.objects.get()
    assert account.deleted_at is not None
    assert account.credentials == {}
    assert not ConnectedAccount.objects.live().exists()


def test_disconnect_says_of_what_was_sent_before_that_it_may_be_there():
    account = make_account()
    fresh = make_push(task=make_task(account=account))
    again = make_push(task=make_task(account=account), watch_at=timezone.now())

    disconnect(account)

    for push in (fresh, again):
        push.task.refresh_from_db()
    said = "Withdrawn: its account was disconnected."
    assert fresh.task.delivery_error == said
    assert again.task.delivery_error == (
        f"{said} An earlier call may still have created it."
    )


def test_disconnect_withdraws_actions_too():
    task = make_task(external_id="T1", delivery="delivered")
    push = make_push(task=task, kind=Push.Kind.COMPLETE)

    disconnect(task.account)

    push.refresh_from_db()
    task.refresh_from_db()
    assert push.state == Push.State.WITHDRAWN
    assert task.delivery == "delivered"


@pytest.mark.parametrize("state", ["needs_check", "accepted"])
def test_key_stays_while_something_is_unsettled(state, fake_transport):
    push = make_push(state=state, request_number="R1")
    account = push.account

    disconnect(account)

    account.refresh_from_db()
    assert account.credentials == CREDENTIALS["saleshandy"]
    Push.objects.update(state="delivered", external_id="T1")
    assert erase_spent_credentials() == 1
    assert erase_spent_credentials() == 0
    account.refresh_from_db()
    assert account.credentials == {}


def test_push_that_comes_back_to_a_disconnected_queue_is_withdrawn():
    push = make_push(state="claimed", attempt_id="0" * 32, lease_until=timezone.now())
    disconnect(push.account)
    Push.objects.update(state="queued", attempt_id=None, lease_until=None)

    assert erase_spent_credentials() == 1

    push.refresh_from_db()
    assert push.state == Push.State.WITHDRAWN
    assert push.task.status == "cancelled"


def test_second_disconnect_does_nothing():
    account = make_account()

    disconnect(account)
    first = account.deleted_at
    assert disconnect(account) == 0

    account.refresh_from_db()
    assert account.deleted_at == first


def test_other_accounts_keep_their_queue_and_key():
    other = make_push()
    account = make_account()

    disconnect(account)

    other.refresh_from_db()
    assert other.state == Push.State.QUEUED
    assert other.account.credentials == CREDENTIALS["saleshandy"]


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_account_whose_encryption_key_is_lost_takes_new_ones(vendor, settings):
    account = make_account(vendor)
    settings.CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    changed, _ = connect_account(
        team=account.team,
        vendor=vendor,
        name=account.name,
        credentials=CREDENTIALS[vendor],
    )

    changed.refresh_from_db()
    assert changed.credentials == CREDENTIALS[vendor]
    assert changed.credentials_version == 2


def test_sweep_erases_what_nothing_needs_any_more():
    push = make_push(state="needs_check")
    disconnect(push.account)
    Push.objects.update(state="failed")

    sweeping.sweep()

    assert ConnectedAccount.objects.get().credentials == {}
