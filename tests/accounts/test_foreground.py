"""Pushing and reading in the foreground."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, SyncRun
from tasks_app.services import gate
from tasks_app.services.foreground import push_accounts, sync_now
from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.errors import Unreachable
from tasks_app.vendors.findings import Page
from tests.factories import make_account, make_push, make_task

pytestmark = pytest.mark.django_db
State = ConnectedAccount.State


@pytest.fixture
def naps(monkeypatch):
    """Sleep by letting every wait in the database be over; return the naps."""
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        past = timezone.now() - timedelta(seconds=1)
        Push.objects.filter(not_before__gt=past).update(not_before=past)
        Push.objects.filter(look_at__gt=past).update(look_at=past)
        ConnectedAccount.objects.filter(held_until__gt=past).update(held_until=None)
        if len(slept) > 200:
            raise AssertionError("This never ends.")

    sleep.slept = slept
    return sleep


def created(request):
    """Answer as YSuite does for a new task."""
    created.count += 1
    body = {"success": True, "data": {"activity_id": 5000 + created.count}}
    return VendorResponse(201, body=body)


created.count = 0


def ready_push(**overrides):
    """Return a push that YSuite takes as it is."""
    account = overrides.pop("account", None) or make_account("ysuite")
    task = make_task(account=account, starts_at=timezone.now() + timedelta(days=1))
    return make_push(task=task, **overrides)


def push(*accounts, **options):
    return push_accounts(accounts, **options)[0]


# -- what stands still -----------------------------------------------------------------


def test_refused_key_ends_it_with_the_queue_untouched(fake_transport, naps):
    one = ready_push()
    make_push(task=make_task(account=one.account))
    fake_transport.default = VendorResponse(401, body={})

    outcome = push(one.account, transport=fake_transport, until_empty=True, sleep=naps)

    assert outcome.trouble.startswith("needs a new key since ")
    assert outcome.waiting == 2
    assert str(outcome).endswith(": 0 delivered, 0 failed, 0 needs check, 2 waiting.")
    one.refresh_from_db()
    assert one.state == Push.State.QUEUED


def test_paused_account_with_a_queue_is_trouble(fake_transport, naps):
    one = ready_push()
    gate.shut(one.account, State.PAUSED, "Paused.")

    outcome = push(one.account, transport=fake_transport, until_empty=True, sleep=naps)

    assert outcome.trouble.startswith("is paused since ")
    assert fake_transport.requests == []


def test_paused_account_without_a_queue_is_none(fake_transport, naps):
    account = make_account()
    gate.shut(account, State.PAUSED, "Paused.")

    outcome = push(account, transport=fake_transport, until_empty=True, sleep=naps)

    assert outcome.trouble == ""


def test_vendor_that_is_down_ends_with_the_timeout(fake_transport, monkeypatch):
    one = ready_push()
    fake_transport.default = Unreachable("api.ysuite.org could not be reached.")

    outcome = push(
        one.account,
        transport=fake_transport,
        until_empty=True,
        timeout=0.3,
        sleep=lambda seconds: None,
    )

    assert "was not finished within 0.3 seconds" in outcome.trouble
    assert outcome.waiting == 1


def test_one_pass_does_not_wait_for_a_vendor_that_is_down(fake_transport, naps):
    one = ready_push()
    fake_transport.default = Unreachable("api.ysuite.org could not be reached.")

    outcome = push(one.account, transport=fake_transport, sleep=naps)

    assert outcome.waiting == 1
    assert len(fake_transport.requests) == 1


def test_trouble_of_one_account_does_not_hide_the_others_work(fake_transport, naps):
    held, well = ready_push(), ready_push()
    gate.shut(held.account, State.PAUSED, "Paused.")
    fake_transport.default = created

    one = push(held.account, transport=fake_transport, until_empty=True, sleep=naps)
    other = push(well.account, transport=fake_transport, until_empty=True, sleep=naps)

    assert (one.waiting, other.delivered) == (1, 1)


# -- what goes on ----------------------------------------------------------------------


def test_queue_is_sent_and_counted(fake_transport, naps):
    account = make_account("ysuite", name="Renewals")
    for _ in range(3):
        ready_push(account=account)
    fake_transport.responses = [
        created,
        VendorResponse(422, body={"message": "No.", "errors": {"title": ["No."]}}),
        created,
    ]

    outcome = push(account, transport=fake_transport, until_empty=True, sleep=naps)

    assert str(outcome) == "Renewals: 2 delivered, 1 failed, 0 needs check."
    assert outcome.trouble == ""


def test_earlier_deliveries_do_not_count(fake_transport, naps):
    old = make_push(state="delivered", external_id="T1")
    Push.objects.update(updated_at=timezone.now() - timedelta(minutes=1))

    outcome = push(old.account, transport=fake_transport, until_empty=True, sleep=naps)

    assert outcome.delivered == 0


def test_retry_is_waited_for(fake_transport, naps):
    one = ready_push()
    fake_transport.responses = [Unreachable("No connection."), created]

    outcome = push(one.account, transport=fake_transport, until_empty=True, sleep=naps)

    assert outcome.delivered == 1
    assert naps.slept


def test_one_that_only_a_person_can_settle_is_not_waited_for(fake_transport, naps):
    one = make_push(
        state="needs_check",
        ask_person=True,
        look_at=timezone.now() + timedelta(hours=1),
    )

    outcome = push(one.account, transport=fake_transport, until_empty=True, sleep=naps)

    assert outcome.needs_check == 1
    assert outcome.trouble == ""
    assert naps.slept == []


def test_crashed_claim_is_picked_up(fake_transport, naps):
    one = ready_push(
        state="claimed",
        attempt_id="0" * 32,
        lease_until=timezone.now() - timedelta(seconds=1),
    )
    fake_transport.default = created

    outcome = push(one.account, transport=fake_transport, until_empty=True, sleep=naps)

    assert outcome.delivered == 1


@pytest.mark.django_db(transaction=True)
def test_accounts_are_worked_on_side_by_side(fake_transport, naps):
    pushes = [ready_push() for _ in range(3)]
    fake_transport.default = created

    outcomes = push_accounts(
        [one.account for one in pushes],
        transport=fake_transport,
        until_empty=True,
        sleep=naps,
    )

    assert [outcome.delivered for outcome in outcomes] == [1, 1, 1]


# -- reading ---------------------------------------------------------------------------


@pytest.fixture
def reading(monkeypatch):
    """Let YSuite's reading be one empty page."""
    adapter = "tasks_app.vendors.ysuite.YSuiteAdapter"

    def read_tasks(self, scope):
        yield Page([])

    monkeypatch.setattr(f"{adapter}.read_tasks", read_tasks)


def test_account_without_a_valid_key_is_not_read(fake_transport):
    account = make_account("ysuite")
    gate.shut(account, State.NEEDS_NEW_KEY, "Rejected.")

    result = sync_now(account, transport=fake_transport)

    assert result.error == "It needs a new key and was not read."
    assert fake_transport.requests == []


def test_refused_key_is_told(fake_transport):
    account = make_account("leadsquared")
    fake_transport.default = VendorResponse(401, body={})

    result = sync_now(account, transport=fake_transport)

    assert "LeadSquared" in result.error
    assert str(result).startswith(account.name)


def test_reading_is_counted(fake_transport, reading):
    account = make_account("ysuite", name="Renewals")

    result = sync_now(account, transport=fake_transport)

    assert str(result) == "Renewals: 0 tasks read, 0 changed."
    account.refresh_from_db()
    assert account.synced_at is not None


def test_reading_of_another_process_is_waited_for(fake_transport, reading):
    account = make_account("ysuite")
    run = SyncRun.objects.create(
        account=account,
        window="w",
        state="running",
        lease_until=timezone.now() + timedelta(minutes=1),
    )

    def sleep(seconds: float) -> None:
        SyncRun.objects.update(state="done", tasks_read=7)

    result = sync_now(account, transport=fake_transport, sleep=sleep)

    assert result.run == run
    assert "7 tasks read" in str(result)


def test_reading_that_never_ends_is_given_up(fake_transport, reading):
    account = make_account("ysuite")
    SyncRun.objects.create(
        account=account,
        window="w",
        state="running",
        lease_until=timezone.now() + timedelta(minutes=1),
    )

    result = sync_now(
        account, transport=fake_transport, timeout=0.01, sleep=lambda seconds: None
    )

    assert result.error == "It was not read within 0.01 seconds."
