"""A vendor that works so late that a task which was sent again exists twice (F51)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task, TaskCopy, TaskEvent
from tasks_app.services import copies, pacing, sweeping, syncing
from tasks_app.services.delivery import (
    AlreadySettled,
    WrongId,
    settle_by_person,
    withdraw,
)
from tests.engine.conftest import VENDORS
from tests.factories import make_user

from .conftest import Bed, plain

pytestmark = pytest.mark.django_db
State = Push.State
each_vendor = pytest.mark.parametrize("vendor", VENDORS)


def sent_twice(bed: Bed) -> None:
    """Create a task; two looks do not show it, so that it is sent again; both arrive."""
    bed.create(1)
    do_it_late = bed.postpone()
    bed.push()
    bed.look()
    bed.look()
    bed.push()
    bed.server.settle()
    bed.look()
    bed.stands(State.DELIVERED)
    assert len(bed.made()) == 1
    do_it_late()
    bed.server.settle()
    assert len(bed.made()) == 2


def read(bed: Bed) -> None:
    """Read the account as the scheduler does."""
    Push.objects.filter(watch_at__isnull=False).update(watch_at=timezone.now())
    syncing.request_sync(bed.account)
    run = syncing.sync_account(bed.account.pk, transport=bed.transport)
    assert run is not None
    assert run.error == ""


@each_vendor
def test_a_copy_that_appears_after_two_looks_is_flagged_by_the_next_reading(
    lay, vendor
):
    bed = lay(vendor)
    sent_twice(bed)

    read(bed)

    task = Task.objects.get()
    assert task.delivery == State.DELIVERED
    copy = TaskCopy.objects.get()
    both = {str(row["id"]).casefold() for row in bed.server.tasks()}
    assert {task.external_id.casefold(), copy.external_id.casefold()} == both
    event = TaskEvent.objects.get(kind="copy")
    assert f"A second copy appeared at {bed.name}" in event.note
    plain(event.note, bed.name)

    read(bed)
    assert TaskCopy.objects.count() == 1  # said once
    assert TaskEvent.objects.filter(kind="copy").count() == 1
    assert bed.sent() == 2


@each_vendor
def test_a_copy_is_flagged_without_a_marker_too(lay, vendor):
    bed = lay(vendor, reference_marker=False)
    bed.create(1)
    do_it_late = bed.postpone()
    bed.push()
    bed.look()
    bed.look()
    if Push.objects.get().state != State.QUEUED:
        pytest.skip(f"{vendor} shows too little without a marker: a person decides.")
    bed.push()
    do_it_late()
    bed.server.settle()

    read(bed)

    assert TaskCopy.objects.count() == 1


def test_a_person_s_word_may_make_two_as_well(lay):
    bed = lay("ysuite")
    bed.create(1)
    do_it_late = bed.postpone()
    bed.push()
    settle_by_person(Push.objects.get(), "again", by=make_user(bed.account.team))
    bed.push()
    do_it_late()

    read(bed)

    assert TaskCopy.objects.count() == 1


def test_both_there_at_the_same_look_are_one_linked_and_one_flagged(lay):
    bed = lay("reply")
    bed.create(1)
    do_it_late = bed.postpone()
    bed.push()
    bed.look()
    bed.look()
    bed.dial("lost_answer")
    bed.push()
    do_it_late()

    bed.look()

    bed.stands(State.DELIVERED)
    assert TaskCopy.objects.count() == 1


@pytest.mark.parametrize("who", ["Baton", "a person"])
@each_vendor
def test_where_only_the_first_of_two_calls_arrives_it_is_found(lay, vendor, who):
    bed = lay(vendor)
    with time_machine.travel(timezone.now()) as clock:
        bed.create(1)
        do_it_late = bed.postpone()
        bed.push()
        bed.look()
        if who == "Baton":
            bed.look()
        else:
            by = make_user(bed.account.team)
            settle_by_person(Push.objects.get(), "again", by=by)
        do_it_late()
        bed.server.settle()
        clock.shift(timedelta(minutes=20))
        bed.postpone()
        bed.push()

        bed.look()

    bed.stands(State.DELIVERED)
    assert len(bed.made()) == 1
    assert bed.sent() == 2


def test_a_twin_that_is_not_settled_is_no_copy(lay):
    bed = lay("ysuite", reference_marker=False)
    sent_twice(bed)
    push = Push.objects.get()
    other = Task.objects.get()
    other.pk, other.external_id, other.delivery = None, "", State.NEEDS_CHECK
    other.save()
    twin = Push.objects.create(
        account=bed.account,
        task=other,
        state=State.NEEDS_CHECK,
        sent_at=push.sent_at,
        look_at=timezone.now(),
    )

    read(bed)

    assert TaskCopy.objects.count() == 0
    bed.look()
    twin.refresh_from_db()
    assert twin.state == State.DELIVERED


def test_what_was_sent_once_is_never_searched_for_copies(lay):
    bed = lay("ysuite")
    bed.create(2)
    bed.settle()
    calls = len(bed.server.calls())

    copies.look(bed.fresh(), transport=bed.transport)

    assert len(bed.server.calls()) == calls


def test_trouble_while_looking_is_neither_a_failed_reading_nor_an_end_of_it(lay):
    bed = lay("ysuite")
    sent_twice(bed)
    Push.objects.update(watch_at=timezone.now())
    bed.server.dial("500", next=1, method="GET")

    copies.look(bed.fresh(), transport=bed.transport)

    assert TaskCopy.objects.count() == 0
    later = Push.objects.get().watch_at
    assert later is not None
    assert later > timezone.now()
    read(bed)
    assert TaskCopy.objects.count() == 1


def test_looking_ends_after_a_day(lay):
    bed = lay("ysuite")
    sent_twice(bed)
    TaskCopy.objects.all().delete()
    Push.objects.update(sent_at=timezone.now() - copies.WATCHED_FOR * 1.1)

    read(bed)

    assert Push.objects.get().watch_at is None


# -- settling --------------------------------------------------------------------------


@each_vendor
def test_a_first_copy_that_was_brought_in_meanwhile_is_flagged_and_gives_way(
    lay, vendor
):
    bed = lay(vendor)
    sent_twice(bed)
    task = Task.objects.get()
    first = next(
        str(row["id"])
        for row in bed.server.tasks()
        if str(row["id"]).casefold() != task.external_id.casefold()
    )
    read_in = Task.objects.get()
    read_in.pk, read_in.external_id, read_in.batch = None, first, None
    read_in.origin = Task.Origin.VENDOR
    read_in.save()

    read(bed)

    copy = TaskCopy.objects.get()
    assert (copy.task_id, copy.external_id.casefold()) == (task.pk, first.casefold())
    assert not Task.objects.filter(origin=Task.Origin.VENDOR).exists()


@each_vendor
def test_a_resend_that_fails_does_not_say_that_nothing_was_created(lay, vendor):
    bed = lay(vendor)
    bed.create(1)
    bed.postpone()
    bed.push()
    bed.look()
    bed.look()
    bed.stands(State.QUEUED)
    later = timezone.now() + timedelta(days=2)
    Push.objects.update(created_at=timezone.now() - timedelta(days=2), tries=2)
    Task.objects.update(due_sort=later)

    sweeping.sweep()

    push = bed.stands(State.FAILED)[0]
    assert "Nothing was" not in push.error
    assert "An earlier call may still have created it" in push.error
    plain(push.error, bed.name)

    withdraw(Task.objects.all(), by=None)
    last = TaskEvent.objects.filter(kind="delivery").last()
    assert last is not None
    assert "before it was sent" not in last.note


@pytest.mark.parametrize("vendor", ["saleshandy", "leadsquared", "reply"])
def test_a_copy_is_taken_back(lay, vendor):
    bed = lay(vendor)
    sent_twice(bed)
    read(bed)
    before = Task.objects.get()
    copy = TaskCopy.objects.get()

    copies.settle(copy, "back", by=make_user(bed.account.team))
    bed.push()
    bed.server.settle()
    bed.look()

    copy.refresh_from_db()
    assert copy.outcome == TaskCopy.Outcome.TAKEN_BACK
    task = Task.objects.get()
    assert (task.status, task.external_id) == (before.status, before.external_id)
    assert (task.action, task.action_state) == ("", "")
    left = {str(row["id"]) for row in bed.server.tasks() if is_open(vendor, row)}
    assert left == {task.external_id}


def is_open(vendor: str, row: dict[str, object]) -> bool:
    return vendor != "saleshandy" or row["state"] != "skipped"


def test_where_no_call_takes_back_it_is_said_and_a_removal_there_noticed(lay):
    bed = lay("ysuite")
    sent_twice(bed)
    read(bed)
    copy = TaskCopy.objects.get()

    with pytest.raises(copies.NoWay, match="Delete"):
        copies.settle(copy, "back", by=make_user(bed.account.team))
    bed.server.act("delete", [copy.external_id])
    read(bed)

    copy.refresh_from_db()
    assert copy.outcome == TaskCopy.Outcome.GONE


def test_copies_are_read_no_more_once_the_account_is_disconnected(lay):
    bed = lay("reply")
    bed.create(1)
    bed.settle()
    task = Task.objects.get()
    TaskCopy.objects.bulk_create(
        TaskCopy(account=bed.account, task=task, external_id=str(900_001 + number))
        for number in range(3)
    )
    account = bed.fresh()
    calls = len(bed.server.calls())

    class Losing:
        def send(self, request, **more):
            ConnectedAccount.objects.update(deleted_at=timezone.now())
            return bed.transport.send(request, **more)

    copies.look(account, transport=Losing())

    assert len(bed.server.calls()) == calls + 1
    assert TaskCopy.objects.filter(outcome="").count() == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_became_a_task_of_its_own_is_not_taken_back(lay, when):
    """Its own answer comes after the flag: before or after somebody settles it."""
    bed = lay("reply")
    sent_twice(bed)
    read(bed)
    copy = TaskCopy.objects.get()
    by = make_user(bed.account.team)

    if when == "before":
        make_its_own(copy)
        with pytest.raises(AlreadySettled, match="a task of its own"):
            copies.settle(copy, "back", by=by)
    else:
        copies.settle(copy, "back", by=by)
        make_its_own(copy)
    bed.push()

    assert len(bed.server.tasks()) == 2
    assert not TaskCopy.objects.exists()
    assert set(Push.objects.filter(kind="copy").values_list("state", flat=True)) <= {
        State.FAILED
    }
    last = TaskEvent.objects.filter(task=copy.task_id, kind="copy").last()
    assert last is not None
    assert "no copy" in last.note


def test_what_becomes_a_task_of_its_own_while_it_is_taken_back_stays(lay, monkeypatch):
    """Its own answer comes when a worker has already begun to take it back."""
    bed = lay("reply")
    sent_twice(bed)
    read(bed)
    copy = TaskCopy.objects.get()
    copies.settle(copy, "back", by=make_user(bed.account.team))
    acquire = pacing.acquire

    def meanwhile(*args, **kwargs):
        if Push.objects.get(kind="copy").state == State.CLAIMED:
            make_its_own(copy)
        return acquire(*args, **kwargs)

    monkeypatch.setattr(pacing, "acquire", meanwhile)
    bed.push()

    assert len(bed.server.tasks()) == 2
    assert not TaskCopy.objects.exists()
    assert Push.objects.get(kind="copy").state == State.FAILED
    assert not Push.objects.get(kind="copy").exchanges.exists()


@pytest.mark.parametrize(
    ("state", "outcome", "says"),
    [
        (State.SENDING, "", "is taking"),
        (State.NEEDS_CHECK, "", "is taking"),
        (State.DELIVERED, "", "is taking"),
        (State.DELIVERED, TaskCopy.Outcome.TAKEN_BACK, "has taken"),
    ],
)
def test_nobody_links_a_task_to_what_is_being_taken_back(lay, state, outcome, says):
    bed = lay("reply")
    sent_twice(bed)
    read(bed)
    copy, by = TaskCopy.objects.get(), make_user(bed.account.team)
    unclear = twin(bed)
    copies.settle(copy, "back", by=by)
    soon = timezone.now() + timedelta(minutes=1)
    Push.objects.filter(kind="copy").update(
        state=state, external_id="7", attempt_id=uuid.uuid4(), lease_until=soon
    )
    if outcome:
        TaskCopy.objects.update(outcome=outcome, settled_at=timezone.now())

    with pytest.raises(WrongId, match=f"Baton {says} {copy.external_id} back"):
        settle_by_person(unclear, "there", by=by, external_id=copy.external_id)

    unclear.refresh_from_db()
    assert unclear.state == State.NEEDS_CHECK


def test_what_a_person_links_before_it_is_taken_back_stays(lay):
    bed = lay("reply")
    sent_twice(bed)
    read(bed)
    copy, by = TaskCopy.objects.get(), make_user(bed.account.team)
    unclear = twin(bed)
    copies.settle(copy, "back", by=by)

    settle_by_person(unclear, "there", by=by, external_id=copy.external_id)
    bed.push()

    assert len(bed.server.tasks()) == 2
    assert not TaskCopy.objects.exists()


def twin(bed: Bed) -> Push:
    """Return an unclear create of another task."""
    other = Task.objects.get()
    other.pk, other.external_id, other.delivery = None, "", State.NEEDS_CHECK
    other.save()
    return Push.objects.create(
        account=bed.account, task=other, state=State.NEEDS_CHECK, sent_at=timezone.now()
    )


def make_its_own(copy: TaskCopy) -> None:
    other = Task.objects.get(pk=copy.task_id)
    other.pk, other.external_id = None, copy.external_id
    other.save()


def test_two_people_settle_it_once(lay):
    bed = lay("reply")
    sent_twice(bed)
    read(bed)
    copy = TaskCopy.objects.get()
    ana, bo = make_user(bed.account.team, first_name="Ana"), make_user(bed.account.team)

    copies.settle(copy, "leave", by=ana)

    with pytest.raises(AlreadySettled, match="Already settled by Ana"):
        copies.settle(copy, "back", by=bo)
    assert Push.objects.filter(kind="copy").count() == 0


def test_a_refused_taking_back_can_be_asked_for_again(lay):
    bed = lay("reply")
    sent_twice(bed)
    read(bed)
    copy = TaskCopy.objects.get()
    by = make_user(bed.account.team)
    copies.settle(copy, "back", by=by)
    with pytest.raises(AlreadySettled, match="taken back already"):
        copies.settle(copy, "back", by=by)
    copies_push = Push.objects.get(kind="copy")
    Push.objects.filter(pk=copies_push.pk).update(state=State.FAILED, error="No.")

    copies.settle(copy, "leave", by=by)

    copy.refresh_from_db()
    assert copy.outcome == TaskCopy.Outcome.LEFT
