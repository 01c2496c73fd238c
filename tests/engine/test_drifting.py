"""Drift watch: what a vendor answers otherwise is kept and counted, and breaks nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError

from tasks_app.models import AnswerShape, Drift, Task
from tasks_app.services import actions, drifting
from tasks_app.services.syncing import request_sync, sync_account
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.words import Action
from tests.factories import make_account, make_user

from .conftest import VENDORS

pytestmark = pytest.mark.django_db(transaction=True)

LIST = VendorRequest("GET", "/tasks")


@pytest.fixture(autouse=True)
def every_answer(monkeypatch):
    monkeypatch.setattr(drifting, "EVERY", 0.0)
    monkeypatch.setattr(drifting, "_next", {})


def answered(account, body, status=200):
    drifting.watch(account, LIST, VendorResponse(status, body=body))


def found():
    return list(Drift.objects.order_by("pk").values_list("kind", "detail", "count"))


def usual(account, body, times=drifting.LEARNT_FROM):
    for _ in range(times):
        answered(account, body)


def test_what_is_usual_is_learnt_before_anything_counts():
    account = make_account("reply")

    usual(account, {"items": [{"id": 1, "title": "Ann Lee"}]})
    answered(account, {"items": [{"id": 2, "title": None}]})
    answered(account, {"items": []})
    answered(account, {"items": None})

    assert found() == []
    assert AnswerShape.objects.get().answers == drifting.LEARNT_FROM + 3


def test_new_missing_and_changed_fields_are_counted_while_they_last():
    account = make_account("reply")
    usual(account, {"items": [{"id": 1, "title": "Ann", "due": "2026-01-01"}]})

    for _ in range(3):
        answered(account, {"items": [{"id": "1", "title": "Ann", "owner": 5}]})
    answered(account, {"items": [{"id": 1, "title": "Ann", "due": "2026-01-01"}]})

    assert sorted(found()) == [
        ("changed field", "GET /tasks: items[].id, number became text", 3),
        ("missing field", "GET /tasks: items[].due, was text", 3),
        ("new field", "GET /tasks: items[].owner, number", 3),
    ]


def test_a_sample_is_kept_without_values_and_keys_stay_out():
    account = make_account("reply")
    usual(account, {"id": 1})

    answered(account, {"id": 1, "who": "Ann Lee", "4711": account.credentials})

    samples = " ".join(Drift.objects.values_list("sample", flat=True))
    assert "who" in samples
    assert "Ann" not in samples
    assert "key-reply" not in samples
    assert "4711" not in samples
    json.loads(Drift.objects.first().sample)


def test_a_field_that_only_some_answers_have_is_never_missed():
    account = make_account("reply")
    usual(account, {"id": 1, "note": "x"}, times=3)
    usual(account, {"id": 1}, times=3)

    answered(account, {"id": 1, "note": "x"})
    answered(account, {"id": 1})

    assert found() == []


def test_errors_and_unreadable_answers_are_not_looked_at():
    account = make_account("reply")

    answered(account, {"message": "no"}, status=500)
    answered(account, None)

    assert not AnswerShape.objects.exists()


def test_one_answer_a_minute_is_looked_at(monkeypatch):
    monkeypatch.setattr(drifting, "EVERY", 60.0)
    account = make_account("reply")

    usual(account, {"id": 1}, times=10)

    assert AnswerShape.objects.get().answers == 1


def test_a_database_that_is_away_breaks_no_call(monkeypatch):
    def away(*args):
        raise DatabaseError

    monkeypatch.setattr(drifting, "compare", away)

    answered(make_account("reply"), {"id": 1})


def test_an_account_keeps_only_so_many(monkeypatch):
    monkeypatch.setattr(drifting, "MOST_DRIFTS", 3)
    account = make_account("reply")

    for n in range(10):
        drifting.note_drift(account.pk, "status", f"word {n}\0")
    drifting.note_drift(account.pk, "status", "word 1\N{REPLACEMENT CHARACTER}")

    assert Drift.objects.count() == 3
    assert Drift.objects.get(detail__startswith="word 1").count == 2


@pytest.mark.parametrize("vendor", VENDORS)
def test_ordinary_work_raises_no_alarm(connect, vendor):
    bench = connect(vendor, bring_in=True)
    tasks = bench.create(6)
    bench.settle()
    ids = [t.external_id for t in Task.objects.order_by("pk")]
    for act, place in (("complete", 0), ("delete", 1)):
        bench.server.act(act, [ids[place]])
    for _ in range(drifting.LEARNT_FROM + 3):
        request_sync(bench.account)
        sync_account(bench.account.pk, transport=bench.transport)
    task = Task.objects.select_related("account__team", "type").get(pk=tasks[3].pk)
    adapter = bench.account.adapter()
    if adapter.can(Action.NOTE, task.type.code):
        by = make_user(bench.account.team)
        actions.ask(task, Action.NOTE, {"note": "Later"}, by=by, undo=timedelta(0))
        bench.push()
    bench.create(3)
    bench.settle()
    request_sync(bench.account)
    sync_account(bench.account.pk, transport=bench.transport)

    assert AnswerShape.objects.exists()
    assert found() == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_new_field_in_every_answer_breaks_nothing_and_is_told(connect, vendor):
    bench = connect(vendor, bring_in=True)
    bench.create(2)
    bench.settle()
    for _ in range(drifting.LEARNT_FROM):
        request_sync(bench.account)
        sync_account(bench.account.pk, transport=bench.transport)

    class Bending:
        def send(self, request, **how):
            answer = bench.transport.send(request, **how)
            body = answer.body
            if isinstance(body, dict):
                body = {**body, "apiVersion": "9.1"}
            return replace(answer, body=body)

    request_sync(bench.account)
    run = sync_account(bench.account.pk, transport=Bending())

    assert run is not None
    assert run.error == ""
    assert {kind for kind, _, _ in found()} == {"new field"}
    assert all("apiVersion" in detail for _, detail, _ in found())
