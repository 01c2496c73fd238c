"""Drafts of the form for new tasks: kept as typed, private, gone with their batch."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import Batch, FormDraft, Tag
from tests.creating.inputs import linked_prospects
from tests.creating.test_new_task_page import form_for, squeezed
from tests.factories import make_account, make_batch, make_team, make_user

pytestmark = pytest.mark.django_db
SAVE, AUTO = reverse("task-draft-save"), f"{reverse('task-draft-save')}?auto=1"
DROP, LIST, NEW = (
    reverse("task-draft-drop"),
    reverse("task-draft-list"),
    reverse("task-new"),
)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account():
    return make_account("saleshandy", name="Outbound EU")


def opened(client, draft):
    return client.get(NEW, {"draft": draft.pk}).content.decode()


def page_of(values, page=None, version=0):
    return {**values, "page": str(page or uuid.uuid4()), "version": str(version)}


# -- whatever was typed ---------------------------------------------------------------


def test_a_draft_brings_back_every_value(client, account, lead) -> None:
    people = linked_prospects(account, 9)
    form = form_for(
        account, people, title="Renewal <b>", note="Line 1\r\nLine 2", priority="4"
    )

    client.post(SAVE, form)
    page = opened(client, FormDraft.objects.get())

    assert 'value="Renewal &lt;b&gt;"' in page
    assert "Line 1\r\nLine 2</textarea>" in page
    assert '<option value="4" selected>' in page
    assert 'value="2030-07-16"' in page
    assert f'value="{form["form_token"]}"' in page
    assert re.search(r'value="13" id="type-\d+" checked', page)
    for prospect in people:
        assert f'name="prospect" value="{prospect.pk}"' in page


def test_a_pasted_list_and_a_filter_come_back(client, account, lead) -> None:
    Tag.objects.create(team=account.team, name="q3")
    pasted = form_for(account, how="paste", pasted="ada@x.example\nnobody here")
    filtered = form_for(
        account, how="filter", filter_tag="q3", filter_text="head of", note=""
    )

    client.post(SAVE, pasted)
    client.post(SAVE, filtered)
    second, first = FormDraft.objects.order_by("-pk")

    assert "ada@x.example\nnobody here</textarea>" in opened(client, first)
    page = opened(client, second)
    assert "<option selected>q3" in page
    assert 'value="head of"' in page
    assert 'value="filter" checked' in page
    listed = squeezed(client.get(LIST))
    assert "2 pasted lines" in listed
    assert "All matching head of, q3" in listed


@pytest.mark.parametrize(
    "bad",
    [
        {"due_on": "the 16th"},
        {"type_code": "99"},
        {"assignee": "user:999999"},
        {"title": "x" * 600},
        {"account": "999999"},
        {"prospect": ["x", "-1", "9" * 30]},
        {"page": "x", "version": "-1", "form_token": "none"},
        {"note": "with a \x00 in it"},
    ],
)
def test_bad_input_never_blocks_saving(client, account, lead, bad) -> None:
    response = client.post(AUTO, {**form_for(account), **bad}, headers=HTMX)

    assert response.status_code == 200
    assert "Draft saved" in squeezed(response)
    assert client.get(NEW, {"draft": FormDraft.objects.get().pk}).status_code == 200
    assert client.get(LIST).status_code == 200


def test_saving_again_is_the_same_draft(client, account, lead) -> None:
    page, form = uuid.uuid4(), form_for(account)

    client.post(AUTO, page_of(form, page), headers=HTMX)
    answer = client.post(
        AUTO, page_of({**form, "title": "Second"}, page), headers=HTMX
    ).content.decode()

    draft = FormDraft.objects.get()
    assert (draft.title, draft.version) == ("Second", 2)
    assert 'name="version" value="2"' in answer


# -- two at once ----------------------------------------------------------------------


def test_another_tab_does_not_overwrite_what_it_has_not_read(
    client, account, lead
) -> None:
    form = form_for(account, title="From the first tab")
    client.post(AUTO, page_of(form), headers=HTMX)
    draft = FormDraft.objects.get()
    second = page_of({**form, "title": "From the second tab"}, version=0)

    by_itself = client.post(AUTO, second, headers=HTMX)
    draft.refresh_from_db()
    kept = draft.title
    by_hand = client.post(SAVE, second, headers=HTMX)

    assert "changed in another tab" in squeezed(by_itself)
    assert kept == "From the first tab"
    other = FormDraft.objects.exclude(pk=draft.pk).get()
    assert other.title == "From the second tab"
    assert by_hand.headers["HX-Redirect"] == f"{NEW}?draft={other.pk}"


def test_a_tab_that_read_the_newest_goes_on(client, account, lead) -> None:
    form = form_for(account, title="First")
    client.post(AUTO, page_of(form), headers=HTMX)

    client.post(AUTO, page_of({**form, "title": "Second"}, version=1), headers=HTMX)

    assert FormDraft.objects.get().title == "Second"


def test_somebody_elses_token_overwrites_nothing(client, account, lead) -> None:
    other = make_user(account.team)
    theirs = FormDraft.objects.create(team=account.team, owner=other, title="Theirs")

    client.post(SAVE, form_for(account, form_token=str(theirs.form_token)))

    theirs.refresh_from_db()
    assert theirs.title == "Theirs"
    assert FormDraft.objects.filter(owner=lead).count() == 1


# -- whose ----------------------------------------------------------------------------


def test_drafts_are_private_to_one_person_and_one_team(client, account, lead) -> None:
    other_team = make_team()
    for owner, team in ((make_user(account.team), account.team), (lead, other_team)):
        FormDraft.objects.create(team=team, owner=owner, title="Not to be seen")
    pages = [LIST, NEW, reverse("batch-list")]

    for address in pages:
        assert "Not to be seen" not in client.get(address).content.decode()
    for draft in FormDraft.objects.all():
        for name in ("task-draft-discard", "task-draft-restore"):
            assert client.post(reverse(name, args=[draft.pk])).status_code == 404
        response = client.get(NEW, {"draft": draft.pk}, follow=True)
        assert "sent or discarded" in squeezed(response)


# -- how it ends ----------------------------------------------------------------------


def test_creating_the_batch_ends_its_draft_alone(client, account, lead) -> None:
    people = linked_prospects(account, 1)
    form, other = form_for(account, people), form_for(account, title="Another")
    client.post(SAVE, form)
    client.post(SAVE, other)

    created = client.post(NEW, form)
    late = client.post(AUTO, form, headers=HTMX)

    batch = Batch.objects.get()
    assert created.status_code == 302
    assert [draft.title for draft in FormDraft.objects.all()] == ["Another"]
    assert reverse("batch-detail", args=[batch.pk]) in late.content.decode()


def test_text_changed_after_creating_can_be_saved(client, account, lead) -> None:
    form = form_for(account, linked_prospects(account, 1))
    client.post(NEW, form)

    answer = client.post(SAVE, {**form, "title": "Second thoughts"}, headers=HTMX)

    draft = FormDraft.objects.get()
    assert draft.title == "Second thoughts"
    assert answer.headers["HX-Redirect"] == f"{NEW}?draft={draft.pk}"
    assert client.get(NEW, {"draft": draft.pk}).status_code == 200


def test_a_draft_that_was_saved_beside_its_batch_is_not_listed(
    client, account, lead
) -> None:
    batch = make_batch(account)
    draft = FormDraft.objects.create(
        team=account.team, owner=lead, form_token=batch.form_token, title="Sent"
    )

    assert "Sent" not in squeezed(client.get(LIST))
    assert client.get(NEW, {"draft": draft.pk}).status_code == 302


def test_discarding_can_be_taken_back(client, account, lead) -> None:
    client.post(SAVE, form_for(account, title="Kept text"))
    draft = FormDraft.objects.get()

    gone = client.post(reverse("task-draft-discard", args=[draft.pk]), follow=True)
    assert "Kept text" not in squeezed(client.get(LIST))
    back = client.post(reverse("task-draft-restore", args=[draft.pk]), follow=True)

    assert reverse("task-draft-restore", args=[draft.pk]) in gone.content.decode()
    assert 'value="Kept text"' in back.content.decode()
    assert "Kept text" in squeezed(client.get(LIST))


def test_leaving_the_form_can_be_taken_back_too(client, account, lead) -> None:
    left = client.post(DROP, form_for(account, title="Typed"), follow=True)
    draft = FormDraft.objects.get()

    assert draft.discarded_at is not None
    assert reverse("task-draft-restore", args=[draft.pk]) in left.content.decode()


def test_leaving_an_empty_form_leaves_nothing(client, account, lead) -> None:
    response = client.post(DROP, form_for(account, title="", note=""))

    assert response.status_code == 302
    assert not FormDraft.objects.exists()


def test_an_empty_form_is_no_draft_unless_there_is_one(client, account, lead) -> None:
    blank = page_of(form_for(account, title="", note=""))

    answer = client.post(AUTO, blank, headers=HTMX)
    assert not FormDraft.objects.exists()
    assert answer.status_code == 200
    assert "Draft saved" not in squeezed(answer)

    client.post(AUTO, {**blank, "title": "Typed"}, headers=HTMX)
    emptied = client.post(AUTO, {**blank, "version": "1"}, headers=HTMX)
    assert FormDraft.objects.get().title == ""
    assert "Draft saved" in squeezed(emptied)


def test_leaving_an_emptied_form_discards_its_draft(client, account, lead) -> None:
    form = page_of(form_for(account, title="Typed", note=""))
    client.post(AUTO, form, headers=HTMX)

    client.post(DROP, {**form, "title": ""})
    client.post(AUTO, {**form, "title": ""}, headers=HTMX)

    draft = FormDraft.objects.get()
    assert draft.discarded_at is not None
    assert draft.title == "Typed"


def test_old_discarded_drafts_and_the_oldest_of_too_many_go(
    client, account, lead, monkeypatch
) -> None:
    monkeypatch.setattr("tasks_app.services.form_drafts.MOST", 2)
    long_ago = timezone.now() - timedelta(days=2)
    FormDraft.objects.create(
        team=account.team, owner=lead, title="Discarded", discarded_at=long_ago
    )
    for number in range(3):
        client.post(SAVE, form_for(account, title=f"Draft {number}"))

    assert {d.title for d in FormDraft.objects.all()} == {"Draft 1", "Draft 2"}


# -- where it is found ----------------------------------------------------------------


def test_who_begins_anew_is_told_of_the_draft(client, account, lead) -> None:
    client.post(AUTO, form_for(account, title="Before the session ended"))

    page = squeezed(client.get(NEW))

    assert "You began “Before the session ended” and did not create it" in page
    assert "Go on with it" in page


def test_an_expired_session_is_no_loss(client, account, lead) -> None:
    client.post(AUTO, form_for(account, title="Typed before"))
    client.logout()

    refused = client.post(NEW, form_for(account, title="Typed after"))
    client.force_login(lead)

    assert refused.status_code == 302
    assert reverse("login") in refused["Location"]
    assert "Typed before" in squeezed(client.get(NEW))
