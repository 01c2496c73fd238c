"""Tasks made at the vendor: listed once, followed, acted on, and never a double of ours."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tasks_app.models import (
    ConnectedAccount,
    Drift,
    ProspectLink,
    Push,
    SyncRun,
    Task,
    TaskEvent,
    VendorUser,
)
from tasks_app.services import actions, bringing, delivery
from tasks_app.services.prospects import set_external_id
from tasks_app.services.reading import AccountReading
from tasks_app.services.syncing import request_sync, sync_account
from tasks_app.vendors.findings import RemoteTask
from tasks_app.vendors.words import Action, Status
from tests.factories import EXTERNAL_IDS, make_prospect, make_user
from tests.practice.client import created_id

from .conftest import VENDORS

pytestmark = pytest.mark.django_db(transaction=True)

#: Under these names each vendor takes whom a task is for.
PROSPECT = {
    "saleshandy": lambda found: {"prospectIds": [found]},
    "leadsquared": lambda found: {"RelatedEntityId": found},
    "reply": lambda found: {"contactId": int(found)},
    "ysuite": lambda found: {"cstid": int(found)},
}
#: Where each vendor's adapter and its lists keep the size of a page.
PAGES = {
    "saleshandy": "tasks_app.vendors.saleshandy_reading.PAGE_SIZE",
    "leadsquared": "tasks_app.vendors.leadsquared_listing.ROWS",
    "reply": "tasks_app.vendors.reply_listing.MOST",
    "ysuite": "tasks_app.vendors.ysuite_reading.PAGE_SIZE",
}


class Killed(BaseException):
    """Stands for the end of a process."""


def sync(bench) -> SyncRun:
    request_sync(bench.account)
    run = sync_account(bench.account.pk, transport=bench.transport)
    assert run is not None
    assert run.error == ""
    return run


def made_there(bench, count=1, **changes) -> list[str]:
    """Let somebody create tasks in the vendor's own tool; return their ids."""
    return [created_id(bench.server, **changes) for _ in range(count)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_task_made_there_is_listed_with_what_the_vendor_shows(connect, vendor):
    bench = connect(vendor, bring_in=True)
    person = make_prospect(bench.account.team)
    known = EXTERNAL_IDS[vendor](77)
    set_external_id(person, bench.account, known)
    [external_id] = made_there(bench, **PROSPECT[vendor](known))

    run = sync(bench)

    task = Task.objects.get()
    assert task.external_id == external_id
    assert task.origin == Task.Origin.VENDOR
    assert task.team == bench.account.team
    assert task.prospect == person
    assert task.vendor_prospect_id == known
    assert (task.delivery, task.status) == (Task.Delivery.DELIVERED, Task.Status.OPEN)
    assert task.vendor_status
    assert task.as_of is not None
    assert task.due_sort < timezone.now() + timedelta(days=1000)
    assert task.type.code != bringing.NO_TYPE
    assert not task.pushes.exists()
    assert run.tasks_brought_in == 1
    [event] = TaskEvent.objects.all()
    assert (event.kind, event.source) == ("brought_in", TaskEvent.Source.SYNC)


def test_texts_priority_and_holder_come_with_it(connect):
    bench = connect("leadsquared", bring_in=True)
    elin = make_user(bench.account.team, username="elin", role="rep")
    made_there(bench)

    sync(bench)

    task = Task.objects.select_related("vendor_user", "type").get()
    assert task.title == "Meeting: Subject"
    assert task.note == "Describing the task"
    assert task.type.name == "Meeting"
    assert task.starts_at == datetime(2026, 5, 11, 10, 30, tzinfo=UTC)
    assert task.due_at == datetime(2026, 5, 11, 10, 45, tzinfo=UTC)
    assert task.vendor_user is not None
    assert task.assignee == elin
    assert task.known_there_as


@pytest.mark.parametrize("vendor", VENDORS)
def test_reading_twice_makes_no_second_row(connect, vendor):
    bench = connect(vendor, bring_in=True)
    made_there(bench, 3)

    sync(bench)
    again = sync(bench)

    assert Task.objects.count() == 3
    assert TaskEvent.objects.count() == 3
    assert again.tasks_brought_in == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_without_the_setting_nothing_is_listed(connect, vendor):
    bench = connect(vendor)
    made_there(bench, 2)
    bench.create(1)
    bench.settle()

    sync(bench)

    assert Task.objects.count() == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_switched_off_the_rows_stay_and_no_new_ones_come(connect, vendor):
    bench = connect(vendor, bring_in=True)
    [first] = made_there(bench)
    sync(bench)
    ConnectedAccount.objects.update(bring_in=False)
    made_there(bench)
    bench.server.act("delete", [first])

    sync(bench)

    task = Task.objects.get()
    assert task.external_id == first
    assert task.status == Task.Status.REMOVED


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("act", ["complete", "delete"])
def test_it_is_followed_like_the_others(connect, vendor, act):
    bench = connect(vendor, bring_in=True)
    first, second = made_there(bench, 2)
    sync(bench)
    bench.server.act(act, [first])

    sync(bench)

    status = {"complete": "completed", "delete": "removed"}[act]
    assert Task.objects.get(external_id=first).status == status
    assert Task.objects.get(external_id=second).status == "open"
    kinds = TaskEvent.objects.filter(task__external_id=first).values_list("kind", "new")
    assert list(kinds) == [("brought_in", ""), ("status", status)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_was_closed_just_now_is_listed_where_the_vendor_says_when(connect, vendor):
    bench = connect(vendor, bring_in=True)
    [task_id] = made_there(bench)
    bench.server.act("complete", [task_id])

    sync(bench)

    # YSuite shows no time at which a task was completed.
    expected = [] if vendor == "ysuite" else [(task_id, "completed")]
    assert list(Task.objects.values_list("external_id", "status")) == expected


def test_closed_long_ago_and_unknown_words_stay_out(connect):
    bench = connect("reply", bring_in=True)
    at = timezone.now()
    old = RemoteTask("1", Status.COMPLETED, completed_at=at - timedelta(days=8))
    undated = RemoteTask("2", Status.CANCELLED)
    unknown = RemoteTask("3", None, vendor_status="parked")
    nameless = RemoteTask("", Status.OPEN)
    endless = RemoteTask("9" * 101, Status.OPEN)
    cut = RemoteTask("4\0", Status.OPEN)

    made = bringing.bring_in(
        bench.account, [old, undated, unknown, nameless, endless, cut], at=at
    )

    assert made == 0
    assert not Task.objects.exists()
    assert Drift.objects.get().detail == "parked"


def test_wild_values_are_kept_within_our_columns(connect):
    bench = connect("reply", bring_in=True)
    wild = RemoteTask(
        "5",
        Status.OPEN,
        vendor_status="w" * 300,
        title="t\0" * 600,
        note="n\0" * 30_000,
        due_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
        prospect_id="p" * 300,
        prospect_name="x\0" * 300,
        assignee_id="a" * 300,
        type_code="k\0" * 300,
        url="https://reply.io/" + "u" * 600,
        created_at=timezone.now() + timedelta(days=400),
        shown=frozenset({"title", "note", "due_at"}),
    )

    assert bringing.bring_in(bench.account, [wild], at=timezone.now()) == 1

    task = Task.objects.get()
    assert len(task.title) == 500
    assert "\0" not in task.title + task.note + task.vendor_prospect_name
    assert task.due_at is None
    assert task.vendor_user is None
    assert task.created_at <= timezone.now()


# -- our own -------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_our_own_lost_answer_is_never_a_second_row(connect, vendor):
    bench = connect(vendor, bring_in=True)
    bench.create(3)
    bench.server.dial("lost_answer", next=1, method="POST")
    bench.push()
    bench.server.clear_dials()
    bench.server.settle()
    assert Push.objects.filter(state__in=["needs_check", "accepted"]).exists()

    sync(bench)
    between = Task.objects.count()
    bench.settle()
    sync(bench)

    assert between == Task.objects.count() == 3
    assert set(Task.objects.values_list("origin", "delivery")) == {
        ("baton", "delivered")
    }
    at_vendor = {str(task["id"]) for task in bench.server.tasks()}
    assert set(Task.objects.values_list("external_id", flat=True)) == at_vendor


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_on_its_way_just_now_is_not_brought_in(connect, vendor):
    bench = connect(vendor, bring_in=True)
    bench.create(2)

    class Reads:
        """Reads the account after the vendor has created and before that is noted."""

        def send(self, request, **how):
            answer = bench.transport.send(request, **how)
            bench.server.settle()
            sync(bench)
            return answer

    syncing_bench = type(bench)(bench.account, bench.server, Reads())
    syncing_bench.push()
    bench.settle()

    assert SyncRun.objects.filter(state="done").exists()
    assert set(Task.objects.values_list("origin", "delivery")) == {
        ("baton", "delivered")
    }
    assert Task.objects.count() == 2


def test_what_a_person_asked_about_holds_back_only_its_equal(connect):
    bench = connect("ysuite", bring_in=True)
    [task] = bench.create(1)
    bench.server.dial("lost_answer", next=1, method="POST")
    bench.push()
    bench.server.clear_dials()
    Push.objects.update(ask_person=True)
    link = ProspectLink.objects.get(prospect=task.prospect)
    [other] = made_there(bench, cstid=int(link.external_id), title="Another matter")

    sync(bench)

    assert Task.objects.count() == 2
    assert Task.objects.exclude(pk=task.pk).get().external_id == other


def test_a_row_that_was_only_read_gives_way_to_the_task_that_was_sent(connect):
    bench = connect("ysuite")
    [task] = bench.create(1)
    bench.server.dial("lost_answer", next=1, method="POST")
    bench.push()
    bench.server.clear_dials()
    [there] = bench.server.tasks()
    remote = RemoteTask(str(there["id"]), Status.OPEN)
    ConnectedAccount.objects.update(bring_in=True)
    bench.account.bring_in = True
    push = Push.objects.get()
    Push.objects.update(state="failed")  # as if it had been settled wrongly
    bringing.bring_in(bench.account, [remote], at=timezone.now())
    Push.objects.update(state="needs_check")
    assert Task.objects.count() == 2

    bench.look()

    task.refresh_from_db()
    assert Task.objects.count() == 1
    assert (task.delivery, task.external_id) == ("delivered", str(there["id"]))

    # A person who names the id of such a row is believed, too.
    bringing.bring_in(
        bench.account, [RemoteTask("4711", Status.OPEN)], at=timezone.now()
    )
    Push.objects.update(state="needs_check", external_id="")
    Task.objects.filter(pk=task.pk).update(delivery="needs_check", external_id="")
    by = make_user(bench.account.team)
    delivery.settle_by_person(push, "there", by=by, external_id="4711")
    task.refresh_from_db()
    assert task.external_id == "4711"


def test_a_row_that_was_acted_on_does_not_give_way(connect):
    bench = connect("reply", bring_in=True)
    [external_id] = made_there(bench)
    sync(bench)
    task = Task.objects.get()
    actions.ask(
        task, Action.NOTE, {"note": "Call at noon"}, by=make_user(bench.account.team)
    )

    assert bringing.give_way(bench.account, [external_id]) == 0
    assert Task.objects.get().pk == task.pk


@pytest.mark.parametrize("older", [False, True])
def test_a_row_that_was_acted_on_is_asked_about_unless_it_is_older(connect, older):
    bench = connect("reply", bring_in=True)
    bench.create(1)
    bench.server.dial("lost_answer", next=1, method="POST")
    bench.push()
    bench.server.clear_dials()
    [there] = bench.server.tasks()
    Push.objects.update(state="failed")  # as if it had been settled wrongly
    remote = RemoteTask(str(there["id"]), Status.OPEN)
    bringing.bring_in(bench.account, [remote], at=timezone.now())
    read = Task.objects.get(origin=Task.Origin.VENDOR)
    by = make_user(bench.account.team)
    actions.ask(read, Action.NOTE, {"note": "Call at noon"}, by=by)
    later = timezone.now() + timedelta(minutes=20 if older else 0)
    creates = Push.objects.filter(kind="create")
    creates.update(state="needs_check", sent_at=later, error="")

    bench.look()

    push = creates.get()
    assert push.state == "needs_check"
    if older:
        assert (push.absent_reads, push.error) == (1, "")
    else:
        assert "has been worked on since. It may be this one." in push.error


# -- bad days --------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_killed_between_pages_it_goes_on_and_lists_each_once(
    connect, vendor, monkeypatch
):
    bench = connect(vendor, bring_in=True)
    monkeypatch.setattr(PAGES[vendor], 10)
    ids = made_there(bench, 25)
    store = AccountReading.store
    stored = []

    def store_and_die(reading, page):
        store(reading, page)
        stored.append(len(page.tasks))
        if sum(stored) >= 10:
            raise Killed

    monkeypatch.setattr(AccountReading, "store", store_and_die)
    request_sync(bench.account)
    with pytest.raises(Killed):
        sync_account(bench.account.pk, transport=bench.transport)
    first = Task.objects.count()
    monkeypatch.setattr(AccountReading, "store", store)
    SyncRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    run = sync_account(bench.account.pk, transport=bench.transport)

    assert run is not None
    assert run.error == ""
    assert 10 <= first < 25
    assert set(Task.objects.values_list("external_id", flat=True)) == set(ids)
    assert Task.objects.count() == TaskEvent.objects.count() == 25
    assert run.tasks_brought_in == 25


def test_two_readings_at_once_make_one_row_each(connect):
    bench = connect("reply", bring_in=True)
    at = timezone.now()
    remotes = [
        RemoteTask(
            str(n),
            Status.OPEN,
            type_code="2",
            assignee_id=str(n % 7),
            title=f"Task {n}",
        )
        for n in range(1, 200)
    ]
    ready, made = threading.Barrier(3), []

    def read() -> None:
        ready.wait()
        try:
            made.append(bringing.bring_in(bench.account, remotes, at=at))
        finally:
            connection.close()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Task.objects.count() == 199
    assert TaskEvent.objects.filter(kind="brought_in").count() == sum(made) == 199
    assert VendorUser.objects.exclude(email="lead@baton.example").count() == 7


# -- who and whom ------------------------------------------------------------------------


def test_it_is_linked_once_its_prospect_gets_that_id(connect):
    bench = connect("reply", bring_in=True)
    made_there(bench, contactId=100321)
    sync(bench)
    task = Task.objects.get()
    assert task.prospect is None
    assert task.known_there_as

    person = make_prospect(bench.account.team, first_name="Ngozi", last_name="Adeyemi")
    set_external_id(person, bench.account, "100321")

    task.refresh_from_db()
    assert task.prospect == person
    assert task.known_there_as == ""
    assert "ngozi" in task.search_text
    assert TaskEvent.objects.filter(kind="prospect", new="Ngozi Adeyemi").exists()


def test_a_rep_sees_their_own_and_nobodys(connect):
    bench = connect("leadsquared", bring_in=True)
    team = bench.account.team
    elin = make_user(team, username="elin", role="rep")
    make_user(team, username="jonas", role="rep")
    mine = made_there(bench, OwnerEmailAddress="elin@baton.example")
    made_there(bench, OwnerEmailAddress="jonas@baton.example")
    made_there(bench, OwnerEmailAddress="priya@baton.example")

    sync(bench)

    assert Task.objects.count() == 3
    seen = Task.objects.visible_to(elin, team)
    assert list(seen.values_list("external_id", flat=True)) == mine


@pytest.mark.parametrize(
    ("vendor", "action", "values", "shown"),
    [
        ("saleshandy", Action.COMPLETE, {"outcome": "Interested"}, "completed"),
        ("saleshandy", Action.SKIP, {}, "skipped"),
        ("leadsquared", Action.COMPLETE, {}, "completed"),
        ("leadsquared", Action.NOTE, {"note": "Bring the figures"}, "open"),
        ("reply", Action.COMPLETE, {"outcome": "0"}, "completed"),
        ("reply", Action.NOTE, {"note": "Bring the figures"}, "open"),
    ],
)
def test_it_can_be_acted_on_like_the_others(connect, vendor, action, values, shown):
    bench = connect(vendor, bring_in=True)
    [external_id] = made_there(bench)
    sync(bench)
    task = Task.objects.get()
    before = bench.server.tasks()[0]

    by = make_user(bench.account.team)
    actions.ask(task, action, values, by=by, undo=timedelta(0))
    bench.push()
    sync(bench)

    [there] = bench.server.tasks()
    task.refresh_from_db()
    assert Push.objects.get().state == "delivered"
    assert there["state"] == shown == task.status
    assert there["prospect"] == before["prospect"]
    if "note" in values:
        assert values["note"] in there["note"]
        assert task.note == values["note"]
    assert Task.objects.get().external_id == external_id


def test_a_new_text_at_the_vendor_shows_here(connect):
    bench = connect("ysuite", bring_in=True)
    made_there(bench)
    sync(bench)
    [there] = bench.server.tasks()
    stored = bench.server.store.get(str(there["id"]))
    stored.title, stored.note = "Call Sarah first", "She moved to legal"
    bench.server.store.save(stored)

    sync(bench)

    task = Task.objects.get()
    assert task.title == "Call Sarah first"
    assert "call sarah" in task.search_text
    assert TaskEvent.objects.filter(kind="title", new="Call Sarah first").exists()


@pytest.mark.parametrize("vendor", ["reply", "ysuite"])
def test_texts_that_lists_do_not_show_are_asked_for(connect, vendor, monkeypatch):
    monkeypatch.setattr("tasks_app.services.reading.TEXTS", 2)
    bench = connect(vendor, bring_in=True)
    made_there(bench, 3)

    sync(bench)
    first = Task.objects.filter(text_unread=True).count()
    sync(bench)
    sync(bench)

    assert first == 1
    assert not Task.objects.filter(text_unread=True).exists()
    assert all(Task.objects.values_list("note", flat=True))
    if vendor == "reply":
        titles = set(Task.objects.values_list("title", flat=True))
        assert titles == {"Call: Call about the renewal"}
    calls = len(bench.server.calls())
    run = sync(bench)
    assert len(bench.server.calls()) - calls == run.calls < 4
