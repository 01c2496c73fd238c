"""Checks of a request's fields: a field's check returns what is wrong, or None.

How a vendor reports what is wrong differs; what counts as wrong is written once here.
"""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

Check = Callable[[Any], str | None]

DAY = re.compile(r"\d{4}-\d\d-\d\d")
SPACED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def text(*, longest: int = 0, empty: bool = True) -> Check:
    """A string of at most `longest` characters (0: any length)."""

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if not empty and not value.strip():
            return "must not be empty"
        if longest and len(value) > longest:
            return f"must be at most {longest} characters"
        return None

    return check


def whole(low: int | None = None, high: int | None = None) -> Check:
    """A JSON integer; true and false are none."""

    def check(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be an integer"
        if low is not None and value < low:
            return f"must be at least {low}"
        if high is not None and value > high:
            return f"must be at most {high}"
        return None

    return check


def flag(value: Any) -> str | None:
    """A JSON true or false."""
    return None if isinstance(value, bool) else "must be true or false"


def obj(value: Any) -> str | None:
    """A JSON object."""
    return None if isinstance(value, dict) else "must be an object"


def one_of(values: Collection[Any]) -> Check:
    """One of `values`, of the very same type."""
    allowed = {(type(value), value) for value in values}
    shown = ", ".join(str(value) for value in values)

    def check(value: Any) -> str | None:
        try:
            fits = (type(value), value) in allowed
        except TypeError:
            fits = False
        return None if fits else f"must be one of {shown}"

    return check


def many(check_one: Check, least: int = 0, most: int = 0) -> Check:
    """A list whose entries all pass `check_one`; `most` 0 means any number."""

    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return "must be an array"
        if len(value) < least:
            return f"must hold at least {least}"
        if most and len(value) > most:
            return f"must hold at most {most}"
        for entry in value:
            if wrong := check_one(entry):
                return f"holds an entry that {wrong}"
        return None

    return check


def moment(pattern: re.Pattern[str], shape: str) -> Check:
    """A string in exactly the given form that names a time that exists."""

    def check(value: Any) -> str | None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            return f"must look like {shape}"
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return "is not a time that exists"
        return None

    return check


day = moment(DAY, "YYYY-MM-DD")
spaced_time = moment(SPACED, "YYYY-MM-DD HH:MM:SS")
local_time = moment(LOCAL, "YYYY-MM-DDTHH:MM:SS")
zoned_time = moment(ZONED, "2023-11-07T05:31:56Z")


def or_null(check: Check) -> Check:
    """What `check` allows, or null."""
    return lambda value: None if value is None else check(value)


def problems(
    body: dict[str, Any], fields: dict[str, Check], required: Collection[str] = ()
) -> dict[str, str]:
    """Return field -> what is wrong with it; unknown and missing fields included."""
    wrong: dict[str, str] = {}
    for name in required:
        if name not in body:
            wrong[name] = "is required"
    for name, value in body.items():
        check = fields.get(name)
        if check is None:
            wrong[name] = "is not a known field"
        elif sentence := check(value):
            wrong[name] = sentence
    return wrong


def number_in_text(value: str, low: int = 0, high: int = 2**53) -> int | None:
    """A query value as a plain decimal number within bounds, else None."""
    if not re.fullmatch(r"[0-9]{1,16}", value):
        return None
    number = int(value)
    return number if low <= number <= high else None


def utc(value: str) -> datetime:
    """An ISO time as an aware time in UTC; one without a zone is taken as UTC."""
    parsed = datetime.fromisoformat(value)
    return (
        parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    )


def iso(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z; sorts as text."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
