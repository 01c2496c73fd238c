"""Going about a page by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

HAS_FOCUS = "element => element === document.activeElement"
HOLDER = "document.activeElement.outerHTML.slice(0, 120)"


def tab_to(wanted: Locator, *, back: bool = False, most: int = 40) -> None:
    """Press Tab until `wanted` has the focus; fail where it is further than `most`."""
    page = wanted.page
    page.wait_for_load_state()
    expect(wanted).to_be_visible()
    passed = []
    for _ in range(most):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if wanted.evaluate(HAS_FOCUS):
            return
        passed.append(page.evaluate(HOLDER))
    raise AssertionError("\n".join(["Not reached, but:", *passed]))


def enter(wanted: Locator, *, most: int = 6) -> None:
    """Go there by Tab and press Enter on it."""
    tab_to(wanted, most=most)
    wanted.page.keyboard.press("Enter")


def skip_to_content(page: Page) -> None:
    """Take the first stop of every page, the link past its frame."""
    tab_to(page.get_by_role("link", name="Skip to content"), most=1)
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def expect_toast(page: Page, sentence: str) -> Locator:
    """Expect this message where assistive technology reads it out; return it.

    From then on the page that shows it hears keys.
    """
    toast = page.get_by_role("status").locator(".toast").filter(has_text=sentence)
    expect(toast).to_be_visible()
    page.wait_for_load_state()
    return toast
