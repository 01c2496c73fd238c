"""Accounts: how they stand, reading one now and seeing it done, pausing and resuming."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tasks_app.models import ConnectedAccount, Membership, Preference, SyncRun
from tests.factories import make_push, make_task

from .conftest import OpenPage, work
from .keyboard import enter, expect_toast, tab_to

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]

State = ConnectedAccount.State


@dataclass
class Accounts:
    """The demo's lead, its administrator, who is in the team here, and an account."""

    lead: User
    admin: User
    account: ConnectedAccount

    def card(self, page: Page) -> Locator:
        return page.locator(f"#account-{self.account.pk}")

    def runs(self) -> list[str]:
        rows = self.account.sync_runs.order_by("pk")
        return list(rows.values_list("state", flat=True))

    def state(self) -> str:
        self.account.refresh_from_db()
        return str(self.account.state)


@pytest.fixture
def accounts(demo: Any) -> Accounts:
    account = ConnectedAccount.objects.get(vendor="reply")
    make_push(task=make_task(account=account, delivery="queued"))
    admin = User.objects.get(username="admin")
    Membership.objects.create(team=account.team, user=admin, role="lead")
    return Accounts(User.objects.get(username="lead"), admin, account)


def test_an_account_is_read_now_by_mouse(
    accounts: Accounts, open_page: OpenPage
) -> None:
    page = open_page(accounts.lead)
    page.clock.install()
    page.goto("/accounts/")
    card = accounts.card(page)
    expect(page.locator(".account")).to_have_count(4)
    expect(card).to_contain_text("Connected")
    expect(card).to_contain_text("Never")

    card.get_by_role("button", name="Sync now").click()
    expect_toast(page, f"{accounts.account.name} is read as soon as its rate allows.")
    expect(card).to_contain_text("Read as soon as it can be")
    expect(card).to_be_in_viewport()
    assert accounts.runs() == [SyncRun.State.WAITING]
    work("sync")
    page.clock.run_for(15_000)
    expect(card).not_to_contain_text("Read as soon as it can be")
    expect(card).not_to_contain_text("Never")
    assert accounts.runs() == [SyncRun.State.DONE]

    card.get_by_role("link", name=accounts.account.name).click()
    rows = page.locator("#last-readings tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Done")
    page.get_by_role("button", name="Sync now").click()
    expect(rows.first).to_contain_text("Waiting")
    work("sync")
    page.clock.run_for(15_000)
    expect(rows.first).to_contain_text("Done")
    assert accounts.runs() == [SyncRun.State.DONE] * 2


def test_an_account_is_read_now_by_keyboard(
    accounts: Accounts, open_page: OpenPage
) -> None:
    page = open_page(accounts.lead)
    page.clock.install()
    page.goto("/today/")
    name = page.get_by_role("link", name=accounts.account.name)
    for key in "ga":
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text("Accounts")
    card = accounts.card(page)

    name.focus()
    enter(card.get_by_role("button", name="Sync now"))
    expect_toast(page, f"{accounts.account.name} is read as soon as its rate allows.")
    work("sync")
    page.clock.run_for(5_000)
    expect(card).not_to_contain_text("Read as soon as it can be")
    expect(card).not_to_contain_text("Never")

    # The focus stays at the button, although the card was drawn anew meanwhile.
    expect(card.get_by_role("button", name="Sync now")).to_be_focused()
    tab_to(name, back=True, most=2)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(accounts.account.name)
    expect(page.locator("#last-readings")).to_contain_text("Done")
    page.get_by_role("link", name="Tasks", exact=True).last.focus()
    enter(page.get_by_role("button", name="Sync now"), most=1)
    expect(page.locator("#last-readings")).to_contain_text("Waiting")
    expect(page.get_by_role("button", name="Sync now")).to_be_focused()
    assert accounts.runs() == [SyncRun.State.DONE, SyncRun.State.WAITING]


def test_all_accounts_are_read_by_keyboard(
    accounts: Accounts, open_page: OpenPage
) -> None:
    ConnectedAccount.objects.filter(vendor="ysuite").update(state=State.NEEDS_NEW_KEY)
    page = open_page(accounts.lead)
    page.goto("/accounts/")

    tab_to(page.get_by_role("link", name="Skip to content"), most=1)
    page.keyboard.press("Enter")
    enter(page.get_by_role("button", name="Sync all now"), most=1)

    expect_toast(page, "3 accounts are read as soon as their rates allow.")
    cards = page.locator(".account").filter(has_text="Read as soon as it can be")
    expect(cards).to_have_count(3)
    assert SyncRun.objects.filter(state=SyncRun.State.WAITING).count() == 3


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_sending_is_paused_and_resumed_by_an_administrator(
    by: str, accounts: Accounts, open_page: OpenPage
) -> None:
    page, said = open_page(accounts.admin), page_of(accounts, open_page)
    page.goto(f"/accounts/{accounts.account.pk}/")

    def press(target: Locator, before: Locator) -> None:
        if by == "mouse":
            target.click()
        else:
            before.focus()
            enter(target, most=2)

    press(
        page.get_by_role("link", name="Set up"),
        page.get_by_label("Breadcrumb").get_by_role("link", name="Accounts"),
    )
    read = page.get_by_role("button", name="Read people and types now")
    press(page.get_by_role("button", name="Pause"), read)
    expect(page.locator(".messagelist")).to_contain_text("is paused.")
    assert accounts.state() == State.PAUSED
    said.reload()
    expect(accounts.card(said)).to_contain_text(re.compile(r"Paused since \d\d:\d\d"))
    expect(accounts.card(said)).to_contain_text(
        "1 task is safe in the queue and goes out when it is resumed."
    )

    press(page.get_by_role("button", name="Resume"), read)
    expect(page.locator(".messagelist")).to_contain_text("goes on.")
    assert accounts.state() == State.CONNECTED
    said.reload()
    expect(accounts.card(said)).not_to_contain_text("Paused")
    expect(accounts.card(said)).to_contain_text("Connected")


def page_of(accounts: Accounts, open_page: OpenPage) -> Page:
    """Return the account's page as the lead sees it, who looks and cannot pause."""
    page = open_page(accounts.lead)
    page.goto(f"/accounts/{accounts.account.pk}/")
    expect(page.get_by_role("main")).to_contain_text("connected by an administrator")
    expect(page.get_by_role("button", name=re.compile("Pause|Resume"))).to_have_count(0)
    return page


def test_a_message_that_a_page_brings_is_put_in_for_those_who_hear_it(
    accounts: Accounts, open_page: OpenPage
) -> None:
    Preference.objects.create(user=accounts.lead, single_keys=False)
    page = open_page(accounts.lead)
    page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
            const hear = (changes) => {
                for (const each of changes.flatMap((change) => [...change.addedNodes])) {
                    document.documentElement.dataset.heard = each.textContent;
                }
            };
            const toasts = document.getElementById("toasts");
            new MutationObserver(hear).observe(toasts, { childList: true });
        });"""
    )
    page.goto("/accounts/")

    accounts.card(page).get_by_role("button", name="Sync now").click()

    expect(page.locator("html")).to_have_attribute(
        "data-heard", re.compile("is read as soon as its rate allows")
    )
    expect_toast(page, "is read as soon as its rate allows")
    page.get_by_role("button", name="Dismiss this message").click()
    expect(page.locator(".toast")).to_have_count(0)
