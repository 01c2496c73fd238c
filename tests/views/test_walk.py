"""Walks every address as every wrong person. A new one is walked by itself.

The addresses come from the URLconf: a view that does not say who may open it fails
here, and so does one whose objects can be reached from another team.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, reverse

from tasks_app.models import ConnectedAccount, SavedView, TaskCopy, TaskEvent, Team
from tests.factories import (
    client_of,
    make_account,
    make_batch,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
)

#: Reviewed: anybody may open these, and nothing of a team shows in them.
PUBLIC = {
    "login",
    "logout",
    "password-reset",
    "password-reset-done",
    "password-reset-confirm",
    "password-reset-complete",
    "theme",
    "healthz",
    "hook",
    "hook-by-header",
}
#: Files that exist only after something went wrong.
NOTHING_THERE = {"prospect-import-refused"}
#: Only its maker opens it.
OWN = {"task-working"}
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Address:
    name: str
    view: Callable[..., Any]
    kwargs: tuple[str, ...] = field(default=())

    @property
    def access(self) -> str:
        return str(getattr(self.view, "access", ""))


def addresses(patterns: list[Any]) -> Iterator[Address]:
    """Yield every address below these patterns; the admin site guards its own."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from addresses(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            kwargs = tuple(pattern.pattern.converters)
            yield Address(str(pattern.name), pattern.callback, kwargs)


ALL = list(addresses(get_resolver().url_patterns))
GUARDED = [a for a in ALL if a.name not in PUBLIC]
WITH_OBJECT = [a for a in GUARDED if a.kwargs]
FOR_LEADS = [a for a in GUARDED if a.access == "lead"]


def named(cases: list[Address]) -> dict[str, Any]:
    return {"argvalues": cases, "ids": [case.name for case in cases]}


def make_import(team: Team) -> Any:
    from tasks_app.models import ProspectImport

    return ProspectImport.objects.create(
        team=team, created_by=make_user(team), file_name="people.csv", content=b"a\n1\n"
    )


def make_form_draft(team: Team) -> Any:
    from tasks_app.models import FormDraft

    return FormDraft.objects.create(team=team, owner=make_user(team))


def make_task_template(team: Team) -> Any:
    from tasks_app.models import TaskTemplate

    return TaskTemplate.objects.create(team=team, name="Renewal")


def make_run(team: Team) -> Any:
    from tasks_app.models import ActionRun

    return ActionRun.objects.create(
        team=team, by=make_user(team), action="complete", form_token=uuid4()
    )


def make_work(team: Team) -> Any:
    from tasks_app.models import Work

    return Work.objects.create(team=team, owner=make_user(team))


class World:
    """One row of every kind in a team, for any address that names one."""

    def __init__(self, team: Team) -> None:
        self.account: ConnectedAccount = make_account(team=team)
        self.prospect = make_prospect(team)
        self.batch = make_batch(self.account)
        self.task = make_task(
            account=self.account, batch=self.batch, assignee=make_user(team)
        )
        self.push = make_push(task=self.task)
        self.event = TaskEvent.objects.create(
            task=self.task, source=TaskEvent.Source.PERSON, kind="holder"
        )
        self.copy = TaskCopy.objects.create(
            account=self.account, task=self.task, external_id="T2"
        )
        self.prospect_import = make_import(team)
        self.run = make_run(team)
        self.work = make_work(team)
        self.draft = make_form_draft(team)
        self.template = make_task_template(team)
        self.view = SavedView.objects.create(
            team=team, owner=make_user(team), name="Shared", shared=True
        )

    def url(self, address: Address) -> str:
        kinds = {
            "task": self.task,
            "account": self.account,
            "batch": self.batch,
            "prospect": self.prospect,
            "push": self.push,
            "event": self.event,
            "copy": self.copy,
            "import": self.prospect_import,
            "run": self.run,
            "work": self.work,
            "draft": self.draft,
            "template": self.template,
            "view": self.view,
        }
        kwargs = {}
        for name in address.kwargs:
            kind = name.removesuffix("_id") if name not in ("pk", "id") else ""
            kind = kind or address.name.split("-")[0]
            assert kind in kinds, f"Teach World to make the {name} of {address.name}."
            kwargs[name] = kinds[kind].pk
        return reverse(address.name, kwargs=kwargs)


@pytest.fixture
def world(team: Team) -> World:
    return World(team)


def verbs_of(url: str, lead: Client) -> list[str]:
    """Return what this address takes, as it says itself to a wrong verb."""
    refused = lead.generic("TRACE", url)
    assert refused.status_code == 405, f"{url} takes any verb."
    return [v for v in refused["Allow"].replace(" ", "").split(",") if v in VERBS]


def ask(client: Client, verb: str, url: str) -> HttpResponse:
    return client.generic(verb, url)  # type: ignore[return-value]


# -- every view says who may open it -----------------------------------------------------


def undeclared(cases: list[Address]) -> list[str]:
    return [
        case.name
        for case in cases
        if case.name not in PUBLIC and case.access not in ("member", "lead")
    ]


def test_every_view_declares_who_may_open_it() -> None:
    assert undeclared(ALL) == []


def test_a_view_without_a_declaration_is_found() -> None:
    def careless(request: Any) -> HttpResponse:
        return HttpResponse("secrets")

    cases = list(addresses([path("new/", careless, name="brand-new")]))

    assert undeclared(cases) == ["brand-new"]


def test_the_list_of_public_addresses_holds_nothing_old() -> None:
    assert PUBLIC - {address.name for address in ALL} == set()


def test_there_is_something_to_walk() -> None:
    assert {"task-list", "task-detail", "home"} <= {a.name for a in GUARDED}


# -- the wrong people ----------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("address", **named(GUARDED))
def test_anonymous_is_led_to_sign_in(
    address: Address, world: World, team: Team
) -> None:
    url = world.url(address)
    verbs = verbs_of(url, client_of(make_user(team)))

    for verb in verbs:
        response = ask(Client(), verb, url)

        assert response.status_code == 302, (verb, url)
        assert urlsplit(response["Location"]).path == reverse("login")


@pytest.mark.django_db
@pytest.mark.parametrize("address", **named(GUARDED))
def test_a_person_without_a_team_gets_nothing(
    address: Address, world: World, team: Team
) -> None:
    url = world.url(address)
    outsider = client_of(make_user(None, is_staff=True, is_superuser=True))

    for verb in verbs_of(url, client_of(make_user(team))):
        assert ask(outsider, verb, url).status_code == 403, (verb, url)


@pytest.mark.django_db
@pytest.mark.parametrize("address", **named(FOR_LEADS))
def test_a_rep_does_not_do_a_leads_work(
    address: Address, world: World, team: Team
) -> None:
    url = world.url(address)
    rep = client_of(make_user(team, "rep"))

    for verb in verbs_of(url, client_of(make_user(team))):
        assert ask(rep, verb, url).status_code == 403, (verb, url)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["lead", "rep"])
@pytest.mark.parametrize("address", **named(WITH_OBJECT))
def test_nobody_reaches_into_another_team(
    address: Address, role: str, world: World, team: Team
) -> None:
    url = world.url(address)
    stranger = client_of(make_user(make_team(), role))
    expected = 403 if role == "rep" and address.access == "lead" else 404

    for verb in verbs_of(url, client_of(make_user(team))):
        assert ask(stranger, verb, url).status_code == expected, (verb, url)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", **named([a for a in WITH_OBJECT if a.name.startswith("task-")])
)
def test_a_rep_does_not_reach_a_colleagues_task(
    address: Address, world: World, team: Team
) -> None:
    url = world.url(address)
    rep = client_of(make_user(team, "rep"))

    for verb in verbs_of(url, client_of(make_user(team))):
        assert ask(rep, verb, url).status_code in (403, 404), (verb, url)


@pytest.mark.django_db
@pytest.mark.parametrize("address", **named(GUARDED))
def test_wrong_verbs_are_refused(address: Address, world: World, team: Team) -> None:
    url = world.url(address)
    lead = client_of(make_user(team))
    allowed = verbs_of(url, lead)

    assert allowed, url
    for verb in VERBS:
        if verb not in allowed:
            assert ask(lead, verb, url).status_code == 405, (verb, url)


@pytest.mark.django_db
def test_an_impossible_number_is_not_found(team: Team) -> None:
    lead = client_of(make_user(team))

    for address in WITH_OBJECT:
        url = reverse(address.name, kwargs=dict.fromkeys(address.kwargs, 10**19))
        for verb in verbs_of(url, lead):
            assert ask(lead, verb, url).status_code == 404, (verb, url)


@pytest.mark.django_db
def test_the_admin_site_is_for_staff(team: Team) -> None:
    for user in (make_user(team, "lead"), make_user(team, "rep")):
        response = client_of(user).get(reverse("admin:index"))

        assert response.status_code == 302
        assert "login" in response["Location"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["login", "password-reset", "password-reset-done", "healthz"]
)
def test_public_pages_open_without_signing_in(name: str) -> None:
    assert Client().get(reverse(name)).status_code == 200


# -- the right person --------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("address", **named(GUARDED))
def test_a_lead_opens_every_page(address: Address, world: World, team: Team) -> None:
    url = world.url(address)
    lead = client_of(make_user(team))

    if "GET" in verbs_of(url, lead):
        answer = lead.get(url)

        expected = (404,) if address.name in NOTHING_THERE | OWN else (200, 302)
        assert answer.status_code in expected, url
        assert answer.status_code != 302 or reverse("login") not in answer["Location"]
