"""Which prospects of a team are meant: by pasted e-mails, or by a filter."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.db import connection
from django.db.models import Exists, OuterRef

from tasks_app.models import ConnectedAccount, Prospect, ProspectLink, Team
from tasks_app.models.prospects import ProspectQuerySet

T = TypeVar("T")

#: Values in one IN (…), below the 999 variables that every SQLite takes.
CHUNK = 900


def in_one_query() -> int:
    """Return how many values one IN (…) takes; SQLite takes 32,766 since 3.32."""
    old = connection.vendor == "sqlite" and sqlite3.sqlite_version_info < (3, 32)
    return CHUNK if old else 30_000


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size`."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def email_key(email: str) -> str:
    """Return the form in which two spellings of one address are equal."""
    return email.strip().casefold()


def prospects_for_emails(
    team: Team, emails: Iterable[str]
) -> tuple[list[Prospect], list[str], list[str]]:
    """Return (found, unknown, doubled) for addresses as somebody pasted them.

    `found` stands in the order of the list, each prospect once. `unknown` are the
    addresses nobody in the team has, `doubled` those that stand in the list again;
    both trimmed, otherwise as typed, each once. Empty ones are passed over.
    """
    typed: dict[str, str] = {}
    doubled: dict[str, str] = {}
    for email in emails:
        key = email_key(email)
        if key in typed:
            doubled.setdefault(key, email.strip())
        elif key:
            typed[key] = email.strip()
    known: dict[str, Prospect] = {}
    for part in chunks(typed):
        rows = Prospect.objects.of_team(team).filter(email_key__in=part)
        known.update({row.email_key: row for row in rows})
    found = [known[key] for key in typed if key in known]
    unknown = [text for key, text in typed.items() if key not in known]
    return found, unknown, list(doubled.values())


def filter_prospects(
    team: Team,
    *,
    text: str = "",
    tag: str = "",
    company: str = "",
    account: ConnectedAccount | None = None,
    linked: bool | None = None,
    do_not_contact: bool | None = None,
) -> ProspectQuerySet:
    """Return the team's prospects that match everything that is given.

    `text`: every word occurs in name, title, company or e-mail. `tag`: a tag's name.
    `linked`: whether they have an id at `account` (without one: at any account); an
    `account` alone means linked there. Each prospect comes once.
    """
    found = Prospect.objects.of_team(team).search(text)
    if tag:
        tagged = Prospect.tags.through.objects.filter(
            prospect_id=OuterRef("pk"), tag__team=team, tag__name=tag
        )
        found = found.filter(Exists(tagged))
    if company:
        found = found.filter(company__icontains=company)
    if account is not None or linked is not None:
        links = ProspectLink.objects.filter(
            prospect_id=OuterRef("pk"), account__team=team, account__deleted_at=None
        )
        if account is not None:
            links = links.filter(account_id=account.pk)
        there = Exists(links)
        found = found.filter(~there if linked is False else there)
    if do_not_contact is not None:
        found = found.filter(do_not_contact=do_not_contact)
    return found
