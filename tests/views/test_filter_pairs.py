"""Every pair of filters: list, count, select-all, bulk action and export agree.

Each pair is asked for over HTTP, as people do it, and held against plain Python. The
values within a pair are drawn anew for each pair, so that somebody meets them.
"""

from __future__ import annotations

import csv
import io
import itertools
import random
import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tasks_app.choices import LABELS, NAMES, SORTS, Choices
from tasks_app.filters import DATES
from tasks_app.models import ActionRun, Membership, Task
from tasks_app.views import bulk, tasks
from tests.factories import make_team, make_user

from .oracle import NOW, Matches, naming, plainly, random_tasks, values_of

pytestmark = pytest.mark.django_db
PAIRS = list(itertools.combinations(LABELS, 2))
TASKS = 120
TRIES = 100
#: Each pair is asked for in one of these orders.
SORTED = [f"{sign}{name}" for name in SORTS for sign in ("", "-")]
ROW = re.compile(r'id="row-(\d+)"')
COUNT = re.compile(r'name="count" value="(\d+)"')
PART = {"HX-Request": "true", "HX-Target": "task-list"}
Wanted = dict[str, list[str]]


class Asker:
    """One person asking for one filter in every way there is."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)

    def listed(self, query: str) -> tuple[list[int], int]:
        """Return the rows on the page, and the count that "all" travels with."""
        page = self.client.get(f"/tasks/?{query}", headers=PART).text
        count = COUNT.search(page)
        return [int(pk) for pk in ROW.findall(page)], int(count[1]) if count else 0

    def exported(self, query: str) -> list[int]:
        return self.ids_of(self.client.get(f"/tasks/export.csv?{query}"))

    def act(self, query: str, count: int) -> None:
        """Choose "all that match", and confirm an action for them."""
        data = {"action": "skip", "all": "1", "query": query, "count": count}
        token = "00000000-0000-4000-8000-000000000000"
        data |= {"confirmed": "1", "form_token": token}
        self.client.post("/tasks/bulk/", data)
        self.client.cookies.pop("messages", None)

    @staticmethod
    def ids_of(answer: Any) -> list[int]:
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return [int(row[0]) for row in list(csv.reader(io.StringIO(text)))[1:]]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collects the ids that a bulk action would be asked for; nothing is asked."""
    ids: list[int] = []

    def begin(task_ids: list[int], *args: Any, **kwargs: Any) -> ActionRun:
        ids[:] = task_ids
        return ActionRun(pk=1, action="skip", ended_at=timezone.now())

    monkeypatch.setattr(bulk.action_runs, "begin", begin)
    # Whether a vendor can do it is another matter: all that match are handed over.
    monkeypatch.setattr(bulk.many, "why_not", lambda *args: "")
    return ids


@pytest.mark.parametrize(("role", "seed"), [("lead", 7), ("rep", 8)])
def test_every_pair_of_filters_finds_the_same_rows_everywhere(
    role: str, seed: int, begun: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks_app.choices.timezone", SimpleNamespace(now=lambda: NOW))
    monkeypatch.setattr(tasks.display, "page_size_of", lambda preference: TASKS)
    team = make_team(time_zone="Pacific/Auckland")
    person = make_user(team, role)
    if role == "rep":
        make_user(team, "lead")
    rows = [t for t in random_tasks(team, TASKS, seed) if sees(person, role, t)]
    membership = Membership.objects.get(team=team, user=person)
    choices = Choices.of(team, membership, naming(rows), NOW)
    matches, ask = plainly(team, person.pk), Asker(person)
    wrong, barren = [], []

    for number, names in enumerate(PAIRS):
        wanted, expected = drawn_to_match(names, choices, rows, matches, seed)
        if not expected:
            barren.append(names)
        sort = SORTED[number % len(SORTED)]
        query = f"{address(wanted)}&sort={sort}"
        begun.clear()
        listed, count = ask.listed(query)
        if count:
            ask.act(query, count)
        ways = {"list": listed, "export": ask.exported(query), "select-all": begun}
        wrong += [
            f"{query}: {way} has {sorted(ids)}, not {sorted(expected)}"
            for way, ids in ways.items()
            if sorted(ids) != sorted(expected)
        ]
        wrong += [f"{query}: counts {count}"] if count != len(expected) else []
        if not listed == ways["export"] == begun:
            wrong.append(f"{query}: not the same order everywhere")

    assert wrong == []
    # A pair that finds nothing on both sides says nothing.
    assert barren == []


def test_each_filter_is_in_a_pair() -> None:
    assert len(PAIRS) == len(LABELS) * (len(LABELS) - 1) / 2 > 100


def sees(person: User, role: str, task: Task) -> bool:
    free = task.assignee_id is None and task.vendor_user_id is None
    return role == "lead" or free or task.assignee_id == person.pk


def drawn_to_match(
    names: tuple[str, str],
    choices: Choices,
    rows: list[Task],
    matches: dict[str, Matches],
    seed: int,
) -> tuple[Wanted, set[int]]:
    """Return values for both filters and who they match: somebody, if at all possible.

    Several values where a filter takes several.
    """
    chance = random.Random(f"{seed}:{':'.join(names)}")
    for _ in range(TRIES):
        wanted: Wanted = {}
        for name in names:
            values = values_of(name, choices)
            # One of each few would match hardly anything in pairs.
            most = 1 if name in ("q", *DATES) else 1 + len(values) // 2
            wanted[name] = chance.sample(values, chance.randint(1, most))
        expected = {task.pk for task in rows if fits(task, wanted, matches)}
        if expected:
            break
    return wanted, expected


def address(wanted: Wanted) -> str:
    pairs = [
        (name, value)
        for name, values in wanted.items()
        for value in (values if name in NAMES else [",".join(values)])
    ]
    return urlencode(pairs)


def fits(task: Task, wanted: Wanted, matches: dict[str, Matches]) -> bool:
    return all(
        any(matches[name](value, task) for value in values)
        for name, values in wanted.items()
    )
