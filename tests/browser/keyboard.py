"""Going about a page by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

HAS_FOCUS = "element => element === document.activeElement"


def tab_to(wanted: Locator, *, back: bool = False, most: int = 40) -> None:
    """Press Tab until `wanted` has the focus; fail where it is further than `most`."""
    page = wanted.page
    page.wait_for_load_state()
    expect(wanted).to_be_visible()
    for _ in range(most):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if wanted.evaluate(HAS_FOCUS):
            return
    expect(wanted, f"It is reached within {most} presses of Tab.").to_be_focused()


def skip_to_content(page: Page) -> None:
    """Take the first stop of every page, the link past its frame."""
    tab_to(page.get_by_role("link", name="Skip to content"), most=1)
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
