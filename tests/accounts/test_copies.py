"""What exists twice at a vendor: who sees it, and who may settle it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from tasks_app.models import Push, TaskCopy
from tests.factories import make_account, make_push, make_task, make_user

pytestmark = pytest.mark.django_db
URL = "/needs-check/"


def double(team=None, vendor="reply", **overrides) -> TaskCopy:
    """Return the second copy of a delivered task."""
    account = overrides.pop("account", None) or make_account(vendor, team=team)
    task = make_task(
        account=account, title="Call Ada", delivery="delivered", external_id="41"
    )
    make_push(task=task, state="delivered", external_id="41")
    values = {"account": account, "task": task, "external_id": "77", **overrides}
    return TaskCopy.objects.create(**values)


def settle(client, copy, choice, **data):
    url = reverse("copy-settle", args=[copy.pk])
    return client.post(url, {"choice": choice, **data})


def test_a_rep_is_told_and_does_not_settle(client, team):
    copy = double(team)
    client.force_login(rep := make_user(team, role="rep"))
    copy.task.assignee = rep
    copy.task.save()

    page = client.get(reverse("task-detail", args=[copy.task_id])).content.decode()

    assert "A second copy appeared at Reply.io" in page
    assert "A team lead takes one back" in page
    assert settle(client, copy, "leave").status_code == 403


def test_another_team_finds_nothing(client, lead):
    theirs = double()

    assert "Exists twice" not in client.get(URL).content.decode()
    assert settle(client, theirs, "leave").status_code == 404
    theirs.refresh_from_db()
    assert theirs.outcome == ""


@pytest.mark.parametrize("choice", ["", "burn"])
def test_an_unknown_answer_is_refused(choice, client, lead, team):
    copy = double(team)

    response = settle(client, copy, choice)

    assert response.status_code == 422
    assert "Choose one of the two answers." in response.content.decode()


def test_a_vendor_without_a_call_for_it_is_told_of(client, lead, team):
    copy = double(team, "ysuite")

    page = client.get(URL).content.decode()
    response = settle(client, copy, "back")

    assert "YSuite has no call that takes a task back. Delete 77 there" in page
    assert "Take the second one back" not in page
    assert response.status_code == 422
    assert not Push.objects.filter(kind="copy").exists()


def test_both_ids_are_shown_on_both_pages(client, lead, team):
    copy = double(team)

    for url in (URL, reverse("task-detail", args=[copy.task_id])):
        page = client.get(url).content.decode()

        assert "A second copy appeared at Reply.io" in page
        assert ">41<" in page
        assert ">77<" in page
    assert re.search(r'id="nav-check" data-tone="violet"[^>]*>1<', page)


def test_it_is_taken_back_once(client, lead, team):
    copy = double(team)

    response = settle(client, copy, "back", account=str(copy.account_id))
    again = settle(client, copy, "leave")

    assert response["Location"] == f"{URL}?account={copy.account_id}"
    push = Push.objects.get(kind="copy")
    assert push.values == {"copy": "77", "action": "cancel"}
    assert again.status_code == 409
    assert "It is being taken back already." in again.content.decode()
    page = client.get(URL).content.decode()
    assert "The second one is being taken back." in page
    assert 'value="leave"' not in page


def test_a_refusal_is_shown_and_can_be_answered_anew(client, lead, team):
    copy = double(team)
    settle(client, copy, "back")
    Push.objects.filter(kind="copy").update(
        state="failed", error="Reply.io refused this."
    )

    page = client.get(URL).content.decode()
    settle(client, copy, "leave")

    assert "It was not taken back: Reply.io refused this." in page
    copy.refresh_from_db()
    assert (copy.outcome, copy.settled_by) == ("left", lead)
    assert "Nothing needs a check" in client.get(URL).content.decode()


def test_number_of_queries_is_fixed(client, lead, team, django_assert_max_num_queries):
    account = make_account("reply", team=team)
    double(account=account)
    with django_assert_max_num_queries(30) as few:
        client.get(URL)
    for number in range(5):
        task = make_task(
            account=account, delivery="delivered", external_id=f"x{number}"
        )
        TaskCopy.objects.create(account=account, task=task, external_id=f"y{number}")

    with django_assert_max_num_queries(len(few)):
        client.get(URL)
