"""Today, search and keys in a real browser, by keyboard alone; nothing moves in use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tasks_app.models import Preference, SavedView, Task
from tests.factories import (
    make_account,
    make_batch,
    make_push,
    make_task,
    make_team,
    make_user,
)

from .conftest import OpenPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]


@pytest.fixture
def world(
    transactional_db: None, open_page: OpenPage, live_server: Any
) -> tuple[Page, Task]:
    team = make_team()
    lead = make_user(team, "lead")
    task = make_task(
        account=make_account(team=team), title="Renew Halden", due_on=team.today()
    )
    SavedView.objects.create(
        team=team, owner=lead, name="Open ones", query="status=open"
    )
    page = open_page(lead)
    page.goto("/today/")
    return page, task


def test_by_keyboard_to_every_place(world: tuple[Page, Task]) -> None:
    page, task = world

    for keys, path in (
        ("gl", "/tasks/?status=open,in_progress"),
        ("gw", "/workload/"),
        ("gt", "/today/"),
        ("n", "/tasks/new/"),
    ):
        page.locator("h1").click()
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_url(f"**{path}*")

    page.goto("/today/")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()

    page.keyboard.press("/")
    expect(page.locator("#palette-input")).to_be_focused()
    page.keyboard.type("halden")
    expect(page.locator("#palette-found")).to_contain_text("Renew Halden")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tasks/{task.pk}/")

    page.keyboard.press("Control+k")
    page.keyboard.type("open on")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/?status=open&view=*")


def test_single_keys_that_are_off_do_nothing(world: tuple[Page, Task]) -> None:
    page, _ = world
    user = SavedView.objects.get().owner
    Preference.objects.create(user=user, single_keys=False)
    page.reload()

    for key in ("/", "?", "n"):
        page.keyboard.press(key)

    expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.url.endswith("/today/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


def test_the_page_reads_itself_again_but_not_under_the_pointer(
    world: tuple[Page, Task],
) -> None:
    page, task = world
    page.clock.install()
    page.reload()
    expect(page.locator("#stat-today .stat__value")).to_have_text("1")
    page.locator("#stat-overdue").hover()
    Task.objects.filter(pk=task.pk).update(status="completed")

    with page.expect_response("**/nav/"):  # the sidebar is read, the page waits
        page.clock.run_for(62_000)
    expect(page.locator("#stat-today .stat__value")).to_have_text("1")

    page.locator("#trend-table summary").evaluate("(each) => each.click()")
    page.mouse.move(5, 700)
    page.clock.run_for(62_000)
    expect(page.locator("#stat-today .stat__value")).to_have_text("0")
    expect(page.locator("#trend-table")).to_have_attribute("open", "")


def test_a_pointer_left_lying_stops_nothing_and_an_outage_is_one_line(
    world: tuple[Page, Task],
) -> None:
    page, task = world
    page.clock.install()
    page.reload()
    due = page.locator("#stat-today .stat__value")
    expect(due).to_have_text("1")
    expect(page.locator("#nav-tasks")).to_have_text("1")
    page.locator("h1").hover()
    Task.objects.filter(pk=task.pk).update(status="completed")

    page.clock.run_for(62_000)
    expect(due).to_have_text("0")
    expect(page.locator("#nav-tasks")).to_have_text("")

    # What is pointed at stays, however long the pointer rests there.
    page.locator("#stat-today").hover()
    Task.objects.filter(pk=task.pk).update(status="open")
    page.clock.run_for(90_000)
    expect(page.locator("#nav-tasks")).to_have_text("1")
    expect(due).to_have_text("0")

    page.locator("h1").hover()
    page.context.set_offline(True)
    for _ in range(4):
        page.clock.run_for(62_000)
    expect(page.locator("#outdated")).to_contain_text("the server does not answer")
    expect(page.locator(".toast")).to_have_count(1)
    page.context.set_offline(False)
    page.clock.run_for(62_000)
    expect(due).to_have_text("1")
    expect(page.locator("#outdated")).to_have_count(0)

    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_no_card_of_an_account_moves_under_the_pointer(
    world: tuple[Page, Task],
) -> None:
    page, task = world
    page.clock.install()
    page.goto("/accounts/")
    page.locator("#account-cards a").first.hover()
    type(task.account).objects.update(state="paused")

    with page.expect_response("**/nav/"):  # the sidebar is read, the cards wait
        page.clock.run_for(62_000)
    expect(page.locator("#account-cards")).not_to_contain_text("Paused since")

    page.mouse.move(5, 700)
    page.clock.run_for(62_000)
    expect(page.locator("#account-cards")).to_contain_text("Paused since")


def test_no_row_of_a_batch_moves_under_a_button_that_is_aimed_at(
    world: tuple[Page, Task],
) -> None:
    page, task = world
    batch = make_batch(task.account)
    waiting, failed = (
        make_task(account=task.account, batch=batch, delivery=delivery)
        for delivery in ("queued", "failed")
    )
    make_push(task=waiting)
    make_push(task=failed, state="failed")
    make_push(task=make_task(account=task.account, batch=batch, delivery="queued"))
    page.clock.install()
    page.goto(f"/batches/{batch.pk}/")
    retry = page.locator("#batch-rows .is-act button")
    settled = page.locator("#batch [role=status]")
    expect(retry).to_have_count(1)
    retry.hover()
    Task.objects.filter(pk=waiting.pk).update(delivery="failed")

    page.clock.run_for(5_000)
    expect(settled).to_have_text("2 of 3 settled")
    expect(retry).to_have_count(1)
    page.mouse.move(5, 5)
    page.clock.run_for(5_000)

    expect(retry).to_have_count(2)


def test_a_batch_goes_on_under_the_focus_and_rests_while_nobody_sees_it(
    world: tuple[Page, Task],
) -> None:
    page, task = world
    batch = make_batch(task.account)
    tasks = [make_task(account=task.account, batch=batch) for _ in range(3)]
    for each in tasks:
        make_push(task=each)
    page.clock.install()
    page.goto(f"/batches/{batch.pk}/")
    page.locator("#cancel-rest").focus()
    page.locator("#stat-queued").focus()
    Task.objects.filter(pk=tasks[0].pk).update(delivery="delivered", external_id="T1")

    page.clock.run_for(5_000)
    expect(page.locator("#batch [role=status]")).to_have_text("1 of 3 settled")
    expect(page.locator("#stat-queued")).to_be_focused()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.clock.run_for(10_000)
    assert asked == []


def test_cancelling_a_batch_asks_and_the_question_stays_until_it_is_answered(
    world: tuple[Page, Task],
) -> None:
    page, task = world
    batch = make_batch(task.account)
    tasks = [make_task(account=task.account, batch=batch) for _ in range(2)]
    for each in tasks:
        make_push(task=each)
    page.clock.install()
    page.goto(f"/batches/{batch.pk}/")
    page.locator("#cancel-rest").press("Enter")
    Task.objects.filter(pk=tasks[0].pk).update(delivery="delivered", external_id="T1")

    page.mouse.move(5, 5)
    page.clock.run_for(5_000)
    expect(page.locator("#batch [role=status]")).to_have_text("1 of 2 settled")
    panel = page.locator("#panel-cancel")
    expect(panel).to_contain_text("Cancel 2 unsent tasks?")
    panel.get_by_role("button").press("Enter")

    expect(page.locator(".toast")).to_contain_text("1 task was cancelled.")
    tasks[1].refresh_from_db()
    assert (tasks[1].delivery, tasks[1].status) == ("withdrawn", "cancelled")


def test_a_task_is_dragged_to_another_day_of_the_week(world: tuple[Page, Task]) -> None:
    page, _ = world
    team = Task.objects.get().team
    day = team.today() - timedelta(days=team.today().weekday()) + timedelta(days=8)
    account = make_account("leadsquared", team=team)
    task = make_task(
        account=account, due_on=day, delivery="delivered", external_id="a-1"
    )
    page.goto(f"/workload/?week={day}")
    slot = page.locator(f".slot[data-move$='/{task.pk}/']")
    row = slot.locator("xpath=ancestor::*[@data-who][1]").get_attribute("data-who")
    new = day + timedelta(days=2)

    slot.drag_to(page.locator(f".week__cell[data-day='{new}'][data-who='{row}']"))

    expect(page.locator(".toast")).to_contain_text("moves to")
    task.refresh_from_db()
    assert task.due_on == new


def test_the_search_finds_without_a_reload_and_opens_by_mouse(
    world: tuple[Page, Task],
) -> None:
    page, task = world

    page.get_by_role("link", name="Search or jump to").click()
    page.locator("#palette-input").fill("workl")
    expect(page.locator("#palette-pages [data-jump]:visible")).to_have_text("Workload")
    page.locator("#palette-input").fill("renew")
    page.get_by_role("link", name="Renew Halden").click()

    page.wait_for_url(f"**/tasks/{task.pk}/")
