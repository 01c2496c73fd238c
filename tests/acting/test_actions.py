"""What a lead does here happens at the vendor, or the page says why not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task, VendorUser
from tasks_app.services import actions, states
from tasks_app.services.sweeping import sweep
from tasks_app.services.syncing import request_sync, sync_account
from tasks_app.vendors.words import Action
from tests.engine.conftest import VENDORS
from tests.factories import make_user, make_vendor_user

pytestmark = pytest.mark.django_db(transaction=True)
State = Push.State
NOW = timedelta()


def soon():
    return (timezone.now() + timedelta(days=3)).replace(microsecond=0)


#: What is asked for, at whom, and what shows here once it is through.
CASES = [
    ("saleshandy", Action.COMPLETE, {"outcome": "Interested"}, {"status": "completed"}),
    ("saleshandy", Action.SKIP, {}, {"status": "skipped"}),
    ("saleshandy", Action.SNOOZE, {"until": "soon"}, {"status": "open"}),
    ("saleshandy", Action.NOTE, {"note": "A new note"}, {"note": "A new note"}),
    ("leadsquared", Action.COMPLETE, {}, {"status": "completed"}),
    ("leadsquared", Action.RESCHEDULE, {"starts_at": "soon"}, {"status": "open"}),
    ("leadsquared", Action.REASSIGN, {"assignee": "other"}, {"status": "open"}),
    ("leadsquared", Action.NOTE, {"note": "A new note"}, {"note": "A new note"}),
    ("leadsquared", Action.CANCEL, {}, {"status": "cancelled"}),
    ("reply", Action.COMPLETE, {"outcome": "0"}, {"status": "completed"}),
    ("reply", Action.RESCHEDULE, {"starts_at": "soon", "due_at": "later"}, {}),
    ("reply", Action.REASSIGN, {"assignee": "other"}, {"status": "open"}),
    ("reply", Action.NOTE, {"note": "A new note"}, {"note": "A new note"}),
    ("reply", Action.CANCEL, {}, {"status": "cancelled"}),
]


@pytest.fixture
def placed(connect):
    """Return a function that connects a vendor and delivers one task there."""

    def place(vendor):
        bench = connect(vendor)
        [task] = bench.create(1)
        bench.settle()
        return bench, Task.objects.get(pk=task.pk)

    return place


def filled(bench, values):
    moments = {"soon": soon(), "later": soon() + timedelta(hours=2)}
    result = {name: moments.get(value, value) for name, value in values.items()}
    if result.get("assignee") == "other":
        email = "elin@baton.example"
        user = next(
            u for u in bench.server.app.directory.users.values() if u.email == email
        )
        result["assignee"] = VendorUser.objects.filter(
            account=bench.account, external_id=user.id
        ).first() or make_vendor_user(bench.account, external_id=user.id, email=email)
    return result


def ask(bench, task, action, values):
    by = make_user(bench.account.team)
    task = Task.objects.select_related("account__team", "type").get(pk=task.pk)
    return actions.ask(task, action, filled(bench, values), by=by, undo=NOW)


def at_vendor(bench, task):
    found = [t for t in bench.server.tasks() if str(t["id"]) == task.external_id]
    return found[0] if found else None


@pytest.mark.parametrize(("vendor", "action", "values", "shown"), CASES)
def test_an_action_happens_at_the_vendor_and_shows(
    placed, vendor, action, values, shown
):
    bench, task = placed(vendor)

    push = ask(bench, task, action, values)
    bench.push()
    bench.server.settle()

    push.refresh_from_db()
    task.refresh_from_db()
    assert push.state == State.DELIVERED, push.error
    assert task.action_state == ""
    for name, value in shown.items():
        assert getattr(task, name) == value
    remote = at_vendor(bench, task)
    assert not bench.server.state()["executed"]
    if action == Action.CANCEL:
        assert remote is None
    if action == Action.NOTE:
        assert "A new note" in remote["note"]


@pytest.mark.parametrize("fault", ["lost_answer", "reset", "500", "truncated", "hang"])
@pytest.mark.parametrize(
    ("vendor", "action", "values"),
    [(vendor, action, values) for vendor, action, values, _ in CASES],
)
def test_an_unclear_action_is_looked_up_and_ends_right_on_both_sides(
    placed, settings, vendor, action, values, fault
):
    settings.CALL_DEADLINE = 1
    bench, task = placed(vendor)
    push = ask(bench, task, action, values)
    more = {"seconds": 3} if fault == "hang" else {}
    bench.server.dial(fault, next=1, **more)

    for _ in range(6):
        bench.settle(rounds=1)
    bench.server.clear_dials()
    for _ in range(4):
        bench.settle(rounds=1)

    push.refresh_from_db()
    task.refresh_from_db()
    assert push.state == State.DELIVERED, push.error
    remote = at_vendor(bench, task)
    if action == Action.COMPLETE:
        assert remote["state"] == "completed"
        assert task.status == "completed"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_refused_action_puts_the_page_back_and_says_why(placed, vendor):
    bench, task = placed(vendor)
    action = Action.COMPLETE
    if not bench.account.adapter().can(action):
        with pytest.raises(actions.NotOffered, match="offers no call"):
            ask(bench, task, action, {})
        return
    outcome = {"saleshandy": "Interested", "reply": "0"}.get(vendor, "")
    push = ask(bench, task, action, {"outcome": outcome} if outcome else {})
    task.refresh_from_db()
    assert task.status == "completed"
    bench.server.act("delete", [task.external_id])

    bench.push()
    bench.settle(rounds=2)

    push.refresh_from_db()
    task.refresh_from_db()
    assert push.state == State.FAILED, push.error
    assert push.error
    assert task.status in ("removed", "open")


def test_an_action_can_be_undone_before_it_leaves(placed):
    bench, task = placed("saleshandy")
    by = make_user(bench.account.team)
    task = Task.objects.select_related("account__team", "type").get(pk=task.pk)
    push = actions.ask(task, Action.SKIP, {}, by=by)

    in_time = actions.undo(push, by=by)
    bench.push()

    task.refresh_from_db()
    assert in_time
    assert task.status == "open"
    assert at_vendor(bench, task)["state"] == "open"


def test_an_action_waits_until_the_create_is_settled(connect):
    bench = connect("ysuite")
    other = connect("leadsquared")
    assert bench
    [task] = other.create(1)
    task = Task.objects.select_related("account__team", "type").get(pk=task.pk)
    other.server.dial("reset", next=1, method="POST")
    other.push()
    actions.ask(task, Action.COMPLETE, {}, by=make_user(), undo=NOW)

    other.push()
    assert [line["event"] for line in other.server.ledger("")] == []

    other.server.clear_dials()
    other.settle()
    task.refresh_from_db()
    assert task.delivery == State.DELIVERED
    assert task.status == "completed"


@pytest.mark.parametrize(
    ("vendor", "action", "values"),
    [
        ("leadsquared", Action.RESCHEDULE, {"starts_at": "soon"}),
        ("leadsquared", Action.NOTE, {"note": "A new note"}),
        ("reply", Action.RESCHEDULE, {"starts_at": "soon", "due_at": "later"}),
        ("saleshandy", Action.SNOOZE, {"until": "soon"}),
    ],
)
def test_what_is_on_its_way_is_not_changed_and_so_never_sent_twice(
    connect, vendor, action, values
):
    bench = connect(vendor)
    [task] = bench.create(1)
    bench.server.dial("lost_answer", next=1, method="POST")
    bench.push()
    bench.server.clear_dials()
    assert bench.states() == {State.NEEDS_CHECK: 1}

    with pytest.raises(actions.NotOffered, match="It is on its way"):
        ask(bench, task, action, values)
    bench.settle()

    assert bench.states() == {State.DELIVERED: 1}
    assert len(bench.server.ledger()) == 1
    ask(bench, task, action, values)


def test_undoing_comes_too_late_for_what_the_task_took_along(connect):
    bench = connect("reply")
    [task] = bench.create(1)
    task = Task.objects.select_related("account__team", "type").get(pk=task.pk)
    by = make_user(bench.account.team)
    values = {"starts_at": soon(), "due_at": soon() + timedelta(hours=2)}
    push = actions.ask(task, Action.RESCHEDULE, values, by=by)

    bench.push()
    undone = actions.undo(push, by=by)

    task.refresh_from_db()
    assert task.delivery == State.DELIVERED
    assert not undone
    assert task.due_at == values["due_at"]


def test_sync_does_not_undo_a_wish_that_is_on_its_way(placed):
    bench, task = placed("reply")
    by = make_user(bench.account.team)
    task = Task.objects.select_related("account__team", "type").get(pk=task.pk)
    actions.ask(task, Action.COMPLETE, {"outcome": "0"}, by=by)

    request_sync(bench.account)
    sync_account(bench.account.pk, transport=bench.transport)

    task.refresh_from_db()
    assert task.status == "completed"


def test_the_version_of_the_page_is_held_against_the_task(placed):
    bench, task = placed("reply")
    by = make_user(bench.account.team)
    Task.objects.filter(pk=task.pk).update(version=9, note="theirs")
    page = Task.objects.select_related("account__team", "type").get(pk=task.pk)
    page.note = "mine"

    with pytest.raises(actions.Conflict, match="theirs"):
        actions.ask(page, Action.NOTE, {"note": "new"}, by=by, version=8)


def test_a_wrong_key_keeps_the_action_for_later(placed):
    bench, task = placed("reply")
    good = bench.account.credentials
    push = ask(bench, task, Action.COMPLETE, {"outcome": "0"})
    ConnectedAccount.objects.update(credentials={"api_key": "wrong-key"})

    bench.push()
    push.refresh_from_db()
    assert push.state == State.QUEUED

    ConnectedAccount.objects.update(
        credentials=good, state="connected", credentials_version=2
    )
    bench.settle()
    push.refresh_from_db()
    assert push.state == State.DELIVERED


def test_an_action_that_crashed_half_way_is_looked_up(placed):
    bench, task = placed("reply")
    push = ask(bench, task, Action.COMPLETE, {"outcome": "0"})
    attempt, _ = states.claim(bench.account.pk, limit=1, lease=timedelta(seconds=60))
    states.start_sending([push.pk], attempt=attempt, lease=timedelta(seconds=60))
    Push.objects.filter(pk=push.pk).update(lease_until=timezone.now())

    sweep()
    bench.settle()

    push.refresh_from_db()
    assert push.state == State.DELIVERED
    assert at_vendor(bench, task)["state"] == "completed"


def test_what_was_so_already_is_settled_in_one_transaction(placed, monkeypatch):
    """The push and its task begin together, where no call is needed, too."""
    bench, task = placed("reply")
    push = ask(bench, task, Action.COMPLETE, {"outcome": "0"})
    start, within = states.start_sending, []

    def started(*args, **kwargs):
        within.append(connection.in_atomic_block)
        return start(*args, **kwargs)

    def nothing_to_do(self, draft):
        return None
        yield

    monkeypatch.setattr(states, "start_sending", started)
    monkeypatch.setattr(type(bench.account.adapter()), "act", nothing_to_do)
    bench.push()

    push.refresh_from_db()
    assert push.state == State.DELIVERED
    assert within == [True]
