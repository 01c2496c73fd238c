"""Rows and panels that follow what goes on by itself."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Task
from tasks_app.views import watching
from tests.factories import make_account, make_task

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/tasks/?status=open"}
WATCH = re.compile(r'data-watch hx-get="([^"]+)"')


@pytest.fixture
def account(team):
    return make_account(team=team)


def watch_of(html: str) -> str:
    """Return where the page looks next, '' where it does not."""
    found = WATCH.search(html)
    return found[1].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize("state", ["queued", "claimed", "sending", "accepted"])
def test_a_list_follows_a_task_until_it_is_at_its_vendor(page, account, state):
    task = make_task(account=account, delivery=state)
    make_task(account=account, delivery="failed")
    place = watch_of(page.get("/tasks/?status=open").text)

    same = page.get(place, headers=HTMX).text
    Task.objects.filter(pk=task.pk).update(delivery="delivered", external_id="a")
    there = page.get(watch_of(same), headers=HTMX).text

    assert f"ids={task.pk}&" in place
    assert "<tr" not in same and "count-todo" not in same
    assert f'id="row-{task.pk}"' in there and "Delivered" in there
    assert 'id="task-tabs"' in there and 'hx-swap-oob="true"' in there
    assert 'id="count-problems" data-tone="red">1<' in there
    assert watch_of(there) == ""


def test_a_task_of_a_list_that_went_is_taken_out(page, account):
    task = make_task(account=account)
    place = watch_of(page.get("/tasks/").text)
    Task.objects.all().delete()

    answer = page.get(place, headers=HTMX).text

    assert f'<tr id="row-{task.pk}" hx-swap-oob="delete">' in answer
    assert "0 tasks match now" in answer


def test_acting_brings_the_counts_of_the_list_on_the_screen(page, team):
    account = make_account("leadsquared", team=team)
    for number in range(3):
        make_task(account=account, delivery="delivered", external_id=str(number))
    task = Task.objects.first()
    assert task is not None

    answer = page.post(
        f"/tasks/{task.pk}/act/",
        {"action": "complete", "version": task.version, "in": "status=open"},
        headers=HTMX | {"HX-Target": "row-menu"},
    )
    elsewhere = page.get(
        f"/tasks/rows/?ids={task.pk}",
        headers=HTMX | {"HX-Current-URL": "http://testserver/today/"},
    )

    assert 'id="count-todo">2<' in answer.text
    assert ">2 tasks match now<" in answer.text
    assert 'value="2" data-words="2"' in answer.text
    assert "match now" not in elsewhere.text


@pytest.mark.parametrize(
    ("values", "looks", "seconds"),
    [
        ({"delivery": "delivered"}, 0, 0),
        ({"delivery": "needs_check"}, 0, 0),
        ({"delivery": "delivered", "action_state": "queued"}, 0, 2),
        ({"delivery": "delivered", "action_state": "queued"}, 45, 0),
        ({"delivery": "queued"}, 0, 2),
        ({"delivery": "queued"}, 45, 20),
        ({"delivery": "queued"}, 100, 60),
        ({"delivery": "queued"}, 195, 0),
        (
            {"delivery": "queued", "retry_at": timezone.now() + timedelta(hours=1)},
            0,
            20,
        ),
    ],
)
def test_what_is_far_from_its_turn_is_looked_at_seldom(account, values, looks, seconds):
    if values["delivery"] == "delivered":
        values = {**values, "external_id": "a"}
    task = make_task(account=account, **values)

    assert watching.next_look([task], looks) == seconds


def test_a_paused_account_is_looked_at_seldom(account):
    account.state = ConnectedAccount.State.PAUSED
    waits, goes = make_task(account=account), make_task(account=make_account())

    assert watching.next_look([waits], 0) == watching.SELDOM
    assert watching.next_look([waits, goes], 0) == 2


def test_looking_costs_the_same_for_any_number_of_rows(page, account):
    def queries(place):
        with CaptureQueriesContext(connection) as context:
            page.get(place, headers=HTMX)
        return len(context)

    make_task(account=account)
    one = queries(watch_of(page.get("/tasks/").text))
    for _ in range(40):
        make_task(account=account)
    many = queries(watch_of(page.get("/tasks/").text))

    assert one == many <= 7


def test_the_page_of_a_task_is_read_again_when_it_came_on(page, account):
    task = make_task(account=account)
    place = watch_of(page.get(f"/tasks/{task.pk}/").text)

    same = page.get(place, headers=HTMX)
    Task.objects.update(delivery="sending")
    came_on = page.get(place, headers=HTMX)

    assert watch_of(same.text) and "HX-Trigger" not in same
    assert came_on.text == "" and "task-changed" in came_on["HX-Trigger"]


@pytest.mark.parametrize(
    "address", ["/tasks/", "/tasks/{pk}/", "/tasks/work/?status=open&start=1"]
)
def test_every_page_that_looks_again_knows_when_to_wait(page, account, address):
    task = make_task(account=account)

    html = page.get(address.format(pk=task.pk), follow=True).text

    assert "data-watch" in html
    assert "js/watch.js" in html


def test_no_row_is_answered_that_the_page_does_not_have(page, team):
    account = make_account("leadsquared", team=team)
    task = make_task(account=account, delivery="delivered", external_id="1")

    def answer(rows: str) -> str:
        task.refresh_from_db()
        return page.post(
            f"/tasks/{task.pk}/act/",
            {"action": "complete", "version": task.version, "in": "status=open"},
            headers=HTMX | {"HX-Target": "task-drawer", "Baton-Rows": rows},
        ).text

    beyond = answer(f"{task.pk + 1}")
    Task.objects.update(status="open", action="", action_state="")
    there = answer(f"{task.pk + 1},{task.pk}")

    assert "row-" not in beyond and "data-watch" not in beyond
    assert "0 tasks match now" in beyond
    assert f'id="row-{task.pk}"' in there and watch_of(there)
