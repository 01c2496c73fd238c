"""The week by person: a task goes to another day or person, and back again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tasks_app.models import Push, Task, Team, VendorUser
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

from .conftest import OpenPage
from .keyboard import enter, expect_toast, tab_to

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]


@dataclass
class Week:
    """A meeting of Mara's on the Tuesday after next, and Elin, who could have it."""

    team: Team
    lead: User
    elin: VendorUser
    task: Task
    day: date

    def cell(self, page: Page, day: date, who: User | None) -> Locator:
        key = who.pk if who else "none"
        return page.locator(f".week__cell[data-day='{day}'][data-who='{key}']")

    def slot(self, page: Page) -> Locator:
        return page.locator(f'.slot:has([href^="/tasks/{self.task.pk}/"])')

    def now(self) -> tuple[date | None, VendorUser | None]:
        self.task.refresh_from_db()
        return self.task.due_on, self.task.vendor_user

    def states(self) -> list[str]:
        return list(Push.objects.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def week(transactional_db: None) -> Week:
    team = make_team(time_zone="Europe/Berlin")
    lead = make_user(team, first_name="Mara", last_name="Lind")
    rep = make_user(team, "rep", first_name="Elin", last_name="Berg")
    account = make_account("leadsquared", team=team, name="Enterprise CRM")
    mine = make_vendor_user(account, name="Mara at LSQ", user=lead)
    elin = make_vendor_user(account, name="Elin at LSQ", user=rep)
    monday = team.today() - timedelta(days=team.today().weekday())
    day = monday + timedelta(days=8)
    person = make_prospect(team, company="Halden Freight")
    make_link(person, account)
    task = make_task(
        account=account,
        prospect=person,
        title="Quarterly review",
        due_on=day,
        delivery="delivered",
        external_id="a-1",
        assignee=lead,
        vendor_user=mine,
    )
    return Week(team, lead, elin, task, day)


def test_a_task_goes_to_another_day_and_back_by_mouse(
    week: Week, open_page: OpenPage
) -> None:
    page = open_page(week.lead)
    page.goto("/workload/")
    page.get_by_role("link", name="Next week").click()
    expect(week.cell(page, week.day, week.lead)).to_contain_text("Halden Freight")

    week.slot(page).hover()
    page.get_by_role("link", name="Move “Quarterly review”").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Move “Quarterly review”")
    new = week.day + timedelta(days=7)
    page.get_by_label("Another day", exact=True).fill(new.isoformat())
    page.get_by_role("button", name="Move").first.click()

    toast = expect_toast(page, "“Quarterly review” moves to Tuesday")
    expect(week.cell(page, new, week.lead)).to_contain_text("Halden Freight")
    expect(week.slot(page)).to_be_in_viewport()
    assert week.now()[0] == new
    toast.get_by_role("button", name="Undo").click()
    expect_toast(page, "Undone: “Quarterly review”. Nothing was sent.")
    # In the week in which it is again.
    expect(week.cell(page, week.day, week.lead)).to_contain_text("Halden Freight")
    assert week.now()[0] == week.day
    assert week.states() == ["withdrawn"]


def test_a_task_goes_to_another_day_and_back_by_keyboard(
    week: Week, open_page: OpenPage
) -> None:
    page = open_page(week.lead)
    page.goto("/today/")
    for key in "gw":
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text("Workload")
    page.get_by_role("link", name="This week").focus()
    enter(page.get_by_role("link", name="Next week"), most=1)
    opens = week.slot(page).get_by_role("link").first
    moves = page.get_by_role("link", name="Move “Quarterly review”")

    opens.focus()
    enter(moves, most=1)
    day = page.get_by_role("button", name="Tomorrow")
    page.get_by_role("link", name="See the task").focus()
    tab_to(page.get_by_role("button", name="Today"), most=1)
    enter(day, most=1)

    expect_toast(page, "“Quarterly review” moves to")
    tomorrow = week.team.today() + timedelta(days=1)
    expect(week.cell(page, tomorrow, week.lead)).to_contain_text("Halden Freight")
    assert week.now()[0] == tomorrow
    # The way goes on at the task in its new place.
    tab_to(opens, most=1)
    # The offer to undo stands far from there and not for long: a key reaches it.
    page.keyboard.press("Control+z")
    expect_toast(page, "Undone: “Quarterly review”. Nothing was sent.")
    expect(week.cell(page, week.day, week.lead)).to_contain_text("Halden Freight")
    tab_to(opens, most=1)
    assert week.now()[0] == week.day
    assert week.states() == ["withdrawn"]


def test_a_task_goes_to_another_person_and_back_by_mouse(
    week: Week, open_page: OpenPage
) -> None:
    page = open_page(week.lead)
    page.goto(f"/workload/?week={week.day}")

    week.slot(page).drag_to(week.cell(page, week.day, week.elin.user))
    toast = expect_toast(page, "“Quarterly review” goes to Elin at LSQ.")
    expect(week.cell(page, week.day, week.elin.user)).to_contain_text("Halden Freight")
    assert week.now() == (week.day, week.elin)
    toast.get_by_role("button", name="Undo").click()

    expect_toast(page, "Undone: “Quarterly review”.")
    expect(week.cell(page, week.day, week.lead)).to_contain_text("Halden Freight")
    assert week.now()[1] != week.elin


def test_a_task_goes_to_another_person_and_back_by_keyboard(
    week: Week, open_page: OpenPage
) -> None:
    page = open_page(week.lead)
    page.goto(f"/workload/?week={week.day}")
    week.slot(page).get_by_role("link").first.focus()
    enter(page.get_by_role("link", name="Move “Quarterly review”"), most=1)
    expect(page.get_by_role("main")).to_contain_text("Mara Lind has it now.")
    who = page.get_by_label("Person at Enterprise CRM")

    page.get_by_label("Another day", exact=True).focus()
    tab_to(who, most=6)
    page.keyboard.type("Elin")
    enter(page.get_by_role("button", name="Move").last, most=1)

    expect_toast(page, "“Quarterly review” goes to Elin at LSQ.")
    expect(week.cell(page, week.day, week.elin.user)).to_contain_text("Halden Freight")
    assert week.now() == (week.day, week.elin)
    tab_to(week.slot(page).get_by_role("link").first, most=1)
    page.keyboard.press("Control+z")
    expect_toast(page, "Undone: “Quarterly review”.")
    expect(week.cell(page, week.day, week.lead)).to_contain_text("Halden Freight")
    assert week.now()[1] != week.elin
    assert week.states() == ["withdrawn"]


def test_a_move_that_is_too_late_to_undo_says_so(
    week: Week, open_page: OpenPage
) -> None:
    page = open_page(week.lead)
    page.goto(f"/workload/tasks/{week.task.pk}/")
    page.get_by_role("button", name="Today").press("Enter")
    expect_toast(page, "“Quarterly review” moves to")
    Push.objects.update(state="delivered")

    page.keyboard.press("Control+z")

    expect_toast(page, "Not undone: it is on its way to LeadSquared")
    assert week.now()[0] == week.team.today()


def test_what_was_changed_elsewhere_is_said_where_it_is_read_first(
    week: Week, open_page: OpenPage
) -> None:
    page = open_page(week.lead)
    page.goto(f"/workload/tasks/{week.task.pk}/")
    Task.objects.update(version=7)

    page.get_by_role("button", name="Tomorrow").press("Enter")

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Not moved")
    expect(alert).to_be_focused()
    enter(page.get_by_role("button", name="Tomorrow"), most=2)
    expect_toast(page, "“Quarterly review” moves to")
    assert week.now()[0] == week.team.today() + timedelta(days=1)


def test_undo_by_key_leaves_what_is_typed_and_says_its_key(
    week: Week, open_page: OpenPage
) -> None:
    page = open_page(week.lead)
    page.goto(f"/workload/tasks/{week.task.pk}/")
    page.get_by_role("button", name="Today").press("Enter")
    toast = expect_toast(page, "“Quarterly review” moves to")
    undo = toast.get_by_role("button", name="Undo")
    expect(undo).to_have_attribute("aria-keyshortcuts", "Control+Z")

    page.keyboard.press("Control+k")
    page.keyboard.type("work")
    page.keyboard.press("Control+z")
    expect(page.locator("#palette-input")).to_be_focused()
    page.keyboard.press("Escape")
    assert week.states() == ["queued"]
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_contain_text(re.compile(r"Undo.*Ctrl\s*Z"))
