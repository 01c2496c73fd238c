"""One search over everything a person may see: tasks, prospects, batches, accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from tasks_app.models import Batch, ConnectedAccount, Prospect, Task, Team
from tasks_app.models.tasks import TaskQuerySet

from .batches import batches_of

Row = TypeVar("Row", bound=Model)

#: Fewer letters are in everything.
SHORTEST, LONGEST = 2, 200
LIMIT = 6


@dataclass
class Found:
    """The first of each kind; `more` names the kinds that have further ones."""

    text: str
    tasks: list[Task] = field(default_factory=list)
    prospects: list[Prospect] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    accounts: list[ConnectedAccount] = field(default_factory=list)
    more: set[str] = field(default_factory=set)

    @property
    def too_short(self) -> bool:
        return len(self.text) < SHORTEST

    @property
    def total(self) -> int:
        kinds = (self.tasks, self.prospects, self.batches, self.accounts)
        return sum(len(kind) for kind in kinds)


def clean(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())[:LONGEST]


def search(
    text: str, *, tasks: TaskQuerySet, team: Team, sees_all: bool, limit: int = LIMIT
) -> Found:
    """Return what every word of `text` occurs in; no query at all if it is short.

    `tasks` are those the person may see; the first due come first. Ids are found
    before rows: what a row needs besides must not decide how they are looked for.
    """
    found = Found(clean(text))
    if found.too_short:
        return found
    words = found.text.casefold().split()
    rows = tasks
    for word in words:
        rows = rows.filter(search_text__contains=word)
    if len(words) == 1 and (same := with_vendor_id(found.text, tasks, team)):
        rows = tasks.filter(pk__in=same)
    rows = rows.select_related("prospect", "account", "type").defer(
        "account__credentials", "search_text", "note", "options"
    )
    titles, names = Q(), Q()
    for word in words:
        titles &= Q(title__icontains=word)
        names &= Q(name__icontains=word) | Q(vendor__icontains=word)
    if found.text.isdecimal() and len(found.text) < 15:
        titles |= Q(pk=int(found.text))
    kinds = {
        "tasks": rows.order_by("due_sort", "pk"),
        "prospects": Prospect.objects.of_team(team)
        .search(found.text)
        .defer("search_text")
        .order_by("last_name", "first_name", "pk"),
        "batches": batches_of(team, tasks, sees_all=sees_all).filter(titles),
        "accounts": ConnectedAccount.objects.of_team(team)
        .filter(names)
        .defer("credentials"),
    }
    for name, matching in kinds.items():
        ids = list(matching.values_list("pk", flat=True)[: limit + 1])
        setattr(found, name, first_of(matching, ids[:limit]))
        if len(ids) > limit:
            found.more.add(name)
    return found


def with_vendor_id(text: str, tasks: TaskQuerySet, team: Team) -> list[int]:
    """Return the tasks that a vendor knows by exactly this id: one in an account."""
    accounts = ConnectedAccount.objects.of_team(team).values("pk")
    same = tasks.filter(account__in=accounts, external_id=text)
    return list(same.values_list("pk", flat=True)[:LIMIT])


def first_of(matching: QuerySet[Row], ids: list[int]) -> list[Row]:
    """Return the rows of these ids, in the same order."""
    rows = matching.in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]
