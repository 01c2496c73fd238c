"""Batches: finding one, what runs in the background, and one batch while it goes out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tasks_app.models import ActionRun, Batch, ConnectedAccount, Push, Task, Team
from tasks_app.services import action_runs
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

REFUSED, BUSY = "LeadSquared does not know this lead.", "LeadSquared was too busy."


@dataclass
class Batches:
    team: Team
    lead: User
    account: ConnectedAccount

    def add(self, title: str, *states: str, **overrides: str) -> Batch:
        """Return a batch of one task in each of these states of delivery."""
        batch = make_batch(self.account, title=title, created_by=self.lead)
        for number, state in enumerate(states, 1):
            person = make_prospect(self.team, first_name="Ada", last_name=f"N{number}")
            make_link(person, self.account)
            failed = state == "failed"
            error = overrides.get("error", REFUSED if number % 2 else BUSY)
            task = make_task(
                account=self.account,
                batch=batch,
                prospect=person,
                title=title,
                delivery=state,
                delivery_error=error if failed else "",
                external_id=f"{batch.pk}-{number}" if state == "delivered" else "",
            )
            make_push(
                task=task,
                state=state,
                external_id=task.external_id,
                error=task.delivery_error,
            )
        return batch

    def stopped_run(self, number: int = 80) -> ActionRun:
        """Return a run that stopped before its first portion was through."""
        tasks = [
            make_task(
                account=self.account,
                title=f"Old {n}",
                delivery="delivered",
                external_id=f"old-{n}",
                prospect=None,
            )
            for n in range(number)
        ]
        return ActionRun.objects.create(
            team=self.team,
            by=self.lead,
            action="complete",
            total=number,
            task_ids=[task.pk for task in tasks],
            form_token=uuid4(),
            stopped_at=timezone.now(),
            stopped_why="5 tries did not get on.",
        )


@pytest.fixture
def batches(transactional_db: None) -> Batches:
    team = make_team(time_zone="Europe/Berlin")
    lead = make_user(team, first_name="Mara", last_name="Lind")
    account = make_account("leadsquared", team=team, name="Enterprise CRM")
    return Batches(team, lead, account)


def titles(page: Page) -> Locator:
    return page.locator("#batches .cell-main__title")


# -- the list --------------------------------------------------------------------------


def test_a_batch_is_found_by_mouse(batches: Batches, open_page: OpenPage) -> None:
    batches.add("Renewals", "delivered")
    batches.add("Site visits", "failed")
    batches.add("Pilot", "queued")
    page = open_page(batches.lead)
    page.goto("/batches/")
    expect(titles(page)).to_have_text(["Pilot", "Site visits", "Renewals"])

    tabs = page.get_by_label("By how they stand")
    tabs.get_by_role("link", name="Needs somebody").click()
    expect(titles(page)).to_have_text(["Site visits"])
    tabs.get_by_role("link", name="Running").click()
    expect(titles(page)).to_have_text(["Pilot"])
    tabs.get_by_role("link", name="Done").click()
    expect(titles(page)).to_have_text(["Renewals"])
    expect(tabs.locator("[aria-current=page]")).to_have_text("Done")

    search = page.get_by_role("searchbox")
    search.fill("pilot")
    search.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("No batch matches.")
    page.get_by_role("link", name="Show all").click()
    expect(titles(page)).to_have_count(3)
    page.get_by_role("link", name="Site visits").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Site visits")


def test_a_batch_is_found_by_keyboard(batches: Batches, open_page: OpenPage) -> None:
    batches.add("Renewals", "delivered")
    batches.add("Renewals of May", "failed")
    batches.add("Pilot", "queued")
    page = open_page(batches.lead)
    page.goto("/today/")
    for key in "gb":
        page.keyboard.press(key)
    expect(titles(page)).to_have_count(3)

    tabs = page.get_by_label("By how they stand")
    tabs.get_by_role("link", name="All").focus()
    tab_to(page.get_by_role("searchbox"), most=4)
    page.keyboard.type("renew")
    page.keyboard.press("Enter")
    expect(titles(page)).to_have_text(["Renewals of May", "Renewals"])
    # What was looked for stays when the tab changes.
    tabs.get_by_role("link", name="All").focus()
    enter(tabs.get_by_role("link", name="Needs somebody"), most=2)
    expect(titles(page)).to_have_text(["Renewals of May"])
    expect(page.get_by_role("searchbox")).to_have_value("renew")
    page.get_by_role("searchbox").focus()
    enter(titles(page).first, most=1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Renewals of May")


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_run_that_stopped_goes_on_and_is_undone(
    by: str, batches: Batches, open_page: OpenPage
) -> None:
    batches.add("Renewals", "delivered")
    run = batches.stopped_run()
    page = open_page(batches.lead)
    page.goto("/batches/?state=needs")
    go_on, undo = (
        page.get_by_role("button", name=name)
        for name in ("Go on", re.compile(r"^Undo \d+"))
    )
    expect(page.locator(".runs")).to_contain_text("Stopped at 0 of 80")

    if by == "mouse":
        go_on.click()
    else:
        page.get_by_role("searchbox").focus()
        tab_to(page.get_by_role("link", name="Complete 80 tasks"), most=1)
        enter(go_on, most=1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Complete 80 tasks")
    expect_toast(page, "It goes on in a moment.")
    expect(page.locator("#run [role=status]")).to_have_text("0 of 80 looked at")
    run.refresh_from_db()
    assert run.stopped_at is None

    action_runs.work(run.pk)  # what the worker does
    expect(page.locator("#run [role=status]")).to_have_text(
        "All asked for, 80 on their way", timeout=20_000
    )
    assert Push.objects.filter(state=Push.State.QUEUED).count() == 80
    if by == "mouse":
        undo.click()
    else:
        page.get_by_label("Breadcrumb").get_by_role("link", name="Batches").focus()
        enter(undo, most=1)

    expect_toast(page, "Undone for 80 tasks. Nothing was sent.")
    expect(undo).to_have_count(0)
    assert not Push.objects.filter(state=Push.State.QUEUED).exists()
    done = Task.objects.filter(pk__in=run.task_ids, status=Task.Status.COMPLETED)
    assert not done.exists()


def test_a_run_is_opened_from_the_list_and_goes_on_from_its_page(
    batches: Batches, open_page: OpenPage
) -> None:
    run = batches.stopped_run(3)
    page = open_page(batches.lead)
    page.goto("/batches/")

    page.get_by_role("link", name="Complete 3 tasks").click()
    expect(page.get_by_role("alert")).to_contain_text("This stopped before it was")
    page.get_by_role("button", name="Go on").click()

    expect_toast(page, "It goes on in a moment.")
    expect(page.get_by_role("alert")).to_have_count(0)
    run.refresh_from_db()
    assert run.stopped_at is None and run.position == 0


# -- one batch -------------------------------------------------------------------------


def queued(batch: Batch) -> int:
    return batch.tasks.filter(delivery="queued").count()


def test_what_failed_is_retried_by_mouse(batches: Batches, open_page: OpenPage) -> None:
    batch = batches.add("Pilot", *["failed"] * 5, "delivered")
    page = open_page(batches.lead)
    page.goto(f"/batches/{batch.pk}/")
    rows = page.locator("#batch-rows tbody tr")

    rows.first.get_by_role("button", name="Retry").click()
    expect_toast(page, "1 task is back in the queue.")
    expect(page.locator("#stat-failed .stat__value")).to_have_text("4")
    assert queued(batch) == 1
    banner = page.locator("#batch .banner").filter(has_text=BUSY)
    banner.get_by_role("button", name="Retry 2").click()
    expect_toast(page, "2 tasks are back in the queue.")
    expect(banner).to_have_count(0)
    assert queued(batch) == 3
    page.get_by_role("button", name="Retry 2").click()
    expect_toast(page, "2 tasks are back in the queue.")

    expect(page.locator("#stat-failed .stat__value")).to_have_text("0")
    expect(page.locator("#batch [role=status]")).to_have_text("1 of 6 settled")
    assert queued(batch) == 5


def test_what_failed_is_retried_by_keyboard(
    batches: Batches, open_page: OpenPage
) -> None:
    batch = batches.add("Pilot", *["failed"] * 5, "delivered")
    page = open_page(batches.lead)
    page.goto(f"/batches/{batch.pk}/")
    rows = page.locator("#batch-rows tbody tr")

    # One of them: the way goes on at the list that it stands in.
    page.get_by_role("link", name="Export").focus()
    enter(rows.first.get_by_role("button", name="Retry"), most=3)
    expect_toast(page, "1 task is back in the queue.")
    tab_to(page.get_by_role("searchbox"), most=1)
    assert queued(batch) == 1

    # The others: the focus is on how many wait now, and stays while the page goes on.
    page.locator("#stat-queued").focus()
    enter(page.get_by_role("button", name="Retry failed (4)"))
    expect_toast(page, "4 tasks are back in the queue.")
    waiting = page.locator("#stat-queued")
    expect(waiting).to_be_focused()
    expect(waiting).to_have_text(re.compile(r"Queued\s*5"))
    Task.objects.filter(pk=batch.tasks.filter(delivery="queued").first().pk).update(
        delivery="delivered", external_id="id-9"
    )
    expect(waiting).to_have_text(re.compile(r"Queued\s*4"), timeout=15_000)
    expect(waiting).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"delivery=queued"))
    expect(rows).to_have_count(4)


def test_a_batch_that_was_resumed_is_followed_to_its_end(
    batches: Batches, open_page: OpenPage
) -> None:
    batch = batches.add("Pilot", "queued", "queued", "delivered")
    page = open_page(batches.lead)
    page.goto(f"/batches/{batch.pk}/")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_focused()
    page.mouse.move(4, 4)

    for number, task in enumerate(batch.tasks.filter(delivery="queued")):
        Task.objects.filter(pk=task.pk).update(
            delivery="delivered", external_id=f"end-{number}"
        )

    main = page.get_by_role("main")
    expect(main).to_contain_text("3 of 3 settled", timeout=15_000)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_have_count(0)
    expect(page.locator("#batch")).not_to_have_attribute("hx-trigger", re.compile("."))


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_batch_is_paused_resumed_and_cancelled(
    by: str, batches: Batches, open_page: OpenPage
) -> None:
    batch = batches.add("Pilot", "queued", "queued", "delivered")
    page = open_page(batches.lead)
    page.goto(f"/batches/{batch.pk}/")
    pause, resume, cancel, sure = (
        page.get_by_role("button", name=name, exact=True)
        for name in ("Pause", "Resume", "Cancel 2 unsent", "Cancel 2 tasks")
    )
    main = page.get_by_role("main")

    if by == "mouse":
        pause.click()
    else:
        page.get_by_label("Breadcrumb").get_by_role("link", name="Batches").focus()
        tab_to(cancel, most=1)
        enter(pause, most=1)
    expect_toast(page, "Paused. 2 tasks wait. What is being sent goes on.")
    expect(main).to_contain_text("Paused by Mara Lind since")
    assert Push.objects.filter(paused=True).count() == 2

    if by == "mouse":
        resume.click()
    else:
        expect(resume).to_be_focused()
        page.keyboard.press("Enter")
    expect_toast(page, "Resumed. 2 tasks go out in their turn.")
    expect(main).not_to_contain_text("Paused by")
    assert not Push.objects.filter(paused=True).exists()

    if by == "mouse":
        cancel.click()
        expect(sure).to_be_visible()
        page.keyboard.press("Escape")
        expect(sure).to_be_hidden()
        cancel.click()
        sure.click()
    else:
        expect(pause).to_be_focused()
        tab_to(cancel, back=True, most=1)
        page.keyboard.press("Enter")
        expect(sure).to_be_visible()
        page.keyboard.press("Escape")
        expect(sure).to_be_hidden()
        expect(cancel).to_be_focused()
        page.keyboard.press("Enter")
        enter(sure, most=1)
    expect_toast(page, "2 tasks were cancelled. They are not sent.")
    expect(page.locator("#batch [role=status]")).to_have_text("3 of 3 settled")
    expect(cancel).to_have_count(0)
    ended = batch.tasks.filter(delivery="withdrawn", status=Task.Status.CANCELLED)
    assert ended.count() == 2
    if by == "keyboard":
        expect(page.locator("#stat-queued")).to_be_focused()


def test_a_batch_is_paused_and_retried_without_scripts(
    batches: Batches, open_page: OpenPage
) -> None:
    batch = batches.add("Pilot", "failed", "queued")
    page = open_page(batches.lead, java_script_enabled=False)
    page.goto(f"/batches/{batch.pk}/")

    page.get_by_role("button", name="Pause").click()
    expect_toast(page, "Paused. 1 task waits.")
    page.get_by_role("button", name="Retry 1").click()
    expect_toast(page, "1 task is back in the queue. The batch is paused")

    assert Push.objects.filter(paused=True, state=Push.State.QUEUED).count() == 2
