"""Calls for many: refused whole, partly done, or answered in odd ways (F27, F45 to F49)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks_app.models import Push, TaskCopy
from tasks_app.practice.wire import Request, Response

from .conftest import CREATES, Bed

pytestmark = pytest.mark.django_db
State = Push.State
#: The vendors that take many tasks in one call.
GROUPS = ("saleshandy", "leadsquared")
BOTH = pytest.mark.parametrize("vendor", GROUPS)


def refuse_whole(bed: Bed, bad: int) -> list[int]:
    """Let the vendor refuse any call that names one of `bad` prospects, evenly spread;
    return these pushes' ids."""
    pushes = list(Push.objects.order_by("pk"))
    step = len(pushes) // bad
    chosen = pushes[step // 2 :: step][:bad]
    links = [p.task.prospect.links.get(account=bed.account) for p in chosen]
    names = [link.external_id.encode() for link in links]
    app = bed.server.app
    real = type(app).dispatch

    def dispatch(request: Request) -> Response:
        if request.path in CREATES[bed.vendor] and any(
            name.lower() in request.body.lower() for name in names
        ):
            return app.bad_body("a prospect is wrong")
        return real(app, request)

    app.dispatch = dispatch
    return [push.pk for push in chosen]


@pytest.mark.parametrize(("bad", "most"), [(1, 20), (5, 60)])
@BOTH
def test_a_call_refused_whole_is_halved_until_the_bad_stand_alone(
    lay, vendor, bad, most
):
    bed = lay(vendor)
    bed.create(50)
    wrong = refuse_whole(bed, bad)

    bed.push()

    failed = Push.objects.filter(state=State.FAILED)
    assert sorted(failed.values_list("pk", flat=True)) == wrong
    assert all("a prospect is wrong" in push.error for push in failed)
    assert bed.sent() <= most
    bed.server.settle()
    bed.look()
    assert Push.objects.filter(state=State.DELIVERED).count() == 50 - bad
    made = bed.made()
    assert len(made) == len(set(made)) == 50 - bad


def test_each_item_has_its_own_result(lay):
    bed = lay("saleshandy")
    bed.create(25)
    bed.dial("partial_refusal", every=5)

    bed.push()

    assert bed.states() == {State.DELIVERED: 20, State.FAILED: 5}
    for push in Push.objects.filter(state=State.FAILED):
        assert "Saleshandy refused this prospect" in push.error
    assert len(bed.made()) == 20
    assert bed.sent() == 1


@pytest.mark.parametrize("count", [1, 4, -1])
def test_items_that_are_left_out_are_looked_up(lay, count):
    bed = lay("saleshandy")
    bed.create(8)
    bed.dial("missing_results", count=count)

    bed.push()

    missing = 8 if count < 0 else count
    unclear = Push.objects.filter(state=State.NEEDS_CHECK)
    assert unclear.count() == missing
    assert all("Saleshandy" in push.error for push in unclear)
    bed.arrives(8)
    assert bed.sent() == 1


@pytest.mark.parametrize(
    ("kind", "dial", "unclear"),
    [
        ("reordered_results", {}, 0),
        ("repeated_results", {"variant": "same", "count": -1}, 0),
        ("repeated_results", {"variant": "refused", "count": 2}, 2),
        ("repeated_results", {"variant": "second_id", "count": 2}, 2),
        ("foreign_results", {"variant": "unknown", "count": 3}, 0),
        ("foreign_results", {"variant": "shared", "count": 2}, 3),
    ],
)
def test_results_are_told_apart_by_prospect_alone(lay, kind, dial, unclear):
    bed = lay("saleshandy")
    tasks = bed.create(8)
    bed.dial(kind, **dial)

    bed.push()

    assert bed.states().get(State.NEEDS_CHECK, 0) == unclear
    bed.arrives(8)
    assert bed.sent() == 1
    at_vendor = {str(task["id"]): task["prospect"] for task in bed.server.tasks()}
    for task in tasks:
        task.refresh_from_db()
        link = task.prospect.links.get(account=bed.account)
        assert at_vendor[task.external_id] == link.external_id


def test_two_tasks_made_for_one_prospect_are_one_linked_and_one_flagged(lay):
    """F48: the vendor itself made two and named both."""
    bed = lay("saleshandy")
    bed.create(1)

    def twice(request: Request, do: Any) -> Response:
        first, second = do(), do()
        first.body["payload"]["results"] += second.body["payload"]["results"]
        return first

    bed._answer(1, twice)
    bed.push()
    bed.stands(State.NEEDS_CHECK)
    assert len(bed.server.tasks()) == 2

    bed.look()

    push = bed.stands(State.DELIVERED)[0]
    copy = TaskCopy.objects.get()
    both = {str(task["id"]) for task in bed.server.tasks()}
    assert {push.external_id, copy.external_id} == both
    assert bed.sent() == 1


def test_an_id_too_long_to_keep_is_no_id(lay):
    bed = lay("saleshandy")
    bed.create(2)

    def endless(request: Request, answer: Response) -> Response:
        answer.body["payload"]["results"][0]["taskId"] = "x" * 500
        return answer

    bed.bend(endless)
    bed.push()

    assert bed.states() == {State.DELIVERED: 1, State.NEEDS_CHECK: 1}
    bed.arrives(2)
    assert bed.sent() == 1


# -- taken, and its tasks not shown yet: F54 -------------------------------------------


def test_what_was_accepted_is_found_with_its_ids(lay):
    bed = lay("leadsquared")
    bed.create(12)

    bed.push()

    bed.stands(State.ACCEPTED, 12)
    bed.server.settle()
    bed.look()
    bed.arrives(12)
    assert bed.sent() == 1


def test_what_was_accepted_and_never_appears_is_asked_about(lay):
    bed = lay("leadsquared")
    bed.create(12)
    lost: list[Any] = []

    def lose_two(request: Request, answer: Response) -> Response:
        return answer

    bed.bend(lose_two)
    bed.server.set(bulk_delay=0.0)
    app, real = bed.server.app, type(bed.server.app).create_task

    def create_task(request: Request, task: Any) -> Any:
        if len(lost) < 2:
            lost.append(task)
            return task
        return real(app, request, task)

    app.create_task = create_task
    try:
        bed.push()
        bed.server.settle()
    finally:
        del app.create_task
    bed.look()
    assert bed.states() == {State.DELIVERED: 10, State.ACCEPTED: 2}

    bed.look_later(11)
    assert bed.states() == {State.DELIVERED: 10, State.ACCEPTED: 2}
    bed.look_later(13)

    asked = Push.objects.filter(state=State.NEEDS_CHECK, ask_person=True)
    assert asked.count() == 2
    for push in asked:
        assert push.request_number in push.error
        assert "has not appeared" in push.error
    bed.look()
    bed.push()
    assert bed.sent() == 1  # a person decides
    assert len(bed.made()) == 10


def test_an_accepted_call_that_is_lost_is_looked_up(lay):
    bed = lay("leadsquared")
    bed.create(12)
    bed.dial("lost_answer")

    bed.push()

    bed.stands(State.NEEDS_CHECK, 12)
    bed.arrives(12)
    assert bed.sent() == 1
    assert json.dumps(bed.states()) == '{"delivered": 12}'
