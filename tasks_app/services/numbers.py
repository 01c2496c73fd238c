"""Whole numbers out of what an address or a form says."""

from __future__ import annotations

#: More digits than these no id, count or version of ours has; each database takes them.
MOST_DIGITS = 15


def number_or_none(text: str) -> int | None:
    """Return the whole number that is written here, None where it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return int(text) if is_number else None


def number_or_zero(text: str) -> int:
    """Return the whole number that is written here, 0 for anything else."""
    return number_or_none(text) or 0
