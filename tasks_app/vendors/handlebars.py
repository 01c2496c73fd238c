"""Variables such as `{{firstName}}` in a text that a vendor fills in by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .drafts import ProspectDraft

#: What Reply.io fills in for a contact. The names of its contact fields are public
#: (https://docs.reply.io/api-reference/contacts/filter-contacts); a list of variables
#: is not, and accounts have fields of their own: an unknown name is worth a warning,
#: never a refusal.
KNOWN_VARIABLES: frozenset[str] = frozenset(
    {
        "firstName",
        "lastName",
        "fullName",
        "email",
        "company",
        "title",
        "phone",
        "linkedInUrl",
        "domain",
        "industry",
        "companySize",
        "city",
        "state",
        "country",
        "timeZone",
    }
)

_KNOWN = {name.casefold() for name in KNOWN_VARIABLES}
_TAG = re.compile(r"\{\{\{?([^{}]*)\}?\}\}")
_BRACES = re.compile(r"\{\{\{?|\}\}\}?")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_WORDS = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s|]+")


def variables_in(text: str) -> list[str]:
    """Return the names of the variables in the order in which they first appear."""
    found: list[str] = []
    for tag in _TAG.findall(text):
        found += [name for name in _names_in(tag.strip()) if name not in found]
    return found


def unknown_variables(text: str) -> list[str]:
    """Return the variables that no contact is known to have."""
    return [name for name in variables_in(text) if name.casefold() not in _KNOWN]


def problems(text: str) -> list[str]:
    """Return sentences about braces that do not pair up; [] when all do."""
    found: list[str] = []
    opened = ""
    for brace in _BRACES.findall(text):
        if brace.startswith("{"):
            if opened:
                break
            opened = brace
        elif not opened:
            found.append("The text has “}}” without “{{” before it.")
            break
        else:
            opened = ""
    if opened:
        found.append("The text has “{{” without “}}” after it.")
    if any(not tag.strip() for tag in _TAG.findall(text)):
        found.append("The text has “{{}}” without a name in it.")
    blocks: list[str] = []
    for tag in (tag.strip() for tag in _TAG.findall(text)):
        words = tag[1:].split()
        if tag.startswith("#") and words:
            blocks.append(words[0])
        elif tag.startswith("/") and blocks[-1:] == words[:1] != []:
            blocks.pop()
        elif tag.startswith("/"):
            found.append(f"The text has “{{{{{tag}}}}}” that closes nothing.")
            break
    else:
        if blocks:
            found.append(
                f"The text has “{{{{#{blocks[-1]}}}}}” that is never closed "
                f"with “{{{{/{blocks[-1]}}}}}”."
            )
    return found


def render(text: str, values: Mapping[str, str]) -> str:
    """Return the text with plain variables filled in, for a preview.

    Names match in any letter case. A variable without a value here, and anything
    cleverer than a variable, stands as it was written.
    """
    by_name = {name.casefold(): value for name, value in values.items()}

    def fill(tag: re.Match[str]) -> str:
        name = tag.group(1).strip()
        return by_name.get(name.casefold(), tag.group(0))

    return _TAG.sub(fill, text)


def values_of(prospect: ProspectDraft) -> dict[str, str]:
    """Return what `render` needs to show the text as this person will see it."""
    return {
        "firstName": prospect.first_name,
        "lastName": prospect.last_name,
        "fullName": prospect.full_name,
        "email": prospect.email,
        "company": prospect.company,
        "title": prospect.title,
        "phone": prospect.phone,
        "linkedInUrl": prospect.linkedin_url,
    }


def _names_in(tag: str) -> list[str]:
    if tag[:1] in ("!", "/", ">") or tag == "else":
        return []
    words = _WORDS.findall(tag.lstrip("#^&~ "))
    if tag[:1] in ("#", "^") or tag.startswith("else "):
        words = words[1:]  # the helper's or block's own name comes first
    elif "|" in tag:
        words = words[:1]  # what follows the bar is a fallback text
    elif len(words) > 1:
        words = words[1:]
    return [
        word
        for word in words
        if _NAME.fullmatch(word) and word not in ("true", "false", "null")
    ]
