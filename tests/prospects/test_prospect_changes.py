"""Tags and owners of many prospects change for exactly those who are named."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tasks_app.models import Prospect, Tag, Team
from tasks_app.services import owners, prospect_changes, prospects
from tasks_app.services.members import members_by_name
from tests.factories import client_of, make_prospect, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def url() -> str:
    return reverse("prospect-change")


@pytest.fixture
def page(team: Team) -> Client:
    return client_of(make_user(team))


def tagged(name: str) -> set[int]:
    rows = Prospect.objects.filter(tags__name=name)
    return set(rows.values_list("pk", flat=True))


def test_a_rep_changes_nobody(team: Team, url: str) -> None:
    rep = client_of(make_user(team, "rep"))

    assert rep.get(url).status_code == 403
    assert rep.post(url, {"what": "tag", "tag": "x"}).status_code == 403


def test_ticked_ones_get_a_tag_and_nobody_of_another_team(
    team: Team, page: Client, url: str
) -> None:
    mine = [make_prospect(team).pk for _ in range(3)]
    other = make_prospect(make_team()).pk
    ids = [*mine[:2], other]

    shown = page.get(url, {"prospect": ids})
    post = {"what": "tag", "tag": " VIP ", "prospect": ids, "count": 2}
    answer = page.post(url, post, follow=True)

    assert "Change 2 prospects" in shown.text and "Tag 2" in shown.text
    assert tagged("VIP") == set(mine[:2])
    assert "Tag “VIP” added to 2 prospects." in answer.text
    again = page.post(url, post | {"tag": "vip"}, follow=True)
    assert "added to 0 prospects. 2 had it." in again.text
    assert Tag.objects.count() == 1


def test_all_that_match_are_changed_and_nobody_else(
    team: Team, page: Client, url: str
) -> None:
    acme = {make_prospect(team, company="Acme").pk for _ in range(60)}
    make_prospect(team, company="Zeta")
    make_prospect(make_team(), company="Acme")
    listed = page.get(reverse("prospect-list"), {"company": "Acme"})
    post = {"what": "tag", "tag": "x", "all": "1", "query": "company=Acme"}

    shown = page.get(url, {"all": "1", "query": "company=Acme"})
    old = page.post(url, post | {"count": 59})
    assert old.status_code == 409 and not tagged("x")
    page.post(url, post | {"count": 60})

    assert f"{url}?all=1&amp;query=company%3DAcme" in listed.text
    assert "All that match: company Acme." in " ".join(shown.text.split())
    assert tagged("x") == acme


def test_a_filter_that_is_not_understood_changes_nobody(
    team: Team, page: Client, url: str
) -> None:
    make_prospect(team)
    post = {"what": "tag", "tag": "x", "all": "1", "query": "tag=gone", "count": 1}

    answer = page.post(url, post)

    assert answer.status_code == 422 and not Tag.objects.exists()
    assert 'name="what"' not in answer.text


def test_a_tag_is_taken_off_and_an_owner_is_set(
    team: Team, page: Client, url: str
) -> None:
    ada, ben = make_prospect(team, owner="x@y.example"), make_prospect(team)
    tag = Tag.objects.create(team=team, name="old")
    strange = Tag.objects.create(team=make_team(), name="strange")
    ada.tags.add(tag)
    rep = make_user(team, "rep")
    rep.email = "Rep@Example.com"
    rep.save()
    ids = {"prospect": [ada.pk, ben.pk], "count": 2}

    refused = page.post(url, ids | {"what": "untag", "untag": strange.pk})
    off = page.post(url, ids | {"what": "untag", "untag": tag.pk}, follow=True)
    own = page.post(url, ids | {"what": "owner", "owner": str(rep.pk)}, follow=True)

    assert refused.status_code == 422
    assert "removed from 1 prospect. 1 did not have it." in off.text
    assert "owns 2 prospects now." in own.text
    ada.refresh_from_db()
    assert (ada.owner, ada.owner_key) == ("Rep@Example.com", "rep@example.com")
    found = page.get(reverse("prospect-list"), {"owner": str(rep.pk)})
    assert found.context["total"] == 2
    page.post(url, ids | {"what": "owner", "owner": "none"})
    assert Prospect.objects.filter(owner_key="").count() == 2


@pytest.mark.parametrize(
    ("post", "sentence"),
    [
        ({"what": "tag", "tag": ""}, "Name the tag."),
        ({"what": "tag", "tag": "a, b"}, "One tag has no comma in it."),
        ({"what": "untag", "untag": "99999999999999999999"}, "does not exist"),
        ({"what": "owner", "owner": "999"}, "This person is not in the team"),
    ],
)
def test_bad_input_changes_nothing(
    team: Team, page: Client, url: str, post: dict[str, str], sentence: str
) -> None:
    person = make_prospect(team, owner="x")

    answer = page.post(url, post | {"prospect": str(person.pk), "count": "1"})

    assert answer.status_code == 422 and sentence in answer.text
    assert not Tag.objects.exists()


def test_too_many_at_once_are_refused(
    team: Team, page: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prospect_changes, "MOST", 2)
    for _ in range(3):
        make_prospect(team)
    post = {"what": "tag", "tag": "x", "all": "1", "query": "", "count": 3}

    answer = page.post(url, post)

    assert answer.status_code == 422 and "More than 2 match" in answer.text
    assert not Tag.objects.exists()


def test_the_export_takes_ticked_ones_alone(team: Team, page: Client) -> None:
    ada, _ = make_prospect(team, email="a@x.example"), make_prospect(team)

    answer = page.get(reverse("prospect-export"), {"prospect": ada.pk})

    lines = b"".join(answer.streaming_content).decode().strip().splitlines()
    assert len(lines) == 2 and "a@x.example" in lines[1]


def test_a_tag_is_known_in_any_letters_and_made_once(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_prospect(team)
    prospect_changes.add_tag(team, [person.pk], "Ärzte")

    assert prospect_changes.add_tag(team, [person.pk], "ärzte") == 0

    assert [tag.name for tag in team.tags.all()] == ["Ärzte"]
    # Somebody else makes it between the look and the making.
    monkeypatch.setattr(prospects, "tags_of", lambda team: Tag.objects.none())
    assert prospect_changes.add_tag(team, [person.pk], "Ärzte") == 0
    assert Tag.objects.filter(team=team).count() == 1


def called(team: Team, email: str, **names: str) -> User:
    user = make_user(team, "rep", **names)
    user.email = email
    user.save()
    return user


def test_an_owner_is_written_as_what_names_them_alone(team: Team) -> None:
    first, second = (
        called(team, "", first_name="Kim", last_name="Lee") for _ in range(2)
    )
    person = make_prospect(team)

    prospect_changes.set_owner(team, [person.pk], second)

    person.refresh_from_db()
    found = owners.members_by_key(members_by_name(team))
    assert found.get(person.owner_key) == second != first
    assert person.owner == second.username


def test_an_owner_whom_nothing_names_alone_is_written_by_the_first_word(
    team: Team,
) -> None:
    one = called(team, "a@b.example", username="kim")
    called(team, "", username="A@B.example")
    called(team, "", first_name="Kim", username="lee")
    person = make_prospect(team)

    prospect_changes.set_owner(team, [person.pk], one)

    person.refresh_from_db()
    assert person.owner == "a@b.example"
