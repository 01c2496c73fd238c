"""Who is meant by a pasted list or a filter."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks_app.models import Tag
from tasks_app.services.matching import filter_prospects, prospects_for_emails
from tests.factories import make_account, make_link, make_prospect, make_team

pytestmark = pytest.mark.django_db


def test_pasted_emails_are_found_in_any_spelling_and_in_their_order():
    team = make_team()
    ada = make_prospect(team, email="Ada@halden.example")
    bo = make_prospect(team, email="bo@halden.example")

    found, unknown, doubled = prospects_for_emails(
        team,
        [
            " BO@halden.example ",
            "ada@HALDEN.example",
            "",
            "no@one.example",
            "bo@halden.example",
        ],
    )

    assert found == [bo, ada]
    assert unknown == ["no@one.example"]
    assert doubled == ["bo@halden.example"]


def test_another_teams_prospect_is_unknown():
    make_prospect(make_team(), email="ada@halden.example")

    found, unknown, _ = prospects_for_emails(make_team(), ["ada@halden.example"])

    assert found == []
    assert unknown == ["ada@halden.example"]


def test_thousands_of_emails_take_a_handful_of_queries(django_assert_max_num_queries):
    team = make_team()
    ada = make_prospect(team, email="p1500@halden.example")
    emails = [f"p{n}@halden.example" for n in range(5000)]

    with django_assert_max_num_queries(6):
        found, unknown, _ = prospects_for_emails(team, emails)

    assert found == [ada]
    assert len(unknown) == 4999


def test_filters_combine_and_give_each_prospect_once():
    team = make_team()
    account, other = make_account(team=team), make_account("reply", team=team)
    ada = make_prospect(team, company="Halden Freight")
    bo = make_prospect(team, company="Halden Foods", do_not_contact=True)
    vip = Tag.objects.create(team=team, name="vip")
    ada.tags.add(vip, Tag.objects.create(team=team, name="q3"))
    make_link(ada, account)
    make_link(ada, other)

    assert list(filter_prospects(team, text="HALDEN fre")) == [ada]
    assert list(filter_prospects(team, tag="vip")) == [ada]
    assert list(filter_prospects(team, tag="Vip?")) == []
    assert list(filter_prospects(team, company="foods")) == [bo]
    assert list(filter_prospects(team, account=account)) == [ada]
    assert list(filter_prospects(team, linked=True)) == [ada]
    assert list(filter_prospects(team, account=account, linked=False)) == [bo]
    assert list(filter_prospects(team, do_not_contact=True)) == [bo]
    assert set(filter_prospects(team)) == {ada, bo}


def test_a_deleted_account_links_nobody_and_another_teams_tag_matches_nobody():
    team = make_team()
    account = make_account(team=team)
    ada = make_prospect(team)
    make_link(ada, account)
    account.deleted_at = timezone.now()
    account.save()
    Tag.objects.create(team=make_team(), name="vip")

    assert list(filter_prospects(team, linked=True)) == []
    assert list(filter_prospects(team, linked=False)) == [ada]
    assert list(filter_prospects(team, tag="vip")) == []
