"""Every page in a real browser: no violation of accessibility rules, nothing cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from playwright.sync_api import Page

from tasks_app.models import Task

from .conftest import DESKTOP, OpenPage, is_trouble, session_cookie
from .states import STATES
from .world import World, make_world

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

#: The narrowest window that every page is made for.
NARROW = {"width": 375, "height": 812}
#: What is scrolled half out of sight in an open menu is taken for a small target.
UNSCROLLED = {"target-size": {"enabled": False}}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PUBLIC = {
    "sign in": "/sign-in/",
    "forgotten password": "/password/",
    "mail is on its way": "/password/sent/",
    "dead link": "/password/x/y/",
    "password is set": "/password/set/",
}
Where = Callable[[World], str]


def pk(task: Task | None) -> int:
    assert task is not None
    return task.pk


PAGES: dict[str, Where] = {
    "today": lambda w: "/today/",
    "failed for one reason": lambda w: f"/today/failed/{w.task_in('failed').pk}/",
    "workload": lambda w: "/workload/",
    "saved views": lambda w: "/views/",
    "new saved view": lambda w: "/views/new/",
    "change a saved view": lambda w: f"/views/{w.view.pk}/",
    "delete a saved view": lambda w: f"/views/{w.view.pk}/delete/",
    "move a task of the week": lambda w: (
        f"/workload/tasks/{w.task_in('delivered').pk}/"
    ),
    "priority of a task": lambda w: f"/tasks/{w.task_in('delivered').pk}/priority/",
    "edit a prospect": lambda w: f"/prospects/{w.prospects[1].pk}/edit/",
    "tasks": lambda w: "/tasks/",
    "tasks filtered": lambda w: "/tasks/?delivery=failed,needs_check&sort=-priority",
    "tasks nothing found": lambda w: "/tasks/?q=nobody-has-this",
    "task delivered": lambda w: f"/tasks/{w.task_in('delivered').pk}/",
    "task failed": lambda w: f"/tasks/{w.task_in('failed').pk}/",
    "task in need of a check": lambda w: f"/tasks/{w.task_in('needs_check').pk}/",
    "task made at the vendor": lambda w: f"/tasks/{pk(w.made_there)}/",
    "tasks made at the vendor": lambda w: "/tasks/?origin=vendor",
    "task whose type is gone": lambda w: f"/tasks/{pk(w.stopped)}/",
    "mend a task": lambda w: f"/tasks/{pk(w.stopped)}/mend/",
    "new task at Saleshandy": lambda w: f"/tasks/new/?account={w.accounts[0].pk}",
    "new task at LeadSquared": lambda w: f"/tasks/new/?account={w.accounts[1].pk}",
    "new task at Reply.io": lambda w: f"/tasks/new/?account={w.accounts[2].pk}",
    "new task at YSuite": lambda w: f"/tasks/new/?account={w.accounts[3].pk}",
    "new task shared out": lambda w: (
        f"/tasks/new/?account={w.accounts[0].pk}&type_code=13&due_on=2030-07-19"
        f"&prospects={','.join(str(p.pk) for p in w.prospects)}&share=turn"
        f"&assignees=user:{w.lead.pk}&assignees=user:{w.rep.pk}"
        "&days=spread&spread_per_day=7&note=Hi%20{{firstName}}"
    ),
    "drafts": lambda w: "/tasks/drafts/",
    "templates": lambda w: "/tasks/templates/",
    "batches": lambda w: "/batches/",
    "batch": lambda w: f"/batches/{w.batches[0].pk}/",
    "batch that stands still": lambda w: f"/batches/{w.batches[3].pk}/",
    "batch that is paused": lambda w: f"/batches/{w.batches[2].pk}/",
    "needs a check": lambda w: "/needs-check/",
    "accounts": lambda w: "/accounts/",
    "account": lambda w: f"/accounts/{w.accounts[1].pk}/",
    "account without a key": lambda w: f"/accounts/{w.accounts[3].pk}/",
    "prospects": lambda w: "/prospects/",
    "prospect": lambda w: f"/prospects/{w.prospects[1].pk}/",
    "prospects changed": lambda w: "/prospects/change/?all=1&query=",
    "prospect by hand": lambda w: "/prospects/new/",
    "import": lambda w: "/prospects/import/",
    "search": lambda w: "/search/?q=kestrel",
    "settings": lambda w: "/settings/",
    "not found": lambda w: "/tasks/999999/",
}


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


def violations(page: Page, **rules: object) -> list[str]:
    options = {**RULES, "rules": rules}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in found
        for node in rule["nodes"]
    ]


def ids_given_twice(page: Page) -> list[str]:
    """Return what more than one part of the page is called."""
    found = page.evaluate(
        "[...document.querySelectorAll('[id]')].map((each) => each.id)"
    )
    return sorted({f"id {name} twice" for name in found if found.count(name) > 1})


def cut_off(page: Page) -> int:
    """Return how many pixels the page is wider than the window."""
    return int(
        page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, NARROW], ids=["desktop", "phone"])
def test_pages_are_accessible_and_fit(world, open_page: OpenPage, scheme, viewport):
    if connection.vendor == "postgresql" and (scheme, viewport) != ("light", DESKTOP):
        pytest.skip("How a page looks does not depend on the database.")
    page = open_page(world.lead, viewport=viewport, color_scheme=scheme)
    stranger = open_page(viewport=viewport, color_scheme=scheme)
    faults = {}

    addresses = {name: where(world) for name, where in PAGES.items()}
    for name, address in [*addresses.items(), *PUBLIC.items()]:
        tab = stranger if name in PUBLIC else page
        answer = tab.goto(address)
        assert answer is not None
        expected = 404 if name == "not found" else 200
        wrong = [] if answer.status == expected else [f"status {answer.status}"]
        wrong += violations(tab) + ids_given_twice(tab)
        if over := cut_off(tab):
            wrong.append(f"{over} pixels wider than the window")
        if wrong:
            faults[name] = wrong

    assert faults == {}


@pytest.mark.parametrize("look", [("light", DESKTOP), ("dark", NARROW)], ids=str)
def test_states_are_accessible_and_fit(world, open_page: OpenPage, look):
    scheme, viewport = look
    page = open_page(world.lead, viewport=viewport, color_scheme=scheme)
    faults = {}

    for name, (where, act) in STATES.items():
        page.goto(where(world))
        act(page)
        page.wait_for_timeout(300)  # what moves has arrived
        wrong = violations(page, **UNSCROLLED) + ids_given_twice(page)
        if over := cut_off(page):
            wrong.append(f"{over} pixels wider than the window")
        if wrong:
            faults[name] = wrong

    assert faults == {}


def test_a_rep_sees_the_pages_too(world, open_page: OpenPage):
    page = open_page(world.rep)

    for address in ("/tasks/", "/batches/", "/accounts/", "/prospects/"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert violations(page) == []


#: Its widget for permissions breaks rules of its own; the policy it keeps.
DJANGOS_OWN = "/admin/auth/user/{user}/change/"
ADMIN = (
    "/admin/",
    "/admin/baton/connectedaccount/",
    "/admin/baton/connectedaccount/add/",
    "/admin/baton/connectedaccount/{account}/change/",
    "/admin/baton/task/",
    "/admin/baton/team/",
    "/admin/auth/user/",
    DJANGOS_OWN,
)


def test_the_admin_is_accessible_and_keeps_the_policy(
    world, open_page: OpenPage, chromium, live_server
):
    world.lead.is_staff = world.lead.is_superuser = True
    world.lead.save()
    page = open_page(world.lead)
    # What looks for violations sets styles of its own there.
    looked_at = chromium.new_context(base_url=live_server.url)
    looked_at.add_cookies([session_cookie(world.lead, live_server.url)])
    tab = looked_at.new_page()

    for address in ADMIN:
        where = address.format(account=world.accounts[0].pk, user=world.rep.pk)
        answer = page.goto(where)
        assert answer is not None
        assert answer.status == 200, where
        if address != DJANGOS_OWN:
            tab.goto(where)
            assert violations(tab) == [], where
    looked_at.close()


def test_what_the_policy_forbids_is_seen(chromium, live_server):
    page = chromium.new_page(base_url=live_server.url)
    said = []
    page.on("console", lambda message: said.append(message))
    page.goto("/sign-in/")

    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.wait_for_timeout(200)

    assert [is_trouble(message, page.url) for message in said] == [True]
    page.close()
