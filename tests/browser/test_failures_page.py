"""From Today to what failed for one reason, the button that helps, and back."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tasks_app.models import Prospect, ProspectLink, Push, Task
from tests.factories import (
    make_account,
    make_batch,
    make_link,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
)

from .conftest import OpenPage
from .keyboard import enter, expect_toast, tab_to

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]

BUSY, UNKNOWN = "Reply.io was too busy.", "Reply.io does not know this prospect."


class Failed:
    """Three tasks that a vendor was too busy for, and two it knows no prospect of."""

    def __init__(self) -> None:
        self.team = make_team()
        self.lead: User = make_user(self.team, first_name="Mara", last_name="Lind")
        self.account = make_account("reply", team=self.team, name="SDR pool")
        batch = make_batch(self.account, title="Renewals")
        kinds = [("gave_up", BUSY)] * 3 + [("refused", UNKNOWN)] * 2
        for number, (kind, sentence) in enumerate(kinds, 1):
            person = make_prospect(self.team, first_name="Ada", last_name=f"N{number}")
            make_link(person, self.account)
            task = make_task(
                account=self.account,
                batch=batch,
                prospect=person,
                title=f"Call {number}",
                due_on=self.team.today(),
                delivery="failed",
                delivery_kind=kind,
                delivery_error=sentence,
                assignee=self.lead if number > 1 else None,
            )
            make_push(task=task, state="failed", error_kind=kind, error=sentence)

    def queued(self) -> list[str]:
        rows = Task.objects.filter(delivery="queued").order_by("pk")
        return list(rows.values_list("title", flat=True))

    def id_of(self, number: int) -> str:
        person = Prospect.objects.get(last_name=f"N{number}")
        return ProspectLink.objects.get(prospect=person).external_id


@pytest.fixture
def failed(transactional_db: None) -> Failed:
    return Failed()


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def test_all_of_one_reason_are_retried_by_mouse(
    failed: Failed, open_page: OpenPage
) -> None:
    page = open_page(failed.lead)
    page.goto("/today/")

    page.get_by_role("link", name="3 tasks for SDR pool failed").click()
    heading(page, "3 tasks for SDR pool failed")
    expect(page.get_by_role("main")).to_contain_text(BUSY)
    expect(page.locator("#failed tbody tr")).to_have_count(3)
    page.get_by_label("Breadcrumb").get_by_role("link", name="Today").click()
    heading(page, "Today")
    page.get_by_role("link", name="3 tasks for SDR pool failed").click()
    page.get_by_role("button", name="Retry 3").click()

    heading(page, "Today")
    expect_toast(page, "3 tasks are back in the queue.")
    expect(page.get_by_role("link", name="3 tasks for SDR pool")).to_have_count(0)
    expect(page.get_by_role("link", name="See 2", exact=True)).to_be_visible()
    assert failed.queued() == ["Call 1", "Call 2", "Call 3"]


def test_all_of_one_reason_are_retried_by_keyboard(
    failed: Failed, open_page: OpenPage
) -> None:
    page = open_page(failed.lead)
    page.goto("/today/?who=me")

    page.get_by_role("link", name="2 tasks for SDR pool failed").first.focus()
    page.keyboard.press("Enter")
    heading(page, "2 tasks for SDR pool failed")
    page.get_by_label("Breadcrumb").get_by_role("link", name="Today").focus()
    enter(page.get_by_role("button", name="Retry 2"), most=1)

    heading(page, "Today")
    expect_toast(page, "2 tasks are back in the queue.")
    # Only mine, as before: what is nobody's stays failed.
    assert failed.queued() == ["Call 2", "Call 3"]
    assert Push.objects.filter(state=Push.State.FAILED).count() == 3


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_those_that_are_ticked_are_retried(
    by: str, failed: Failed, open_page: OpenPage
) -> None:
    page = open_page(failed.lead)
    page.goto("/today/")
    line = page.get_by_role("link", name="3 tasks for SDR pool failed")
    tick = page.get_by_label("Select: Call 2")
    retry = page.get_by_role("button", name="Retry ticked")
    confirm = page.get_by_role("button", name="Retry sending 2")

    if by == "mouse":
        line.click()
        tick.click()
        retry.click()
        confirm.click()
    else:
        line.focus()
        page.keyboard.press("Enter")
        page.get_by_label("Select: Call 1").focus()
        tab_to(tick, most=3)
        page.keyboard.press("Space")
        expect(tick).not_to_be_checked()
        page.get_by_label("Select: Call 3").focus()
        enter(retry, most=3)
        heading(page, "Retry sending 2 tasks")
        page.get_by_label("Breadcrumb").get_by_role("link", name="Tasks").focus()
        enter(confirm, most=2)

    expect_toast(page, "Sending again: 2 tasks.")
    assert failed.queued() == ["Call 1", "Call 3"]


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_prospect_is_mended_and_the_task_sent_again(
    by: str, failed: Failed, open_page: OpenPage
) -> None:
    page = open_page(failed.lead)
    page.goto("/today/")
    line = page.get_by_role("link", name="See 2", exact=True)
    edit = page.get_by_role("link", name="Edit prospect Ada N4")
    field = page.get_by_label(re.compile("in SDR pool"))

    if by == "mouse":
        line.click()
        edit.click()
        field.fill("424242")
        page.get_by_role("button", name="Save").click()
    else:
        line.focus()
        page.keyboard.press("Enter")
        page.get_by_label("Select: Call 4").focus()
        enter(edit, most=3)
        page.get_by_label("Tags").focus()
        tab_to(field, most=1)
        page.keyboard.press("Control+a")
        page.keyboard.type("424242")
        page.keyboard.press("Enter")

    expect_toast(page, "Saved. “Retry” sends the task again.")
    heading(page, "2 tasks for SDR pool failed")
    assert failed.id_of(4) == "424242"
    if by == "mouse":
        page.get_by_role("button", name="Retry 2").click()
    else:
        page.get_by_label("Breadcrumb").get_by_role("link", name="Today").focus()
        enter(page.get_by_role("button", name="Retry 2"), most=1)
    heading(page, "Today")
    assert failed.queued() == ["Call 4", "Call 5"]


def test_a_refused_id_stays_typed_and_cancel_leads_back(
    failed: Failed, open_page: OpenPage
) -> None:
    task = Task.objects.get(title="Call 4")
    page = open_page(failed.lead)
    page.goto(f"/today/failed/{task.pk}/?who=me")
    page.get_by_role("link", name="Edit prospect Ada N4").click()
    field = page.get_by_label(re.compile("in SDR pool"))

    field.fill(failed.id_of(5))
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(failed.id_of(5))
    page.get_by_role("link", name="Cancel").click()

    heading(page, "2 tasks for SDR pool failed")
    expect(page).to_have_url(re.compile(rf"/today/failed/{task.pk}/\?who=me$"))


def test_what_is_not_failed_any_more_leads_to_its_task(
    failed: Failed, open_page: OpenPage
) -> None:
    page = open_page(failed.lead)
    page.goto("/today/")
    Task.objects.filter(delivery_error=BUSY).update(
        delivery="queued", delivery_error=""
    )

    page.get_by_role("link", name="3 tasks for SDR pool failed").click()

    expect_toast(page, "It is not failed any more.")
    heading(page, "Call 1")
