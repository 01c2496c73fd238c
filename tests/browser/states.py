"""What pages look like once somebody has pressed something: looked at and pictured.

Each state is an address and what is done there. The import alone changes rows: one
person more, who is not in anybody's way.
"""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .world import World

Act = Callable[[Page], None]
Where = Callable[[World], str]
FILE = (
    "First Name,Last Name,Email,Company,Phone\r\n"
    "Ilse,Kramer,ilse@kramer.example,Kramer & Co,+49 30 1234\r\n"
    "Bo,Lund,not an address,Lund AS,\r\n"
)


def press(name: str) -> Act:
    return lambda page: page.get_by_role("button", name=name, exact=True).click()


def open_drawer(page: Page) -> None:
    page.locator("#task-list tbody [data-drawer]").first.click()
    expect(page.locator("#task-panel")).to_be_visible()


def open_row_menu(page: Page) -> None:
    page.locator("#task-list tbody [data-row-menu]").first.click()
    expect(page.locator("#row-menu :is(a, button)").first).to_be_visible()


def tick(page: Page) -> None:
    for number in range(2):
        page.locator("#task-list tbody .check").nth(number).check()
    expect(page.locator("#bulk")).to_be_visible()


def ask_for_many(page: Page) -> None:
    tick(page)
    page.locator("#bulk [value=reschedule]").click()
    expect(page.locator("#bulk-dialog")).to_be_visible()


def look_for(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("kestrel")
    expect(page.locator("#palette-found")).to_contain_text("Kestrel")


def show_keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()


def create_nothing(page: Page) -> None:
    page.locator("#create").click()
    expect(page.locator("#problems")).to_be_visible()


def upload(page: Page) -> None:
    page.get_by_label("Choose the CSV file").set_input_files(
        {"name": "fair.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    )
    page.wait_for_url("**/prospects/import/*/")
    expect(page.locator("#report")).to_be_visible()


def tasks(_: World) -> str:
    return "/tasks/"


def bring_in(page: Page) -> None:
    upload(page)
    page.get_by_role("button", name="Import 1 prospect").click()
    page.wait_for_url("**/done/")


STATES: dict[str, tuple[Where, Act]] = {
    "tasks, filter menu": (tasks, press("Filter")),
    "tasks, display menu": (tasks, press("Display")),
    "tasks, drawer": (tasks, open_drawer),
    "tasks, row menu": (tasks, open_row_menu),
    "tasks, selection": (tasks, tick),
    "tasks, dialog for many": (tasks, ask_for_many),
    "search as you type": (lambda w: "/today/", look_for),
    "keys": (lambda w: "/today/", show_keys),
    "new task, refused": (
        lambda w: f"/tasks/new/?account={w.accounts[1].pk}",
        create_nothing,
    ),
    "import, read": (lambda w: "/prospects/import/", upload),
    "import, done": (lambda w: "/prospects/import/", bring_in),
}
