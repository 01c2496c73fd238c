"""One value about a prospect at a time: what is kept of it, or why it is not.

Each `clean_…` gets the text as typed and returns the value to keep. `BadCell` carries
a sentence for the person who typed it.
"""

from __future__ import annotations

import re
import zoneinfo
from functools import lru_cache
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, URLValidator

from tasks_app.vendors import ADAPTERS

MAX_TEXT = 200
MAX_EMAIL = 254
MAX_PHONE = 60
MAX_LINK = 300
MAX_TAG = 60
MAX_ID = 100

#: What people type where there is nothing to type.
NOTHING = {"-", "--", "—", "n/a", "#n/a", "na", "none", "null", "nil", "unknown", "?"}
YES = {
    "yes", "y", "true", "t", "1", "x", "✓", "✔", "on", "ja", "j", "oui", "o", "si",
    "sì", "sí", "sim", "s", "wahr", "vrai", "verdadero", "checked", "opted out",
    "opt out", "opt-out", "unsubscribed", "do not contact", "dnc", "blocked", "stop",
}  # fmt: skip
NO = {
    "no", "n", "false", "f", "0", "off", "nein", "non", "não", "nao", "falsch", "faux",
    "falso", "unchecked", "nej", "nee",
}  # fmt: skip

#: The shape of a prospect's id at each vendor, and how to say it.
ID_SHAPES = {
    "saleshandy": (r"[A-Za-z0-9]{4,40}", "letters and digits, such as 7PWYDWW7zo"),
    "leadsquared": (
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "a GUID, such as a76bfcb4-9e4d-46da-8d07-05cba2e29d4d",
    ),
    "reply": (r"[1-9][0-9]{0,17}", "a whole number above 0"),
    "ysuite": (r"[1-9][0-9]{0,17}", "a whole number above 0"),
}
#: Control characters, and those that turn the reading direction or have no width.
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u2060\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
ADDRESS_IN_BRACKETS = re.compile(r".*<([^<>]+)>")
UNFIT_FOR_LINKS = re.compile(r"[\s<>\"'`\\{}|^]")
PHONE = re.compile(r"\+?[\d\s().\-/·]+(?:(?:ext\.?|x|#)\s*\d{1,6})?", re.IGNORECASE)

valid_email = EmailValidator(allowlist=[])
valid_link = URLValidator(schemes=["http", "https"])


class BadCell(Exception):
    """This value cannot be kept; the message is a sentence."""


def one_line(value: str) -> str:
    """Return the text on one line, trimmed, without characters that cannot be seen."""
    text = " ".join(value.split())
    # Nearly every text: nothing in it has to be looked for.
    if text.isprintable():
        return text
    return " ".join(UNSEEN.sub("", text).split())


def something(value: str) -> str:
    """Return the text on one line; '' where it only says that there is none."""
    text = one_line(value)
    return "" if text.casefold() in NOTHING else text


def clean_text(value: str, limit: int = MAX_TEXT) -> str:
    text = one_line(value)
    if len(text) > limit:
        raise BadCell(f"This has {len(text):,} characters. At most {limit} fit.")
    return text


def clean_email(value: str) -> str:
    """Return the address, also out of `mailto:` or `Name <address>`."""
    text = something(value)
    if found := ADDRESS_IN_BRACKETS.fullmatch(text):
        text = found[1].strip()
    text = re.sub(r"(?i)^mailto:\s*", "", text)
    if not text:
        return ""
    if len(text) > MAX_EMAIL:
        raise BadCell(f"An e-mail has at most {MAX_EMAIL} characters.")
    if "(at)" in text.casefold() or "[at]" in text.casefold():
        raise BadCell("Write @ instead of (at).")
    if re.search(r"@.*[,;\s].*@", text):
        raise BadCell("There are several e-mails. Keep one of them.")
    name, at, domain = text.partition("@")
    if not at:
        raise BadCell("The @ is missing.")
    if "@" in domain:
        raise BadCell("There is more than one @.")
    if not name or not domain:
        where = "before" if not name else "after"
        raise BadCell(f"The part {where} @ is missing.")
    if "." not in domain:
        raise BadCell(f"{domain} is not a full domain name.")
    try:
        valid_email(text)
    except ValidationError:
        raise BadCell("This is not an e-mail address.") from None
    return text


def clean_owner(value: str) -> str:
    """Return an e-mail address or a name; an address also out of `Name <address>`."""
    text = something(value)
    if found := ADDRESS_IN_BRACKETS.fullmatch(text):
        text = found[1].strip()
    if len(text) > MAX_EMAIL:
        raise BadCell(f"This has {len(text):,} characters. At most {MAX_EMAIL} fit.")
    return text


def clean_phone(value: str) -> str:
    """Return the number with single spaces; letters are refused but for extensions."""
    text = re.sub(r"(?i)^(tel|phone)[:.]?\s*", "", something(value))
    if not text:
        return ""
    digits = sum(c.isdigit() for c in text)
    if not PHONE.fullmatch(text):
        raise BadCell("This is not a phone number. Use the form +49 40 5550 0118.")
    if digits < 5:
        raise BadCell("Too short for a phone number. Use the form +49 40 5550 0118.")
    if digits > 26 or len(text) > MAX_PHONE:
        raise BadCell("Too long for a phone number. Use the form +49 40 5550 0118.")
    return text


def clean_linkedin(value: str) -> str:
    """Return an http or https address at linkedin.com; https where none is typed."""
    text = something(value)
    if not text:
        return ""
    if re.match(r"(?i)(?:[\w-]+\.)?linkedin\.com(?:/|$)", text):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").casefold()
        plain = parts.username is None and parts.port is None
    except ValueError:
        raise BadCell("This is not a web address.") from None
    if parts.scheme not in {"http", "https"}:
        raise BadCell(
            "This is not a web address. Use one that begins with "
            "https://www.linkedin.com/."
        )
    if not plain or not (host == "linkedin.com" or host.endswith(".linkedin.com")):
        raise BadCell("This address is not at linkedin.com.")
    if len(text) > MAX_LINK:
        raise BadCell(f"This has {len(text):,} characters. At most {MAX_LINK} fit.")
    try:
        if UNFIT_FOR_LINKS.search(text):
            raise ValidationError("")
        valid_link(text)
    except ValidationError:
        raise BadCell("This is not a web address.") from None
    return text


@lru_cache(maxsize=1)
def zone_names() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}


def clean_time_zone(value: str) -> str:
    """Return the zone's name in its own spelling."""
    text = something(value)
    if not text:
        return ""
    name = zone_names().get(text.casefold().replace(" ", "_"))
    if name is None:
        raise BadCell("This time zone is not known. Use a name such as Europe/Berlin.")
    return name


def split_tags(value: str) -> list[str]:
    """Return the tags of a cell, each once, in their order."""
    tags: dict[str, str] = {}
    for part in re.split(r"[;,\n\r|]", value):
        tag = one_line(part)
        if len(tag) > MAX_TAG:
            raise BadCell(
                f"A tag has at most {MAX_TAG} characters. Separate tags by semicolons."
            )
        if tag:
            tags.setdefault(tag.casefold(), tag)
    return list(tags.values())


def is_no(value: str) -> bool:
    return one_line(value).casefold() in NO


def is_yes(value: str) -> bool:
    return one_line(value).casefold() in YES


def clean_external_id(value: str, vendor: str) -> str:
    """Return a prospect's id at this vendor, in the shape that the vendor uses."""
    text = something(value)
    if vendor in {"reply", "ysuite"}:
        # Spreadsheets turn 2001 into 2001.0 where another row of the column is empty.
        text = re.sub(r"^0+(?=\d)|\.0+$", "", text)
    elif vendor == "leadsquared":
        text = text.strip("{}").casefold()
    if not text:
        return ""
    pattern, example = ID_SHAPES.get(vendor, (r".{1,100}", "at most 100 characters"))
    if len(text) > MAX_ID or not re.fullmatch(pattern, text):
        name = ADAPTERS[vendor].name if vendor in ADAPTERS else "This vendor"
        raise BadCell(f"{name} has no such id. It would be {example}.")
    return text


#: Small words that belong to the family name behind them.
PARTICLES = {
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "du",
    "la", "le", "ten", "ter", "zu", "zur", "al", "el", "bin", "ibn", "bint", "mac",
    "st.", "san",
}  # fmt: skip


def split_name(value: str) -> tuple[str, str]:
    """Return (first name, last name) of a whole name; one word is a first name."""
    text = one_line(value)
    last, comma, first = text.partition(",")
    if comma and "," not in first and first.strip():
        return first.strip(), last.strip()
    words = text.split()
    if len(words) < 2:
        return text, ""
    begin = next(
        (n for n in range(1, len(words) - 1) if words[n].casefold() in PARTICLES),
        len(words) - 1,
    )
    return " ".join(words[:begin]), " ".join(words[begin:])
