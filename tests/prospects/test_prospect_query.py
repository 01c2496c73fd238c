"""One meaning of a filter of prospects: in the list, in the export, for new tasks."""

from __future__ import annotations

import csv
import io
import itertools
import random

import pytest
from django.urls import reverse

from tasks_app.models import Membership, Prospect, Tag, Task
from tasks_app.services.prospect_query import ProspectQuery
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client, team):
    user = make_user(team, first_name="Mara", last_name="Lind")
    client.force_login(user)
    return user


def furnish(team, lead):
    """Return an account and prospects of every kind, by a fixed seed."""
    chance = random.Random(7)
    account, other = make_account(team=team), make_account("reply", team=team)
    warm = Tag.objects.create(team=team, name="warm")
    for number in range(40):
        prospect = make_prospect(
            team,
            company=chance.choice(["Halden", "Nordhavn"]),
            do_not_contact=chance.random() < 0.3,
            owner=chance.choice(["", lead.email.upper(), "Mara Lind", "Who Else"]),
            first_name=chance.choice(["Ada", "Bo"]),
            email=f"p{number}@x.example",
        )
        if chance.random() < 0.5:
            prospect.tags.add(warm)
        for where in (account, other):
            if chance.random() < 0.5:
                make_link(prospect, where)
        if chance.random() < 0.5:
            status = chance.choice(["open", "completed", "in_progress"])
            make_task(account=account, prospect=prospect, status=status)
    return account


def oracle(prospect, lead, account, values):
    """Say in plain Python whether this prospect matches."""
    linked = {link.account_id for link in prospect.links.all()}
    work = [t for t in prospect.tasks.all() if t.status in ("open", "in_progress")]
    mine = {lead.email, "Mara Lind", lead.username}
    answers = {
        "text": lambda v: v.casefold() in prospect.first_name.casefold(),
        "company": lambda v: v.casefold() in prospect.company.casefold(),
        "tag": lambda v: v in {t.name for t in prospect.tags.all()},
        "known": lambda v: {
            "any": bool(linked),
            "none": not linked,
            str(account.pk): account.pk in linked,
            f"not-{account.pk}": account.pk not in linked,
        }[v],
        "contact": lambda v: prospect.do_not_contact == (v == "no"),
        "work": lambda v: bool(work) == (v == "some"),
        "owner": lambda v: (
            not prospect.owner
            if v == "none"
            else prospect.owner.casefold() in {word.casefold() for word in mine}
        ),
    }
    return all(answers[name](value) for name, value in values.items())


def test_every_pair_of_filters_agrees_with_plain_python(client, team, lead) -> None:
    account = furnish(team, lead)
    asked = {
        "text": ["ada"],
        "company": ["HALD"],
        "tag": ["warm"],
        "known": ["any", "none", str(account.pk), f"not-{account.pk}"],
        "contact": ["yes", "no"],
        "work": ["none", "some"],
        "owner": ["none", str(lead.pk)],
    }
    singles = [(name, value) for name, values in asked.items() for value in values]
    people = list(Prospect.objects.prefetch_related("tags", "links", "tasks"))

    tried = 0
    for pair in itertools.combinations(singles, 2):
        values = dict(pair)
        expected = {p.pk for p in people if oracle(p, lead, account, values)}
        found = ProspectQuery(**values).found(team, Task.objects.filter(team=team))
        assert {p.pk for p in found} == expected, values
        tried += 1
    assert tried > 70


@pytest.mark.parametrize(
    ("query", "number"),
    [("owner=none", 1), ("known=none", 2), ("contact=no", 1), ("work=none", 2)],
)
def test_list_export_and_new_task_mean_the_same(client, team, lead, query, number):
    make_prospect(team, owner=lead.email)
    busy = make_prospect(team, owner="Who Else", do_not_contact=True)
    task = make_task(account=make_account(team=team), prospect=busy)
    make_link(make_prospect(team, owner=lead.username), task.account)

    listed = client.get(f"/prospects/?{query}")
    export = b"".join(
        client.get(f"/prospects/export.csv?{query}").streaming_content
    ).decode("utf-8-sig")
    form = client.get("/tasks/new/?" + listed.context["task_query"])

    shown = {row.prospect.pk for row in listed.context["rows"]}
    rows = list(csv.DictReader(io.StringIO(export)))
    assert {p.pk for p in form.context["page"].chosen.prospects} == shown
    assert {row["Email"] for row in rows} == {
        p.email for p in Prospect.objects.filter(pk__in=shown)
    }


def test_a_filter_goes_to_the_form_however_many_match(client, team, lead) -> None:
    make_account(team=team)
    Prospect.objects.bulk_create(
        Prospect(team=team, last_name=f"N{n}", do_not_contact=n % 2 == 0)
        for n in range(700)
    )

    listed = client.get("/prospects/?contact=yes")
    form = client.get("/tasks/new/?" + listed.context["task_query"])

    assert "New task for all 350" in listed.content.decode()
    assert len(form.context["page"].chosen.prospects) == 350
    assert '<option value="yes" selected>' in form.content.decode()


def test_a_filter_that_names_nothing_of_the_team_matches_nobody(team) -> None:
    make_prospect(team)
    theirs = make_account()
    stranger = make_user(theirs.team)
    tasks = Task.objects.filter(team=team)

    for asked in (
        ProspectQuery(known=str(theirs.pk)),
        ProspectQuery(known=f"not-{theirs.pk}"),
        ProspectQuery(known="nonsense"),
        ProspectQuery(known="9" * 30),
        ProspectQuery(owner=str(stranger.pk)),
        ProspectQuery(owner="me"),
    ):
        assert not asked.found(team, tasks).exists(), asked


# -- owners ---------------------------------------------------------------------------


def test_the_list_names_the_owner_or_what_the_file_said(client, team, lead) -> None:
    make_prospect(team, owner="MARA LIND")
    make_prospect(team, owner="somebody@else.example")

    page = client.get("/prospects/").content.decode()

    assert 'title="Mara Lind"' in page
    assert "somebody@else.example: nobody of this team" in page


def test_a_name_of_two_people_names_nobody(client, team, lead) -> None:
    twin = make_user(team, first_name="Mara", last_name="Lind")
    make_prospect(team, owner="Mara Lind")
    make_prospect(team, owner=twin.email)

    owners = {row.owner for row in client.get("/prospects/").context["rows"]}

    assert owners == {None, twin}


def test_who_left_the_team_owns_nothing(client, team, lead) -> None:
    left = make_user(team)
    prospect = make_prospect(team, owner=left.email)
    Membership.objects.filter(user=left).delete()

    page = client.get(reverse("prospect-detail", args=[prospect.pk])).content.decode()

    assert "nobody of this team" in page


def test_the_next_task_is_named_and_linked(client, team, lead) -> None:
    task = make_task(account=make_account(team=team), title="Ask about the renewal")

    page = client.get("/prospects/").content.decode()

    assert reverse("task-detail", args=[task.pk]) in page
    assert "Ask about the renewal" in page
