"""Who has a task changes in Baton alone where its vendor keeps nobody for it."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import ActionRun, ConnectedAccount, Push, Task, TaskEvent, Team
from tasks_app.services import action_runs, actions, holding, many, workload
from tasks_app.services.following import apply_page
from tasks_app.vendors.findings import RemoteTask
from tasks_app.vendors.words import Action, Status
from tests.factories import (
    client_of,
    make_account,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(team: Team) -> ConnectedAccount:
    return make_account("saleshandy", team=team)


@pytest.fixture
def ben(team: Team) -> User:
    return make_user(team, "rep", username="ben", first_name="Ben", last_name="Ahn")


def there(account: ConnectedAccount, **values: object) -> Task:
    return make_task(account=account, delivery="delivered", external_id="a-1", **values)


def test_only_a_vendor_without_a_field_and_a_call_leaves_it_to_baton(
    team: Team,
) -> None:
    vendors = ("saleshandy", "leadsquared", "reply", "ysuite")
    tasks = [make_task(account=make_account(v, team=team)) for v in vendors]

    found = [
        t.account.vendor
        for t in tasks
        if holding.only_here(t.account.adapter(), t.type.code)
    ]

    assert found == ["saleshandy"]


def test_it_changes_at_once_with_history_and_undo(
    lead: User, account: ConnectedAccount, ben: User
) -> None:
    task = there(account)
    client = client_of(lead)
    url = f"/tasks/{task.pk}/act/"

    page = client.get(f"{url}?action=reassign").text
    post = {"action": "reassign", "assignee": ben.pk, "version": task.version}
    answer = client.post(url, post, follow=True)

    task.refresh_from_db()
    event = TaskEvent.objects.get(kind=holding.KIND)
    assert "Only in Baton: Saleshandy has no field for who has a task." in page
    assert task.assignee == ben and not Push.objects.filter(kind="reassign").exists()
    assert f"Assignee changed by {lead.username}: nobody to Ben Ahn" in answer.text
    assert f"/tasks/{task.pk}/hand-back/{event.pk}/" in answer.text
    assert "Do it there" not in answer.text

    client.post(f"/tasks/{task.pk}/hand-back/{event.pk}/")
    task.refresh_from_db()
    assert task.assignee is None
    again = client.post(f"/tasks/{task.pk}/hand-back/{event.pk}/", follow=True)
    assert "Not undone." in again.text


def test_a_second_press_is_the_first_one(
    lead: User, account: ConnectedAccount, ben: User
) -> None:
    task = there(account)
    post = {"action": "reassign", "assignee": ben.pk, "version": task.version}
    url = f"/tasks/{task.pk}/act/"
    other = make_user(account.team, "lead", username="other")

    answers = [client_of(lead).post(url, post) for _ in range(2)]
    late = client_of(other).post(url, post)

    assert [answer.status_code for answer in answers] == [302, 302]
    assert TaskEvent.objects.filter(kind=holding.KIND).count() == 1
    assert late.status_code == 422 and "Ben Ahn has it already." in late.text


def test_a_page_that_is_old_changes_nothing_and_shows_what_moved(
    lead: User, account: ConnectedAccount, ben: User
) -> None:
    task = there(account, assignee=lead)
    client = client_of(lead)
    url = f"/tasks/{task.pk}/act/"
    page = client.get(f"{url}?action=reassign")
    Task.objects.filter(pk=task.pk).update(assignee=None, version=5)

    post = {"action": "reassign", "assignee": ben.pk, "version": task.version}
    answer = client.post(url, post | {"seen": page.context["seen"]})

    assert answer.status_code == 409 and "Nobody" in answer.text
    task.refresh_from_db()
    assert task.assignee is None


def test_nobody_of_another_team_gets_it_nor_undoes_it(
    lead: User, account: ConnectedAccount, ben: User
) -> None:
    task = there(account)
    stranger = make_user(make_team(), "lead")
    url = f"/tasks/{task.pk}/act/"
    client = client_of(lead)

    refused = client.post(url, {"action": "reassign", "assignee": stranger.pk})
    client.post(url, {"action": "reassign", "assignee": ben.pk})

    event = TaskEvent.objects.get(kind=holding.KIND)
    undo = f"/tasks/{task.pk}/hand-back/{event.pk}/"
    assert refused.status_code == 422
    assert client_of(stranger).post(undo).status_code == 404
    assert client_of(ben).post(undo).status_code == 404


def test_a_run_hands_over_what_only_baton_keeps_and_takes_it_back(
    lead: User, account: ConnectedAccount, ben: User
) -> None:
    task, done = there(account, assignee=lead), make_task(account=account)
    Task.objects.filter(pk=done.pk).update(status="completed")
    client = client_of(lead)
    post = {"action": "reassign", "task": [task.pk, done.pk], "count": 2}

    page = client.post("/tasks/bulk/", post)
    token = page.context["form"].initial["form_token"]
    post |= {"confirmed": "1", "form_token": token, "member": ben.pk}
    answer = client.post("/tasks/bulk/", post, follow=True)

    task.refresh_from_db()
    assert "Who takes over 1 in Baton" in page.text
    assert "Reassigning 1 task. 1 left out." in answer.text
    assert task.assignee == ben
    run = ActionRun.objects.get()
    undone = client.post(f"/runs/{run.pk}/undo/", follow=True)
    task.refresh_from_db()
    assert "Undone for 1 task." in undone.text
    assert task.assignee == lead


def test_a_run_counts_what_changed_hands_here_and_what_went_back(
    lead: User, account: ConnectedAccount, ben: User
) -> None:
    tasks = [
        make_task(account=account, delivery="delivered", external_id=f"a-{n}")
        for n in range(3)
    ]
    sent = make_account("leadsquared", team=account.team)
    person = make_vendor_user(sent)
    tasks.append(make_task(account=sent, delivery="delivered", external_id="b"))
    wanted = many.Wanted(assignees={str(sent.pk): person.pk}, member=ben.pk)
    run = action_runs.begin(
        [task.pk for task in tasks],
        "reassign",
        wanted,
        by=lead,
        team=account.team,
        form_token=uuid.uuid4(),
    )
    assert action_runs.outcomes(run) == action_runs.Outcomes(done=3, on_way=1)

    holding.give_back({tasks[0].pk: ""}, str(ben.pk), by=lead, team=account.team)

    found = action_runs.outcomes(run)
    assert found == action_runs.Outcomes(done=2, on_way=1, undone=1)
    action_runs.undo(run, by=lead)
    assert action_runs.outcomes(run) == action_runs.Outcomes(undone=4)


def test_moving_locks_what_is_sent_before_the_task(
    lead: User, account: ConnectedAccount, ben: User
) -> None:
    task = make_task(account=account)
    with CaptureQueriesContext(connection) as queries:
        workload.move(task, taker=workload.Taker(ben, ben), by=lead, version=None)

    asked = [q["sql"] for q in queries if q["sql"].startswith("SELECT")]
    assert 'FROM "baton_push"' in asked[0]


@pytest.mark.parametrize(
    ("delivery", "status", "reason"),
    [
        ("failed", "open", ""),
        ("queued", "open", ""),
        ("withdrawn", "cancelled", "It was taken back."),
        ("delivered", "cancelled", "It is cancelled already."),
        ("delivered", "removed", "It was removed in Saleshandy."),
    ],
)
def test_menu_plan_and_run_agree_on_what_changes_hands(
    lead: User,
    account: ConnectedAccount,
    ben: User,
    delivery: str,
    status: str,
    reason: str,
) -> None:
    there = {"external_id": "a-1"} if delivery == "delivered" else {}
    task = make_task(account=account, delivery=delivery, status=status, **there)
    tasks = Task.objects.filter(pk=task.pk)

    menu = actions.why_not(task, Action.REASSIGN, account.adapter())
    plan = many.plan(tasks, "reassign")
    wanted = many.Wanted(member=ben.pk)
    asked = many.ask_many([task.pk], "reassign", wanted, by=lead, team=task.team)

    assert menu == reason
    assert (plan.able, list(plan.skipped)) == (not reason, [reason] if reason else [])
    assert asked.done == ([] if reason else [task.pk])
    assert list(asked.skipped) == list(plan.skipped)


def test_a_reading_does_not_give_it_back(
    account: ConnectedAccount, lead: User, ben: User
) -> None:
    first = make_vendor_user(account, user=lead)
    other = make_vendor_user(account, user=make_user(account.team, "rep"))
    task = there(account, assignee=lead, vendor_user=first)
    holding.hand_over([task], ben, adapters={account.pk: account.adapter()}, by=lead)

    def read(holder: str) -> None:
        remote = RemoteTask("a-1", status=Status.OPEN, assignee_id=holder)
        apply_page(account, [remote], at=timezone.now())
        task.refresh_from_db()

    read(first.external_id)
    assert task.assignee == ben
    read(other.external_id)
    assert (task.assignee, task.vendor_user) == (ben, other)
