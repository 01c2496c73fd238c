"""Acting in a real browser: a row's menu, the side panel, many, and working through."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tasks_app.models import ActionRun, Preference, Push, Task, Work
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

from .conftest import DESKTOP, PHONE, OpenPage
from .test_pages import cut_off, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]


class Desk:
    """A lead with five meetings at LeadSquared and a call at Saleshandy."""

    def __init__(self) -> None:
        self.team = make_team(time_zone="Europe/Berlin")
        self.lead = make_user(self.team, first_name="Mara", last_name="Lind")
        self.account = make_account(
            "leadsquared", team=self.team, name="Enterprise CRM"
        )
        make_vendor_user(self.account, name="Noor Haddad")
        person = make_prospect(self.team)
        make_link(person, self.account)
        self.tasks = [self.task(n, person) for n in range(1, 6)]
        calls = make_account("saleshandy", team=self.team, name="Outbound EU")
        self.call = self.task(6, person, calls)

    def task(self, number, person, account=None):
        return make_task(
            account=account or self.account,
            prospect=person,
            title=f"Step {number}",
            delivery="delivered",
            external_id=f"id-{number}",
            due_at=timezone.now() + timedelta(hours=number),
        )

    def status(self, number: int) -> str:
        return Task.objects.get(title=f"Step {number}").status


@pytest.fixture
def desk(transactional_db: None) -> Desk:
    return Desk()


def keys_of(page: Page):
    """Return what presses a key once the page that is shown can hear it."""

    def press(key: str) -> None:
        page.wait_for_load_state()
        page.keyboard.press(key)

    return press


def row(page: Page, name: str):
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def test_a_row_is_completed_from_its_menu_and_undone(desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")

    row(page, "Step 2").hover()
    page.get_by_role("link", name="Actions for Step 2").click()
    page.locator("#row-menu").get_by_role("button", name="Complete").click()

    expect(row(page, "Step 2")).to_contain_text("Completing…")
    expect(page.locator("#row-menu")).to_be_hidden()
    assert desk.status(2) == "completed"
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(row(page, "Step 2")).not_to_contain_text("Completing…")
    assert desk.status(2) == "open"


def test_a_vendors_question_is_asked_in_the_menu(desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")

    page.get_by_role("link", name="Actions for Step 6").focus()
    page.keyboard.press("Enter")
    menu = page.locator("#row-menu")
    menu.get_by_role("link", name="Complete").click()
    menu.get_by_role("button", name="Complete").click()
    expect(menu.get_by_label("Outcome of the call")).to_be_focused()
    menu.get_by_label("Outcome of the call").select_option("Interested")
    menu.get_by_role("button", name="Complete").click()

    expect(row(page, "Step 6")).to_contain_text("Completing…")
    assert Push.objects.get().values["outcome"] == "Interested"


def test_the_panel_has_the_tasks_address_and_gives_the_list_back(
    desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.get_by_label("Select: Step 1").check()
    first, second = desk.tasks[0].pk, desk.tasks[1].pk

    page.get_by_role("link", name="Step 1", exact=True).click()
    panel = page.locator("#task-drawer")
    expect(panel.get_by_role("heading", level=1)).to_have_text("Step 1")
    expect(page).to_have_url(re.compile(rf"/tasks/{first}/\?in="))
    panel.get_by_role("link", name="Next task").click()
    expect(panel.get_by_role("heading", level=1)).to_have_text("Step 2")
    expect(page).to_have_url(re.compile(rf"/tasks/{second}/\?in="))
    page.keyboard.press("Escape")

    expect(panel).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))
    expect(page.get_by_role("link", name="Step 2", exact=True)).to_be_focused()
    expect(page.get_by_label("Select: Step 1")).to_be_checked()

    page.get_by_role("link", name="Step 3", exact=True).click()
    expect(panel.get_by_role("heading", level=1)).to_have_text("Step 3")
    page.go_back()
    expect(panel).to_be_hidden()
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Step 3")
    expect(page.locator("#task-drawer")).to_have_count(0)


def test_acting_in_the_panel_changes_panel_and_row(desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.get_by_role("link", name="Step 1", exact=True).click()
    panel = page.locator("#task-drawer")

    panel.get_by_role("button", name="Reassign").click()
    panel.get_by_label("Who takes over").select_option(label="Noor Haddad")
    panel.locator("#panel-reassign").get_by_role("button", name="Reassign").click()

    expect(panel).to_contain_text("Reassigning in LeadSquared…")
    expect(panel.locator("dl")).to_contain_text("Noor Haddad")
    panel.locator("#task-panel").get_by_role("button", name="Undo").click()
    expect(panel).not_to_contain_text("Reassigning in LeadSquared…")
    page.keyboard.press("Escape")
    expect(row(page, "Step 1")).not_to_contain_text("Noor Haddad")


def test_what_the_panel_says_is_within_reach_and_stays_without_an_answer(
    desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.get_by_role("link", name="Step 2", exact=True).click()
    panel = page.locator("#task-drawer")
    panel.get_by_role("button", name="Complete").click()
    expect(panel.locator("#toasts [data-undo] button")).to_be_visible()

    page.context.set_offline(True)
    page.locator("#toasts [data-undo] button").click()
    expect(page.locator("#toasts")).to_contain_text("The server did not answer")
    page.context.set_offline(False)
    page.locator("#toasts [data-undo] button").click()

    expect(page.locator("#toasts [data-undo]")).to_have_count(0)
    assert desk.status(2) == "open"
    page.keyboard.press("Escape")
    expect(page.locator("body > #toasts")).to_be_attached()


def test_many_are_ticked_with_shift_and_said_before_they_are_done(
    desk, open_page: OpenPage
):
    Task.objects.filter(title="Step 3").update(status="completed")
    page = open_page(desk.lead)
    page.goto("/tasks/")

    page.get_by_label("Select: Step 1").click()
    page.get_by_label("Select: Step 4").click(modifiers=["Shift"])
    bar = page.get_by_role("group", name="Actions for selected")
    expect(bar).to_contain_text("4 selected")
    bar.get_by_role("button", name="Complete").click()
    dialog = page.locator("#bulk-dialog")
    expect(dialog).to_contain_text("3 of 4 can be done")
    expect(dialog).to_contain_text("It is completed already.")
    assert not Push.objects.exists()
    dialog.get_by_role("button", name="Complete 3").click()

    toast = page.locator(".toast")
    expect(toast).to_contain_text("Completing 3 tasks. 1 left out.")
    assert Push.objects.count() == 3
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Undone for 3 tasks.")
    assert [desk.status(n) for n in (1, 2, 4)] == ["open"] * 3


def test_a_list_is_worked_through_by_keyboard_alone(desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.get_by_role("link", name="Start", exact=True).focus()
    key, heading = keys_of(page), page.get_by_role("heading", level=1)
    toast = page.locator(".toast").first
    key("Enter")
    expect(heading).to_have_text("Step 1")

    key("e")
    expect(heading).to_have_text("Step 2")
    expect(toast).to_contain_text("Completing")
    key("j")
    expect(heading).to_have_text("Step 3")
    key("k")
    expect(heading).to_have_text("Step 2")
    key("d")
    expect(page.get_by_label("Due", exact=True)).to_be_focused()
    key("Escape")  # closes the menu, and only that
    expect(page.locator("#panel-reschedule")).to_be_hidden()
    key("a")
    expect(page.get_by_label("Who takes over")).to_be_focused()
    key("n")  # the first letter of a name, not "New task"
    key("Tab")
    key("Enter")
    expect(heading).to_have_text("Step 3")
    key("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    key("Escape")
    key("Escape")  # back to the list
    expect(heading).to_have_text("Tasks")

    page.get_by_role("link", name="Continue (4 left)").focus()
    key("Enter")
    expect(heading).to_have_text("Step 3")
    Task.objects.filter(title="Step 4").update(status="completed")
    key("j")
    expect(heading).to_have_text("Step 5")
    expect(page.locator("main")).to_contain_text("finished or handed on elsewhere")
    key("j")
    expect(heading).to_have_text("Step 6")
    key("e")
    expect(page.get_by_label("Outcome of the call")).to_be_focused()
    key("i")  # Interested
    key("Tab")
    key("Enter")

    expect(heading).to_have_text("Stopped with 2 left")
    expect(page.locator("main table")).to_contain_text(
        re.compile(r"Completed\s*0\s*2\s*0\s*Reassigned\s*0\s*1\s*0")
    )
    assert Push.objects.get(task__title="Step 6").values["outcome"] == "Interested"
    assert Push.objects.get(task__title="Step 2").kind == "reassign"
    key("j")
    expect(heading).to_have_text("Step 3")


def test_a_call_is_skipped_snoozed_and_followed_up_by_keyboard(
    desk, open_page: OpenPage
):
    person = Task.objects.get(title="Step 6").prospect
    for number in (7, 8):
        desk.task(number, person, Task.objects.get(title="Step 6").account)
    page = open_page(desk.lead)
    page.goto("/tasks/work/?status=open&vendor=saleshandy&start=1")
    key, heading = keys_of(page), page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Step 6")

    key("s")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("Not reached")  # e and a are letters here
    key("Enter")
    expect(heading).to_have_text("Step 7")
    key("z")
    expect(page.get_by_role("button", name="In 1 hour")).to_be_focused()
    own = page.get_by_label("Own time")
    own.fill("2031-05-06T10:30")
    own.press("Enter")  # the time that was typed, not the first of the menu
    expect(heading).to_have_text("Step 8")
    key("w")
    expect(heading).to_have_text("New task")
    expect(page.locator("[name=title]")).to_have_value("Step 8")
    assert "next=" in page.url

    assert Push.objects.get(task__title="Step 6").values["reason"] == "Not reached"
    assert (
        Push.objects.get(task__title="Step 7").values["until"].startswith("2031-05-06")
    )


def test_a_list_is_worked_through_by_mouse(desk, open_page: OpenPage):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")
    page.get_by_label("Select: Step 1").check()
    page.get_by_label("Select: Step 2").check()
    page.get_by_role("group", name="Actions for selected").get_by_role(
        "button", name="Start"
    ).click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Step 1")

    page.locator("#act-complete").dblclick()
    expect(heading).to_have_text("Step 2")
    page.locator(".toast").first.get_by_role("button", name="Undo").click()
    expect(heading).to_have_text("Step 1")
    expect(page.locator(".toast").first).to_contain_text("Undone")
    page.get_by_role("link", name="Leave for later").click()
    expect(heading).to_have_text("Step 2")
    page.get_by_role("button", name="Complete and follow up").click()
    expect(heading).to_have_text("New task")
    expect(page.locator("[name=title]")).to_have_value("Step 2")
    page.go_back()
    page.get_by_role("link", name="Stop here").click()
    expect(heading).to_have_text("Stopped with 1 left")
    page.get_by_role("button", name="Leave 1 and finish").click()

    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))
    assert [desk.status(n) for n in (1, 2)] == ["open", "completed"]


def test_from_the_list_into_the_panel_and_on_by_keyboard_alone(
    desk, open_page: OpenPage
):
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open&vendor=leadsquared")
    key, panel = keys_of(page), page.locator("#task-drawer")
    heading = panel.get_by_role("heading", level=1)

    for step in "jjk":
        key(step)
    expect(page.get_by_role("link", name="Step 1", exact=True)).to_be_focused()
    key("x")
    expect(page.get_by_role("group", name="Actions for selected")).to_contain_text(
        "1 selected"
    )
    key("Escape")
    expect(page.get_by_role("group", name="Actions for selected")).to_be_hidden()
    key("o")
    expect(heading).to_have_text("Step 1")
    key("e")
    expect(panel).to_contain_text("Completing in LeadSquared…")
    key("j")
    expect(heading).to_have_text("Step 2")
    key("a")
    expect(panel.get_by_label("Who takes over")).to_be_focused()
    key("Escape")
    expect(panel.get_by_label("Who takes over")).to_be_hidden()
    key("j")
    expect(heading).to_have_text("Step 3")
    key("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    key("Escape")
    expect(heading).to_have_text("Step 3")
    key("Escape")

    expect(panel).to_be_hidden()
    expect(page.get_by_role("link", name="Step 3", exact=True)).to_be_focused()
    assert [desk.status(n) for n in (1, 2, 3)] == ["completed", "open", "open"]
    key("f")
    expect(page.locator("#filter-menu input").first).to_be_focused()


def test_keys_that_are_off_do_nothing_in_list_panel_and_work(desk, open_page: OpenPage):
    Preference.objects.create(user=desk.lead, single_keys=False)
    page = open_page(desk.lead)
    page.goto("/tasks/?status=open")

    for key in "jxof":
        page.keyboard.press(key)
    expect(page.locator("#task-drawer")).to_be_hidden()
    expect(page.locator("#filter-menu")).to_be_hidden()
    expect(page.get_by_role("group", name="Actions for selected")).to_be_hidden()
    page.get_by_role("link", name="Step 1", exact=True).click()
    title = page.locator("#drawer-title")
    for key in "ej":
        page.keyboard.press(key)
    expect(title).to_have_text("Step 1")
    page.goto("/tasks/work/?status=open&start=1")
    for key in "ej":
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text("Step 1")
    assert desk.status(1) == "open"


def test_columns_are_chosen_and_tasks_found_by_tag_without_scripts(
    desk, open_page: OpenPage
):
    desk.tasks[0].prospect.tags.add(desk.team.tags.create(name="VIP"))
    Task.objects.filter(title="Step 5").update(prospect=None)
    page = open_page(desk.lead, java_script_enabled=False)
    page.goto("/tasks/?status=open")

    page.get_by_role("button", name="Display").click()
    page.locator("#display-menu").get_by_label("Delivery").uncheck()
    page.locator("#display-menu").get_by_label("Created").check()
    page.get_by_role("button", name="Save for me").click()
    expect(page).to_have_url(re.compile(r"/tasks/\?status=open$"))
    expect(page.get_by_role("columnheader", name="Delivery")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="Created")).to_be_visible()

    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("VIP").check()
    page.get_by_role("button", name="Show tasks").click()
    expect(page.locator(".chips")).to_contain_text("Tag VIP")
    expect(row(page, "Step 5")).to_have_count(0)
    expect(row(page, "Step 4")).to_be_visible()
    page.get_by_role("link", name="Remove filter: Tag VIP").click()
    expect(row(page, "Step 5")).to_be_visible()


def test_everything_works_without_scripts(desk, open_page: OpenPage):
    page = open_page(desk.lead, java_script_enabled=False)
    page.goto("/tasks/?status=open")

    row(page, "Step 1").hover()
    page.get_by_role("link", name="Actions for Step 1").click()
    page.get_by_role("button", name="Complete").click()
    expect(page.locator("#task-state")).to_contain_text("Completing in LeadSquared…")
    page.locator("#task-state").get_by_role("button", name="Undo").click()
    assert desk.status(1) == "open"

    page.goto("/tasks/?status=open")
    page.get_by_label("Select: Step 2").check()
    page.get_by_role("group", name="Actions for selected").get_by_role(
        "button", name="Complete"
    ).click()
    page.get_by_role("button", name="Complete 1").click()
    assert desk.status(2) == "completed"

    page.goto("/tasks/work/?status=open&vendor=leadsquared&start=1")
    page.locator("#act-complete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Step 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_opens_is_accessible_and_fits(desk, open_page: OpenPage, scheme, viewport):
    page = open_page(desk.lead, viewport=viewport, color_scheme=scheme)
    faults = {}

    def look(name: str) -> None:
        page.wait_for_timeout(400)  # until nothing moves any more
        wrong = violations(page) + ([f"{over} px"] if (over := cut_off(page)) else [])
        if wrong:
            faults[name] = wrong

    page.goto("/tasks/")
    page.get_by_label("Select: Step 1").check()
    look("ticked")
    page.locator("#bulk").get_by_role("button", name="Reschedule").click()
    expect(page.locator("#bulk-dialog")).to_be_visible()
    look("dialog")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Actions for Step 6").click()
    page.locator("#row-menu").get_by_role("link", name="Snooze").click()
    expect(page.get_by_label("Own time")).to_be_visible()
    look("menu")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Step 2", exact=True).click()
    expect(page.locator("#drawer-title")).to_be_visible()
    look("panel")
    for name, address in {
        "actions": f"/tasks/{desk.call.pk}/act/",
        "form": f"/tasks/{desk.call.pk}/act/?action=snooze",
        "work": "/tasks/work/?status=open&start=1",
        "end": f"/tasks/work/{half_a_work(desk).pk}/?end=1",
        "run": f"/runs/{half_a_run(desk).pk}/",
    }.items():
        page.goto(address)
        look(name)

    assert faults == {}


def half_a_work(desk: Desk) -> Work:
    """One was done, one refused, one finished elsewhere."""
    done, refused, gone, *rest = desk.tasks
    push = make_push(task=refused, kind="complete", state="failed", error="Not now.")
    Task.objects.filter(pk=refused.pk).update(
        action="complete", action_state="failed", action_error="Not now."
    )
    return Work.objects.create(
        team=desk.team,
        owner=desk.lead,
        query="status=open",
        task_ids=[task.pk for task in desk.tasks],
        total=len(desk.tasks),
        did={str(done.pk): ["skip", None], str(refused.pk): ["complete", push.pk]},
        refused=[refused.pk],
        gone=[gone.pk],
        left=len(rest),
    )


def half_a_run(desk: Desk) -> ActionRun:
    from uuid import uuid4

    return ActionRun.objects.create(
        team=desk.team,
        by=desk.lead,
        action="complete",
        total=200,
        position=100,
        done=98,
        task_ids=[task.pk for task in desk.tasks],
        skipped={"It is completed already.": {"count": 2, "tasks": [desk.call.pk]}},
        form_token=uuid4(),
        lease_until=timezone.now() + timedelta(minutes=5),
    )
