"""What the task list can be filtered by: words, and what one person may choose from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from tasks_app.models import (
    Batch,
    ConnectedAccount,
    Membership,
    Tag,
    Task,
    TaskType,
    Team,
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
BESIDES = frozenset({"page", "sort"})
RECENT_BATCHES = 10
#: Tags that are offered; more are found by their address alone.
MOST_TAGS = 200


#: Of these only some are offered; an address may name others.
NAMED = ("batch", "tag")


def split(data: QueryDict, name: str) -> list[str]:
    """Return the values of `name`, given repeatedly or with commas between them."""
    texts = data.getlist(name)
    parts = texts if name in NAMES else [p for text in texts for p in text.split(",")]
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def named_in(data: QueryDict) -> set[tuple[str, str]]:
    """Return the batches and tags that an address names: which of both, and the name."""
    return {
        (name, value) for name in NAMED for value in split(data, name)[:MOST_VALUES]
    }


@dataclass(frozen=True)
class Choices:
    """What this person may choose from: value → label, for each kind of row."""

    team: Team
    me: int
    accounts: list[ConnectedAccount]
    people: dict[str, str]
    types: list[str]
    batches: dict[str, str]
    tags: dict[str, int]
    today: date
    now: datetime
    #: Ids behind a vendor and behind a type's name, those of disconnected accounts too.
    accounts_of: Mapping[str, list[int]]
    types_of: Mapping[str, list[int]]
    #: The batches and tags that were looked for.
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
        """Read the choices in five queries, whatever the filter says.

        Those that these addresses name are among them: `data`, and others `besides`.
        """
        asked = named_in(data).union(*(named_in(other) for other in besides))
        now = now or timezone.now()
        every = list(ConnectedAccount.objects.filter(team=team).defer("credentials"))
        accounts_of: dict[str, list[int]] = defaultdict(list)
        for account in every:
            accounts_of[account.vendor].append(account.pk)
        live = {account.pk for account in every if account.deleted_at is None}
        people = {"me": "Me", "none": "Nobody", "elsewhere": "Somebody at the vendor"}
        members = User.objects.filter(memberships__team=team)
        if not membership.is_lead:
            members = members.filter(pk=membership.user_id)
        for user in members.order_by("first_name", "last_name", "username"):
            people[str(user.pk)] = user.get_full_name() or user.get_username()
        types_of: dict[str, list[int]] = defaultdict(list)
        types: dict[str, None] = {}  # each name once, in order
        rows = TaskType.objects.filter(account__team=team).order_by("name", "pk")
        for name, pk, account_id in rows.values_list("name", "pk", "account_id"):
            types_of[name].append(pk)
            if account_id in live:
                types[name] = None
        batches = Batch.objects.filter(team=team)
        numbers = [v for name, v in asked if name == "batch" and v.isdecimal()]
        wanted = [int(number) for number in numbers if len(number) < 15]
        recent = batches.order_by("-created_at", "-pk").values("pk")[:RECENT_BATCHES]
        shown = batches.filter(Q(pk__in=wanted) | Q(pk__in=recent))
        tags = Tag.objects.filter(team=team)
        first = tags.order_by("name").values("pk")[:MOST_TAGS]
        named = [v for name, v in asked if name == "tag" and "\0" not in v]
        offered = tags.filter(Q(name__in=named) | Q(pk__in=first)).order_by("name")
        return cls(
            team=team,
            me=membership.user_id,
            accounts=[account for account in every if account.pk in live],
            people=people,
            types=list(types),
            batches={str(pk): title for pk, title in shown.values_list("pk", "title")},
            tags=dict(offered.values_list("name", "pk")),
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
        """Return the values that `name` may take, with their labels."""
        own: dict[str, Mapping[str, str]] = {
            "status": STATUSES,
            "delivery": DELIVERIES,
            "priority": PRIORITIES,
            "assignee": self.people,
            "due": DUES,
            "account": {str(a.pk): a.name for a in self.accounts},
            "vendor": {slug: cls.name for slug, cls in ADAPTERS.items()},
            "type": {name: name for name in self.types},
            "channel": CHANNEL_WORDS,
            "batch": self.batches,
            "tag": {name: name for name in self.tags},
            "origin": ORIGINS,
        }
        return own[name]
