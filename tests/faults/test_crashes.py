"""A process that dies at any line of the way out, and a database that goes away (F01 to F24).

A death is a `Killed` that no `except` of ours catches, raised at one line; what a killed
process cannot do any more (giving claims back) is not done either.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from tasks_app.models import Exchange, Push
from tasks_app.services import (
    exchanges,
    gate,
    leases,
    pacing,
    pushing,
    recording,
    states,
    sweeping,
)
from tasks_app.services.delivery import settle_by_person
from tests.engine.conftest import VENDORS
from tests.factories import make_user

from .conftest import Bed, plain

pytestmark = pytest.mark.django_db
State = Push.State
each_vendor = pytest.mark.parametrize("vendor", VENDORS)

PAST = timedelta(hours=-1)


class Killed(BaseException):
    """SIGKILL, as far as it can be played in one process."""


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that pushes until it dies at `place.name`, and buries it."""

    def run(bed: Bed, place: Any, name: str, *, after: bool = False) -> None:
        real = getattr(place, name)

        def fatal(*args: Any, **kwargs: Any) -> Any:
            if after:
                real(*args, **kwargs)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(place, name, fatal)
            patch.setattr(pushing, "give_back", lambda claim: None)
            with pytest.raises(Killed):
                bed.push()

    return run


def lease_over(bed: Bed) -> None:
    """Let every lease end and sweep."""
    Push.objects.filter(lease_until__isnull=False).update(
        lease_until=timezone.now() + PAST
    )
    sweeping.sweep()


# -- dying at each line ----------------------------------------------------------------

BEFORE_THE_WIRE = {
    "before the claim": (states, "claim", False),
    "claimed, drafts not read": (pushing, "drafts_for", False),
    "call prepared, no permit": (pacing, "reserve", False),
    "permit taken": (pacing, "reserve", True),
    "call stored, not committed": (exchanges, "begin", True),
    "intent written, not committed": (states, "start_sending", True),
}
ON_THE_WIRE = {
    "intent committed": ("transport", "send", False),
    "the vendor has done it": ("transport", "send", True),
    "answer read": (recording, "record_created", False),
    "result written, not committed": (recording, "write", False),
}


@pytest.mark.parametrize("line", BEFORE_THE_WIRE)
@each_vendor
def test_a_death_before_the_wire_costs_only_time(lay, dies, vendor, line):
    bed = lay(vendor)
    bed.create(2)
    place, name, after = BEFORE_THE_WIRE[line]

    dies(bed, place, name, after=after)

    held = State.QUEUED if line == "before the claim" else State.CLAIMED
    assert set(Push.objects.values_list("state", flat=True)) <= {held, State.QUEUED}
    assert bed.server.calls() == []
    lease_over(bed)
    bed.stands(State.QUEUED, 2)
    assert not Exchange.objects.filter(purpose="create").exists()
    bed.arrives(2)
    assert Push.objects.filter(resends=0, absent_reads=0).count() == 2  # no look needed


@pytest.mark.parametrize("line", ON_THE_WIRE)
@each_vendor
def test_a_death_on_the_wire_is_settled_by_looking(lay, dies, vendor, line):
    bed = lay(vendor)
    bed.create(1)
    place, name, after = ON_THE_WIRE[line]
    done = line != "intent committed"

    dies(bed, bed.transport if place == "transport" else place, name, after=after)

    assert Push.objects.get().state == State.SENDING
    assert len(bed.made()) == int(done)
    bed.push()
    assert bed.sent() == int(done)  # a lease that runs is nobody else's
    lease_over(bed)
    push = bed.stands(State.NEEDS_CHECK)[0]
    bed.says("may exist")
    assert push.crash_count == 1
    assert push.look_at is not None
    assert not push.ask_person
    bed.arrives()
    assert bed.sent() == 1


@each_vendor
def test_a_death_after_the_record_changes_nothing(lay, dies, vendor):
    bed = lay(vendor)
    bed.create(1)

    dies(bed, gate, "note_success")

    bed.stands(State.DELIVERED)
    bed.push()
    lease_over(bed)
    bed.arrives()
    assert bed.sent() == 1


def test_a_death_in_a_group_asks_for_each_of_it_and_parts_it(lay, dies):
    bed = lay("saleshandy")
    bed.create(8)

    dies(bed, bed.transport, "send", after=True)
    lease_over(bed)

    bed.stands(State.NEEDS_CHECK, 8)
    assert set(Push.objects.values_list("call_limit", flat=True)) == {1}
    bed.arrives(8)
    assert bed.sent() == 1


# -- frozen, then awake: F06 -----------------------------------------------------------


@each_vendor
def test_who_wakes_after_the_lease_sends_nothing(lay, monkeypatch, vendor):
    bed = lay(vendor)
    bed.create(1)
    begin = exchanges.begin

    def freeze(*args: Any, **kwargs: Any) -> Any:
        exchange = begin(*args, **kwargs)
        lease_over(bed)
        return exchange

    with monkeypatch.context() as patch:
        patch.setattr(exchanges, "begin", freeze)
        bed.push()

    assert bed.server.calls() == []
    bed.stands(State.QUEUED)
    bed.arrives()
    assert bed.sent() == 1


@each_vendor
def test_who_was_frozen_with_the_intent_committed_sends_nothing(
    lay, monkeypatch, vendor
):
    bed = lay(vendor)
    bed.create(1)
    renew = pacing.renew

    with monkeypatch.context() as patch:

        def freeze(*args: Any, **kwargs: Any) -> Any:
            lease_over(bed)
            bed.stands(State.NEEDS_CHECK)
            patch.setattr(leases, "SLACK", 3600.0)  # as if so much had passed
            return renew(*args, **kwargs)

        patch.setattr(pacing, "renew", freeze)
        bed.push()

    assert bed.server.calls() == []
    bed.stands(State.QUEUED)  # no byte has left, and that is certain
    bed.arrives()
    assert bed.sent() == 1


def test_what_a_person_left_meanwhile_is_not_sent_by_who_wakes(lay, monkeypatch):
    bed = lay("ysuite")
    bed.create(1)
    renew = pacing.renew

    with monkeypatch.context() as patch:

        def freeze(*args: Any, **kwargs: Any) -> Any:
            lease_over(bed)
            by = make_user(bed.account.team)
            settle_by_person(Push.objects.get(), "leave", by=by)
            patch.setattr(leases, "SLACK", 3600.0)  # as if so much had passed
            return renew(*args, **kwargs)

        patch.setattr(pacing, "renew", freeze)
        bed.push()
    bed.push()

    assert bed.server.calls() == []
    bed.stands(State.FAILED)
    bed.says("it did not arrive", "Nothing was created", "Retry")


def test_a_new_call_begins_new_evidence(lay):
    """What looks found before it, or a person said, is of the call before."""
    bed = lay("ysuite")
    bed.create(1)
    Push.objects.update(absent_reads=1, left_at=timezone.now())

    attempt, ids = states.claim(bed.account.pk, limit=1, lease=timedelta(seconds=60))
    states.start_sending(ids, attempt=attempt, lease=timedelta(seconds=60))

    push = Push.objects.get()
    assert (push.absent_reads, push.left_at) == (0, None)


@each_vendor
def test_an_answer_that_comes_after_the_lease_still_counts(lay, monkeypatch, vendor):
    bed = lay(vendor)
    bed.create(1)
    record = recording.record_created

    def freeze(*args: Any, **kwargs: Any) -> Any:
        lease_over(bed)
        bed.stands(State.NEEDS_CHECK)
        return record(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(recording, "record_created", freeze)
        bed.push()

    bed.stands(State.DELIVERED)
    assert Push.objects.get().error == ""
    bed.arrives()
    assert bed.sent() == 1


def test_the_sweep_leaves_a_lease_alone_that_was_renewed_meanwhile(lay, monkeypatch):
    bed = lay("ysuite")
    bed.create(2)
    attempt, ids = states.claim(bed.account.pk, limit=2, lease=timedelta(seconds=60))
    states.start_sending(ids[:1], attempt=attempt, lease=timedelta(seconds=60))
    # What a sweep has seen a moment ago.
    monkeypatch.setattr(states, "expired", lambda now: (ids[1:], ids[:1]))

    sweeping.recover(timezone.now())

    assert list(Push.objects.order_by("pk").values_list("state", flat=True)) == [
        State.SENDING,
        State.CLAIMED,
    ]


# -- poison: F09, F10 ------------------------------------------------------------------

POISON = "Poison"


def poison(
    monkeypatch: pytest.MonkeyPatch, bed: Bed, error: BaseException
) -> list[int]:
    """Let preparing one prospect's task fail so; return a list that grows by the size
    of the call it happened in."""
    victim = Push.objects.order_by("pk")[2]
    adapter = bed.account.adapter_class
    real = adapter.create_request
    sizes: list[int] = []

    def create_request(self: Any, drafts: Any) -> Any:
        if str(victim.pk) in {draft.ref for draft in drafts}:
            sizes.append(len(drafts))
            raise error
        return real(self, drafts)

    monkeypatch.setattr(adapter, "create_request", create_request)
    return sizes


@each_vendor
def test_a_task_that_cannot_be_prepared_is_set_aside(lay, monkeypatch, vendor):
    bed = lay(vendor)
    bed.create(6)
    sizes = poison(monkeypatch, bed, RuntimeError("a mistake of ours"))

    for _ in range(6):
        Push.objects.filter(state=State.QUEUED).update(not_before=timezone.now())
        bed.push()

    states_now = list(Push.objects.order_by("pk").values_list("state", flat=True))
    assert states_now.pop(2) == State.FAILED
    assert states_now == [State.DELIVERED] * 5
    assert len(sizes) == 3
    assert sizes[1:] == [1, 1]
    assert "could not be prepared" in Push.objects.get(state=State.FAILED).error
    assert len(set(bed.made())) == len(bed.made()) == 5


@each_vendor
def test_a_task_that_kills_before_the_wire_is_set_aside(lay, monkeypatch, vendor):
    bed = lay(vendor)
    bed.create(6)
    sizes = poison(monkeypatch, bed, Killed())
    give_back = pushing.give_back
    monkeypatch.setattr(pushing, "give_back", lambda claim: None)

    deaths = 0
    for _ in range(12):
        try:
            bed.push()
        except Killed:
            deaths += 1
        lease_over(bed)
    monkeypatch.setattr(pushing, "give_back", give_back)

    # Once in company, where nobody knows which one it was, and three times alone.
    assert deaths == len(sizes) == 4
    assert sizes[1:] == [1, 1, 1]
    victim = Push.objects.get(state=State.FAILED)
    assert victim.error_kind == "crashed"
    assert victim.task.delivery == State.FAILED
    plain(victim.error, bed.name)
    assert Push.objects.filter(state=State.DELIVERED).count() == 5
    assert len(set(bed.made())) == len(bed.made()) == 5


@each_vendor
def test_a_task_that_kills_on_the_wire_asks_a_person(lay, vendor):
    bed = lay(vendor)
    bed.create(3)
    victim = Push.objects.order_by("pk")[1]
    prospect = victim.task.prospect.links.get(account=bed.account).external_id
    sizes: list[int] = []

    def kill(request: Any) -> None:
        if prospect in str(request.json):
            sizes.append(str(request.json).count("Call about the renewal"))
            raise Killed

    bed.hooks.append(kill)
    real, pushing.give_back = pushing.give_back, lambda claim: None
    try:
        for _ in range(12):
            Push.objects.filter(state=State.QUEUED).update(not_before=timezone.now())
            try:
                bed.push()
            except Killed:
                lease_over(bed)
            bed.look()
    finally:
        pushing.give_back = real

    victim.refresh_from_db()
    assert victim.state == State.NEEDS_CHECK
    assert victim.ask_person
    assert victim.call_limit == 1
    assert 1 < len(sizes) <= 3
    assert sizes[-1] == 1
    assert Push.objects.filter(state=State.DELIVERED).count() == 2
    assert len(bed.made()) == 2


# -- the database goes away: F19, F20 --------------------------------------------------


@each_vendor
def test_without_a_database_nothing_leaves(lay, monkeypatch, vendor):
    bed = lay(vendor)
    bed.create(1)

    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the database has gone away")

    with monkeypatch.context() as patch:
        patch.setattr(exchanges, "begin", away)
        with pytest.raises(OperationalError):
            bed.push()

    assert bed.server.calls() == []
    bed.stands(State.QUEUED)
    bed.arrives()


@pytest.mark.django_db(transaction=True)
def test_a_result_is_written_when_the_database_is_back(lay, monkeypatch):
    bed = lay("saleshandy")
    bed.create(3)
    record, times = recording.record_created, []

    def twice_away(*args: Any, **kwargs: Any) -> Any:
        times.append(time.monotonic())
        if len(times) < 3:
            raise OperationalError("the database has gone away")
        return record(*args, **kwargs)

    monkeypatch.setattr(recording, "record_created", twice_away)
    bed.push()

    bed.stands(State.DELIVERED, 3)
    assert bed.sent() == 1
    assert len(times) == 3


@each_vendor
def test_a_result_that_could_not_be_written_is_looked_up(lay, monkeypatch, vendor):
    bed = lay(vendor)
    bed.create(1)

    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the database has gone away")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "record_created", away)
        with pytest.raises(OperationalError):
            bed.push()

    assert Push.objects.get().state == State.SENDING
    lease_over(bed)
    bed.stands(State.NEEDS_CHECK)
    bed.arrives()
    assert bed.sent() == 1
