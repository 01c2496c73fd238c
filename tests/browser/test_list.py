"""The task list in a real browser: its steps back, its ticks, what comes by itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

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
    listed = page.locator("#task-list")

    page.get_by_label("Search tasks", exact=True).focus()
    for letters in ("St", "ep"):
        page.keyboard.type(letters, delay=20)
        expect(page).to_have_url(re.compile(f"q=.*{letters}"))
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    page.locator("#chip-q").click()
    expect(listed.locator("tbody [data-drawer]")).to_have_count(6)
    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator("#f-due_from").focus()
    with page.expect_response(re.compile("due_from=2025-01-02")):
        page.keyboard.type("01022025", delay=60)
    expect(page).to_have_url(re.compile("due_from=2025-01-02"))
    page.keyboard.press("Escape")

    page.go_back()
    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))
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
