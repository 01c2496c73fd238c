"""Who is who: the rows of an import against each other and against the team.

Nothing is written here; `import_writing.py` does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks_app.models import ConnectedAccount, Prospect, ProspectLink, Team

from .import_person import Person, fits, name_key, snapshot
from .import_rows import SHOWN, Entry, Kind, Problem, RefusedRow
from .matching import chunks, email_key
from .prospect_columns import Column


class People:
    """The persons a file speaks of, found by e-mail, else by id, else by name.

    By name only those are the same who have no e-mail, are at the same company and
    do not differ in phone or in an id.
    """

    def __init__(
        self,
        team: Team,
        columns: Sequence[Column],
        accounts: dict[int, ConnectedAccount],
        *,
        lock: bool = False,
        update: bool = True,
    ) -> None:
        """Without `update` rows about people who are in the team already are refused."""
        self.team = team
        self.accounts = accounts
        self.heading = {column.target: column.heading for column in columns}
        self.lock, self.update = lock, update
        self.all: list[Person] = []
        self.by_pk: dict[int, Person] = {}
        self.by_email: dict[str, Person] = {}
        self.by_id: dict[tuple[int, str], Person] = {}
        self.by_name: dict[tuple[str, str, str], list[Person]] = {}

    # -- those we know ------------------------------------------------------------

    def load(self, entries: Iterable[Entry]) -> None:
        """Read everybody whom these entries could mean: queries per 900, not per row."""
        entries = list(entries)
        emails = {email_key(entry.email) for entry in entries if entry.email}
        names = {e.values.get("last_name", "") for e in entries if not e.email}
        ids: dict[int, set[str]] = {}
        for entry in entries:
            for account_id, external_id in entry.ids.items():
                ids.setdefault(account_id, set()).add(external_id)

        pks: set[int] = set()
        team = Prospect.objects.of_team(self.team)
        for part in chunks(emails):
            pks.update(team.filter(email_key__in=part).values_list("pk", flat=True))
        for part in chunks(names):
            found = team.filter(email_key="", last_name__in=part)
            pks.update(found.values_list("pk", flat=True))
        for account_id, wanted in ids.items():
            links = ProspectLink.objects.filter(account_id=account_id)
            for part in chunks(wanted):
                found_ids = links.filter(external_id__in=part)
                pks.update(found_ids.values_list("prospect_id", flat=True))
        self.load_prospects(sorted(pks), with_tags="tags" in self.heading)

    def load_prospects(self, pks: list[int], *, with_tags: bool) -> None:
        rows = Prospect.objects.of_team(self.team)
        if self.lock:
            rows = rows.select_for_update(no_key=True)
        for part in chunks(pks):
            for prospect in rows.filter(pk__in=part).order_by("pk"):
                person = Person(prospect, before=snapshot(prospect))
                self.by_pk[prospect.pk] = person
                self.index(person)
            links = ProspectLink.objects.filter(prospect_id__in=part)
            links = links.filter(account_id__in=list(self.accounts))
            for pk, account_id, external_id in links.values_list(
                "prospect_id", "account_id", "external_id"
            ):
                if person_of := self.by_pk.get(pk):
                    person_of.links[account_id] = external_id
                    person_of.links_before[account_id] = external_id
                    self.by_id[(account_id, external_id)] = person_of
            if with_tags:
                tagged = Prospect.tags.through.objects.filter(prospect_id__in=part)
                for pk, name in tagged.values_list("prospect_id", "tag__name"):
                    if pk in self.by_pk:
                        self.by_pk[pk].tags[name.casefold()] = name
        for person in self.by_pk.values():
            person.tags_before = frozenset(person.tags)

    def index(self, person: Person) -> None:
        prospect = person.prospect
        if prospect.email:
            self.by_email[email_key(prospect.email)] = person
            return
        key = name_key(prospect.first_name, prospect.last_name, prospect.company)
        alike = self.by_name.setdefault(key, [])
        if person not in alike:
            alike.append(person)

    # -- one row after another ----------------------------------------------------

    def add(self, entry: Entry) -> Person:
        """Merge the entry into the person it means, maybe a new one; return them.

        Later values win, empty ones never erase. Raises RefusedRow.
        """
        person = self.find(entry)
        if person is None:
            person = Person(Prospect(team=self.team))
        elif not self.update and not person.is_new:
            self.leave_known(entry, person)
        elif not person.looks_like(entry.values):
            self.refuse_stranger(entry, person)
        if not person.lines:
            self.all.append(person)
        self.merge_values(entry, person)
        self.merge_opt_out(entry, person)
        self.merge_ids(entry, person)
        for tag in entry.tags:
            person.tags.setdefault(tag.casefold(), tag)
        person.lines.append(entry.line)
        return person

    def find(self, entry: Entry) -> Person | None:
        if entry.email and (found := self.by_email.get(email_key(entry.email))):
            return found
        for pair in entry.ids.items():
            person = self.by_id.get(pair)
            if person is None or (entry.email and person.prospect.email):
                continue
            if person.looks_like(entry.values):
                return person
        if entry.email:
            return None
        key = name_key(
            entry.values.get("first_name", ""),
            entry.values.get("last_name", ""),
            entry.values.get("company", ""),
        )
        return next((p for p in self.by_name.get(key, ()) if fits(p, entry)), None)

    def leave_known(self, entry: Entry, person: Person) -> None:
        """Refuse a row about somebody whom this import is not to change."""
        column = "email" if entry.email else "last_name"
        reason = f"{self.describe(person)} is known already and stays as they are."
        value = entry.email or entry.values.get("last_name", "")
        heading = self.heading.get(column, "")
        raise RefusedRow(Problem(entry.line, heading, value, reason))

    def refuse_stranger(self, entry: Entry, person: Person) -> None:
        """Same e-mail, other name: refuse the row if an id differs too, else tell."""
        heading = self.heading.get("email", "")
        whom = self.describe(person)
        for account_id, external_id in entry.ids.items():
            known = person.links.get(account_id, external_id)
            if known != external_id:
                raise RefusedRow(
                    Problem(
                        entry.line,
                        heading,
                        entry.email,
                        f"{whom} has the same e-mail, another name and another id at "
                        f"{self.accounts[account_id].name}. Give each person an e-mail "
                        "of their own.",
                    )
                )
        entry.problems.append(
            Problem(
                entry.line,
                heading,
                entry.email,
                f"{whom} has the same e-mail and now gets the name in this row.",
                "note",
            )
        )

    def describe(self, person: Person) -> str:
        """Return how a sentence names them: by row, else by who they are."""
        if person.lines:
            return f"Row {person.lines[0]:,}"
        return str(person.prospect)[:SHOWN]

    def merge_values(self, entry: Entry, person: Person) -> None:
        prospect = person.prospect
        for name, value in entry.values.items():
            same_email = name == "email" and email_key(prospect.email) == email_key(
                value
            )
            if not (same_email and prospect.email):
                setattr(prospect, name, value)
        self.index(person)

    def merge_opt_out(self, entry: Entry, person: Person) -> None:
        """An import opts people out and never in again."""
        if entry.do_not_contact:
            person.prospect.do_not_contact = True
        elif entry.do_not_contact is False and person.prospect.do_not_contact:
            entry.problems.append(
                Problem(
                    entry.line,
                    self.heading["do_not_contact"],
                    "no",
                    "Stays opted out: an import never takes that back. It is changed "
                    "on the prospect's page.",
                    "note",
                )
            )

    def merge_ids(self, entry: Entry, person: Person) -> None:
        """Take over the row's ids: the first row that gives one decides."""
        for account_id, external_id in entry.ids.items():
            current = person.links.get(account_id, "")
            owner = self.by_id.get((account_id, external_id), person)
            earlier = person.ids_from.get(account_id)
            if owner is not person:
                reason = f"This id belongs to {self.owner_name(owner)} already."
                self.tell(entry, account_id, external_id, reason, "cell")
            elif earlier and current != external_id:
                reason = f"Row {earlier:,} gives this person another id: {current}."
                self.tell(entry, account_id, external_id, reason, "cell")
            else:
                if current and current != external_id:
                    reason = f"Was {current} until now."
                    self.tell(entry, account_id, external_id, reason, "note")
                self.by_id.pop((account_id, current), None)
                self.by_id[(account_id, external_id)] = person
                person.links[account_id] = external_id
                person.ids_from.setdefault(account_id, entry.line)

    def tell(
        self, entry: Entry, account_id: int, value: str, reason: str, kind: Kind
    ) -> None:
        heading = self.heading[f"account:{account_id}"]
        entry.problems.append(Problem(entry.line, heading, value, reason, kind))

    def owner_name(self, owner: Person) -> str:
        if owner.lines:
            return f"row {owner.lines[0]:,} ({str(owner.prospect)[:SHOWN]})"
        return str(owner.prospect)[:SHOWN]
