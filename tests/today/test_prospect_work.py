"""Prospects with or without an open task, as the person sees tasks."""

from __future__ import annotations

import pytest
from django.test import Client

from tasks_app.models import Team
from tests.factories import make_account, make_prospect, make_task, make_user

pytestmark = pytest.mark.django_db


def names(team: Team, role: str, query: str) -> set[str]:
    client = Client()
    client.force_login(make_user(team, role))
    answer = client.get(f"/prospects/?{query}")
    assert answer.context["total"] == len(answer.context["rows"])
    return {row.prospect.first_name for row in answer.context["rows"]}


def test_prospects_are_found_by_whether_they_have_an_open_task(team: Team) -> None:
    account, colleague = make_account(team=team), make_user(team, "rep")
    for name, status, assignee in (
        ("Open", "open", None),
        ("Begun", "in_progress", None),
        ("Done", "completed", None),
        ("Colleague", "open", colleague),
    ):
        prospect = make_prospect(team, first_name=name)
        make_task(account=account, prospect=prospect, status=status, assignee=assignee)
    make_prospect(team, first_name="Nothing")

    assert names(team, "lead", "work=none") == {"Done", "Nothing"}
    assert names(team, "lead", "work=some") == {"Open", "Begun", "Colleague"}
    assert names(team, "rep", "work=none") == {"Done", "Nothing", "Colleague"}
    assert names(team, "lead", "work=maybe") == set()
    assert names(team, "lead", "work=none&q=nothing") == {"Nothing"}


def test_new_tasks_go_to_exactly_those(team: Team) -> None:
    account = make_account(team=team)
    busy, free = make_prospect(team), make_prospect(team)
    make_task(account=account, prospect=busy)
    client = Client()
    client.force_login(make_user(team))

    answer = client.get("/prospects/?work=none")

    form = client.get("/tasks/new/?" + answer.context["task_query"])
    assert form.context["page"].chosen.prospects == [free]
    rows = b"".join(client.get("/prospects/export.csv?work=none").streaming_content)
    assert free.email.encode() in rows
    assert busy.email.encode() not in rows
