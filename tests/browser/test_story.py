"""The main job as a lead does it: import, write, preview, create, watch, filter, read back."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tasks_app.models import Batch, Task

from .conftest import PHONE, OpenPage, password_of, work

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ACCOUNT = "Practice Saleshandy"
COLUMNS = ["First Name", "Last Name", "Company", "Email", "Tags", f"id:{ACCOUNT}"]
GOOD = 60
KESTREL = "Kestrel, Inc.\nBerlin"


def export_file(folder: Path) -> Path:
    """Return an export with 60 good rows, one that is refused, one without an id."""
    rows = [
        [f"Zoë {n}", "O'Hara", KESTREL, f"zoe{n}@kestrel.example", "q3", f"Ab{n:08d}"]
        for n in range(GOOD - 1)
    ]
    rows += [
        ["Unknown", "There", "Umbra", "unknown@umbra.example", "q3", "INVALID001"],
        ["Without", "Id", "Umbra", "without@umbra.example", "q3", ""],
        ["Broken", "Mail", "Umbra", "not an address", "q3", "Cd00000001"],
    ]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([COLUMNS, *rows])
    path = folder / "export.csv"
    path.write_text(out.getvalue(), encoding="utf-8-sig", newline="")
    return path


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail or user name").fill("lead")
    page.get_by_label("Password").fill(password_of("lead"))
    with page.expect_response("**/sign-in/*") as answer:
        page.get_by_role("button", name="Sign in").click()
    assert answer.value.status == 302, answer.value.text()
    # The page before has a heading as well: going on at once would end the sign-in.
    expect(page.get_by_label("Password")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def import_people(page: Page, path: Path, *, scripts: bool = True) -> None:
    page.goto("/prospects/import/")
    page.get_by_label("Choose the CSV file").set_input_files(path)
    if not scripts:
        page.get_by_role("button", name="Read this file").click()
    page.wait_for_url(re.compile(r"/prospects/import/\d+/$"))

    report = page.locator("#report")
    expect(report).to_contain_text("Nothing has been imported yet")
    expect(report).to_contain_text("not an address")
    expect(page.get_by_label(f"Field for id:{ACCOUNT}")).to_have_value(
        re.compile(r"^account:")
    )
    page.get_by_role("button", name=re.compile(r"^Import \d+ prospects")).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(" new, 0 updated")


def choose_account(page: Page, name: str) -> None:
    """Choose an account and wait for its fields."""
    radio = page.get_by_role("radio", name=re.compile(name))
    radio.check()
    expect(page.locator("input[name=fields_of]")).to_have_value(radio.input_value())


def write_tasks(page: Page) -> None:
    page.goto("/tasks/new/")
    choose_account(page, ACCOUNT)
    page.locator(".segmented").get_by_text("All matching a filter").click()
    page.get_by_label("Tag", exact=True).select_option("q3")
    page.get_by_label("Note").fill("Ask {{firstName}} about the audit.")

    preview = page.locator("#preview")
    expect(preview).to_contain_text("/tasks/create")
    expect(preview).to_contain_text("Ask Zoë 0 about the audit.")
    expect(page.locator("#left-out")).to_have_count(1)
    page.locator("#left-out summary").click()
    expect(page.locator("#left-out")).to_contain_text("Without Id")


def test_import_write_watch_and_filter(demo, open_page: OpenPage, tmp_path):
    page = open_page()
    sign_in(page)
    import_people(page, export_file(tmp_path))
    write_tasks(page)

    create = page.get_by_role("button", name=re.compile(rf"^Create {GOOD} tasks"))
    create.dblclick()
    page.wait_for_url(re.compile(r"/batches/\d+/$"))

    # A double click made one batch, and nothing has been sent so far.
    assert Batch.objects.count() == 1
    assert Task.objects.count() == GOOD
    batch = page.locator("#batch")
    expect(batch).to_contain_text(f"0 of {GOOD} settled")

    # The page follows by itself, and stops asking when all is settled.
    work("push", "--until-empty")
    expect(batch).to_contain_text(f"{GOOD} of {GOOD} settled")
    expect(page.locator("#stat-delivered")).to_contain_text(str(GOOD - 1))
    expect(page.locator("#stat-failed")).to_contain_text("1")
    expect(page.locator("#batch[hx-get]")).to_have_count(0)
    rows = page.locator("#batch-rows")
    expect(rows).to_contain_text("Unknown There")
    expect(rows.locator("tbody tr").first).to_contain_text("Saleshandy")
    prospects = {line["prospect"] for line in demo["saleshandy"].ledger()}
    assert len(prospects) == GOOD - 1

    page.get_by_role("button", name="Retry 1").click()
    expect(batch).to_contain_text(f"{GOOD - 1} of {GOOD} settled")
    work("push", "--until-empty")
    expect(batch).to_contain_text(f"{GOOD} of {GOOD} settled")
    assert len(demo["saleshandy"].ledger()) == GOOD - 1

    filter_the_list(page)
    read_back(page, demo)


def filter_the_list(page: Page) -> None:
    """Filters stand in the address and survive paging, reload and the back button."""
    page.goto("/tasks/")
    page.get_by_role("button", name="Filter").click()
    page.locator("#f-delivery-delivered").check()
    page.keyboard.press("Escape")
    listed = page.locator("#task-list")
    expect(listed).to_contain_text(f"1 to 50 of {GOOD - 1} tasks")
    expect(page).to_have_url(re.compile("delivery=delivered"))

    page.get_by_role("link", name=re.compile("Next")).click()
    expect(listed).to_contain_text(f"51 to {GOOD - 1} of {GOOD - 1} tasks")
    expect(page).to_have_url(re.compile("delivery=delivered.*page=2|page=2.*delivery"))
    page.reload()
    expect(listed).to_contain_text(f"51 to {GOOD - 1} of {GOOD - 1} tasks")

    listed.locator("tbody a").first.click()
    expect(page).to_have_url(re.compile(r"/tasks/\d+/"))
    page.go_back()
    expect(listed).to_contain_text(f"51 to {GOOD - 1} of {GOOD - 1} tasks")
    page.go_back()
    expect(listed).to_contain_text(f"1 to 50 of {GOOD - 1} tasks")
    expect(page.locator("#chip-delivery")).to_be_attached()

    page.get_by_label("Search tasks", exact=True).fill("unknown@umbra.example")
    expect(listed).to_contain_text("0 tasks")
    page.locator("#chip-delivery").click()
    expect(listed).to_contain_text("1 to 1 of 1 task")


def read_back(page: Page, demo) -> None:
    """What a rep does at the vendor shows here, in the vendor's word."""
    task = Task.objects.filter(delivery="delivered").order_by("pk").first()
    assert task is not None
    demo["saleshandy"].act("complete", [task.external_id])

    work("sync", "--account", ACCOUNT)
    page.goto(f"/tasks/{task.pk}/")

    expect(page.locator("main")).to_contain_text("Completed")
    expect(page.locator("main")).to_contain_text(task.external_id)


def test_bad_input_keeps_what_was_typed(demo, open_page: OpenPage, tmp_path):
    page = open_page()
    sign_in(page)
    import_people(page, export_file(tmp_path))

    page.goto("/tasks/new/")
    choose_account(page, "Practice YSuite")
    page.get_by_label("Title").fill("x" * 151)
    page.get_by_label("Search prospects").fill("Without")
    page.get_by_role("button", name="Add Without Id").click()
    page.get_by_role("button", name=re.compile("^Create")).click()

    expect(page.locator("#problems")).to_be_focused()
    expect(page.get_by_label("Title")).to_have_value("x" * 151)
    expect(page.get_by_label("Title")).to_have_attribute("aria-invalid", "true")
    assert Task.objects.count() == 0


def test_the_way_works_without_javascript_on_a_phone(demo, open_page, tmp_path):
    page = open_page(java_script_enabled=False, viewport=PHONE)
    sign_in(page)
    import_people(page, export_file(tmp_path), scripts=False)

    page.goto("/tasks/new/")
    page.get_by_role("radio", name=re.compile(ACCOUNT)).check()
    page.get_by_role("button", name="Show fields").click()
    page.locator(".segmented").get_by_text("Paste a list").click()
    page.get_by_label("Emails, LinkedIn profiles or vendor IDs").fill(
        "zoe1@kestrel.example\nAb00000002"
    )
    page.get_by_label("Note").fill("Call")
    page.get_by_role("button", name=re.compile("^Create")).click()

    page.wait_for_url(re.compile(r"/batches/\d+/$"))
    assert Task.objects.count() == 2
