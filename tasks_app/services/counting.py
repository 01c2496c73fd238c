"""Several counts in one question to the database, each by its own index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    return Counting.of(found, most).run()


@dataclass(frozen=True)
class Counting:
    """One statement that counts; it may be kept where nothing in it changes with time.

    To write it takes longer than a database needs to answer it from its indexes.
    """

    #: All that is asked for; those that no row can meet have no part in the statement.
    asked: tuple[str, ...]
    names: tuple[str, ...]
    sql: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, found: Mapping[str, QuerySet[Any]], most: int | None) -> Counting:
        """Write the statement that counts these, each up to `most + 1`."""
        names, parts, values = parts_of(found, most)
        sql = "SELECT " + ", ".join(parts)
        return cls(tuple(found), tuple(names), sql, tuple(values))

    def run(self) -> dict[str, int]:
        """Return each number by its name; no query where nothing can be found."""
        counts = dict.fromkeys(self.asked, 0)
        if self.names:
            with connection.cursor() as cursor:
                cursor.execute(self.sql, self.values)
                counts |= dict(zip(self.names, cursor.fetchone(), strict=True))
        return counts


def parts_of(
    found: Mapping[str, QuerySet[Any]], most: int | None
) -> tuple[list[str], list[str], list[Any]]:
    """Return the names of what can be found, a subquery for each, and their values."""
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
    return names, parts, values


def count_words(number: int, most: int | None = None) -> str:
    """Return "412", "9,870" or, beyond what was counted, "10,000+"."""
    most = MOST if most is None else most
    return f"{number:,}" if number <= most else f"{most:,}+"
