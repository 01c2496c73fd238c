"""Whom a form means: picked, pasted or filtered."""

from __future__ import annotations

import pytest

from tasks_app.models import Tag
from tasks_app.services import choosing
from tasks_app.services.choosing import Choice, chosen_by, search, tokens
from tasks_app.services.prospect_query import ProspectQuery
from tests.factories import make_account, make_link, make_prospect, make_team

pytestmark = pytest.mark.django_db


def test_people_of_another_team_are_never_chosen() -> None:
    team, other = make_team(), make_team()
    mine, theirs = make_prospect(team), make_prospect(other)

    picked = chosen_by(team, Choice(ids=[theirs.pk, mine.pk]), account=None)
    pasted = chosen_by(team, Choice("paste", pasted=theirs.email), account=None)
    filtered = chosen_by(team, Choice("filter", seen=1), account=None)

    assert picked.prospects == [mine]
    assert pasted.prospects == []
    assert filtered.prospects == [mine]
    assert search(team, "okafor") == [mine]


def test_the_order_of_picking_is_kept() -> None:
    team = make_team()
    first, second = make_prospect(team), make_prospect(team)

    chosen = chosen_by(team, Choice(ids=[second.pk, first.pk, second.pk]), account=None)

    assert chosen.prospects == [second, first]


def test_a_pasted_list_says_who_was_not_found_and_where() -> None:
    account = make_account("saleshandy")
    ada = make_prospect(account.team, email="ada@halden.example")
    bo = make_prospect(account.team)
    link = make_link(bo, account)
    pasted = (
        f"Ada Okafor <ADA@halden.example>; {link.external_id}\n\n"
        "k.menon@malabr.example, XX99"
    )

    chosen = chosen_by(account.team, Choice("paste", pasted=pasted), account=account)

    assert chosen.prospects == [ada, bo]
    assert [left.name for left in chosen.unknown] == ["k.menon@malabr.example", "XX99"]
    assert "Line 3" in chosen.unknown[0].reason


def test_an_address_pasted_twice_comes_twice_so_that_it_can_be_named() -> None:
    team = make_team()
    ada = make_prospect(team, email="ada@halden.example")

    chosen = chosen_by(
        team,
        Choice("paste", pasted="ada@halden.example\nAda@Halden.example"),
        account=None,
    )

    assert chosen.prospects == [ada, ada]


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("", []),
        (" \n\n ", []),
        ("a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("Ada <a@x.example>,b@x.example;", ["a@x.example", "b@x.example"]),
        ("write to a@x.example.", ["a@x.example"]),
        ('"a@x.example"', ["a@x.example"]),
        ("8PvBmrB7P7\tPr2", ["8PvBmrB7P7", "Pr2"]),
    ],
)
def test_what_a_paste_names(pasted, found) -> None:
    assert [text for _, text in tokens(pasted)] == found


def test_a_filter_counts_before_it_is_used() -> None:
    team = make_team()
    make_prospect(team)

    unseen = chosen_by(team, Choice("filter"), account=None)
    stale = chosen_by(team, Choice("filter", seen=2), account=None)
    seen = chosen_by(team, Choice("filter", seen=1), account=None)

    assert "1 prospect matches" in unseen.errors[0].message
    assert "it was 2" in stale.errors[0].message
    assert (seen.errors, seen.matching) == ([], 1)


def test_a_filter_by_tag_company_and_text() -> None:
    team = make_team()
    ada = make_prospect(team, company="Halden", title="Head of Logistics")
    make_prospect(team, company="Nordhavn", title="Buyer")
    ada.tags.add(Tag.objects.create(team=team, name="warm"))

    for asked in (
        ProspectQuery(tag="warm"),
        ProspectQuery(company="hald"),
        ProspectQuery(text="HEAD logistics"),
    ):
        choice = Choice("filter", filter=asked, seen=1)
        assert chosen_by(team, choice, account=None).prospects == [ada]


def test_too_many_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(choosing, "MOST", 2)
    team = make_team()
    people = [make_prospect(team) for _ in range(3)]

    picked = chosen_by(team, Choice(ids=[p.pk for p in people]), account=None)
    people += [make_prospect(team) for _ in range(2)]
    filtered = chosen_by(team, Choice("filter", seen=3), account=None)

    for chosen in (picked, filtered):
        assert chosen.prospects == []
        assert "at most 2" in chosen.errors[0].message
    assert filtered.matching == 5
    assert "5 prospects match, and one batch takes" in filtered.too_many
    assert "Narrow the filter" in filtered.errors[0].message


@pytest.mark.parametrize("name", ["tag", "known", "contact", "work", "owner"])
def test_what_is_no_more_matches_nobody_and_never_everybody(name) -> None:
    team = make_team()
    make_prospect(team)

    choice = Choice("filter", filter=ProspectQuery(**{name: "99"}), seen=1)

    assert chosen_by(team, choice, account=None).prospects == []
