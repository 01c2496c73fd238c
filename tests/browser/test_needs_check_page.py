"""Settling what needs a check, card by card: each verdict, and what is refused."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tasks_app.models import Push, Task, TaskCopy
from tests.factories import make_account, make_push, make_task, make_team, make_user

from .conftest import OpenPage
from .keyboard import enter, expect_toast, tab_to

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]


class Unclear:
    """A lead whose vendor gave no clear answer for `number` tasks, in this order."""

    def __init__(self, number: int = 4) -> None:
        self.team = make_team(time_zone="Europe/Berlin")
        self.lead = make_user(self.team, first_name="Mara", last_name="Lind")
        self.account = make_account("reply", team=self.team, name="SDR pool")
        sent_at = timezone.now() - timedelta(hours=1)
        for n in range(1, number + 1):
            task = make_task(
                account=self.account, title=f"Call {n}", delivery="needs_check"
            )
            make_push(
                task=task,
                state="needs_check",
                tries=1,
                sent_at=sent_at + timedelta(seconds=n),
                ask_person=True,
                error="No answer within 25 s.",
            )

    def push(self, number: int) -> Push:
        return Push.objects.get(task__title=f"Call {number}")

    def card(self, page: Page, number: int) -> Locator:
        return page.locator(f"#push-{self.push(number).pk}")

    def add_copy(self, external_id: str = "77") -> TaskCopy:
        task = make_task(
            account=self.account,
            title=f"Twice {external_id}",
            delivery="delivered",
            external_id=f"1{external_id}",
        )
        make_push(task=task, state="delivered", external_id=task.external_id)
        return TaskCopy.objects.create(
            account=self.account, task=task, external_id=external_id
        )


@pytest.fixture
def unclear(transactional_db: None) -> Unclear:
    return Unclear()


def test_each_verdict_by_mouse(unclear: Unclear, open_page: OpenPage) -> None:
    page = open_page(unclear.lead)
    page.goto("/today/")
    page.get_by_role("link", name="Resolve 4").click()

    unclear.card(page, 1).get_by_label("Task ID in Reply.io").fill("4711")
    unclear.card(page, 1).get_by_role("button", name="It is there").click()
    expect_toast(page, "“Call 1”: Linked. It is delivered.")
    expect(page.locator(".unclear")).to_have_count(3)
    unclear.card(page, 2).get_by_role("button", name="Send again").click()
    expect_toast(page, "“Call 2”: It is in the queue again.")
    expect(page.locator(".unclear")).to_have_count(2)
    unclear.card(page, 3).get_by_role("button", name="Leave it").click()
    expect_toast(page, "“Call 3”: Left as it is.")

    # What is left stays, behind what still waits for a word.
    expect(page.locator(".unclear h2")).to_have_text(["Call 4", "Call 3"])
    expect(unclear.card(page, 3)).to_contain_text("Left as it is")
    expect(page.locator("#nav-check")).to_have_text("2")
    task = Task.objects.get(title="Call 1")
    assert (task.external_id, task.delivery) == ("4711", "delivered")
    assert unclear.push(2).state == Push.State.QUEUED
    left = unclear.push(3)
    assert left.state == Push.State.NEEDS_CHECK and left.left_at is not None


def test_each_verdict_by_keyboard_and_on_to_the_next_card(
    unclear: Unclear, open_page: OpenPage
) -> None:
    page = open_page(unclear.lead)
    page.goto("/needs-check/")

    def title(number: int) -> Locator:
        return page.get_by_role("link", name=f"Call {number}", exact=True)

    field = unclear.card(page, 1).get_by_label("Task ID in Reply.io")
    title(1).focus()
    tab_to(field, most=6)
    page.keyboard.type("4711")
    page.keyboard.press("Enter")  # as the first button says: it is there
    expect_toast(page, "“Call 1”: Linked.")

    tab_to(title(2), most=1)
    enter(unclear.card(page, 2).get_by_role("button", name="Send again"))
    expect_toast(page, "“Call 2”: It is in the queue again.")
    tab_to(title(3), most=1)
    enter(unclear.card(page, 3).get_by_role("button", name="Leave it"))
    expect_toast(page, "“Call 3”: Left as it is.")
    tab_to(title(4), most=1)
    page.keyboard.press("Shift+Tab")  # and back: the page is not left at its end
    tab_to(title(4), most=1)
    enter(unclear.card(page, 4).get_by_role("button", name="Send again"))
    expect_toast(page, "“Call 4”: It is in the queue again.")

    # The last card leads to the one that is left.
    tab_to(title(3), most=1)
    enter(unclear.card(page, 3).get_by_role("button", name="Send again"))
    expect(page.get_by_role("main")).to_contain_text("Nothing needs a check")
    expect(page.get_by_role("main")).to_be_focused()
    assert Task.objects.get(title="Call 1").external_id == "4711"
    states = [unclear.push(n).state for n in (2, 3, 4)]
    assert states == [Push.State.QUEUED] * 3


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_refused_id_stays_at_its_place_and_is_mended_there(
    by: str, unclear: Unclear, open_page: OpenPage
) -> None:
    make_task(
        account=unclear.account, title="Other", external_id="9", delivery="delivered"
    )
    page = open_page(unclear.lead)
    page.goto(f"/needs-check/?account={unclear.account.pk}")
    card = unclear.card(page, 3)
    field = card.get_by_label("Task ID in Reply.io")
    there = card.get_by_role("button", name="It is there")

    if by == "mouse":
        field.fill("9")
        there.click()
    else:
        page.get_by_role("link", name="Call 3", exact=True).focus()
        tab_to(field, most=6)
        page.keyboard.type("9")
        enter(there, most=1)

    expect(field).to_have_value("9")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        "The id 9 belongs to another task: “Other”."
    )
    expect(field).to_be_in_viewport()
    expect(page.locator(".unclear")).to_have_count(4)
    assert unclear.push(3).state == Push.State.NEEDS_CHECK

    if by == "mouse":
        field.fill("4712")
        there.click()
    else:
        page.keyboard.press("End")
        page.keyboard.type("8")
        page.keyboard.press("Enter")
    expect_toast(page, "“Call 3”: Linked.")
    expect(page).to_have_url(re.compile(rf"\?account={unclear.account.pk}#push-"))
    expected = "4712" if by == "mouse" else "98"
    assert Task.objects.get(title="Call 3").external_id == expected


def test_a_long_list_goes_on_where_it_was(
    transactional_db: None, open_page: OpenPage
) -> None:
    unclear = Unclear(23)
    page = open_page(unclear.lead)
    page.goto("/needs-check/?page=2")
    expect(page.locator(".unclear h2")).to_have_text(["Call 21", "Call 22", "Call 23"])

    unclear.card(page, 21).get_by_role("button", name="It is there").click()
    field = unclear.card(page, 21).get_by_label("Task ID in Reply.io")
    expect(field).to_be_focused()
    expect(page.locator(".unclear")).to_have_count(3)
    field.fill("4711")
    field.press("Enter")

    expect_toast(page, "“Call 21”: Linked.")
    expect(page.locator(".unclear h2")).to_have_text(["Call 22", "Call 23"])
    tab_to(page.get_by_role("link", name="Call 22", exact=True), most=1)
    assert Task.objects.get(title="Call 21").external_id == "4711"


def test_second_copies_by_mouse(unclear: Unclear, open_page: OpenPage) -> None:
    first, second = unclear.add_copy("77"), unclear.add_copy("78")
    page = open_page(unclear.lead)
    page.goto("/needs-check/")

    card = page.locator(f"#copy-{first.pk}")
    expect(card).to_contain_text("Exists twice")
    card.get_by_role("button", name="Take the second one back").click()
    expect_toast(page, "“Twice 77”: The second one is being taken back.")
    expect(card).to_contain_text("The second one is being taken back.")
    expect(card.get_by_role("button")).to_have_count(0)
    page.locator(f"#copy-{second.pk}").get_by_role("button", name="Leave both").click()
    expect_toast(page, "“Twice 78”: Both are left there.")
    expect(page.locator(f"#copy-{second.pk}")).to_have_count(0)

    assert Push.objects.get(kind=Push.Kind.COPY).target_id == "77"
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.outcome, second.outcome) == ("", TaskCopy.Outcome.LEFT)
    assert second.settled_by == unclear.lead


def test_second_copies_by_keyboard_and_on_to_the_next_card(
    unclear: Unclear, open_page: OpenPage
) -> None:
    first, second = unclear.add_copy("77"), unclear.add_copy("78")
    page = open_page(unclear.lead)
    page.goto("/needs-check/")

    page.get_by_role("link", name="Twice 77").focus()
    card = page.locator(f"#copy-{first.pk}")
    enter(card.get_by_role("button", name="Take the second one back"))
    expect_toast(page, "“Twice 77”: The second one is being taken back.")
    tab_to(page.get_by_role("link", name="Twice 78"), most=1)
    card = page.locator(f"#copy-{second.pk}")
    enter(card.get_by_role("button", name="Leave both"))
    expect_toast(page, "“Twice 78”: Both are left there.")

    tab_to(page.get_by_role("link", name="Call 1", exact=True), most=1)
    second.refresh_from_db()
    assert second.outcome == TaskCopy.Outcome.LEFT
    assert Push.objects.get(kind=Push.Kind.COPY).target_id == "77"


def test_who_comes_second_is_told_and_goes_on(
    unclear: Unclear, open_page: OpenPage
) -> None:
    page = open_page(unclear.lead)
    page.goto("/needs-check/")
    Push.objects.filter(pk=unclear.push(2).pk).update(state=Push.State.QUEUED)

    unclear.card(page, 2).get_by_role("button", name="Send again").click()

    expect_toast(page, "“Call 2”: Already settled by Baton: queued.")
    expect(page.locator(".unclear h2")).to_have_text(["Call 1", "Call 3", "Call 4"])


def test_a_verdict_without_scripts(unclear: Unclear, open_page: OpenPage) -> None:
    page = open_page(unclear.lead, java_script_enabled=False)
    page.goto("/needs-check/")

    unclear.card(page, 1).get_by_role("button", name="It is there").click()
    expect(unclear.card(page, 1)).to_contain_text("Enter the id the task has")
    unclear.card(page, 1).get_by_label("Task ID in Reply.io").fill("4711")
    unclear.card(page, 1).get_by_role("button", name="It is there").click()

    expect_toast(page, "“Call 1”: Linked.")
    assert Task.objects.get(title="Call 1").external_id == "4711"
