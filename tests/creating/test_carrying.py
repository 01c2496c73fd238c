"""What becomes of typed values when the account changes, and what is never sent."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from django.http import QueryDict
from django.urls import reverse

from tasks_app.forms.carrying import carried_over
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.drafts import AssigneeDraft, ProspectDraft, TaskDraft
from tasks_app.vendors.words import Priority
from tests.creating.inputs import linked_prospects
from tests.creating.test_new_task_page import form_for, squeezed
from tests.factories import (
    EXTERNAL_IDS,
    TYPES,
    make_account,
    make_team,
    make_user,
    make_vendor_user,
)

FIELDS, PREVIEW = reverse("task-new-fields"), reverse("task-preview")


@pytest.fixture
def team(db, client):
    team = make_team(time_zone="Europe/Berlin")
    client.force_login(make_user(team))
    return team


def accounts(team, *vendors):
    return [make_account(vendor, team=team) for vendor in vendors]


def switch(client, before, now, **typed):
    """Return the form's part after choosing `now` with this typed for `before`."""
    form = {**form_for(before), "account": str(now.pk), **typed}
    return client.post(FIELDS, form)


# -- days and times -------------------------------------------------------------------


def test_a_time_of_day_is_dropped_aloud_where_there_is_none(client, team) -> None:
    lsq, saleshandy = accounts(team, "leadsquared", "saleshandy")

    page = switch(client, lsq, saleshandy, due_at="2030-07-16T15:00", starts_at="")

    assert 'name="due_on" id="id_due_on" value="2030-07-16"' in page.content.decode()
    assert "Saleshandy has no time of day: 15:00 will be dropped." in squeezed(page)


def test_the_loss_is_said_beside_the_preview_too(client, team) -> None:
    [saleshandy] = accounts(team, "saleshandy")
    people = linked_prospects(saleshandy, 1)
    form = form_for(saleshandy, people, due_at="2030-07-16T15:00")

    page = squeezed(client.post(PREVIEW, form))

    assert "15:00 will be dropped" in page


def test_going_back_brings_the_time_back_on_the_day_that_was_seen_last(
    client, team
) -> None:
    lsq, saleshandy = accounts(team, "leadsquared", "saleshandy")

    page = switch(
        client, saleshandy, lsq, due_on="2030-07-20", due_at="2030-07-16T15:00"
    ).content.decode()

    assert 'id="id_due_at" value="2030-07-20T15:00"' in page
    assert 'id="id_due_on" value=""' in page


def test_a_day_gets_a_time_where_the_vendor_wants_one_and_it_is_said(
    client, team
) -> None:
    saleshandy, ysuite = accounts(team, "saleshandy", "ysuite")

    page = switch(client, saleshandy, ysuite, due_on="2030-07-16")

    assert 'id="id_due_at" value="2030-07-16T17:00"' in page.content.decode()
    assert "YSuite wants a time of day with the due day: 17:00" in squeezed(page)


def test_a_start_and_a_vendors_own_field_are_dropped_aloud(client, team) -> None:
    lsq, saleshandy = accounts(team, "leadsquared", "saleshandy")

    page = switch(client, lsq, saleshandy, o_location="Koramangala <b>")

    text = squeezed(page)
    assert "Saleshandy has no start: 2030-07-16 09:00 will be dropped." in text
    assert "has no “Location” here: “Koramangala &lt;b&gt;” will be dropped." in text
    # Hidden, so that going back brings them back.
    for name in ("starts_at", "o_location"):
        assert f'type="hidden" name="{name}"' in page.content.decode()


def test_what_nobody_typed_is_no_loss(client, team) -> None:
    """The form opens on the first account, whose fields are filled in already."""
    lsq, saleshandy = accounts(team, "leadsquared", "saleshandy")

    page = switch(
        client, lsq, saleshandy, starts_at="", o_related="lead", assignee="", title=""
    )

    assert "What changed with the account" not in squeezed(page)


@pytest.mark.parametrize("junk", ["x", "0001-01-01", "2030-02-30T10:00", "9" * 400])
@pytest.mark.parametrize("name", ["due_at", "due_on", "starts_at", "fields_of"])
def test_junk_is_no_server_error(client, team, name, junk) -> None:
    for before, now in (("leadsquared", "saleshandy"), ("saleshandy", "ysuite")):
        pair = accounts(team, before, now)
        assert switch(client, *pair, **{name: junk}).status_code == 200


# -- people ---------------------------------------------------------------------------


def test_a_mapped_person_is_carried_over(client, team) -> None:
    lsq, ysuite, saleshandy = accounts(team, "leadsquared", "ysuite", "saleshandy")
    elin = make_user(team, "rep")
    there = make_vendor_user(lsq, user=elin)
    here = make_vendor_user(ysuite, user=elin)

    to_vendor = switch(client, lsq, ysuite, assignee=f"vendor:{there.pk}")
    to_baton = switch(client, lsq, saleshandy, assignee=f"vendor:{there.pk}")
    back = switch(client, saleshandy, lsq, assignee=f"user:{elin.pk}")

    assert f'value="vendor:{here.pk}" selected' in to_vendor.content.decode()
    assert f'value="user:{elin.pk}" selected' in to_baton.content.decode()
    assert f'value="vendor:{there.pk}" selected' in back.content.decode()


def test_who_is_nobody_there_is_named(client, team) -> None:
    lsq, saleshandy = accounts(team, "leadsquared", "saleshandy")
    person = make_vendor_user(lsq, name="Elin Berg")

    page = switch(client, lsq, saleshandy, assignee=f"vendor:{person.pk}")

    assert f"Elin Berg is nobody at {saleshandy.name}: choose again." in squeezed(page)


def test_people_of_another_team_are_never_named(team) -> None:
    lsq, saleshandy = accounts(team, "leadsquared", "saleshandy")
    stranger = make_vendor_user(make_account("leadsquared"), name="Secret Person")
    source = QueryDict(mutable=True)
    source["assignee"] = f"vendor:{stranger.pk}"

    values, notes = carried_over(
        source, before=lsq, now=saleshandy, names=["due_on"], at_vendor=False
    )

    assert values["assignee"] == ""
    assert "Secret" not in " ".join(notes)


# -- every vendor, every field -----------------------------------------------------------

FULL = {
    "title": "A title to be seen",
    "note": "A note to be seen",
    "priority": Priority.HIGH,
    "starts_at": datetime(2030, 7, 16, 7, tzinfo=UTC),
    "due_at": datetime(2030, 7, 16, 13, tzinfo=UTC),
    "due_on": date(2030, 7, 17),
    "assignee": AssigneeDraft("4711", "elin@baton.example"),
}
#: What a request looks like that carries the field, and how its loss is named.
CARRIED = {
    "title": ("A title to be seen",),
    "note": ("A note to be seen",),
    "starts_at": ("07:00", "09:00"),
    "due_at": ("13:00", "15:00"),
    "due_on": ("2030-07-17",),
    "assignee": ("4711", "elin@baton.example"),
}
LOST = {
    "title": "title",
    "priority": "priority",
    "starts_at": "start",
    "due_at": "time",
    "due_on": "day",
    "assignee": "assignee",
}


@pytest.mark.django_db
@pytest.mark.parametrize("field", [*CARRIED, "priority"])
@pytest.mark.parametrize("vendor", ADAPTERS)
def test_every_field_travels_or_its_loss_is_said(vendor, field) -> None:
    team = make_team(time_zone="Europe/Berlin")
    adapter = make_account(vendor, team=team).adapter()
    base = {
        "ref": "1",
        "type_code": TYPES[vendor],
        "prospect": ProspectDraft(EXTERNAL_IDS[vendor](1), "p@x.example"),
    }
    # The least that each vendor takes, and this one field beside it.
    least = {
        "saleshandy": {},
        "leadsquared": {
            "title": "t",
            "assignee": AssigneeDraft("9", "o@x.example"),
            "due_on": date(2030, 7, 20),
        },
        "reply": {
            "note": "n",
            "starts_at": datetime(2030, 1, 1, tzinfo=UTC),
            "due_at": datetime(2031, 1, 1, tzinfo=UTC),
        },
        "ysuite": {"title": "t", "starts_at": datetime(2030, 1, 1, tzinfo=UTC)},
    }[vendor]
    draft = TaskDraft(**{**base, **least, field: FULL[field]})

    sent = json.dumps(adapter.create_request([draft]).json, ensure_ascii=False)
    without = json.dumps(
        adapter.create_request([TaskDraft(**{**base, **least})]).json,
        ensure_ascii=False,
    )
    said = " ".join(adapter.losses(draft)).casefold()

    travels = any(word in sent for word in CARRIED.get(field, ()))
    if field == "priority":
        travels = sent != without
    assert travels or LOST.get(field, "-") in said, (sent, said)
