"""A type that vanished or a person who left is noticed before a call is made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tasks_app.models import Push, Task, TaskEvent, TaskType, VendorUser
from tasks_app.services import actions
from tasks_app.services.accounts import read_types, read_users
from tasks_app.services.planning import prepare
from tasks_app.services.plans import TaskInput
from tasks_app.vendors.words import Action
from tests.factories import make_user, make_vendor_user

pytestmark = pytest.mark.django_db(transaction=True)


def bulk_calls(bench) -> int:
    return len([call for call in bench.server.calls() if "Create" in call["path"]])


def test_a_type_that_vanished_stops_its_tasks_before_any_call(connect):
    bench = connect("leadsquared")
    read_types(bench.account, transport=bench.transport)
    tasks = bench.create(3)
    bench.account.task_types.filter(code="Meeting").update(active=False)

    bench.push()

    assert bulk_calls(bench) == 0
    assert bench.states() == {"failed": 3}
    task = Task.objects.get(pk=tasks[0].pk)
    assert (task.delivery, task.delivery_kind) == ("failed", "type_gone")
    assert "no longer has the task type “Meeting”" in task.delivery_error
    assert "Nothing was sent" in task.delivery_error


def test_the_form_does_not_offer_it(connect):
    bench = connect("leadsquared")
    bench.account.task_types.update(active=False)

    plan = prepare(
        account=bench.account,
        task_input=TaskInput(type_code="Meeting", title="Visit"),
        prospects=[],
    )

    assert plan.type is None
    assert any(error.field == "type_code" for error in plan.errors)


def test_who_left_gets_nothing_more_sent(connect):
    bench = connect("leadsquared")
    bench.create(2)
    VendorUser.objects.update(active=False)

    bench.push()

    assert bulk_calls(bench) == 0
    assert bench.states() == {"failed": 2}
    assert set(Task.objects.values_list("delivery_kind", flat=True)) == {
        "assignee_gone"
    }


def test_who_was_deactivated_at_the_vendor_is_noticed_by_reading(connect):
    bench = connect("leadsquared")
    gone = make_vendor_user(bench.account, external_id="no-such-user")

    read_users(bench.account, transport=bench.transport)

    gone.refresh_from_db()
    assert not gone.active
    assert bench.account.vendor_users.filter(active=True).count() == 4


def test_handing_over_to_who_left_puts_the_page_back(connect):
    bench = connect("leadsquared")
    [task] = bench.create(1)
    bench.settle()
    read_users(bench.account, transport=bench.transport)
    other = bench.account.vendor_users.exclude(pk=task.vendor_user_id).first()
    task.refresh_from_db()
    by = make_user(bench.account.team)
    actions.ask(task, Action.REASSIGN, {"assignee": other}, by=by, undo=timedelta(0))
    VendorUser.objects.filter(pk=other.pk).update(active=False)
    calls = len(bench.server.calls())

    bench.push()

    before, holder = task, task.vendor_user_id
    before.refresh_from_db()
    assert len(bench.server.calls()) == calls
    assert before.vendor_user_id != other.pk
    assert holder in (None, before.vendor_user_id, other.pk)
    assert before.action_state == "failed"
    assert "can no longer hold tasks" in before.action_error


@pytest.mark.parametrize("alike", [True, False])
def test_a_lead_mends_it_and_it_arrives(connect, client, alike):
    bench = connect("leadsquared")
    read_types(bench.account, transport=bench.transport)
    tasks = bench.create(3)
    bench.account.task_types.filter(code="Meeting").update(active=False)
    bench.push()
    client.force_login(make_user(bench.account.team))
    url = reverse("task-mend", args=[tasks[0].pk])
    chosen = TaskType.objects.get(account=bench.account, code="Phone Call")

    page = client.get(url)
    assert b"Phone Call" in page.content
    assert b"2 other tasks" in page.content
    empty = client.post(url, {"chosen": ""})
    assert empty.status_code == 422
    client.post(url, {"chosen": chosen.pk, **({"alike": "on"} if alike else {})})
    bench.settle()

    done = 3 if alike else 1
    assert bench.states().get("delivered") == done
    assert len(bench.server.tasks()) == done
    assert TaskEvent.objects.filter(kind="type", new="Phone Call").count() == done
    again = client.get(url)
    assert again.status_code == 302


def test_a_person_of_another_account_is_no_choice(connect, client):
    bench, other = connect("leadsquared"), connect("leadsquared")
    [task] = bench.create(1)
    VendorUser.objects.filter(account=bench.account).update(active=False)
    bench.push()
    client.force_login(make_user(bench.account.team))
    stranger = other.account.vendor_users.get()

    answer = client.post(reverse("task-mend", args=[task.pk]), {"chosen": stranger.pk})

    assert answer.status_code == 422
    assert Push.objects.get().state == "failed"
