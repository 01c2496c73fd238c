"""The task list in a real browser: its steps back, its ticks, what comes by itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tasks_app.models import Task

from .conftest import OpenPage
from .test_actions import Desk, desk, row

__all__ = ["desk"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]


def test_after_a_step_back_the_list_is_as_alive_as_before(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.get_by_label("Select: Step 2").check()
    page.get_by_role("link", name=re.compile("^Unassigned")).click()
    expect(page).to_have_url(re.compile("assignee=none"))

    page.go_back()

    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))
    expect(page.locator("#tab-unassigned")).not_to_have_attribute(
        "aria-current", "page"
    )
    expect(page.get_by_role("toolbar")).to_be_hidden()
    page.get_by_role("link", name="Step 1", exact=True).click()
    expect(page.locator("#drawer-title")).to_have_text("Step 1")
    page.locator("#task-drawer [data-close]").click()
    expect(page.locator("#task-drawer")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))
    page.get_by_role("link", name="Actions for Step 2").click()
    expect(page.locator("#row-menu")).to_contain_text("Complete")
    page.keyboard.press("Escape")
    expect(page.locator("#row-menu")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("batches")
    expect(page.locator("#palette-pages [data-jump]:visible")).to_have_count(1)


def test_what_is_typed_makes_no_steps_to_go_back_through(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/today/")
    page.goto("/tasks/?status=open")

    page.get_by_label("Search tasks", exact=True).focus()
    for letters in ("St", "ep"):
        page.keyboard.type(letters, delay=20)
        expect(page).to_have_url(re.compile(f"q=.*{letters}"))
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    page.locator("#chip-q").click()
    expect(page.get_by_label("Search tasks", exact=True)).to_have_value("")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator("#f-due_from").focus()
    with page.expect_response(re.compile("due_from=2025-01-02")):
        page.keyboard.type("01022025", delay=60)
    expect(page).to_have_url(re.compile("due_from=2025-01-02"))
    page.keyboard.press("Escape")

    page.go_back()
    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))
    expect(page.locator("#task-chips .chip")).to_have_count(1)  # it is loaded anew
    page.go_back()
    expect(page).to_have_url(re.compile("/today/$"))


def test_a_range_is_ticked_by_keyboard_also_after_its_row_came_anew(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    bar = page.get_by_role("toolbar")

    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_contain_text("1 selected")
    page.get_by_role("link", name="Actions for Step 1").click()
    page.locator("#row-menu").get_by_role("button", name="Complete").click()
    expect(row(page, "Step 1")).to_contain_text("Completing…")
    page.get_by_role("link", name="Step 1", exact=True).focus()
    for key in "jj":
        page.keyboard.press(key)
    page.keyboard.press("Shift+X")

    expect(bar).to_contain_text("3 selected")
    page.get_by_label("Select: Step 5").focus()
    page.keyboard.press("Shift+Space")
    expect(bar).to_contain_text("5 selected")


def test_a_row_and_its_panel_follow_the_way_to_the_vendor(
    desk: Desk, open_page: OpenPage
):
    Task.objects.filter(title="Step 1").update(delivery="queued", external_id="")
    page = open_page(desk.lead)
    page.goto("/tasks/?delivery=queued")
    expect(row(page, "Step 1")).to_contain_text("Queued")

    Task.objects.filter(title="Step 1").update(delivery="sending")
    expect(row(page, "Step 1")).to_contain_text("Sending")
    page.get_by_role("link", name="Step 1", exact=True).click()
    panel = page.locator("#task-drawer")
    expect(panel.locator("dl")).to_contain_text("Sending")
    Task.objects.filter(title="Step 1").update(delivery="delivered", external_id="id-1")
    expect(panel.locator("dl")).to_contain_text("Delivered")
    page.keyboard.press("Escape")

    expect(row(page, "Step 1")).to_contain_text("Delivered")
    expect(page.locator("#list-total")).to_have_text("0 tasks match now")
    expect(page.locator("[data-watch]")).to_have_count(0)


def test_the_page_of_a_task_follows_what_was_asked_for(desk: Desk, open_page: OpenPage):
    task = desk.tasks[0]
    page = open_page(desk.lead)
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_role("button", name="Complete").click()
    expect(page.locator("#task-state")).to_contain_text("It leaves in a few seconds.")
    page.locator("#task-state").get_by_role("button", name="Undo").focus()

    Task.objects.filter(pk=task.pk).update(action_error="LeadSquared was busy.")
    expect(page.locator("#task-state")).to_contain_text("It is tried again.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Step 1")
    expect(page.get_by_role("button", name="Undo").last).to_be_focused()
    Task.objects.filter(pk=task.pk).update(action_state="", action_error="")
    expect(page.locator("#task-state .banner")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("Step 1")
