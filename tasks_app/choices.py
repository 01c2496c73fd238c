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
    texts = [v for kind, v in asked if kind == name and v.isascii() and v.isdecimal()]
    return [int(text) for text in texts if len(text) < 15]


def called(user: User) -> str:
    return user.get_full_name() or user.get_username()


@dataclass(frozen=True)
class Choices:
    """What this person may choose from: value → label, for each kind of row."""

    team: Team
    me: int
    sees_all: bool
    accounts: list[ConnectedAccount]
    people: dict[str, str]
    types: list[str]
    batches: dict[str, str]
    tags: dict[str, int]
    #: Those that were looked for, and no others.
    prospects: dict[str, str]
    #: No choice any more, but tasks have them still: whoever left the team, accounts
    #: that were disconnected, and their types. By kind, with their labels.
    former: Mapping[str, Mapping[str, str]]
    today: date
    now: datetime
    #: Ids behind a vendor and behind a type's name, those of disconnected accounts too.
    accounts_of: Mapping[str, list[int]]
    types_of: Mapping[str, list[int]]
    #: The people, batches, tags and prospects that were looked for.
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
        """Read the choices in five queries, one more where prospects are named.

        Those that these addresses name are among them: `data`, and others `besides`.
        """
        asked = named_in(data).union(*(named_in(other) for other in besides))
        now = now or timezone.now()
        every = list(ConnectedAccount.objects.filter(team=team).defer("credentials"))
        accounts_of: dict[str, list[int]] = defaultdict(list)
        for account in every:
            accounts_of[account.vendor].append(account.pk)
        live = {account.pk for account in every if account.deleted_at is None}
        former: dict[str, dict[str, str]] = {"assignee": {}, "account": {}, "type": {}}
        for account in every:
            if account.pk not in live:
                former["account"][str(account.pk)] = f"{account.name} (disconnected)"
        people = {"me": "Me", "none": "Nobody", "elsewhere": "Somebody at the vendor"}
        named = numbers_of(asked, "assignee")
        for user, is_there in holders(team, membership, named):
            if is_there:
                people[str(user.pk)] = called(user)
            else:
                former["assignee"][str(user.pk)] = f"{called(user)} (left the team)"
        types_of: dict[str, list[int]] = defaultdict(list)
        types: dict[str, None] = {}  # each name once, in order
        rows = TaskType.objects.filter(account__team=team).order_by("name", "pk")
        for name, pk, account_id in rows.values_list("name", "pk", "account_id"):
            types_of[name].append(pk)
            if account_id in live:
                types[name] = None
        former["type"] = {name: name for name in types_of if name not in types}
        batches = Batch.objects.filter(team=team)
        wanted = numbers_of(asked, "batch")
        recent = batches.order_by("-created_at", "-pk").values("pk")[:RECENT_BATCHES]
        shown = batches.filter(Q(pk__in=wanted) | Q(pk__in=recent))
        tags = Tag.objects.filter(team=team)
        first = tags.order_by("name").values("pk")[:MOST_TAGS]
        texts = [v for name, v in asked if name == "tag" and "\0" not in v]
        offered = tags.filter(Q(name__in=texts) | Q(pk__in=first)).order_by("name")
        ids = numbers_of(asked, "prospect")
        prospects = Prospect.objects.of_team(team).defer("search_text").in_bulk(ids)
        return cls(
            team=team,
            me=membership.user_id,
            sees_all=membership.is_lead,
            accounts=[account for account in every if account.pk in live],
            people=people,
            types=list(types),
            batches={str(pk): title for pk, title in shown.values_list("pk", "title")},
            tags=dict(offered.values_list("name", "pk")),
            prospects={str(pk): str(person) for pk, person in prospects.items()},
            former=former,
            today=team.today(now),
            now=now,
            accounts_of=accounts_of,
            types_of=types_of,
            asked=frozenset(asked),
        )

    def knows(self, data: QueryDict) -> bool:
        """Return whether all that this address names was looked for."""
        return named_in(data) <= self.asked

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the values of `name` that are offered, with their labels."""
        own: dict[str, Mapping[str, str]] = {
            "status": STATUSES,
            "delivery": DELIVERIES,
            "action": CHANGES,
            "priority": PRIORITIES,
            "assignee": self.people,
            "due": DUES,
            "account": {str(a.pk): a.name for a in self.accounts},
            "vendor": {slug: cls.name for slug, cls in ADAPTERS.items()},
            "type": {name: name for name in self.types},
            "channel": CHANNEL_WORDS,
            "batch": self.batches,
            "tag": {name: name for name in self.tags},
            "prospect": self.prospects,
            "origin": ORIGINS,
        }
        return own[name]

    def known(self, name: str) -> Mapping[str, str]:
        """Return the values that `name` may take: what is offered, and what was."""
        return {**self.labels(name), **self.former.get(name, {})}

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
            (called(user), "assignee_id", user.pk) for user in there[:MOST_HOLDERS]
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


def holders(
    team: Team, membership: Membership, named: list[int]
) -> Iterator[tuple[User, bool]]:
    """Yield who can be chosen as a holder, by name, and whether they are members.

    For a lead that is the team, and of those `named` who left it and have tasks of it;
    for a rep only this person.
    """
    members = Membership.objects.filter(team=team).values("user_id")
    asked = Q(pk__in=members)
    if not membership.is_lead:
        asked = Q(pk=membership.user_id)
    elif named:
        asked |= Q(pk__in=named) & Q(has_tasks(team))
    people = User.objects.annotate(is_there=in_team(team)).filter(asked)
    for user in people.order_by("first_name", "last_name", "username"):
        yield user, bool(vars(user)["is_there"])
