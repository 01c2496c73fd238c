"""Who gets which task: one person, several in turn, or each prospect's owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tasks_app.models import ConnectedAccount, Prospect, VendorUser
from tasks_app.vendors.offers import FieldError

from .assigning import NAMED_BY_EMAIL, Holder, holder_for, newcomer
from .drafting import assignee_draft
from .members import members_by_name, name_of
from .owners import by_key, members_by_key, vendor_user_keys
from .plans import NOBODY, Planned, Shares, TaskInput
from .reaching import LeftOut
from .spreading import day_of, moved


@dataclass
class Sharer:
    """Decides who holds each task; the same choice gives the same answer each time.

    `first` is whose name the draft carries before the tasks are shared out.
    """

    account: ConnectedAccount
    given: TaskInput
    at_vendor: bool
    first: Holder = field(default_factory=Holder)
    turn: list[Holder] = field(default_factory=list)
    owners: dict[str, Holder] = field(default_factory=dict)
    #: Owners who are not active any more.
    left: set[str] = field(default_factory=set)
    errors: list[FieldError] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        account: ConnectedAccount,
        given: TaskInput,
        chosen: Iterable[Prospect],
        *,
        at_vendor: bool,
    ) -> Sharer:
        sharer = cls(account, given, at_vendor)
        if given.sharing.way == "turn":
            sharer._take_turns()
            return sharer
        sharer.first = holder_for(account, given.assignee, at_vendor=at_vendor)
        sharer.errors += sharer.first.errors
        if given.sharing.way == "owner":
            sharer._find_owners({p.owner_key for p in chosen if p.owner_key})
        return sharer

    def _take_turns(self) -> None:
        people = self.given.sharing.people
        if not people:
            message = "Choose who takes turns."
            self.errors.append(FieldError("assignees", message))
        known: dict[tuple[object, ...], Holder] = {}
        for person in people:
            holder = holder_for(self.account, person, at_vendor=self.at_vendor)
            for error in holder.errors:
                self.errors.append(FieldError("assignees", error.message))
            known.setdefault(key_of(holder), holder)
        self.turn = list(known.values())
        self.first = self.turn[0] if self.turn else Holder()

    def _find_owners(self, keys: set[str]) -> None:
        """Find out who these owners are: two queries, and a few for each person."""
        account = self.account
        people = VendorUser.objects.filter(account=account, active=True)
        there = list(people.select_related("user"))
        if not self.at_vendor:
            there = [person for person in there if person.user is not None]
        vendor = by_key(there, {n: vendor_user_keys(p) for n, p in enumerate(there)})
        members = members_by_key(members_by_name(account.team))
        for key in sorted(keys):
            person = vendor.get(key) or members.get(key) or self._stranger(key)
            if person is None:
                continue
            holder = holder_for(account, person, at_vendor=self.at_vendor)
            if not holder.errors:
                self.owners[key] = holder
            elif holder.has_left:
                self.left.add(key)

    def _stranger(self, key: str) -> VendorUser | None:
        """Return somebody whom this vendor takes by their address alone."""
        if not self.at_vendor or self.account.vendor not in NAMED_BY_EMAIL:
            return None
        try:
            validate_email(key)
        except ValidationError:
            return None
        return newcomer(self.account, email=key)

    def holder_of(self, prospect: Prospect) -> Holder | LeftOut:
        """Return who holds this prospect's task, or why there is none.

        Who takes turns is only known once it is clear who gets a task at all.
        """
        if self.given.sharing.way != "owner":
            return self.first
        known = self.owners.get(prospect.owner_key)
        if known is not None:
            return known
        if self.given.assignee is not None or self.given.sharing.nobody_too:
            return self.first
        reason = "Has no owner."
        if prospect.owner:
            where = self.account.get_vendor_display() if self.at_vendor else "this team"
            reason = f"Its owner, {prospect.owner}, is nobody known at {where}."
            if prospect.owner_key in self.left:
                reason = f"Its owner, {prospect.owner}, is not active any more."
        mend = "Choose who gets those, or set the owner under Prospects."
        return LeftOut.of(prospect, reason, mend)

    def share_out(self, items: Sequence[Planned], zone: ZoneInfo) -> list[Planned]:
        """Return the tasks with the one who holds each, and with its day."""
        shared = []
        spread = self.given.sharing.spread
        used: Counter[tuple[object, ...]] = Counter()
        for place, item in enumerate(items):
            holder = self.turn[place % len(self.turn)] if self.turn else item.holder
            draft = replace(item.draft, assignee=assignee_draft(holder.vendor_user))
            if spread is not None:
                key = key_of(holder) if spread.each else ()
                draft = moved(draft, used[key] // spread.per_day, zone)
                used[key] += 1
            shared.append(replace(item, draft=draft, holder=holder))
        return shared


def shares_of(items: Iterable[Planned], zone: ZoneInfo) -> Shares:
    names: dict[tuple[object, ...], str] = {}
    counts: Counter[tuple[date | None, tuple[object, ...]]] = Counter()
    for item in items:
        key = key_of(item.holder)
        names.setdefault(key, label(item.holder))
        counts[(day_of(item.draft, zone), key)] += 1
    days = sorted({day for day, _ in counts}, key=lambda day: day or date.max)
    rows = []
    for day in days:
        numbers = [counts[(day, key)] for key in names]
        rows.append((day, numbers, sum(numbers)))
    people = [
        (name, sum(counts[(day, key)] for day in days)) for key, name in names.items()
    ]
    return Shares(people, rows)


def key_of(holder: Holder) -> tuple[object, ...]:
    """Return what is equal for the same people, before and after they are saved."""
    person = holder.vendor_user
    user = holder.user.pk if holder.user else None
    if person is None:
        return (user,)
    named = person.external_id or person.email.casefold()
    return (user, named or person.pk)


def label(holder: Holder) -> str:
    if holder.user is not None:
        return name_of(holder.user)
    return str(holder.vendor_user) if holder.vendor_user else NOBODY
