"""The people a practice vendor knows: prospects, users, and the names they go by."""

import csv
import re
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .checks import GUID

FIRST_NAMES = ("Ada", "Bruno", "Chiara", "Dev", "Elif", "Farah", "Gus", "Hana")
LAST_NAMES = ("Adler", "Bianchi", "Costa", "Dubois", "Evans", "Fischer", "Garcia")
COMPANIES = ("Kestrel", "Umbra", "Larkspur", "Tidal", "Halden", "Oakridge")


@dataclass(frozen=True, slots=True)
class Person:
    """A prospect: a contact, lead or person in somebody's list."""

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    phone: str = ""
    linkedin: str = ""
    company: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}".strip()

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can hold tasks at the vendor."""

    id: str
    email: str
    first: str = ""
    last: str = ""
    role: str = "rep"

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}".strip()

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def practice_users(ids: Iterable[str]) -> list[User]:
    """The key's owner first, then three reps, with the vendor's own kind of id."""
    owner, elin, jonas, priya = ids
    return [
        User(owner, "lead@baton.example", "Mara", "Lind", "owner"),
        User(elin, "elin@baton.example", "Elin", "Berg"),
        User(jonas, "jonas@baton.example", "Jonas", "Weber"),
        User(priya, "priya@baton.example", "Priya", "Nair"),
    ]


class Directory:
    """The prospects and users of one vendor.

    `accept_unknown`: take any well-formed prospect id that does not start with INVALID,
    and make up a name for it, the same one every time.
    """

    def __init__(self, pattern: re.Pattern[str], users: Iterable[User]) -> None:
        self.pattern = pattern
        self.accept_unknown = True
        self.people: dict[str, Person] = {}
        self.users: dict[str, User] = {}
        self.users_by_email: dict[str, User] = {}
        self.add_users(users)

    def add_users(self, users: Iterable[User]) -> None:
        for user in users:
            self.users[user.id] = user
            self.users_by_email[user.email.lower()] = user

    def add_people(self, people: Iterable[Person]) -> None:
        self.people.update((person.id, person) for person in people)

    @property
    def owner(self) -> User:
        """Whom the practice key belongs to."""
        return next(iter(self.users.values()))

    def person(self, prospect_id: str) -> Person | None:
        """The prospect, or None when the vendor does not know the id."""
        if known := self.people.get(prospect_id):
            return known
        if not self.accept_unknown or prospect_id.upper().startswith("INVALID"):
            return None
        return made_up(prospect_id) if self.pattern.fullmatch(prospect_id) else None

    def user(self, id_or_email: str) -> User | None:
        return self.users.get(id_or_email) or self.users_by_email.get(
            id_or_email.lower()
        )

    def search(self, words: str) -> list[Person]:
        """Known people whose name or e-mail contains `words`."""
        wanted = words.lower()
        return [
            person
            for person in self.people.values()
            if wanted in f"{person.name} {person.email}".lower()
        ]


def made_up(prospect_id: str) -> Person:
    """A person for an id nobody named: always the same for the same id."""
    draw = zlib.crc32(prospect_id.encode())
    first = FIRST_NAMES[draw % len(FIRST_NAMES)]
    last = LAST_NAMES[draw // 8 % len(LAST_NAMES)]
    company = COMPANIES[draw // 64 % len(COMPANIES)]
    email = f"{first}.{last}.{prospect_id}@{company}.example".lower()
    phone = f"+1 555 {draw % 10_000_000:07d}"
    return Person(prospect_id, first, last, email, phone, "", company, "Buyer")


def read_prospects(
    path: str | Path, column: str, form: re.Pattern[str]
) -> list[Person]:
    """Read the prospects whose id in `column` has the vendor's form; skip others."""
    people = []
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            key = (row.get(column) or "").strip()
            key = key.lower() if form is GUID else key
            if form.fullmatch(key) and not key.upper().startswith("INVALID"):
                people.append(_from_row(key, row))
    return people


def _from_row(key: str, row: dict[str, Any]) -> Person:
    names = ("First Name", "Last Name", "Email", "Mobile Phone", "Person Linkedin Url")
    values = [(row.get(name) or "").strip() for name in (*names, "Company", "Title")]
    return Person(key, *values)
