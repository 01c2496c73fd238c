"""Settings: theme, density and single keys, kept for one person."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tasks_app.models import Preference
from tests.factories import make_account, make_task, make_team, make_user

from .conftest import OpenPage
from .keyboard import enter, expect_toast, tab_to

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]


@pytest.fixture
def lead(transactional_db: None) -> User:
    team = make_team()
    make_task(account=make_account(team=team), title="Renew Halden")
    return make_user(team, first_name="Mara", last_name="Lind")


def chosen(lead: User) -> tuple[str, str, bool]:
    kept = Preference.objects.get(user=lead)
    return kept.theme, kept.density, kept.single_keys


def height_of_rows(page: Page) -> float:
    page.goto("/tasks/")
    box = page.locator("#task-list tbody tr:not(.group)").first.bounding_box()
    assert box is not None
    return box["height"]


def radio(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


def test_settings_are_kept_by_mouse(lead: User, open_page: OpenPage) -> None:
    page = open_page(lead)
    before = height_of_rows(page)
    page.get_by_role("button", name="Your menu: theme, team, sign out").click()
    page.get_by_role("link", name="Settings").click()
    html, switch = page.locator("html"), page.get_by_role("switch", name="Single keys")
    expect(html).to_have_attribute("data-theme", "system")

    page.get_by_text("Dark", exact=True).last.click()
    page.get_by_text("Compact", exact=True).click()
    switch.click()
    page.get_by_role("button", name="Save").click()

    expect_toast(page, "Saved.")
    expect(html).to_have_attribute("data-theme", "dark")
    expect(radio(page, "Dark")).to_be_checked()
    expect(radio(page, "Compact")).to_be_checked()
    expect(switch).not_to_be_checked()
    assert chosen(lead) == ("dark", "compact", False)
    assert height_of_rows(page) < before
    page.keyboard.press("?")
    page.keyboard.press("n")
    page.keyboard.press("Control+k")
    expect(page.locator("dialog[open]")).to_have_id("palette")
    expect(page).to_have_url(page.url.split("/tasks/")[0] + "/tasks/")


def test_settings_are_kept_by_keyboard(lead: User, open_page: OpenPage) -> None:
    Preference.objects.create(user=lead, density="compact", single_keys=False)
    page = open_page(lead)
    page.goto("/today/")
    before = height_of_rows(page)
    # The menu of one's own, and away from it without a change.
    opener = page.get_by_role("button", name="Your menu: theme, team, sign out")
    opener.focus()
    page.keyboard.press("Enter")
    menu = page.locator("#user-menu")
    tab_to(menu.get_by_role("button", name="Light"), most=1)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    enter(menu.get_by_role("link", name="Settings"), most=5)
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")

    tab_to(page.get_by_role("link", name="Skip to content"), most=1)
    page.keyboard.press("Enter")
    tab_to(radio(page, "Like this device"), most=1)
    page.keyboard.press("ArrowRight")
    expect(radio(page, "Light")).to_be_checked()
    tab_to(radio(page, "Compact"), most=1)
    page.keyboard.press("ArrowLeft")
    tab_to(page.get_by_role("switch", name="Single keys"), most=1)
    page.keyboard.press("Space")
    enter(page.get_by_role("button", name="Save"), most=1)

    expect_toast(page, "Saved.")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert chosen(lead) == ("light", "comfortable", True)
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    assert height_of_rows(page) > before


def test_the_theme_of_the_menu_holds_on_the_next_page(
    lead: User, open_page: OpenPage
) -> None:
    page = open_page(lead, color_scheme="light")
    page.goto("/today/")
    html, menu = page.locator("html"), page.locator("#user-menu")
    opener = page.get_by_role("button", name="Your menu: theme, team, sign out")

    opener.focus()
    page.keyboard.press("Enter")
    dark = menu.get_by_role("button", name="Dark")
    tab_to(dark, most=2)
    with page.expect_response("**/theme/"):
        page.keyboard.press("Enter")
    expect(html).to_have_attribute("data-theme", "dark")
    expect(dark).to_have_attribute("aria-pressed", "true")
    expect(dark).to_be_focused()
    page.goto("/settings/")
    expect(html).to_have_attribute("data-theme", "dark")
    expect(radio(page, "Dark")).to_be_checked()

    switch = page.get_by_role("button", name="Switch between light and dark")
    with page.expect_response("**/theme/"):
        switch.click()
    expect(html).to_have_attribute("data-theme", "light")
    page.reload()
    expect(html).to_have_attribute("data-theme", "light")


def test_settings_are_kept_without_scripts(lead: User, open_page: OpenPage) -> None:
    page = open_page(lead, java_script_enabled=False)
    page.goto("/settings/")

    page.get_by_text("Dark", exact=True).last.click()
    page.get_by_role("switch", name="Single keys").click()
    page.get_by_role("button", name="Save").click()

    expect_toast(page, "Saved.")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert chosen(lead) == ("dark", "comfortable", False)
