"""Settling by a person what may or may not exist."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import Exchange, Push, TaskEvent
from tasks_app.services.delivery import settle_by_person
from tests.factories import (
    make_account,
    make_batch,
    make_push,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db
URL = "/needs-check/"


def unclear(team=None, **overrides) -> Push:
    """Return a push of which nobody knows whether it arrived."""
    account = overrides.pop("account", None) or make_account(team=team)
    task = overrides.pop("task", None) or make_task(
        account=account,
        delivery="needs_check",
        title=overrides.pop("title", "Call Ada"),
        batch=overrides.pop("batch", None),
    )
    return make_push(
        **{
            "task": task,
            "state": "needs_check",
            "sent_at": timezone.now() - timedelta(minutes=5),
            "error": "No answer within 25 s. The task may exist in Saleshandy.",
            "tries": 1,
            **overrides,
        }
    )


def settle(client, push, choice, **data):
    url = reverse("push-settle", args=[push.pk])
    return client.post(url, {"choice": choice, **data})


# -- the wrong person ------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "outsider", "rep"])
def test_only_leads_settle(who, client, team):
    push = unclear(team)
    if who == "outsider":
        client.force_login(make_user())
    if who == "rep":
        client.force_login(make_user(team, role="rep"))

    for response in (client.get(URL), settle(client, push, "again")):
        assert response.status_code == (302 if who == "nobody" else 403)
    push.refresh_from_db()
    assert push.state == Push.State.NEEDS_CHECK


def test_lead_of_another_team_finds_nothing(client, lead):
    theirs = unclear(title="Their own task")

    assert "Their own task" not in client.get(URL).content.decode()
    assert (
        "Their own task"
        not in client.get(f"{URL}?account={theirs.account_id}").content.decode()
    )
    assert settle(client, theirs, "again").status_code == 404
    theirs.refresh_from_db()
    assert theirs.state == Push.State.NEEDS_CHECK


def test_nothing_is_settled_by_a_link(client, lead, team):
    push = unclear(team)

    assert client.get(reverse("push-settle", args=[push.pk])).status_code == 405


# -- bad input -------------------------------------------------------------------------


def test_there_without_an_id_is_refused_beside_the_field(client, lead, team):
    push = unclear(team)

    response = settle(client, push, "there", external_id="  ")

    assert response.status_code == 422
    assert "Enter the id the task has in Saleshandy." in response.content.decode()
    push.refresh_from_db()
    assert push.state == Push.State.NEEDS_CHECK


def test_id_of_another_task_is_refused_and_kept_in_the_field(client, lead, team):
    push = unclear(team)
    make_task(
        account=push.account, external_id="T1", delivery="delivered", title="Other"
    )

    response = settle(client, push, "there", external_id="T1")

    assert response.status_code == 422
    page = response.content.decode()
    assert "belongs to another task: “Other”" in page
    assert 'value="T1"' in page


@pytest.mark.parametrize("choice", ["", "burn", "there again"])
def test_unknown_answer_is_refused(choice, client, lead, team):
    response = settle(client, unclear(team), choice)

    assert response.status_code == 422
    assert "Choose one of the three answers." in response.content.decode()


def test_refused_answer_is_shown_wherever_its_push_stands(
    client, lead, team, monkeypatch
):
    monkeypatch.setattr("tasks_app.views.needs_check.CARDS", 2)
    account = make_account(team=team)
    pushes = [unclear(account=account) for _ in range(5)]

    response = settle(client, pushes[-1], "there")

    assert "Enter the id the task has" in response.content.decode()


def test_disconnected_account_sends_nothing_again(client, lead, team):
    push = unclear(team)
    push.account.deleted_at = timezone.now()
    push.account.save(update_fields=["deleted_at"])

    page = client.get(URL).content.decode()
    response = settle(client, push, "again")

    assert "Call Ada" in page
    assert "Send again" not in page
    assert response.status_code == 422
    push.refresh_from_db()
    assert push.state == Push.State.NEEDS_CHECK


def test_who_comes_second_is_told_who_was_first(client, lead, team):
    push = unclear(team)
    cy = make_user(team, role="lead", first_name="Cy", last_name="Young")
    settle_by_person(push, "there", by=cy, external_id="T9")

    response = settle(client, push, "again")

    assert response.status_code == 409
    assert "Already settled by Cy Young" in response.content.decode()
    push.refresh_from_db()
    assert push.state == Push.State.DELIVERED


# -- the three answers -----------------------------------------------------------------


def test_there_links_it(client, lead, team):
    push = unclear(team)

    response = settle(client, push, "there", external_id=" T7 ")

    assert response["Location"] == URL
    push.task.refresh_from_db()
    assert push.task.delivery == "delivered"
    assert push.task.external_id == "T7"
    event = TaskEvent.objects.filter(task=push.task).latest("pk")
    assert event.actor == lead


def test_again_puts_it_into_the_queue(client, lead, team):
    push = unclear(team)

    settle(client, push, "again")

    push.refresh_from_db()
    assert push.state == Push.State.QUEUED


def test_left_stays_and_says_so(client, lead, team):
    push = unclear(team)

    response = settle(client, push, "leave", account=str(push.account_id))

    assert response["Location"] == f"{URL}?account={push.account_id}"
    push.refresh_from_db()
    assert push.state == Push.State.NEEDS_CHECK
    assert push.left_at is not None
    assert "Left as it is" in client.get(URL).content.decode()


def test_action_needs_no_id(client, lead, team):
    account = make_account(team=team)
    task = make_task(account=account, external_id="T1", delivery="delivered")
    push = unclear(task=task, kind=Push.Kind.COMPLETE)

    page = client.get(URL).content.decode()
    settle(client, push, "there")

    assert "Did it happen in Saleshandy?" in page
    assert 'name="external_id"' not in page
    push.refresh_from_db()
    assert push.state == Push.State.DELIVERED


# -- what is shown ---------------------------------------------------------------------


def test_nothing_to_check_is_said(client, lead, team):
    make_push(account=make_account(team=team))

    assert "Nothing needs a check" in client.get(URL).content.decode()


def test_evidence_is_shown(client, lead, team):
    push = unclear(
        team,
        absent_reads=2,
        marker="bt-7f3aq2kz",
        look_at=timezone.now() + timedelta(minutes=4),
    )
    calls = [
        Exchange.objects.create(
            account=push.account,
            purpose=purpose,
            method="POST",
            path="/tasks",
            request_body={"taskNote": "Ask <b>her</b>"}
            if purpose == "create"
            else None,
        )
        for purpose in ("create", "look", "look")
    ]
    push.exchanges.set(calls)

    page = client.get(URL).content.decode()

    assert "No answer within 25 s." in page
    assert "Baton looked 2 times" in page
    assert "did not see it" in page
    assert "It looks again at" in page
    assert "[bt-7f3aq2kz]" in page
    assert "Ask &lt;b&gt;her&lt;/b&gt;" in page
    assert f'id="push-{push.pk}"' in page
    assert "my.saleshandy.com" in page


def test_failed_look_is_told(client, lead, team):
    push = unclear(team)
    call = Exchange.objects.create(
        account=push.account,
        purpose="look",
        method="GET",
        path="/tasks",
        error="Saleshandy was busy (429).",
    )
    push.exchanges.add(call)

    assert (
        "that look failed: Saleshandy was busy (429)."
        in client.get(URL).content.decode()
    )


def test_list_can_be_limited_to_an_account(client, lead, team):
    one, other = unclear(team, title="One task"), unclear(team, title="Other task")

    page = client.get(f"{URL}?account={one.account_id}").content.decode()

    assert "One task" in page
    assert "Other task" not in page
    assert other.account.name in page


def test_list_can_be_limited_to_a_batch_and_leads_back_there(client, lead, team):
    account = make_account(team=team)
    batch = make_batch(account, title="July calls")
    one = unclear(account=account, title="Of the batch", batch=batch)
    unclear(account=account, title="Of none")
    foreign = make_batch(make_account(), title="Theirs")

    page = client.get(f"{URL}?batch={batch.pk}").content.decode()
    again = settle(client, one, "leave", batch=str(batch.pk))
    refused = settle(client, one, "nothing", batch=str(batch.pk)).content.decode()

    assert "Of the batch" in page and "Of none" not in page
    assert f'href="/batches/{batch.pk}/"' in page and "July calls" in page
    assert f'id="task-{one.task_id}"' in page
    assert again["Location"] == f"{URL}?batch={batch.pk}"
    assert "Of none" not in refused
    for number in (foreign.pk, "x", "9" * 30, "²"):
        shown = client.get(URL, {"batch": number}).content.decode()
        assert "Of none" in shown and "Theirs" not in shown


@pytest.mark.parametrize("account", ["999999", "abc", "' OR 1"])
def test_unknown_account_shows_all(account, client, lead, team):
    unclear(team)

    assert "Call Ada" in client.get(URL, {"account": account}).content.decode()


def test_those_for_a_person_stand_first_and_left_ones_last(client, lead, team):
    account = make_account(team=team)
    unclear(account=account, title="Left", left_at=timezone.now())
    unclear(account=account, title="Looked for")
    unclear(account=account, title="For a person", ask_person=True)

    page = client.get(URL).content.decode()

    assert page.index("For a person") < page.index("Looked for") < page.index(">Left<")


def test_number_of_queries_is_fixed(client, lead, team, django_assert_max_num_queries):
    unclear(team)
    with django_assert_max_num_queries(20) as few:
        client.get(URL)
    for _ in range(10):
        push = unclear(team)
        push.exchanges.add(
            Exchange.objects.create(
                account=push.account, purpose="look", method="GET", path="/t"
            )
        )

    with django_assert_max_num_queries(len(few)):
        client.get(URL)
