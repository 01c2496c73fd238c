"""Several statements in one trip to the database, where every call makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

Statement = tuple[str, Sequence[Any]]  # SQL and its values
Rows = list[tuple[Any, ...]]


def together(*statements: Statement) -> list[Rows]:
    """Run these in order and return the rows of each.

    PostgreSQL gets them as one message and answers once. Call it inside a transaction:
    elsewhere SQLite would make each one a transaction of its own.
    """
    with connection.cursor() as cursor:
        if not takes_several():
            return [run(cursor, sql, values) for sql, values in statements]
        cursor.execute(
            ";".join(sql for sql, _ in statements),
            [value for _, values in statements for value in values],
        )
        found = [rows_of(cursor)]
        while cursor.nextset():
            found.append(rows_of(cursor))
        return found


def takes_several() -> bool:
    """Return whether this database takes several statements in one message."""
    options = connection.settings_dict["OPTIONS"]
    return connection.vendor == "postgresql" and not options.get("server_side_binding")


def run(cursor: Any, sql: str, values: Sequence[Any]) -> Rows:
    cursor.execute(sql, values)
    return rows_of(cursor)


def rows_of(cursor: Any) -> Rows:
    """Return the rows of the statement just run, none where it returns none."""
    return list(cursor.fetchall()) if cursor.description else []
