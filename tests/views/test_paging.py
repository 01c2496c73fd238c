"""Long lists are counted and paged up to a limit, and say so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import Team
from tasks_app.services import batches, counting
from tasks_app.views import paging, tasks
from tasks_app.views.paging import Pages
from tests.factories import (
    make_account,
    make_batch,
    make_prospect,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db
MOST = 60


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (counting, paging, tasks):
        monkeypatch.setattr(module, "MOST", MOST)


def test_a_list_beyond_the_limit_says_more_than(page: Client, team: Team) -> None:
    account = make_account(team=team)
    made = [make_task(account=account, priority=3).pk for _ in range(MOST + 5)]

    first, last = page.get("/tasks/"), page.get("/tasks/?page=99")

    assert "1 to 50 of 60+ tasks" in first.text
    assert "All 60+ that match" in first.text
    assert {view.name: view.words for view in first.context["views"]}["all"] == "60+"
    assert "51 to 60 of 60+ tasks" in last.text
    assert "narrow the filter, or turn the order round" in last.text
    assert [task.pk for task in last.context["page"]] == made[50:MOST]


def test_a_list_at_the_limit_is_whole(page: Client, team: Team) -> None:
    account = make_account(team=team)
    for _ in range(MOST):
        make_task(account=account)

    last = page.get("/tasks/?page=2")

    assert "51 to 60 of 60 tasks" in last.text
    assert "narrow the filter" not in last.text


def test_all_beyond_the_limit_can_be_acted_on(page: Client, team: Team) -> None:
    account = make_account(team=team)
    for number in range(MOST + 5):
        make_task(account=account, delivery="delivered", external_id=str(number))
    form = {"action": "complete", "all": "1", "query": "status=open"}

    some = page.post("/tasks/bulk/", {**form, "count": f"{MOST}+"})
    fewer = page.post("/tasks/bulk/", {**form, "count": "200+"})

    assert f"{MOST + 5}" in some.text and some.status_code == 200
    assert fewer.status_code == 409


def test_one_statement_counts_the_list_and_finds_the_page(
    page: Client, team: Team
) -> None:
    account = make_account(team=team)
    day = team.today()
    # Some of them are due at the same moment.
    made = [
        make_task(account=account, title=f"{n:03}", due_on=day + timedelta(days=n // 7))
        for n in range(58)
    ]
    ids = [task.pk for task in made]

    for query, expected in (
        ("", ids[:50]),
        ("page=2", ids[50:]),
        ("page=2&sort=-due", ids[7::-1]),
        ("page=2&sort=title", ids[50:]),
        ("page=2&sort=-created", ids[7::-1]),
    ):
        with CaptureQueriesContext(connection) as context:
            answer = page.get(f"/tasks/?{query}")
        assert [task.pk for task in answer.context["page"]] == expected, query
        walks = [q for q in context if q["sql"].startswith("WITH found")]
        ids_alone = 'SELECT "baton_task"."id" AS "pk" FROM'
        assert len(walks) == 1, query
        assert not [q for q in context if q["sql"].startswith(ids_alone)], query


def test_a_page_that_is_none_is_the_nearest(page: Client, team: Team) -> None:
    account = make_account(team=team)
    made = [make_task(account=account).pk for _ in range(MOST)]

    for number, expected in (("0", 50), ("-3", 50), ("999999999999", 50), ("x", 0)):
        shown = page.get(f"/tasks/?page={number}").context["page"]
        assert shown[0].pk == made[expected], number


def test_long_lists_of_prospects_say_more_than(page: Client, team: Team) -> None:
    for _ in range(MOST + 1):
        make_prospect(team)

    answer = page.get("/prospects/?page=2")

    assert "51 to 60 of 60+ prospects" in answer.text


def test_a_page_keeps_the_order_of_its_list(team: Team) -> None:
    names = ["Cleo", "Ada", "Ben"]
    people = {name: make_prospect(team, first_name=name) for name in names}
    found = team.prospects.order_by("-first_name")

    shown = Pages(found).get_page(1)

    assert [p.pk for p in shown] == [people[name].pk for name in ("Cleo", "Ben", "Ada")]


def test_vendors_and_types_find_tasks_of_disconnected_accounts(
    page: Client, team: Team
) -> None:
    left, here = (make_account("reply", team=team) for _ in range(2))
    tasks = [make_task(account=account).pk for account in (left, here)]
    left.deleted_at = timezone.now()
    left.save()
    make_task(account=make_account("ysuite", team=team))
    kind = here.task_types.get(code="2").name

    for query in ("vendor=reply", f"type={kind}"):
        found = page.get(f"/tasks/?{query}").context["page"]
        assert [task.pk for task in found] == tasks, query


def test_words_are_counted_up_to_a_lower_limit(
    page: Client, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MOST_WITH_WORDS", 3)
    account = make_account(team=team)
    for number in range(5):
        make_task(account=account, title=f"Renewal {number}", due_on=team.today())

    answer = page.get("/tasks/?q=renewal")

    assert "1 to 3 of 3+ tasks" in answer.text
    assert [group.words for group in answer.context["groups"]] == ["3+"]
    assert 'name="count" value="3+"' in answer.text


def test_a_rep_sees_the_newest_batches_with_tasks_of_theirs(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST", 2)
    rep, account = make_user(team, "rep"), make_account(team=team)
    made = [make_batch(account, title=f"Batch {number}") for number in range(4)]
    for number, batch in enumerate(made):
        make_task(account=account, batch=batch, assignee=rep if number else None)
    other = make_batch(account, title="Not for them")
    make_task(account=account, batch=other, assignee=make_user(team))
    client = Client()
    client.force_login(rep)

    answer = client.get("/batches/")

    assert [batch.pk for batch, *_ in answer.context["rows"]] == [
        made[3].pk,
        made[2].pk,
    ]
    assert "of 2+" in answer.text and "search finds older ones" in answer.text
