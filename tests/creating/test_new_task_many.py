"""The page for new tasks with many prospects: open tasks, turns, owners and days."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tasks_app.models import Batch, Task
from tests.creating.inputs import linked_prospects
from tests.creating.test_new_task_page import (
    NEW,
    PREVIEW,
    form_for,
    problems,
    squeezed,
)
from tests.factories import make_account, make_task, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return make_account("saleshandy", name="Outbound EU")


# -- open tasks of the same kind --------------------------------------------------------


def with_open_task(account, title="Call about it"):
    """Return a prospect who has an open call task in another account of the team."""
    other = make_account("reply", team=account.team, name="Growth")
    [prospect] = linked_prospects(account, 1)
    return prospect, make_task(
        account=other, prospect=prospect, channel="call", title=title
    )


def test_open_tasks_are_named_with_links_before_anything_is_created(
    client, account, lead
) -> None:
    prospect, task = with_open_task(account)
    form = form_for(account, [prospect])

    preview = client.post(reverse(PREVIEW), form)
    refused = client.post(reverse(NEW), form)

    for page in (preview, refused):
        assert reverse("task-detail", args=[task.pk]) in page.content.decode()
        assert "1 prospect has an open call task already" in squeezed(page)
    assert refused.status_code == 422
    assert "Leave them out, or create all the same" in problems(refused)["prospects"]
    assert not Batch.objects.exists()


def test_open_tasks_are_left_out_or_made_all_the_same(client, account, lead) -> None:
    busy, _ = with_open_task(account)
    [free] = linked_prospects(account, 1)
    form = form_for(account, [busy, free], open_seen="1")

    client.post(reverse(NEW), {**form, "open": "leave"})
    left = Batch.objects.get()
    client.post(
        reverse(NEW),
        {**form_for(account, [busy], open_seen="1"), "open": "create"},
    )
    made = Batch.objects.exclude(pk=left.pk).get()

    assert [task.prospect for task in left.tasks.all()] == [free]
    assert "Has an open call task at Growth already" in left.left_out[0]["reason"]
    assert [task.prospect for task in made.tasks.all()] == [busy]


def test_more_open_tasks_than_were_seen_are_asked_about_again(
    client, account, lead
) -> None:
    busy, _ = with_open_task(account)
    [other] = linked_prospects(account, 1)
    make_task(account=account, prospect=other, channel="call")
    form = form_for(account, [busy, other], open="create", open_seen="1")

    response = client.post(reverse(NEW), form)

    assert response.status_code == 422
    assert "2 prospects have an open call task" in squeezed(response)


def test_the_tables_and_texts_of_open_tasks_are_escaped(client, account, lead) -> None:
    prospect, _ = with_open_task(account, title="<script>x</script>")

    page = client.post(reverse(PREVIEW), form_for(account, [prospect]))

    assert "<script>x" not in page.content.decode()


# -- sharing out ------------------------------------------------------------------------


def test_turns_and_days_are_shown_and_created(client, account, lead) -> None:
    reps = [make_user(account.team, "rep", first_name=n) for n in ("Elin", "Jonas")]
    form = form_for(
        account, linked_prospects(account, 5), share="turn", days="spread",
        assignees=[f"user:{rep.pk}" for rep in reps], spread_per_day="2",
        due_on="2030-07-19", note="Same for all",
    )  # fmt: skip

    preview = squeezed(client.post(reverse(PREVIEW), form))
    third = squeezed(client.post(reverse(PREVIEW), {**form, "go": "4"}))
    client.post(reverse(NEW), form)

    assert "For Jonas , due Monday, 22 July 2030" in third
    assert '"dueDate" : "2030-07-22"' in third.replace("&quot;", '"')
    assert "Day Elin Jonas All Fri 19 Jul 2030 1 1 2 Mon 22 Jul 2030 1 1 2" in preview
    tasks = Task.objects.order_by("pk")
    assert [task.assignee for task in tasks] == [reps[n % 2] for n in range(5)]
    assert [task.due_on.day for task in tasks] == [19, 19, 22, 22, 23]


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("assignees", {"share": "turn"}, "Choose who takes turns"),
        ("assignees", {"share": "turn", "assignees": "user:999999"}, "of the list"),
        ("spread_per_day", {"days": "spread"}, "whole number from 1"),
        ("spread_per_day", {"days": "spread", "spread_per_day": "0"}, "whole number"),
        ("spread_per_day", {"days": "spread", "spread_per_day": "½"}, "whole number"),
        (
            "due_on",
            {"days": "spread", "spread_per_day": "5", "due_on": ""},
            "Choose the first day",
        ),
    ],
)
def test_what_is_wrong_with_sharing_out_is_said_beside_it(
    client, account, lead, field, values, words
) -> None:
    form = form_for(account, linked_prospects(account, 1), **values)

    response = client.post(reverse(NEW), form)

    assert response.status_code == 422
    assert words in problems(response)[f"id_{field}"]
    assert f'id="id_{field}"' in response.content.decode()


def test_by_owner_names_who_has_none(client, account, lead) -> None:
    elin = make_user(account.team, "rep", first_name="Elin")
    people = linked_prospects(account, 1, owner=elin.email)
    people += linked_prospects(account, 1)
    form = form_for(account, people, share="owner")

    preview = squeezed(client.post(reverse(PREVIEW), form))
    client.post(reverse(NEW), form)

    assert "Has no owner." in preview
    assert Task.objects.get().assignee == elin
