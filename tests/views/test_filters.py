"""The filter against a plain reading of the same rules, over random tasks."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict

from tasks_app.choices import (
    CHANNEL_WORDS,
    DELIVERIES,
    DUES,
    LABELS,
    MOST_TAGS,
    PRIORITIES,
    SORTS,
    STATUSES,
    Choices,
)
from tasks_app.filters import DATES, TaskFilter
from tasks_app.models import Membership, Task, Team
from tests.factories import (
    make_account,
    make_batch,
    make_prospect,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

from .oracle import NOW, naming, plainly, random_tasks, values_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def read(query: str, team: Team, *, role: str = "lead") -> TaskFilter:
    membership = Membership.objects.filter(team=team, role=role).first()
    membership = membership or make_user(team, role).memberships.get()
    data = QueryDict(query)
    return TaskFilter(data, Choices.of(team, membership, data, NOW))


def ids(query: str, team: Team) -> list[int]:
    task_filter = read(query, team)
    found = task_filter.ordered(task_filter.apply(Task.objects.filter(team=team)))
    return [task.pk for task in found]


# -- bad input first -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("status=nope", "Status “nope” is not known here."),
        ("priority=9", "Priority “9” is not known here."),
        ("assignee=99999999999999999999", "is not known here"),
        ("assignee=1%27%20OR%201=1", "is not known here"),
        ("account=-1", "Account “-1” is not known here."),
        ("batch=99999999999999999999999", "is not known here"),
        ("batch=%D9%A3", "is not known here"),
        ("type=Nothing", "Type “Nothing” is not known here."),
        ("due=someday", "Due “someday” is not known here."),
        ("due_from=2026-02-30", "is not a day such as 2026-07-15"),
        ("due_from=0001-01-01", "is not a day"),
        ("due_to=9999-12-31", "is not a day"),
        ("due_to=tomorrow", "is not a day"),
        ("due_from=2026-07-20&due_to=2026-07-10", "The due range ends before it"),
        ("created_from=2026-07-20&created_to=2026-07-10", "The created range ends"),
        ("completed_from=2026-07-20&completed_to=2026-07-10", "The completed range"),
        ("created_from=yesterday", "Created from “yesterday” is not a day"),
        ("completed_to=%00", "Completed to “\0” is not a day"),
        ("tag=nobody-has-it", "Tag “nobody-has-it” is not known here."),
        ("tag=%00", "is not known here"),
        ("status=a,b", "Status “a”, “b” are not known here. No task matches them."),
        ("status=a,b,c,d", "Status “a”, “b” and 2 more are not known here."),
        ("action=refused", "Changes “refused” is not known here."),
        ("prospect=99999999999999999999", "is not known here. No task matches it."),
        ("prospect=%00", "is not known here"),
    ],
)
def test_what_nobody_knows_matches_nothing_and_is_named(
    query: str, sentence: str
) -> None:
    team = make_team()
    make_task(account=make_account(team=team))

    task_filter = read(query, team)

    assert sentence in " ".join(task_filter.ignored)
    assert list(task_filter.apply(Task.objects.all())) == []
    # It goes along with every link, so that none of them shows more.
    again = read(task_filter.query(), team)
    assert list(again.apply(Task.objects.all())) == []
    assert all(not chip.without for chip in again.chips)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sort=password", "“password” is not a column to sort by."),
        ("statis=open", "“statis” is not a filter. It is left out."),
    ],
)
def test_what_is_no_filter_is_left_out_and_named(query: str, sentence: str) -> None:
    team = make_team()
    task = make_task(account=make_account(team=team))

    task_filter = read(query, team)

    assert sentence in task_filter.ignored
    assert [t.pk for t in task_filter.apply(Task.objects.all())] == [task.pk]


def test_one_value_that_is_gone_leaves_the_others_of_its_kind() -> None:
    account = make_account()
    task = make_task(account=account)
    make_task(account=account, status="completed")

    assert ids("status=open,nope", account.team) == [task.pk]


def test_whoever_left_the_team_is_known_while_they_have_tasks() -> None:
    team = make_team()
    left, never = make_user(first_name="Elin", last_name="Vogt"), make_user()
    account = make_account(team=team)
    task = make_task(account=account, assignee=left)
    make_task(account=account)
    make_task(assignee=never)

    task_filter = read(f"assignee={left.pk},{never.pk}", team)

    assert ids(f"assignee={left.pk}", team) == [task.pk]
    assert task_filter.unknown == {"assignee": [str(never.pk)]}
    assert "Elin Vogt (left the team)" in task_filter.chips[0].value
    assert str(left.pk) not in task_filter.choices.people
    rep = make_user(team, "rep").memberships.get()
    data = QueryDict(f"assignee={left.pk}")
    assert TaskFilter(data, Choices.of(team, rep, data, NOW)).unknown


def test_a_disconnected_account_and_its_types_are_known_but_not_offered() -> None:
    account = make_account("leadsquared", name="Old desk", deleted_at=NOW)
    kind = account.task_types.create(code="x", name="Visit the fair")
    task = make_task(account=account, type=kind)
    make_task(account=make_account(team=account.team))

    for query in (f"account={account.pk}", "type=Visit+the+fair"):
        assert ids(query, account.team) == [task.pk]
    task_filter = read(f"account={account.pk}", account.team)
    assert [chip.value for chip in task_filter.chips] == ["Old desk (disconnected)"]
    assert str(account.pk) not in task_filter.choices.labels("account")


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=%00a%00b",
        "q=" + "x" * 5000,
        "q=%25",
        "q=_",
        "q=%5C",
        "q=%F0%9F%98%80",
    ],
)
def test_any_text_can_be_searched_for(query: str) -> None:
    assert ids(query, make_team()) == []


@pytest.mark.parametrize("name", ["assignee", "account", "batch", "status", "tag"])
def test_more_values_than_anybody_ticks_are_cut_and_that_is_said(name: str) -> None:
    values = [str(7_000_000 + number) for number in range(10_000)]
    given = "&tag=".join(values) if name == "tag" else ",".join(values)
    if name == "tag":
        given = "&tag=".join(values[:900])

    task_filter = read(f"{name}={given}", make_team())

    assert len(task_filter.unknown[name]) == 100
    assert list(task_filter.apply(Task.objects.all())) == []
    assert "Those after the first 100 are left out." in task_filter.ignored[0]
    assert "and 98 more are not known here." in task_filter.ignored[1]
    assert len(task_filter.ignored) == 2


def test_another_teams_things_are_not_known() -> None:
    ours, theirs = make_team(), make_team()
    account = make_account(team=theirs)
    batch = make_batch(account)
    person = make_user(theirs)
    theirs.tags.create(name="Whale")

    task_filter = read(
        f"account={account.pk}&batch={batch.pk}&assignee={person.pk}&tag=Whale", ours
    )

    assert len(task_filter.unknown) == 4
    assert len(task_filter.ignored) == 4


def test_a_rep_is_not_told_who_else_there_is() -> None:
    team = make_team()
    colleague = make_user(team, "rep", first_name="Elin")
    make_user(team, "rep")
    membership = Membership.objects.filter(team=team).exclude(user=colleague).get()

    choices = Choices.of(team, membership, QueryDict(), NOW)

    assert str(colleague.pk) not in choices.people


# -- the oracle ------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "Etc/GMT+11"])
def test_every_value_and_every_pair_finds_exactly_its_rows(zone: str) -> None:
    team = make_team(time_zone=zone)
    me = make_user(team, "lead").pk
    tasks = random_tasks(team, 150)
    matches = plainly(team, me)
    membership = Membership.objects.get(team=team, user_id=me)
    choices = Choices.of(team, membership, naming(tasks), NOW)
    single = [(n, value) for n in matches for value in values_of(n, choices)]
    pairs = [
        (one, other)
        for one, other in itertools.combinations(single, 2)
        if one[0] != other[0] or one[0] not in ("q", *DATES)
    ]
    some = random.Random(1).sample(pairs, 250)
    cases = [(one,) for one in single] + some
    assert {n for n, _ in single} == set(matches) == set(LABELS)
    seen = 0

    for case in cases:
        data = QueryDict(mutable=True)
        for name, value in case:
            data.appendlist(name, value)
        task_filter = TaskFilter(data, choices)
        found = set(task_filter.apply(Task.objects.all()).values_list("pk", flat=True))
        wanted: dict[str, list[str]] = {}
        for name, value in case:
            wanted.setdefault(name, []).append(value)
        expected = {
            task.pk
            for task in tasks
            if all(
                any(matches[name](value, task) for value in values)
                for name, values in wanted.items()
            )
        }
        assert task_filter.ignored == [], case
        assert found == expected, case
        seen += len(found)
    assert seen > 1000


def test_the_words_offered_are_all_walked() -> None:
    assert set(CHANNEL_WORDS) == {
        "call",
        "email",
        "linkedin",
        "whatsapp",
        "sms",
        "meeting",
        "todo",
    }
    assert set(STATUSES) == {*Task.Status.values, "overdue"}
    assert set(DELIVERIES) >= set(Task.Delivery.values) - {"claimed"}
    assert len(PRIORITIES) == 5 and len(DUES) == 6


def test_every_word_must_occur_in_any_case_and_order() -> None:
    account = make_account()
    prospect = make_prospect(account.team, first_name="Zoë", company="Aster & Vale")
    task = make_task(account=account, prospect=prospect, title="Ring ÉMILE back")
    make_task(account=account, title="Ring somebody else")

    assert ids("q=émile+zoë+VALE", account.team) == [task.pk]
    assert ids("q=emile", account.team) == []


@pytest.mark.parametrize("column", SORTS)
def test_the_order_turns_round_and_is_total(column: str) -> None:
    team = make_team(time_zone="Europe/Berlin")
    random_tasks(team, 40)

    up, down = ids(f"sort={column}", team), ids(f"sort=-{column}", team)

    assert up == down[::-1]
    assert len(set(up)) == 40


def test_accounts_and_holders_sort_by_name_and_nobody_is_last() -> None:
    team = make_team()
    beta, alpha = (
        make_account(team=team, name="beta"),
        make_account(team=team, name="Alpha"),
    )
    zoe = make_user(team, first_name="Zoë", last_name="A")
    adam = make_user(first_name="adam", last_name="Z")
    mona = make_vendor_user(beta, name="Mona")
    known = make_vendor_user(beta, name="Aaron", user=zoe)
    free = make_task(account=alpha)
    hers = make_task(account=beta, assignee=zoe, vendor_user=known)
    there = make_task(account=beta, vendor_user=mona)
    his = make_task(account=alpha, assignee=adam, vendor_user=mona)

    assert ids("sort=assignee", team) == [his.pk, there.pk, hers.pk, free.pk]
    assert ids("sort=account", team) == [free.pk, his.pk, hers.pk, there.pk]


def test_holders_beyond_those_known_by_name_stand_together(monkeypatch) -> None:
    monkeypatch.setattr("tasks_app.choices.MOST_HOLDERS", 0)
    account = make_account()
    one, two = make_user(account.team), make_user(account.team)
    away = make_vendor_user(account)
    rows = [
        make_task(account=account, assignee=who, vendor_user=there)
        for who, there in (
            (two, away),
            (None, away),
            (one, away),
            (None, None),
            (two, None),
        )
    ]

    places = [
        rows.index(Task.objects.get(pk=pk)) for pk in ids("sort=assignee", account.team)
    ]

    assert places == [2, 0, 4, 1, 3]


def test_urgent_comes_first_and_states_in_their_natural_order() -> None:
    account = make_account()
    low = make_task(account=account, priority=1, status="completed")
    urgent = make_task(account=account, priority=4, status="open")

    assert ids("sort=priority", account.team) == [urgent.pk, low.pk]
    assert ids("sort=status", account.team) == [urgent.pk, low.pk]


@pytest.mark.parametrize("query", ["failed", "waiting", "failed,waiting&assignee=me"])
def test_what_was_refused_is_found_by_its_own_index(query: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL decides by its statistics.")
    team = make_team()
    task_filter = read(f"action={query}", team)
    found = task_filter.ordered(task_filter.apply(Task.objects.filter(team=team)))
    sql, values = found.values_list("due_sort", "pk").query.sql_with_params()

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        plan = " ".join(row[3] for row in cursor.fetchall())

    assert "COVERING INDEX task_action (" in plan and "SCAN" not in plan


# -- addresses -------------------------------------------------------------------------


def test_repeated_values_and_commas_mean_the_same() -> None:
    team = make_team()

    assert (
        read("status=open&status=overdue", team).values
        == read("status=open,overdue,open", team).values
    )


def test_a_tag_may_have_a_comma_in_its_name_and_doubles_nothing() -> None:
    account = make_account()
    tags = [account.team.tags.create(name=name) for name in ("Fair, Berlin", "VIP")]
    prospect = make_prospect(account.team)
    prospect.tags.set(tags)
    task = make_task(account=account, prospect=prospect)
    make_task(account=account)

    query = read("tag=Fair,+Berlin&tag=VIP", account.team).query()

    assert ids(query, account.team) == [task.pk]


def test_a_tag_is_found_by_its_address_however_many_there_are() -> None:
    team = make_team()
    for number in range(MOST_TAGS + 5):
        team.tags.create(name=f"tag {number:04d}")

    task_filter = read(f"tag=tag+{MOST_TAGS + 2:04d}", team)

    assert task_filter.ignored == []
    assert len(task_filter.choices.tags) == MOST_TAGS + 1


def test_what_is_skipped_or_taken_back_was_not_completed() -> None:
    account = make_account()
    for status in ("completed", "skipped", "cancelled"):
        make_task(account=account, status=status, completed_at=NOW, title=status)

    found = ids("completed_from=2026-07-15&completed_to=2026-07-16", account.team)

    assert [Task.objects.get(pk=pk).title for pk in found] == ["completed"]


def test_what_is_not_completed_comes_last_in_the_order_of_completion() -> None:
    account = make_account()
    never = make_task(account=account)
    second = make_task(account=account, completed_at=NOW, status="completed")
    first = make_task(account=account, completed_at=NOW - DAY, status="completed")

    assert ids("sort=completed", account.team) == [first.pk, second.pk, never.pk]


def test_a_type_may_have_a_comma_in_its_name() -> None:
    account = make_account("leadsquared")
    kind = account.task_types.create(code="x", name="Call, then write")
    task = make_task(account=account, type=kind)

    query = read("type=Call,+then+write", account.team).query()

    assert ids(query, account.team) == [task.pk]


def test_the_address_made_from_a_filter_reads_back_the_same() -> None:
    account = make_account(name="A & B, ü")
    query = (
        f"q=a+b%26c&status=open,overdue&account={account.pk}&type=Meeting"
        "&due_from=2026-07-01&sort=-priority&type=Custom"
    )
    first = read(query, account.team)

    again = read(first.query(), account.team)

    assert (again.values, again.sort) == (first.values, first.sort)


def test_each_chip_drops_its_own_part_and_keeps_the_rest() -> None:
    task_filter = read(
        "q=zoë&status=open&priority=high,low,none&sort=title", make_team()
    )

    chips = {chip.name: chip for chip in task_filter.chips}

    assert chips["priority"].value == "High and 2 more"
    assert chips["status"].without == "q=zo%C3%AB&priority=high,low,none&sort=title"


@pytest.mark.parametrize(
    ("query", "label", "value"),
    [
        ("due_from=2026-07-10", "Due from", "10 Jul 2026"),
        ("created_to=2026-07-10", "Created to", "10 Jul 2026"),
        (
            "completed_from=2026-07-10&completed_to=2026-07-10",
            "Completed",
            "10 Jul 2026",
        ),
        ("due_from=2026-07-10&due_to=2026-07-24", "Due", "10 – 24 Jul 2026"),
        ("due_from=2026-06-28&due_to=2026-07-04", "Due", "28 Jun – 4 Jul 2026"),
        ("due_from=2025-12-29&due_to=2026-01-04", "Due", "29 Dec 2025 – 4 Jan 2026"),
    ],
)
def test_days_are_one_chip_that_drops_both_ends(
    query: str, label: str, value: str
) -> None:
    [chip] = read(query, make_team()).chips

    assert (chip.label, chip.value, chip.without) == (label, value, "")
