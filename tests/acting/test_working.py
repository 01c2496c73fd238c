"""Working through a list: its order, its place, what became of each, and the end."""
# ruff: noqa: F811 - fixtures come from test_pages

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import Batch, Preference, Push, Task, Work
from tasks_app.services import actions, working
from tasks_app.services.sweeping import sweep
from tasks_app.vendors.words import Action
from tests.factories import (
    client_of,
    make_link,
    make_prospect,
    make_push,
    make_team,
    make_user,
    make_vendor_user,
)

from .test_pages import act, buttons, lead, place, team  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),
]


def start(client, query="status=open"):
    return client.get(f"/tasks/work/?{query}&start=1", follow=True)


def at_of(answer):
    return int(re.search(r"at=(\d+)", answer.redirect_chain[-1][0])[1])


def address(task=None, work=None):
    """Return where a task is worked on, without one the end."""
    work = work or Work.objects.latest("pk")
    return f"/tasks/work/{work.pk}/?" + (f"at={task.pk}" if task else "end=1")


def plain(answer):
    text = re.sub(r"<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", html.unescape(text))


def done(client, task, action="complete", **values):
    """Ask for an action as the page of the work does."""
    work = Work.objects.latest("pk")
    return act(client, task, action, work=work.pk, **values)


@pytest.fixture
def three(place):
    return [
        place(title=f"Step {n}", due_at=timezone.now() + timedelta(hours=n))
        for n in (1, 2, 3)
    ]


# -- its order and its place -----------------------------------------------------------


def test_it_begins_with_the_first_and_moves_on_by_itself(page, three):
    first = start(page)
    assert at_of(first) == three[0].pk
    assert "1 of 3" in first.text
    following = address(three[1])
    assert f'name="next" value="{following}"' in first.text
    assert f'name="work" value="{Work.objects.get().pk}"' in first.text

    answer = done(page, three[0], next=following)
    second = page.get(answer["Location"], follow=True)

    assert "Step 2" in second.text and "2 of 3" in second.text
    assert "Completing: “Step 1”." in second.text


def test_its_place_is_in_the_address(page, three):
    start(page)

    there = page.get(address(three[2])).text
    unknown = page.get(f"/tasks/work/{Work.objects.get().pk}/?at=999999")

    assert "3 of 3" in there
    assert unknown.status_code == 302


def test_two_works_at_once_leave_each_other_alone(page, three, place):
    other = place("reply", title="Another list")
    start(page)
    mine = Work.objects.get()
    start(page, "vendor=reply")

    done_here = act(
        page, three[0], "complete", work=mine.pk, next=address(three[1], mine)
    )
    html = page.get(done_here["Location"]).text

    assert "2 of 4" in html
    assert Work.objects.get(query="vendor=reply").task_ids == [other.pk]
    assert Work.objects.get(query="vendor=reply").did == {}


def test_starting_the_same_list_again_goes_on_with_the_same_work(page, three):
    start(page)
    start(page)
    assert Work.objects.count() == 1

    done(page, three[0])
    start(page)

    assert Work.objects.count() == 2


def test_who_signs_in_again_goes_on_from_the_list_where_they_were(page, lead, three):
    start(page)
    page.get(address(three[1]))
    page.logout()
    again = client_of(lead)

    html = again.get("/tasks/?status=open").text
    link = re.search(r'id="task-continue" href="([^"]+)".*?\((\d+) left\)', html, re.S)
    there = again.get(link[1], follow=True)

    assert link[2] == "3"
    assert at_of(there) == three[1].pk


def test_what_is_left_for_later_keeps_its_order(page, three):
    start(page)
    page.get(address(three[2]))
    done(page, three[2])
    work = Work.objects.get()

    there = page.get(f"/tasks/work/{work.pk}/", follow=True)

    assert at_of(there) == three[0].pk
    assert work.after(three[0].pk) == three[1].pk


def test_a_work_that_is_finished_is_offered_no_more(page, three):
    start(page)
    assert "task-continue" in page.get("/tasks/").text

    page.post(f"/tasks/work/{Work.objects.get().pk}/close/")

    assert "task-continue" not in page.get("/tasks/").text
    assert not Work.objects.exists()
    assert set(Task.objects.values_list("status", flat=True)) == {"open"}


def test_it_is_its_makers_alone_and_scoped_at_every_step(page, team, lead, three):
    rep = make_user(team, "rep")
    mine = client_of(rep)
    start(mine)
    work = Work.objects.get()
    Task.objects.filter(pk=three[1].pk).update(assignee=lead)

    told = mine.get(address(three[0]))
    there = mine.get(address(three[1]), follow=True)

    assert "Step 2" not in told.text
    assert "1 was finished or handed on elsewhere" in plain(told)
    assert at_of(there) == three[2].pk
    assert page.get(f"/tasks/work/{work.pk}/").status_code == 404
    assert page.post(f"/tasks/work/{work.pk}/close/").status_code == 404
    # Nobody notes anything in another's work.
    act(page, three[0], "complete", work=work.pk)
    work.refresh_from_db()
    assert work.did == {}


def test_a_rep_works_through_what_they_see(team, lead, three):
    rep = make_user(team, "rep")
    Task.objects.filter(pk=three[0].pk).update(assignee=lead)

    answer = start(client_of(rep))

    assert at_of(answer) == three[1].pk
    assert "1 of 2" in answer.text


def test_ticked_rows_are_worked_through_and_lead_back_to_their_list(page, three):
    answer = page.post(
        "/tasks/bulk/",
        {
            "action": "work",
            "task": [three[0].pk, three[2].pk],
            "query": "status=open&sort=title",
        },
        follow=True,
    )

    assert "1 of 2" in answer.text
    assert 'href="/tasks/?status=open&amp;sort=title"' in answer.text


def test_old_works_are_forgotten_and_only_the_newest_kept(page, lead, team, three):
    for number in range(working.KEPT_EACH + 3):
        working.begin(lead, team, [three[0].pk], query=f"q={number}")
    assert Work.objects.count() == working.KEPT_EACH
    Work.objects.filter(query="q=5").update(
        touched_at=timezone.now() - working.KEPT_FOR - timedelta(hours=1)
    )

    sweep()

    assert Work.objects.count() == working.KEPT_EACH - 1
    assert not Work.objects.filter(query="q=5").exists()


def test_a_step_runs_as_many_queries_with_many_tasks(page, place, team):
    person = make_prospect(team)
    few = [place(prospect=person) for _ in range(3)]
    start(page)
    with CaptureQueriesContext(connection) as first:
        page.get(address(few[0]))
    for _ in range(40):
        place(prospect=person)
    for _ in range(5):
        place(prospect=person, status="completed", completed_at=timezone.now())
    start(page, "status=open,in_progress")
    page.get(address(few[0]))
    with CaptureQueriesContext(connection) as many:
        page.get(address(few[0]))

    # Pushes of the tasks that are over; accounts and types of those beside it.
    assert len(many) <= len(first) + 3


# -- many --------------------------------------------------------------------------------


def test_of_very_many_it_says_that_these_are_the_first(page, place, monkeypatch):
    monkeypatch.setattr(working, "PORTION", 2)
    tasks = [place(due_at=timezone.now() + timedelta(hours=n)) for n in range(1, 6)]
    first = start(page)
    assert "1 of 2 2 left, the first 2 of 5" in plain(first)
    for task in tasks[:2]:
        done(page, task)
    Task.objects.filter(pk=tasks[2].pk).update(status="completed")

    end = page.get(address())
    url = f"/tasks/work/{Work.objects.get().pk}/more/"
    assert 'name="shown" value="2"' in end.text
    more = page.post(url, {"shown": 2}, follow=True)

    assert "The first 2 of 5 are worked through" in plain(end)
    assert "Go on with the next 2" in plain(end)
    assert at_of(more) == tasks[3].pk
    assert "3 of 4" in more.text and "the first 4" not in plain(more)


def test_a_second_press_takes_no_second_portion(page, place, monkeypatch):
    monkeypatch.setattr(working, "PORTION", 2)
    tasks = [place(due_at=timezone.now() + timedelta(hours=n)) for n in range(1, 7)]
    start(page)
    url = f"/tasks/work/{Work.objects.get().pk}/more/"
    for task in tasks[:2]:
        done(page, task)
    page.get(address())

    answers = [page.post(url, {"shown": 2}, follow=True) for _ in range(2)]

    assert [at_of(answer) for answer in answers] == [tasks[2].pk, tasks[2].pk]
    assert len(Work.objects.get().task_ids) == 4


def test_a_ticked_selection_is_not_cut_silently(page, place, monkeypatch):
    monkeypatch.setattr(working, "PORTION", 2)
    ids = [place().pk for _ in range(3)]

    answer = page.post("/tasks/bulk/", {"action": "work", "task": ids}, follow=True)

    assert "the first 2 of 3" in plain(answer)


# -- what happens meanwhile ------------------------------------------------------------


def test_what_another_page_found_meanwhile_is_still_told(page, three):
    start(page)
    work = Work.objects.get()
    first, second, third = (task.pk for task in three)
    Work.objects.update(untold=[second])
    work.refresh_from_db()
    Work.objects.update(untold=[second, third])

    working.stand_at(work, first)

    fresh = Work.objects.get()
    assert (fresh.place, fresh.untold) == (first, [third])
    working.told(fresh)
    assert Work.objects.get().untold == []


def test_what_was_finished_elsewhere_is_told_once_and_passed_by(page, three):
    start(page)
    Task.objects.filter(pk=three[1].pk).update(status="completed")

    told = page.get(address(three[0]))
    again = page.get(address(three[0]))
    there = page.get(address(three[1]), follow=True)

    assert "1 was finished or handed on elsewhere meanwhile" in plain(told)
    assert "“Step 2”" in told.text
    assert "elsewhere meanwhile" not in again.text
    assert "3 of 3" in there.text


@pytest.mark.parametrize("at", ["", "?at=77777", "?at=x"])
def test_news_found_on_the_way_to_a_place_are_told_there(page, three, at):
    start(page)
    Task.objects.filter(pk=three[0].pk).update(status="completed")

    there = page.get(f"/tasks/work/{Work.objects.get().pk}/{at}", follow=True)

    assert "1 was finished or handed on elsewhere meanwhile" in plain(there)


def refuse(task, sentence="The vendor says no."):
    """Let what was asked for be refused, as the worker does."""
    push = task.pushes.latest("pk")
    Push.objects.filter(pk=push.pk).update(state="failed", error=sentence)
    actions.restore(push)
    Task.objects.filter(pk=task.pk).update(action_state="failed", action_error=sentence)


def test_what_a_vendor_refused_is_told_and_can_be_done_again(page, three):
    start(page)
    done(page, three[0])
    refuse(three[0])

    told = page.get(address(three[1]))
    back = page.get(address(three[0]))

    assert "LeadSquared refused “Step 1” The vendor says no." in plain(told)
    assert "Not completed" in back.text
    assert "complete" in buttons(back.text)


def test_undo_brings_a_task_back_into_the_work(page, three):
    start(page)
    done(page, three[0])
    push = Push.objects.get()
    assert "complete" not in buttons(page.get(address(three[0])).text)

    page.post(f"/tasks/{three[0].pk}/undo/{push.pk}/")
    there = page.get(address(three[0]))

    assert "complete" in buttons(there.text)
    assert "3 left" in there.text


# -- the end ---------------------------------------------------------------------------


def test_at_the_end_it_says_how_what_was_done_stands(page, place):
    tasks = [
        place(title=f"Step {n}", due_at=timezone.now() + timedelta(hours=n))
        for n in range(1, 7)
    ]
    start(page)
    for task in tasks[:4]:
        done(page, task)
    Push.objects.filter(task__in=tasks[:2]).update(state="delivered")
    refuse(tasks[2])
    Task.objects.filter(pk=tasks[4].pk).update(status="cancelled")

    end = page.get(address())
    text = plain(end)

    assert "Done On the way Refused Completed 2 1 1" in text
    assert "1 was refused and stands as before Step 3 The vendor says no." in text
    assert "Finished or handed on elsewhere 1 " in text
    assert "Left for later 1 In all 6" in text
    assert f'href="/tasks/work/{Work.objects.get().pk}/?at={tasks[2].pk}"' in end.text
    assert 'hx-trigger="load delay:2s"' in end.text


def test_nothing_to_work_through_says_so(page, place):
    place(status="completed")
    place(delivery="withdrawn", external_id="")

    assert "Nothing to work through" in start(page).text
    assert not Work.objects.exists()


# -- tasks that never arrived ----------------------------------------------------------


def problem(place, delivery, **overrides):
    task = place(
        delivery=delivery, external_id="", delivery_error="No such lead.", **overrides
    )
    make_push(task=task, state=delivery, error="No such lead.")
    return task


def test_a_failed_task_says_why_and_is_retried_from_here(page, place):
    task = problem(place, "failed")
    other = problem(place, "failed", due_at=timezone.now() + timedelta(days=3))
    card = start(page, "delivery=problems")
    assert "Not created in LeadSquared" in card.text and "No such lead." in card.text
    work = Work.objects.get()
    given = {"work": work.pk, "next": address(other)}
    for name, value in given.items():
        assert f'name="{name}" value="{value}"' in card.text
    assert 'data-key="r"' in card.text

    answer = page.post(f"/tasks/{task.pk}/retry/", given)

    assert answer["Location"] == address(other)
    assert "Sent again 0 1 0" in plain(page.get(address()))
    Push.objects.filter(task=task).update(state="delivered", external_id="T7")
    assert "Sent again 1 0 0" in plain(page.get(address()))


def test_a_task_that_is_taken_back_before_sending_is_done(page, place):
    task, other = (
        problem(place, "failed"),
        place(due_at=timezone.now() + timedelta(days=9)),
    )
    start(page, "")

    page.post(f"/tasks/{task.pk}/withdraw/", {"work": Work.objects.get().pk})

    text = plain(page.get(address(other)))
    assert "elsewhere" not in text and "1 left" in text
    assert "Taken back before sending 1 0 0" in plain(page.get(address()))


def test_an_unclear_task_is_resolved_and_leads_on(page, place):
    task = problem(place, "needs_check")
    other = problem(place, "needs_check", due_at=timezone.now() + timedelta(days=3))
    card = start(page, "delivery=problems")
    link = html.unescape(re.search(r'href="([^"]+)">Resolve<', card.text)[1])
    asked = page.get(link)
    push = task.pushes.get()
    work = Work.objects.get()
    assert f'name="next" value="{address(other)}"' in asked.text

    answer = page.post(
        f"/pushes/{push.pk}/settle/",
        {"choice": "leave", "next": address(other), "work": work.pk},
    )

    assert answer["Location"] == address(other)
    end = plain(page.get(address()))
    assert "Settled" not in end and "2 left" in end


def test_mending_leads_on_too(page, place):
    task = problem(place, "failed")
    Task.objects.filter(pk=task.pk).update(delivery_kind="type_gone")
    card = start(page, "delivery=problems")
    link = re.search(r'href="(/tasks/\d+/mend/[^"]+)"', card.text)
    form = page.get(html.unescape(link[1])).text
    assert f'name="work" value="{Work.objects.get().pk}"' in form


def test_a_rep_is_told_who_settles_it(team, place):
    problem(place, "failed")

    card = start(client_of(make_user(team, "rep")), "delivery=problems")

    assert "A team lead settles this." in card.text
    assert "/retry/" not in card.text


# -- pressed twice ---------------------------------------------------------------------


def test_pressing_twice_asks_once(page, three):
    start(page)
    answers = [done(page, three[0], next=address(three[1])) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [address(three[1])] * 2
    assert Push.objects.count() == 1


def test_pressing_twice_on_the_tasks_own_page_asks_once(page, place, team):
    holder = make_vendor_user(place().account)
    task = place()
    for _ in range(2):
        answer = act(page, task, "reassign", assignee=holder.pk)
        assert answer.status_code == 302

    assert Push.objects.count() == 1


def test_somebody_elses_same_wish_is_still_a_conflict(page, team, place):
    task = place()
    act(client_of(make_user(team)), task, "complete")

    assert act(page, task, "complete").status_code == 409
    assert act(page, task, "skip").status_code == 409


def test_another_wish_of_ones_own_is_still_a_conflict(lead, place):
    task = place()
    actions.ask(task, Action.COMPLETE, by=lead, version=task.version)

    with pytest.raises(actions.Conflict):
        actions.ask(task, Action.SKIP, by=lead, version=task.version)


# -- the prospect, and a follow-up -----------------------------------------------------


def test_the_prospects_other_tasks_stand_beside(page, place, team):
    person = make_prospect(team, phone="+49 (30) 123-45", company="Nordwind")
    place(prospect=person, title="The one")
    place("reply", prospect=person, title="The other")
    old = place(prospect=person, title="Long done", status="completed")
    make_push(task=old, kind="complete", state="delivered", values={"outcome": "Busy"})

    answer = start(page, "q=one")
    beside = answer.text[answer.text.index("Also open") :]

    assert (
        beside.index("The other") < beside.index("Before") < beside.index("Long done")
    )
    assert "Completed: Busy" in plain(answer)
    assert 'href="tel:+493012345"' in answer.text


def follow_of(answer, key):
    found = re.search(
        rf'(?:href|value)="(/tasks/new/[^"]+)" data-key="{key}"', answer.text
    )
    return html.unescape(found[1])


def test_a_follow_up_is_prefilled_and_leads_back(page, place, team):
    person = make_prospect(team)
    task = place("reply", prospect=person, title="Call about the offer")
    make_link(person, task.account)
    link = follow_of(start(page), "w")

    form = page.get(link)
    back = parse_qs(urlsplit(link).query)["next"][0]

    assert back == address(task)
    assert f'name="next" value="{back}"' in form.text
    assert "Call about the offer" in form.text
    assert re.search(rf'value="{task.account_id}"[^>]* (checked|selected)', form.text)
    assert f'name="prospect" value="{person.pk}"' in form.text


def test_complete_and_follow_up_does_both(page, three, team):
    person = make_prospect(team)
    Task.objects.update(prospect=person)
    link = follow_of(start(page), "u")

    answer = done(page, three[0], next=link)
    form = page.get(answer["Location"])

    assert Task.objects.get(pk=three[0].pk).status == "completed"
    assert f'name="next" value="{address(three[1])}"' in form.text
    assert Work.objects.get().did.keys() == {str(three[0].pk)}


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/tasks/work/1/?at=2", "/tasks/work/1/?at=2"),
        ("https://example.org/", None),
        ("//example.org/", None),
        ("javascript:alert(1)", None),
        ("tasks/", None),
    ],
)
def test_created_tasks_lead_back_only_to_pages_of_ours(page, team, place, asked, leads):
    account = place("saleshandy").account
    person = make_prospect(team)
    make_link(person, account)
    kind = account.task_types.filter(channel="call").first()
    given = {
        "account": account.pk,
        "fields_of": account.pk,
        "type_code": kind.code,
        "title": "Ask again",
        "prospect": person.pk,
        "due_on": (timezone.now() + timedelta(days=2)).date().isoformat(),
        "due_at": f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}",
        "open": "create",
        "open_seen": "9",
        "next": asked,
    }

    answer = page.post("/tasks/new/", given)

    assert answer.status_code == 302, plain(answer)
    batch = Batch.objects.latest("pk")
    assert answer["Location"] == (leads or f"/batches/{batch.pk}/")


def test_a_rep_is_offered_no_follow_up(team, three):
    Task.objects.update(prospect=make_prospect(team))

    assert "follow-up" not in start(client_of(make_user(team, "rep"))).text


# -- keys ------------------------------------------------------------------------------


def test_single_keys_can_be_off(page, lead, three):
    assert '<kbd class="kbd hide-sm">E</kbd>' in start(page).text
    Preference.objects.update_or_create(user=lead, defaults={"single_keys": False})

    text = start(page).text

    assert 'data-keys="off"' in text
    assert '<kbd class="kbd hide-sm">' not in text


def test_another_teams_work_is_not_there(page, three):
    start(page)
    stranger = client_of(make_user(make_team()))

    assert stranger.get(address(three[0])).status_code == 404


def test_esc_leads_back_to_the_list_as_the_sheet_of_keys_says(page, three):
    start(page)
    key = 'href="/tasks/?status=open" data-key="escape"'

    for where in (
        address(three[0]),
        address(),
        f"/tasks/{three[0].pk}/?in=status%3Dopen",
    ):
        assert key in page.get(where).text
