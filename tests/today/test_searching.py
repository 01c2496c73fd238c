"""Search over everything, within what a person may see; and one's own settings."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tasks_app.models import Preference, Team
from tasks_app.services.searching import LIMIT
from tests.factories import (
    client_of,
    make_account,
    make_batch,
    make_prospect,
    make_task,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "palette-found"}


def found(client: Client, text: str, **headers: Any) -> Any:
    answer = client.get("/search/", {"q": text}, headers=headers)
    assert answer.status_code == 200
    return answer.context["found"]


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "a", "%", "_", "\\", "x" * 5000, "9" * 40, "😀😀", "٣٣"]
)
def test_any_text_can_be_typed(lead: User, team: Team, text: str) -> None:
    make_task(account=make_account(team=team))

    assert found(client_of(lead), text).total == 0


def test_a_task_is_found_by_the_vendors_id(lead: User, team: Team) -> None:
    account = make_account(team=team)
    mine = make_task(account=account, delivery="delivered", external_id="Ab7Xyz01")
    make_task(account=account, title="about ab7xyz01 and more")
    make_task(account=make_account(team=make_team()), external_id="Zz7Xyz02")
    client = client_of(lead)

    assert found(client, "Ab7Xyz01").tasks == [mine]
    assert found(client, "Zz7Xyz02").total == 0


def test_everything_of_the_team_is_found_and_nothing_of_another(
    lead: User, team: Team
) -> None:
    def furnish(where: Team) -> dict[str, int]:
        account = make_account(team=where, name="Halden desk")
        prospect = make_prospect(where, company="Halden Freight")
        return {
            "tasks": make_task(
                account=account, title="Call HALDEN", prospect=prospect
            ).pk,
            "prospects": prospect.pk,
            "batches": make_batch(account, title="Halden in July").pk,
            "accounts": account.pk,
        }

    ours = furnish(team)
    furnish(make_team())

    hits = found(client_of(lead), "halden")

    for kind, pk in ours.items():
        assert [row.pk for row in getattr(hits, kind)] == [pk], kind
    assert hits.total == 4
    assert found(client_of(lead), "halden july").total == 1


def test_a_rep_finds_no_task_and_no_batch_of_a_colleague(
    team: Team, lead: User
) -> None:
    rep, account = make_user(team, "rep"), make_account(team=team, name="Desk")
    theirs = make_batch(account, title="Renewal A")
    make_task(account=account, title="Renewal A", batch=theirs, assignee=lead)
    own = make_batch(account, title="Renewal B")
    mine = make_task(account=account, title="Renewal B", batch=own, assignee=rep)

    hits = found(client_of(rep), "renewal")

    assert [task.pk for task in hits.tasks] == [mine.pk]
    assert [batch.pk for batch in hits.batches] == [own.pk]


def test_a_batch_is_found_by_its_number(lead: User, team: Team) -> None:
    batch = make_batch(make_account(team=team), title="July")
    make_batch(make_account(team=team), title="August")

    number = f"{batch.pk:02}"

    assert [each.pk for each in found(client_of(lead), number).batches] == [batch.pk]


def test_below_the_box_only_the_results_are_sent(lead: User, team: Team) -> None:
    account = make_account(team=team)
    for number in range(LIMIT + 2):
        make_task(account=account, title=f"<b>Renewal</b> {number}")
    client = client_of(lead)

    part = client.get("/search/", {"q": "renewal"}, headers=HTMX)

    assert "<html" not in part.text
    assert "/tasks/?q=renewal" in part.text
    assert "&lt;b&gt;Renewal" in part.text
    assert part.text.count('href="/tasks/') == LIMIT + 1
    assert "<html" in client.get("/search/", {"q": "renewal"}).text


def test_a_search_takes_a_fixed_number_of_queries(lead: User, team: Team) -> None:
    client = client_of(lead)

    def asked(text: str) -> int:
        with CaptureQueriesContext(connection) as context:
            client.get("/search/", {"q": text}, headers=HTMX)
        return len(context)

    account = make_account(team=team, name="Renewal desk")
    counts = []
    for _ in range(2):
        for number in range(5):
            make_task(account=account, title=f"Renewal {number}")
            make_batch(account, title=f"Renewal {number}")
        counts.append(asked("renewal"))

    assert counts[0] == counts[1] <= 12
    assert asked("nothing-like-it") < counts[0]
    assert asked("r") < asked("nothing-like-it")


def test_nothing_found_says_so(lead: User) -> None:
    text = client_of(lead).get("/search/?q=zebra").text

    assert "Nothing has “zebra” in it." in text


# -- the frame -------------------------------------------------------------------------


def test_every_page_carries_the_menu_the_sheet_and_the_keys(lead: User) -> None:
    text = client_of(lead).get("/batches/").text

    assert 'id="palette"' in text
    assert 'id="shortcuts"' in text
    for key in ("n", "g t", "g l", "g b", "g w", "g p", "g a"):
        assert f'data-key="{key}"' in text, key
    assert 'data-keys="off"' not in text


def test_a_rep_has_no_key_for_what_only_a_lead_does(team: Team) -> None:
    text = client_of(make_user(team, "rep")).get("/batches/").text

    assert 'data-key="n"' not in text
    assert "/tasks/new/" not in text


# -- settings --------------------------------------------------------------------------


def test_settings_are_kept_per_person(lead: User, team: Team) -> None:
    client, other = client_of(lead), client_of(make_user(team))

    answer = client.post("/settings/", {"theme": "dark", "density": "compact"})

    assert answer["Location"] == "/settings/"
    assert client.cookies["theme"].value == "dark"
    preference = Preference.objects.get()
    assert (preference.user, preference.density) == (lead, "compact")
    assert preference.single_keys is False
    assert 'data-keys="off"' in client.get("/batches/").text
    assert 'data-keys="off"' not in other.get("/batches/").text
    assert 'data-theme="dark"' in client.get("/settings/").text

    client.post("/settings/", {"theme": "system", "single_keys": "on"})
    assert 'data-keys="off"' not in client.get("/batches/").text
    assert Preference.objects.get().density == "compact"


def test_words_nobody_knows_change_nothing(lead: User) -> None:
    client = client_of(lead)

    client.post(
        "/settings/", {"theme": "<b>", "density": "tiny" * 99, "single_keys": "x"}
    )

    preference = Preference.objects.get()
    assert (preference.theme, preference.density) == ("system", "comfortable")
    assert "theme" not in client.cookies


def test_more_batches_lead_to_the_list_of_batches(lead: User, team: Team) -> None:
    account = make_account(team=team)
    for _ in range(21):
        make_batch(account, title="Autumn")

    page = client_of(lead).get(reverse("search"), {"q": "autumn"}).text

    assert f'href="{reverse("batch-list")}?q=autumn"' in page


def test_the_menu_offers_what_the_page_in_view_offers(lead: User, team: Team) -> None:
    account = make_account("leadsquared", team=team)
    task = make_task(account=account, delivery="delivered", external_id="a-1")
    client = client_of(lead)

    page = client.get(f"/tasks/{task.pk}/").text
    lists = client.get("/tasks/?status=open").text

    menu = page[page.index('id="palette"') :]
    assert f'href="/tasks/{task.pk}/act/?action=complete"' in menu
    assert "Reschedule this task" in menu and "data-press" not in menu
    for name in ("task-start", "save-view", "task-export"):
        assert f'id="{name}"' in lists and f'data-press="{name}"' in lists
