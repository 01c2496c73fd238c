"""What a person may enter for an account, checked and brought into one form.

Every function returns the value as it is kept, or raises `ValueError` with a sentence.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from tasks_app.vendors import ADAPTERS, VendorAdapter
from tasks_app.vendors.offers import Setting
from tasks_app.vendors.transport import check_base_url, hosts_of

MOST_CALLS = 100_000
LONGEST_WINDOW = 86_400  # seconds
MOST_LIMITS = 5
LONGEST_KEY = 500
LONGEST_SETTING = 200

#: Days without a time are days in this zone; the team's own where it is not set.
ZONE = Setting("time_zone", "Time zone", kind="time_zone")

Rates = list[list[int | float]]


def vendor_of(slug: str) -> type[VendorAdapter]:
    """Return the adapter class of this vendor."""
    try:
        return ADAPTERS[slug.strip().lower()]
    except KeyError:
        raise ValueError(
            f"There is no vendor “{slug}”. Choose one of: {', '.join(ADAPTERS)}."
        ) from None


def parse_base_url(vendor: type[VendorAdapter], text: str) -> str:
    """Return the base URL to keep; '' is the vendor's own.

    A URL without a path gets the version that this vendor's API stands under.
    """
    text = text.strip()
    default = vendor.base_urls[0][0]
    if not text:
        return default
    allowed = hosts_of(url for url, _ in vendor.base_urls)
    extra = {host.strip().lower() for host in django_settings.EXTRA_VENDOR_HOSTS}
    try:
        url = check_base_url(text, allowed_hosts=allowed, extra_hosts=extra)
    except ValueError as error:
        raise ValueError(_with_advice(str(error), text, allowed)) from None
    if len(url) > 250:
        raise ValueError("The base URL is too long.")
    return url if urlsplit(url).path else url + urlsplit(default).path


def _with_advice(sentence: str, text: str, allowed: frozenset[str]) -> str:
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:
        return sentence
    if not host or host in allowed or "host" not in sentence:
        return sentence
    return (
        f"{sentence} Use one of {', '.join(sorted(allowed))}, "
        "or list the host in EXTRA_VENDOR_HOSTS."
    )


def parse_rates(text: str) -> Rates:
    """Return `25/5` or `100/60,3000/3600` as [[calls, seconds], ...]; '' as []."""
    limits: Rates = []
    pieces = [piece.strip() for piece in text.split(",")] if text.strip() else []
    if len(pieces) > MOST_LIMITS:
        raise ValueError(f"A rate limit has {MOST_LIMITS} parts at most.")
    for piece in pieces:
        match = re.fullmatch(r"([0-9]{1,9})\s*/\s*([0-9]{1,9}(?:\.[0-9]{1,3})?)", piece)
        if match is None:
            raise ValueError(
                f"“{piece[:40]}” is not a rate limit. Write calls/seconds, "
                "such as 25/5, and several with commas: 100/60,3000/3600."
            )
        calls, seconds = int(match[1]), float(match[2])
        if not 1 <= calls <= MOST_CALLS:
            raise ValueError(f"A rate limit allows 1 to {MOST_CALLS} calls.")
        if not 0.1 <= seconds <= LONGEST_WINDOW:
            raise ValueError(
                f"A rate limit is for 0.1 to {LONGEST_WINDOW} seconds (one day)."
            )
        limits.append([calls, int(seconds) if seconds.is_integer() else seconds])
    return limits


def write_rates(rates: Sequence[Sequence[float]]) -> str:
    """Return limits as a person enters them: the reverse of `parse_rates`."""
    return ",".join(f"{calls:g}/{seconds:g}" for calls, seconds in rates)


def parse_switch(text: str) -> bool:
    """Return whether this says on."""
    word = text.strip().lower()
    if word in ("on", "yes", "true", "1"):
        return True
    if word in ("off", "no", "false", "0"):
        return False
    raise ValueError(f"“{text[:40]}” is neither on nor off.")


def settings_of(vendor: type[VendorAdapter]) -> tuple[Setting, ...]:
    """Return what may be set: every account may have a time zone of its own."""
    names = {field.name for field in vendor.settings_fields}
    extra = () if ZONE.name in names else (ZONE,)
    return (*vendor.settings_fields, *extra)


def parse_setting(vendor: type[VendorAdapter], name: str, text: str) -> str:
    """Return this setting of an account as it is kept; '' means the default."""
    fields = settings_of(vendor)
    field = next((s for s in fields if s.name == name), None)
    if field is None:
        known = ", ".join(s.name for s in fields)
        raise ValueError(f"{vendor.name} has no setting “{name}”. It has: {known}.")
    value = text.strip()
    if not value:
        return ""
    if len(value) > LONGEST_SETTING or not value.isprintable():
        raise ValueError(f"{field.label}: this text is too long or not printable.")
    if field.choices:
        return _choice(field, value)
    if field.kind == "integer":
        if not re.fullmatch(r"[0-9]{1,9}", value):
            raise ValueError(f"{field.label}: “{value[:40]}” is not a whole number.")
        return str(int(value))
    if field.kind == "time_zone":
        return _time_zone(field, value)
    return value


def _choice(field: Setting, value: str) -> str:
    for choice, _ in field.choices:
        if choice.casefold() == value.casefold():
            return choice
    offered = " or ".join(choice for choice, _ in field.choices)
    raise ValueError(f"{field.label}: choose {offered}, not “{value[:40]}”.")


def _time_zone(field: Setting, value: str) -> str:
    for name in zoneinfo.available_timezones():
        if name.casefold() == value.casefold():
            return name
    raise ValueError(
        f"{field.label}: “{value[:40]}” is not a time zone. "
        "Use a name such as Europe/Berlin."
    )


def parse_credential(vendor: type[VendorAdapter], key: str, text: str) -> str:
    """Return this key without surrounding space. The sentences never repeat it."""
    names = dict(vendor.credential_fields)
    if key not in names:
        raise ValueError(
            f"{vendor.name} has no credential “{key[:40]}”. "
            f"It takes: {', '.join(names)}."
        )
    value = text.strip()
    if len(value) > LONGEST_KEY or not (value.isascii() and value.isprintable()):
        raise ValueError(
            f"The {names[key].lower()} holds characters that no key has. "
            "Enter it again."
        )
    return value
