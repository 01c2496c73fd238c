"""Today: every number agrees with the list behind it, and every line with its button."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import (
    ActionRun,
    ConnectedAccount,
    Heartbeat,
    Push,
    Task,
    TaskCopy,
    Team,
)
from tasks_app.services.today import TrendDay
from tasks_app.views.today import week_words
from tasks_app.views.trend_plot import plot, top_of
from tests.factories import (
    client_of,
    make_account,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team(time_zone="Asia/Kolkata")


@pytest.fixture
def lead(team: Team) -> User:
    return make_user(team, "lead", first_name="Mara", last_name="Lind")


def furnish(team: Team, people: list[User | None], count: int = 120) -> list[Task]:
    chance = random.Random(3)
    accounts = [make_account(v, team=team) for v in ("saleshandy", "reply", "ysuite")]
    holders = {a.pk: make_vendor_user(a) for a in accounts}
    prospect = make_prospect(team)
    tasks = []
    for number in range(count):
        account = accounts[number % 3]
        day = team.today() + timedelta(days=chance.randint(-9, 9))
        delivery = chance.choice(["delivered", "failed", "needs_check", "queued"])
        status = chance.choice(Task.Status.values)
        person = chance.choice(people)
        tasks.append(
            make_task(
                account=account,
                prospect=prospect,
                status=status,
                assignee=person,
                vendor_user=chance.choice([None, holders[account.pk]]),
                delivery=delivery,
                delivery_kind=chance.choice(["refused", "gave_up"]),
                delivery_error=chance.choice(["It is unknown there.", "No answer."]),
                external_id=f"x{number}" if delivery == "delivered" else "",
                completed_at=timezone.now() - timedelta(days=chance.randint(0, 20))
                if status == "completed"
                else None,
                **chance.choice(
                    [
                        {"due_on": day},
                        {"due_at": team.start_of(day) + timedelta(hours=13)},
                        {"due_at": timezone.now() + timedelta(minutes=30)},
                        {"due_at": timezone.now() - timedelta(minutes=30)},
                        {},
                    ]
                ),
            )
        )
        state = {"delivered": "queued"}.get(delivery, delivery)
        if delivery != "delivered":
            make_push(task=tasks[-1], state=state)
    return tasks


def total(client: Client, url: str) -> int:
    answer = client.get(url)
    assert answer.status_code == 200
    assert not answer.context["filter"].ignored, url
    return int(answer.context["total"])


# -- numbers and lists -----------------------------------------------------------------


@pytest.mark.parametrize("role", ["lead", "rep"])
@pytest.mark.parametrize("who", ["team", "me"])
def test_every_number_is_that_of_the_list_it_leads_to(
    team: Team, lead: User, role: str, who: str
) -> None:
    me = make_user(team, role)
    tasks = furnish(team, [me, lead, make_user(team, "rep"), None])
    client = client_of(me)

    context = client.get(f"/today/?who={who}").context

    for name, url in context["urls"].items():
        assert total(client, url) == context["counts"][name], name
    assert context["counts"]["problems"] > 0
    for bar in context["bars"]:
        assert total(client, bar.url) == bar.load.total, bar.name
        for number, url in bar.cells:
            assert total(client, url) == number, (bar.name, url)
    assert any(numbers[0].number for _, numbers in context["cards"])
    for card, numbers in context["cards"]:
        for each in numbers:
            assert total(client, each.url) == each.number, (card.account, each.label)
    loads = context["facts"].loads
    assert sum(load.overdue for load in loads) == context["counts"]["overdue"]
    for day in context["facts"].trend:
        query = f"due_from={day.day}&due_to={day.day}"
        mine = "&assignee=me" if who == "me" else ""
        assert total(client, f"/tasks/?{query}{mine}") == day.due
    seen = [
        t
        for t in tasks
        if t.assignee_id == me.pk
        or (
            who == "team"
            and (role == "lead" or (t.assignee_id is None and t.vendor_user_id is None))
        )
    ]
    first = context["facts"].trend[0].day
    done = [
        t
        for t in seen
        if t.status == "completed"
        and t.completed_at.astimezone(team.zone).date() >= first
    ]
    assert sum(day.completed for day in context["facts"].trend) == len(done)
    assert context["counts"]["failed"] == sum(t.delivery == "failed" for t in seen)


def test_lines_count_what_their_buttons_lead_to(
    page: Client, team: Team, lead: User
) -> None:
    late = make_user(team, "rep", first_name="Jonas")
    furnish(team, [lead, late, None])
    account = make_account(team=team)
    for away, person in ((4, lead), (5, late), (3, late), (9, late)):
        day = team.today() - timedelta(days=away)
        make_task(account=account, assignee=person, due_on=day)

    lines = {line.key: line for line in page.get("/today/").context["lines"]}

    for key in (f"lying-{late.pk}", "unassigned", f"lying-{lead.pk}"):
        line = lines[key]
        words = line.head.replace("You have", "").split()
        number = next(int(word) for word in words if word.isdecimal())
        assert total(page, line.rows) == number > 0, key
        # The button opens the dialog for these very tasks, and asks before it acts.
        dialog = page.post(line.url, line.post)
        assert dialog.status_code == 200
        assert dialog.context["found"] == number
        assert line.label.split()[-1] == str(number)
    assert lines[f"lying-{lead.pk}"].head.startswith("You have")
    assert lines[f"lying-{lead.pk}"].post["action"] == "reschedule"
    assert lines["unassigned"].post["action"] == "reassign"
    assert "Reassign" in page.post("/tasks/bulk/", lines["unassigned"].post).text


@pytest.mark.parametrize("who", ["team", "me"])
@pytest.mark.parametrize("role", ["lead", "rep"])
def test_a_line_of_failures_leads_to_exactly_those(
    team: Team, lead: User, role: str, who: str
) -> None:
    me = make_user(team, role)
    furnish(team, [me, lead, None], 200)
    client = client_of(me)

    lines = client.get(f"/today/?who={who}").context["lines"]
    failures = [line for line in lines if line.key.startswith("failed-")]

    assert len(failures) > 3
    for line in failures:
        if line.key == "failed-rest":
            number, url = int(line.label.split()[-1]), line.url
            assert total(client, url) == number
            continue
        number = int(line.head.split()[0])
        page = client.get(line.rows or line.url)
        if number > 1:
            assert page.context["page"].paginator.count == number
            assert f"{number} tasks for" in page.text
            ticked = [row.pk for row, _ in page.context["rows"]]
            failed_so = Task.objects.filter(pk__in=ticked)
            assert set(failed_so.values_list("delivery_error", flat=True)) == {
                line.text
            }


def test_the_page_of_a_failure_that_is_none_any_more_leads_to_the_task(
    page: Client, team: Team
) -> None:
    task = make_task(account=make_account(team=team), delivery="queued")

    answer = page.get(f"/today/failed/{task.pk}/")

    assert answer["Location"] == f"/tasks/{task.pk}/"


def test_what_failed_for_one_reason_is_sent_again_from_its_page(
    page: Client, team: Team
) -> None:
    account = make_account(team=team)
    some = [failed(account, "Unknown there.", "refused") for _ in range(3)]

    seen = page.get(f"/today/failed/{some[0].pk}/")
    ids = [task.pk for task in some]

    assert seen.text.count("checked") >= 3
    asked = page.post("/tasks/bulk/", {"action": "retry", "task": ids[:2]})
    assert "Retry sending 2" in asked.text
    answer = page.post("/today/retry/", seen.context["retry"], follow=True)
    assert "3 tasks are back in the queue." in answer.text


def test_nobody_elses_work_counts(page: Client, team: Team) -> None:
    furnish(make_team(), [None], 20)

    answer = page.get("/today/")

    assert set(answer.context["counts"].values()) == {0}
    assert answer.context["bars"] == []
    assert answer.context["facts"].checks.total == 0


# -- what helps ------------------------------------------------------------------------


def failed(account: ConnectedAccount, sentence: str, kind: str, **more: Any) -> Task:
    task = make_task(
        account=account,
        delivery="failed",
        delivery_error=sentence,
        delivery_kind=kind,
        **more,
    )
    make_push(task=task, state="failed", error=sentence, error_kind=kind)
    return task


def test_failures_stand_by_cause_and_only_those_worth_it_are_retried(
    page: Client, team: Team
) -> None:
    account = make_account(team=team)
    again = [failed(account, "No answer for 24 hours.", "gave_up") for _ in range(3)]
    refused = failed(account, "This prospect is unknown.", "refused")

    lines = page.get("/today/").context["lines"]
    by_text = {line.text: line for line in lines if line.key.startswith("failed")}

    retry = by_text["No answer for 24 hours."]
    assert (retry.label, retry.is_form) == ("Retry 3", True)
    see = by_text["This prospect is unknown."]
    assert (see.label, see.url) == ("See", f"/tasks/{refused.pk}/")
    answer = page.post(retry.url, retry.post, follow=True)
    assert "3 tasks are back in the queue." in answer.text
    states = dict(Push.objects.values_list("task_id", "state"))
    assert {states[task.pk] for task in again} == {"queued"}
    assert states[refused.pk] == "failed"


@pytest.mark.parametrize(
    "post",
    [
        {},
        {"account": "x", "kind": "gave_up", "cause": "No answer."},
        {"account": "9" * 30, "kind": "gave_up", "cause": "No answer."},
        {"account": "1", "kind": "\0", "cause": "\0"},
    ],
)
def test_a_retry_of_nothing_says_so(
    page: Client, team: Team, post: dict[str, str]
) -> None:
    failed(make_account(team=team), "No answer.", "gave_up")

    answer = page.post("/today/retry/", post, follow=True)

    assert "Nothing was retried" in answer.text
    assert Push.objects.get().state == "failed"


def test_another_teams_failures_are_not_retried(page: Client, lead: User) -> None:
    task = failed(make_account(), "No answer.", "gave_up")

    page.post(
        "/today/retry/",
        {"account": task.account_id, "kind": "gave_up", "cause": "No answer."},
    )

    assert Push.objects.get().state == "failed"


def test_a_rep_is_offered_nothing_that_only_a_lead_may_do(team: Team) -> None:
    rep = make_user(team, "rep")
    account = make_account(team=team)
    failed(account, "No answer.", "gave_up", assignee=rep)
    make_push(
        task=make_task(account=account, assignee=rep, delivery="needs_check"),
        state="needs_check",
    )
    client = client_of(rep)

    lines = {x.key.split("-")[0]: x for x in client.get("/today/").context["lines"]}

    assert (lines["check"].label, lines["failed"].label) == ("See 1", "See")
    assert total(client, lines["check"].url) == 1
    for line in lines.values():
        assert not line.is_form
        assert client.get(line.url).status_code == 200
    assert client.post("/today/retry/").status_code == 403


def test_what_needs_a_check_is_said_with_its_accounts(page: Client, team: Team) -> None:
    one = make_account("reply", team=team, name="Growth")
    two = make_account("ysuite", team=team, name="Renewals")
    for account in (one, one, two):
        task = make_task(account=account, delivery="needs_check")
        make_push(task=task, state="needs_check")

    line = next(x for x in page.get("/today/").context["lines"] if x.key == "check")

    assert line.head == "3 tasks need a check"
    assert line.text.startswith("2 in Growth and 1 in Renewals may exist already.")
    assert (line.label, line.url) == ("Resolve 3", "/needs-check/")


@pytest.mark.parametrize("who", ["team", "me"])
def test_a_second_copy_and_a_change_need_a_check_as_well(
    page: Client, team: Team, who: str
) -> None:
    account = make_account("reply", team=team, name="Growth")
    task = make_task(account=account, delivery="delivered", external_id="1")
    TaskCopy.objects.create(account=account, task=task, external_id="2")

    answer = page.get(f"/today/?who={who}")
    line = next(x for x in answer.context["lines"] if x.key == "check")

    assert "Nothing needs you" not in answer.text
    assert line.head.startswith("1 second copy needs a check")
    assert line.text.startswith("1 in Growth: the vendor holds two of one task.")

    make_push(task=task, kind="complete", state="needs_check")
    asked = make_task(account=account, delivery="accepted")
    make_push(task=asked, state="accepted", ask_person=True, request_number="9")
    # Of another team, settled, or still being looked for without anybody's help.
    TaskCopy.objects.create(account=make_account(), task=make_task(), external_id="2")
    make_push(
        task=make_task(account=account, delivery="accepted"),
        state="accepted",
        request_number="8",
    )

    answer = page.get(f"/today/?who={who}")
    line = next(x for x in answer.context["lines"] if x.key == "check")

    assert line.head.startswith("1 task, 1 change and 1 second copy need a check")
    assert line.label == "Resolve 3"
    assert page.get(line.url).context["total"] == 3
    assert answer.context["shell"].needs_check == 3


def test_changes_that_failed_have_a_line_of_their_own(
    page: Client, team: Team, lead: User
) -> None:
    one = make_account("reply", team=team, name="Growth")
    two = make_account("reply", team=team, name="Winback")
    for account, person in ((one, lead), (one, None), (two, None)):
        make_task(
            account=account, assignee=person, action="complete", action_state="failed"
        )
    make_task(account=one, action="complete", action_state="queued")
    make_task(action="complete", action_state="failed")

    def line(who: str) -> Any:
        lines = page.get(f"/today/?who={who}").context["lines"]
        return next(x for x in lines if x.key == "refused")

    assert line("team").head == "3 changes failed at Reply.io"
    assert line("team").text.startswith("2 in Growth and 1 in Winback.")
    assert (line("team").label, line("team").url) == ("See 3", "/tasks/?action=failed")
    assert line("me").head == "1 change failed at Reply.io"
    assert line("me").url == "/tasks/?action=failed&assignee=me"


def test_a_run_that_stopped_has_a_line_and_one_that_goes_on_has_none(
    page: Client, team: Team, lead: User
) -> None:
    values = {"team": team, "by": lead, "action": "complete", "total": 240}
    made = [
        ActionRun.objects.create(form_token=uuid.uuid4(), position=120, **values)
        for _ in range(2)
    ]
    ActionRun.objects.filter(pk=made[0].pk).update(
        stopped_at=timezone.now(), stopped_why="The database did not answer."
    )

    every = page.get("/today/").context["lines"]
    lines = [line for line in every if line.key.startswith("run-")]

    assert [line.url for line in lines] == [f"/runs/{made[0].pk}/"]
    assert lines[0].head == "Complete 240 tasks: stopped at 120 of 240"


def test_trouble_of_accounts_and_processes_has_its_line(
    page: Client, team: Team
) -> None:
    now = timezone.now()
    locked = make_account(team=team, name="Partners", state="needs_new_key")
    make_push(account=locked)
    old = make_account("ysuite", team=team, name="Renewals", checked_at=now)
    make_task(account=old, external_id="1", delivery="delivered")
    ConnectedAccount.objects.filter(pk=old.pk).update(
        synced_at=now - timedelta(hours=5)
    )
    Heartbeat.objects.create(
        role="worker", name="a", beat_at=now - timedelta(minutes=10)
    )
    Heartbeat.objects.create(role="scheduler", name="a", beat_at=now)

    answer = page.get("/today/")
    lines = {line.key: line for line in answer.context["lines"]}

    assert lines[f"account-{locked.pk}"].label == "See account"
    assert "1 queued task waits" in lines[f"account-{locked.pk}"].text
    assert "worker has not been heard of since" in lines["processes"].head
    assert lines[f"late-{old.pk}"].label == "Sync now"
    assert 'class="banners"' not in answer.text
    done = page.post(lines[f"late-{old.pk}"].url, lines[f"late-{old.pk}"].post)
    assert urlsplit(done["Location"]).path == "/today/"


# -- the page --------------------------------------------------------------------------


def test_the_number_of_queries_is_fixed(page: Client, team: Team, lead: User) -> None:
    def asked(url: str, **headers: str) -> int:
        with CaptureQueriesContext(connection) as context:
            assert page.get(url, headers=headers).status_code == 200
        return len(context)

    page.get("/today/?who=team")
    furnish(team, [lead, None], 20)
    few = asked("/today/?who=team")
    furnish(team, [make_user(team, "rep") for _ in range(12)], 100)

    assert asked("/today/?who=team") == few
    assert few <= 31
    assert asked("/today/", **{"HX-Request": "true"}) < few


def test_whole_team_or_mine_is_remembered(page: Client, team: Team) -> None:
    assert page.get("/today/").context["who"] == "team"
    assert page.get("/today/?who=me").context["who"] == "me"
    assert page.get("/today/").context["who"] == "me"
    assert page.get("/today/?who=<b>").context["who"] == "me"
    assert page.get("/today/?who=team").context["who"] == "team"
    assert page.get("/today/").context["who"] == "team"


def test_a_day_with_nothing_to_do_says_so(page: Client, team: Team) -> None:
    now = timezone.now()
    for role in ("worker", "scheduler", "sweep"):
        Heartbeat.objects.create(role=role, name="a", beat_at=now)

    text = page.get("/today/").text

    assert "Nothing needs you." in text
    assert "No open task is due by Sunday." in text
    assert "No account is connected yet" in text


@pytest.mark.parametrize(
    ("done", "before", "words"),
    [
        (0, 0, "None done yet"),
        (0, 4, "None done yet, 4 fewer than last week by now"),
        (31, 0, "31 done"),
        (31, 43, "31 done, 12 fewer than last week by now"),
        (1043, 31, "1,043 done, 1,012 more than last week by now"),
        (5, 5, "5 done, as many as last week by now"),
        (10_001, 31, "10,000+ done"),
        (31, 10_001, "31 done"),
    ],
)
def test_the_week_is_held_against_the_last_one(
    done: int, before: int, words: str
) -> None:
    assert week_words({"done_week": done, "done_before": before}) == words


def test_what_is_done_counts_since_monday_and_a_week_before_until_now(
    page: Client, team: Team
) -> None:
    account, now = make_account(team=team), datetime(2026, 7, 15, 7, tzinfo=UTC)
    monday = team.start_of(date(2026, 7, 13))
    week = timedelta(days=7)
    for at in (
        *(monday, now),
        *(monday - week, now - week - timedelta(seconds=1)),
        *(monday - week - timedelta(seconds=1), now - week),
    ):
        make_task(account=account, status="completed", completed_at=at)

    with mock.patch.object(timezone, "now", return_value=now):
        counts = page.get("/today/").context["counts"]

    assert (counts["done_week"], counts["done_before"]) == (2, 2)


def test_home_is_today(page: Client) -> None:
    assert page.get("/")["Location"] == "/today/"


def test_what_vendors_wrote_is_escaped(page: Client, team: Team) -> None:
    failed(make_account(team=team), '"><script>alert(1)</script>', "gave_up")

    text = page.get("/today/").text

    assert "<script>alert" not in text
    assert "&quot;&gt;&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("most", "top"), [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (37, 40), (41, 80)]
)
def test_the_scale_is_round_and_high_enough(most: int, top: int) -> None:
    assert top_of(most) == top


@pytest.mark.parametrize(
    ("number", "named"),
    [(14, [0, 3, 6, 10, 13]), (5, [0, 1, 2, 3, 4]), (29, [0, 7, 14, 21, 28])],
)
def test_five_days_are_named_below_the_plot_each_under_its_point(number, named) -> None:
    first = date(2026, 7, 1)
    days = [TrendDay(first + timedelta(days=n), n, 1) for n in range(number)]

    marks = plot(days).marks

    assert len(marks) == number
    assert [place for place, day in enumerate(marks) if day] == named
    assert all(day is None or day == days[place] for place, day in enumerate(marks))
