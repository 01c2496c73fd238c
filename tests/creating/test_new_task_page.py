"""The page for new tasks: the wrong person, the bad form, its parts, and creating."""

from __future__ import annotations

import re
import uuid

import pytest
from django.urls import reverse

from tasks_app.models import Batch, ConnectedAccount, FormDraft, Task
from tasks_app.services import choosing
from tasks_app.vendors import ADAPTERS
from tests.creating.inputs import linked_prospects
from tests.factories import (
    CREDENTIALS,
    make_account,
    make_prospect,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db
NEW, FIELDS = "task-new", "task-new-fields"
PREVIEW, PROSPECTS = "task-preview", "task-new-prospects"


@pytest.fixture
def account():
    return make_account("saleshandy", name="Outbound EU")


def form_for(account, prospects=(), **overrides):
    """Return what a browser posts for a valid form of this account."""
    values = {
        "account": str(account.pk),
        "fields_of": str(account.pk),
        "form_token": str(uuid.uuid4()),
        "how": "search",
        "prospect": [str(p.pk) for p in prospects],
        "type_code": {"saleshandy": "13", "reply": "2", "ysuite": "task"}.get(
            account.vendor, "Meeting"
        ),
        "title": "Audit follow-up",
        "note": "Ask {{firstName}} about the audit.",
        "priority": "3",
        "assignee": "",
    }
    if account.vendor == "saleshandy":
        values["due_on"] = "2030-07-16"
    else:
        values |= {"starts_at": "2030-07-16T09:00", "due_at": "2030-07-16T17:00"}
    if account.vendor == "leadsquared":
        values["assignee"] = f"vendor:{make_vendor_user(account).pk}"
    return {**values, **overrides}


def problems(response):
    """Return the sentences of the summary, by the field they lead to."""
    found = re.findall(r'<li><a href="#([\w-]+)">(.*?)</a>', response.content.decode())
    return dict(found)


def squeezed(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# -- who ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [NEW, FIELDS, PREVIEW, PROSPECTS])
def test_only_leads_get_in(client, account, name) -> None:
    client.force_login(make_user(account.team, "rep"))

    response = client.post(reverse(name), {"account": account.pk})

    assert response.status_code == 403


def test_accounts_and_prospects_of_other_teams_are_out_of_reach(
    client, account, lead
) -> None:
    other = make_account("saleshandy", name="Theirs")
    [stranger] = linked_prospects(other, 1, last_name="Stranger")

    page = client.get(reverse(NEW), {"account": other.pk, "prospect": stranger.pk})
    posted = client.post(reverse(NEW), form_for(other, [stranger]))

    assert "Theirs" not in page.content.decode()
    assert "Stranger" not in page.content.decode()
    assert posted.status_code == 422
    assert not Batch.objects.exists()


def test_a_disconnected_account_is_not_offered(client, account, lead) -> None:
    from django.utils import timezone

    ConnectedAccount.objects.update(deleted_at=timezone.now())

    response = client.get(reverse(NEW))

    assert "No account is connected yet" in response.content.decode()
    assert client.post(reverse(NEW), form_for(account)).status_code == 422


# -- bad forms ------------------------------------------------------------------------


def test_nobody_chosen_is_said_and_what_was_typed_is_kept(
    client, account, lead
) -> None:
    form = form_for(account, note="A long text <b>kept</b>")

    response = client.post(reverse(NEW), form)

    page = response.content.decode()
    assert response.status_code == 422
    assert problems(response) == {"prospects": "Choose at least one prospect."}
    assert "A long text &lt;b&gt;kept&lt;/b&gt;" in page
    assert f'value="{form["form_token"]}"' in page
    assert "autofocus" in page
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("vendor", "field", "value", "words"),
    [
        ("saleshandy", "due_on", "the 16th", "2026-07-16"),
        ("saleshandy", "due_on", "0001-01-01", "2026-07-16"),
        ("saleshandy", "type_code", "99", "no task type"),
        ("saleshandy", "assignee", "user:999999", "list"),
        ("saleshandy", "title", "x" * 501, "500"),
        ("reply", "starts_at", "2014-12-31T23:59", "2015"),
        ("reply", "starts_at", "soon", "2026-07-16 09:00"),
        ("reply", "due_at", "2030-07-16T08:00", "later than the start"),
        ("reply", "note", "  ", "text"),
        ("reply", "note", "Hi {{firstName", "{{"),
        ("ysuite", "title", "x" * 151, "150"),
        ("ysuite", "starts_at", "", "start"),
        ("ysuite", "o_deal_id", "abc", "deal"),
        ("ysuite", "assignee_other", "x@y", "number"),
        ("leadsquared", "title", "", "title"),
        ("leadsquared", "assignee", "", "owner"),
        ("leadsquared", "o_reminder", "often", "number"),
        ("leadsquared", "o_custom_fields", "nonsense", "mx_Custom_1"),
    ],
)
def test_each_mistake_has_a_sentence_beside_its_field(
    client, vendor, field, value, words
) -> None:
    account = make_account(vendor)
    client.force_login(make_user(account.team))
    prospects = linked_prospects(account, 2)

    response = client.post(reverse(NEW), form_for(account, prospects, **{field: value}))

    assert response.status_code == 422
    assert list(problems(response)) == [f"id_{field}"]
    sentence = problems(response)[f"id_{field}"]
    assert words.lower() in sentence.replace("&#x27;", "'").lower()
    assert response.content.decode().count(sentence) >= 2
    assert f'id="id_{field}"' in response.content.decode()
    assert not Batch.objects.exists()


def test_all_left_out_is_an_error_with_the_reasons(client, account, lead) -> None:
    prospect = make_prospect(account.team, first_name="Ravi", last_name="D")

    response = client.post(reverse(NEW), form_for(account, [prospect]))

    assert response.status_code == 422
    assert "None of the chosen prospects" in problems(response)["prospects"]
    assert "Has no Saleshandy id" in response.content.decode()


def test_other_fields_of_another_account_are_looked_at_first(
    client, account, lead
) -> None:
    reply = make_account("reply", team=account.team)
    prospects = linked_prospects(reply, 1)
    form = form_for(reply, prospects, fields_of=str(account.pk), type_code="13")

    response = client.post(reverse(NEW), form)

    assert response.status_code == 422
    assert "These are now the fields of" in squeezed(response)
    # A call at Saleshandy is a call at Reply.io, whatever their codes.
    assert re.search(r'value="2" id="type-\d+" checked', response.content.decode())


def test_each_vendor_begins_with_its_own_priority(client, account, lead) -> None:
    ysuite = make_account("ysuite", team=account.team)
    untouched = form_for(ysuite, fields_of=str(account.pk), priority="0")
    chosen = {**untouched, "priority": "1"}

    medium = client.post(reverse(FIELDS), untouched).content.decode()
    low = client.post(reverse(FIELDS), chosen).content.decode()

    assert '<option value="2" selected>' in medium
    assert '<option value="1" selected>' in low


@pytest.mark.parametrize("junk", ["x", "-1", "9" * 30, "½", "1;drop", "\x00"])
def test_junk_in_every_field_is_no_server_error(client, account, lead, junk) -> None:
    names = [
        "account", "fields_of", "form_token", "how", "prospect", "prospects", "add",
        "remove", "seen", "type_code", "title", "note", "priority", "due_on",
        "starts_at", "assignee", "at", "go", "q", "pasted", "filter_text",
        "filter_tag", "filter_company", "o_anything",
    ]  # fmt: skip
    for name in names:
        form = {**form_for(account, linked_prospects(account, 1)), name: junk}
        for view in (NEW, PREVIEW, FIELDS, PROSPECTS):
            response = client.post(reverse(view), form)
            assert response.status_code in (200, 302, 422), (view, name)
        assert client.get(reverse(NEW), {name: junk}).status_code == 200


# -- the page and its parts -----------------------------------------------------------


def test_the_page_names_accounts_with_their_state(client, account, lead) -> None:
    make_account("reply", team=account.team, name="Growth", state="paused")

    page = squeezed(client.get(reverse(NEW)))

    assert "Outbound EU Saleshandy" in page
    assert "Growth Reply.io · Paused" in page


def test_prospects_come_with_the_address(client, account, lead) -> None:
    people = linked_prospects(account, 9)
    address = {
        "prospect": people[0].pk,
        "prospects": ",".join(str(p.pk) for p in people),
    }

    page = client.get(reverse(NEW), address).content.decode()

    assert page.count('type="hidden" name="prospect"') == 9
    assert "and 3 more" in page


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_the_form_offers_every_field_of_the_vendor(
    client, account, lead, vendor
) -> None:
    other = make_account(vendor, team=account.team)
    form = form_for(other, note="typed before", title="Also typed")

    response = client.post(reverse(FIELDS), form, headers={"HX-Request": "true"})

    page = response.content.decode()
    assert page.lstrip().startswith('<div id="vendor-fields">')
    for field in other.adapter().fields(form["type_code"]):
        name = field.name if f'name="{field.name}"' in page else f"o_{field.name}"
        assert f'name="{name}"' in page, field.name
    assert "typed before" in page
    assert 'value="Also typed"' in page
    assert "field__error" not in page


def test_what_stays_in_baton_is_marked(client, account, lead) -> None:
    page = squeezed(client.get(reverse(NEW), {"account": account.pk}))

    assert "Title Baton only" in page
    assert "Assignee Baton only" in page
    assert "Priority Baton only" not in page


def test_a_search_returns_matches_alone(client, account, lead) -> None:
    ada = make_prospect(account.team, first_name="Ada", last_name="Nwosu")
    make_prospect(account.team, first_name="Bo", last_name="Berg")
    form = form_for(account, [ada], q="nwosu")

    response = client.post(reverse(PROSPECTS), form, headers={"HX-Request": "true"})

    page = squeezed(response)
    assert "Ada Nwosu" in page
    assert "Added" in page
    assert "Bo Berg" not in page
    assert "<form" not in response.content.decode()


def test_adding_and_removing_keep_the_others(client, account, lead) -> None:
    ada, bo = linked_prospects(account, 2)

    added = client.post(reverse(PROSPECTS), form_for(account, [ada], add=str(bo.pk)))
    removed = client.post(
        reverse(PROSPECTS), form_for(account, [ada, bo], remove=str(ada.pk))
    )

    for prospect in (ada, bo):
        assert f'name="prospect" value="{prospect.pk}"' in added.content.decode()
    assert f'name="prospect" value="{ada.pk}"' not in removed.content.decode()
    assert f'name="prospect" value="{bo.pk}"' in removed.content.decode()
    assert "preview-late" in removed.headers["HX-Trigger-After-Swap"]


def test_the_preview_is_the_call_that_will_be_made(client, account, lead) -> None:
    ada, bo = linked_prospects(account, 2, first_name="Ada")
    form = form_for(account, [ada, bo], go="2")

    response = client.post(reverse(PREVIEW), form, headers={"HX-Request": "true"})

    page = response.content.decode()
    assert "/v1/tasks/create" in page
    assert bo.links.get().external_id in page
    assert "Ask Ada about the audit." in squeezed(response).replace("  ", " ")
    assert "2 of 2" in page
    assert 'id="create-label" hx-swap-oob="true">Create 2 tasks' in page
    for secret in CREDENTIALS["saleshandy"].values():
        assert secret not in page
    assert not Batch.objects.exists()


def test_the_preview_says_what_is_missing_without_an_alarm(
    client, account, lead
) -> None:
    ysuite = make_account("ysuite", team=account.team)
    form = form_for(ysuite, linked_prospects(ysuite, 1), title="")

    page = client.post(reverse(PREVIEW), form).content.decode()

    assert "YSuite needs a title" in page
    assert "field__error" not in page
    assert 'hx-swap-oob="true">Create tasks' in page


def test_a_paused_account_says_that_tasks_wait(client, account, lead) -> None:
    ConnectedAccount.objects.update(state="paused")
    form = form_for(account, linked_prospects(account, 1))

    page = squeezed(client.get(reverse(NEW)))
    preview = squeezed(client.post(reverse(PREVIEW), form))
    created = client.post(reverse(NEW), form)

    assert "Outbound EU is paused. Tasks wait in its queue" in page
    assert "It waits" in preview
    assert created.status_code == 302


def test_vendor_and_user_text_is_escaped(client, account, lead) -> None:
    nasty = '<script>alert("x")</script>'
    [prospect] = linked_prospects(account, 1, first_name=nasty, company=nasty)
    form = form_for(account, [prospect], title=nasty, note=f"{{{{company}}}} {nasty}")

    for view in (NEW, PREVIEW, FIELDS):
        data = {**form, "do": "preview"}
        assert "<script>alert" not in client.post(reverse(view), data).content.decode()


def test_a_preview_for_many_takes_few_queries(
    client, account, lead, django_assert_max_num_queries
) -> None:
    form = form_for(account, linked_prospects(account, 60))

    with django_assert_max_num_queries(16):
        client.post(reverse(PREVIEW), form, headers={"HX-Request": "true"})


# -- without JavaScript ---------------------------------------------------------------


@pytest.mark.parametrize("do", ["fields", "search", "preview", "match"])
def test_looking_changes_nothing_and_keeps_everything(
    client, account, lead, do
) -> None:
    [ada] = linked_prospects(account, 1, last_name="Nwosu")
    form = form_for(account, [ada], do=do, q="nwosu", note="typed")

    response = client.post(reverse(NEW), form)

    page = response.content.decode()
    assert response.status_code == 200
    assert "typed" in page
    assert f'name="prospect" value="{ada.pk}"' in page
    assert "Create 1 task" in page
    assert f'value="{form["form_token"]}"' in page
    assert not Batch.objects.exists()


def test_people_can_be_added_with_plain_buttons(client, account, lead) -> None:
    [ada] = linked_prospects(account, 1)

    response = client.post(reverse(NEW), form_for(account, add=str(ada.pk)))

    assert response.status_code == 200
    assert f'name="prospect" value="{ada.pk}"' in response.content.decode()


# -- creating -------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_the_form_creates_a_batch(client, vendor) -> None:
    account = make_account(vendor)
    lead = make_user(account.team)
    client.force_login(lead)
    people = linked_prospects(account, 3)

    response = client.post(reverse(NEW), form_for(account, people))

    batch = Batch.objects.get()
    assert response.headers["Location"] == reverse("batch-detail", args=[batch.pk])
    assert batch.created_by == lead
    assert batch.tasks.count() == 3
    assert {task.priority for task in batch.tasks.all()} == {3}


def test_a_double_click_makes_one_batch_and_says_so(client, account, lead) -> None:
    form = form_for(account, linked_prospects(account, 2))

    first = client.post(reverse(NEW), form)
    second = client.post(reverse(NEW), form, follow=True)

    assert Batch.objects.count() == 1
    assert second.redirect_chain[0][0] == first.headers["Location"]
    assert "These tasks were created before" in second.content.decode()


@pytest.mark.parametrize(
    "change", [{"title": "Another"}, {"note": "Another"}, {"prospect": []}]
)
def test_a_form_that_was_sent_and_changed_is_kept_as_a_draft(
    client, account, lead, change
) -> None:
    form = form_for(account, linked_prospects(account, 2))
    client.post(reverse(NEW), form)
    changed = form | change

    again = client.post(reverse(NEW), changed, follow=True)

    draft = FormDraft.objects.get()
    assert str(draft.form_token) != form["form_token"]
    assert draft.values["note"] == [changed["note"]]
    assert again.redirect_chain[0][0] == f"{reverse(NEW)}?draft={draft.pk}"
    assert "Nothing was created now" in again.content.decode()
    assert "created before" not in again.content.decode()
    assert Batch.objects.count() == 1


def test_a_double_click_that_leaves_open_ones_out_is_no_change(
    client, account, lead
) -> None:
    form = form_for(account, linked_prospects(account, 2), open="leave")

    client.post(reverse(NEW), form)
    second = client.post(reverse(NEW), form, follow=True)

    assert "These tasks were created before" in second.content.decode()
    assert not FormDraft.objects.exists()


def test_a_pasted_list_creates_for_those_who_are_known(client, account, lead) -> None:
    [ada] = linked_prospects(account, 1)
    form = form_for(account, how="paste", pasted=f"{ada.email}\nk@malabr.example")

    client.post(reverse(NEW), form)

    batch = Batch.objects.get()
    assert [task.prospect for task in batch.tasks.all()] == [ada]
    assert "k@malabr.example" in batch.left_out[0]["reason"]


def test_a_filter_needs_the_number_that_was_shown(client, account, lead) -> None:
    linked_prospects(account, 2, company="Nordhavn")
    linked_prospects(account, 1, company="Halden")
    form = form_for(account, how="filter", filter_company="nord")

    unseen = client.post(reverse(NEW), form)
    stale = client.post(reverse(NEW), {**form, "seen": "3"})
    seen = client.post(reverse(NEW), {**form, "seen": "2"})

    assert "2 prospects match" in problems(unseen)["prospects"]
    assert 'name="seen" value="2"' in unseen.content.decode()
    assert "it was 3" in problems(stale)["prospects"]
    assert seen.status_code == 302
    assert Task.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("tag", "The tag “99” does not exist any more."),
        ("known", "That account is not connected here."),
        ("owner", "That owner is not in the team any more."),
        ("work", "“99” is no choice here."),
    ],
)
def test_a_filter_by_what_is_gone_says_so_and_stays(
    client, account, lead, name, sentence
) -> None:
    """Read as "Any" it would send to everybody."""
    linked_prospects(account, 2)
    form = form_for(account, how="filter", seen="0", **{f"filter_{name}": "99"})

    shown = client.get(reverse(NEW), {"how": "filter", f"filter_{name}": "99"})
    preview = client.post(reverse(PREVIEW), form)
    refused = client.post(reverse(NEW), form)

    assert '<option value="99" selected>' in shown.content.decode()
    for page in (shown, preview, refused):
        assert f"{sentence} So nobody matches." in squeezed(page)
    assert problems(refused)["prospects"].startswith(sentence)
    assert not Task.objects.exists()


def test_too_many_matches_say_how_many_why_not_and_the_way_out(
    client, account, lead, monkeypatch
) -> None:
    monkeypatch.setattr(choosing, "MOST", 2)
    linked_prospects(account, 5)
    form = form_for(account, how="filter", seen="5")

    preview = client.post(reverse(PREVIEW), form)
    refused = client.post(reverse(NEW), form)

    for page in (preview, refused):
        assert "5 prospects match, and one batch takes at most 2." in squeezed(page)
    assert "Narrow the filter" in problems(refused)["prospects"]


def test_an_hour_that_does_not_exist_moves_forward_and_says_so(client) -> None:
    account = make_account("ysuite", team=make_team(time_zone="Europe/Berlin"))
    client.force_login(make_user(account.team))
    form = form_for(account, linked_prospects(account, 1), starts_at="2030-03-31T02:30")

    preview = client.post(reverse(PREVIEW), form)
    client.post(reverse(NEW), form)

    assert "02:30 does not exist on 31 March 2030" in preview.content.decode()
    assert Task.objects.get().starts_at.isoformat() == "2030-03-31T01:30:00+00:00"


def test_a_new_person_at_the_vendor_is_kept_when_tasks_are_made(client) -> None:
    account = make_account("leadsquared")
    client.force_login(make_user(account.team))
    form = form_for(
        account,
        linked_prospects(account, 1),
        assignee="",
        assignee_other="elin@halden.example",
    )

    client.post(reverse(PREVIEW), form)
    before = account.vendor_users.filter(email="elin@halden.example").count()
    client.post(reverse(NEW), form)

    assert before == 0
    assert Task.objects.get().vendor_user.email == "elin@halden.example"


def test_a_thousand_prospects_are_created_by_one_press(client, account, lead) -> None:
    people = linked_prospects(account, 1000)
    form = form_for(account, people)

    response = client.post(reverse(NEW), form)

    assert response.status_code == 302
    assert Task.objects.count() == 1000


# -- variables that nobody knows -----------------------------------------------------------


def test_an_unknown_variable_is_refused_with_what_was_meant(
    client, account, lead
) -> None:
    people = linked_prospects(account, 2)

    form = form_for(account, people, note="Hi {{fristName}}")
    response = client.post(reverse(NEW), form)

    assert response.status_code == 422 and not Task.objects.exists()
    assert problems(response)["id_note"].endswith("Did you mean {{firstName}}?")
    assert 'data-with="{{firstName}}"' in response.text


def test_what_reply_may_know_is_asked_about_once(client) -> None:
    account = make_account("reply")
    client.force_login(make_user(account.team))
    form = form_for(account, linked_prospects(account, 1), note="Hi {{fristName}}")

    asked = client.post(reverse(NEW), form)
    seen = re.search(r'name="words_seen" value="([^"]*)"', asked.text)[1]
    other = client.post(
        reverse(NEW), {**form, "words_seen": seen, "note": "Hi {{shoeSize}}"}
    )
    sent = client.post(reverse(NEW), {**form, "words_seen": seen})

    assert "If Reply.io fills it in, press Create again" in problems(asked)["id_note"]
    assert (asked.status_code, other.status_code) == (422, 422)
    assert sent.status_code == 302 and Task.objects.count() == 1


# -- quick choices -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "before", "after"),
    [
        ("saleshandy", {"due_on": "2030-07-16"}, {"due_on": "2026-12-07"}),
        ("leadsquared", {}, {"due_on": "2026-12-07"}),
        ("ysuite", {"starts_at": ""}, {"starts_at": "2026-12-07T09:00"}),
        (
            "ysuite",
            {"starts_at": "2030-07-16T08:15"},
            {"starts_at": "2026-12-07T08:15"},
        ),
    ],
)
def test_a_picked_day_is_put_in_by_a_plain_button(
    client, vendor, before, after
) -> None:
    account = make_account(vendor)
    client.force_login(make_user(account.team))
    [(name, _)] = after.items()

    shown = client.get(reverse(NEW)).text
    form = {**form_for(account), **before, "pick": f"{name}:2026-12-07"}
    page = client.post(reverse(NEW), form)

    assert shown.count(f'name="pick" value="{name}:') == 4
    assert page.status_code == 200 and not Task.objects.exists()
    assert f'value="{after[name]}"' in page.text


def test_profile_links_name_prospects_in_a_pasted_list(client, account, lead) -> None:
    ada, ben = linked_prospects(account, 2)
    ada.linkedin_url = "https://www.linkedin.com/in/Ada-L%C3%B6v/"
    ada.save()
    make_prospect(team=make_team(), linkedin_url="https://linkedin.com/in/zoe")
    pasted = (
        "http://linkedin.com/in/ada-löv?trk=x\n"
        f"{ben.email}, https://de.linkedin.com/in/zoe"
    )

    form = form_for(account, how="paste", pasted=pasted)
    page = client.post(reverse(PREVIEW), form)

    assert [p.pk for p in page.context["page"].chosen.prospects] == [ben.pk, ada.pk]
    assert "Line 2: no prospect has the LinkedIn profile" in squeezed(page)


def test_a_list_of_chosen_people_and_matches_can_be_told_apart_by_scripts(
    client, account, lead
) -> None:
    people = linked_prospects(account, 9)

    form = form_for(account, people, q="ada ", remove=str(people[8].pk))
    page = client.post(reverse(PROSPECTS), form).text

    assert 'id="results" data-for="ada "' in page
    assert 'id="chosen-more"><summary>and 2 more' in page
