"""The form for new tasks in a browser: drafts, lost connections, sharing out, templates."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from tasks_app.models import Batch, FormDraft, Prospect, Task, TaskTemplate

from .conftest import PHONE, OpenPage, session_cookie
from .test_pages import violations
from .world import World, make_world

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def world(transactional_db: None) -> World:
    made = make_world(tasks=8)
    FormDraft.objects.all().delete()
    TaskTemplate.objects.all().delete()
    return made


def fresh(world: World, number: int) -> list[Prospect]:
    """Return prospects without any task."""
    busy = Task.objects.exclude(prospect=None).values("prospect_id")
    return list(Prospect.objects.exclude(pk__in=busy).order_by("pk")[:number])


def form_with(page: Page, world: World, people: list[Prospect]) -> None:
    numbers = ",".join(str(person.pk) for person in people)
    page.goto(f"/tasks/new/?account={world.accounts[0].pk}&prospects={numbers}")


def test_what_is_typed_is_saved_by_itself_and_opened_again(
    world, open_page: OpenPage
) -> None:
    page = open_page(world.lead)
    form_with(page, world, fresh(world, 2))
    page.get_by_label("Note").fill("Ask {{firstName}} about the audit.")

    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    draft = FormDraft.objects.get()
    page.get_by_label("Note").fill("Ask {{firstName}} about the renewal.")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#draft-state [name=version]")).not_to_have_value("1")

    page.goto("/tasks/new/")
    expect(page.locator(".content--banner")).to_contain_text(
        "You began “Ask {{firstName}}"
    )
    page.get_by_role("link", name="Go on with it").click()
    expect(page.get_by_label("Note")).to_have_value(
        "Ask {{firstName}} about the renewal."
    )
    expect(page.locator("#picker [name=prospect]")).to_have_count(2)
    assert FormDraft.objects.get().pk == draft.pk

    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Note")).to_have_value(
        "Ask {{firstName}} about the renewal."
    )


def test_a_lost_connection_loses_no_text(world, open_page: OpenPage) -> None:
    page = open_page(world.lead)
    form_with(page, world, fresh(world, 1))
    expect(page.locator("#create-label")).to_have_text("Create 1 task")

    page.context.set_offline(True)
    page.get_by_label("Note").fill("Typed in a tunnel.")
    expect(page.locator("#draft-state")).to_contain_text("no connection")
    expect(page.get_by_label("Note")).to_have_value("Typed in a tunnel.")
    page.context.set_offline(False)

    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    assert FormDraft.objects.get().title == "Typed in a tunnel."


def test_an_ended_session_leaves_the_text_where_it_is(
    world, open_page: OpenPage, live_server
) -> None:
    page = open_page(world.lead)
    form_with(page, world, fresh(world, 1))
    Session.objects.all().delete()

    page.get_by_label("Note").fill("Typed too late.")
    expect(page.locator("#draft-state")).to_contain_text("You were signed out")
    expect(page.get_by_label("Note")).to_have_value("Typed too late.")
    with page.expect_response("**/tasks/drafts/"):  # a look before signing in
        page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.wait_for_timeout(200)
    page.context.add_cookies([session_cookie(world.lead, live_server.url)])
    page.evaluate("window.dispatchEvent(new Event('focus'))")

    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    page.get_by_role("button", name=re.compile("Create 1 task")).click()
    page.wait_for_url(re.compile(r"/batches/\d+/$"))
    assert not FormDraft.objects.exists()


def test_tasks_are_shared_out_by_keyboard_and_mouse(world, open_page: OpenPage) -> None:
    page = open_page(world.lead)
    form_with(page, world, fresh(world, 5))
    page.get_by_text("Several in turn").click()
    page.get_by_role("checkbox", name="Elin Berg").check()
    page.get_by_role("checkbox", name="Mara Lind").check()
    page.get_by_label("Due", exact=True).fill("2030-07-19")
    page.get_by_text("Spread over working days").click()
    page.get_by_label("Tasks per working day").fill("2")

    table = page.locator("#preview .shares-table")
    expect(table).to_contain_text("Mon 22 Jul 2030")
    assert violations(page) == []
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/batches/\d+/$"))

    tasks = Batch.objects.latest("pk").tasks.order_by("pk")
    assert [task.due_on.day for task in tasks] == [19, 19, 22, 22, 23]
    assert len({task.assignee for task in tasks}) == 2


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_open_tasks_are_decided_about_first(
    world, open_page: OpenPage, scripts
) -> None:
    account = world.accounts[0]
    busy, free = fresh(world, 2)
    call = account.task_types.get(code="13")
    Task.objects.filter(pk=world.tasks[0].pk).update(
        prospect=busy, channel=call.channel, status="open", delivery="queued"
    )
    page = open_page(world.lead, java_script_enabled=scripts)
    numbers = f"{busy.pk},{free.pk}"
    page.goto(f"/tasks/new/?account={account.pk}&prospects={numbers}&type_code=13")

    page.locator("#create").click()
    expect(page.locator("#problems")).to_contain_text("create all the same")
    page.get_by_text("Leave this one out").click()
    page.locator("#create").click()
    page.wait_for_url(re.compile(r"/batches/\d+/$"))

    assert [t.prospect for t in Batch.objects.latest("pk").tasks.all()] == [free]


def test_a_template_is_kept_and_used(world, open_page: OpenPage) -> None:
    page = open_page(world.lead, viewport=PHONE)
    form_with(page, world, fresh(world, 1))
    page.get_by_label("Note").fill("The text of the team.")
    page.get_by_role("button", name="Templates").click()
    page.get_by_label("Save as a template").fill("Renewal")
    page.locator("#templates-menu").get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("“Renewal” is a template")

    page.goto("/tasks/new/")
    page.get_by_role("button", name="Templates").click()
    page.locator("#templates-menu").get_by_role("button", name="Renewal").click()
    expect(page.get_by_label("Note")).to_have_value("The text of the team.")
    assert violations(page) == []


def test_enter_without_scripts_only_looks(world, open_page: OpenPage) -> None:
    page = open_page(world.lead, java_script_enabled=False)
    form_with(page, world, fresh(world, 1))

    page.get_by_label("Title").fill("Renewal")
    page.get_by_label("Title").press("Enter")

    expect(page.get_by_label("Title")).to_have_value("Renewal")
    expect(page.locator("#preview")).to_contain_text("/tasks/create")
    assert not FormDraft.objects.exists()


def test_all_prospects_of_a_filter_get_a_task(world, open_page: OpenPage) -> None:
    page = open_page(world.lead)
    page.goto("/prospects/")
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Owner").select_option("Elin Berg")
    page.get_by_label("Tasks", exact=True).select_option("No open task")
    number = Prospect.objects.filter(owner=world.rep.email).exclude(
        tasks__status__in=["open", "in_progress"]
    )
    page.keyboard.press("Escape")
    page.get_by_role("link", name=f"New task for all {number.count()}").click()

    expect(page.locator("#matching")).to_contain_text(
        f"{number.count()} prospects match now"
    )
    expect(page.locator("#id_filter_owner")).to_have_value(str(world.rep.pk))
    page.get_by_role("radio", name=re.compile("Outbound EU")).check()
    expect(page.locator("#create-label")).to_have_text(f"Create {number.count()} tasks")


def test_enter_takes_a_match_of_what_is_typed_and_the_open_list_stays(
    world, open_page: OpenPage
) -> None:
    first, *people = list(Prospect.objects.order_by("pk")[:10])
    Prospect.objects.filter(pk=first.pk).update(search_text="only zebra")
    page = open_page(world.lead)
    form_with(page, world, people)

    page.get_by_text("and 3 more").click()
    page.locator("#chosen-more [name=remove]").first.click()
    expect(page.locator("#chosen-more summary")).to_have_text("and 2 more")
    expect(page.locator("#chosen-more [name=remove]").first).to_be_focused()

    page.get_by_label("Search prospects").fill("a")
    expect(page.locator("#results [name=add], #results small").first).to_be_visible()
    page.get_by_label("Search prospects").fill("zebra")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen-more summary")).to_have_text("and 3 more")
    chosen = page.locator("#picker [name=prospect]")
    assert chosen.last.get_attribute("value") == str(first.pk)
