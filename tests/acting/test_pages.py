"""Acting on tasks in the browser's way: one task, many, side panel, working through."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tasks_app.filters import TaskFilter
from tasks_app.models import ActionRun, Push, Task, TaskEvent, Work
from tasks_app.services import action_runs
from tasks_app.views import bulk, task_acts
from tests.factories import (
    client_of,
    make_account,
    make_push,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),
]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def team():
    return make_team(time_zone="Europe/Berlin")


@pytest.fixture
def lead(team):
    return make_user(team, first_name="Mara", last_name="Lind")


@pytest.fixture
def place(team):
    """Return a function that makes a delivered task at a vendor."""
    accounts = {}

    def make(vendor="leadsquared", **overrides):
        if vendor not in accounts:
            accounts[vendor] = make_account(vendor, team=team)
        account = accounts[vendor]
        kind = overrides.pop("channel_of_type", None)
        if kind:
            overrides["type"] = account.task_types.filter(channel=kind).first()
        return make_task(
            account=account,
            **{
                "delivery": "delivered",
                "external_id": uuid.uuid4().hex,
                "due_at": timezone.now() + timedelta(days=1),
                **overrides,
            },
        )

    return make


def act(client, task, action, *, headers=None, **values):
    given = {"action": action, "version": task.version, "seen": task_acts.seen_of(task)}
    return client.post(f"/tasks/{task.pk}/act/", given | values, headers=headers)


def buttons(html):
    return set(re.findall(r'id="act-(\w+)"', html))


# -- one task: what is refused ---------------------------------------------------------


def test_nothing_chosen_is_asked_for_again(page, place):
    task = place()

    for action in ("", "execute", "\0", "create"):
        answer = page.post(f"/tasks/{task.pk}/act/", {"action": action})

        assert answer.status_code == 422
        assert "Choose what is to be done." in answer.text
    assert not Push.objects.exists()


@pytest.mark.parametrize(
    ("vendor", "action", "values", "sentence"),
    [
        ("saleshandy", "complete", {}, "Saleshandy needs the outcome of the call."),
        (
            "saleshandy",
            "complete",
            {"outcome": "Sold everything"},
            "Saleshandy knows no such outcome.",
        ),
        ("saleshandy", "snooze", {}, "Choose until when."),
        ("saleshandy", "snooze", {"until": "someday"}, "Choose until when."),
        ("saleshandy", "snooze", {"until": "own"}, "Choose until when."),
        (
            "saleshandy",
            "snooze",
            {"until": "own", "until_at": "2020-01-01T10:00"},
            "This time is over. Choose a later one.",
        ),
        (
            "saleshandy",
            "snooze",
            {"until": "own", "until_at": "soon"},
            "This is not a time such as",
        ),
        ("saleshandy", "skip", {"reason": "x" * 301}, "Use 300 characters at most."),
        ("leadsquared", "reassign", {}, "Choose who shall have it."),
        (
            "leadsquared",
            "reassign",
            {"assignee": "999999"},
            "This person is not in the account any more.",
        ),
        ("leadsquared", "reschedule", {}, "Choose a new date."),
        ("reply", "reschedule", {"due_at": "9999-99-99"}, "This is not a time such as"),
        (
            "reply",
            "reschedule",
            {"due_at": "2020-01-01T10:00"},
            "This time is over. Choose a later one.",
        ),
        (
            "reply",
            "reschedule",
            {"starts_at": "2099-01-02T10:00", "due_at": "2099-01-01T10:00"},
            "Due must be after the start, 10:00.",
        ),
        (
            "leadsquared",
            "note",
            {"note": "x" * 10_001},
            "Use 10,000 characters at most",
        ),
        (
            "ysuite",
            "complete",
            {},
            "YSuite offers no call for this. Do it there; the next sync shows it.",
        ),
        ("leadsquared", "skip", {}, "LeadSquared offers no call for this."),
    ],
)
def test_bad_input_gets_a_sentence_and_asks_for_nothing(
    page, place, vendor, action, values, sentence
):
    task = place(vendor)

    answer = act(page, task, action, **values)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert not Push.objects.exists()


def test_typed_text_is_kept(page, place):
    task = place("saleshandy")

    answer = act(page, task, "snooze", until="own", until_at="2020-01-01T10:00")

    assert 'value="2020-01-01T10:00"' in answer.text


def test_a_person_of_another_account_cannot_be_chosen(page, place):
    task = place("reply")
    stranger = make_vendor_user(make_account("reply"))

    answer = act(page, task, "reassign", assignee=stranger.pk)

    assert answer.status_code == 422
    assert not Push.objects.exists()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"status": "completed"}, "It is completed already."),
        ({"status": "removed"}, "It was removed in LeadSquared."),
        ({"delivery": "failed", "external_id": ""}, "It never reached LeadSquared."),
    ],
)
def test_what_cannot_be_asked_for_now_says_why(page, place, overrides, sentence):
    task = place(**overrides)

    answer = act(page, task, "complete")
    looked = page.get(f"/tasks/{task.pk}/act/", {"action": "complete"})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert sentence in looked.text


def test_a_change_meanwhile_shows_both_and_keeps_what_was_typed(page, place):
    task = place(note="what I saw")
    Task.objects.filter(pk=task.pk).update(
        version=2, status="in_progress", note="what somebody wrote"
    )

    answer = act(page, task, "note", note="what I typed")

    assert answer.status_code == 409
    for words in (
        "The task changed since you opened it",
        "what I saw",
        "what somebody wrote",
        "what I typed",
        "In progress",
    ):
        assert words in answer.text
    assert not Push.objects.exists()
    version = re.search(r'name="version" value="(\d+)"', answer.text)
    assert version and version[1] == "2"

    task.refresh_from_db()
    again = act(page, task, "note", note="what I typed")

    assert again.status_code == 302
    task.refresh_from_db()
    assert task.note == "what I typed"


@pytest.mark.parametrize("seen", ["", "{", "[]", "null", '{"status": [], "due_at": 7}'])
def test_a_page_that_says_nonsense_of_itself_only_conflicts(page, place, seen):
    task = place()
    Task.objects.filter(pk=task.pk).update(version=5)

    answer = act(page, task, "complete", seen=seen)

    assert answer.status_code == 409
    assert not Push.objects.exists()


def test_a_note_is_asked_for_by_one_field(page, place):
    task = place(note="Old words")
    address = f"/tasks/{task.pk}/"

    for url in (address, f"{address}act/?action=note", f"{address}?in="):
        html = page.get(url).text

        assert html.count('name="note"') == 1, url
        assert html.count('id="id_note_note"') == 1, url


def test_markup_in_a_note_stays_text(page, place):
    task = place(note="<script>alert(1)</script>", title="<img src=x>")

    html = page.get(f"/tasks/{task.pk}/").text

    assert "<script>alert" not in html
    assert "<img src=x>" not in html


# -- one task: who ---------------------------------------------------------------------


def test_a_rep_acts_on_own_and_unassigned_tasks_alone(team, lead, place):
    rep = make_user(team, "rep")
    client = client_of(rep)
    own, free = place(assignee=rep), place(assignee=None)
    colleagues = place(assignee=lead)

    assert act(client, own, "complete").status_code == 302
    assert act(client, free, "complete").status_code == 302
    assert act(client, colleagues, "complete").status_code == 404
    assert Push.objects.count() == 2


def test_another_team_is_not_there(place):
    task = place()
    stranger = client_of(make_user(make_team()))

    assert act(stranger, task, "complete").status_code == 404
    assert stranger.get(f"/tasks/{task.pk}/act/").status_code == 404
    assert stranger.get(f"/tasks/{task.pk}/state/").status_code == 404


def test_who_gave_a_task_away_is_led_to_the_list_and_can_undo(team, place):
    rep = make_user(team, "rep")
    client, task = client_of(rep), place(assignee=rep)
    other = make_vendor_user(task.account, user=make_user(team, "rep"))

    answer = act(client, task, "reassign", assignee=other.pk)

    assert answer["Location"].startswith("/tasks/?")
    push = Push.objects.get()
    undone = client.post(f"/tasks/{task.pk}/undo/{push.pk}/")
    task.refresh_from_db()
    assert undone.status_code == 302
    assert task.assignee == rep


# -- one task: what is offered -----------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "expected", "said"),
    [
        ("saleshandy", {"complete", "skip", "snooze", "reassign"}, ""),
        ("leadsquared", {"complete", "reschedule", "reassign", "cancel"}, ""),
        ("reply", {"complete", "reschedule", "reassign", "cancel"}, ""),
        ("ysuite", set(), "YSuite offers no call for this. Do it there;"),
    ],
)
def test_the_page_offers_what_the_vendor_can_and_says_the_rest_once(
    page, place, vendor, expected, said
):
    task = place(vendor)

    html = page.get(f"/tasks/{task.pk}/").text

    assert buttons(html) == expected
    assert html.count("offers no call") == (1 if said else 0)
    assert said in html
    assert ("edit-note" in html) == (vendor != "ysuite")
    for bad in ("<script>", "style=", " onclick", "hx-on"):
        assert bad not in html


def test_a_finished_task_offers_its_note_alone(page, place):
    task = place(status="completed")

    html = page.get(f"/tasks/{task.pk}/").text

    assert buttons(html) == set()
    assert "edit-note" in html


def test_asking_shows_the_wish_its_state_and_an_undo(page, place, team):
    task = place()

    answer = act(page, task, "complete", next=f"/tasks/{task.pk}/")
    html = page.get(answer["Location"]).text

    push = Push.objects.get()
    task.refresh_from_db()
    assert (task.status, task.action_state) == ("completed", "queued")
    assert "Completing in LeadSquared…" in html
    assert html.count(f"/tasks/{task.pk}/undo/{push.pk}/") == 2
    assert f"/tasks/{task.pk}/state/?looks=1" in html
    assert "Complete: asked for by Mara Lind" in html


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "x"])
def test_nobody_is_led_elsewhere(page, place, target):
    task = place()

    answer = act(page, task, "complete", next=target)

    assert answer["Location"] == f"/tasks/{task.pk}/"


def test_a_skip_keeps_its_reason_in_the_history(page, place):
    task = place("saleshandy")

    act(page, task, "skip", reason="Wrong number")

    assert TaskEvent.objects.get(kind="skip").note == "Reason: Wrong number"
    assert "Reason: Wrong number" in page.get(f"/tasks/{task.pk}/").text


def test_the_snooze_menu_speaks_the_teams_time(page, place, team):
    task = place("saleshandy")

    act(page, task, "snooze", until="tomorrow")

    task.refresh_from_db()
    local = task.due_at.astimezone(team.zone)
    assert (local.hour, local.minute) == (9, 0)
    assert local.date() == team.today() + timedelta(days=1)


def test_only_the_date_that_was_changed_travels(page, place, team):
    start = timezone.now().replace(second=0, microsecond=0) + timedelta(days=1)
    task = place("reply", starts_at=start, due_at=start + timedelta(hours=1))
    shown = f"{start.astimezone(team.zone):%Y-%m-%dT%H:%M}"
    later = f"{(start + timedelta(days=2)).astimezone(team.zone):%Y-%m-%dT%H:%M}"

    act(page, task, "reschedule", starts_at=shown, due_at=later)

    assert set(Push.objects.get().values) == {"due_at", "before"}


# -- undo ------------------------------------------------------------------------------


def test_undo_in_time_puts_all_back(page, place):
    task = place()
    act(page, task, "complete")
    push = Push.objects.get()

    page.post(f"/tasks/{task.pk}/undo/{push.pk}/")

    task.refresh_from_db()
    push.refresh_from_db()
    assert (task.status, task.completed_at, task.action_state) == ("open", None, "")
    assert push.state == "withdrawn"
    assert "Undone. Nothing was sent." in page.get("/tasks/").text


def test_undo_too_late_says_so_and_changes_nothing(page, place):
    task = place()
    act(page, task, "complete")
    push = Push.objects.get()
    Push.objects.update(
        state="sending", attempt_id=uuid.uuid4(), lease_until=timezone.now()
    )

    answer = page.post(f"/tasks/{task.pk}/undo/{push.pk}/", follow=True)

    task.refresh_from_db()
    assert "Not undone. Too late: it is on its way to LeadSquared" in answer.text
    assert task.status == "completed"


def test_a_create_is_never_undone_here(page, place):
    task = place()
    push = make_push(task=task)

    assert page.post(f"/tasks/{task.pk}/undo/{push.pk}/").status_code == 404


def test_polling_stops_by_itself(page, place):
    task = place()
    act(page, task, "complete")
    url = f"/tasks/{task.pk}/state/"

    first = page.get(url, {"looks": 1}, headers=HTMX)
    last = page.get(url, {"looks": 45}, headers=HTMX)
    Task.objects.update(action_state="")
    settled = page.get(url, {"looks": 2}, headers=HTMX)

    assert "hx-get" in first.text and "delay:2s" in first.text
    assert "hx-trigger" not in last.text and "Look again" in last.text
    assert settled.text == "" and "task-changed" in settled["HX-Trigger"]


def test_a_failed_action_tells_its_sentence(page, place):
    task = place(
        action="complete", action_state="failed", action_error="LeadSquared refused it."
    )

    html = page.get(f"/tasks/{task.pk}/").text
    row = page.get("/tasks/").text

    assert "Not completed" in html and "LeadSquared refused it." in html
    assert 'hx-trigger="load' not in html
    assert "Not completed" in row


# -- the row's menu and the side panel -----------------------------------------------


def test_taking_back_stands_below_all_other_changes(page, place):
    url = f"/tasks/{place().pk}/act/?in="
    menu = page.get(url, headers=HTMX | {"HX-Target": "row-menu"}).text

    found = re.findall(r">\s*(Complete|Priority|Take back)</", menu)

    assert found[-2:] == ["Priority", "Take back"]


def test_the_menu_of_a_row_has_the_same_actions(page, place):
    task = place("saleshandy")

    menu = page.get(
        f"/tasks/{task.pk}/act/", {"in": ""}, headers=HTMX | {"HX-Target": "row-menu"}
    ).text

    for word in ("Complete", "Snooze", "Skip", "Edit note"):
        assert word in menu
    assert "Take back" not in menu
    assert "<html" not in menu


def test_acting_from_a_row_returns_that_row_and_a_toast(page, place):
    task = place()

    answer = act(
        page, task, "complete", headers=HTMX | {"HX-Target": "row-menu"}, **{"in": ""}
    )

    assert answer["HX-Reswap"] == "none"
    assert json.loads(answer["HX-Trigger"]) == {"task-changed": {"task": task.pk}}
    assert f'<tr id="row-{task.pk}" hx-swap-oob="true">' in answer.text
    assert "Completing…" in answer.text
    assert f"/tasks/rows/?ids={task.pk}" in answer.text
    assert "/undo/" in answer.text


def test_rows_are_looked_after_until_they_are_settled(page, place):
    one, two = place(), place()
    Task.objects.filter(pk=two.pk).update(action="complete", action_state="sending")
    url = f"/tasks/rows/?ids={one.pk},{two.pk},x,99999999999999999999&looks=1&in="

    moving = page.get(url, headers=HTMX).text
    Task.objects.update(action_state="")
    still = page.get(url, headers=HTMX).text

    assert f"/tasks/rows/?ids={two.pk}&" in moving
    assert "/tasks/rows/" not in still
    assert f'id="row-{one.pk}"' in still


def test_the_side_panel_is_the_task_without_the_frame(page, place):
    task = place()

    panel = page.get(
        f"/tasks/{task.pk}/", {"in": ""}, headers=HTMX | {"HX-Target": "task-drawer"}
    ).text

    assert "<html" not in panel
    assert f'data-task="{task.pk}"' in panel
    assert "complete" in buttons(panel)
    assert 'hx-target="#task-drawer"' in panel


@pytest.mark.parametrize(
    "query",
    ["", "sort=-due", "sort=title", "sort=-priority", "sort=status", "sort=-created"],
)
def test_next_and_previous_follow_the_list_it_came_from(page, place, query):
    tasks = [
        place(
            title=f"Task {n % 3}",
            priority=n % 2,
            status=("open", "in_progress", "completed")[n % 3],
            due_at=timezone.now() + timedelta(hours=n % 4),
        )
        for n in range(9)
    ]
    listed = [
        int(pk)
        for pk in re.findall(r'id="row-(\d+)"', page.get(f"/tasks/?{query}").text)
    ]
    assert len(listed) == len(tasks)

    for place_of, pk in enumerate(listed):
        html = page.get(f"/tasks/{pk}/", {"in": query}).text
        before = re.search(r'id="previous-task" href="/tasks/(\d+)/', html)
        after = re.search(r'id="next-task" href="/tasks/(\d+)/', html)

        assert (int(before[1]) if before else None) == (
            listed[place_of - 1] if place_of else None
        )
        assert (int(after[1]) if after else None) == (
            listed[place_of + 1] if place_of + 1 < len(listed) else None
        )


def test_a_task_that_left_the_list_keeps_its_place(page, place):
    one, two, three = (
        place(due_at=timezone.now() + timedelta(hours=n)) for n in (1, 2, 3)
    )
    Task.objects.filter(pk=two.pk).update(status="completed")

    html = page.get(f"/tasks/{two.pk}/", {"in": "status=open"}).text

    assert f'id="previous-task" href="/tasks/{one.pk}/' in html
    assert f'id="next-task" href="/tasks/{three.pk}/' in html


# -- many ------------------------------------------------------------------------------


def many(client, action, tasks=(), headers=None, **values):
    given = {"action": action, "task": [task.pk for task in tasks], "query": ""}
    return client.post("/tasks/bulk/", given | values, headers=headers)


def confirmed(client, action, tasks=(), **values):
    token = uuid.uuid4().hex
    return many(client, action, tasks, confirmed=1, form_token=token, **values)


def test_a_failed_task_is_retried_in_the_panel(page, place):
    task = place(delivery="failed", external_id="")
    make_push(task=task, state="failed")
    panel = {**HTMX, "HX-Target": "task-drawer"}

    html = page.get(f"/tasks/{task.pk}/?in=status%3Dopen", headers=panel).text
    answer = page.post(f"/tasks/{task.pk}/retry/", {"in": "status=open"}, headers=panel)
    plain = page.post(f"/tasks/{task.pk}/retry/", {"in": "status=open"})

    assert 'data-key="r"' in html and "Take back" in html
    assert "Back in the queue." in answer.text
    assert "task-changed" in answer["HX-Trigger"]
    assert plain["Location"] == f"/tasks/{task.pk}/?in=status%3Dopen"


def test_nothing_ticked_and_nothing_chosen_are_refused(page, place):
    task = place()

    none, what = many(page, "complete"), many(page, "explode", [task])

    assert none.status_code == 422 and "No task is selected." in none.text
    assert what.status_code == 422 and "Choose what is to be done." in what.text


def test_starting_on_all_begins_with_those_that_are_open(page, place):
    done = [place(status="completed", due_at=timezone.now()) for _ in range(3)]
    there = [place(), place()]

    answer = many(page, "work", all="1", count=5)
    none = many(page, "work", done)

    assert Work.objects.get().task_ids == [task.pk for task in there]
    assert answer.status_code == 302
    assert none.status_code == 422
    assert "None of these is open" in none.text


def test_only_a_lead_sends_again(team, place):
    task = place(delivery="failed", external_id="", assignee=None)
    rep = client_of(make_user(team, "rep"))

    answer = many(rep, "retry", [task])

    assert answer.status_code == 422
    assert "Only a team lead can send tasks again." in answer.text


def test_before_it_acts_it_says_what_it_skips_and_why(page, place):
    able = [place(), place()]
    skipped = [place(status="completed"), place("ysuite"), place("ysuite")]

    answer = many(page, "complete", able + skipped)

    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>|\s+", " ", answer.text)
    text = re.sub(r"\s+", " ", text)
    assert "2 of 5 can be done" in text
    assert "2 YSuite offers no call for this." in text
    assert "1 It is completed already." in text
    assert "3 left out" in text
    assert not Push.objects.exists()
    assert not ActionRun.objects.exists()


def test_confirming_does_it_and_tells(page, place):
    able, done = [place(), place()], place(status="completed")

    answer = confirmed(page, "complete", [*able, done])

    assert answer.status_code == 302
    assert Push.objects.count() == 2
    run = ActionRun.objects.get()
    html = page.get(answer["Location"]).text
    assert "Completing 2 tasks. 1 left out." in html
    assert f"/runs/{run.pk}/undo/" in html
    shown = page.get(f"/runs/{run.pk}/").text
    assert (
        "It is completed already." in shown and "All asked for, 2 on their way" in shown
    )

    page.post(f"/runs/{run.pk}/undo/")
    assert Task.objects.filter(status="open").count() == 2


@pytest.mark.parametrize(
    ("vendor", "action", "values", "sentence"),
    [
        ("saleshandy", "complete", {}, "Saleshandy needs the outcome of the calls."),
        (
            "saleshandy",
            "complete",
            {"outcome_saleshandy": "x"},
            "Saleshandy knows no such outcome.",
        ),
        ("saleshandy", "snooze", {}, "Choose until when."),
        ("reply", "reschedule", {}, "Choose a new day."),
        ("reply", "reschedule", {"day": "2020-01-01"}, "This day is over."),
        ("reply", "reschedule", {"day": "2099-02-31"}, "This is not a day such as"),
        (
            "reply",
            "reschedule",
            {"day": "2099-02-01", "at": "25:00"},
            "This is not a time such as",
        ),
        ("reply", "reassign", {}, "Choose who shall have them."),
        ("leadsquared", "cancel", {"reason": "x" * 301}, "Use 300 characters at most."),
    ],
)
def test_bad_input_for_many_gets_a_sentence(
    page, place, vendor, action, values, sentence
):
    task = place(vendor)

    answer = confirmed(page, action, [task], **values)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert not ActionRun.objects.exists()


def test_many_are_reassigned_each_within_its_account(page, place):
    one, two = place("reply"), place("leadsquared")
    first, second = make_vendor_user(one.account), make_vendor_user(two.account)
    names = {
        f"assignee_{one.account_id}": first.pk,
        f"assignee_{two.account_id}": second.pk,
    }

    confirmed(page, "reassign", [one, two], **names)

    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.vendor_user, two.vendor_user) == (first, second)


def test_one_person_takes_over_in_each_account_that_knows_them(page, place, team):
    elin = make_user(team, "rep", first_name="Elin", last_name="Vogt")
    one, two = place("reply"), place("leadsquared")
    known = make_vendor_user(one.account, user=elin, name="E. Vogt")
    make_vendor_user(two.account, name="Somebody else")

    dialog = many(page, "reassign", [one, two]).text
    confirmed(page, "reassign", [one, two], person=elin.pk)

    assert f"Elin Vogt (not in {two.account.name})" in dialog
    assert "Who takes over all 2" in dialog and "Choose in each account" in dialog
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.vendor_user, two.vendor_user) == (known, None)
    [reason] = ActionRun.objects.get().skipped
    assert reason == f"Elin Vogt is not known in {two.account.name}."


def test_what_is_chosen_in_an_account_goes_before_the_one_person(page, place, team):
    elin = make_user(team, "rep", first_name="Elin", last_name="Vogt")
    tasks = [place("reply"), place("leadsquared"), place("leadsquared")]
    for task in tasks[:2]:
        make_vendor_user(task.account, user=elin)
    other = make_vendor_user(tasks[1].account)
    stays, goes = (f"assignee_{task.account_id}" for task in tasks[:2])

    choice = {"person": elin.pk, stays: "leave", goes: other.pk}
    confirmed(page, "reassign", tasks, **choice)

    now = Task.objects.in_bulk([task.pk for task in tasks])
    assert [now[task.pk].vendor_user for task in tasks] == [None, other, other]
    [reason] = ActionRun.objects.get().skipped
    assert reason.startswith("You chose nobody in")


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"person": "999999"}, "This person is in none of the accounts."),
        ({"person": ""}, "Choose who shall have them."),
        ({"person": "x"}, "This person is in none of the accounts."),
    ],
)
def test_one_person_who_is_nowhere_is_refused(page, place, team, choice, sentence):
    one, two = place("reply"), place("leadsquared")
    make_vendor_user(one.account, user=make_user(team))

    answer = confirmed(page, "reassign", [one, two], **choice)

    assert answer.status_code == 422 and sentence in answer.text
    assert not Push.objects.exists()


def test_a_person_of_another_account_cannot_get_many(page, place):
    one, two = place("reply"), place("leadsquared")
    person = make_vendor_user(two.account)

    answer = confirmed(
        page, "reassign", [one], **{f"assignee_{one.account_id}": person.pk}
    )

    assert answer.status_code == 422
    assert not Push.objects.exists()


QUERIES = [
    "",
    "status=open",
    "status=open,in_progress&priority=high,low",
    "assignee=none",
    "q=task+1",
    "due=today&status=overdue",
    "vendor=reply&sort=-priority",
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("role", ["lead", "rep"])
@time_machine.travel("2027-03-10 15:00Z")  # late enough for some to be overdue today
def test_all_that_match_are_exactly_those_of_the_list(team, lead, place, query, role):
    rep = make_user(team, "rep")
    for n in range(24):
        place(
            ("leadsquared", "reply")[n % 2],
            title=f"Task {n % 5}",
            status=("open", "in_progress", "completed")[n % 3],
            priority=n % 4,
            assignee=(None, lead, rep)[n % 3],
            due_at=timezone.now() + timedelta(hours=12 * (n % 5) - 20),
        )
    make_task(title="Task 1 of another team", delivery="delivered", external_id="x")
    client = client_of(lead if role == "lead" else rep)
    listed = page_of_ids(client, query)
    assert listed

    exported = client.post(
        "/tasks/bulk/",
        {"action": "export", "all": "1", "query": query, "count": len(listed)},
    )
    rows = exported.getvalue().decode().splitlines()[1:]

    assert {int(row.split(",")[0]) for row in rows} == listed


def page_of_ids(client, query):
    html = client.get(f"/tasks/?{query}").text
    return {int(pk) for pk in re.findall(r'id="row-(\d+)"', html)}


def test_another_number_than_was_confirmed_is_shown_again(page, place):
    tasks = [place() for _ in range(21)]
    late = {"all": "1", "query": "status=open", "count": 21}
    Task.objects.filter(pk=tasks[0].pk).update(status="completed")

    again = confirmed(page, "complete", **late)

    assert again.status_code == 409
    assert "The list changed since you looked" in again.text
    assert 'name="count" value="20"' in again.text
    assert "Complete 20" in again.text
    assert not Push.objects.exists()

    confirmed(page, "complete", **late | {"count": 20})

    assert set(Push.objects.values_list("task_id", flat=True)) == {
        task.pk for task in tasks[1:]
    }


def test_what_never_arrived_is_taken_back_without_undo_and_said_so(page, place):
    queued = [place(delivery=d, external_id="") for d in ("queued", "failed")]
    for task in queued:
        make_push(task=task, state=task.delivery)

    alone = many(page, "cancel", queued).text
    both = many(page, "cancel", [*queued, place()]).text
    confirmed(page, "cancel", queued)
    run = page.get(f"/runs/{ActionRun.objects.get().pk}/").text

    said = (
        "2 wait in the queue or have failed: they are cancelled at once and not sent "
        "any more, without undo."
    )
    assert said in alone and said in both
    assert "a few seconds to undo" not in alone
    assert "a few seconds to undo the others" in both
    assert re.search(r"Taken back</span>.*>2<", run)
    assert re.search(r"On their way</span>.*>0<", run)


def test_ticked_rows_that_are_gone_are_said(page, place):
    tasks = [place(), place()]
    gone = make_task()

    looked = many(page, "complete", [*tasks, gone])
    moved = confirmed(page, "complete", [*tasks, gone], count=3)
    done = confirmed(page, "complete", [*tasks, gone], count=2)

    assert "1 is not in your list any more." in looked.text
    assert moved.status_code == 409
    assert done.status_code == 302
    assert Push.objects.count() == 2


@pytest.mark.parametrize(
    ("shown", "status"),
    [(20, 200), (19, 200), (22, 200), (18, 409), (23, 409), (0, 409), ("x", 409)],
)
def test_a_list_that_moved_is_refused(page, place, shown, status):
    for _ in range(20):
        place()

    answer = many(page, "complete", all="1", query="status=open", count=shown)

    assert answer.status_code == status
    assert ("The list changed" in answer.text) == (status == 409)


def test_a_filter_that_nobody_knows_is_never_taken_for_all(page, place):
    place()

    for query in ("status=gone", "statsu=open", "account=999"):
        answer = many(page, "cancel", all="1", query=query, count=1)

        assert answer.status_code == 409, query


def test_more_than_one_run_takes_is_refused(page, place, monkeypatch):
    monkeypatch.setattr(action_runs, "MOST", 2)
    for _ in range(3):
        place()

    answer = many(page, "complete", all="1", query="", count=3)

    assert answer.status_code == 409
    assert "Narrow the filter" in answer.text


def test_what_no_run_takes_is_exported_and_started_all_the_same(
    page, place, monkeypatch
):
    monkeypatch.setattr(action_runs, "MOST", 2)
    made = [place(title=f"Ring {letter}") for letter in "bca"]
    in_order = [made[2].pk, made[0].pk, made[1].pk]
    whole = {"all": "1", "query": "sort=title", "count": 3}

    lines = b"".join(many(page, "export", **whole).streaming_content).splitlines()
    many(page, "work", **whole)

    assert [int(line.split(b",")[0]) for line in lines[1:]] == in_order
    assert Work.objects.get().task_ids == in_order


def test_ticked_rows_keep_the_order_of_their_list(page, place):
    made = [place(title=f"Ring {letter}") for letter in "bca"]

    answer = many(page, "export", made, query="sort=-title")
    many(page, "work", made, query="sort=-title")

    lines = b"".join(answer.streaming_content).splitlines()[1:]
    in_order = [made[1].pk, made[0].pk, made[2].pk]
    assert [int(line.split(b",")[0]) for line in lines] == in_order
    assert Work.objects.get().task_ids == in_order


def test_many_run_in_the_background_with_a_page(page, place, monkeypatch):
    monkeypatch.setattr(action_runs, "AT_ONCE", 2)
    monkeypatch.setattr(action_runs, "PORTION", 2)
    tasks = [place() for _ in range(5)]

    answer = confirmed(page, "complete", tasks)

    run = ActionRun.objects.get()
    url = f"/runs/{run.pk}/"
    assert answer["Location"] == url
    waiting = page.get(url).text
    assert "0 of 5 looked at" in waiting and "hx-trigger" in waiting
    action_runs.work(run.pk, until=timezone.now())
    assert "2 of 5 looked at" in page.get(url, headers=HTMX).text
    action_runs.work(run.pk)
    asked = page.get(url, headers=HTMX).text
    assert "All asked for, 5 on their way" in asked and 'hx-trigger="every 5s"' in asked
    assert ran(asked) == {"Done": 0, "On their way": 5, "Refused": 0, "Left out": 0}
    assert "<html" not in asked

    Push.objects.filter(pk__in=Push.objects.values("pk")[:3]).update(state="delivered")
    Push.objects.filter(state="queued").update(state="failed", error="No <b>such</b>.")
    ended = page.get(url, headers=HTMX).text
    assert "Finished" in ended and "hx-trigger" not in ended
    assert ran(ended) == {"Done": 3, "On their way": 0, "Refused": 2, "Left out": 0}
    assert "2 refused" in ended and "No &lt;b&gt;such&lt;/b&gt;." in ended


@pytest.mark.parametrize(
    ("total", "over", "every"),
    [(2000, False, 2), (2001, False, 10), (2000, True, 5), (2001, True, 10)],
)
def test_a_large_run_is_looked_at_seldom(total, over, every):
    run = ActionRun(total=total, ended_at=timezone.now() if over else None)
    moving = action_runs.Outcomes(on_way=1)

    assert bulk.next_look(run, moving, 0) == every


def ran(html):
    """What the page of a run counts, by its labels."""
    found = re.findall(r"([A-Z][a-z ]+)</span><span class=\"stat__value\">(\d+)<", html)
    return {label: int(number) for label, number in found}


def test_a_retry_run_counts_what_became_of_its_tasks(page, place, monkeypatch):
    monkeypatch.setattr(action_runs, "AT_ONCE", 2)
    tasks = [place(delivery="failed", external_id="") for _ in range(3)]
    for task in tasks:
        make_push(task=task, state="failed")
    other = place()
    confirmed(page, "retry", [*tasks, other])
    run = ActionRun.objects.get()
    action_runs.work(run.pk)
    Task.objects.filter(pk=tasks[0].pk).update(delivery="delivered", external_id="T1")
    Task.objects.filter(pk=tasks[1].pk).update(delivery="failed")

    html = page.get(f"/runs/{run.pk}/").text

    assert ran(html) == {"Delivered": 1, "On their way": 1, "Refused": 1, "Left out": 1}


@pytest.mark.parametrize("action", ["complete", "retry"])
def test_a_run_names_what_was_refused_of_it_and_nothing_else(
    page, place, monkeypatch, action
):
    monkeypatch.setattr(action_runs, "AT_ONCE", 2)
    monkeypatch.setattr(action_runs, "NAMED", 2)
    fresh = {"delivery": "failed", "external_id": ""} if action == "retry" else {}
    tasks = [place(title=f"Ring {letter}", **fresh) for letter in "abcd"]
    place(title="Elsewhere", delivery="failed", external_id="", action_state="failed")
    if action == "retry":
        for task in tasks:
            make_push(task=task, state="failed")
    confirmed(page, action, tasks)
    run = ActionRun.objects.get()
    action_runs.work(run.pk)
    refused = [task.pk for task in tasks[1:]]
    Task.objects.filter(pk__in=refused).update(delivery="failed")
    Push.objects.filter(task__in=refused).update(state="failed", error="No.")

    html = page.get(f"/runs/{run.pk}/").text

    named = re.search(r'<section class="card" id="refused".*?</section>', html, re.S)
    assert named is not None
    titles = re.findall(r'href="/tasks/\d+/">([^<]+)</a>', named[0])
    assert titles == ["Ring b", "Ring c"]
    assert "The first 2 of 3." in named[0]
    assert 'href="#refused"' in html and 'href="/tasks/?' not in named[0]


def test_runs_are_found_again_on_the_page_of_batches(page, place, team, monkeypatch):
    monkeypatch.setattr(action_runs, "AT_ONCE", 1)
    confirmed(page, "complete", [place(), place()])
    run = ActionRun.objects.get()

    going = page.get("/batches/").text
    ActionRun.objects.update(stopped_at=timezone.now(), position=1)
    stopped = page.get("/batches/?state=needs").text
    running = page.get("/batches/?state=running").text
    ActionRun.objects.update(stopped_at=None, ended_at=timezone.now(), done=2)
    through = page.get("/batches/?state=done").text
    listed = action_runs.open_runs(team.memberships.get())
    ActionRun.objects.update(ended_at=timezone.now() - timedelta(hours=25))
    old = page.get("/batches/").text

    for html in (going, stopped, through):
        assert f'href="/runs/{run.pk}/"' in html and "Complete 2 tasks" in html
    assert f"/runs/{run.pk}/" not in page.get("/batches/?q=july").text
    assert "0 of 2 looked at" in going and 'data-refresh="5"' in going
    assert "Stopped at 1 of 2" in stopped and f"/runs/{run.pk}/go-on/" in stopped
    assert 'data-refresh="5"' not in stopped
    assert "/runs/" not in running
    assert "Nothing left out" in through
    assert "/runs/" not in old and listed == []


def test_a_rep_finds_own_runs_and_another_team_none(page, place, team, monkeypatch):
    monkeypatch.setattr(action_runs, "AT_ONCE", 1)
    confirmed(page, "complete", [place(), place()])
    run = ActionRun.objects.get()
    rep, stranger = make_user(team, "rep"), make_user(make_team())

    assert "/runs/" not in client_of(rep).get("/batches/").text
    assert "/runs/" not in client_of(stranger).get("/batches/").text
    assert action_runs.open_runs(rep.memberships.get()) == []

    ActionRun.objects.update(by=rep)

    assert f"/runs/{run.pk}/" in client_of(rep).get("/batches/").text
    assert action_runs.open_runs(rep.memberships.get()) == [run]


def test_a_run_that_stopped_says_so_and_goes_on_when_told(page, place, monkeypatch):
    monkeypatch.setattr(action_runs, "AT_ONCE", 2)
    confirmed(page, "complete", [place() for _ in range(5)])
    run = ActionRun.objects.get()
    url = f"/runs/{run.pk}/"
    ActionRun.objects.update(
        position=2, done=2, stopped_at=timezone.now(), stopped_why="5 tries failed."
    )

    stopped = page.get(url, headers=HTMX).text
    went_on = page.post(f"{url}go-on/", follow=True).text
    again = page.post(f"{url}go-on/", follow=True).text

    assert "Stopped at 2 of 5" in stopped and "hx-trigger" not in stopped
    assert "5 tries failed." in stopped
    assert "the other 3 are as they were" in stopped
    assert "It goes on in a moment." in went_on and "2 of 5 looked at" in went_on
    assert "It goes on already, or it is finished." in again
    assert action_runs.due(timezone.now()) == [run.pk]


def test_a_run_in_which_baton_fails_at_once_leads_to_its_page(page, place, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(action_runs, "ask_many", broken)

    answer = confirmed(page, "complete", [place()])

    assert answer["Location"] == f"/runs/{ActionRun.objects.get().pk}/"
    assert "0 of 1 looked at" in page.get(answer["Location"]).text


def test_priority_for_many_says_where_it_shows_then_does_it(page, place):
    tasks = [place(priority=1), place("ysuite", priority=1), place(status="completed")]

    before = many(page, "priority", tasks)
    nothing = confirmed(page, "priority", tasks)
    answer = confirmed(page, "priority", tasks, priority="urgent")

    assert "Only in Baton: LeadSquared has no priorities." in before.text
    assert "Only in Baton: YSuite has no call that changes a priority." in before.text
    assert "It is completed already." in before.text
    assert "It can be undone." in before.text
    assert nothing.status_code == 422 and "Choose a priority." in nothing.text
    html = page.get(answer["Location"]).text
    assert "New priority for 2 tasks. 1 left out." in html
    assert Task.objects.filter(priority=4).count() == 2
    history = page.get(f"/tasks/{tasks[0].pk}/").text
    assert "Priority changed by Mara Lind: Low to Urgent" in history


def test_priority_for_many_is_undone_where_nobody_changed_it_since(page, place):
    low, high = place(priority=1), place(priority=3)
    again, sent = place(priority=2), place(priority=2, delivery="failed")
    tasks = [low, high, again, sent]
    answer = confirmed(page, "priority", tasks, priority="urgent")
    toast = page.get(answer["Location"]).text
    run = ActionRun.objects.get()
    confirmed(page, "priority", [again], priority="none")
    Task.objects.filter(pk=sent.pk).update(delivery="sending")

    offered = page.get(f"/runs/{run.pk}/").text
    undone = page.post(f"/runs/{run.pk}/undo/", follow=True)
    twice = page.post(f"/runs/{run.pk}/undo/", follow=True)

    assert f"/runs/{run.pk}/undo/" in toast
    assert "Undo 3" in offered
    assert (
        "The former priority is back for 2 tasks. 2 tasks were changed" in undone.text
    )
    assert "Not undone. 4 tasks were changed again" in twice.text
    priorities = dict(Task.objects.values_list("pk", "priority"))
    assert priorities == {low.pk: 1, high.pk: 3, again.pk: 0, sent.pk: 4}
    history = page.get(f"/tasks/{low.pk}/").text
    assert "Priority changed by Mara Lind: Urgent to Low" in history


def test_a_run_is_seen_by_its_maker_and_leads(team, lead, place):
    rep, other = make_user(team, "rep"), make_user(team, "rep")
    task = place(assignee=rep)
    confirmed(client_of(rep), "complete", [task])
    url = f"/runs/{ActionRun.objects.get().pk}/"

    assert client_of(rep).get(url).status_code == 200
    assert client_of(lead).get(url).status_code == 200
    assert client_of(other).get(url).status_code == 404
    assert client_of(make_user(make_team())).get(url).status_code == 404


def test_rows_of_others_are_left_out_without_a_word_about_them(team, lead, place):
    rep = make_user(team, "rep")
    own, colleagues = place(assignee=rep), place(assignee=lead, title="Secret")

    answer = many(client_of(rep), "complete", [own, colleagues])

    assert "Secret" not in answer.text
    assert "It can be done" in re.sub(r"\s+", " ", answer.text)


def test_a_double_click_asks_once(page, place):
    task = place()
    given = {"action": "complete", "task": task.pk, "confirmed": 1}
    given["form_token"] = uuid.uuid4().hex

    page.post("/tasks/bulk/", given)
    page.post("/tasks/bulk/", given)

    assert Push.objects.count() == 1
    assert ActionRun.objects.count() == 1


# -- all of it -------------------------------------------------------------------------


def test_no_page_has_inline_script_or_style(page, place):
    task = place("saleshandy")
    confirmed(page, "skip", [place("saleshandy")])
    run = ActionRun.objects.get()
    pages = [
        "/tasks/",
        f"/tasks/{task.pk}/act/",
        f"/tasks/{task.pk}/act/?action=snooze",
        f"/runs/{run.pk}/",
        "/tasks/work/?end=1",
    ]
    texts = [page.get(url, follow=True).text for url in pages]
    texts.append(many(page, "complete", [task]).text)

    for text in texts:
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text)
        assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on", text)


def test_the_filter_class_is_the_lists_own():
    assert bulk.filter_of.__globals__["TaskFilter"] is TaskFilter


# -- the priority of one task ----------------------------------------------------------


def test_one_task_gets_another_priority_and_back(page, place):
    task = place("saleshandy", delivery="queued", external_id="", priority=1)
    url = f"/tasks/{task.pk}/priority/"

    form = page.get(url).text
    answer = page.post(
        f"{url}", {"priority": "urgent", "in": "status=open"}, follow=True
    )
    task.refresh_from_db()

    assert "Saleshandy gets it with the task" in form and "Set priority" in form
    assert task.priority == Task.Priority.URGENT
    undo = f'action="{url}?former=low&amp;given=urgent"'
    assert answer.text.count(undo) == 2  # the message's, and one beside the priority
    task.events.update(at=timezone.now() - timedelta(minutes=2))
    assert undo not in page.get(f"/tasks/{task.pk}/").text
    page.post(f"{url}?former=low&given=urgent")
    task.refresh_from_db()
    assert task.priority == Task.Priority.LOW


def test_what_was_changed_again_is_not_undone(page, place):
    task = place(priority=3)

    answer = page.post(
        f"/tasks/{task.pk}/priority/?former=low&given=urgent", follow=True
    )

    task.refresh_from_db()
    assert task.priority == Task.Priority.HIGH
    assert "Not undone." in answer.text


@pytest.mark.parametrize(
    ("change", "given", "sentence"),
    [
        ({}, {}, "Choose a priority."),
        ({}, {"priority": "highest"}, "Choose a priority."),
        ({"priority": 3}, {"priority": "high"}, "Its priority is high already."),
        ({"status": "completed"}, {"priority": "high"}, "It is completed already."),
    ],
)
def test_a_priority_that_cannot_be_is_refused(page, place, change, given, sentence):
    task = place(**change)

    answer = page.post(f"/tasks/{task.pk}/priority/", given)

    assert answer.status_code == 422 and sentence in answer.text
    assert not task.events.exists()


def test_page_drawer_and_menu_lead_to_the_priority(page, place):
    task, done = place(), place(status="completed")
    link = f'href="/tasks/{task.pk}/priority/'

    for url, target in (
        (f"/tasks/{task.pk}/", ""),
        (f"/tasks/{task.pk}/?in=q%3Da", "task-drawer"),
        (f"/tasks/{task.pk}/act/?in=q%3Da", "row-menu"),
    ):
        headers = {**HTMX, "HX-Target": target} if target else {}
        assert link in page.get(url, headers=headers).text, url
    assert "/priority/" not in page.get(f"/tasks/{done.pk}/").text
    panel = {**HTMX, "HX-Target": "row-menu"}
    part = page.get(f"/tasks/{task.pk}/priority/", headers=panel).text
    assert "<html" not in part and 'hx-target="#row-menu"' in part
    answer = page.post(
        f"/tasks/{task.pk}/priority/", {"priority": "low"}, headers=panel
    )
    assert "task-changed" in answer["HX-Trigger"]
