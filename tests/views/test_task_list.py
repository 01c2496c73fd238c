"""The list of tasks: whole page, parts for htmx, paging, counts, empty states, CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import Preference, Team
from tasks_app.services.exporting import harmless
from tests.factories import (
    make_account,
    make_batch,
    make_prospect,
    make_task,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "task-list"}


@pytest.fixture
def team() -> Team:
    return make_team(time_zone="Europe/Berlin")


def queries(client: Client, url: str, **headers: Any) -> int:
    with CaptureQueriesContext(connection) as context:
        response = client.get(url, headers=headers)
    assert response.status_code == 200
    return len(context)


# -- how much is asked of the database ---------------------------------------------------


def test_queries_are_the_same_whatever_the_filter_and_page(
    page: Client, team: Team, lead: User
) -> None:
    accounts = [make_account(v, team=team) for v in ("saleshandy", "reply", "ysuite")]
    batch = make_batch(accounts[0])
    fair = make_prospect(team)
    fair.tags.add(team.tags.create(name="VIP"))
    for number in range(120):
        make_task(
            **({"prospect": fair} if number % 4 == 0 else {}),
            account=accounts[number % 3],
            batch=batch if number % 3 == 0 else None,
            assignee=[None, lead][number % 2],
            due_on=team.today() + timedelta(days=number % 9 - 4),
            delivery=["queued", "failed", "needs_check"][number % 3],
            action_state="failed" if number % 9 == 0 else "",
        )

    counts = {
        url: queries(page, url)
        for url in (
            "/tasks/",
            "/tasks/?page=2",
            "/tasks/?page=3&sort=-status",
            "/tasks/?status=overdue&priority=none",
            "/tasks/?q=follow&due=week&assignee=me,none",
            f"/tasks/?account={accounts[0].pk}&vendor=saleshandy&batch={batch.pk}",
            "/tasks/?channel=call&type=Call&delivery=problems&sort=delivery",
            "/tasks/?tag=VIP&created_from=2020-01-01&sort=created",
            "/tasks/?q=nothing-like-it",
            "/tasks/?statis=open",
            "/tasks/?action=failed,waiting&sort=account",
        )
    }

    # Where nothing matches neither rows nor their accounts, types and people are read.
    assert counts.pop("/tasks/?q=nothing-like-it") == counts["/tasks/"] - 4
    # Nobody holds those with the tag, so no people are read for them.
    tagged = counts.pop("/tasks/?tag=VIP&created_from=2020-01-01&sort=created")
    assert tagged == counts["/tasks/"] - 1
    assert len(set(counts.values())) == 1, counts
    assert max(counts.values()) <= 20
    # Two more where holders are sorted by name, one where a prospect is named.
    assert queries(page, "/tasks/?sort=assignee") == counts["/tasks/"] + 2
    # Nobody holds these, so no people are read for them.
    assert queries(page, f"/tasks/?prospect={fair.pk}") == counts["/tasks/"]
    assert queries(page, "/tasks/?page=2", **HTMX) < counts["/tasks/"]


def test_the_list_never_reads_keys_or_notes(page: Client, team: Team) -> None:
    make_task(account=make_account(team=team), note="long")

    with CaptureQueriesContext(connection) as context:
        page.get("/tasks/")

    for query in context.captured_queries:
        assert "credentials" not in query["sql"].split("FROM")[0].replace(
            "credentials_version", ""
        )


# -- what is shown ---------------------------------------------------------------------


def test_rows_stand_under_headings_with_the_counts_of_the_whole_list(
    page: Client, team: Team
) -> None:
    account, today = make_account(team=team), team.today()
    for days in (-1, 0, 0, 1, 40):
        make_task(account=account, due_on=today + timedelta(days=days))
    for _ in range(60):
        make_task(account=account)

    first, second = page.get("/tasks/"), page.get("/tasks/?page=2")

    groups = [(g.heading, g.count, len(g.tasks)) for g in first.context["groups"]]
    assert groups == [
        ("Before today", 1, 1),
        ("Today", 2, 2),
        ("Tomorrow", 1, 1),
        ("Later", 1, 1),
        ("No date", 60, 45),
    ]
    assert [(g.heading, g.count) for g in second.context["groups"]] == [("No date", 60)]
    assert "1 to 50 of 65 tasks" in first.text
    assert "51 to 65 of 65 tasks" in second.text


def test_no_headings_in_another_order(page: Client, team: Team) -> None:
    make_task(account=make_account(team=team))

    assert [g.heading for g in page.get("/tasks/?sort=title").context["groups"]] == [""]


@pytest.mark.parametrize(
    ("number", "shown"), [("2", 2), ("99", 2), ("0", 2), ("-1", 2), ("x", 1), ("", 1)]
)
def test_a_page_that_is_not_there_is_the_nearest(
    page: Client, team: Team, number: str, shown: int
) -> None:
    account = make_account(team=team)
    for _ in range(51):
        make_task(account=account)

    assert page.get(f"/tasks/?page={number}").context["page"].number == shown


def test_each_quick_view_counts_what_its_link_shows(page: Client, team: Team) -> None:
    account, today = make_account(team=team), team.today()
    for days in (-3, 0, 2, 30):
        for status in ("open", "completed"):
            make_task(
                account=account,
                due_on=today + timedelta(days=days),
                status=status,
                delivery="failed",
            )

    views = page.get("/tasks/").context["views"]

    for view in views:
        answer = page.get(f"/tasks/?{view.query}")
        assert answer.context["total"] == view.count, view.name
        assert [v.name for v in answer.context["views"] if v.current] == [view.name]
    assert {v.name: v.count for v in views}["todo"] == 4


def test_a_rep_sees_own_and_unassigned_tasks_only(team: Team, lead: User) -> None:
    account, rep = make_account(team=team), make_user(team, "rep")
    mine = make_task(account=account, assignee=rep)
    nobodys = make_task(account=account)
    make_task(account=account, assignee=lead)
    make_task()
    client = Client()
    client.force_login(rep)

    answer = client.get("/tasks/")

    assert {t.pk for g in answer.context["groups"] for t in g.tasks} == {
        mine.pk,
        nobodys.pk,
    }
    assert answer.context["total"] == 2
    assert {v.name: v.count for v in answer.context["views"]}["all"] == 2
    rows = client.get("/tasks/export.csv")
    assert len(b"".join(rows.streaming_content).splitlines()) == 3


def test_times_are_said_in_the_teams_zone(page: Client, team: Team) -> None:
    today = team.today()
    at = team.start_of(today) + timedelta(days=1, hours=9)
    make_task(account=make_account(team=team), due_at=at)

    text = page.get("/tasks/").text

    assert "Tomorrow 09:00" in text
    assert "09:00 Berlin time" in text


def test_unknown_values_are_named_on_the_page(page: Client, team: Team) -> None:
    make_task(account=make_account(team=team))

    answer = page.get("/tasks/?status=<b>nope</b>")

    assert "is not known here. No task matches it." in answer.text
    assert "<b>nope" not in answer.text


def test_what_users_and_vendors_wrote_is_escaped(page: Client, team: Team) -> None:
    account = make_account(team=team, name="<i>Desk</i>")
    task = make_task(
        account=account,
        title="<script>alert(1)</script>",
        delivery="failed",
        delivery_error='"><img src=x onerror=alert(1)>',
        external_url="javascript:alert(1)",
        note="<script>alert(2)</script>",
        vendor_status="<b>",
    )

    for url in ("/tasks/", f"/tasks/{task.pk}/"):
        text = page.get(url).text
        for evil in ("<script>alert", "<img src=x", "<i>Desk", "javascript:alert"):
            assert evil not in text, (url, evil)


def test_as_of_names_the_oldest_reading_and_those_never_read(
    page: Client, team: Team
) -> None:
    now = timezone.now()
    make_account(team=team, name="Old", synced_at=now - timedelta(hours=30))
    make_account(team=team, name="New", synced_at=now)
    make_account(team=team, name="Fresh")

    answer = page.get("/tasks/")

    assert answer.context["as_of"].text.startswith(("Yesterday", "2"))
    assert "never read from Fresh" in answer.text
    assert (
        "Statuses as of"
        not in page.get(
            f"/tasks/?account={Team.objects.get().accounts.get(name='Fresh').pk}"
        ).text
    )


# -- empty lists -----------------------------------------------------------------------


def test_nothing_yet(page: Client, team: Team) -> None:
    assert "Ask your administrator" in page.get("/tasks/").text

    make_account(team=team)

    assert "No tasks yet" in page.get("/tasks/").text


def test_all_done_names_what_is_due_next(page: Client, team: Team) -> None:
    account = make_account(team=team)
    make_task(account=account, status="completed")

    assert "All done" in page.get("/tasks/?status=open,in_progress").text

    make_task(account=account, title="Without a date")
    make_task(account=account, title="Later", due_on=team.today() + timedelta(days=9))
    make_task(account=account, title="Ring", due_on=team.today() + timedelta(days=1))
    text = page.get("/tasks/?status=overdue").text
    assert "All done" in text
    assert re.search(r"Next is <a [^>]+>Ring</a> for [^,]+, due tomorrow\.", text)


def test_what_is_old_is_not_all_done(page: Client, team: Team) -> None:
    late = timezone.now() - timedelta(hours=5)
    account = make_account(team=team, name="Desk", synced_at=late, checked_at=late)
    tomorrow = team.today() + timedelta(days=1)
    make_task(account=account, due_on=tomorrow, external_id="x", delivery="delivered")

    text = page.get("/tasks/?status=overdue", headers=HTMX).text

    assert "All done" not in text
    assert "Nothing here as far as Baton knows" in text
    assert f'action="/accounts/{account.pk}/sync/"' in text
    assert "Sync Desk now" in text


def test_no_match_offers_to_take_each_filter_away(page: Client, team: Team) -> None:
    make_task(account=make_account(team=team))

    text = page.get("/tasks/?q=zzz&priority=high").text

    assert "No tasks match these filters" in text
    assert 'href="/tasks/?priority=high"' in text and 'href="/tasks/?q=zzz"' in text
    assert "Without Priority <b>High</b>" in text
    assert "Clear all 2 filters" in text


def test_nothing_for_this_rep(team: Team, lead: User) -> None:
    make_task(account=make_account(team=team), assignee=lead)
    client = Client()
    client.force_login(make_user(team, "rep"))

    assert "Nothing here for you yet" in client.get("/tasks/").text


# -- htmx --------------------------------------------------------------------------------


def test_the_filter_form_gets_the_list_and_what_changes_around_it(
    page: Client, team: Team
) -> None:
    make_task(account=make_account(team=team))

    answer = page.get(
        "/tasks/", {"status": ["open", "overdue"], "q": "", "sort": "due"}, headers=HTMX
    )

    assert "<html" not in answer.text
    assert answer.text.count("hx-swap-oob") == 4
    assert 'id="task-filter"' not in answer.text
    assert answer["HX-Push-Url"] == "/tasks/?status=open,overdue"
    assert "HX-Request" in answer["Vary"] and "HX-Target" in answer["Vary"]


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ("", "?q=a", "replace"),
        ("?status=open&q=a&page=3", "?q=ab&status=open", "replace"),
        ("?q=ab", "?q=ab", "none"),
        ("?status=open&status=overdue&q=", "?status=open,overdue", "none"),
        ("?q=a", "?q=a&status=open", "push"),
        ("?q=a", "?q=a&page=2", "push"),
        ("", "?due_from=2020-01-02", "push"),
        ("?due_from=2020-01-02", "?due_from=2025-01-02", "replace"),
    ],
)
def test_only_another_list_makes_a_step_in_the_history(
    page: Client, team: Team, before: str, after: str, step: str
) -> None:
    account = make_account(team=team)
    for _ in range(51):
        make_task(account=account, title="ab")
    here = {"HX-Current-URL": f"http://testserver/tasks/{before}"}

    answer = page.get(f"/tasks/{after}", headers={**HTMX, **here})

    pushed = {"push": f"/tasks/{after}", "none": "false"}.get(step)
    assert answer.get("HX-Push-Url") == pushed
    replaced = f"/tasks/{after}" if step == "replace" else None
    assert answer.get("HX-Replace-Url") == replaced


def test_links_of_the_list_get_the_form_too(page: Client, team: Team) -> None:
    answer = page.get("/tasks/?page=3", headers={**HTMX, "HX-Target": "task-view"})

    assert answer.text.strip().startswith('<div id="task-view">')
    assert 'id="task-filter"' in answer.text
    assert answer.text.count("hx-swap-oob") == 1  # the number found, for the ear


def test_going_back_gets_the_whole_page(page: Client) -> None:
    headers = {**HTMX, "HX-History-Restore-Request": "true"}

    assert "<html" in page.get("/tasks/", headers=headers).text


def test_signed_out_meanwhile_leads_the_whole_page_to_sign_in() -> None:
    here = {"HX-Current-URL": "http://testserver/tasks/?q=a"}

    answer = Client().get("/tasks/?q=ab", headers={**HTMX, **here})

    assert answer.status_code == 200
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Ftasks%2F%3Fq%3Da"
    assert not answer.content


def test_paging_sorting_and_export_keep_the_filter(page: Client, team: Team) -> None:
    account = make_account(team=team)
    for _ in range(51):
        make_task(account=account, priority=3)

    text = page.get("/tasks/?priority=high&sort=-title").text

    assert 'href="?priority=high&amp;sort=-title&amp;page=2"' in text
    assert 'href="/tasks/?priority=high&amp;sort=priority"' in text
    assert 'href="/tasks/export.csv?priority=high&amp;sort=-title"' in text
    assert 'aria-sort="descending"' in text


# -- CSV -----------------------------------------------------------------------------------


def exported(client: Client, url: str) -> list[list[str]]:
    answer = client.get(url)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_export_holds_exactly_the_rows_of_the_filter(
    page: Client, team: Team
) -> None:
    account = make_account(team=team)
    wanted = [make_task(account=account, priority=4).pk for _ in range(60)]
    make_task(account=account)

    heading, *rows = exported(page, "/tasks/export.csv?priority=urgent&sort=-created")

    assert [int(row[0]) for row in rows] == wanted[::-1]
    assert "Due (Europe/Berlin)" in heading
    assert all(len(row) == len(heading) for row in rows)


def test_cells_cannot_run_in_a_spreadsheet(page: Client, team: Team) -> None:
    make_task(
        account=make_account(team=team),
        title='=HYPERLINK("http://x.example","y")',
        note="line one\n=2+2",
        vendor_status="+1",
    )

    _, row = exported(page, "/tasks/export.csv")

    assert row[1] == '\'=HYPERLINK("http://x.example","y")'
    assert row[2] == "line one\n=2+2"
    assert "'+1" in row


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "＝1"])
def test_formula_looking_texts_are_made_harmless(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "7", "2026-01-01", "x@y.example"])
def test_other_texts_stay(text: str) -> None:
    assert harmless(text) == text


def test_the_export_takes_a_fixed_number_of_queries(page: Client, team: Team) -> None:
    account = make_account(team=team)
    for _ in range(5):
        make_task(account=account)
    with CaptureQueriesContext(connection) as few:
        exported(page, "/tasks/export.csv")
    for _ in range(20):
        make_task(account=account)
    with CaptureQueriesContext(connection) as many:
        exported(page, "/tasks/export.csv")

    assert len(few) == len(many)


# -- how one person likes it ---------------------------------------------------------------


def display(client: Client, **values: Any) -> Any:
    given = {"density": "compact", "page_size": "25", "query": "status=open"}
    return client.post("/tasks/display/", given | values)


def headings(client: Client, url: str = "/tasks/") -> list[str]:
    html = client.get(url).text
    return re.findall(r'<th class="col-(\w+)"', html)


def test_columns_density_and_length_are_kept_for_one_person(
    page: Client, team: Team
) -> None:
    account = make_account(team=team)
    batch = make_batch(account, title="Autumn round")
    for _ in range(30):
        make_task(account=account, batch=batch)
    other = Client()
    other.force_login(make_user(team))

    answer = display(page, column=["completed", "batch", "status"])

    assert answer["Location"] == "/tasks/?status=open"
    assert headings(page) == ["check", "batch", "completed", "status", "actions"]
    html = page.get("/tasks/").text
    assert html.count("Autumn round") == 25 + 1  # the filter offers it, too
    assert 'data-density="compact"' in html
    assert 'colspan="6"' in html
    assert "batch" not in headings(other)
    assert len(headings(other)) == 8


def test_no_column_at_all_is_a_choice_and_unknown_words_are_none(
    page: Client, team: Team
) -> None:
    make_task(account=make_account(team=team))

    display(page)
    assert headings(page) == ["check", "actions"]
    display(page, column=["due", "password"], density="tiny", page_size="1000000")

    assert headings(page) == ["check", "due", "actions"]
    kept = Preference.objects.get()
    assert (kept.density, kept.page_size) == ("compact", 25)


def test_rows_that_are_brought_up_to_date_have_the_same_columns(
    page: Client, team: Team
) -> None:
    task = make_task(account=make_account(team=team))
    display(page, column=["created"])

    row = page.get(f"/tasks/rows/?ids={task.pk}", headers={"HX-Request": "true"}).text

    assert "is-created" in row
    assert "is-due" not in row


@pytest.mark.parametrize("columns", [["due"], ["due", "batch", "created", "completed"]])
def test_columns_take_no_query_of_their_own(
    page: Client, team: Team, columns: list[str]
) -> None:
    account = make_account(team=team)
    for number in range(8):
        make_task(
            account=account, batch=make_batch(account, title=f"Round {number % 4}")
        )
    usual = queries(page, "/tasks/")

    display(page, column=columns)

    assert queries(page, "/tasks/") == usual


# -- addresses that nobody meant -----------------------------------------------------------

MANY = ",".join(str(9_000_000 + number) for number in range(10_000))
WILD = [
    "page=99999999999999999999999",
    "page=-1",
    "page=%D9%A3",
    "page=1e9",
    "due_from=0000-00-00&due_to=9999-99-99",
    "created_from=2026-13-45",
    "completed_from=%00&completed_to=%FF%FE",
    "created_from=9000-12-31&created_to=1970-01-01",
    "created_from=1970-01-01&created_to=9000-12-31&due_from=1970-01-01&due_to=9000-12-31",
    "completed_from=1970-01-01&completed_to=9000-12-31",
    f"account={MANY}",
    f"assignee={MANY}&batch={MANY}",
    "assignee=99999999999999999999999999&batch=-1&account=1.5",
    "tag=%00&tag=%F0%9F%98%80&tag=" + "x" * 3000,
    "status=open&status=&status=,,,&due=,",
    "sort=completed&sort=-completed",
    "q=" + "a+" * 500,
    "&".join(["status=open"] * 5000),
    "a=1&b=2&c=3&q[]=4&__proto__=5",
]


@pytest.mark.parametrize("query", WILD)
def test_no_address_breaks_the_list(page: Client, team: Team, query: str) -> None:
    make_task(account=make_account(team=team))

    assert page.get(f"/tasks/?{query}").status_code == 200
    assert page.get(f"/tasks/export.csv?{query}").status_code == 200
    work = page.get(f"/tasks/work/?{query}&start=1")
    assert work.status_code in (200, 302)
    whole = {"action": "complete", "all": "1", "count": "1", "query": query}
    assert page.post("/tasks/bulk/", whole).status_code in (200, 409, 422)
    assert page.get("/views/new/?" + query).status_code == 200


def test_what_another_team_has_is_named_as_unknown_and_matches_nothing(
    page: Client, team: Team
) -> None:
    make_task(account=make_account(team=team))
    theirs = make_account()
    query = f"account={theirs.pk}"

    html = page.get(f"/tasks/?{query}").text
    answer = page.post(
        "/tasks/bulk/", {"action": "skip", "all": "1", "count": "1", "query": query}
    )

    assert f"Account “{theirs.pk}” is not known here. No task matches it." in html
    assert "Remove filter: Account" in html
    assert theirs.name not in html
    assert answer.status_code == 409 and "has 0 now" in answer.text
