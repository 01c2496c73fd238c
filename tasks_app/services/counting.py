"""Several counts in one question to the database, each by its own index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

#: Beyond so many rows a count says "more than", and stops counting.
MOST = 10_000


def count_each(
    found: Mapping[str, QuerySet[Any]], most: int | None = None
) -> dict[str, int]:
    """Return how many rows each of these has, by one query.

    With `most` no count goes beyond `most + 1`, which means "more than `most`".
    """
    counts = dict.fromkeys(found, 0)
    names: list[str] = []
    parts: list[str] = []
    values: list[Any] = []
    for name, rows in found.items():
        numbers = rows.order_by().values("pk")
        if most is not None:
            numbers = numbers[: most + 1]
        try:
            sql, params = numbers.query.sql_with_params()
        except EmptyResultSet:
            continue
        names.append(name)
        # What the ORM wrote, with its parameters apart: no text of anybody is in it.
        part = f"(SELECT COUNT(*) FROM ({sql}) AS part_{len(parts)})"  # noqa: S608
        parts.append(part)
        values.extend(params)
    if parts:
        with connection.cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(parts), values)
            counts |= dict(zip(names, cursor.fetchone(), strict=True))
    return counts


def count_words(number: int, most: int | None = None) -> str:
    """Return "412", "9,870" or, beyond what was counted, "10,000+"."""
    most = MOST if most is None else most
    return f"{number:,}" if number <= most else f"{most:,}+"
