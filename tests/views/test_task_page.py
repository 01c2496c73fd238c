"""One task's page: its way, its history, the proof, and what a lead can do."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import Exchange, Push, Task, TaskEvent, Team
from tests.factories import (
    make_account,
    make_batch,
    make_push,
    make_task,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team(time_zone="Europe/Berlin")


@pytest.fixture
def lead(team: Team) -> User:
    return make_user(team, "lead", first_name="Maya", last_name="Okafor")


def sent_task(team: Team, state: str, **overrides: object) -> tuple[Task, Push]:
    """A task and its create push in this state."""
    account = overrides.pop("account", None) or make_account(team=team)
    ids = {"external_id": "Ts1"} if state == "delivered" else {}
    task = make_task(account=account, delivery=state, **ids, **overrides)
    more: dict[str, object] = {}
    if state in ("claimed", "sending"):
        more = {"attempt_id": uuid.uuid4(), "lease_until": timezone.now()}
    if state == "accepted":
        more = {"request_number": "R77"}
    return task, make_push(task=task, state=state, tries=1, **ids, **more)


def exchange(push: Push, *others: Push, **overrides: object) -> Exchange:
    begun = timezone.now() - timedelta(minutes=5)
    made = Exchange.objects.create(
        **{
            "account": push.account,
            "purpose": "create",
            "method": "POST",
            "path": "/v1/tasks/create",
            "request_body": {"taskNote": "Grüße <b>"},
            "status_code": 201,
            "response_body": '{"data": {"id": 7}}',
            "outcome": "done",
            "began_at": begun,
            "ended_at": begun + timedelta(milliseconds=412),
            **overrides,
        }
    )
    made.pushes.add(push, *others)
    return made


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            "queued",
            ["Waiting to be sent to Saleshandy", "when its turn comes", "Take back"],
        ),
        ("claimed", ["Being handed to Saleshandy"]),
        ("sending", ["Being handed to Saleshandy"]),
        ("accepted", ["Taken by Saleshandy, not named yet", "Request R77."]),
        ("delivered", ["Delivered to Saleshandy", "Ts1"]),
        ("failed", ["Not created in Saleshandy", "refused it", "Retry", "Take back"]),
        ("needs_check", ["Not clear whether it is in Saleshandy", "Baton is looking"]),
        ("withdrawn", ["Withdrawn", "Taken back: it is not sent any more"]),
    ],
)
def test_each_state_says_what_it_means(
    page: Client, team: Team, state: str, words: list[str]
) -> None:
    error = "Saleshandy refused it." if state == "failed" else ""
    task, _ = sent_task(team, state, delivery_error=error)

    text = page.get(f"/tasks/{task.pk}/").text

    for word in words:
        assert word in text
    assert ("/retry/" in text) == (state == "failed")
    assert ('Retry<kbd class="kbd hide-sm">R<' in text) == (state == "failed")
    assert ("/withdraw/" in text) == (state in ("queued", "failed"))


def test_a_person_is_asked_where_a_look_cannot_settle_it(
    page: Client, team: Team
) -> None:
    task, push = sent_task(team, "needs_check")
    Push.objects.filter(pk=push.pk).update(ask_person=True)

    assert "A person has to decide." in page.get(f"/tasks/{task.pk}/").text


@pytest.mark.parametrize(
    ("state", "word"), [("paused", "paused"), ("needs_new_key", "needs a new key")]
)
def test_a_queue_that_stands_still_is_named(
    page: Client, team: Team, state: str, word: str
) -> None:
    account = make_account(team=team, name="Outbound", state=state)
    task, _ = sent_task(team, "queued", account=account)

    assert (
        f"Outbound: {word}. Its queue stands still"
        in page.get(f"/tasks/{task.pk}/").text
    )


def test_a_retry_names_its_time_in_the_teams_zone(page: Client, team: Team) -> None:
    at = team.start_of(team.today()) + timedelta(hours=23, minutes=43)
    task, _ = sent_task(
        team, "queued", retry_at=at, delivery_error="Saleshandy was busy."
    )

    assert (
        "Saleshandy was busy. Next try at 23:43." in page.get(f"/tasks/{task.pk}/").text
    )


def test_the_vendors_own_word_stands_with_the_time_it_was_read(
    page: Client, team: Team
) -> None:
    task, _ = sent_task(
        team,
        "delivered",
        vendor_status="Überfällig?",
        as_of=timezone.now() - timedelta(minutes=5),
    )

    text = page.get(f"/tasks/{task.pk}/").text

    assert "“Überfällig?”" in text
    assert "5 min ago" in text


def test_history_says_who_what_and_from_where(
    page: Client, team: Team, lead: User
) -> None:
    task, _ = sent_task(team, "delivered")
    for event in (
        {"source": "person", "actor": lead, "kind": "created", "new": "July calls"},
        {
            "source": "push",
            "kind": "delivery",
            "new": "needs_check",
            "note": "No answer.",
        },
        {"source": "push", "kind": "delivery", "new": "delivered"},
        {"source": "sync", "kind": "status", "old": "open", "new": "completed"},
        {"source": "sync", "kind": "due", "old": "", "new": "2026-07-20"},
        {"source": "person", "actor": lead, "kind": "complete", "new": "queued"},
        {"source": "sync", "kind": "brand_new_kind", "old": "a", "new": "b" * 500},
    ):
        TaskEvent.objects.create(task=task, **event)

    heads = [line.head for line in page.get(f"/tasks/{task.pk}/").context["history"]]

    assert heads[-5:] == [
        "Due changed in Saleshandy: none to 20 Jul",
        "Status changed in Saleshandy: Open to Completed",
        "Delivered to Saleshandy",
        "Not clear whether it arrived",
        "Created by Maya Okafor",
    ]
    assert heads[1] == "Complete: queued by Maya Okafor"
    assert len(heads[0]) < 200


def test_proof_shows_the_call_pretty_and_escaped(page: Client, team: Team) -> None:
    task, push = sent_task(team, "delivered")
    exchange(push)

    text = page.get(f"/tasks/{task.pk}/").text

    for word in ("/v1/tasks/create", "201 · Answered", "412 ms", "keys removed"):
        assert word in text
    assert "&quot;taskNote&quot;: &quot;Grüße &lt;b&gt;&quot;" in text
    assert "&quot;id&quot;: 7" in text


@pytest.mark.parametrize("body", ["<html>502</html>", "x" * 50_000, "", "{broken"])
def test_any_answer_can_be_shown(page: Client, team: Team, body: str) -> None:
    task, push = sent_task(team, "failed")
    exchange(
        push, status_code=None, response_body=body, outcome="unknown", ended_at=None
    )

    answer = page.get(f"/tasks/{task.pk}/")

    assert answer.status_code == 200
    assert len(answer.text) < 60_000


def test_a_rep_reads_no_bodies_that_carried_others_tasks(
    team: Team, lead: User
) -> None:
    rep = make_user(team, "rep")
    account = make_account(team=team)
    mine, push = sent_task(team, "delivered", account=account, assignee=rep)
    other = make_push(task=make_task(account=account, assignee=lead))
    exchange(push, other, response_body='{"name": "Somebody else"}')
    alone = exchange(push, path="/v1/tasks/alone", response_body='{"mine": 1}')
    client = Client()
    client.force_login(rep)

    text = client.get(f"/tasks/{mine.pk}/").text

    assert "Somebody else" not in text
    assert "This call carried 2 tasks. Only a team lead sees what it said." in text
    assert alone.path in text and "mine" in text


def test_options_are_shown_by_their_label(page: Client, team: Team) -> None:
    account = make_account("leadsquared", team=team)
    task = make_task(
        account=account, options={"Location": "Pune", "odd": ["a", "b"], "none": ""}
    )

    options = dict(page.get(f"/tasks/{task.pk}/").context["options"])

    assert "Pune" in options.values()
    assert options["odd"] == "a, b"
    assert "none" not in options


def test_queries_do_not_grow_with_history_and_calls(
    page: Client, team: Team, lead: User
) -> None:
    task, push = sent_task(team, "delivered", batch=None)
    TaskEvent.objects.create(task=task, source="person", actor=lead, kind="created")
    exchange(push)
    with CaptureQueriesContext(connection) as few:
        page.get(f"/tasks/{task.pk}/")
    for number in range(10):
        TaskEvent.objects.create(
            task=task,
            source="person",
            actor=make_user(team),
            kind="note",
            new=str(number),
        )
        exchange(push)
    with CaptureQueriesContext(connection) as many:
        page.get(f"/tasks/{task.pk}/")

    assert len(few) == len(many) <= 18


# -- what a lead can do ------------------------------------------------------------------


def test_retry_puts_a_failed_task_back(page: Client, team: Team, lead: User) -> None:
    task, push = sent_task(team, "failed")

    answer = page.post(f"/tasks/{task.pk}/retry/", follow=True)

    push.refresh_from_db()
    assert push.state == Push.State.QUEUED
    assert "Back in the queue." in answer.text
    assert task.events.get().actor == lead


def test_retry_comes_too_late_and_says_so(page: Client, team: Team) -> None:
    task, push = sent_task(team, "delivered")

    answer = page.post(f"/tasks/{task.pk}/retry/", follow=True)

    push.refresh_from_db()
    assert push.state == Push.State.DELIVERED
    assert "Not retried: it is “delivered” by now." in answer.text


def test_taking_back_stops_a_queued_task(page: Client, team: Team) -> None:
    task, push = sent_task(team, "queued")

    answer = page.post(f"/tasks/{task.pk}/withdraw/", follow=True)

    push.refresh_from_db()
    task.refresh_from_db()
    assert push.state == Push.State.WITHDRAWN
    assert task.status == Task.Status.CANCELLED
    assert "Taken back. It will not be sent." in answer.text


def test_what_is_under_way_is_not_taken_back(page: Client, team: Team) -> None:
    task, push = sent_task(team, "sending")

    answer = page.post(f"/tasks/{task.pk}/withdraw/", follow=True)

    push.refresh_from_db()
    assert push.state == Push.State.SENDING
    assert "Not taken back: it is “sending” by now." in answer.text


def test_a_task_from_the_vendor_has_no_way_to_tell(page: Client, team: Team) -> None:
    task = make_task(
        account=make_account(team=team),
        origin="vendor",
        delivery="delivered",
        external_id="T1",
        batch=None,
    )

    text = page.get(f"/tasks/{task.pk}/").text

    assert "Made in Saleshandy" in text
    assert "was made in Saleshandy and only read from there" in text
    assert "relay__leg" not in text


def test_the_batch_stands_over_the_task(page: Client, team: Team) -> None:
    account = make_account(team=team)
    task = make_task(account=account, batch=make_batch(account, title="July calls"))

    assert page.get(f"/tasks/{task.pk}/").status_code == 200


@pytest.mark.parametrize("action", ["retry", "withdraw"])
def test_a_rep_is_offered_no_leads_work_on_an_own_task(team: Team, action: str) -> None:
    rep = make_user(team, "rep")
    task, push = sent_task(team, "failed", assignee=rep)
    client = Client()
    client.force_login(rep)

    answer = client.post(f"/tasks/{task.pk}/{action}/")

    push.refresh_from_db()
    assert (answer.status_code, push.state) == (403, Push.State.FAILED)
    assert f"/{action}/" not in client.get(f"/tasks/{task.pk}/").text
