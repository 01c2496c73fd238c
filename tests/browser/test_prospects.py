"""Prospects in a real browser: the list, many at once, one person's page."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Download, Locator, Page, expect

from tasks_app.models import Preference, Prospect, ProspectLink, Task, Work
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_task,
    make_team,
    make_user,
)

from .conftest import OpenPage
from .keyboard import skip_to_content, tab_to

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:No directory at"),
]


class Book:
    """Four people of Kestrel and two of Umbra; Cem has a meeting to come."""

    def __init__(self) -> None:
        self.team = make_team(time_zone="Europe/Berlin")
        self.lead = make_user(self.team, first_name="Mara", last_name="Lind")
        self.rep = make_user(self.team, "rep", first_name="Elin", last_name="Berg")
        self.crm = make_account("leadsquared", team=self.team, name="Enterprise CRM")
        self.calls = make_account("reply", team=self.team, name="Outbound EU")
        self.anouk = self.add("Anouk", "Adler", "Kestrel")
        self.bo = self.add("Bo", "Berger", "Kestrel")
        self.cem = self.add("Cem", "Celik", "Kestrel")
        self.dana = self.add("Dana", "Dorn", "Kestrel")
        self.eva = self.add("Eva", "Engel", "Umbra")
        self.finn = self.add("Finn", "Falk", "Umbra")
        renewal = self.team.tags.create(name="renewal")
        for person in (self.anouk, self.bo):
            person.tags.add(renewal)
        make_link(self.cem, self.crm)
        self.task = self.add_task("Quarterly review", self.crm)

    def add(self, first: str, last: str, company: str) -> Prospect:
        email = f"{first}@{company}.example".lower()
        names = {"first_name": first, "last_name": last}
        return make_prospect(self.team, company=company, email=email, **names)

    def add_task(self, title: str, account: object, **more: object) -> Task:
        values = {
            "prospect": self.cem,
            "delivery": "delivered",
            "external_id": f"id-{title}",
            "due_at": timezone.now() + timedelta(days=1),
        }
        return make_task(account=account, title=title, **{**values, **more})

    def add_many(self, count: int) -> None:
        """Add people of a third company, more than a page shows."""
        for number in range(count):
            self.add(f"No{number}", f"Zoll{number:02}", "Tidal")


@pytest.fixture
def book(transactional_db: None) -> Book:
    return Book()


def tagged(name: str) -> set[str]:
    rows = Prospect.objects.filter(tags__name=name)
    return set(rows.values_list("first_name", flat=True))


def owned_by(owner: str) -> set[str]:
    rows = Prospect.objects.filter(owner=owner)
    return set(rows.values_list("first_name", flat=True))


def listed(page: Page) -> Locator:
    return page.locator("#prospect-list tbody .cell-main__title")


def title(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("link", name=name, exact=True)


def id_field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Reply.io, Outbound EU")


def box(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Select {name}", exact=True)


def bar(page: Page) -> Locator:
    return page.get_by_role("group", name="Actions for selected prospects")


def said(page: Page, sentence: str) -> None:
    expect(page.locator(".toast")).to_contain_text(sentence)


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def first_names(download: Download) -> list[str]:
    with Path(download.path()).open(encoding="utf-8-sig", newline="") as file:
        return [row["First Name"] for row in csv.DictReader(file)]


def test_the_list_is_narrowed_and_widened_by_mouse(
    book: Book, open_page: OpenPage
) -> None:
    page = open_page(book.lead)
    page.goto("/prospects/")
    expect(listed(page)).to_have_count(6)
    # Gone as soon as the page is loaded anew.
    page.evaluate("document.body.dataset.marked = 'yes'")

    page.get_by_label("Search prospects").fill("kestrel")
    expect(listed(page)).to_have_text(
        ["Anouk Adler", "Bo Berger", "Cem Celik", "Dana Dorn"]
    )
    expect(page).to_have_url(re.compile(r"/prospects/\?q=kestrel$"))
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("Tasks", exact=True).select_option("No open task")
    expect(listed(page)).to_have_text(["Anouk Adler", "Bo Berger", "Dana Dorn"])
    page.get_by_label("Tag", exact=True).select_option("renewal")
    expect(listed(page)).to_have_text(["Anouk Adler", "Bo Berger"])
    expect(page.locator("#prospect-total")).to_have_text("2 prospects")
    expect(page.locator("#prospect-said")).to_have_text("2 prospects")
    expect(page).to_have_url(re.compile("tag=renewal"))
    page.keyboard.press("Escape")
    expect(page.locator("#filter-menu")).to_be_hidden()
    page.get_by_role("link", name="Name").click()
    expect(listed(page)).to_have_text(["Bo Berger", "Anouk Adler"])
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute(
        "aria-sort", "descending"
    )

    page.get_by_role("link", name="Remove filter: Tag renewal").click()
    expect(listed(page)).to_have_text(["Dana Dorn", "Bo Berger", "Anouk Adler"])
    expect(page.locator("#prospect-said")).to_have_text("3 prospects")
    expect(page.locator("#filter-tag")).to_have_value("")
    expect(page.locator("#filter-work")).to_have_value("none")
    page.get_by_label("Search prospects").fill("zebra")
    expect(page.locator("#prospect-list")).to_contain_text("Nobody matches")
    page.get_by_role("link", name="Clear filters").click()
    expect(listed(page)).to_have_count(6)
    expect(page.get_by_label("Search prospects")).to_have_value("")
    expect(page).to_have_url(re.compile(r"/prospects/$"))
    expect(page.locator("body")).to_have_attribute("data-marked", "yes")

    # A step back is the list as it was.
    page.go_back()
    expect(page.locator("#prospect-list")).to_contain_text("Nobody matches")
    expect(page.get_by_label("Search prospects")).to_have_value("zebra")


def test_ticked_ones_are_tagged_handed_over_and_exported_by_mouse(
    book: Book, open_page: OpenPage
) -> None:
    page = open_page(book.lead)
    page.goto("/prospects/")
    expect(bar(page)).to_be_hidden()

    # A range, the page, none.
    box(page, "Anouk Adler").click()
    box(page, "Dana Dorn").click(modifiers=["Shift"])
    expect(bar(page)).to_contain_text("4 selected")
    for name in ("Anouk Adler", "Bo Berger", "Cem Celik", "Dana Dorn"):
        expect(box(page, name)).to_be_checked()
    box(page, "Bo Berger").click()
    box(page, "Dana Dorn").click(modifiers=["Shift"])
    expect(bar(page)).to_contain_text("1 selected")
    everybody = page.get_by_label("Select all on this page")
    assert everybody.evaluate("box => box.indeterminate")
    everybody.check()
    expect(bar(page)).to_contain_text("6 selected")
    bar(page).get_by_role("button", name="Clear").click()
    expect(bar(page)).to_be_hidden()
    expect(everybody).not_to_be_checked()

    # A tag for those who are ticked, and it leads back to the same list.
    page.get_by_label("Search prospects").fill("kestrel")
    expect(listed(page)).to_have_count(4)
    box(page, "Bo Berger").check()
    box(page, "Dana Dorn").click(modifiers=["Shift"])
    bar(page).get_by_role("button", name="Tag or hand over").click()
    expect(heading(page)).to_have_text("Change 3 prospects")
    expect(page.locator("main")).to_contain_text("Bo Berger, Cem Celik, Dana Dorn")
    page.locator("#id_tag").fill("VIP")
    page.get_by_role("button", name="Tag 3").click()
    said(page, "Tag “VIP” added to 3 prospects.")
    expect(page).to_have_url(re.compile(r"/prospects/\?q=kestrel$"))
    assert tagged("VIP") == {"Bo", "Cem", "Dana"}

    # Off again for two, another owner for one.
    box(page, "Anouk Adler").check()
    box(page, "Bo Berger").check()
    bar(page).get_by_role("button", name="Tag or hand over").click()
    page.locator("#id_untag").select_option("VIP")
    page.get_by_role("button", name="Remove from 2").click()
    said(page, "Tag “VIP” removed from 1 prospect. 1 did not have it.")
    assert tagged("VIP") == {"Cem", "Dana"}
    box(page, "Bo Berger").check()
    bar(page).get_by_role("button", name="Tag or hand over").click()
    page.locator("#id_owner").select_option("Elin Berg")
    page.get_by_role("button", name="Change 1").click()
    said(page, "Elin Berg owns 1 prospect now.")
    assert owned_by(book.rep.email) == {"Bo"}

    # A file of those who are ticked, and a task for them.
    box(page, "Anouk Adler").check()
    box(page, "Cem Celik").check()
    with page.expect_download() as download:
        bar(page).get_by_role("button", name="Export").click()
    assert first_names(download.value) == ["Anouk", "Cem"]
    bar(page).get_by_role("button", name="New task").click()
    expect(heading(page)).to_have_text("New task")
    expect(page.locator("#picker [name=prospect]")).to_have_count(2)
    page.go_back()
    expect(box(page, "Cem Celik")).to_be_checked()
    expect(bar(page)).to_contain_text("2 selected")


def test_all_that_match_are_changed_and_said_again_where_it_is_others(
    book: Book, open_page: OpenPage
) -> None:
    book.add_many(52)
    page = open_page(book.lead)
    page.goto("/prospects/?company=tidal")
    expect(page.locator(".listfoot")).to_contain_text("1 to 50 of 52 prospects")
    page.get_by_label("Select all on this page").check()
    expect(bar(page)).to_contain_text("50 selected")

    bar(page).get_by_role("link", name="All 52 that match").click()
    expect(heading(page)).to_have_text("Change 52 prospects")
    expect(page.locator("main")).to_contain_text("All that match: company tidal.")
    expect(page.locator("main")).to_contain_text("and 40 more")
    late = book.add("Late", "Zoll99", "Tidal")
    page.locator("#id_tag").fill("fair")
    page.get_by_role("button", name="Tag 52").click()
    expect(page.get_by_role("alert")).to_contain_text("It is 53 now")
    expect(page.get_by_role("alert")).to_be_focused()
    assert tagged("fair") == set()
    page.locator("#id_tag").fill("fair")
    page.get_by_role("button", name="Tag 53").click()

    said(page, "Tag “fair” added to 53 prospects.")
    expect(page).to_have_url(re.compile(r"/prospects/\?company=tidal$"))
    assert len(tagged("fair")) == 53 and "Anouk" not in tagged("fair")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export 53 as CSV").click()
    assert len(first_names(download.value)) == 53
    page.get_by_role("link", name="Next page").click()
    expect(listed(page)).to_have_text([str(p) for p in last_of(3)])
    expect(page).to_have_url(re.compile("page=2"))
    page.get_by_role("link", name=str(late)).click()
    expect(heading(page)).to_have_text("Late Zoll99")


def last_of(count: int) -> list[Prospect]:
    return list(Prospect.objects.order_by("-last_name")[:count])[::-1]


def test_the_list_is_narrowed_ticked_and_changed_by_keyboard_alone(
    book: Book, open_page: OpenPage
) -> None:
    page = open_page(book.lead)
    press, write = page.keyboard.press, page.keyboard.type
    page.goto("/today/")
    page.wait_for_load_state()
    press("g")
    press("p")
    expect(heading(page)).to_have_text("Prospects")
    search = page.get_by_label("Search prospects")
    skip_to_content(page)
    tab_to(search, most=4)
    write("kestrel")
    expect(listed(page)).to_have_count(4)
    expect(search).to_be_focused()

    # F is a letter in a field, and a menu elsewhere.
    tab_to(page.get_by_role("button", name="Filter", exact=True), most=2)
    press("f")
    expect(page.locator("#filter-tag")).to_be_focused()
    write("ren")
    expect(listed(page)).to_have_count(2)
    tab_to(page.get_by_label("Tasks", exact=True), most=6)
    write("No open")
    expect(page).to_have_url(re.compile("work=none"))
    expect(page.locator("#filter-work")).to_be_focused()
    press("Escape")
    expect(page.locator("#filter-menu")).to_be_hidden()
    expect(page.get_by_role("button", name="Filter", exact=True)).to_be_focused()

    # A filter that is taken away hands the focus on.
    tab_to(page.get_by_role("link", name="Remove filter: Tag renewal"), most=2)
    press("Enter")
    expect(listed(page)).to_have_text(["Anouk Adler", "Bo Berger", "Dana Dorn"])
    expect(page.locator("#chip-work")).to_be_focused()
    press("Enter")
    expect(listed(page)).to_have_count(4)
    expect(search).to_be_focused()

    # Rows are walked and ticked.
    press("Tab")
    press("j")
    expect(title(page, "Anouk Adler")).to_be_focused()
    press("x")
    expect(bar(page)).to_contain_text("1 selected")
    press("j")
    press("j")
    expect(title(page, "Cem Celik")).to_be_focused()
    press("Shift+X")
    expect(bar(page)).to_contain_text("3 selected")
    expect(box(page, "Bo Berger")).to_be_checked()
    press("Escape")
    expect(bar(page)).to_be_hidden()
    press("k")
    expect(title(page, "Bo Berger")).to_be_focused()
    tab_to(box(page, "Bo Berger"), back=True, most=1)
    press("Space")
    tab_to(box(page, "Dana Dorn"), most=8)
    press("Shift+Space")
    expect(bar(page)).to_contain_text("3 selected")

    # B leads to the bar, and clearing it leads back.
    press("b")
    expect(bar(page).get_by_role("button", name="New task")).to_be_focused()
    tab_to(bar(page).get_by_role("button", name="Clear"), most=4)
    press("Enter")
    expect(bar(page)).to_be_hidden()
    expect(title(page, "Dana Dorn")).to_be_focused()
    press("x")
    press("k")
    press("x")
    press("b")
    tab_to(bar(page).get_by_role("button", name="Tag or hand over"), most=1)
    press("Enter")
    expect(heading(page)).to_have_text("Change 2 prospects")

    # What is wrong is said first, and leads to its field.
    skip_to_content(page)
    tab_to(page.locator("#id_tag"), most=3)
    write("VIP, fair")
    press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("One tag has no comma in it.")
    expect(page.locator("#id_tag")).to_have_value("VIP, fair")
    assert not tagged("VIP")
    press("Tab")
    press("Enter")
    expect(page.locator("#id_tag")).to_be_focused()
    press("Control+a")
    write("VIP")
    press("Enter")
    said(page, "Tag “VIP” added to 2 prospects.")
    assert tagged("VIP") == {"Cem", "Dana"}

    # All that match, by the foot of the list.
    page.wait_for_load_state()
    press("k")
    press("x")
    press("b")
    with page.expect_download() as download:
        tab_to(bar(page).get_by_role("button", name="Export"), most=2)
        press("Enter")
    assert first_names(download.value) == ["Dana"]
    tab_to(page.get_by_role("link", name="Tag or hand over all 4"), most=4)
    press("Enter")
    expect(heading(page)).to_have_text("Change 4 prospects")
    skip_to_content(page)
    tab_to(page.locator("#id_owner"), most=7)
    write("Elin")
    tab_to(page.get_by_role("button", name="Change 4"), most=1)
    press("Enter")
    said(page, "Elin Berg owns 4 prospects now.")
    assert owned_by(book.rep.email) == {"Anouk", "Bo", "Cem", "Dana"}


def test_keys_that_are_off_leave_the_list_to_tab_and_space(
    book: Book, open_page: OpenPage
) -> None:
    Preference.objects.create(user=book.lead, single_keys=False)
    page = open_page(book.lead)
    page.goto("/prospects/")

    for key in "jxbf":
        page.keyboard.press(key)
    expect(bar(page)).to_be_hidden()
    expect(page.locator("#filter-menu")).to_be_hidden()
    page.get_by_label("Select all on this page").focus()
    tab_to(box(page, "Anouk Adler"), most=3)
    page.keyboard.press("Space")
    expect(bar(page)).to_contain_text("1 selected")


def test_a_prospect_is_edited_and_known_to_accounts_by_mouse(
    book: Book, open_page: OpenPage
) -> None:
    book.add_task("First call", book.calls, status="completed")
    book.add_task("Second call", book.calls)
    page = open_page(book.lead)
    page.goto("/prospects/")
    title(page, "Cem Celik").click()

    # Tasks in every account, open ones first.
    expect(heading(page)).to_have_text("Cem Celik")
    tasks = page.get_by_role("region", name="Tasks in every account")
    titles = tasks.locator("tbody .cell-main__title")
    expect(titles).to_have_text(["Quarterly review", "Second call", "First call"])
    expect(tasks.locator("tbody tr").nth(0)).to_contain_text("Enterprise CRM")
    expect(tasks.locator("tbody tr").nth(2)).to_contain_text("Outbound EU")
    expect(tasks.locator("tbody tr").nth(2)).to_contain_text("Completed")

    # What was typed stays where something is wrong.
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Company")).to_have_value("Kestrel")
    page.get_by_label("Company").fill("Kestrel Diagnostics")
    page.get_by_label("E-mail").fill("anouk@kestrel.example")
    page.get_by_label("Tags").fill("renewal, VIP")
    page.get_by_role("button", name="Save").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Anouk Adler has this e-mail already.")
    alert.get_by_role("link").click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.get_by_label("E-mail").fill("cem@diagnostics.example")
    page.get_by_role("button", name="Save").click()
    said(page, "Saved.")
    expect(page.locator(".page-head__sub")).to_have_text("Kestrel Diagnostics")
    details = page.get_by_role("complementary", name="Details")
    expect(details).to_contain_text("cem@diagnostics.example")
    expect(details.locator(".facts .chip")).to_have_text(["VIP", "renewal"])
    person = Prospect.objects.get(pk=book.cem.pk)
    assert person.company == "Kestrel Diagnostics"
    assert {tag.name for tag in person.tags.all()} == {"renewal", "VIP"}

    # The id at an account: one that is taken, one that is free, none.
    taken = make_link(book.eva, book.calls)
    field = id_field(page)
    field.fill(taken.external_id)
    page.get_by_role("button", name="Save the id at Outbound EU").click()
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(
        "Eva Engel has this id at Outbound EU already. Remove it there first."
    )
    field.fill("100777")
    page.get_by_role("button", name="Save the id at Outbound EU").click()
    said(page, "Id at Outbound EU saved.")
    expect(field).to_have_value("100777")
    link = ProspectLink.objects.get(prospect=book.cem, account=book.calls)
    assert link.external_id == "100777"
    page.get_by_role("button", name="Remove the id at Outbound EU").click()
    said(page, "No id at Outbound EU any more.")
    expect(field).to_have_value("")
    assert not ProspectLink.objects.filter(pk=link.pk).exists()

    # Opted out and in again.
    page.get_by_role("button", name="Do not contact").click()
    said(page, "Cem Celik is opted out.")
    expect(page.get_by_role("link", name="New task", exact=True).last).to_be_visible()
    expect(page.locator(".page-head__actions")).not_to_contain_text("New task")
    assert Prospect.objects.get(pk=book.cem.pk).do_not_contact
    page.get_by_role("button", name="Allow contact again").click()
    said(page, "Cem Celik may be contacted again.")
    assert not Prospect.objects.get(pk=book.cem.pk).do_not_contact

    # On to a new task, and to those that are open.
    page.locator(".page-head__actions").get_by_role("link", name="New task").click()
    expect(page.locator("#picker [name=prospect]")).to_have_count(1)
    page.go_back()
    page.get_by_role("button", name="Start 2 open").click()
    expect(heading(page)).to_have_text("Quarterly review")
    open_tasks = Task.objects.filter(status="open").order_by("pk")
    assert sorted(Work.objects.get().task_ids) == [task.pk for task in open_tasks]


def test_a_prospect_is_edited_and_known_to_accounts_by_keyboard_alone(
    book: Book, open_page: OpenPage
) -> None:
    page = open_page(book.lead)
    press, write = page.keyboard.press, page.keyboard.type
    page.goto("/prospects/")
    page.wait_for_load_state()
    for key in "jjj":
        press(key)
    expect(title(page, "Cem Celik")).to_be_focused()
    press("o")
    expect(heading(page)).to_have_text("Cem Celik")

    skip_to_content(page)
    tab_to(page.get_by_role("link", name="Edit"), most=3)
    press("Enter")
    expect(heading(page)).to_have_text("Edit prospect")
    skip_to_content(page)
    tab_to(page.get_by_label("E-mail"), most=8)
    write("no address")
    press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    press("Tab")
    press("Enter")
    expect(page.get_by_label("E-mail")).to_be_focused()
    press("Control+a")
    write("cem@diagnostics.example")
    press("Enter")
    said(page, "Saved.")
    assert Prospect.objects.get(pk=book.cem.pk).email == "cem@diagnostics.example"

    # After saving an id the focus is in its field.
    field = id_field(page)
    skip_to_content(page)
    tab_to(field, most=20)
    write("not a number")
    press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    press("Control+a")
    write("100777")
    press("Enter")
    said(page, "Id at Outbound EU saved.")
    expect(field).to_be_focused()
    expect(field).to_have_value("100777")
    assert ProspectLink.objects.get(account=book.calls).external_id == "100777"
    remove = page.get_by_role("button", name="Remove the id at Outbound EU")
    tab_to(remove, most=2)
    press("Enter")
    said(page, "No id at Outbound EU any more.")
    expect(field).to_be_focused()
    assert not ProspectLink.objects.filter(account=book.calls).exists()

    # After opting out the focus is where it can be taken back.
    out = page.get_by_role("button", name="Do not contact")
    tab_to(out, back=True, most=6)
    press("Enter")
    said(page, "Cem Celik is opted out.")
    expect(page.get_by_role("button", name="Allow contact again")).to_be_focused()
    assert Prospect.objects.get(pk=book.cem.pk).do_not_contact
    press("Enter")
    said(page, "Cem Celik may be contacted again.")
    expect(out).to_be_focused()
    tab_to(page.get_by_role("button", name="Start 1 open"), back=True, most=6)
    press("Enter")
    expect(heading(page)).to_have_text("Quarterly review")
    assert Work.objects.get().task_ids == [book.task.pk]


def test_a_rep_reads_and_changes_nothing(book: Book, open_page: OpenPage) -> None:
    mine = book.add_task("Mine", book.crm, assignee=book.rep)
    Task.objects.filter(pk=book.task.pk).update(assignee=book.lead)
    page = open_page(book.rep)
    page.goto("/prospects/?work=some")

    expect(listed(page)).to_have_text(["Cem Celik"])
    expect(page.locator("#prospect-list .is-open")).to_have_text("1")
    expect(page.locator("main").get_by_role("checkbox")).to_have_count(0)
    expect(page.locator(".bulkbar")).to_have_count(0)
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("x")  # there is nothing to tick
    page.keyboard.press("o")
    expect(heading(page)).to_have_text("Cem Celik")
    expect(page.locator("main tbody .cell-main__title")).to_have_text([mine.title])
    expect(page.locator("main").get_by_role("textbox")).to_have_count(0)
    expect(page.locator("main").get_by_role("button")).to_have_text(["Start 1 open"])
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    expect(page.locator(".ids code")).to_have_count(1)


def test_prospects_are_found_and_changed_without_scripts(
    book: Book, open_page: OpenPage
) -> None:
    page = open_page(book.lead, java_script_enabled=False)
    page.goto("/prospects/")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("Tag", exact=True).select_option("renewal")
    page.get_by_role("button", name="Show").click()
    expect(listed(page)).to_have_text(["Anouk Adler", "Bo Berger"])
    box(page, "Bo Berger").check()
    bar(page).get_by_role("button", name="Tag or hand over").click()
    page.locator("#id_untag").select_option("renewal")
    page.get_by_role("button", name="Remove from 1").click()
    said(page, "Tag “renewal” removed from 1 prospect.")
    assert tagged("renewal") == {"Anouk"}
    page.get_by_role("link", name="Remove filter: Tag renewal").click()
    expect(listed(page)).to_have_count(6)

    title(page, "Cem Celik").click()
    id_field(page).fill("100777")
    page.get_by_role("button", name="Save the id at Outbound EU").click()
    said(page, "Id at Outbound EU saved.")
    expect(id_field(page)).to_be_focused()
    assert ProspectLink.objects.get(account=book.calls).external_id == "100777"


def test_a_long_name_ends_before_the_company(book: Book, open_page: OpenPage) -> None:
    book.add("Wolfeschlegelsteinhausen", "Bergerdorff-Hohenlohe", "Kestrel")
    page = open_page(book.lead)
    page.goto("/prospects/?q=wolfe")

    name = page.locator("tbody .cell-main__title").bounding_box()
    company = page.locator("tbody .is-co > span").first.bounding_box()

    assert name is not None and company is not None
    assert name["x"] + name["width"] <= company["x"]
