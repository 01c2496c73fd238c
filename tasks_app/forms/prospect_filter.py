"""What the address asks of the list of prospects, and what the list offers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from django.contrib.auth.models import User
from django.http import QueryDict

from tasks_app.filters import LONGEST_VALUE, not_known_head
from tasks_app.models import ConnectedAccount, Team
from tasks_app.models.prospects import ProspectQuerySet
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.services import prospect_cells as cells
from tasks_app.services.members import name_of
from tasks_app.services.prospect_query import ProspectQuery

SORTS = {
    "name": ("last_name", "first_name", "pk"),
    "-name": ("-last_name", "-first_name", "-pk"),
    "company": ("company", "last_name", "pk"),
    "-company": ("-company", "last_name", "pk"),
    "added": ("-created_at", "-pk"),
    "-added": ("created_at", "pk"),
}
CONTACT = {"yes": "May be contacted", "no": "Do not contact"}
REACH = {
    "linkedin": "With a LinkedIn profile",
    "not-linkedin": "No LinkedIn profile",
    "phone": "With a phone number",
    "not-phone": "No phone number",
    "email": "With an e-mail",
    "not-email": "No e-mail",
}
WORK = {"none": "No open task", "some": "With an open task"}


@dataclass(frozen=True)
class Chip:
    """One filter that is on: what it is, and the address without it."""

    name: str
    label: str
    value: str
    without: str


class ProspectFilter:
    """What the address asks of the list of prospects. A value that nobody knows
    matches nobody, and `ignored` says which: what is gone makes no list longer.

    The values are those of `services.prospect_query.ProspectQuery`. `tasks` are those
    that the person may see: by them `work` is told.
    """

    def __init__(
        self,
        source: QueryDict,
        team: Team,
        accounts: Iterable[ConnectedAccount],
        tags: Iterable[str],
        tasks: TaskQuerySet,
        members: Iterable[User] = (),
    ) -> None:
        self.team = team
        self.tasks = tasks
        self.accounts = {str(account.pk): account for account in accounts}
        self.tags = list(tags)
        self.text = cells.one_line(source.get("q", ""))[:200]
        self.company = cells.one_line(source.get("company", ""))[:200]
        self.members = {str(member.pk): member for member in members}
        asked = {
            name: cells.one_line(source.get(name, ""))[:LONGEST_VALUE]
            for name in ("tag", "known", "contact", "work", "reach", "owner")
        }
        self.tag, self.known = asked["tag"], asked["known"]
        self.contact, self.work = asked["contact"], asked["work"]
        self.reach, self.owner = asked["reach"], asked["owner"]
        understood = {
            "tag": ("The tag", self.tags),
            "known": ("The account", self.known_choices),
            "contact": ("The contact", CONTACT),
            "work": ("The work", WORK),
            "reach": ("The way to reach them", REACH),
            "owner": ("The owner", self.owner_choices),
        }
        #: A sentence for each value that names nothing here.
        self.ignored = [
            f"{not_known_head(label, [asked[name]])} No prospect matches it."
            for name, (label, known) in understood.items()
            if asked[name] and asked[name] not in known
        ]
        sort = source.get("sort", "")
        self.sort = sort if sort in SORTS else "name"

    @property
    def known_choices(self) -> dict[str, str]:
        there = {key: account.name for key, account in self.accounts.items()}
        missing = {
            f"not-{key}": f"not {account.name}"
            for key, account in self.accounts.items()
        }
        return {"any": "any account", "none": "no account", **there, **missing}

    @property
    def contact_choices(self) -> dict[str, str]:
        return CONTACT

    @property
    def work_choices(self) -> dict[str, str]:
        return WORK

    @property
    def reach_choices(self) -> dict[str, str]:
        return REACH

    @property
    def owner_choices(self) -> dict[str, str]:
        """Return nobody and the people of the team, by name."""
        people = {key: name_of(user) for key, user in self.members.items()}
        return {"none": "No owner", **people}

    @property
    def values(self) -> dict[str, str]:
        """Return what is on, by its name in the address."""
        values = {
            "q": self.text,
            "company": self.company,
            "tag": self.tag,
            "known": self.known,
            "contact": self.contact,
            "work": self.work,
            "owner": self.owner,
            "reach": self.reach,
            "sort": "" if self.sort == "name" else self.sort,
        }
        return {name: value for name, value in values.items() if value}

    def query(self, **changes: str) -> str:
        """Return the address's query with these values; '' takes one away."""
        wanted = QueryDict(mutable=True)
        for name, value in {**self.values, **changes}.items():
            if value:
                wanted[name] = value
        return wanted.urlencode()

    @property
    def chips(self) -> list[Chip]:
        shown = {
            "tag": ("Tag", self.tag),
            "company": ("Company", self.company),
            "known": ("Known to", self.known_choices.get(self.known, self.known)),
            "contact": ("", CONTACT.get(self.contact, self.contact)),
            "work": ("", WORK.get(self.work, self.work)),
            "reach": ("", REACH.get(self.reach, self.reach)),
            "owner": (
                "" if self.owner == "none" else "Owner",
                self.owner_choices.get(self.owner, self.owner),
            ),
        }
        return [
            Chip(name, label, value, self.query(**{name: ""}))
            for name, (label, value) in shown.items()
            if value
        ]

    @property
    def is_on(self) -> bool:
        return bool(self.values.keys() - {"sort"})

    @property
    def asked(self) -> ProspectQuery:
        return ProspectQuery(
            text=self.text,
            tag=self.tag,
            company=self.company,
            known=self.known,
            contact=self.contact,
            work=self.work,
            owner=self.owner,
            reach=self.reach,
        )

    @property
    def task_query(self) -> str:
        """Return the query for a new task for all that match."""
        words = QueryDict(mutable=True)
        words["how"] = "filter"
        for spec in fields(self.asked):
            if value := getattr(self.asked, spec.name):
                words[f"filter_{spec.name}"] = value
        return words.urlencode()

    def found(self) -> ProspectQuerySet:
        return self.asked.found(self.team, self.tasks).order_by(*SORTS[self.sort])
