"""A saved view from its first day to its last: by mouse, by keyboard, without scripts."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tasks_app.models import SavedView, Task
from tests.factories import make_user

from .conftest import OpenPage
from .keyboard import skip_to_content, tab_to
from .test_actions import Desk, desk

__all__ = ["desk"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]

MEETINGS = "vendor=leadsquared"
URGENT = f"priority=urgent&{MEETINGS}"


def keep(desk: Desk, name: str = "Meetings", **more: object) -> SavedView:
    values = {"query": MEETINGS, "shared": True, "pinned": True, **more}
    return SavedView.objects.create(
        team=desk.team, owner=desk.lead, name=name, **values
    )


def rep_of(desk: Desk) -> User:
    return make_user(desk.team, "rep", first_name="Elin", last_name="Berg")


def in_sidebar(page: Page, name: str) -> Locator:
    return page.locator("#nav-views").get_by_role("link", name=re.compile(f"^{name}"))


def tab(page: Page, name: str) -> Locator:
    return page.locator("#task-tabs").get_by_role("link", name=re.compile(f"^{name}"))


def item(page: Page, name: str) -> Locator:
    link = page.get_by_role("link", name=name, exact=True)
    return page.locator("main").get_by_role("listitem").filter(has=link)


def said(page: Page, sentence: str) -> None:
    expect(page.locator(".toast")).to_contain_text(sentence)


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def test_a_view_is_saved_changed_shared_and_deleted_by_mouse(
    desk: Desk, open_page: OpenPage
) -> None:
    Task.objects.filter(title__in=("Step 1", "Step 2")).update(
        priority=Task.Priority.URGENT
    )
    page, main = open_page(desk.lead), "#main"
    page.goto("/tasks/")

    # From a filtered list, for oneself.
    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator("#filter-menu").get_by_label("LeadSquared", exact=True).check()
    expect(page.locator("#list-total")).to_contain_text("of 5 tasks")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Save view").click()
    expect(page.locator("form.saveview .chips")).to_contain_text("LeadSquared")
    page.get_by_label("Name", exact=True).fill("Meetings")
    expect(page.get_by_label("Pin it to the sidebar")).to_be_checked()
    expect(page.get_by_label("Share it with the team")).not_to_be_checked()
    page.get_by_role("button", name="Save view").click()

    said(page, "“Meetings” is saved.")
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("Meetings", MEETINGS)
    assert (view.owner, view.pinned, view.shared) == (desk.lead, True, False)
    expect(tab(page, "Meetings")).to_have_attribute("aria-current", "page")
    expect(tab(page, "Meetings").locator(".count")).to_have_text("5")
    expect(in_sidebar(page, "Meetings")).to_have_attribute("aria-current", "page")
    expect(in_sidebar(page, "Meetings").locator(".nav__count")).to_have_text("5")

    # Opened from elsewhere, and narrowed.
    page.goto("/today/")
    in_sidebar(page, "Meetings").click()
    expect(page.locator("#list-total")).to_contain_text("of 5 tasks")
    expect(page.locator(".chip--changed")).to_have_count(0)
    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator("#filter-menu").get_by_label("Urgent", exact=True).check()
    expect(page.locator(".chip--changed")).to_have_text("“Meetings” changed")
    for place in (tab, in_sidebar):
        link = place(page, "Meetings")
        expect(link).not_to_have_attribute("aria-current", "page")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Update view").click()
    expect(heading(page)).to_have_text("Update “Meetings”")
    now, then = page.locator("form.saveview .chips").all()
    expect(now).not_to_contain_text("Urgent")
    expect(then).to_contain_text("Urgent")
    assert SavedView.objects.get().query == MEETINGS
    page.get_by_role("button", name="Update view").click()

    said(page, "“Meetings” shows this now.")
    assert SavedView.objects.get().query == URGENT
    expect(page.locator(".chip--changed")).to_have_count(0)
    expect(tab(page, "Meetings")).to_have_attribute("aria-current", "page")
    expect(in_sidebar(page, "Meetings").locator(".nav__count")).to_have_text("2")

    # Another name, and for the team.
    page.locator("#nav-views").get_by_role("link", name="Saved views").click()
    expect(item(page, "Meetings")).to_contain_text("2 tasks · Only you see it · Pinned")
    page.get_by_role("link", name="Change “Meetings”").click()
    page.get_by_label("Name", exact=True).fill("Urgent meetings")
    page.get_by_label("Share it with the team").check()
    page.get_by_role("button", name="Save view").click()
    said(page, "“Urgent meetings” is saved.")
    expect(item(page, "Urgent meetings")).to_contain_text("Shared with the team")
    view.refresh_from_db()
    assert (view.name, view.shared) == ("Urgent meetings", True)
    assert view.query == URGENT

    # Put away, taken back, and gone.
    page.get_by_role("button", name="Unpin “Urgent meetings”").click()
    said(page, "“Urgent meetings” is off the sidebar.")
    expect(page.locator("#nav-views")).to_be_hidden()
    assert not SavedView.objects.get().pinned
    page.get_by_role("link", name="Change “Urgent meetings”").click()
    page.get_by_label("Share it with the team").uncheck()
    page.get_by_role("button", name="Save view").click()
    expect(item(page, "Urgent meetings")).to_contain_text("Only you see it")
    assert not SavedView.objects.get().shared
    page.get_by_role("link", name="Delete “Urgent meetings”").click()
    expect(heading(page)).to_have_text("Delete “Urgent meetings”?")
    page.get_by_role("link", name="Keep it").click()
    assert SavedView.objects.exists()
    page.get_by_role("link", name="Delete “Urgent meetings”").click()
    expect(page.locator(main)).to_contain_text("Only you see it. No task is touched.")
    page.get_by_role("button", name="Delete view").click()

    said(page, "“Urgent meetings” is deleted.")
    expect(heading(page)).to_have_text("Saved views")
    expect(page.locator(main)).to_contain_text("No saved views yet")
    assert not SavedView.objects.exists()
    assert Task.objects.count() == 6


def test_a_view_is_saved_changed_shared_and_deleted_by_keyboard_alone(
    desk: Desk, open_page: OpenPage
) -> None:
    Task.objects.filter(title__in=("Step 1", "Step 2")).update(
        priority=Task.Priority.URGENT
    )
    page = open_page(desk.lead)
    press, write = page.keyboard.press, page.keyboard.type
    page.goto("/tasks/")
    page.wait_for_load_state()

    # From a filtered list: F opens the menu, Esc gives the focus back.
    press("f")
    tab_to(
        page.locator("#filter-menu").get_by_label("LeadSquared", exact=True), most=60
    )
    press("Space")
    expect(page.locator("#list-total")).to_contain_text("of 5 tasks")
    press("Escape")
    expect(page.locator("#filter-menu")).to_be_hidden()
    expect(page.get_by_role("button", name="Filter", exact=True)).to_be_focused()
    tab_to(page.get_by_role("link", name="Save view"), most=5)
    press("Enter")
    expect(heading(page)).to_have_text("Save view")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    press("Enter")  # the browser asks for a name
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    write("Meetings")
    tab_to(page.get_by_label("Share it with the team"), most=2)
    press("Space")
    tab_to(page.get_by_role("button", name="Save view"), most=1)
    press("Enter")

    said(page, "“Meetings” is saved.")
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("Meetings", MEETINGS)
    assert (view.pinned, view.shared) == (True, True)

    # Found by its name from anywhere, and narrowed.
    page.goto("/today/")
    page.wait_for_load_state()
    press("Control+k")
    write("meet")
    press("Enter")
    expect(page).to_have_url(re.compile(rf"/tasks/\?{MEETINGS}&view={view.pk}$"))
    expect(tab(page, "Meetings")).to_have_attribute("aria-current", "page")
    page.wait_for_load_state()
    press("f")
    tab_to(page.locator("#filter-menu").get_by_label("Urgent", exact=True))
    press("Space")
    expect(page.locator(".chip--changed")).to_have_text("“Meetings” changed")
    press("Escape")
    tab_to(page.get_by_role("link", name="Update view"), most=6)
    press("Enter")
    expect(heading(page)).to_have_text("Update “Meetings”")
    skip_to_content(page)
    tab_to(page.get_by_role("button", name="Update view"), most=6)
    press("Enter")
    said(page, "“Meetings” shows this now.")
    assert SavedView.objects.get().query == URGENT

    # On its page the focus comes back to what was pressed.
    page.wait_for_load_state()
    press("Control+k")
    write("saved")
    press("Enter")
    expect(heading(page)).to_have_text("Saved views")
    skip_to_content(page)
    tab_to(page.get_by_role("button", name="Unpin “Meetings”"), most=4)
    press("Enter")
    said(page, "“Meetings” is off the sidebar.")
    pin = page.get_by_role("button", name="Pin “Meetings”", exact=True)
    expect(pin).to_be_focused()
    assert not SavedView.objects.get().pinned
    press("Enter")
    said(page, "“Meetings” stands in the sidebar now.")
    expect(page.get_by_role("button", name="Unpin “Meetings”")).to_be_focused()
    assert SavedView.objects.get().pinned

    tab_to(page.get_by_role("link", name="Change “Meetings”"), most=1)
    press("Enter")
    expect(heading(page)).to_have_text("Change “Meetings”")
    skip_to_content(page)
    tab_to(page.get_by_label("Name", exact=True), most=3)
    write("Urgent meetings")  # instead of what is marked
    tab_to(page.get_by_label("Share it with the team"), most=2)
    press("Space")
    press("Enter")  # a box hands its form in, too
    said(page, "“Urgent meetings” is saved.")
    expect(page.get_by_role("link", name="Change “Urgent meetings”")).to_be_focused()
    view.refresh_from_db()
    assert (view.name, view.shared) == ("Urgent meetings", False)

    tab_to(page.get_by_role("link", name="Delete “Urgent meetings”"), most=1)
    press("Enter")
    expect(heading(page)).to_have_text("Delete “Urgent meetings”?")
    skip_to_content(page)
    tab_to(page.get_by_role("button", name="Delete view"), most=3)
    press("Enter")
    said(page, "“Urgent meetings” is deleted.")
    expect(page.locator("#main")).to_be_focused()
    assert not SavedView.objects.exists()


def test_a_rep_uses_what_is_shared_and_cannot_change_it(
    desk: Desk, open_page: OpenPage
) -> None:
    view, rep = keep(desk), rep_of(desk)
    keep(desk, "Of the lead alone", shared=False)
    Task.objects.filter(title="Step 1").update(assignee=desk.lead)
    page = open_page(rep)
    page.goto("/today/")

    # The number is that of the tasks a rep sees.
    expect(in_sidebar(page, "Meetings").locator(".nav__count")).to_have_text("4")
    expect(page.locator("body")).not_to_contain_text("Of the lead alone")
    in_sidebar(page, "Meetings").click()
    expect(page.locator("#list-total")).to_contain_text("of 4 tasks")
    expect(tab(page, "Meetings")).to_have_attribute("aria-current", "page")
    page.wait_for_load_state()  # before that nothing hears of what is typed
    page.get_by_label("Search tasks", exact=True).fill("Step 2")
    expect(page.locator(".chip--changed")).to_have_text("“Meetings” changed")
    expect(page.get_by_role("link", name="Update view")).to_have_count(0)

    page.get_by_role("link", name="Save as new").click()
    expect(page.get_by_label("Share it with the team")).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("Meetings")
    page.get_by_role("button", name="Save view").click()
    said(page, "“Meetings” is saved.")
    own = SavedView.objects.get(owner=rep)
    assert own.query == f"q=Step+2&{MEETINGS}" and not own.shared
    assert SavedView.objects.get(pk=view.pk).query == MEETINGS

    page.goto("/views/")
    shared = page.locator("main li").filter(has_text="Shared by Mara Lind")
    expect(shared).to_have_count(1)
    expect(shared.get_by_role("link")).to_have_count(1)  # to its list
    expect(shared.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("link", name="Change “Meetings”")).to_have_count(1)
    for address in (f"/views/{view.pk}/", f"/views/{view.pk}/delete/"):
        page.goto(address)
        expect(page.locator("main")).to_contain_text("There is nothing here")


def test_what_is_no_longer_shared_leaves_the_others(
    desk: Desk, open_page: OpenPage
) -> None:
    view = keep(desk)
    lead, rep = open_page(desk.lead), open_page(rep_of(desk))
    rep.clock.install()
    rep.goto("/tasks/")
    expect(in_sidebar(rep, "Meetings")).to_be_visible()

    lead.goto(f"/views/{view.pk}/")
    lead.get_by_label("Share it with the team").uncheck()
    lead.get_by_role("button", name="Save view").click()
    said(lead, "“Meetings” is saved.")
    rep.clock.run_for(62_000)

    expect(rep.locator("#nav-views")).to_be_hidden()
    rep.reload()
    expect(tab(rep, "Meetings")).to_have_count(0)
    expect(in_sidebar(lead, "Meetings")).to_be_visible()


def test_a_name_that_is_taken_is_said_where_it_is_typed(
    desk: Desk, open_page: OpenPage
) -> None:
    keep(desk)
    page = open_page(desk.lead)
    page.goto("/views/new/?status=open")
    page.get_by_label("Name", exact=True).fill("Meetings")
    page.get_by_label("Pin it to the sidebar").uncheck()
    page.keyboard.press("Enter")

    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description("You have a view of this name already.")
    expect(name).to_have_value("Meetings")
    expect(page.get_by_label("Pin it to the sidebar")).not_to_be_checked()
    expect(page.locator("form.saveview .chips")).to_contain_text("Open")
    assert SavedView.objects.count() == 1
    page.keyboard.press("End")
    page.keyboard.type(" to come")
    page.keyboard.press("Enter")
    said(page, "“Meetings to come” is saved.")
    assert SavedView.objects.get(name="Meetings to come").query == "status=open"


def test_views_work_without_scripts(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(desk.lead, java_script_enabled=False)
    page.goto(f"/tasks/?{MEETINGS}")
    page.get_by_role("link", name="Save view").click()
    page.get_by_label("Name", exact=True).fill("Meetings")
    page.get_by_role("button", name="Save view").click()
    said(page, "“Meetings” is saved.")

    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator("#filter-menu").get_by_label("Urgent", exact=True).check()
    page.get_by_role("button", name="Show tasks").click()
    expect(page.locator(".chip--changed")).to_have_text("“Meetings” changed")
    page.get_by_role("link", name="Update view").click()
    page.get_by_role("button", name="Update view").click()
    assert SavedView.objects.get().query == URGENT

    page.goto("/views/")
    page.get_by_role("button", name="Unpin “Meetings”").press("Enter")
    expect(page.get_by_role("button", name="Pin “Meetings”")).to_be_focused()
    page.get_by_role("link", name="Delete “Meetings”").click()
    page.get_by_role("button", name="Delete view").click()
    said(page, "“Meetings” is deleted.")
    assert not SavedView.objects.exists()
