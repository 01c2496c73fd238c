"""The week by person agrees with the list; moving asks the vendor, or says why not."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import ConnectedAccount, Push, Task, Team
from tasks_app.services.many import SCHEDULE, moved_to, schedule_of
from tasks_app.services.workload import SHOWN
from tests.factories import (
    client_of,
    make_account,
    make_task,
    make_team,
    make_user,
)
from tests.factories import make_vendor_user as make_holder

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team(time_zone="Pacific/Kiritimati")


@pytest.fixture
def account(team: Team) -> ConnectedAccount:
    return make_account("leadsquared", team=team)


def fill(team: Team, people: list[User | None], count: int = 90) -> None:
    account = make_account(team=team)
    holder = make_holder(account)
    monday = team.today() - timedelta(days=team.today().weekday())
    for number in range(count):
        day = monday + timedelta(days=number % 9 - 1)
        due = {"due_on": day}
        if number % 2:
            due = {"due_at": team.start_of(day) + timedelta(hours=number % 24)}
        make_task(
            account=account,
            assignee=people[number % len(people)],
            vendor_user=holder if number % 5 == 0 else None,
            status=("open", "in_progress", "completed", "no_show")[number % 4],
            **due,
        )


# -- the week --------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["lead", "rep"])
def test_every_cell_counts_what_its_link_shows(
    team: Team, lead: User, role: str
) -> None:
    me = make_user(team, role)
    fill(team, [me, lead, None])
    client = client_of(me)

    context = client.get("/workload/").context

    seen = 0
    for row in context["rows"]:
        for square in row.squares:
            assert len(square.slots) <= SHOWN
            if square.cell.count:
                answer = client.get(square.url)
                assert answer.context["total"] == square.cell.count, (row.name, square)
                ids = {t.pk for g in answer.context["groups"] for t in g.tasks}
                assert {slot.task.pk for slot in square.slots} <= ids
                seen += square.cell.count
    assert seen == context["total"] > 20
    for _, count, url in context["columns"]:
        assert client.get(url).context["total"] == count
    names = {row.name for row in context["rows"]}
    assert ("Somebody at the vendor" in names) is (role == "lead")
    assert (lead.username in names) is (role == "lead")


def test_queries_are_as_many_for_a_full_week(team: Team, lead: User) -> None:
    client = client_of(lead)
    fill(team, [lead, None], 10)

    def asked() -> int:
        with CaptureQueriesContext(connection) as context:
            assert client.get("/workload/").status_code == 200
        return len(context)

    few = asked()
    fill(team, [make_user(team, "rep") for _ in range(6)])

    assert asked() == few <= 19


@pytest.mark.parametrize(
    ("week", "monday"),
    [("2026-07-19", date(2026, 7, 13)), ("2026-07-20", date(2026, 7, 20))],
)
def test_any_day_names_its_week(lead: User, week: str, monday: date) -> None:
    context = client_of(lead).get(f"/workload/?week={week}").context

    assert context["monday"] == monday
    assert context["before"] == monday - timedelta(days=7)


@pytest.mark.parametrize("week", ["", "x", "2026-02-30", "0001-01-01", "9999-12-31"])
def test_a_week_that_is_none_is_this_one(lead: User, week: str) -> None:
    answer = client_of(lead).get("/workload/", {"week": week})

    assert answer.context["is_now"]
    assert "No task is due in this week." in answer.text


def test_what_is_overdue_from_before_is_counted_by_person_and_listed(
    team: Team, lead: User, account: ConnectedAccount
) -> None:
    monday = team.today() - timedelta(days=team.today().weekday())
    rep = make_user(team, "rep")
    for days in (1, 8, 400):
        late = monday - timedelta(days=days)
        make_task(account=account, assignee=rep, due_on=late)
        make_task(account=account, assignee=rep, due_on=late, status="completed")
    make_task(account=account, assignee=rep, due_on=monday)
    make_task(account=account, due_on=monday - timedelta(days=2))
    away = make_holder(account)
    make_task(account=account, due_on=monday - timedelta(days=2), vendor_user=away)
    client = client_of(lead)

    answer = client.get("/workload/")

    rows = {row.key: row for row in answer.context["rows"]}
    found = {key: row.before for key, row in rows.items() if row.before}
    assert found == {str(rep.pk): 3, "none": 1, "elsewhere": 1}
    assert "3 overdue before" in answer.text
    for key, number in found.items():
        assert client.get(rows[key].before_url).context["total"] == number, key


def test_only_what_can_be_moved_is_dragged(team: Team, lead: User) -> None:
    can = {
        "saleshandy": "day person",
        "leadsquared": "day person",
        "reply": "day person",
        "ysuite": "",
    }
    for vendor in can:
        account = make_account(vendor, team=team)
        make_task(
            account=account,
            title=vendor,
            due_on=team.today(),
            delivery="delivered",
            external_id="a-1",
        )

    answer = client_of(lead).get("/workload/")

    slots = {
        slot.task.title: slot.can
        for row in answer.context["rows"]
        for square in row.squares
        for slot in square.slots
    }
    assert slots == can
    assert answer.text.count("data-move=") == 3


# -- moving ----------------------------------------------------------------------------


def test_a_task_moves_to_another_day_at_the_same_time(
    team: Team, lead: User, account: ConnectedAccount
) -> None:
    day = team.today() + timedelta(days=2)
    at = team.start_of(day) + timedelta(hours=15)
    task = make_task(
        account=account, due_at=at, delivery="delivered", external_id="a-1"
    )

    url = f"/workload/tasks/{task.pk}/"
    new = day + timedelta(days=3)
    answer = client_of(lead).post(url, {"day": new.isoformat(), "version": "1"})

    assert answer["Location"] == f"/workload/?week={new}#at-none-{new}"
    task.refresh_from_db()
    assert task.due_at == at + timedelta(days=3)
    assert Push.objects.get().kind == "reschedule"


def test_a_task_moves_to_another_person(
    lead: User, account: ConnectedAccount, team: Team
) -> None:
    holder = make_holder(account, user=make_user(team, "rep"))
    task = make_task(account=account, delivery="delivered", external_id="a-1")

    client_of(lead).post(f"/workload/tasks/{task.pk}/", {"person": holder.pk})

    task.refresh_from_db()
    assert task.assignee_id == holder.user_id
    assert Push.objects.get().kind == "reassign"


def test_where_the_vendor_offers_no_call_it_says_so(team: Team, lead: User) -> None:
    account = make_account("ysuite", team=team)
    task = make_task(account=account, delivery="delivered", external_id="a-1")
    url = f"/workload/tasks/{task.pk}/"

    page, answer = (
        client_of(lead).get(url),
        client_of(lead).post(url, {"day": "2026-07-20"}),
    )

    assert page.text.count("YSuite offers no call for this.") == 2
    assert 'name="day"' not in page.text
    assert answer.status_code == 422
    assert "offers no call" in answer.text
    assert not Push.objects.exists()


@pytest.mark.parametrize(
    ("post", "sentence"),
    [
        ({}, "Choose a day."),
        ({"day": "tomorrow"}, "Choose a day."),
        ({"day": "9999-12-31"}, "Choose a day."),
        ({"person": ""}, "Choose who shall have it."),
        ({"person": "99999999999999999999"}, "Choose who shall have it."),
    ],
)
def test_bad_input_moves_nothing(
    lead: User, account: ConnectedAccount, post: dict[str, str], sentence: str
) -> None:
    task = make_task(account=account, delivery="delivered", external_id="a-1")

    answer = client_of(lead).post(f"/workload/tasks/{task.pk}/", post)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert not Push.objects.exists()


def test_a_page_that_is_old_moves_nothing(
    lead: User, account: ConnectedAccount
) -> None:
    task = make_task(account=account, delivery="delivered", external_id="a-1")
    Task.objects.filter(pk=task.pk).update(version=4)

    answer = client_of(lead).post(
        f"/workload/tasks/{task.pk}/", {"day": "2026-07-20", "version": "3"}
    )

    assert answer.status_code == 422
    assert "changed since you opened it" in answer.text


def test_a_rep_takes_a_task_and_gives_none_away(
    team: Team, account: ConnectedAccount
) -> None:
    rep, other = make_user(team, "rep"), make_user(team, "rep")
    mine = make_holder(account, user=rep)
    theirs = make_holder(account, user=other)
    task = make_task(account=account, delivery="delivered", external_id="a-1")
    url = f"/workload/tasks/{task.pk}/"

    refused = client_of(rep).post(url, {"person": theirs.pk})
    taken = client_of(rep).post(url, {"person": mine.pk})

    assert (refused.status_code, taken.status_code) == (422, 302)
    task.refresh_from_db()
    assert task.assignee_id == rep.pk


def test_moving_keeps_the_clock_across_a_change_and_the_length() -> None:
    team = Team(name="A", time_zone="Europe/Berlin")
    start = datetime(2026, 3, 27, 22, 0, tzinfo=UTC)  # Friday 23:00
    task = Task(starts_at=start, due_at=start + timedelta(hours=2))  # until Saturday 1

    def on(task: Task, day: date) -> dict[str, Any]:
        return moved_to(task, day, None, names=SCHEDULE, team=team)

    moved = on(task, date(2026, 3, 30))

    zone = team.zone
    assert f"{moved['due_at'].astimezone(zone):%a %H:%M}" == "Mon 01:00"
    assert f"{moved['starts_at'].astimezone(zone):%a %H:%M}" == "Sun 23:00"
    assert on(Task(due_on=date(2026, 3, 1)), date(2026, 3, 2)) == {
        "due_on": date(2026, 3, 2)
    }
    both = on(Task(starts_at=start, due_on=date(2026, 3, 28)), date(2026, 3, 30))
    assert both["due_on"] == date(2026, 3, 30)
    assert f"{both['starts_at'].astimezone(zone):%a %H:%M}" == "Sun 23:00"
    assert on(Task(), date(2026, 3, 2)) == {"due_on": date(2026, 3, 2)}
    assert list(on(Task(starts_at=start), date(2026, 3, 2))) == ["starts_at"]


@pytest.mark.parametrize(
    ("dates", "names"),
    [
        ({"starts_at": True, "due_at": True}, ("starts_at",)),
        ({"starts_at": True}, ("starts_at",)),
        ({"due_at": True}, ("due_at",)),
        ({}, ("starts_at",)),
    ],
)
def test_at_leadsquared_the_start_moves_or_the_one_date_there_is(
    account: ConnectedAccount, dates: dict[str, bool], names: tuple[str, ...]
) -> None:
    at = datetime(2026, 3, 27, 22, 0, tzinfo=UTC)
    task = make_task(account=account, **dict.fromkeys(dates, at))

    assert schedule_of(task, account.adapter()) == names


def test_an_end_that_the_vendor_cannot_move_stays_and_that_is_said(
    team: Team, lead: User, account: ConnectedAccount
) -> None:
    start = team.start_of(team.today() + timedelta(days=1)) + timedelta(hours=9)
    task = make_task(
        account=account,
        starts_at=start,
        due_at=start + timedelta(hours=1),
        delivery="delivered",
        external_id="a-1",
    )
    url = f"/workload/tasks/{task.pk}/"
    client = client_of(lead)

    before = client.get(url).text
    day = (team.today() + timedelta(days=1)).isoformat()
    after = client.post(url, {"day": day}, follow=True).text

    task.refresh_from_db()
    assert "LeadSquared has no call that moves the end." in before
    assert "Its end stays: LeadSquared has no call that moves it." in after
    assert (task.starts_at, task.due_at) == (start, start + timedelta(hours=1))


# -- dropped in another cell of the week ---------------------------------------------------


def test_a_dropped_task_goes_to_day_and_person_together(
    team: Team, lead: User, account: ConnectedAccount
) -> None:
    rep = make_user(team, "rep")
    holder = make_holder(account, user=rep)
    day = team.today() + timedelta(days=2)
    task = make_task(
        account=account, due_on=day, delivery="delivered", external_id="a-1"
    )
    new = day + timedelta(days=1)

    post = {"day": new.isoformat(), "who": str(rep.pk), "version": "1"}
    answer = client_of(lead).post(f"/workload/tasks/{task.pk}/", post, follow=True)

    task.refresh_from_db()
    assert (task.due_on, task.vendor_user, task.assignee) == (new, holder, rep)
    assert f"goes to {holder} and moves to" in answer.text
    assert set(Push.objects.values_list("kind", flat=True)) == {
        "reassign",
        "reschedule",
    }


@pytest.mark.parametrize("who", ["none", "elsewhere", "999999", "\0", "x" * 500])
def test_dropped_on_a_row_without_a_place_there_moves_nothing(
    team: Team, lead: User, account: ConnectedAccount, who: str
) -> None:
    day = team.today() + timedelta(days=2)
    task = make_task(
        account=account, due_on=day, delivery="delivered", external_id="a-1"
    )
    post = {"day": (day + timedelta(days=1)).isoformat(), "who": who}

    answer = client_of(lead).post(f"/workload/tasks/{task.pk}/", post)

    assert answer.status_code == 422
    assert "has no such person for it." in answer.text
    assert not Push.objects.exists()


def test_of_two_moves_none_is_asked_for_when_one_cannot_be(
    team: Team, lead: User, account: ConnectedAccount
) -> None:
    rep = make_user(team, "rep")
    make_holder(account, user=rep)
    task = make_task(
        account=account,
        due_on=team.today(),
        delivery="delivered",
        external_id="a-1",
    )
    post = {"day": "2026-02-30", "who": str(rep.pk)}

    answer = client_of(lead).post(f"/workload/tasks/{task.pk}/", post)

    assert answer.status_code == 422 and "Choose a day." in answer.text
    assert not Push.objects.exists()


# -- where the vendor moves no dates and keeps nobody --------------------------------------


def test_a_saleshandy_task_is_snoozed_and_given_away_and_both_are_undone(
    team: Team, lead: User
) -> None:
    account = make_account("saleshandy", team=team)
    rep = make_user(team, "rep")
    day = team.today() + timedelta(days=1)
    task = make_task(
        account=account, due_on=day, delivery="delivered", external_id="a-1"
    )
    url, client = f"/workload/tasks/{task.pk}/", client_of(lead)

    page = client.get(url).text
    new = day + timedelta(days=2)
    post = {"day": new.isoformat(), "who": str(rep.pk), "version": "1"}
    answer = client.post(url, post, follow=True)

    task.refresh_from_db()
    nine = team.start_of(new) + timedelta(hours=9)
    assert "Snooze to another day" in page and "Only in Baton" in page
    assert (task.due_at, task.assignee) == (nine, rep)
    assert [push.kind for push in Push.objects.all()] == ["snooze"]
    assert "is snoozed until" in answer.text and "09:00" in answer.text

    undone = client.post(undo_of(answer))
    task.refresh_from_db()
    assert undone["Location"] == f"/workload/?week={day}#at-none-{day}"
    assert (task.due_on, task.due_at, task.assignee) == (day, None, None)
    assert Push.objects.get().state == "withdrawn"


def test_a_day_that_is_over_is_refused_where_snoozing_moves_it(
    team: Team, lead: User
) -> None:
    account = make_account("saleshandy", team=team)
    task = make_task(account=account, delivery="delivered", external_id="a-1")
    day = team.today() - timedelta(days=1)

    url = f"/workload/tasks/{task.pk}/"
    answer = client_of(lead).post(url, {"day": day.isoformat()})

    assert answer.status_code == 422 and "Choose a later day." in answer.text
    assert not Push.objects.exists()


# -- undoing -----------------------------------------------------------------------------


def undo_of(answer: Any) -> str:
    found = re.search(r'action="(/workload/tasks/[^"]+/undo/[^"]*)"', answer.text)
    assert found is not None
    return html.unescape(found[1])


def test_undo_takes_day_and_person_back_or_neither(
    team: Team, lead: User, account: ConnectedAccount
) -> None:
    rep = make_user(team, "rep")
    make_holder(account, user=rep)
    day = team.today() + timedelta(days=2)
    task = make_task(
        account=account, due_on=day, delivery="delivered", external_id="a-1"
    )
    new = (day + timedelta(days=1)).isoformat()
    client, url = client_of(lead), f"/workload/tasks/{task.pk}/"

    first = client.post(url, {"day": new, "who": str(rep.pk)}, follow=True)
    client.post(undo_of(first))
    task.refresh_from_db()
    assert (task.due_on, task.vendor_user, task.assignee) == (day, None, None)

    second = client.post(url, {"day": new, "who": str(rep.pk)}, follow=True)
    left = Push.objects.filter(kind="reassign").latest("pk")
    Push.objects.filter(pk=left.pk).update(state="failed")
    refused = client.post(undo_of(second), follow=True)

    task.refresh_from_db()
    assert "Not undone: it is on its way to LeadSquared" in refused.text
    assert (task.due_on.isoformat(), task.assignee) == (new, rep)
    assert Push.objects.filter(kind="reschedule", state="queued").count() == 1


def test_nobody_else_undoes_a_move(
    team: Team, lead: User, account: ConnectedAccount
) -> None:
    task = make_task(account=account, delivery="delivered", external_id="a-1")
    day = (team.today() + timedelta(days=1)).isoformat()
    url = f"/workload/tasks/{task.pk}/"
    undo = undo_of(client_of(lead).post(url, {"day": day}, follow=True))

    assert client_of(make_user(make_team())).post(undo).status_code == 404
    assert client_of(lead).post(undo.split("?")[0]).status_code == 404
    assert Push.objects.get().state == "queued"
