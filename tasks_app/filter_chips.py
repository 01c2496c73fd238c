"""What is filtered by, one chip for each kind of choice, with the way to drop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tasks_app.choices import LABELS, RANGES, Choices


@dataclass(frozen=True)
class Chip:
    """One active part of the filter; `without` is the query string that drops it."""

    name: str
    label: str
    value: str
    without: str


def chips_of(
    values: Mapping[str, list[str]], choices: Choices, query: Callable[..., str]
) -> Iterator[Chip]:
    """Yield the chips of these values; `query` writes the filter with some dropped."""
    ranges = {end: (what, *ends) for what, ends in RANGES.items() for end in ends}
    for name, chosen in values.items():
        if name not in ranges:
            value = chosen[0] if name == "q" else listed(choices.known(name), chosen)
            yield Chip(name, LABELS[name], value, query(**{name: None}))
            continue
        what, first, last = ranges[name]
        if not (is_day(first, values) and is_day(last, values)):
            good = is_day(name, values)
            value = (
                day_words(date.fromisoformat(chosen[0])) if good else said(chosen[0])
            )
            yield Chip(name, LABELS[name], value, query(**{name: None}))
        elif name == first:
            days = [date.fromisoformat(values[end][0]) for end in (first, last)]
            without = query(**{first: None, last: None})
            yield Chip(f"{what}_days", what.capitalize(), span_words(*days), without)


def is_day(name: str, values: Mapping[str, list[str]]) -> bool:
    """Return whether there is such an end of a range, and it is a day."""
    try:
        return bool(date.fromisoformat(values[name][0])) if name in values else False
    except ValueError:
        return False


def said(value: str) -> str:
    """Return a value that nobody knows, as far as there is room."""
    return f"“{value[:40]}”"


def listed(labels: Mapping[str, str], chosen: list[str]) -> str:
    """Return "High, Low", or "High and 2 more"."""
    words = [labels.get(value) or said(value) for value in chosen]
    if len(words) > 2:
        return f"{words[0]} and {len(words) - 1} more"
    return ", ".join(words)


def day_words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def span_words(first: date, last: date) -> str:
    """Return "15 Jul 2026", "10 – 24 Jul 2026" or with all that differs."""
    if first == last:
        return day_words(first)
    begin = day_words(first)
    if first.year == last.year:
        begin = (
            f"{first.day} {first:%b}" if first.month != last.month else f"{first.day}"
        )
    return f"{begin} – {day_words(last)}"
