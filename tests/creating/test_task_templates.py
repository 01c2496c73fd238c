"""Templates of a team: kept by a lead, used on the form, seen by everybody in it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from tasks_app.models import Batch, FormDraft, TaskTemplate
from tests.creating.inputs import linked_prospects
from tests.creating.test_new_task_page import form_for, squeezed
from tests.factories import make_account, make_team, make_user

pytestmark = pytest.mark.django_db
NEW, LIST = reverse("task-new"), reverse("task-template-list")


@pytest.fixture
def account():
    return make_account("saleshandy", name="Outbound EU")


def act(client, what, template, **values):
    url = reverse(f"task-template-{what}", args=[template.pk])
    return client.post(url, values, follow=True)


def save(client, form, name):
    return client.post(NEW, {**form, "do": "template", "template_name": name})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("  ", "Give the template a name"),
        ("x" * 81, "at most 80"),
        ("Renewal", "of this name already"),
    ],
)
def test_a_bad_name_is_said_and_nothing_typed_is_lost(
    client, account, lead, name, words
) -> None:
    TaskTemplate.objects.create(team=account.team, name="Renewal")

    response = save(client, form_for(account, note="Long text"), name)

    assert words in squeezed(response)
    assert "Long text</textarea>" in response.content.decode()
    assert f'form="new-task" value="{name}"' in response.content.decode()
    assert TaskTemplate.objects.count() == 1


def test_enter_in_the_name_keeps_the_template(client, account, lead) -> None:
    form = form_for(account)
    page = client.get(NEW).content.decode()
    first = re.search(r'<button [^>]*form="new-task"[^>]*>', page)[0]

    client.post(NEW, {**form, "do": "enter", "template_name": ""})
    named = client.post(NEW, {**form, "do": "enter", "template_name": "Renewal"})

    assert 'name="do" value="enter"' in first
    assert TaskTemplate.objects.get().name == "Renewal"
    assert "is a template of the team now" in squeezed(named)


def test_prospects_and_dates_are_not_kept_and_all_else_is(
    client, account, lead
) -> None:
    people = linked_prospects(account, 2)
    form = form_for(
        account, people, title="Renewal", priority="4", days="spread",
        spread_per_day="20",
    )  # fmt: skip

    response = save(client, form, " Renewal   call ")
    template = TaskTemplate.objects.get()

    assert "“Renewal call” is a template of the team now" in squeezed(response)
    assert f'name="prospect" value="{people[0].pk}"' in response.content.decode()
    assert not {"prospect", "due_on", "how", "form_token"} & template.values.keys()
    page = client.get(NEW, {"template": template.pk}).content.decode()
    assert 'value="Renewal"' in page
    assert '<option value="4" selected>' in page
    assert (
        'name="spread_per_day" inputmode="numeric" autocomplete="off" value="20"'
        in page
    )
    assert 'value="2030-07-16"' not in page


def test_filling_the_form_keeps_prospects_dates_and_what_was_written(
    client, account, lead
) -> None:
    [ada] = linked_prospects(account, 1)
    save(client, form_for(account, title="Renewal", note="Text of the team"), "Renewal")
    template = TaskTemplate.objects.get()
    form = form_for(account, [ada], note="Mine, half done", due_on="2031-01-07")

    filled = client.post(NEW, {**form, "template": str(template.pk)})

    page = filled.content.decode()
    assert "Text of the team</textarea>" in page
    assert f'name="prospect" value="{ada.pk}"' in page
    assert 'value="2031-01-07"' in page
    assert f'value="{form["form_token"]}"' in page
    assert FormDraft.objects.get().values["note"] == ["Mine, half done"]
    assert "among your drafts" in squeezed(filled)
    assert not Batch.objects.exists()


def test_a_template_of_another_team_is_out_of_reach(client, account, lead) -> None:
    theirs = TaskTemplate.objects.create(
        team=make_team(), name="Secret", values={"title": ["Their text"]}
    )

    pages = [
        client.get(NEW),
        client.get(LIST),
        client.get(NEW, {"template": theirs.pk}),
        client.post(NEW, {**form_for(account), "template": str(theirs.pk)}),
    ]

    for page in pages:
        assert "Secret" not in page.content.decode()
        assert "Their text" not in page.content.decode()


def test_a_rep_reads_the_texts_and_changes_nothing(client, account) -> None:
    template = TaskTemplate.objects.create(
        team=account.team, name="Renewal", values={"note": ["Text of the team"]}
    )
    client.force_login(make_user(account.team, "rep"))

    page = client.get(LIST).content.decode()

    assert "Text of the team" in page
    assert "<form method" not in page.split("<main")[1].split("</main")[0]
    for name in ("rename", "delete", "restore"):
        assert act(client, name, template).status_code == 403


def test_renaming_refuses_a_name_that_is_taken(client, account, lead) -> None:
    first = TaskTemplate.objects.create(team=account.team, name="First")
    TaskTemplate.objects.create(team=account.team, name="Second")

    refused = act(client, "rename", first, name="Second")
    renamed = act(client, "rename", first, name="Third")

    assert refused.status_code == 422
    assert "of this name already" in squeezed(refused)
    assert "is called “Third” now" in squeezed(renamed)


def test_deleting_can_be_taken_back_unless_the_name_is_given_again(
    client, account, lead
) -> None:
    template = TaskTemplate.objects.create(team=account.team, name="Renewal")

    gone = act(client, "delete", template)
    listed = squeezed(client.get(LIST))
    save(client, form_for(account), "Renewal")
    refused = act(client, "restore", template)
    TaskTemplate.objects.exclude(pk=template.pk).delete()
    back = act(client, "restore", template)

    assert reverse("task-template-restore", args=[template.pk]) in gone.content.decode()
    assert "No templates yet" in listed
    assert "of this name already" in squeezed(refused)
    assert "Renewal" in squeezed(back)


@pytest.mark.parametrize("junk", ["x", "-1", "9" * 30, "0", "½", "1 or 1"])
def test_a_number_of_no_template_changes_nothing(client, account, lead, junk) -> None:
    page = client.post(NEW, {**form_for(account, note="Mine"), "template": junk})

    assert page.status_code == 200
    assert "Mine</textarea>" in page.content.decode()
