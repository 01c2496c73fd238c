"""Every action at every vendor through every class of fault ends right on both sides.

The trouble meets the call that changes something, or the read before it. With the trouble
over the vendor has done what was asked and Baton shows it; or the vendor has refused it,
has changed nothing, and Baton shows what the vendor has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange, Push, Task, VendorUser
from tasks_app.services import actions, leases, pacing
from tasks_app.services.sweeping import sweep
from tasks_app.services.syncing import request_sync, sync_account
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.errors import Unreachable
from tasks_app.vendors.words import Action
from tests.engine.conftest import VENDORS
from tests.engine.test_reading import planted
from tests.factories import make_user, make_vendor_user
from tests.faults.conftest import Bed, plain
from tests.faults.test_crashes import lease_over

pytestmark = pytest.mark.django_db
State = Push.State
Gate = ConnectedAccount.State

#: Every action that a vendor offers, with what is asked for.
CASES = [
    ("saleshandy", Action.COMPLETE, {"outcome": "Interested"}),
    ("saleshandy", Action.SKIP, {}),
    ("saleshandy", Action.SNOOZE, {"until": "soon"}),
    ("saleshandy", Action.NOTE, {"note": "A new note"}),
    ("leadsquared", Action.COMPLETE, {}),
    ("leadsquared", Action.RESCHEDULE, {"starts_at": "soon", "due_at": "later"}),
    ("leadsquared", Action.REASSIGN, {"assignee": "other"}),
    ("leadsquared", Action.NOTE, {"note": "A new note"}),
    ("leadsquared", Action.CANCEL, {}),
    ("reply", Action.COMPLETE, {"outcome": "0"}),
    ("reply", Action.RESCHEDULE, {"starts_at": "soon", "due_at": "later"}),
    ("reply", Action.REASSIGN, {"assignee": "other"}),
    ("reply", Action.NOTE, {"note": "A new note"}),
    ("reply", Action.CANCEL, {}),
]
each_case = pytest.mark.parametrize(
    ("vendor", "action", "values"),
    CASES,
    ids=[f"{vendor}-{action.value}" for vendor, action, _ in CASES],
)
ENDS = {
    Action.COMPLETE: "completed",
    Action.SKIP: "skipped",
    Action.CANCEL: "cancelled",
}


def test_no_action_of_any_vendor_is_left_out(lay: Callable[..., Bed]) -> None:
    offered = {
        (vendor, action)
        for vendor in VENDORS
        for action in Action
        if lay(vendor).account.adapter().can(action)
    }

    assert {(vendor, action) for vendor, action, _ in CASES} == offered


@dataclass
class Aimed:
    """A transport whose first changing (or first reading) call meets trouble."""

    inner: Any
    trouble: Callable[[], None] | None
    writes: bool = True
    answer: VendorResponse | None = None
    made: list[bool] = field(default_factory=list)

    def send(self, request: VendorRequest, **more: Any) -> VendorResponse:
        self.made.append(request.writes)
        if self.trouble is not None and request.writes == self.writes:
            trouble, self.trouble = self.trouble, None
            trouble()
            if self.answer is not None:
                return self.answer
        response: VendorResponse = self.inner.send(request, **more)
        return response


@dataclass
class Case:
    """One task on both sides, and an action that is on its way."""

    bed: Bed
    task: Task
    push: Push
    action: Action
    values: dict[str, Any]
    before: dict[str, Any]

    def meets(
        self,
        trouble: Callable[[], None],
        *,
        writes: bool = True,
        answer: VendorResponse | None = None,
    ) -> Aimed:
        aimed = Aimed(self.bed.transport, trouble, writes, answer)
        self.bed.transport = aimed  # type: ignore[assignment]
        return aimed

    def row(self) -> dict[str, Any] | None:
        rows = [r for r in self.bed.server.tasks() if r["id"] == self.task.external_id]
        return rows[0] if rows else None

    def settle(self) -> None:
        self.bed.heal()
        for _ in range(4):
            self.bed.settle(rounds=2)
        self.push.refresh_from_db()
        self.task.refresh_from_db()

    def is_done(self) -> None:
        """Check that it happened there, at most once more than needed, and shows here."""
        assert self.push.state == State.DELIVERED, self.push.error
        self.shows_nothing_under_way()
        row, task, action = self.row(), self.task, self.action
        if action in ENDS:
            assert task.status == ENDS[action]
            assert (row["state"] if row else "cancelled") == ENDS[action]
        else:
            assert row is not None
            assert task.status == "open"
        if action == Action.SNOOZE:
            assert row is not None
            assert row["state"] == "snoozed"
        if action == Action.NOTE:
            assert row is not None
            assert task.note == self.values["note"]
            assert self.values["note"] in row["note"]
        if action == Action.REASSIGN:
            assert row is not None
            assert task.vendor_user == self.values["assignee"]
            assert row["owner"] == self.values["assignee"].external_id
        if action == Action.RESCHEDULE:
            assert row is not None
            assert task.starts_at == self.values["starts_at"]
            form = self.bed.server.app.time_form
            assert row["starts"] == self.values["starts_at"].strftime(form)
        assert not self.bed.server.state()["executed"]

    def is_refused(self) -> None:
        """Check that nothing happened there, and that the page is back and says why."""
        assert self.push.state == State.FAILED
        plain(self.push.error, self.bed.name)
        assert self.task.action_error == self.push.error
        assert self.row() == self.before
        task = self.task
        assert task.status == "open"
        assert "new note" not in task.note
        assert task.vendor_user is not None
        assert task.vendor_user.email == "lead@baton.example"
        start = (task.starts_at or timezone.now()) - timezone.now()
        assert start < timedelta(days=2)

    def shows_nothing_under_way(self) -> None:
        assert self.task.action_state == ""
        assert self.task.action_error == ""

    def agrees_after_a_reading(self) -> None:
        """Check that reading the vendor changes nothing of what Baton shows."""
        names = ("status", "starts_at", "due_on", "vendor_user_id", "note")
        shown = [getattr(self.task, name) for name in names]
        request_sync(self.bed.account)
        sync_account(self.bed.account.pk, transport=self.bed.transport)
        self.task.refresh_from_db()
        if self.task.status == "removed":
            assert self.action == Action.CANCEL
            return
        assert [getattr(self.task, name) for name in names] == shown


@pytest.fixture
def begin(lay: Callable[..., Bed], settings: Any) -> Iterator[Callable[..., Case]]:
    """Return a function that places a task at a vendor and asks for an action."""

    def begin(vendor: str, action: Action, values: dict[str, Any]) -> Case:
        bed = lay(vendor)
        [task] = planted(bed, 1, prospect="")
        values = filled(bed, values)
        task = Task.objects.select_related("account__team", "type").get(pk=task.pk)
        by = make_user(bed.account.team)
        push = actions.ask(task, action, values, by=by, undo=timedelta())
        assert push is not None
        case = Case(bed, task, push, action, values, {})
        row = case.row()
        assert row is not None
        case.before = row
        return case

    yield begin


def filled(bed: Bed, values: dict[str, Any]) -> dict[str, Any]:
    soon = (timezone.now() + timedelta(days=3)).replace(microsecond=0)
    other = bed.server.app.nth_user_id(2)
    meant = {"soon": soon, "later": soon + timedelta(hours=1)}
    if values.get("assignee") == "other":
        person = VendorUser.objects.filter(account=bed.account, external_id=other)
        meant["other"] = person.first() or make_vendor_user(
            bed.account, external_id=other, email="elin@baton.example"
        )
    return {name: meant.get(value, value) for name, value in values.items()}


# -- what may have happened ------------------------------------------------------------

UNCLEAR: dict[str, dict[str, Any]] = {
    "reset before": {"kind": "reset"},
    "reset after": {"kind": "lost_answer"},
    "500 before": {"kind": "500", "done": False},
    "500 after": {"kind": "500", "done": True},
    "502 after": {"kind": "502", "done": True},
    "503 before": {"kind": "503", "done": False},
    "cut off": {"kind": "truncated"},
    "cut off quietly": {"kind": "truncated", "variant": "quiet"},
    "garbage": {"kind": "garbage"},
    "a web page": {"kind": "html"},
    "nothing": {"kind": "empty"},
    "hangs before": {"kind": "hang", "seconds": 1},
    "hangs after": {"kind": "hang_after", "seconds": 1},
}


@pytest.mark.parametrize("fault", UNCLEAR)
@each_case
def test_an_unclear_answer_ends_done(
    begin: Any, settings: Any, vendor: str, action: Action, values: Any, fault: str
) -> None:
    case = begin(vendor, action, values)
    if "hangs" in fault:
        settings.CALL_DEADLINE = 0.3
    case.meets(lambda: case.bed.server.dial(**UNCLEAR[fault], next=1))

    case.bed.push()
    settings.CALL_DEADLINE = 5
    case.settle()

    case.is_done()
    case.agrees_after_a_reading()


@pytest.mark.parametrize(
    "fault", ["reset before", "500 before", "garbage", "a web page"]
)
@each_case
def test_trouble_with_the_read_before_ends_done(
    begin: Any, vendor: str, action: Action, values: Any, fault: str
) -> None:
    case = begin(vendor, action, values)
    aimed = case.meets(
        lambda: case.bed.server.dial(**UNCLEAR[fault], next=1), writes=False
    )

    case.bed.push()
    case.settle()

    assert True in aimed.made
    case.is_done()


# -- frozen, then awake, and out of permits --------------------------------------------


@each_case
def test_who_was_frozen_with_the_intent_committed_changes_nothing(
    begin: Any, monkeypatch: Any, vendor: str, action: Action, values: Any
) -> None:
    """Somebody may have asked for something newer, and got it, meanwhile."""
    case = begin(vendor, action, values)
    aimed = case.meets(lambda: None)
    renew = pacing.renew

    with monkeypatch.context() as patch:

        def freeze(*args: Any, **kwargs: Any) -> Any:
            if Push.objects.get(pk=case.push.pk).state == State.SENDING:
                lease_over(case.bed)
                patch.setattr(leases, "SLACK", 3600.0)  # as if so much had passed
            return renew(*args, **kwargs)

        patch.setattr(pacing, "renew", freeze)
        case.bed.push()

    assert True not in aimed.made
    case.push.refresh_from_db()
    assert case.push.state == State.NEEDS_CHECK
    case.settle()
    case.is_done()


@each_case
def test_a_permit_that_is_lost_after_the_intent_gives_the_push_back(
    begin: Any, monkeypatch: Any, vendor: str, action: Action, values: Any
) -> None:
    case = begin(vendor, action, values)
    aimed = case.meets(lambda: None)
    renew = pacing.renew

    def none_left(*args: Any, **kwargs: Any) -> Any:
        if Push.objects.get(pk=case.push.pk).state == State.SENDING:
            raise pacing.Saturated(9.0)
        return renew(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(pacing, "renew", none_left)
        case.bed.push()

    assert True not in aimed.made
    case.push.refresh_from_db()
    assert case.push.state == State.QUEUED
    call = case.push.exchanges.latest("pk")
    assert (call.outcome, call.error[:8]) == (Exchange.Outcome.NOTHING, "Not sent")
    case.task.refresh_from_db()
    assert case.task.action_state == State.QUEUED
    case.settle()
    case.is_done()


def test_no_permit_for_the_read_after_a_change_leaves_it_unclear(
    begin: Any, monkeypatch: Any
) -> None:
    case = begin("leadsquared", Action.COMPLETE, {})
    case.meets(lambda: None, answer=VendorResponse(200, body={"Odd": 1}))
    acquire = pacing.acquire

    def none_left(*args: Any, **kwargs: Any) -> Any:
        if Push.objects.get(pk=case.push.pk).state == State.SENDING:
            raise pacing.Saturated(9.0)
        return acquire(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(pacing, "acquire", none_left)
        case.bed.push()

    case.push.refresh_from_db()
    assert case.push.state == State.NEEDS_CHECK
    plain(case.push.error, case.bed.name)
    case.settle()
    case.is_done()


# -- what certainly did not happen -----------------------------------------------------

WAITS: dict[str, dict[str, Any]] = {
    "429": {"kind": "429", "retry_after": 1},
    "429 without a time": {"kind": "429"},
    "503 with a time": {"kind": "503", "retry_after": 1},
}


@pytest.mark.parametrize("fault", WAITS)
@each_case
def test_a_busy_vendor_is_asked_again(
    begin: Any, vendor: str, action: Action, values: Any, fault: str
) -> None:
    case = begin(vendor, action, values)
    case.meets(lambda: case.bed.server.dial(**WAITS[fault], next=1))

    case.bed.push()
    case.push.refresh_from_db()
    assert case.push.state == State.QUEUED
    assert case.row() == case.before
    assert case.bed.fresh().held_until is not None
    case.settle()

    case.is_done()


@each_case
def test_a_vendor_that_cannot_be_reached_is_asked_again(
    begin: Any, vendor: str, action: Action, values: Any
) -> None:
    case = begin(vendor, action, values)

    def unreachable() -> None:
        raise Unreachable(f"{case.bed.name} could not be reached.")

    case.meets(unreachable)
    case.bed.push()
    case.push.refresh_from_db()
    assert case.push.state == State.QUEUED
    case.settle()

    case.is_done()


@pytest.mark.parametrize("fault", ["wrong_key", "redirect"])
@each_case
def test_trouble_of_the_account_keeps_the_wish(
    begin: Any, vendor: str, action: Action, values: Any, fault: str
) -> None:
    case = begin(vendor, action, values)
    case.meets(lambda: case.bed.server.dial(fault, next=1))

    case.bed.push()
    case.bed.push()

    case.push.refresh_from_db()
    assert case.push.state == State.QUEUED
    assert case.row() == case.before
    wanted = Gate.NEEDS_NEW_KEY if fault == "wrong_key" else Gate.TROUBLE
    assert case.bed.fresh().state == wanted
    case.settle()
    case.is_done()


# -- what is refused -------------------------------------------------------------------


@each_case
def test_a_refused_action_puts_the_page_back(
    begin: Any, vendor: str, action: Action, values: Any
) -> None:
    case = begin(vendor, action, values)
    said = case.bed.server.app.bad_body("the title is too odd")
    refusal = VendorResponse(
        said.status, dict(said.headers), said.body, json.dumps(said.body)
    )
    case.meets(lambda: None, answer=refusal)

    case.bed.push()
    case.settle()

    assert "the title is too odd" in case.push.error
    case.is_refused()
    case.agrees_after_a_reading()


@each_case
def test_a_task_that_is_gone_there_is_gone_here(
    begin: Any, vendor: str, action: Action, values: Any
) -> None:
    case = begin(vendor, action, values)
    case.bed.server.act("delete", [case.task.external_id])

    case.bed.push()
    case.settle()

    if action == Action.CANCEL:
        assert case.push.state == State.DELIVERED
        assert case.task.status in ("cancelled", "removed")
        return
    assert case.push.state == State.FAILED, case.push.state
    plain(case.push.error, case.bed.name)
    assert case.task.status == "removed"
    assert case.task.action_error


@each_case
def test_a_task_that_was_finished_there_meanwhile_shows_so(
    begin: Any, vendor: str, action: Action, values: Any
) -> None:
    case = begin(vendor, action, values)
    case.bed.server.act("complete", [case.task.external_id])

    case.bed.push()
    case.settle()
    request_sync(case.bed.account)
    sync_account(case.bed.account.pk, transport=case.bed.transport)

    case.task.refresh_from_db()
    row = case.row()
    if row is None:
        assert case.task.status in ("cancelled", "removed")
    else:
        assert (row["state"], case.task.status) == ("completed", "completed")


# -- a process that dies ---------------------------------------------------------------


class Killed(BaseException):
    pass


@pytest.mark.parametrize("when", ["before", "after"])
@each_case
def test_a_process_that_dies_on_the_wire_ends_done(
    begin: Any, vendor: str, action: Action, values: Any, when: str
) -> None:
    case = begin(vendor, action, values)
    inner = case.bed.transport

    class Dying:
        def send(self, request: VendorRequest, **more: Any) -> VendorResponse:
            if request.writes and when == "before":
                raise Killed
            response: VendorResponse = inner.send(request, **more)
            if request.writes:
                raise Killed
            return response

    case.bed.transport = Dying()  # type: ignore[assignment]
    with pytest.raises(Killed):
        case.bed.push()
    case.bed.transport = inner
    Push.objects.filter(pk=case.push.pk).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )

    sweep()
    case.settle()

    case.is_done()


# -- a vendor that offers nothing ------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "action"),
    [
        (vendor, action)
        for vendor in VENDORS
        for action in Action
        if (vendor, action) not in {(v, a) for v, a, _ in CASES}
    ],
)
def test_what_a_vendor_does_not_offer_is_never_sent(
    lay: Callable[..., Bed], vendor: str, action: Action
) -> None:
    bed = lay(vendor)
    [task] = planted(bed, 1)
    task = Task.objects.select_related("account__team", "type").get(pk=task.pk)

    with pytest.raises(actions.NotOffered, match=r"offers no call|^Only in Baton"):
        actions.ask(task, action, {}, by=make_user(bed.account.team))

    assert bed.server.calls() == []
    assert not Push.objects.exists()
    task.refresh_from_db()
    assert task.action_state == ""
