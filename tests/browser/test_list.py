"""The task list in a real browser: its steps back, its ticks, what comes by itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tasks_app.models import Preference, SavedView, Task

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
    expect(page.get_by_role("group", name="Actions for selected")).to_be_hidden()
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
    bar = page.get_by_role("group", name="Actions for selected")

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


def test_b_leads_from_ticked_rows_to_their_bar_and_clearing_leads_back(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    bar = page.get_by_role("group", name="Actions for selected")

    page.keyboard.press("b")  # nothing is ticked
    for key in "jjxb":
        page.keyboard.press(key)
    expect(bar.get_by_role("button", name="Clear selection")).to_be_focused()
    page.keyboard.press("Tab")
    expect(bar.get_by_role("button", name="Complete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(page.get_by_role("link", name="Step 2", exact=True)).to_be_focused()

    for key in "xb":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(bar).to_be_hidden()
    expect(page.get_by_role("link", name="Step 2", exact=True)).to_be_focused()


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


def test_a_panel_that_is_read_again_stays_as_it_was(desk: Desk, open_page: OpenPage):
    Task.objects.filter(title="Step 1").update(delivery="sending", external_id="")
    page = open_page(desk.lead, viewport={"width": 1000, "height": 420})
    page.goto("/tasks/")
    page.get_by_role("link", name="Step 1", exact=True).click()
    panel = page.locator("#task-drawer")
    panel.locator("#calls summary").click()
    body = panel.locator(".dialog__body")
    body.evaluate("body => body.scrollTop = 150")

    Task.objects.filter(title="Step 1").update(delivery="delivered", external_id="id-1")
    page.mouse.move(5, 5)
    expect(panel.locator(".drawer__bar")).to_contain_text("Delivered")
    expect(panel.locator("dl")).to_contain_text("id-1")
    assert body.evaluate("body => body.scrollTop") == 150
    expect(panel.locator("#calls")).to_have_attribute("open", "")
    expect(panel.locator("#calls-open")).to_be_focused()
    panel.get_by_role("link", name="Next task").click()
    expect(panel.locator("#drawer-title")).to_have_text("Step 2")
    expect(panel.locator("#drawer-title")).to_be_focused()


def test_a_slow_answer_says_that_the_list_is_busy_and_focus_finds_its_way(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open&delivery=delivered&q=step")
    page.route(
        "**/tasks/?*", lambda route: (page.wait_for_timeout(800), route.continue_())
    )
    listed = page.locator("#task-list")

    for name in ("Status", "Delivery"):
        page.get_by_role("link", name=f"Remove filter: {name}").click()
        expect(listed).to_have_attribute("aria-busy", "true")
        expect(listed).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#chip-q")).to_be_focused()
    page.unroute_all()
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_be_focused()


def test_after_acting_on_many_the_page_of_the_list_stays(
    desk: Desk, open_page: OpenPage
):
    Preference.objects.create(user=desk.lead, page_size=25)
    for number in range(7, 60):
        desk.task(number, desk.tasks[0].prospect)
    page = open_page(desk.lead)
    page.goto("/tasks/?page=2")
    page.get_by_label("Select: Step 45").check()

    page.get_by_role("group", name="Actions for selected").get_by_role(
        "button", name="Priority"
    ).click()
    page.locator("#bulk-dialog").locator("select").select_option("Urgent")
    page.locator("#bulk-dialog").get_by_role("button", name=re.compile("1")).click()

    expect(page.locator(".toast")).to_contain_text("New priority for 1 task.")
    expect(page).to_have_url(re.compile(r"/tasks/\?page=2$"))
    expect(page.get_by_role("group", name="Actions for selected")).to_be_hidden()
    assert page.evaluate("scrollY") > 0


def test_the_status_in_a_row_opens_its_menu(desk: Desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")

    page.locator(f"#status-{desk.tasks[2].pk}").click()
    page.locator("#row-menu").get_by_role("button", name="Complete").click()

    expect(row(page, "Step 3")).to_contain_text("Completing…")
    assert desk.status(3) == "completed"


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_what_follows_goes_on_after_an_outage(desk: Desk, open_page: OpenPage):
    Task.objects.filter(title="Step 1").update(delivery="sending", external_id="")
    page = open_page(desk.lead)
    page.clock.install()
    page.goto("/tasks/")
    page.evaluate(HIDE, True)
    page.clock.run_for(3_000)
    page.context.set_offline(True)
    page.evaluate(HIDE, False)
    expect(page.locator("#outdated")).to_contain_text("the server does not answer")
    expect(page.locator(".toast")).to_have_count(1)

    page.context.set_offline(False)
    Task.objects.filter(title="Step 1").update(delivery="delivered", external_id="a")
    page.clock.run_for(16_000)

    expect(row(page, "Step 1")).to_contain_text("Delivered")
    expect(page.locator(".toast")).to_have_count(0)


def test_one_looks_after_all_that_was_acted_on(desk: Desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    for name in ("Step 1", "Step 2", "Step 3"):
        page.get_by_role("link", name=f"Actions for {name}").click()
        page.locator("#row-menu").get_by_role("button", name="Complete").click()
        expect(row(page, name)).to_contain_text("Completing…")
    expect(page.locator("[data-watch]")).to_have_count(1)
    expect(page.locator("#nav-tasks")).to_have_text("3")
    expect(page.locator("#tab-todo .count")).to_have_text("3")

    Task.objects.update(action="", action_state="")
    page.mouse.move(5, 5)
    for name in ("Step 1", "Step 2", "Step 3"):
        expect(row(page, name)).not_to_contain_text("Completing…")
    expect(page.locator("[data-watch]")).to_have_count(0)


def test_the_focus_stays_where_the_work_is(desk: Desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open&q=zzzz")
    page.locator(".empty__ways a").first.press("Enter")
    expect(page.locator(".empty__ways")).to_have_count(0)
    expect(page.get_by_label("Search tasks", exact=True)).to_be_focused()

    page.goto("/tasks/?status=open")
    page.get_by_role("link", name="Step 2", exact=True).click()
    page.get_by_role("link", name="Change priority").last.press("Enter")
    expect(page.locator("#drawer-title")).to_contain_text("Priority")
    expect(page.locator("#drawer-title")).to_be_focused()


def test_an_answer_that_comes_late_opens_no_panel_that_was_closed(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.get_by_role("link", name="Step 2", exact=True).click()
    drawer = page.locator("#task-drawer")
    drawer.get_by_role("button", name="Complete").click()
    undo = drawer.locator("#toasts [data-undo] button")
    expect(undo).to_be_visible()
    late: list[Route] = []
    page.route(re.compile(r"/tasks/\d+/\?in="), lambda route: late.append(route))
    undo.click()
    expect(page.locator("#toasts [data-undo]")).to_have_count(0)

    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    with page.expect_response(re.compile(r"/tasks/\d+/\?in=")):
        late[0].continue_()

    page.unroute_all()
    page.get_by_role("link", name="Step 3", exact=True).click()
    expect(page.locator("#drawer-title")).to_have_text("Step 3")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(drawer).to_be_empty()
    expect(page.locator("body > #toasts")).to_be_attached()
    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))


def test_a_panel_past_the_page_asks_for_no_row_of_it(desk: Desk, open_page: OpenPage):
    Preference.objects.create(user=desk.lead, page_size=25)
    for number in range(7, 30):
        desk.task(number, desk.tasks[0].prospect)
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.locator("#task-list tbody [data-drawer]").last.click()
    expect(page.locator("#drawer-title")).to_have_text("Step 25")
    page.keyboard.press("j")
    expect(page.locator("#drawer-title")).to_have_text("Step 26")
    page.keyboard.press("e")
    expect(page.locator("#task-drawer")).to_contain_text("Completing in LeadSquared…")
    expect(page.locator("#list-total")).to_have_text("28 tasks match now")
    expect(page.locator("[data-watch]")).to_have_count(1)  # the panel's own


def test_a_view_that_was_saved_elsewhere_comes_to_sidebar_and_tabs(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.clock.install()
    page.goto("/tasks/?status=open")
    SavedView.objects.create(
        team=desk.team, owner=desk.lead, name="Mine", query="status=open", pinned=True
    )

    page.clock.run_for(62_000)
    expect(page.locator("#nav-views")).to_contain_text("Mine")
    page.get_by_role("link", name="Actions for Step 2").click()
    page.locator("#row-menu").get_by_role("button", name="Complete").click()

    tab = page.locator("#task-tabs").get_by_role("link", name="Mine")
    expect(tab.locator(".count")).to_have_text("5")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(page.locator("#nav-views [aria-current]")).to_have_text(
        re.compile("Mine.*5")
    )
    expect(page.locator("#nav-tasks")).to_have_text("5")


def test_the_number_found_is_said_by_an_element_that_stays(
    desk: Desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    SavedView.objects.create(
        team=desk.lead.memberships.get().team,
        owner=desk.lead,
        name="Lost",
        query="delivery=withdrawn",
        pinned=True,
    )
    page.goto("/tasks/?status=open")
    said = page.locator("#list-said")
    first = said.element_handle()
    expect(page.locator("#nav-views [id^=nav-view-count]")).to_have_text("")

    page.get_by_label("Search tasks", exact=True).fill("nobody wrote this")
    expect(said).to_have_text("0 tasks")
    page.locator("#chip-q").click()
    expect(page.get_by_label("Search tasks", exact=True)).to_have_value("")

    expect(said).to_have_text(page.locator("#export-total").inner_text() + " tasks")
    assert first.evaluate("element => element.isConnected")
    expect(page.locator("#nav-views [id^=nav-view-count]")).to_have_text("")
