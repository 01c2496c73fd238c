"""Saved views: names, who sees and changes them, and counts that agree with the list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.choices import RECENT_BATCHES
from tasks_app.models import SavedView, Task, Team
from tasks_app.services import counting
from tasks_app.services.counting import count_each, count_words
from tests.factories import (
    client_of,
    make_account,
    make_batch,
    make_task,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db


def make_view(owner: User, team: Team, name: str = "Mine", **more: object) -> SavedView:
    return SavedView.objects.create(team=team, owner=owner, name=name, **more)


# -- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the view a name."),
        ("  \0 ", "Give the view a name."),
        ("x" * 81, "A name has at most 80 characters."),
        ("Mine", "You have a view of this name already."),
        (" Mine ", "You have a view of this name already."),
    ],
)
def test_a_bad_name_is_said_beside_the_field(
    lead: User, team: Team, name: str, sentence: str
) -> None:
    make_view(lead, team)

    answer = client_of(lead).post(
        "/views/new/", {"name": name, "query": "status=open", "shared": "on"}
    )

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="status=open"' in answer.text
    assert SavedView.objects.count() == 1


def test_another_persons_name_is_free(lead: User, team: Team) -> None:
    make_view(make_user(team), team, "Renewals")

    client_of(lead).post("/views/new/", {"name": "Renewals", "query": ""})

    assert SavedView.objects.filter(name="Renewals").count() == 2


def test_a_rep_shares_nothing(team: Team) -> None:
    rep = make_user(team, "rep")

    answer = client_of(rep).post("/views/new/", {"name": "A", "shared": "on"})

    assert answer.status_code == 422
    assert "Only a team lead can share a view" in answer.text
    assert "Share it with the team" not in client_of(rep).get("/views/new/").text


def test_only_what_the_list_understands_is_kept(lead: User) -> None:
    query = "status=open,nope&sort=-created&page=7&next=//evil.example&q=a%00b"

    answer = client_of(lead).post("/views/new/", {"name": "A", "query": query})

    assert SavedView.objects.get().query == "q=a+b&status=open,nope&sort=-created"
    assert "evil" not in answer["Location"]
    assert answer["Location"].startswith("/tasks/?")


# -- whose -----------------------------------------------------------------------------


def test_who_sees_which_view(lead: User, team: Team) -> None:
    rep, other = make_user(team, "rep"), make_user(team, "lead")
    make_view(lead, team, "Private of the lead")
    make_view(lead, team, "Shared by the lead", shared=True)
    make_view(rep, team, "Private of the rep")
    elsewhere = make_team()
    make_view(make_user(elsewhere), elsewhere, "Of another team", shared=True)

    def seen(user: User) -> set[str]:
        links = client_of(user).get("/views/").context["links"]
        return {link.view.name for link in links}

    assert seen(lead) == {"Private of the lead", "Shared by the lead"}
    assert seen(rep) == {"Private of the rep", "Shared by the lead"}
    assert seen(other) == {"Shared by the lead"}


@pytest.mark.parametrize("path", ["", "pin/", "delete/"])
def test_a_private_view_of_somebody_else_is_not_there(
    lead: User, team: Team, path: str
) -> None:
    view = make_view(make_user(team, "rep"), team)

    assert client_of(lead).post(f"/views/{view.pk}/{path}").status_code == 404
    assert SavedView.objects.get() == view


def test_a_rep_does_not_change_what_a_lead_shares(lead: User, team: Team) -> None:
    view = make_view(lead, team, shared=True)
    rep = client_of(make_user(team, "rep"))

    assert rep.post(f"/views/{view.pk}/delete/").status_code == 404


# -- changing --------------------------------------------------------------------------


def test_rename_share_pin_and_delete(lead: User, team: Team) -> None:
    view = make_view(lead, team, query="status=overdue")
    client = client_of(lead)

    client.post(f"/views/{view.pk}/", {"name": "Late", "shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.shared, view.pinned) == ("Late", True, False)
    assert view.query == "status=overdue"

    client.post(f"/views/{view.pk}/pin/")
    view.refresh_from_db()
    assert view.pinned

    client.post(f"/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_deleting_asks_first_and_says_for_whom(lead: User, team: Team) -> None:
    view = make_view(lead, team, "Late", query="status=overdue", shared=True)
    client = client_of(lead)

    page = client.get(f"/views/{view.pk}/delete/").text

    assert "it goes for everybody in the team" in page and "<b>Overdue</b>" in page
    assert SavedView.objects.exists()
    assert (
        client_of(make_user(team, "rep")).get(f"/views/{view.pk}/delete/").status_code
        == 404
    )


def test_a_changed_view_says_so_and_takes_the_filter(lead: User, team: Team) -> None:
    view = make_view(lead, team, "Late", query="status=overdue", shared=True)
    client, rep = client_of(lead), client_of(make_user(team, "rep"))
    query = f"status=overdue&priority=high&view={view.pk}"

    same = client.get(f"/tasks/?status=overdue&view={view.pk}").text
    page = client.get(f"/tasks/?{query}").text
    reps = rep.get(f"/tasks/?{query}").text

    assert "“Late” <b>changed</b>" not in same
    assert "“Late” <b>changed</b>" in page and "“Late” <b>changed</b>" in reps
    assert "Save as new" in page and "Save as new" in reps
    link = f"/views/{view.pk}/?query=status%3Doverdue%26priority%3Dhigh"
    assert f'href="{link}"' in page and "Update view" not in reps
    # The mark stays while the list is sorted, paged and filtered further.
    assert f'name="view" value="{view.pk}"' in page
    assert f"sort=title&amp;view={view.pk}" in page or "sort=title" not in page

    form = client.get(link).text
    assert "everybody in the team sees the change" in form
    data = {"name": "Late", "shared": "on", "query": "status=overdue&priority=high"}
    answer = client.post(f"/views/{view.pk}/", data)
    view.refresh_from_db()
    assert view.query == "status=overdue&priority=high"
    assert answer["Location"] == f"/tasks/?{view.query}&view={view.pk}"


def test_somebody_elses_view_is_not_named(lead: User, team: Team) -> None:
    view = make_view(make_user(team, "rep"), team, "Private", query="status=open")

    for pk in (view.pk, 10**15, "x"):
        page = client_of(lead).get(f"/tasks/?priority=high&view={pk}")
        assert "Private" not in page.text and "changed</b>" not in page.text


def test_an_order_alone_can_be_kept(lead: User, team: Team) -> None:
    make_task(account=make_account(team=team))
    client = client_of(lead)

    assert 'href="/views/new/?sort=-title"' in client.get("/tasks/?sort=-title").text
    assert "Save view" not in client.get("/tasks/").text
    assert "Task, turned round" in client.get("/views/new/?sort=-title").text
    client.post("/views/new/", {"name": "By title", "query": "sort=-title"})
    assert SavedView.objects.get().query == "sort=-title"


def test_a_view_keeps_its_own_name(lead: User, team: Team) -> None:
    view = make_view(lead, team)

    answer = client_of(lead).post(f"/views/{view.pk}/", {"name": "Mine"})

    assert answer.status_code == 302


# -- counts ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["lead", "rep"])
def test_counts_are_those_of_the_list(team: Team, lead: User, role: str) -> None:
    me = make_user(team, role)
    account, other = make_account(team=team), make_account("reply", team=team)
    batch = make_batch(account)
    for number in range(40):
        make_task(
            account=(account, other)[number % 2],
            batch=batch if number % 2 == 0 else None,
            assignee=(me, lead, None)[number % 3],
            due_on=team.today() + timedelta(days=number % 7 - 3),
            status=("open", "completed", "cancelled")[number % 3 - number % 2],
        )
    queries = (
        "",
        "status=overdue",
        "status=open,in_progress&due=today",
        "assignee=me",
        "assignee=none&due=week",
        f"account={account.pk}",
        f"batch={batch.pk}&sort=-created",
        "status=nope",
    )
    for query in queries:
        make_view(me, team, query or "all", query=query)
    client = client_of(me)

    links = client.get("/tasks/").context["shell"].saved_views

    assert len(links) == len(queries)
    for link in links:
        answer = client.get(link.url)
        count = "" if link.ignored else str(answer.context["total"])
        assert count == link.count, link.view.query
        if link.view.query not in ("", "status=nope"):
            now = [x.view.pk for x in answer.context["shell"].saved_views if x.current]
            assert now == [link.view.pk]


def test_a_view_of_what_is_gone_shows_no_count_and_no_more_rows(
    lead: User, team: Team
) -> None:
    colleague, account = make_user(team, "rep"), make_account(team=team)
    make_task(account=account)
    make_view(lead, team, "Hers", query=f"assignee={colleague.pk}", shared=True)
    client = client_of(make_user(team, "rep"))

    [link] = client.get("/views/").context["links"]

    assert link.count == ""
    sentence = f"Assignee “{colleague.pk}” is not known here. No task matches it."
    assert sentence in client.get("/views/").text
    answer = client.get(link.url)
    assert answer.context["total"] == 0
    assert sentence in answer.text


def test_any_number_of_views_is_counted_by_one_query(lead: User, team: Team) -> None:
    client = client_of(lead)
    make_view(lead, team, "A", query="status=open")

    def asked() -> int:
        with CaptureQueriesContext(connection) as context:
            client.get("/batches/")
        return len(context)

    one = asked()
    for number in range(12):
        make_view(lead, team, str(number), query=f"priority=high&sort=-due&q={number}")
        make_view(lead, team, f"x{number}", query="delivery=problems")

    assert asked() == one


def test_an_unpinned_view_is_not_in_the_sidebar(lead: User, team: Team) -> None:
    make_view(lead, team, "Put away", pinned=False)
    make_view(lead, team, "<b>At hand</b>")

    text = client_of(lead).get("/batches/").text

    assert "Put away" not in text
    assert "&lt;b&gt;At hand&lt;/b&gt;" in text


def test_nothing_saved_yet_says_how_to(lead: User) -> None:
    assert "No saved views yet" in client_of(lead).get("/views/").text


def test_counting_stops_beyond_what_is_said(team: Team) -> None:
    account = make_account(team=team)
    for _ in range(5):
        make_task(account=account)
    every = Task.objects.all()

    counts = count_each({"all": every, "none": every.none()}, most=3)

    assert counts == {"all": 4, "none": 0}
    assert [count_words(n, 3) for n in (0, 3, 4)] == ["0", "3", "3+"]
    assert count_words(counting.MOST + 1) == "10,000+"
    assert count_each({"all": every, "open": every.unfinished()}) == {
        "all": 5,
        "open": 5,
    }


def test_what_there_is_to_choose_from_is_read_once(lead: User, team: Team) -> None:
    batch = make_batch(make_account(team=team))
    make_view(lead, team, query=f"batch={batch.pk}&tag=VIP")
    client = client_of(lead)

    for url in ("/tasks/", "/tasks/?tag=VIP", "/today/", "/batches/", "/views/"):
        with CaptureQueriesContext(connection) as context:
            assert client.get(url).status_code == 200
        for table in ("tag", "tasktype"):
            read = [q for q in context if f'FROM "baton_{table}"' in q["sql"]]
            # The view names a tag; types are read for the list's own menu alone.
            most = table == "tag" or url.startswith("/tasks/")
            assert len(read) == most, (url, table)


def test_a_list_of_an_old_batch_is_not_a_view_without_one(
    lead: User, team: Team
) -> None:
    account = make_account(team=team)
    old = make_batch(account)
    for _ in range(RECENT_BATCHES):
        make_batch(account)
    make_view(lead, team, query="status=open")
    client = client_of(lead)

    for url, current in (
        ("/tasks/?status=open", True),
        (f"/tasks/?status=open&batch={old.pk}", False),
    ):
        links = client.get(url).context["shell"].saved_views
        assert [link.current for link in links] == [current], url
