"""One action for many tasks: in portions, resumable, and nobody is asked for twice."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import ActionRun, Push, Task, TaskEvent
from tasks_app.services import action_runs, actions, many
from tasks_app.services.drafting import drafts_for
from tasks_app.services.many import Wanted, ask_many, plan
from tests.factories import (
    make_account,
    make_batch,
    make_push,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return make_team(time_zone="Europe/Berlin")


def delivered(account, number=1, **overrides):
    return [
        make_task(
            account=account,
            delivery="delivered",
            external_id=uuid.uuid4().hex,
            **overrides,
        )
        for _ in range(number)
    ]


def ids(tasks):
    return [task.pk for task in tasks]


def begin(tasks, action, wanted=None, *, by, team, token=None):
    return action_runs.begin(
        ids(tasks),
        action,
        wanted or Wanted(),
        by=by,
        team=team,
        form_token=token or uuid.uuid4(),
    )


def test_the_plan_groups_what_cannot_be_done_and_why(team):
    lsq = make_account("leadsquared", team=team)
    ysuite = make_account("ysuite", team=team)
    delivered(lsq, 3)
    delivered(lsq, 2, status="completed")
    delivered(ysuite, 4)
    make_task(account=lsq, delivery="failed")

    found = plan(Task.objects.filter(team=team), "complete")

    assert found.able == 3
    assert found.skipped == {
        "YSuite offers no call for this. Do it there; the next sync shows it.": 4,
        "It is completed already.": 2,
        "It never reached LeadSquared.": 1,
    }
    assert found.total == 10
    assert found.accounts == {lsq: 3}


def test_the_plan_asks_for_the_outcome_of_calls_only(team):
    account = make_account("saleshandy", team=team)
    delivered(account, 2, type=account.task_types.exclude(channel="call").first())
    delivered(account, 3, type=account.task_types.filter(channel="call").first())

    found = plan(Task.objects.filter(team=team), "complete")

    assert found.able == 5
    assert found.outcome_counts == {"saleshandy": 3}


def test_the_plan_takes_the_same_queries_for_any_number(team):
    account = make_account("leadsquared", team=team)
    delivered(account, 2)

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            plan(Task.objects.filter(team=team), "complete")
        return len(seen)

    few = queries()
    delivered(account, 12)

    assert queries() == few == 3


def test_asking_takes_few_queries_for_any_number(team, lead):
    account = make_account("leadsquared", team=team)

    def queries(tasks):
        with CaptureQueriesContext(connection) as seen:
            asked = ask_many(ids(tasks), "complete", Wanted(), by=lead, team=team)
        assert len(asked.done) == len(tasks)
        return len(seen)

    few, many_more = queries(delivered(account, 3)), queries(delivered(account, 100))

    # SQLite takes a hundred rows in a few statements.
    assert few <= 8
    assert many_more <= few + 6


def test_each_that_can_gets_its_push_and_others_are_named(team, lead):
    account = make_account("leadsquared", team=team)
    good, done = delivered(account, 2), delivered(account, 1, status="completed")

    asked = ask_many(ids(good + done), "complete", Wanted(), by=lead, team=team)

    assert asked.done == ids(good)
    assert asked.skipped == {"It is completed already.": ids(done)}
    assert set(Push.objects.values_list("task_id", "kind")) == {
        (pk, "complete") for pk in ids(good)
    }
    task = Task.objects.get(pk=good[0].pk)
    assert (task.status, task.action_state, task.version) == ("completed", "queued", 2)
    assert TaskEvent.objects.filter(actor=lead, new="asked").count() == 2


def test_only_the_named_columns_are_written(team, lead):
    account = make_account("reply", team=team)
    person = make_vendor_user(account)
    [task] = delivered(account, 1, note="old")
    wanted = Wanted(assignees={str(account.pk): person.pk})
    portion = many.Portion(
        actions.Action.REASSIGN, wanted, lead, team, timedelta(), 0, None
    )
    stale = list(Task.objects.select_related("account__team", "type", "prospect"))
    Task.objects.update(note="written meanwhile", title="New title")

    portion.ask(stale, many.Asked())

    task.refresh_from_db()
    assert task.vendor_user == person
    assert (task.note, task.title) == ("written meanwhile", "New title")


def test_a_call_without_outcome_is_left_out_with_the_reason(team, lead):
    account = make_account("saleshandy", team=team)
    call = account.task_types.filter(channel="call").first()
    tasks = delivered(account, 2, type=call)

    none = ask_many(ids(tasks), "complete", Wanted(), by=lead, team=team)
    leave = Wanted(outcomes={"saleshandy": "leave"})
    left = ask_many(ids(tasks), "complete", leave, by=lead, team=team)

    assert none.skipped == {"Saleshandy needs the outcome of the call.": ids(tasks)}
    assert list(left.skipped) == ["You left out calls, which need an outcome."]
    assert not Push.objects.exists()


def test_a_person_of_another_account_is_nobody(team, lead):
    account, other = make_account("reply", team=team), make_account("reply", team=team)
    stranger = make_vendor_user(make_account("reply"))
    tasks = delivered(account, 1)
    for person in (make_vendor_user(other), stranger):
        wanted = Wanted(assignees={str(account.pk): person.pk})

        asked = ask_many(ids(tasks), "reassign", wanted, by=lead, team=team)

        assert list(asked.skipped) == [f"You chose nobody in {account.name}."]


def test_what_a_person_does_not_see_is_left_alone(team, lead):
    account = make_account("leadsquared", team=team)
    mine = delivered(account, 1)
    theirs = delivered(make_account("leadsquared"), 1)
    colleagues = delivered(account, 1, assignee=lead)
    rep = make_user(team, "rep")

    asked = ask_many(
        ids(mine + theirs + colleagues), "complete", Wanted(), by=rep, team=team
    )

    assert asked.done == ids(mine)
    assert asked.skipped["It is not in your list any more."] == sorted(
        ids(theirs + colleagues)
    )


def test_taking_back_what_was_not_sent_calls_nobody(team, lead):
    account = make_account("leadsquared", team=team)
    task = make_task(account=account)
    failed = make_task(account=account, delivery="failed")
    make_push(task=task), make_push(task=failed, state="failed")
    sending = make_task(account=account, delivery="sending")
    unclear = make_task(account=account, delivery="needs_check")
    every = [task.pk, failed.pk, sending.pk, unclear.pk]
    said = plan(Task.objects.filter(pk__in=every), "cancel")

    asked = ask_many(every, "cancel", Wanted(), by=lead, team=team)

    for one in (task, failed, unclear):
        one.refresh_from_db()
    for one in (task, failed):
        assert (one.pushes.get().state, one.status) == ("withdrawn", "cancelled")
    assert said.unsent == 2
    assert {task.pk, failed.pk} <= set(asked.done)
    assert unclear.delivery == "needs_check"


def test_retrying_takes_the_failed_alone(team, lead):
    account = make_account("leadsquared", team=team)
    failed = make_task(account=account, delivery="failed")
    push = make_push(task=failed, state="failed")
    good = delivered(account, 1)

    asked = ask_many([failed.pk, *ids(good)], many.RETRY, Wanted(), by=lead, team=team)

    push.refresh_from_db()
    assert push.state == "queued"
    assert asked.done == [failed.pk]
    assert list(asked.skipped.values()) == [ids(good)]


@pytest.mark.parametrize(
    ("task", "day", "at", "names", "expected"),
    [
        # Keeps its time of day and its length.
        (
            {"starts_at": (8, 0), "due_at": (9, 30)},
            date(2026, 7, 20),
            None,
            ("starts_at", "due_at", "due_on"),
            {"starts_at": "2026-07-20T08:00", "due_at": "2026-07-20T09:30"},
        ),
        # Another time is that of its end; the length stays.
        (
            {"starts_at": (8, 0), "due_at": (9, 30)},
            date(2026, 7, 20),
            time(15),
            ("starts_at", "due_at"),
            {"starts_at": "2026-07-20T13:30", "due_at": "2026-07-20T15:00"},
        ),
        # Winter time: nine o'clock stays nine o'clock.
        (
            {"due_at": (9, 0)},
            date(2026, 12, 1),
            None,
            ("due_at",),
            {"due_at": "2026-12-01T09:00"},
        ),
        ({}, date(2026, 7, 20), None, ("due_at", "due_on"), {"due_on": "2026-07-20"}),
        (
            {},
            date(2026, 7, 20),
            None,
            ("starts_at",),
            {"starts_at": "2026-07-20T09:00"},
        ),
        (
            {"starts_at": (8, 0), "due_at": (9, 30)},
            date(2026, 7, 20),
            None,
            ("starts_at",),
            {"starts_at": "2026-07-20T08:00"},
        ),
    ],
)
def test_another_day_keeps_the_time(team, task, day, at, names, expected):
    dates = {
        name: datetime(2026, 7, 15, *clock, tzinfo=team.zone).astimezone(UTC)
        for name, clock in task.items()
    }

    moved = many.moved_to(Task(**dates), day, at, names=names, team=team)

    shown = {
        name: f"{value.astimezone(team.zone):%Y-%m-%dT%H:%M}"
        if isinstance(value, datetime)
        else value.isoformat()
        for name, value in moved.items()
    }
    assert shown == expected


# -- runs --------------------------------------------------------------------------------


def test_a_small_run_is_through_at_once_and_a_double_click_begins_one(team, lead):
    account = make_account("leadsquared", team=team)
    tasks, token = delivered(account, 3), uuid.uuid4()

    first = begin(tasks, "complete", by=lead, team=team, token=token)
    second = begin(tasks, "complete", by=lead, team=team, token=token)

    assert first.pk == second.pk
    assert (first.done, first.total, first.skipped) == (3, 3, {})
    assert first.ended_at
    assert Push.objects.count() == 3


def test_a_token_of_somebody_else_begins_a_run_of_ones_own(team, lead):
    tasks, token = delivered(make_account("leadsquared", team=team)), uuid.uuid4()
    first = begin(tasks, "note", by=lead, team=team, token=token)

    second = begin(tasks, "complete", by=make_user(team), team=team, token=token)

    assert second.pk != first.pk


@pytest.fixture
def long(team, lead):
    """A run of five portions of two tasks each, one of which cannot be done."""
    account = make_account("leadsquared", team=team)
    tasks = delivered(account, 9) + delivered(account, 1, status="completed")
    return ActionRun.objects.create(
        team=team,
        by=lead,
        action="complete",
        task_ids=ids(tasks),
        total=10,
        form_token=uuid.uuid4(),
    )


def test_a_long_run_waits_for_the_worker(team, lead, monkeypatch):
    monkeypatch.setattr(action_runs, "AT_ONCE", 2)
    tasks = delivered(make_account("leadsquared", team=team), 3)

    run = begin(tasks, "complete", by=lead, team=team)

    assert run.ended_at is None
    assert not Push.objects.exists()
    assert action_runs.due(timezone.now()) == [run.pk]


def test_a_run_killed_in_the_middle_goes_on_and_asks_for_nobody_twice(
    long, monkeypatch
):
    monkeypatch.setattr(action_runs, "PORTION", 2)
    real, calls = actions.asked, []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(actions, "asked", dies)
    with pytest.raises(KeyboardInterrupt):
        action_runs.work(long.pk)
    long.refresh_from_db()
    assert (long.position, long.done) == (4, 4)
    assert Push.objects.count() == 4
    assert action_runs.due(timezone.now()) == []
    assert not action_runs.work(long.pk)

    later = timezone.now() + action_runs.LEASE * 2
    assert action_runs.due(later) == [long.pk]
    ActionRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    action_runs.work(long.pk)

    long.refresh_from_db()
    assert (long.position, long.done) == (10, 9)
    assert long.skipped["It is completed already."]["count"] == 1
    assert long.ended_at
    assert Push.objects.count() == 9
    assert Push.objects.values("task_id").distinct().count() == 9


def tries_of(run):
    """Work on a run as the workers do until nobody would again; return how often."""
    for number in range(1, 50):
        ActionRun.objects.update(lease_until=None)
        if not action_runs.due(timezone.now()):
            return number - 1
        action_runs.work(run.pk)
    raise AssertionError("It is tried for ever.")


def test_a_portion_that_always_fails_is_tried_a_few_times_then_the_run_stops(
    long, monkeypatch
):
    monkeypatch.setattr(action_runs, "PORTION", 4)

    def broken(ids, *args, **kwargs):
        if long.task_ids[5] in ids or long.task_ids[6] in ids:
            raise OperationalError("database is locked")
        return ask_many(ids, *args, **kwargs)

    monkeypatch.setattr(action_runs, "ask_many", broken)

    assert tries_of(long) == action_runs.MOST_TRIES

    long.refresh_from_db()
    assert (long.position, long.done, Push.objects.count()) == (4, 4, 4)
    assert long.stopped_at
    assert long.stopped_why == (
        "5 tries did not get on. Each time Baton met an error that its log names."
    )
    assert not action_runs.work(long.pk)

    monkeypatch.setattr(action_runs, "ask_many", ask_many)
    assert action_runs.go_on(long)
    assert not action_runs.go_on(long)
    action_runs.work(long.pk)
    long.refresh_from_db()
    assert (long.position, long.done, long.stopped_why) == (10, 9, "")
    assert long.ended_at
    assert Push.objects.values("task_id").distinct().count() == 9


def test_a_failed_try_waits_longer_each_time(long, monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(action_runs, "ask_many", broken)
    pauses = []
    for _ in range(3):
        ActionRun.objects.update(lease_until=None)
        action_runs.work(long.pk)
        assert action_runs.due(timezone.now()) == []
        pauses.append(ActionRun.objects.get().lease_until)

    assert pauses[1] - pauses[0] > action_runs.PAUSE / 2
    assert pauses[2] - pauses[1] > action_runs.PAUSE / 2


def test_workers_that_die_at_a_portion_stop_the_run_too(long, monkeypatch):
    def dies(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(action_runs, "ask_many", dies)
    for _ in range(action_runs.MOST_TRIES):
        ActionRun.objects.update(lease_until=None)
        with pytest.raises(KeyboardInterrupt):
            action_runs.work(long.pk)

    ActionRun.objects.update(lease_until=None)
    assert not action_runs.work(long.pk)

    long.refresh_from_db()
    assert long.stopped_at
    assert "the worker was gone" in long.stopped_why


def test_one_task_that_breaks_baton_is_named_and_the_others_are_done(long, monkeypatch):
    def broken(ids, *args, **kwargs):
        if long.task_ids[5] in ids:
            raise ZeroDivisionError
        return ask_many(ids, *args, **kwargs)

    monkeypatch.setattr(action_runs, "ask_many", broken)

    assert tries_of(long) == action_runs.MOST_TRIES

    long.refresh_from_db()
    assert (long.position, long.done) == (10, 8)
    assert long.ended_at and not long.stopped_at
    assert long.skipped[action_runs.BROKE]["tasks"] == [long.task_ids[5]]


def test_who_lost_the_lease_keeps_nothing(long):
    stale = uuid.uuid4()
    ActionRun.objects.update(attempt_id=uuid.uuid4())

    with pytest.raises(action_runs.NotOurs):
        action_runs.portion(long.pk, stale)

    assert not Push.objects.exists()


def test_a_turn_ends_in_time_and_the_next_goes_on(long, monkeypatch):
    monkeypatch.setattr(action_runs, "PORTION", 4)

    left = action_runs.work(long.pk, until=timezone.now())

    long.refresh_from_db()
    assert left
    assert long.position == 4
    assert action_runs.due(timezone.now()) == [long.pk]


def test_many_do_not_go_before_what_one_person_waits_for(long, monkeypatch):
    monkeypatch.setattr(action_runs, "AT_ONCE", 5)

    action_runs.work(long.pk)

    assert set(Push.objects.values_list("lane", flat=True)) == {Push.Lane.NORMAL}


def test_a_run_of_somebody_who_left_does_nothing(long):
    ActionRun.objects.update(by=None)

    action_runs.work(long.pk)

    long.refresh_from_db()
    assert long.done == 0
    assert list(long.skipped) == ["The person who asked for this has left."]


def test_a_small_run_can_be_undone_before_it_leaves(team, lead):
    tasks = delivered(make_account("leadsquared", team=team), 3)
    run = begin(tasks, "complete", by=lead, team=team)
    gone = Push.objects.first()
    Push.objects.filter(pk=gone.pk).update(
        state="claimed", attempt_id=uuid.uuid4(), lease_until=timezone.now()
    )

    undone = action_runs.undo(run, by=lead)

    assert undone == 2
    assert Task.objects.filter(status="open").count() == 2


def test_what_was_asked_later_stays_when_the_earlier_is_undone(team, lead):
    [task] = delivered(make_account("leadsquared", team=team))
    task = Task.objects.select_related("account__team", "type").get(pk=task.pk)
    start = timezone.now() + timedelta(days=2)
    later = {"starts_at": start}
    first = actions.ask(task, actions.Action.NOTE, {"note": "x"}, by=lead)
    actions.ask(task, actions.Action.RESCHEDULE, later, by=lead)

    assert not actions.undo(first, by=lead)

    first.refresh_from_db()
    assert first.state == "queued"


def test_the_worker_starts_runs_by_itself(long, monkeypatch):
    from tasks_app.jobs import pulse, runs

    rung = []
    # A test's one connection stays open.
    monkeypatch.setattr(runs, "close_old_connections", lambda: None)
    monkeypatch.setattr(
        runs.action_run_job, "apply_async", lambda args, **kwargs: rung.append(args)
    )

    pulse.ring_for_due_work()
    runs.action_run_job(long.pk)
    pulse.ring_for_due_work()

    long.refresh_from_db()
    assert rung == [(long.pk,)]
    assert long.ended_at


# -- priority ------------------------------------------------------------------------------


def prioritised(tasks, name, *, by, team):
    return ask_many(ids(tasks), many.PRIORITY, Wanted(priority=name), by=by, team=team)


def test_where_a_new_priority_shows_is_said_before(team):
    saleshandy = make_account("saleshandy", team=team)
    reply = make_account("reply", team=team)
    delivered(saleshandy, 2)
    make_task(account=saleshandy)
    delivered(reply, 3)
    delivered(reply, 1, status="completed")
    make_task(account=reply, delivery="needs_check")

    found = plan(Task.objects.filter(team=team), many.PRIORITY)

    assert found.able == 6
    assert found.told == {
        "Only in Baton: Saleshandy has no call that changes a priority.": 2,
        "Saleshandy gets it with the task, which has not been sent yet.": 1,
        "Only in Baton: Reply.io has no priorities.": 3,
    }
    assert found.skipped == {
        "It is completed already.": 1,
        "It is on its way to Reply.io. Once it is known to be there, try again.": 1,
    }


def test_priority_changes_here_with_its_history_and_calls_nobody(team, lead):
    account = make_account("saleshandy", team=team)
    tasks, same = delivered(account, 2, priority=1), delivered(account, 1, priority=3)

    asked = prioritised([*tasks, *same], "high", by=lead, team=team)

    assert asked.done == ids(tasks)
    assert asked.skipped == {"Its priority is high already.": ids(same)}
    assert set(Task.objects.values_list("priority", flat=True)) == {3}
    assert not Push.objects.exists()
    event = TaskEvent.objects.filter(task=tasks[0]).get()
    assert (event.kind, event.old, event.new, event.actor) == (
        "priority",
        "1",
        "3",
        lead,
    )


def test_what_becomes_urgent_before_it_is_sent_goes_first(team, lead):
    account = make_account("saleshandy", team=team)
    push = make_push(task=make_task(account=account), lane=Push.Lane.NORMAL)

    prioritised([push.task], "urgent", by=lead, team=team)

    push.refresh_from_db()
    assert push.lane == Push.Lane.URGENT
    assert drafts_for([push])[push.pk].priority == 4


@pytest.mark.parametrize("how", ["undone", "changed"])
@pytest.mark.parametrize(
    ("number", "lane"), [(2, Push.Lane.NORMAL), (1, Push.Lane.URGENT)]
)
def test_what_is_urgent_no_more_waits_where_it_would_have(
    team, lead, how, number, lane
):
    """Behind the others, except a single task, which waits behind no batch anyway."""
    batch = make_batch(make_account("saleshandy", team=team))
    tasks = [make_task(account=batch.account, batch=batch) for _ in range(number)]
    former = {task.pk: task.priority for task in tasks}
    for task in tasks:
        make_push(task=task, lane=lane)
    prioritised(tasks, "urgent", by=lead, team=team)
    assert {push.lane for push in Push.objects.all()} == {Push.Lane.URGENT}

    if how == "undone":
        many.undo_priority(former, {"priority": "urgent"}, by=lead, team=team)
    else:
        prioritised(tasks, "low", by=lead, team=team)

    assert {push.lane for push in Push.objects.all()} == {lane}


# -- what is on its way stays as it was sent -------------------------------------------------


@pytest.mark.parametrize("state", ["claimed", "sending", "accepted", "needs_check"])
@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (many.PRIORITY, Wanted(priority="low")),
        ("reschedule", Wanted(day="2030-01-01")),
        ("reassign", Wanted()),
    ],
)
def test_a_task_on_its_way_is_not_changed(team, lead, state, action, wanted):
    account = make_account("leadsquared", team=team)
    person = make_vendor_user(account)
    if action == "reassign":
        wanted = Wanted(assignees={str(account.pk): person.pk})
    # What is claimed still shows as queued: nothing has left yet.
    delivery = "queued" if state == "claimed" else state
    task = make_task(account=account, delivery=delivery, priority=3)
    push = make_push(
        task=task,
        state=state,
        attempt_id=uuid.uuid4(),
        lease_until=timezone.now() + timedelta(minutes=1),
        request_number="7" if state == "accepted" else "",
    )
    before = drafts_for([push])[push.pk]

    asked = ask_many([task.pk], action, wanted, by=lead, team=team)

    assert asked.done == []
    assert list(asked.skipped) == [
        "It is on its way to LeadSquared. Once it is known to be there, try again."
    ]
    assert drafts_for([push])[push.pk] == before
