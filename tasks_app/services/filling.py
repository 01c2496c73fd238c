"""Variables such as `{{firstName}}` that Baton fills in before it sends.

`{{company | your team}}` names what stands there for prospects without a company.
Anything else in double braces would go out as it was written: a new task is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from tasks_app.models import Prospect
from tasks_app.vendors.drafts import ProspectDraft
from tasks_app.vendors.handlebars import values_of

#: What stands in for an empty value, where the text names nothing else.
FALLBACKS = {
    "firstname": "there",
    "fullname": "there",
    "company": "your company",
    "title": "your role",
}
LABELS = {
    "firstname": "first name",
    "lastname": "last name",
    "fullname": "name",
    "email": "e-mail address",
    "company": "company",
    "title": "title",
    "phone": "phone number",
    "linkedinurl": "LinkedIn profile",
}
#: Offered in the form, in this order.
OFFERED = ("firstName", "lastName", "fullName", "company", "title", "email", "phone")

_TAG = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*(?:\|\s*([^{}]*?)\s*)?\}\}")
_ANY_TAG = re.compile(r"\{\{+[^{}]*\}\}+")
_KNOWN = {name.casefold() for name in values_of(ProspectDraft())}


@dataclass(frozen=True)
class Piece:
    """A part of a filled text; `kind` is '' as written, 'value' or 'fallback'."""

    text: str
    kind: str = ""


def has_variables(text: str) -> bool:
    """Return whether the text differs from prospect to prospect."""
    return any(tag.group(1).casefold() in _KNOWN for tag in _TAG.finditer(text))


def pieces_of(text: str, prospect: Prospect) -> list[Piece]:
    """Return the text filled in for this prospect, cut where values were put."""
    values = {
        name.casefold(): value for name, value in values_of(prospect.draft("")).items()
    }
    pieces: list[Piece] = []
    end = 0
    for tag in _TAG.finditer(text):
        name = tag.group(1).casefold()
        if name not in values:
            continue
        if tag.start() > end:
            pieces.append(Piece(text[end : tag.start()]))
        value = one_line(values[name])
        if value:
            pieces.append(Piece(value, "value"))
        else:
            pieces.append(Piece(fallback(tag), "fallback"))
        end = tag.end()
    if end < len(text):
        pieces.append(Piece(text[end:]))
    return pieces


def fill(text: str, prospect: Prospect) -> str:
    """Return the text with this prospect's values in place of its variables."""
    if "{{" not in text:
        return text
    return "".join(piece.text for piece in pieces_of(text, prospect))


def fallback(tag: re.Match[str]) -> str:
    """Return what stands in for an empty value of this variable, perhaps ''."""
    written: str | None = tag.group(2)
    if written is not None:
        return written.strip("\"'")
    return FALLBACKS.get(tag.group(1).casefold(), "")


def one_line(value: str) -> str:
    """Return a prospect's value as it may stand inside a sentence."""
    return " ".join(value.split())


def meant(name: str, names: Iterable[str]) -> str:
    """Return the name of these that somebody may have meant, '' for none like it."""
    by_key = {known.casefold(): known for known in names}
    near = get_close_matches(name.casefold(), by_key, n=1, cutoff=0.6)
    return by_key[near[0]] if near else ""


def unknown_tags(text: str) -> list[str]:
    """Return what stands in double braces and will not be filled in, as written."""
    found = []
    for tag in _ANY_TAG.findall(text):
        plain = _TAG.fullmatch(tag)
        if plain is None or plain.group(1).casefold() not in _KNOWN:
            found.append(tag)
    return list(dict.fromkeys(found))


def gaps(text: str, prospects: Iterable[Prospect]) -> list[str]:
    """Return sentences on how many lack a value, and what stands in for it."""
    tags = {
        tag.group(1).casefold(): tag
        for tag in _TAG.finditer(text)
        if tag.group(1).casefold() in _KNOWN
    }
    if not tags:
        return []
    missing: Counter[str] = Counter()
    for prospect in prospects:
        for name, value in values_of(prospect.draft("")).items():
            if name.casefold() in tags and not value.strip():
                missing[name.casefold()] += 1
    sentences = []
    for name, number in sorted(missing.items()):
        who = "1 prospect has" if number == 1 else f"{number} prospects have"
        word = fallback(tags[name])
        used = f"“{word}” is used" if word else "nothing stands there"
        sentences.append(f"{who} no {LABELS.get(name, name)}, so {used}.")
    return sentences
