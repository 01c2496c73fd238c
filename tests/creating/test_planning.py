"""What a plan finds before anything is saved: bad input first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks_app.models import Prospect, Push
from tasks_app.services.creating import prepare
from tasks_app.services.planning import LETTERS
from tasks_app.services.reaching import LeftOut, open_tasks
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.words import Priority
from tests.creating.inputs import DUE, START, input_for, linked_prospects
from tests.factories import (
    make_account,
    make_link,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 7, 15, 22, 30, tzinfo=UTC)


def errors_of(plan):
    return {error.field: error.message for error in plan.errors}


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_an_unknown_type_is_refused_beside_the_type(vendor) -> None:
    account = make_account(vendor)
    task_input = input_for(account, type_code="carrier pigeon")

    plan = prepare(account=account, task_input=task_input, prospects=[])

    assert "carrier pigeon" in errors_of(plan)["type_code"]
    assert not plan.items


@pytest.mark.parametrize(
    ("vendor", "missing", "field"),
    [
        ("reply", "note", "note"),
        ("reply", "due_at", "due_at"),
        ("leadsquared", "title", "title"),
        ("leadsquared", "assignee", "assignee"),
        ("ysuite", "title", "title"),
        ("ysuite", "starts_at", "starts_at"),
    ],
)
def test_what_a_vendor_requires_is_asked_for(vendor, missing, field) -> None:
    account = make_account(vendor)
    empty = {"note": "", "title": ""}.get(missing)
    task_input = input_for(account, **{missing: empty})

    plan = prepare(
        account=account, task_input=task_input, prospects=linked_prospects(account, 2)
    )

    assert set(errors_of(plan)) == {field}


@pytest.mark.parametrize("vendor", ["reply", "leadsquared", "ysuite"])
def test_due_before_the_start_is_refused(vendor) -> None:
    account = make_account(vendor)
    task_input = input_for(account, due_at=START - timedelta(hours=1))

    plan = prepare(
        account=account, task_input=task_input, prospects=linked_prospects(account, 1)
    )

    assert "due_at" in errors_of(plan)


def test_a_start_before_2015_is_refused_for_reply() -> None:
    account = make_account("reply")
    task_input = input_for(account, starts_at=datetime(2014, 12, 31, tzinfo=UTC))

    plan = prepare(account=account, task_input=task_input, prospects=[])

    assert "2015" in errors_of(plan)["starts_at"]


@pytest.mark.parametrize("vendor", ADAPTERS)
def test_a_title_that_no_column_holds_is_refused(vendor) -> None:
    account = make_account(vendor)
    task_input = input_for(account, title="x" * 501)

    plan = prepare(
        account=account, task_input=task_input, prospects=linked_prospects(account, 1)
    )

    assert "title" in errors_of(plan)


def test_a_text_of_a_megabyte_is_refused() -> None:
    account = make_account("reply")
    long = input_for(account, note="x" * 20_001, options={"subject": "y" * 5_001})

    plan = prepare(
        account=account, task_input=long, prospects=linked_prospects(account, 1)
    )

    assert "20,000" in errors_of(plan)["note"]
    assert "5,000" in errors_of(plan)["subject"]


def test_somebody_of_another_team_gets_no_task() -> None:
    account = make_account("saleshandy")
    stranger = make_user(make_team())

    plan = prepare(
        account=account,
        task_input=input_for(account, assignee=stranger),
        prospects=linked_prospects(account, 1),
    )

    assert "does not belong to this team" in errors_of(plan)["assignee"]


def test_somebody_the_vendor_does_not_know_is_refused_there() -> None:
    account = make_account("ysuite")
    member = make_user(account.team, "rep")

    plan = prepare(
        account=account,
        task_input=input_for(account, assignee=member),
        prospects=linked_prospects(account, 1),
    )

    assert "YSuite" in errors_of(plan)["assignee"]


def test_at_leadsquared_an_e_mail_address_names_a_member() -> None:
    account = make_account("leadsquared")
    member = make_user(account.team, "rep")
    prospects = linked_prospects(account, 1)

    plan = prepare(
        account=account,
        task_input=input_for(account, assignee=member),
        prospects=prospects,
    )

    assert not plan.errors
    assert plan.request_for(prospects[0]).json["OwnerEmailAddress"] == member.email


# -- who is left out -------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["saleshandy", "leadsquared", "ysuite"])
def test_a_prospect_without_an_id_is_named_and_the_others_go(vendor) -> None:
    account = make_account(vendor)
    ready = linked_prospects(account, 2)
    unlinked = make_prospect(account.team, first_name="Ravi", last_name="Deshpande")

    plan = prepare(
        account=account,
        task_input=input_for(account),
        prospects=[unlinked, *ready],
    )

    assert [item.prospect for item in plan.items] == ready
    assert [left.name for left in plan.left_out] == ["Ravi Deshpande"]
    assert "id" in plan.left_out[0].reason
    assert f"id:{account.name}" in plan.left_out[0].mend
    assert (plan.chosen, plan.ready) == (3, 2)


def test_an_id_at_another_account_does_not_count() -> None:
    account = make_account("saleshandy")
    elsewhere = make_prospect(account.team)
    make_link(elsewhere, make_account("saleshandy", team=account.team))

    plan = prepare(
        account=account, task_input=input_for(account), prospects=[elsewhere]
    )

    assert plan.ready == 0
    assert len(plan.left_out) == 1


def test_who_asked_not_to_be_contacted_is_left_out() -> None:
    account = make_account("reply")
    [prospect] = linked_prospects(account, 1, do_not_contact=True)

    plan = prepare(account=account, task_input=input_for(account), prospects=[prospect])

    assert plan.left_out[0].reason == "Asked not to be contacted."
    assert plan.ready == 0


def test_a_prospect_chosen_twice_gets_one_task_and_is_named() -> None:
    account = make_account("saleshandy")
    [prospect] = linked_prospects(account, 1)

    plan = prepare(
        account=account, task_input=input_for(account), prospects=[prospect, prospect]
    )

    assert plan.ready == 1
    assert plan.left_out[0].reason == "Was chosen twice."


def test_variables_need_a_contact_at_reply() -> None:
    account = make_account("reply")
    stranger = make_prospect(account.team)
    plain, personal = input_for(account), input_for(account, note="Hi {{firstName}}")

    without = prepare(account=account, task_input=plain, prospects=[stranger])
    with_variables = prepare(account=account, task_input=personal, prospects=[stranger])

    assert without.ready == 1
    assert with_variables.ready == 0
    assert "variables" in with_variables.left_out[0].reason


def test_only_who_makes_the_title_too_long_is_left_out() -> None:
    account = make_account("ysuite")
    [short] = linked_prospects(account, 1)
    [long] = linked_prospects(account, 1, company="Halden " * 25)
    task_input = input_for(account, title="Review for {{company}}")

    plan = prepare(account=account, task_input=task_input, prospects=[short, long])

    assert [item.prospect for item in plan.items] == [short]
    assert "150" in plan.left_out[0].reason


def test_people_who_are_not_in_baton_are_named_too() -> None:
    account = make_account("saleshandy")
    unknown = LeftOut("k@malabr.example", "k@malabr.example", "Line 2: nobody.")

    plan = prepare(
        account=account,
        task_input=input_for(account),
        prospects=linked_prospects(account, 1),
        unknown=[unknown],
    )

    assert (plan.chosen, plan.ready) == (2, 1)
    assert plan.left_out == [unknown]


# -- what is sent ----------------------------------------------------------------------


def test_without_a_day_today_of_the_team_is_fixed_and_said() -> None:
    team = make_team(time_zone="Europe/Berlin")  # there it is the 16th already
    account = make_account("saleshandy", team=team)

    plan = prepare(
        account=account,
        task_input=input_for(account, due_on=None),
        prospects=linked_prospects(account, 1),
        now=NOW,
    )

    assert plan.items[0].draft.due_on == datetime(2030, 7, 16).date()
    assert any("16 July 2030" in notice for notice in plan.notices)


def test_reply_without_a_start_starts_now() -> None:
    account = make_account("reply")

    plan = prepare(
        account=account,
        task_input=input_for(account, starts_at=None),
        prospects=linked_prospects(account, 1),
        now=NOW,
    )

    assert not plan.errors
    assert plan.items[0].draft.starts_at == NOW


def test_baton_fills_in_variables_where_the_vendor_stores_plain_text() -> None:
    account = make_account("saleshandy")
    [ada] = linked_prospects(account, 1, first_name="Ada", company="")
    note = "Hi {{firstName}} of {{company}}, {{ Company | your team }}: {{horoscope}}"

    plan = prepare(
        account=account, task_input=input_for(account, note=note), prospects=[ada]
    )

    assert plan.items[0].draft.note == (
        "Hi Ada of your company, your team: {{horoscope}}"
    )
    assert [error.field for error in plan.errors] == ["note"]
    assert plan.errors[0].message.startswith("{{horoscope}} is not a variable. Take")
    assert any("no company" in notice for notice in plan.notices)


@pytest.mark.parametrize("text", ["{{fristName}}", "{{ fristname | you }}"])
def test_a_word_that_is_nearly_a_variable_is_refused_at_its_field(text: str) -> None:
    account = make_account("ysuite")
    people = linked_prospects(account, 1)
    given = input_for(account, title=f"Call {text}", note=f"Ask {text}")

    plan = prepare(account=account, task_input=given, prospects=people)

    assert {error.field for error in plan.errors} >= {"title", "note"}
    assert all(
        error.message == f"{text} is not a variable. Did you mean {{{{firstName}}}}?"
        for error in plan.errors
        if error.field in ("title", "note")
    )


def test_what_the_vendor_fills_in_is_a_question_and_no_error() -> None:
    account = make_account("reply")
    people = linked_prospects(account, 1)
    given = input_for(account, title="Call", note="{{fristName}} {{shoeSize}}")

    plan = prepare(account=account, task_input=given, prospects=people)

    assert not plan.errors
    assert [(w.written, w.better) for w in plan.unknown] == [
        ("{{fristName}}", "{{firstName}}"),
        ("{{shoeSize}}", ""),
    ]


def test_reply_gets_its_variables_as_they_are() -> None:
    account = make_account("reply")
    [ada] = linked_prospects(account, 1, first_name="Ada")

    plan = prepare(
        account=account,
        task_input=input_for(account, note="Hi {{firstName}}"),
        prospects=[ada],
    )

    assert plan.request_for(ada).json["template"]["body"] == "Hi {{firstName}}"
    assert plan.items[0].draft.title == "Call: Hi Ada"


def test_values_of_prospects_are_not_filled_in_again() -> None:
    account = make_account("saleshandy")
    [trickster] = linked_prospects(account, 1, first_name="{{lastName}}", last_name="X")

    plan = prepare(
        account=account,
        task_input=input_for(account, note="Hi {{firstName}}"),
        prospects=[trickster],
    )

    assert plan.items[0].draft.note == "Hi {{lastName}}"


def test_a_blank_title_becomes_the_type_and_the_first_line() -> None:
    account = make_account("saleshandy")
    prospects = linked_prospects(account, 1)

    with_note = prepare(
        account=account,
        task_input=input_for(account, note="\nCall back\nabout it"),
        prospects=prospects,
    )
    without = prepare(
        account=account, task_input=input_for(account, note=""), prospects=prospects
    )

    assert with_note.items[0].draft.title == "Call follow-up: Call back"
    assert without.items[0].draft.title == "Call follow-up"
    assert not with_note.losses


def test_what_cannot_travel_is_said() -> None:
    account = make_account("saleshandy")

    plan = prepare(
        account=account,
        task_input=input_for(account, due_on=None, due_at=DUE, title="Own title"),
        prospects=linked_prospects(account, 1),
    )

    assert any("15:00 will be dropped" in loss for loss in plan.losses)
    assert any("title" in loss for loss in plan.losses)


def test_the_call_that_is_shown_carries_the_marker_and_no_key() -> None:
    account = make_account("saleshandy", reference_marker=True)
    prospects = linked_prospects(account, 30)

    plan = prepare(account=account, task_input=input_for(account), prospects=prospects)
    request = plan.request_for(prospects[27])

    marker = plan.items[0].draft.marker
    assert marker.startswith("bt-")
    assert len(marker) == 11
    assert set(marker[3:]) <= set(LETTERS)
    assert request.json["taskNote"].endswith(f"[{marker}]")
    assert len(request.json["prospectIds"]) == 5
    assert "key-saleshandy" not in repr(request)
    assert {item.draft.marker for item in plan.items} == {marker}


@pytest.mark.parametrize("vendor", ["leadsquared", "reply"])
def test_each_task_has_its_own_marker_where_texts_are_not_shared(vendor) -> None:
    account = make_account(vendor, reference_marker=True)

    plan = prepare(
        account=account,
        task_input=input_for(account),
        prospects=linked_prospects(account, 12),
    )

    assert len({item.draft.marker for item in plan.items}) == 12


@pytest.mark.parametrize(
    ("vendor", "number", "calls"),
    [
        ("saleshandy", 51, 3),
        ("leadsquared", 9, 9),
        ("leadsquared", 60, 2),
        ("reply", 4, 4),
        ("ysuite", 4, 4),
    ],
)
def test_the_calls_are_counted_as_they_will_be_made(vendor, number, calls) -> None:
    account = make_account(vendor, rates=[[1, 10]])
    prospects = linked_prospects(account, number)

    plan = prepare(account=account, task_input=input_for(account), prospects=prospects)

    assert plan.calls == calls == len(list(plan.requests()))
    assert plan.seconds == pytest.approx((calls - 1) * 10, rel=0.05)


def test_variables_make_one_call_for_each_text() -> None:
    account = make_account("saleshandy")
    prospects = linked_prospects(account, 3, first_name="Ada")
    prospects += linked_prospects(account, 2, first_name="Bo")

    plan = prepare(
        account=account,
        task_input=input_for(account, note="Hi {{firstName}}"),
        prospects=prospects,
    )

    assert plan.calls == 2


def test_what_waits_already_is_counted_and_urgent_work_passes_it() -> None:
    account = make_account("reply", rates=[[1, 10]])
    for _ in range(5):
        make_push(account=account, lane=Push.Lane.NORMAL)
    prospects = linked_prospects(account, 2)
    urgent = input_for(account, priority=Priority.URGENT)

    behind = prepare(
        account=account, task_input=input_for(account), prospects=prospects
    )
    before = prepare(account=account, task_input=urgent, prospects=prospects)

    assert behind.waiting_calls == 5
    assert before.waiting_calls == 0


def test_an_open_task_of_the_same_channel_is_pointed_out() -> None:
    account = make_account("saleshandy")
    other = make_account("reply", team=account.team, name="Growth")
    [prospect] = linked_prospects(account, 1, first_name="Ada", last_name="Okafor")
    make_task(account=other, prospect=prospect, channel="call")
    make_task(account=other, prospect=prospect, channel="email")

    plan = prepare(account=account, task_input=input_for(account), prospects=[prospect])

    assert plan.open_sentence == (
        "1 prospect has an open call task already: Ada Okafor (Growth)."
    )
    assert plan.ready == 1


def test_a_finished_or_failed_task_is_no_duplicate() -> None:
    account = make_account("saleshandy")
    [prospect] = linked_prospects(account, 1)
    make_task(account=account, prospect=prospect, status="completed", channel="call")
    make_task(account=account, prospect=prospect, delivery="failed", channel="call")

    plan = prepare(account=account, task_input=input_for(account), prospects=[prospect])

    assert plan.open_already == []


def test_who_has_an_open_task_is_left_out_on_request() -> None:
    account = make_account("saleshandy")
    busy, free = linked_prospects(account, 2)
    make_task(account=account, prospect=busy, channel="call", title="Call about it.")

    plan = prepare(
        account=account,
        task_input=input_for(account, skip_open=True),
        prospects=[busy, free],
    )

    assert [item.prospect for item in plan.items] == [free]
    assert [left.reason for left in plan.left_out] == [
        f"Has an open call task at {account.name} already: Call about it."
    ]
    assert plan.open_people == 1


def test_an_open_task_of_another_team_does_not_count() -> None:
    account, other = make_account("saleshandy"), make_account("saleshandy")
    [prospect] = linked_prospects(account, 1)
    make_task(account=other, prospect=prospect, channel="call")

    plan = prepare(account=account, task_input=input_for(account), prospects=[prospect])

    assert plan.open_already == []


def test_open_tasks_of_thousands_take_one_query_by_an_index(
    django_assert_num_queries,
) -> None:
    account = make_account("saleshandy")
    people = Prospect.objects.bulk_create(
        Prospect(team=account.team, last_name=str(n)) for n in range(3000)
    )
    make_task(account=account, prospect=people[2999], channel="call")
    call = account.task_types.get(code="13")

    with django_assert_num_queries(1):
        found = open_tasks(account, call, people)

    assert [task.prospect for task in found] == [people[2999]]


def test_a_mapped_person_holds_it_on_both_sides() -> None:
    account = make_account("leadsquared")
    member = make_user(account.team, "rep")
    person = make_vendor_user(account, user=member)
    prospects = linked_prospects(account, 1)

    by_member = prepare(
        account=account,
        task_input=input_for(account, assignee=member),
        prospects=prospects,
    )
    by_person = prepare(
        account=account,
        task_input=input_for(account, assignee=person),
        prospects=prospects,
    )

    for plan in (by_member, by_person):
        assert (plan.holder.user, plan.holder.vendor_user) == (member, person)


def test_planning_for_many_takes_few_queries(django_assert_max_num_queries) -> None:
    account = make_account("saleshandy")
    prospects = linked_prospects(account, 100)
    task_input = input_for(account)

    with django_assert_max_num_queries(6):
        plan = prepare(account=account, task_input=task_input, prospects=prospects)

    assert plan.ready == 100
