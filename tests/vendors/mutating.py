"""Recorded answers with one thing wrong, and the samples they are made from."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks_app.vendors.calls import VendorResponse

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
ODD: tuple[Any, ...] = (
    None,
    [],
    {},
    "",
    " ",
    True,
    False,
    -1,
    0,
    1.5,
    [None],
    [[]],
    {"a": []},
    "\x00",
)


def sample(vendor: str, name: str) -> Any:
    return json.loads((SAMPLES / vendor / f"{name}.json").read_text())


def answer(body: Any, status: int = 200, **headers: str) -> VendorResponse:
    return VendorResponse(status, headers, body, json.dumps(body))


def web_page(status: int = 200) -> VendorResponse:
    return VendorResponse(status, {}, None, "<!doctype html><title>Log in</title>")


def empty(status: int = 200) -> VendorResponse:
    return VendorResponse(status)


def mutants(body: Any) -> Iterator[Any]:
    """Yield the body with each value in turn dropped, odd or wrapped."""
    yield from ODD
    yield [body]
    yield {"data": body}
    for path in _paths(body):
        for odd in ODD:
            yield _with(body, path, odd)
        yield _with(body, path, [_at(body, path)])
        yield _with(body, path, {"value": _at(body, path)})
        yield _without(body, path)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))


def _at(body: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        body = body[key]
    return body


def _with(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _without(body: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(body)
    del _at(changed, path[:-1])[path[-1]]
    return changed
