"""Which prospects an address or a form asks for: one meaning in list, export and form."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from tasks_app.models import ConnectedAccount, Team
from tasks_app.models.prospects import ProspectQuerySet
from tasks_app.models.tasks import TaskQuerySet

from .matching import filter_prospects
from .members import members_by_name
from .owners import user_keys

#: By what is asked: whether they asked not to be contacted.
CONTACTS = {"yes": False, "no": True}
WORK = ("none", "some")
#: By what somebody can be reached: the column that is filled then.
REACHES = {"email": "email", "phone": "phone", "linkedin": "linkedin_url"}


@dataclass(frozen=True)
class ProspectQuery:
    """What is asked for; '' asks nothing.

    `known` is "any", "none", an account's number, or "not-" and an account's number;
    `contact` "yes" or "no"; `work` "none" or "some"; `owner` "none" or the number of a
    person of the team; `reach` a key of `REACHES`, or "not-" and one.
    """

    text: str = ""
    tag: str = ""
    company: str = ""
    known: str = ""
    contact: str = ""
    work: str = ""
    owner: str = ""
    reach: str = ""

    def found(self, team: Team, tasks: TaskQuerySet) -> ProspectQuerySet:
        """Return the team's prospects that match all of it, in the order of names.

        `work` is told by `tasks`, those that the person who asks may see. What names
        nothing of this team matches nobody.
        """
        if self.contact not in ("", *CONTACTS) or self.work not in ("", *WORK):
            return filter_prospects(team).none()
        way = self.reach.removeprefix("not-")
        if self.reach and way not in REACHES:
            return filter_prospects(team).none()
        account, linked = None, None
        if self.known:
            linked = self.known == "any" or self.known.isdecimal()
        if self.known not in ("", "any", "none"):
            account = self._account(team)
            if account is None:
                return filter_prospects(team).none()
        found = filter_prospects(
            team,
            text=self.text,
            tag=self.tag,
            company=self.company,
            account=account,
            linked=linked,
            do_not_contact=CONTACTS.get(self.contact),
        )
        if self.owner == "none":
            found = found.filter(owner_key="")
        elif self.owner:
            found = found.filter(owner_key__in=self._owner_keys(team))
        if self.reach:
            empty = Q(**{REACHES[way]: ""})
            found = found.filter(empty if self.reach != way else ~empty)
        if self.work:
            there = Exists(tasks.unfinished().filter(prospect_id=OuterRef("pk")))
            found = found.filter(there if self.work == "some" else ~there)
        return found

    def _account(self, team: Team) -> ConnectedAccount | None:
        number = self.known.removeprefix("not-")
        accounts = ConnectedAccount.objects.of_team(team).defer("credentials")
        known = number.isdecimal() and len(number) < 19
        return accounts.filter(pk=int(number) if known else 0).first()

    def _owner_keys(self, team: Team) -> Collection[str]:
        for member in members_by_name(team):
            if str(member.pk) == self.owner:
                return user_keys(member)
        return []
