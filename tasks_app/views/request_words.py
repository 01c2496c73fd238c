"""A call to a vendor as a page shows it: JSON in pieces, each with its colour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

#: Longer lists are cut, so that a call for 50 prospects stays readable.
MOST_ITEMS = 3
Piece = tuple[str, str]


def json_pieces(value: Any, *, about: str = "") -> list[Piece]:
    """Return (class, text) pieces of the value as indented JSON.

    Classes are `k` for names, `s` texts, `n` other values, `c` remarks, '' signs. Of
    long lists those items are kept that hold the text `about`, and a remark says how
    many others there are.
    """
    return list(_pieces(value, "", about))


def _pieces(value: Any, indent: str, about: str) -> Iterator[Piece]:
    inner = indent + "  "
    if isinstance(value, dict) and value:
        yield "", "{\n"
        for number, (name, item) in enumerate(value.items(), start=1):
            yield "", inner
            yield "k", json.dumps(str(name), ensure_ascii=False)
            yield "", ": "
            yield from _pieces(item, inner, about)
            yield "", ",\n" if number < len(value) else "\n"
        yield "", indent + "}"
    elif isinstance(value, (list, tuple)) and value:
        shown, hidden = shortened(list(value), about)
        yield "", "[\n"
        for number, item in enumerate(shown, start=1):
            yield "", inner
            yield from _pieces(item, inner, about)
            yield "", ",\n" if number < len(shown) or hidden else "\n"
        if hidden:
            yield "", inner
            yield "c", f"// and {hidden} more"
            yield "", "\n"
        yield "", indent + "]"
    elif isinstance(value, str):
        yield "s", json.dumps(value, ensure_ascii=False)
    else:
        yield "n", json.dumps(value)


def shortened(items: list[Any], about: str) -> tuple[list[Any], int]:
    """Return the items to show and the number of the others."""
    if len(items) <= MOST_ITEMS:
        return items, 0
    chosen = [item for item in items if about and holds(item, about)][:1] or items[:1]
    return chosen, len(items) - len(chosen)


def holds(item: Any, text: str) -> bool:
    if isinstance(item, dict):
        return any(holds(value, text) for value in item.values())
    if isinstance(item, (list, tuple)):
        return any(holds(value, text) for value in item)
    return str(item) == text
