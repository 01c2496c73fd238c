"""The list of prospects, one prospect, and who may change what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tasks_app.models import Prospect, Tag, Team
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_task,
    make_team,
    make_user,
)

from .sheets import do_import, everything

pytestmark = pytest.mark.django_db


def client_of(team: Team, role: str = "lead") -> Client:
    client = Client()
    client.force_login(make_user(team, role))
    return client


@pytest.fixture
def lead(team: Team) -> Client:
    return client_of(team)


@pytest.fixture
def rep(team: Team) -> Client:
    return client_of(team, "rep")


LIST = "/prospects/"


# -- the list --------------------------------------------------------------------------


def test_the_list_shows_ones_own_team_only(team, lead):
    mine, theirs = make_prospect(team), make_prospect(make_team())

    page = lead.get(LIST).content.decode()

    assert str(mine) in page
    assert str(theirs) not in page


def test_filters_are_in_the_address_and_find_exactly_those(team, lead):
    account = make_account("reply", team=team)
    ada = make_prospect(team, company="Halden Freight")
    bo = make_prospect(team, company="Umbra", do_not_contact=True)
    ada.tags.add(Tag.objects.create(team=team, name="vip"))
    make_link(ada, account)

    def shown(query: str) -> list[Prospect]:
        page = lead.get(f"{LIST}?{query}").content.decode()
        return [p for p in (ada, bo) if f">{p}</a>" in page]

    assert shown("") == [ada, bo]
    assert shown("q=halden+freight") == [ada]
    assert shown("tag=vip") == [ada]
    assert shown("company=umb") == [bo]
    assert shown(f"known={account.pk}") == [ada]
    assert shown(f"known=not-{account.pk}") == [bo]
    assert shown("known=none") == [bo]
    assert shown("known=any&tag=vip") == [ada]
    assert shown("contact=no") == [bo]
    assert shown("contact=yes") == [ada]


def test_a_filter_by_what_is_gone_is_named(team, lead):
    make_prospect(team)

    page = lead.get(f"{LIST}?tag=gone&owner=99&contact=no").content.decode()

    gone = "is not known here. No prospect matches it."
    assert f"The tag “gone” {gone}" in page
    assert f"The owner “99” {gone}" in page
    assert "The contact" not in page


@pytest.mark.parametrize("name", ["tag", "known", "contact", "work", "reach", "owner"])
def test_what_nobody_knows_makes_no_list_longer(team, lead, name):
    person = make_prospect(team, email="ada@wexford.example")
    query = f"{name}=gone"

    page = lead.get(f"{LIST}?{query}")
    lines = b"".join(lead.get(f"{LIST}export.csv?{query}").streaming_content)
    change = lead.get(f"{LIST}change/", {"all": "1", "query": query})
    task_query = page.context["filter"].task_query
    new = lead.get(f"/tasks/new/?{task_query}")

    assert page.context["total"] == 0
    assert f'href="{LIST}{person.pk}/"' not in page.text
    assert query in page.context["filter"].query()
    assert [chip.value for chip in page.context["filter"].chips] == ["gone"]
    assert b"ada@wexford.example" not in lines
    assert change.context["meant"].found == 0
    assert f"filter_{name}=gone" in task_query
    assert new.status_code == 200 and "1 prospect" not in new.text


@pytest.mark.parametrize(
    "query",
    [
        "page=999",
        "page=x",
        "sort=password",
        "known=7%27",
        "tag=%00",
        "q=%F0%9F%A6%8A",
        "contact=9",
        "q=" + "a" * 5000,
    ],
)
def test_odd_addresses_are_answered(team, lead, query):
    make_prospect(team)

    assert lead.get(f"{LIST}?{query}").status_code == 200


@pytest.mark.parametrize("query", ["", "q=a&known=any&sort=-company", "page=2"])
def test_the_list_takes_a_fixed_number_of_queries(
    team, lead, query, django_assert_max_num_queries
):
    account = make_account("reply", team=team)
    text = "First name,Email,id:A\n" + "".join(
        f"Ada,ada{n}@halden.example,{n + 1}\n" for n in range(120)
    )
    do_import(team, text.replace("id:A", f"id:{account.name}"))
    for prospect in Prospect.objects.all()[:5]:
        make_task(account=account, prospect=prospect)
    lead.get(LIST)

    with django_assert_max_num_queries(21):
        response = lead.get(f"{LIST}?{query}")

    assert response.context["page"].paginator.per_page == 50


def test_open_tasks_are_counted_as_far_as_one_sees_them(team, lead, rep):
    account = make_account("reply", team=team)
    ada = make_prospect(team)
    make_link(ada, account)
    make_task(account=account, prospect=ada, assignee=make_user(team, "rep"))
    make_task(account=account, prospect=ada)
    make_task(account=account, prospect=ada, status="completed")

    assert "2 open tasks of" in lead.get(LIST).content.decode()
    assert "1 open task of" in rep.get(LIST).content.decode()


def test_htmx_gets_the_list_with_the_chips_and_the_address(team, lead):
    make_prospect(team)
    Tag.objects.create(team=team, name="vip")

    response = lead.get(f"{LIST}?tag=vip", headers={"HX-Request": "true"})

    page = response.content.decode()
    assert "<html" not in page
    assert 'id="prospect-chips" hx-swap-oob="true"' in page
    assert response.headers["HX-Push-Url"] == f"{LIST}?tag=vip"


def test_a_sort_by_htmx_goes_into_the_filter_form(team, lead):
    make_prospect(team)

    response = lead.get(f"{LIST}?sort=-company", headers={"HX-Request": "true"})

    field = 'id="prospect-sort" name="sort" value="-company" hx-swap-oob="true"'
    assert field in response.content.decode()


def test_typing_a_name_or_company_makes_no_steps_to_go_back_through(lead, team):
    here = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}?q=a"}

    more = lead.get(f"{LIST}?q=ab&company=kes", headers=here)
    same = lead.get(f"{LIST}?q=a&company=", headers=here)

    assert more.headers["HX-Replace-Url"] == f"{LIST}?q=ab&company=kes"
    assert same.headers["HX-Push-Url"] == "false"


def test_a_new_task_for_all_that_match_carries_the_filter(team, lead):
    make_prospect(team, company="Halden")

    by_words = lead.get(f"{LIST}?q=halden").content.decode()
    by_several = lead.get(f"{LIST}?known=none&contact=yes").content.decode()

    assert "?how=filter&amp;filter_text=halden" in by_words
    assert "?how=filter&amp;filter_known=none&amp;filter_contact=yes" in by_several


def test_a_rep_may_look_and_nothing_else(team, rep):
    ada = make_prospect(team)
    account = make_account(team=team)
    before = everything(team)

    page = rep.get(LIST).content.decode()
    one = rep.get(reverse("prospect-detail", args=[ada.pk]))

    assert 'type="checkbox"' not in page
    assert "Import CSV" not in page
    assert one.status_code == 200
    assert "<form" not in one.content.decode().split("<main")[1].split("</main")[0]
    assert rep.get(reverse("prospect-export")).status_code == 403
    for name, args in [
        ("prospect-new", []),
        ("prospect-edit", [ada.pk]),
        ("prospect-do-not-contact", [ada.pk]),
        ("prospect-id-save", [ada.pk, account.pk]),
    ]:
        assert rep.post(reverse(name, args=args)).status_code == 403
    assert everything(team) == before


def test_hostile_texts_are_shown_as_text(team, lead):
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    ada = make_prospect(
        team, first_name=evil, last_name="{{ 7|add:7 }}", title=evil, company=evil
    )
    ada.tags.add(Tag.objects.create(team=team, name=evil[:60]))

    for url in (
        LIST,
        reverse("prospect-detail", args=[ada.pk]),
        reverse("prospect-edit", args=[ada.pk]),
    ):
        page = lead.get(url).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "{{ 7|add:7 }}" in page


def test_the_export_is_an_import_that_changes_nothing(team, lead):
    account = make_account("reply", team=team)
    ada = make_prospect(
        team,
        first_name='=HYPERLINK("x")',
        company="Halden, Freight; & Vale",
        phone="+49 40 5550",
        title="-2+3",
        linkedin_url="https://www.linkedin.com/in/ada",
        time_zone="Europe/Berlin",
        do_not_contact=True,
    )
    make_prospect(team, email="", first_name="'@x")
    ada.tags.add(*[Tag.objects.create(team=team, name=n) for n in ("vip", "q3")])
    make_link(ada, account)
    make_prospect(make_team(), last_name="Stranger")
    before = everything(team)

    response = lead.get(reverse("prospect-export"))
    text = b"".join(response.streaming_content)

    assert response.headers["Content-Type"].startswith("text/csv")
    assert b"Stranger" not in text
    assert b"\"'=HYPERLINK" in text
    assert do_import(team, text).unchanged == 2
    assert everything(team) == before


# -- one prospect ----------------------------------------------------------------------


def test_a_prospects_page_shows_tasks_of_every_account(team, lead):
    ada = make_prospect(team)
    titles = []
    for vendor in ("reply", "saleshandy"):
        account = make_account(vendor, team=team)
        make_link(ada, account)
        titles.append(
            make_task(account=account, prospect=ada, title=f"For {vendor}").title
        )

    page = lead.get(reverse("prospect-detail", args=[ada.pk])).content.decode()

    assert all(title in page for title in titles)


def test_a_prospects_open_tasks_come_first_and_can_be_started(team, lead):
    prospect = make_prospect(team)
    account = make_account(team=team)
    today = team.today()

    def add(title, days, status="open"):
        due = today + timedelta(days=days)
        return make_task(
            account=account, prospect=prospect, title=title, due_on=due, status=status
        )

    add("later", 9), add("old and done", -99, "completed"), add("soon", 1)
    add("undated", 0, "completed"), add("done just now", 50, "completed")

    page = lead.get(reverse("prospect-detail", args=[prospect.pk]))

    titles = [task.title for task in page.context["page"]]
    ends = ["done just now", "undated", "old and done"]
    assert titles == ["soon", "later", *ends]
    assert "Start 2 open" in page.text
    start = {"action": "work", "task": page.context["open"]}
    begun = lead.post(reverse("task-bulk"), start, follow=True)
    assert begun.context["task"].title == "soon"


def test_who_can_be_reached_is_a_filter_of_list_and_new_task(team, lead):
    ada = make_prospect(team, linkedin_url="https://linkedin.com/in/ada", phone="")
    ben = make_prospect(team, linkedin_url="", phone="1")

    def found(reach):
        page = lead.get(LIST, {"reach": reach})
        return [row.prospect for row in page.context["rows"]]

    assert found("linkedin") == [ada] and found("not-linkedin") == [ben]
    assert found("phone") == [ben] and found("fax") == []
    page = lead.get(f"{LIST}?reach=linkedin")
    assert page.context["task_query"] == "how=filter&filter_reach=linkedin"
    new = lead.get(f"{reverse('task-new')}?{page.context['task_query']}")
    assert not new.context["page"].accounts or "With a LinkedIn profile" in new.text


def test_another_teams_prospect_and_account_are_not_found(team, lead):
    ada, theirs = make_prospect(team), make_prospect(make_team())
    account = make_account()

    assert lead.get(reverse("prospect-detail", args=[theirs.pk])).status_code == 404
    for name, args in [
        ("prospect-edit", [theirs.pk]),
        ("prospect-do-not-contact", [theirs.pk]),
        ("prospect-id-save", [ada.pk, account.pk]),
        ("prospect-id-save", [theirs.pk, account.pk]),
    ]:
        data = {"first_name": "X", "external_id": "abcd", "value": "yes"}
        assert lead.post(reverse(name, args=args), data).status_code == 404
    theirs.refresh_from_db()
    assert theirs.first_name == "Ada"
    assert not theirs.do_not_contact


def test_a_prospect_is_added_by_hand(team, lead):
    response = lead.post(
        reverse("prospect-new"),
        {
            "first_name": " Ada ",
            "email": "ADA@halden.example",
            "linkedin_url": "linkedin.com/in/ada",
            "tags": "vip, q3",
            "time_zone": "europe/berlin",
        },
    )

    ada = Prospect.objects.get()
    assert response.headers["Location"] == reverse("prospect-detail", args=[ada.pk])
    assert (ada.team, ada.first_name, ada.email_key) == (
        team,
        "Ada",
        "ada@halden.example",
    )
    assert ada.linkedin_url == "https://linkedin.com/in/ada"
    assert ada.time_zone == "Europe/Berlin"
    assert {tag.name for tag in ada.tags.all()} == {"vip", "q3"}


BAD_FIELDS = {
    "nothing": ({}, "A name or an e-mail is needed."),
    "e-mail without @": ({"email": "no-at.example"}, "The @ is missing."),
    "e-mail of another": ({"email": " TAKEN@halden.example"}, "has this e-mail already."),
    "long name": ({"first_name": "A" * 400}, "This has 400 characters. At most 200 fit."),
    "phone": ({"first_name": "A", "phone": "call me"}, "This is not a phone number."),
    "link": ({"first_name": "A", "linkedin_url": "javascript:alert(1)"}, "This is not a web address."),
    "other site": ({"first_name": "A", "linkedin_url": "https://evil.example/"}, "not at linkedin.com"),
    "time zone": ({"first_name": "A", "time_zone": "Mars/Olympus"}, "This time zone is not known."),
    "tags": ({"first_name": "A", "tags": "x" * 61}, "A tag has at most 60 characters."),
    "a NUL": ({"first_name": "A\0"}, "Null characters are not allowed."),
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "sentence"), BAD_FIELDS.values(), ids=BAD_FIELDS.keys()
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(team, lead, typed, sentence):
    make_prospect(team, email="taken@halden.example")

    response = lead.post(reverse("prospect-new"), {"company": "Halden", **typed})

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert 'value="Halden"' in response.content.decode()
    assert Prospect.objects.count() == 1


def test_editing_changes_what_tasks_are_found_by(team, lead):
    account = make_account("reply", team=team)
    ada = make_prospect(team)
    make_link(ada, account)
    task = make_task(account=account, prospect=ada)

    lead.post(
        reverse("prospect-edit", args=[ada.pk]), {"first_name": "Zoë", "team": "9"}
    )

    ada.refresh_from_db()
    task.refresh_from_db()
    assert (ada.full_name, ada.team) == ("Zoë", team)
    assert "zoë" in task.search_text


def test_opting_out_and_in_again(team, lead):
    ada = make_prospect(team)
    url = reverse("prospect-do-not-contact", args=[ada.pk])

    lead.post(url, {"value": "yes"})
    ada.refresh_from_db()
    assert ada.do_not_contact
    assert (
        "Allow contact again"
        in lead.get(reverse("prospect-detail", args=[ada.pk])).content.decode()
    )

    lead.post(url, {"value": "no"})
    ada.refresh_from_db()
    assert not ada.do_not_contact
    assert lead.get(url).status_code == 405


def test_an_id_is_set_changed_and_removed(team, lead):
    account = make_account("reply", team=team)
    ada = make_prospect(team)
    url = reverse("prospect-id-save", args=[ada.pk, account.pk])

    for typed, kept in [("12", ["12"]), ("13", ["13"]), ("", [])]:
        lead.post(url, {"external_id": typed})
        assert list(ada.links.values_list("external_id", flat=True)) == kept

    make_link(ada, account)
    lead.post(url, {"external_id": "99", "remove": "1"})
    assert not ada.links.exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("abc", "Reply.io has no such id. It would be a whole number above 0."),
        ("-5", "Reply.io has no such id."),
        ("77", "has this id at Growth already. Remove it there first."),
    ],
)
def test_an_id_that_cannot_be_is_refused_beside_its_field(team, lead, typed, sentence):
    account = make_account("reply", team=team, name="Growth")
    ada, bo = make_prospect(team), make_prospect(team)
    bo.links.create(account=account, external_id="77")

    response = lead.post(
        reverse("prospect-id-save", args=[ada.pk, account.pk]), {"external_id": typed}
    )

    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert f'value="{typed}"' in page
    assert not ada.links.exists()


def test_an_answer_by_target_says_so_to_whoever_keeps_it(lead):
    for target, begins in (
        ("prospect-list", '<section class="tasklist"'),
        ("prospect-view", '<div id="prospect-view">'),
    ):
        headers = {"HX-Request": "true", "HX-Target": target}
        answer = lead.get("/prospects/", headers=headers)

        assert answer.text.strip().startswith(begins)
        assert "HX-Request" in answer["Vary"] and "HX-Target" in answer["Vary"]
