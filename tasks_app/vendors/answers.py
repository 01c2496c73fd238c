"""Take values out of what vendors answer, where any value may have any shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .calls import VendorResponse


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the object, an empty one where this is none."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list, what is no object left out."""
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def first_text(source: Mapping[str, Any], *names: str) -> str:
    """Return the first of these values that is a text or a number, '' if none is."""
    for name in names:
        value = source.get(name)
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def whole_number(value: Any) -> int | None:
    """Return a number that was given as one or as text, None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value):
        return int(value)
    return None


ON = {"active", "enabled", "on", "true", "running", "1"}
OFF = {"inactive", "disabled", "off", "false", "paused", "stopped", "failed", "0"}


def is_on(word: Any) -> bool | None:
    """Return whether a vendor's word says that something is on, None if unknown."""
    text = str(word).strip().casefold()
    return True if text in ON else False if text in OFF else None


def moment(value: Any) -> datetime | None:
    """Return a date-time in UTC; one without a zone counts as UTC; None if unreadable.

    Years before 1900 are how some vendors write "never".
    """
    if not isinstance(value, str):
        return None
    text = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", value.strip())
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        parsed = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.year >= 1900 else None


def same_text(text: str) -> str:
    """Return the text with its spacing evened out, as texts are compared."""
    return " ".join(text.split())


def answered(response: VendorResponse | None) -> VendorResponse:
    """Return the answer to a request that a reading has yielded."""
    if response is None:
        raise TypeError("A request was yielded: its answer has to be sent.")
    return response
