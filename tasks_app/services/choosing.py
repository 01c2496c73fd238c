"""Which prospects a form means: picked one by one, pasted, or all of a filter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from tasks_app.models import ConnectedAccount, Prospect, ProspectLink, Task, Team
from tasks_app.vendors.offers import FieldError

from .matching import chunks, email_key, prospects_for_emails
from .prospect_query import ProspectQuery
from .reaching import LeftOut

#: More at once would only be noticed as a mistake after the fact.
MOST = 20_000
RESULTS = 8
_EMAIL = re.compile(r"[^\s,;<>()\"']+@[^\s,;<>()\"']+")
#: The end of a LinkedIn address that names one person.
_PROFILE = re.compile(r"linkedin\.com/(?:in|pub)/([^/?#\s]+)", re.IGNORECASE)
_BETWEEN = re.compile(r"[,;\t]")


@dataclass(frozen=True)
class Choice:
    """`how` is `search`, `paste` or `filter`: only what belongs to it counts.

    `seen` is the number of matches that was shown for the filter, None if none was.
    """

    how: str = "search"
    ids: Sequence[int] = ()
    pasted: str = ""
    filter: ProspectQuery = field(default_factory=ProspectQuery)
    seen: int | None = None


@dataclass
class Chosen:
    """Who was found (perhaps twice), and what was pasted that nobody answers to."""

    prospects: list[Prospect] = field(default_factory=list)
    unknown: list[LeftOut] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)
    matching: int = 0
    #: Why all that match a filter get no tasks at once, '' where they may.
    too_many: str = ""


def chosen_by(
    team: Team, choice: Choice, *, account: ConnectedAccount | None
) -> Chosen:
    """Return whom this choice means; `account` is where pasted vendor ids belong."""
    if choice.how == "paste":
        return chosen_by_list(team, choice.pasted, account=account)
    if choice.how == "filter":
        return chosen_by_filter(team, choice)
    ids = list(dict.fromkeys(choice.ids))[: MOST + 1]
    known: dict[int, Prospect] = {}
    for part in chunks(ids):
        known.update(Prospect.objects.of_team(team).in_bulk(part))
    return limited(Chosen([known[pk] for pk in ids if pk in known]))


def chosen_by_filter(team: Team, choice: Choice) -> Chosen:
    """Evaluate the filter now, and hold the number against what was shown."""
    found = choice.filter.found(team, Task.objects.filter(team=team))
    chosen = Chosen(list(found[: MOST + 1]))
    chosen.matching = len(chosen.prospects)
    if chosen.matching > MOST:
        chosen.matching = found.order_by().count()
        chosen.too_many = (
            f"{people(chosen.matching)}, and one batch takes at most {MOST:,}. Narrow "
            "the filter, and create the tasks in parts."
        )
        chosen.prospects = []
        chosen.errors.append(FieldError("prospects", chosen.too_many))
        return chosen
    if choice.seen is None:
        chosen.errors.append(
            FieldError(
                "prospects",
                f"{people(chosen.matching)} this filter. Look at the number, then "
                "create the tasks.",
            )
        )
    elif choice.seen != chosen.matching:
        chosen.errors.append(
            FieldError(
                "prospects",
                f"{people(chosen.matching)} now; it was {choice.seen:,} when this page "
                "was shown. Look at the new number, then create the tasks.",
            )
        )
    return chosen


def people(number: int) -> str:
    return "1 prospect matches" if number == 1 else f"{number:,} prospects match"


def chosen_by_list(
    team: Team, pasted: str, *, account: ConnectedAccount | None
) -> Chosen:
    """Find who is meant by e-mails, or by ids that they have in this account."""
    lines: dict[str, int] = {}
    emails: list[str] = []
    ids: list[str] = []
    profiles: list[str] = []
    for number, token in tokens(pasted):
        lines.setdefault(email_key(token), number)
        (emails if "@" in token else profiles if profile(token) else ids).append(token)
    if len(lines) > MOST:
        return limited(Chosen(), number=len(lines))
    found, unknown, doubled = prospects_for_emails(team, emails)
    by_id = linked(account, ids)
    by_profile = with_profiles(team, profiles)
    ids += profiles
    by_id |= {
        text: by_profile[profile(text)]
        for text in profiles
        if profile(text) in by_profile
    }
    chosen = Chosen(found + [by_id[text] for text in ids if text in by_id])
    again = {email_key(email) for email in doubled}
    chosen.prospects += [p for p in found if p.email_key in again]
    for text in [*unknown, *dict.fromkeys(t for t in ids if t not in by_id)]:
        line = lines[email_key(text)]
        what = "e-mail" if "@" in text else "id at this account"
        what = "LinkedIn profile" if profile(text) else what
        reason = f"Line {line}: no prospect has the {what} {text[:100]}."
        email = text[:254] if "@" in text else ""
        chosen.unknown.append(
            LeftOut(text[:100], email, reason, "Import them under Prospects.")
        )
    return limited(chosen)


def tokens(pasted: str) -> Iterable[tuple[int, str]]:
    """Yield (line number, e-mail or id) as they stand in a pasted text."""
    for number, line in enumerate(pasted.splitlines(), start=1):
        for piece in _BETWEEN.split(line):
            emails = _EMAIL.findall(piece)
            if emails:
                yield from ((number, email.rstrip(".")) for email in emails)
            elif piece.strip():
                yield number, piece.strip()


def profile(text: str) -> str:
    """Return what of a LinkedIn address names the person, '' where it is none."""
    found = _PROFILE.search(text)
    return unquote(found[1]).casefold() if found else ""


def with_profiles(team: Team, addresses: Sequence[str]) -> dict[str, Prospect]:
    """Return the prospects with these LinkedIn profiles, by `profile`.

    The same profile is written in many ways, so the team's addresses are read through
    once, whatever the number of those looked for.
    """
    wanted = {profile(address) for address in addresses}
    if not wanted:
        return {}
    rows = Prospect.objects.of_team(team).exclude(linkedin_url="").order_by("pk")
    found: dict[str, int] = {}
    for pk, url in rows.values_list("pk", "linkedin_url").iterator():
        if (key := profile(url)) in wanted:
            found.setdefault(key, pk)
    known: dict[int, Prospect] = {}
    for part in chunks(found.values()):
        known.update(Prospect.objects.of_team(team).in_bulk(part))
    return {key: known[pk] for key, pk in found.items() if pk in known}


def linked(account: ConnectedAccount | None, ids: list[str]) -> dict[str, Prospect]:
    """Return the prospects that have these ids in this account, by id."""
    known: dict[str, Prospect] = {}
    if account is None:
        return known
    for part in chunks(dict.fromkeys(ids)):
        links = ProspectLink.objects.filter(account=account, external_id__in=part)
        for link in links.select_related("prospect"):
            known[link.external_id] = link.prospect
    return known


def limited(chosen: Chosen, number: int = 0) -> Chosen:
    """Refuse more prospects than one batch may have."""
    if max(number, len(chosen.prospects)) > MOST:
        chosen.prospects = []
        message = f"One batch takes at most {MOST:,} prospects. Choose fewer."
        chosen.errors = [FieldError("prospects", message)]
    return chosen


def search(team: Team, text: str) -> list[Prospect]:
    """Return a few prospects whose name, company or e-mail has these words."""
    if not text.strip():
        return []
    return list(Prospect.objects.of_team(team).search(text)[:RESULTS])
