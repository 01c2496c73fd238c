"""The gate in front of an account's queue: who shuts it, who may open it, how fast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push
from tasks_app.services import accounts, gate, pacing, probing, states, sweeping
from tasks_app.services.drafting import drafts_for
from tasks_app.services.pacing import Saturated
from tasks_app.services.pushing import push_account
from tasks_app.services.talking import Outdated, converse
from tasks_app.vendors.errors import (
    FORBIDDEN,
    CredentialsRejected,
    OutcomeUnknown,
    RateLimited,
)
from tests.factories import make_account, make_push, make_task, make_user

from .conftest import Bench

pytestmark = pytest.mark.django_db
State = ConnectedAccount.State


def busy(account, retry_after=None):
    gate.note_error(
        account, RateLimited("Reply.io was busy (429).", retry_after=retry_after)
    )


def pass_time(account, **span):
    """Let everything this account remembers lie further back."""
    by = timedelta(**span)
    for name in ("held_until", "slowed_at", "asked_until", "try_key_at"):
        value = getattr(account, name)
        if value is not None:
            setattr(account, name, value - by)
    account.save()


def held_for(account):
    return (account.held_until - timezone.now()).total_seconds()


# -- one condition in two spellings ----------------------------------------------------


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("held", [None, -60, 60])
def test_the_gate_in_a_statement_is_the_gate_of_the_lists(state, held):
    now = timezone.now()
    until = None if held is None else now + timedelta(seconds=held)
    account = make_account("reply", state=state, held_until=until)
    rows = ConnectedAccount.objects.filter(pk=account.pk)

    assert gate.still_open(account) == rows.open_gate(now).exists()

    rows.update(deleted_at=now)
    assert not gate.still_open(account)


def test_another_key_than_the_one_in_hand_finds_the_gate_shut():
    account = make_account("reply")
    ConnectedAccount.objects.filter(pk=account.pk).update(credentials_version=7)

    assert not gate.still_open(account)


@pytest.mark.parametrize(
    "change", [{"state": State.PAUSED}, {"credentials_version": 7}]
)
def test_nothing_starts_to_be_sent_once_the_gate_is_shut(change):
    push = make_push()
    attempt, ids = states.claim(push.account_id, limit=1, lease=timedelta(seconds=60))
    ConnectedAccount.objects.update(**change)

    started = states.start_sending(
        ids, attempt=attempt, lease=timedelta(seconds=60), account=push.account
    )

    assert started == []
    push.refresh_from_db()
    assert push.state == Push.State.CLAIMED


# -- a hold that the vendor asked for --------------------------------------------------


def test_a_success_under_way_does_not_end_what_the_vendor_asked_for():
    account = make_account("reply")
    for _ in range(gate.BREAKER_AFTER):
        gate.note_error(account, OutcomeUnknown("No answer."))
    assert account.state == State.TROUBLE
    busy(account, retry_after=3600)

    gate.note_success(account)

    assert account.state == State.CONNECTED
    assert 3500 < held_for(account) < 4000
    assert not gate.is_open(account)
    assert not gate.still_open(account)


def test_a_success_ends_a_hold_of_our_own():
    account = make_account("reply")
    for _ in range(gate.BREAKER_AFTER):
        gate.note_error(account, OutcomeUnknown("No answer."))
    assert not gate.is_open(account)

    gate.note_success(account)

    assert gate.is_open(account)
    assert gate.still_open(account)


def test_a_longer_hold_of_ours_falls_back_to_the_vendors():
    account = make_account("reply")
    busy(account, retry_after=10)
    for _ in range(gate.BREAKER_AFTER + 3):
        gate.note_error(account, OutcomeUnknown("No answer."))
    assert held_for(account) > 60

    gate.note_success(account)

    assert held_for(account) < 12


def test_pausing_and_resuming_does_not_shorten_it_either():
    account = make_account("reply")
    busy(account, retry_after=3600)

    accounts.pause(account)
    accounts.resume(account)

    assert held_for(account) > 3500
    assert not gate.still_open(account)


def test_a_reading_under_way_stops_when_the_vendor_wants_quiet(connect):
    """The refusal came to another process; the next page waits all the same."""
    bench = connect("saleshandy")
    bench.create(2)
    bench.push()
    before = len(bench.server.calls())
    calls = []

    def told(request):
        calls.append(request)
        if len(calls) == 1:
            busy(bench.account, retry_after=3600)

    conversation = bench.account.adapter().find(
        list(drafts_for(list(Push.objects.all())).values()),
        sent_at=timezone.now() - timedelta(minutes=1),
    )
    with pytest.raises(Saturated) as stopped:
        converse(
            bench.account,
            conversation,
            transport=bench.transport,
            purpose="look",
            on_request=told,
        )

    assert stopped.value.seconds > 3500
    assert len(bench.server.calls()) == before + 1


@pytest.mark.parametrize(
    "change",
    [
        {"deleted_at": timezone.now()},
        {"credentials_version": 7},
        {"state": State.NEEDS_NEW_KEY},
    ],
)
def test_a_reading_under_way_stops_when_its_key_is_another_or_gone(connect, change):
    bench = connect("saleshandy")
    bench.create(2)
    bench.push()
    before = len(bench.server.calls())

    def changed(request):
        ConnectedAccount.objects.update(**change)

    conversation = bench.account.adapter().find(
        list(drafts_for(list(Push.objects.all())).values()),
        sent_at=timezone.now() - timedelta(minutes=1),
    )
    with pytest.raises(Outdated, match="disconnected, or its key refused or replaced"):
        converse(
            bench.account,
            conversation,
            transport=bench.transport,
            purpose="look",
            on_request=changed,
        )

    assert len(bench.server.calls()) == before + 1


# -- busy without a time ---------------------------------------------------------------


def test_a_busy_vendor_without_a_time_halves_the_rate():
    account = make_account("reply", rates=[[100, 60]])
    busy(account)

    assert 5 <= held_for(account) + 0.1 <= 6
    assert pacing.limits_of(account) == [(50, 60.0)]


def test_answers_of_calls_beside_it_count_once():
    account = make_account("reply", rates=[[100, 60]])
    other = ConnectedAccount.objects.get(pk=account.pk)
    for one in (account, other, account, other):
        busy(one)

    assert account.busy_count == 1
    assert pacing.limits_of(account) == [(50, 60.0)]


def test_the_rate_climbs_back_by_five_percent_a_minute():
    account = make_account("reply", rates=[[100, 60]])
    busy(account)

    shares = []
    for _ in range(5):
        pass_time(account, minutes=1)
        shares.append(round(gate.slow_factor(account), 2))

    assert shares == [0.55, 0.6, 0.65, 0.7, 0.75]
    pass_time(account, minutes=20)
    assert gate.slow_factor(account) == pytest.approx(0.95, abs=0.001)
    pass_time(account, minutes=35)
    assert gate.slow_factor(account) == pytest.approx(0.95, abs=0.001)
    pass_time(account, minutes=2)
    assert gate.slow_factor(account) == 1.0
    assert pacing.limits_of(account) == [(100, 60.0)]


def test_each_busy_answer_in_a_row_waits_longer_and_the_fifth_a_whole_window():
    account = make_account("reply", rates=[[10, 1], [3000, 3600]])
    waits = []
    for _ in range(6):
        busy(account)
        waits.append(held_for(account))
        pass_time(account, seconds=waits[-1] + 1)

    assert waits[:4] == sorted(waits[:4])
    assert waits[3] < 50
    left = midnight_in()
    assert waits[4] >= min(3599, left - 5)
    assert waits[5] >= min(2 * 3599, left - 5)


def test_a_used_up_day_ends_at_midnight_utc():
    account = make_account("leadsquared", rates=[[10_000, 86_400]])
    now = datetime(2026, 3, 1, 21, 30, tzinfo=UTC)

    hold = gate.busy_hold(account, gate.BUSY_ROW, now)

    assert timedelta(hours=2.5) <= hold <= timedelta(hours=2.75)


def midnight_in() -> float:
    now = timezone.now().astimezone(UTC)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (start + timedelta(days=1) - now).total_seconds()


def test_a_success_begins_the_row_anew_but_not_the_rate():
    account = make_account("reply", rates=[[100, 60]])
    busy(account)
    gate.note_success(account)

    assert account.busy_count == 0
    assert account.held_until is not None
    assert gate.slow_factor(account) < 0.6


@pytest.mark.parametrize(
    ("limit", "factor", "scaled"),
    [
        ((10, 5.0), 0.5, (5, 5.0)),
        ((1, 1.0), 0.5, (1, 2.0)),
        ((3, 60.0), 0.05, (1, 400.0)),
        ((3000, 3600.0), 0.5, (1500, 3600.0)),
        # Its calls are counted in slices, and no log could tell of them.
        ((300, 60.0), 0.5, (201, 60.0)),
        ((10, 5.0), 1.0, (10, 5.0)),
    ],
)
def test_a_share_of_a_limit(limit, factor, scaled):
    calls, seconds = pacing.scaled(*limit, factor)
    assert (calls, pytest.approx(seconds)) == scaled


@pytest.mark.parametrize("true_share", [1.0, 0.7, 0.5, 0.3])
def test_the_pace_comes_to_rest_at_the_vendors_true_limit(true_share):
    """A vendor that takes a share of what the account's rate says, for four hours."""
    account = ConnectedAccount(vendor="reply", rates=[[100, 60]])
    now = timezone.now()
    made = seconds = 0.0
    held_until = now
    for second in range(4 * 3600):
        at = now + timedelta(seconds=second)
        if at < held_until:
            seconds += 1 if second > 3600 else 0
            continue
        share = gate.slow_factor(account, at)
        if share > true_share:
            account.slowed_at = at
            for name, value in gate.slower(share).items():
                setattr(account, name, value)
            held_until = at + gate.busy_hold(account, 1, at)
            continue
        if second > 3600:
            made += share
            seconds += 1

    assert made / (seconds * true_share) >= 0.9


def test_the_accounts_page_says_so(client):
    account = make_account("reply", rates=[[100, 60]])
    client.force_login(make_user(account.team))
    make_push(task=make_task(account=account))
    url = reverse("account-detail", args=[account.pk])
    busy(account)

    assert "named no time, so Baton goes on at 50 %" in client.get(url).content.decode()

    pass_time(account, minutes=2)
    page = client.get(url).content.decode()
    assert "Slowed down" in page
    assert "goes on at 60 % of the allowed rate" in page
    assert "of 60" in page  # the budget that is in force

    pass_time(account, hours=2)
    assert "Slowed" not in client.get(url).content.decode()


def test_a_vendor_that_names_no_time_is_left_alone_and_all_arrives(connect):
    bench: Bench = connect("reply")
    bench.create(3)
    bench.server.dial("429", next=2, method="POST", path="/v3/tasks")

    bench.push()
    account = ConnectedAccount.objects.get()
    assert account.busy_count == 1
    half = account.effective_rates()[0][0] * 0.5
    assert (
        half <= pacing.limits_of(account)[0][0] < half * 1.05
    )  # it climbs from now on
    pass_time(account, seconds=10)
    bench.push()
    account.refresh_from_db()
    assert account.busy_count == 2
    assert gate.slow_factor(account) < 0.3
    bench.settle()

    assert bench.states() == {Push.State.DELIVERED: 3}
    assert ConnectedAccount.objects.get().busy_count == 0


# -- a refused key ---------------------------------------------------------------------


def refuse(account, **error):
    gate.note_error(
        account, CredentialsRejected("Reply.io rejects the key (401).", **error)
    )


def test_a_refused_key_is_tried_every_quarter_of_an_hour_and_opens_the_gate(connect):
    bench: Bench = connect("reply")
    bench.create(2)
    good = dict(bench.server.app.credentials)
    bench.server.set(credentials=dict.fromkeys(good, "other"))
    bench.push()
    account = ConnectedAccount.objects.get()
    assert account.state == State.NEEDS_NEW_KEY
    calls = len(bench.server.calls())

    def turn() -> bool:
        for pk in sweeping.work_of(timezone.now())["key"]:
            return probing.try_key(pk, transport=bench.transport)
        return False

    assert not turn()
    assert len(bench.server.calls()) == calls  # not due yet
    pass_time(account, minutes=16)
    assert not turn()
    assert not turn()
    assert len(bench.server.calls()) == calls + 1
    assert bench.server.calls()[-1]["method"] == "GET"
    account.refresh_from_db()
    since = account.state_since
    assert account.state == State.NEEDS_NEW_KEY

    bench.server.set(credentials=good)
    pass_time(account, minutes=16)
    assert turn()

    account.refresh_from_db()
    assert account.state == State.CONNECTED
    assert account.state_since > since
    assert account.try_key_at is None
    bench.push()
    assert bench.states() == {Push.State.DELIVERED: 2}


def test_a_right_that_is_missing_is_not_tried_because_a_read_cannot_tell():
    account = make_account("reply")
    refuse(account, kind=FORBIDDEN)

    assert account.state == State.NEEDS_NEW_KEY
    assert account.try_key_at is None
    assert sweeping.work_of(timezone.now() + timedelta(days=1))["key"] == []


def test_many_processes_try_it_once(fake_transport):
    account = make_account("reply")
    refuse(account)
    pass_time(account, minutes=16)
    fake_transport.default = CredentialsRejected("Reply.io rejects the key (401).")

    for _ in range(3):
        probing.try_key(account.pk, transport=fake_transport)

    assert len(fake_transport.requests) == 1


def test_a_key_replaced_meanwhile_is_not_opened_by_the_old_ones_answer():
    account = make_account("reply")
    refuse(account)
    ConnectedAccount.objects.update(credentials_version=2)

    assert not gate.note_key_works(account)
    assert ConnectedAccount.objects.get().state == State.NEEDS_NEW_KEY


def test_a_paused_or_disconnected_account_is_not_tried(fake_transport):
    account = make_account("reply")
    refuse(account)
    pass_time(account, minutes=16)
    accounts.disconnect(account)

    assert sweeping.work_of(timezone.now())["key"] == []
    assert not probing.try_key(account.pk, transport=fake_transport)
    assert fake_transport.requests == []


def test_nothing_is_sent_with_a_refused_key(fake_transport):
    push = make_push(account=make_account("reply"))
    refuse(push.account)

    push_account(
        push.account_id,
        transport=fake_transport,
        until=timezone.now() + timedelta(seconds=2),
    )

    assert fake_transport.requests == []


def test_the_page_says_that_it_is_tried(client):
    account = make_account("reply")
    client.force_login(make_user(account.team))
    url = reverse("account-detail", args=[account.pk])
    refuse(account)
    assert "tries the old one every 15 minutes" in client.get(url).content.decode()

    refuse_more = ConnectedAccount.objects.get()
    gate.reopen(refuse_more)
    refuse(refuse_more, kind=FORBIDDEN)
    assert "every 15 minutes" not in client.get(url).content.decode()
