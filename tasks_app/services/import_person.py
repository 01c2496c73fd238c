"""One person of an import: as known before, and as its rows make them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks_app.models import Prospect

from .import_rows import Entry

#: What a row can change, beside tags, opt-out and ids.
FIELDS = (
    "first_name",
    "last_name",
    "title",
    "company",
    "email",
    "phone",
    "linkedin_url",
    "time_zone",
    "owner",
)


@dataclass(eq=False)
class Person:
    """A prospect, known or new, and what the rows of this import make of them.

    `lines` are the rows about them so far; `ids_from` the row that gave an id.
    """

    prospect: Prospect
    links: dict[int, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    ids_from: dict[int, int] = field(default_factory=dict)
    before: tuple[object, ...] = ()
    links_before: dict[int, str] = field(default_factory=dict)
    tags_before: frozenset[str] = frozenset()

    @property
    def is_new(self) -> bool:
        return self.prospect.pk is None

    @property
    def fields_changed(self) -> bool:
        return self.is_new or self.before != snapshot(self.prospect)

    @property
    def is_changed(self) -> bool:
        return (
            self.fields_changed
            or self.links != self.links_before
            or bool(self.tags.keys() - self.tags_before)
        )

    def looks_like(self, values: dict[str, str]) -> bool:
        """False where both have a name and neither its first nor last part agrees."""
        mine = [self.prospect.first_name.casefold(), self.prospect.last_name.casefold()]
        other = [
            values.get(name, "").casefold() for name in ("first_name", "last_name")
        ]
        if not any(mine) or not any(other):
            return True
        return any(a == b != "" for a, b in zip(mine, other, strict=True))


def snapshot(prospect: Prospect) -> tuple[object, ...]:
    return (
        *(getattr(prospect, name) for name in FIELDS),
        prospect.do_not_contact,
    )


def name_key(first: str, last: str, company: str) -> tuple[str, str, str]:
    return (first.casefold(), last.casefold(), company.casefold())


def fits(person: Person, entry: Entry) -> bool:
    """Whether a person of this name can be meant: phone and ids do not differ."""
    if person.prospect.email:
        return False
    phone = entry.values.get("phone", "")
    if phone and person.prospect.phone and phone != person.prospect.phone:
        return False
    return all(
        person.links.get(account_id, external_id) == external_id
        for account_id, external_id in entry.ids.items()
    )
