"""What the task list can be filtered by: words, and what one person may choose from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone

from tasks_app.models import (
    Batch,
    ConnectedAccount,
    Membership,
    Prospect,
    Tag,
    Task,
    TaskType,
    Team,
    VendorUser,
)
from tasks_app.services.members import name_of
from tasks_app.services.numbers import number_or_none
from tasks_app.vendors import ADAPTERS

CHANNEL_WORDS = {
    "call": "Call",
    "email": "E-mail",
    "linkedin": "LinkedIn",
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "meeting": "Meeting",
    "todo": "To-do",
}
STATUSES = {
    Task.Status.OPEN.value: "Open",
    Task.Status.IN_PROGRESS.value: "In progress",
    "overdue": "Overdue",
    **{s.value: s.label for s in Task.Status if s.value not in Task.UNFINISHED},
}
DELIVERIES = {
    "problems": "Problems",
    "queued": "Queued",
    "retrying": "Retrying",
    "sending": "Sending",
    "accepted": "Accepted",
    "delivered": "Delivered",
    "failed": "Failed",
    "needs_check": "Needs check",
    "withdrawn": "Withdrawn",
}
#: How far what was last asked of a task at its vendor is (`Task.action_state`).
CHANGES = {"waiting": "On their way", "failed": "Refused"}
ORIGINS = {origin.value: origin.label for origin in Task.Origin}
PRIORITIES = {p.label.lower(): p.label for p in Task.Priority}
DUES = {
    "overdue": "Overdue",
    "today": "Today",
    "tomorrow": "Tomorrow",
    "week": "This week",
    "next7": "Next 7 days",
    "none": "No date",
}
#: What a list is sorted by; the label says how the plain direction reads.
SORTS = {
    "due": "Due",
    "title": "Task",
    "account": "Account",
    "assignee": "Assignee",
    "priority": "Priority",
    "status": "Status",
    "delivery": "Delivery",
    "created": "Created",
    "completed": "Completed",
}
LABELS = {
    "q": "Search",
    "status": "Status",
    "delivery": "Delivery",
    "action": "Changes",
    "priority": "Priority",
    "assignee": "Assignee",
    "due": "Due",
    "due_from": "Due from",
    "due_to": "Due to",
    "account": "Account",
    "vendor": "Vendor",
    "type": "Type",
    "channel": "Channel",
    "batch": "Batch",
    "tag": "Tag",
    "prospect": "Prospect",
    "created_from": "Created from",
    "created_to": "Created to",
    "completed_from": "Completed from",
    "completed_to": "Completed to",
    "origin": "Made in",
}
#: First and last day of a range, and what the range is called.
RANGES = {
    "due": ("due_from", "due_to"),
    "created": ("created_from", "created_to"),
    "completed": ("completed_from", "completed_to"),
}
#: Their values are names, in which a comma may stand.
NAMES = frozenset({"type", "tag"})
#: Values per kind of choice; more than anybody ticks, few enough for every database.
MOST_VALUES = 100
#: Other words that an address of the list may hold.
BESIDES = frozenset({"page", "sort", "view"})
RECENT_BATCHES = 10
#: Tags that are offered; more are found by their address alone.
MOST_TAGS = 200


#: Of these only some are offered, or none; an address may name others.
NAMED = ("assignee", "batch", "tag", "prospect")
#: Holders by whose names a list is sorted; those beyond stand behind them.
MOST_HOLDERS = 200


def split(data: QueryDict, name: str) -> list[str]:
    """Return the values of `name`, given repeatedly or with commas between them."""
    texts = data.getlist(name)
    parts = texts if name in NAMES else [p for text in texts for p in text.split(",")]
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def named_in(data: QueryDict) -> set[tuple[str, str]]:
    """Return what an address names of those: its kind, and the name or number."""
    return {
        (name, value) for name in NAMED for value in split(data, name)[:MOST_VALUES]
    }


def numbers_of(asked: Iterable[tuple[str, str]], name: str) -> list[int]:
    """Return the numbers that addresses name in this kind."""
    read = (number_or_none(value) for kind, value in asked if kind == name)
    return [number for number in read if number is not None]


#: Kinds whose values are words of ours.
WORDS: dict[str, Mapping[str, str]] = {
    "status": STATUSES,
    "delivery": DELIVERIES,
    "action": CHANGES,
    "priority": PRIORITIES,
    "due": DUES,
    "vendor": {slug: adapter.name for slug, adapter in ADAPTERS.items()},
    "channel": CHANNEL_WORDS,
    "origin": ORIGINS,
}


@dataclass(frozen=True)
class Choices:
    """What this person may choose from: value → label, for each kind of row.

    Each kind is read when it is first asked for, by one query, so a page pays only for
    what its filters name or its menu offers.
    """

    team: Team
    me: int
    sees_all: bool
    today: date
    now: datetime
    #: The people, batches, tags and prospects that addresses name.
    asked: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(
        cls,
        team: Team,
        membership: Membership,
        data: QueryDict,
        now: datetime | None = None,
        besides: Iterable[QueryDict] = (),
    ) -> Choices:
        """Return the choices of this member of the team; nothing is read yet.

        What these addresses name is among them: `data`, and others `besides`.
        """
        now = now or timezone.now()
        asked = named_in(data).union(*(named_in(other) for other in besides))
        return cls(
            team=team,
            me=membership.user_id,
            sees_all=membership.is_lead,
            today=team.today(now),
            now=now,
            asked=frozenset(asked),
        )

    # -- what is read ----------------------------------------------------------------

    @cached_property
    def every_account(self) -> list[ConnectedAccount]:
        rows = ConnectedAccount.objects.filter(team=self.team)
        return list(rows.defer("credentials"))

    @property
    def accounts(self) -> list[ConnectedAccount]:
        return [each for each in self.every_account if each.deleted_at is None]

    @property
    def accounts_of(self) -> Mapping[str, list[int]]:
        """Return the ids behind a vendor, those of disconnected accounts too."""
        found: dict[str, list[int]] = defaultdict(list)
        for account in self.every_account:
            found[account.vendor].append(account.pk)
        return found

    @cached_property
    def every_person(self) -> list[tuple[str, str, bool]]:
        """Return (number, name, whether they are in the team) of possible holders."""
        named = numbers_of(self.asked, "assignee")
        return [
            (str(user.pk), name_of(user), is_there)
            for user, is_there in selectable_holders(self, named)
        ]

    @property
    def people(self) -> dict[str, str]:
        there = {
            number: name for number, name, is_there in self.every_person if is_there
        }
        return {
            "me": "Me",
            "none": "Nobody",
            "elsewhere": "Somebody at the vendor",
        } | there

    @cached_property
    def every_type(self) -> list[tuple[str, int, bool]]:
        """Return (name, id, whether its account is connected) of the team's types."""
        rows = TaskType.objects.filter(account__team=self.team).order_by("name", "pk")
        named = rows.values_list("name", "pk", "account__deleted_at")
        return [(name, pk, deleted_at is None) for name, pk, deleted_at in named]

    @property
    def types(self) -> list[str]:
        """Return each name once, in order."""
        return list(
            dict.fromkeys(name for name, _, is_live in self.every_type if is_live)
        )

    @property
    def types_of(self) -> Mapping[str, list[int]]:
        """Return the ids behind a type's name, those of disconnected accounts too."""
        found: dict[str, list[int]] = defaultdict(list)
        for name, pk, _ in self.every_type:
            found[name].append(pk)
        return found

    @cached_property
    def batches(self) -> dict[str, str]:
        rows = Batch.objects.filter(team=self.team)
        recent = rows.order_by("-created_at", "-pk").values("pk")[:RECENT_BATCHES]
        wanted = numbers_of(self.asked, "batch")
        shown = rows.filter(Q(pk__in=wanted) | Q(pk__in=recent))
        return {str(pk): title for pk, title in shown.values_list("pk", "title")}

    @cached_property
    def tags(self) -> dict[str, int]:
        rows = Tag.objects.filter(team=self.team)
        first = rows.order_by("name").values("pk")[:MOST_TAGS]
        named = [v for name, v in self.asked if name == "tag" and "\0" not in v]
        offered = rows.filter(Q(name__in=named) | Q(pk__in=first)).order_by("name")
        return dict(offered.values_list("name", "pk"))

    @cached_property
    def prospects(self) -> dict[str, str]:
        """Return those that addresses name, and no others."""
        rows = Prospect.objects.of_team(self.team).defer("search_text")
        found = rows.in_bulk(numbers_of(self.asked, "prospect"))
        return {str(pk): str(person) for pk, person in found.items()}

    # -- what follows from it --------------------------------------------------------

    def knows(self, data: QueryDict) -> bool:
        """Return whether all that this address names was looked for."""
        return named_in(data) <= self.asked

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the values of `name` that are offered, with their labels."""
        match name:
            case "assignee":
                return self.people
            case "account":
                return {str(account.pk): account.name for account in self.accounts}
            case "type":
                return {name: name for name in self.types}
            case "batch":
                return self.batches
            case "tag":
                return {name: name for name in self.tags}
            case "prospect":
                return self.prospects
        return WORDS[name]

    def former(self, name: str) -> Mapping[str, str]:
        """Return values that are no choice any more, but tasks have them still.

        Whoever left the team, accounts that were disconnected, and their types.
        """
        match name:
            case "assignee":
                return {
                    number: f"{called_so} (left the team)"
                    for number, called_so, is_there in self.every_person
                    if not is_there
                }
            case "account":
                return {
                    str(account.pk): f"{account.name} (disconnected)"
                    for account in self.every_account
                    if account.deleted_at is not None
                }
            case "type":
                there = set(self.types)
                return {n: n for n, _, _ in self.every_type if n not in there}
        return {}

    def known(self, name: str) -> Mapping[str, str]:
        """Return the values that `name` may take: what is offered, and what was."""
        if name not in self._known:
            self._known[name] = {**self.labels(name), **self.former(name)}
        return self._known[name]

    @cached_property
    def _known(self) -> dict[str, Mapping[str, str]]:
        return {}

    @property
    def accounts_by_name(self) -> list[int]:
        """Return the team's accounts, those that were disconnected, too."""
        named = self.known("account").items()
        by_name = sorted(named, key=lambda item: (item[1].casefold(), int(item[0])))
        return [int(pk) for pk, _ in by_name]

    @cached_property
    def holders(self) -> list[tuple[str, int]]:
        """Return who can have tasks, by name: a column of the task and its value.

        Two queries, where a list is sorted by them.
        """
        if not self.sees_all:
            return [("assignee_id", self.me)]
        people = User.objects.alias(
            is_there=in_team(self.team), has=has_tasks(self.team)
        )
        there = people.filter(Q(is_there=True) | Q(has=True)).order_by("pk")
        away = VendorUser.objects.filter(account__team=self.team, user=None)
        named = [
            (name_of(user), "assignee_id", user.pk) for user in there[:MOST_HOLDERS]
        ]
        named += [
            (str(person), "vendor_user_id", person.pk)
            for person in away.order_by("pk")[:MOST_HOLDERS]
        ]
        named.sort(key=lambda who: (who[0].casefold(), who[1:]))
        return [who[1:] for who in named]


def in_team(team: Team) -> Exists:
    return Exists(Membership.objects.filter(team=team, user=OuterRef("pk")))


def has_tasks(team: Team) -> Exists:
    return Exists(Task.objects.filter(team=team, assignee=OuterRef("pk")).order_by())


def selectable_holders(
    choices: Choices, named: list[int]
) -> Iterator[tuple[User, bool]]:
    """Yield who can be chosen as a holder, by name, and whether they are members.

    For a lead that is the team, and of those `named` who left it and have tasks of it;
    for a rep only this person.
    """
    team = choices.team
    members = Membership.objects.filter(team=team).values("user_id")
    asked = Q(pk__in=members)
    if not choices.sees_all:
        asked = Q(pk=choices.me)
    elif named:
        asked |= Q(pk__in=named) & Q(has_tasks(team))
    people = User.objects.annotate(is_there=in_team(team)).filter(asked)
    for user in people.order_by("first_name", "last_name", "username"):
        yield user, bool(vars(user)["is_there"])
