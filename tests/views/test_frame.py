"""The frame: what stands beside its links is what they lead to, read in one statement."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import Heartbeat, TaskCopy, Team
from tests.factories import (
    client_of,
    make_account,
    make_batch,
    make_push,
    make_task,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db
QUEUE = "/tasks/?delivery=queued,retrying,sending"


@pytest.fixture
def team() -> Team:
    team = make_team()
    for role in ("worker", "scheduler", "sweep"):
        Heartbeat.objects.create(role=role, name="a", beat_at=timezone.now())
    return team


@pytest.fixture
def lead(team: Team) -> User:
    return make_user(team, "lead")


def furnish(team: Team, person: User) -> None:
    account = make_account("reply", team=team, name="Growth")
    moving, through = (make_batch(account) for _ in range(2))
    for number, (delivery, status) in enumerate(
        (
            ("queued", "open"),
            ("claimed", "open"),
            ("sending", "completed"),
            ("accepted", "open"),
            ("failed", "in_progress"),
            ("needs_check", "open"),
            ("withdrawn", "cancelled"),
        )
    ):
        for holder in (person, make_user(team, "rep")):
            make_task(
                account=account,
                assignee=holder,
                delivery=delivery,
                status=status,
                retry_at=timezone.now() if number == 0 and holder == person else None,
                batch=moving if number < 4 else through,
            )
    task = make_task(account=account, delivery="delivered", external_id="1")
    TaskCopy.objects.create(account=account, task=task, external_id="2")
    make_push(task=task, kind="complete", state="needs_check")


def count(text: str, name: str) -> str:
    found = re.search(rf'id="nav-{name}"[^>]*>([^<]*)<', text)
    return found[1] if found else ""


def total(client: Client, url: str) -> int:
    return int(client.get(url).context["total"])


@pytest.mark.parametrize("role", ["lead", "rep"])
def test_a_count_is_that_of_what_its_link_leads_to(team: Team, role: str) -> None:
    me = make_user(team, role)
    furnish(team, me)
    furnish(make_team(), make_user())
    client = client_of(me)

    text = client.get("/prospects/").text

    open_ones = "/tasks/?status=open,in_progress"
    assert count(text, "tasks") == str(total(client, open_ones))
    assert count(client.get(open_ones).text, "tasks") == count(text, "tasks")
    assert f"{total(client, QUEUE)} in the queue" in text
    assert total(client, QUEUE) == (6 if role == "lead" else 3)
    assert QUEUE in text
    assert count(text, "batches") == "1"
    if role == "lead":
        assert count(text, "check") == "2"
        assert client.get("/needs-check/").context["total"] == 2
    else:
        assert "Needs a check" not in text


def test_what_is_nothing_shows_nothing(team: Team, lead: User) -> None:
    text = client_of(lead).get("/prospects/").text

    assert [count(text, n) for n in ("tasks", "batches", "check", "accounts")] == [
        ""
    ] * 4
    assert "in the queue" not in text
    assert QUEUE not in text


@pytest.mark.parametrize("why", ["worker", "account", "paused account", "paused batch"])
def test_a_queue_that_does_not_move_says_that_it_waits(
    team: Team, lead: User, why: str
) -> None:
    account = make_account(team=team, name="Partners")
    if why == "worker":
        Heartbeat.objects.all().delete()
    elif why == "account":
        account = make_account("reply", team=team, state="needs_new_key")
    elif why == "paused account":
        account = make_account("reply", team=team, state="paused")
    held = make_batch(account, paused_at=timezone.now() if "batch" in why else None)
    make_push(task=make_task(account=account, delivery="queued", batch=held))

    text = client_of(lead).get("/prospects/").text

    assert "1 waits" in text
    assert "dot--moving" not in text
    assert "in the queue</a>" not in text


@pytest.mark.parametrize("role", ["lead", "rep"])
def test_what_stands_still_holds_nobody_up_who_has_nothing_there(
    team: Team, role: str
) -> None:
    person, account = make_user(team, role), make_account(team=team, name="Partners")
    task = make_task(account=account, delivery="queued", assignee=person)
    make_push(task=task)
    settled = make_batch(account, paused_at=timezone.now())
    make_task(account=account, batch=settled, delivery="failed", assignee=person)
    for state in ("needs_new_key", "trouble", "paused"):
        other = make_account("reply", team=team, state=state)
        if role == "rep":  # what waits there is somebody else's
            other_task = make_task(
                account=other, delivery="queued", assignee=make_user(team, "rep")
            )
            make_push(task=other_task)

    text = client_of(person).get("/prospects/").text

    assert "1 in the queue" in text
    assert "1 waits" not in text


def test_the_frame_counts_by_one_statement_and_the_list_not_twice(
    team: Team, lead: User
) -> None:
    furnish(team, lead)
    client = client_of(lead)

    def counting(url: str) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            client.get(url)
        return [q["sql"] for q in seen if q["sql"].startswith("SELECT (SELECT COUNT")]

    assert len(counting("/prospects/new/")) == 1
    frame = counting("/tasks/")[-1]
    assert '"status" IN' not in frame
    for url, tabs in (("/tasks/?channel=call", 7), ("/tasks/?status=overdue", 6)):
        assert counting(url)[0].count("SELECT COUNT(*)") == tabs


def test_who_becomes_a_rep_is_told_what_a_rep_sees(team: Team) -> None:
    person = make_user(team, "lead")
    furnish(team, person)
    client = client_of(person)
    as_lead = client.get("/prospects/").text

    person.memberships.update(role="rep")
    as_rep = client.get("/prospects/").text

    assert int(count(as_rep, "tasks")) < int(count(as_lead, "tasks"))
    assert "3 in the queue" in as_rep


def test_a_batch_that_goes_on_counts_however_many_came_after_it(
    team: Team, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account("reply", team=team)
    monkeypatch.setattr("tasks_app.services.batches.MOST", 2)
    old, *_ = [make_batch(account) for _ in range(4)]
    make_task(account=account, batch=old, delivery="accepted")
    make_task(account=account, delivery="accepted")  # of no batch
    client = client_of(lead)

    assert count(client.get("/prospects/").text, "batches") == "1"
    page = client.get("/batches/?state=running")
    assert [batch for batch, *_ in page.context["rows"]] == [old]
    page = client.get("/batches/?state=done")
    assert old not in [batch for batch, *_ in page.context["rows"]]


def test_the_counts_are_read_again_alone(team: Team, lead: User) -> None:
    furnish(team, lead)
    client = client_of(lead)

    answer = client.get("/nav/", headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "<html" not in answer.text
    page = client.get("/prospects/").text
    for name in ("tasks", "batches", "check", "accounts"):
        assert count(answer.text, name) == count(page, name)
    assert answer.text.count('hx-swap-oob="true"') == 6
    assert 'id="nav-views"' in answer.text and 'id="nav-views"' in page
    assert "6 in the queue" in answer.text
    assert 'hx-get="/nav/"' in page


def test_a_lead_writes_a_new_task_from_the_bar_of_a_phone(
    team: Team, lead: User
) -> None:
    def bar(user: User) -> str:
        text = client_of(user).get("/prospects/").text
        return text[text.index('class="tabbar"') :].partition("</nav>")[0]

    assert "/tasks/new/" in bar(lead)
    assert "/tasks/new/" not in bar(make_user(team, "rep"))
    assert bar(lead).count("tabbar__item") == 5
    assert bar(make_user(team, "rep")).count("tabbar__item") == 5
