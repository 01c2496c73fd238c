"""Who gets which task and on which day: the same in preview and creation."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.models import Prospect, Task, VendorUser
from tasks_app.services.assigning import Holder, holder_for, named
from tasks_app.services.creating import create_tasks, prepare
from tasks_app.services.plans import Planned, Sharing, TaskInput
from tasks_app.services.sharing import Sharer, key_of, shares_of
from tasks_app.services.spreading import Spread, day_of, moved, working_day
from tasks_app.vendors.drafts import TaskDraft
from tests.creating.inputs import input_for, linked_prospects
from tests.factories import (
    make_account,
    make_prospect,
    make_team,
    make_user,
    make_vendor_user,
)

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
BERLIN = ZoneInfo("Europe/Berlin")


# -- working days ---------------------------------------------------------------------


@given(first=DAYS, number=st.integers(0, 3000))
@settings(max_examples=200)
def test_working_days_go_on_one_by_one_without_weekends(first, number) -> None:
    day, after = working_day(first, number), working_day(first, number + 1)

    assert day.weekday() < 5
    assert day >= first
    between = [day + timedelta(days=n) for n in range(1, (after - day).days)]
    assert after > day
    assert all(other.weekday() >= 5 for other in between)


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    length=st.integers(0, 60 * 24 * 30),
    number=st.integers(0, 400),
)
@settings(max_examples=200)
def test_moving_keeps_the_time_of_day_and_the_order(start, length, number) -> None:
    begins = start.replace(tzinfo=UTC)
    ends = begins + timedelta(minutes=length)
    draft = TaskDraft(ref="", type_code="", starts_at=begins, due_at=ends)

    later = moved(draft, number, BERLIN)

    for old, new in ((draft.starts_at, later.starts_at), (draft.due_at, later.due_at)):
        was, now = old.astimezone(BERLIN), new.astimezone(BERLIN)
        assert now.weekday() < 5
        forward = timedelta(hours=1)  # a time that the clocks leave out
        assert now.replace(tzinfo=None) - datetime.combine(now.date(), was.time()) in (
            timedelta(0),
            forward,
        )
    assert later.starts_at <= later.due_at


@pytest.mark.parametrize(
    ("start", "due", "new_start", "new_due"),
    [
        # Saturday afternoon to Sunday morning: one behind the other on Monday before.
        (
            "2026-07-18 15:00",
            "2026-07-19 09:00",
            "2026-07-20 15:00",
            "2026-07-21 09:00",
        ),
        (
            "2026-07-18 10:00",
            "2026-07-18 11:00",
            "2026-07-20 10:00",
            "2026-07-20 11:00",
        ),
        (
            "2026-07-17 16:00",
            "2026-07-18 10:00",
            "2026-07-20 16:00",
            "2026-07-21 10:00",
        ),
        (
            "2026-07-19 10:00",
            "2026-07-20 10:00",
            "2026-07-20 10:00",
            "2026-07-21 10:00",
        ),
        (
            "2026-07-17 10:00",
            "2026-07-20 10:00",
            "2026-07-17 10:00",
            "2026-07-20 10:00",
        ),
    ],
)
def test_start_and_due_leave_a_weekend_together(start, due, new_start, new_due) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=BERLIN)

    draft = TaskDraft(ref="", type_code="", starts_at=at(start), due_at=at(due))

    later = moved(draft, 0, BERLIN)

    assert (later.starts_at, later.due_at) == (at(new_start), at(new_due))


def test_a_day_without_a_time_moves_with_the_start() -> None:
    friday = datetime(2026, 7, 17, 16, tzinfo=BERLIN)
    draft = TaskDraft(ref="", type_code="", starts_at=friday, due_on=date(2026, 7, 18))

    later = moved(draft, 1, BERLIN)

    assert later.starts_at == datetime(2026, 7, 21, 16, tzinfo=BERLIN)
    assert later.due_on == date(2026, 7, 22)


def test_a_time_that_the_clocks_leave_out_moves_forward() -> None:
    zone = ZoneInfo("Africa/Cairo")  # on a Friday, 25 April 2025, from 0:00 to 1:00
    before = datetime(2025, 4, 24, 0, 30, tzinfo=zone)
    draft = TaskDraft(ref="", type_code="", due_at=before)

    later = moved(draft, 1, zone).due_at.astimezone(zone)

    assert (later.date(), later.hour, later.minute) == (date(2025, 4, 25), 1, 30)


# -- sharing out, as a property ------------------------------------------------------


@given(
    tasks=st.integers(0, 300),
    people=st.integers(1, 7),
    per_day=st.integers(1, 60),
    each=st.booleans(),
    first=DAYS,
)
@settings(max_examples=100, deadline=None)
def test_shares_are_fair_complete_and_within_the_day(
    tasks, people, per_day, each, first
) -> None:
    spread = Spread(per_day, each=each)
    given_ = TaskInput("13", due_on=first, sharing=Sharing("turn", spread=spread))
    turn = [
        Holder(vendor_user=VendorUser(external_id=str(n), name=f"P{n}"))
        for n in range(people)
    ]
    draft = TaskDraft(ref="", type_code="13", due_on=first)
    items = [Planned(Prospect(pk=n), replace(draft, ref=str(n))) for n in range(tasks)]
    sharer = Sharer(None, given_, True, turn=turn)

    shared = sharer.share_out(items, BERLIN)

    assert [item.prospect.pk for item in shared] == list(range(tasks))
    assert shared == sharer.share_out(items, BERLIN)
    by_person = Counter(key_of(item.holder) for item in shared)
    if tasks >= people:
        assert max(by_person.values()) - min(by_person.values()) <= 1
    by_day = Counter(
        (item.draft.due_on, key_of(item.holder) if each else "") for item in shared
    )
    assert all(number <= per_day for number in by_day.values())
    days = sorted({item.draft.due_on for item in shared})
    assert days == [working_day(first, n) for n in range(len(days))]
    for day in days[:-1]:
        full = sum(n for (other, _), n in by_day.items() if other == day)
        assert full == (per_day * people if each else per_day)
    table = shares_of(shared, BERLIN)
    assert sum(number for _, number in table.people) == tasks
    assert sum(sum(numbers) for _, numbers, _ in table.rows) == tasks


# -- the plan -------------------------------------------------------------------------


@pytest.fixture
def account(db):
    return make_account("leadsquared", team=make_team(time_zone="Europe/Berlin"))


def planned(account, prospects, **sharing):
    values = {"assignee": None} if sharing.get("way", "one") != "one" else {}
    values |= sharing.pop("values", {})
    return prepare(
        account=account,
        task_input=input_for(account, sharing=Sharing(**sharing), **values),
        prospects=prospects,
    )


def test_people_take_turns_and_who_is_left_out_takes_none(account) -> None:
    people = [make_vendor_user(account) for _ in range(2)]
    prospects = linked_prospects(account, 2)
    prospects.insert(1, make_prospect(account.team))  # has no id there
    prospects += linked_prospects(account, 2)

    plan = planned(account, prospects, way="turn", people=people)
    batch = create_tasks(plan, by=None, form_token=uuid.uuid4())

    held = [task.vendor_user for task in batch.tasks.order_by("pk")]
    assert held == [people[0], people[1], people[0], people[1]]
    assert plan.shares.people == [(str(people[0]), 2), (str(people[1]), 2)]
    sent = [plan.request_for(item.prospect) for item in plan.items]
    assert sent[1].json["OwnerId"] == people[1].external_id


def test_what_was_previewed_is_what_is_created(account) -> None:
    people = [make_vendor_user(account) for _ in range(3)]
    prospects = linked_prospects(account, 20)
    sharing = {"way": "turn", "people": people, "spread": Spread(3)}

    previewed = planned(account, prospects, **sharing)
    batch = create_tasks(
        planned(account, prospects, **sharing), by=None, form_token=uuid.uuid4()
    )

    tasks = list(batch.tasks.order_by("pk"))
    assert [item.draft.due_at for item in previewed.items] == [t.due_at for t in tasks]
    assert [item.draft.starts_at for item in previewed.items] == [
        t.starts_at for t in tasks
    ]
    assert [item.holder.vendor_user for item in previewed.items] == [
        t.vendor_user for t in tasks
    ]
    assert len({task.due_at for task in tasks}) == 7


def test_nobody_chosen_and_nobody_of_the_team_are_refused(account) -> None:
    stranger = make_vendor_user(make_account("leadsquared"))
    prospects = linked_prospects(account, 1)

    nobody = planned(account, prospects, way="turn")
    foreign = planned(account, prospects, way="turn", people=[stranger])

    assert nobody.errors[0].message == "Choose who takes turns."
    assert "another account" in foreign.errors[0].message
    assert {plan.errors[0].field for plan in (nobody, foreign)} == {"assignees"}


@pytest.mark.parametrize("owner", ["rep@x.example", "REP@X.example", "Elin Berg"])
def test_the_owner_is_found_by_address_or_name(account, owner) -> None:
    elin = make_vendor_user(account, email="rep@x.example", name="Elin Berg")
    prospects = linked_prospects(account, 1, owner=owner)

    plan = planned(account, prospects, way="owner")

    assert plan.items[0].holder.vendor_user == elin
    assert plan.items[0].draft.assignee.email == "rep@x.example"


def test_who_has_no_known_owner_is_left_out_and_named(account) -> None:
    elin = make_vendor_user(account, name="Elin Berg")
    make_vendor_user(account, name="Twin")
    make_vendor_user(account, name="Twin")
    known, none, twin, gone = (
        *linked_prospects(account, 1, owner="elin berg"),
        *linked_prospects(account, 1),
        *linked_prospects(account, 1, owner="Twin"),
        *linked_prospects(account, 1, owner="Who Left"),
    )

    plan = planned(account, [known, none, twin, gone], way="owner")

    assert [item.holder.vendor_user for item in plan.items] == [elin]
    assert [(left.prospect_id, left.reason) for left in plan.left_out] == [
        (none.pk, "Has no owner."),
        (twin.pk, "Its owner, Twin, is nobody known at LeadSquared."),
        (gone.pk, "Its owner, Who Left, is nobody known at LeadSquared."),
    ]


def test_somebody_stands_in_for_missing_owners(account) -> None:
    elin = make_vendor_user(account)
    prospects = linked_prospects(account, 2)

    plan = planned(account, prospects, way="owner", values={"assignee": elin})

    assert [item.holder.vendor_user for item in plan.items] == [elin, elin]
    assert plan.left_out == []


def test_an_address_alone_is_enough_where_the_vendor_takes_it(account) -> None:
    prospects = linked_prospects(account, 3, owner="New@Rep.example")

    plan = planned(account, prospects, way="owner")
    create_tasks(plan, by=None, form_token=uuid.uuid4())

    person = VendorUser.objects.get(account=account, email="new@rep.example")
    assert set(Task.objects.values_list("vendor_user", flat=True)) == {person.pk}


def test_an_owner_who_has_left_is_left_out(account) -> None:
    make_vendor_user(account, email="Gone@rep.example", active=False)
    member = make_user(account.team, "rep")
    make_vendor_user(account, email=member.email, active=False)
    prospects = linked_prospects(account, 1, owner="gone@Rep.example")
    prospects += linked_prospects(account, 1, owner=member.email)

    plan = planned(account, prospects, way="owner")

    assert plan.items == []
    assert [left.reason for left in plan.left_out] == [
        "Its owner, gone@Rep.example, is not active any more.",
        f"Its owner, {member.email}, is not active any more.",
    ]


@pytest.mark.parametrize("text", ["gone@rep.example", "n-17"])
def test_somebody_named_who_has_left_is_refused(account, text) -> None:
    make_vendor_user(
        account, email="Gone@rep.example", external_id="n-17", active=False
    )

    person = named(account, text, at_vendor=True)
    holder = holder_for(account, person, at_vendor=True)

    assert "is not active any more" in holder.errors[0].message


def test_all_without_an_owner_says_so_and_nothing_else(account) -> None:
    plan = planned(account, linked_prospects(account, 2), way="owner")

    assert plan.errors == []
    assert plan.items == []
    assert [left.reason for left in plan.left_out] == ["Has no owner."] * 2


@pytest.mark.django_db
def test_by_owner_in_baton_where_the_vendor_takes_no_assignee() -> None:
    account = make_account("saleshandy")
    elin = make_user(account.team, "rep", first_name="Elin", last_name="Berg")
    prospects = linked_prospects(account, 1, owner=elin.email)
    prospects += linked_prospects(account, 1)

    left = planned(account, prospects, way="owner")
    kept = planned(account, prospects, way="owner", nobody_too=True)

    assert [item.holder.user for item in left.items] == [elin]
    assert [item.holder.user for item in kept.items] == [elin, None]
    assert kept.shares.people == [("Elin Berg", 1), ("Nobody yet", 1)]


@pytest.mark.django_db
def test_spreading_skips_weekends_in_the_teams_zone_and_says_so() -> None:
    team = make_team(time_zone="Pacific/Auckland")
    account = make_account("saleshandy", team=team)
    prospects = linked_prospects(account, 5)
    saturday = date(2030, 7, 20)

    plan = prepare(
        account=account,
        task_input=input_for(
            account, due_on=saturday, sharing=Sharing(spread=Spread(2))
        ),
        prospects=prospects,
    )

    days = [item.draft.due_on for item in plan.items]
    assert days == [date(2030, 7, d) for d in (22, 22, 23, 23, 24)]
    assert (
        "20 July is a Saturday: the first tasks are due on Monday, 22 July."
        in plan.notices
    )
    # One call holds tasks of one day only.
    assert plan.calls == 3
    assert {r.json["dueDate"] for r in plan.requests()} == {
        "2030-07-22",
        "2030-07-23",
        "2030-07-24",
    }


@pytest.mark.django_db
def test_spreading_without_a_first_day_is_refused() -> None:
    account = make_account("saleshandy")

    plan = prepare(
        account=account,
        task_input=input_for(account, due_on=None, sharing=Sharing(spread=Spread(2))),
        prospects=linked_prospects(account, 1),
    )

    assert "Choose the first day" in plan.errors[0].message


def test_each_person_has_their_own_number_of_the_day(account) -> None:
    people = [make_vendor_user(account) for _ in range(2)]
    prospects = linked_prospects(account, 6)

    plan = planned(
        account, prospects, way="turn", people=people, spread=Spread(2, each=True)
    )

    zone = account.team.zone
    days = [day_of(item.draft, zone).day for item in plan.items]
    assert days == [16, 16, 16, 16, 17, 17]


def test_many_owners_take_few_queries(account, django_assert_max_num_queries) -> None:
    for number in range(4):
        make_vendor_user(account, email=f"o{number}@x.example")
    prospects = []
    for number in range(40):
        prospects += linked_prospects(account, 1, owner=f"o{number % 4}@x.example")

    with django_assert_max_num_queries(10):
        plan = planned(account, prospects, way="owner")

    assert plan.ready == 40
