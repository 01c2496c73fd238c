"""The shape of a vendor's answer: which fields it has and of what kind, never a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Rows of a list that are looked at, levels, fields of one answer.
ROWS = 3
DEEPEST = 6
MOST = 300

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_ .:-]{0,59}")
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{20,}", re.IGNORECASE)
#: Ids in paths: digits anywhere, or Saleshandy's ten letters.
_ID = re.compile(r".*[0-9].*|[A-Za-z0-9]{10}")

Shape = Mapping[str, str]


def call_name(method: str, path: str, query: Mapping[str, Any] | None = None) -> str:
    """Return `GET /tasks/{id}`: equal for calls that are answered alike.

    Tasks of different statuses may have different fields.
    """
    parts = ["{id}" if _ID.fullmatch(part) else part for part in path.split("/")]
    status = (query or {}).get("status")
    of_status = f"?status={status}" if status is not None else ""
    return f"{method} {'/'.join(parts)}{of_status}"[:100]


def shape_of(body: Any) -> dict[str, str]:
    """Return what kind of value stands at each place, `rows[].contact.id` → `number`.

    Of a list the first rows count together; `null` gives way to any other kind.
    """
    found: dict[str, str] = {}
    _add(found, "", body, 0)
    return found


def _add(found: dict[str, str], path: str, value: Any, depth: int) -> None:
    if path:
        kind = kind_of(value)
        if path not in found and len(found) >= MOST:
            return
        known = found.get(path, "null")
        if kind != "null" or path not in found:
            found[path] = kind if known in ("null", kind) else mixed(known, kind)
    if depth >= DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            name = key_name(key)
            _add(found, f"{path}.{name}" if path else name, inner, depth + 1)
    elif isinstance(value, list):
        for row in value[:ROWS]:
            _add(found, f"{path}[]", row, depth + 1)


def mixed(one: str, other: str) -> str:
    return " or ".join(sorted({*one.split(" or "), other}))


def kind_of(value: Any) -> str:
    """Return `text number yes/no object list null`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "list" if isinstance(value, list) else "text"


def key_name(key: str) -> str:
    """Return the name of a field, `*` where it is data itself, such as an id."""
    plain = _KEY.fullmatch(key) and not _GUID.fullmatch(key)
    return key if plain else "*"


def parent_of(path: str) -> str:
    """Return the place that this one stands in, '' for the answer itself."""
    if path.endswith("[]"):
        return path[:-2]
    return path.rpartition(".")[0]


def redacted(value: Any, depth: int = 0) -> Any:
    """Return the answer with the kind of each value in its place, and one row of a list."""
    if depth > DEEPEST:
        return "…"
    if isinstance(value, dict):
        kept = list(value.items())[:60]
        return {key_name(key): redacted(inner, depth + 1) for key, inner in kept}
    if isinstance(value, list):
        return [redacted(row, depth + 1) for row in value[:1]]
    return kind_of(value)
