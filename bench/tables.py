"""Writing very many rows of a table fast, on both databases."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models, transaction

PORTION = 20_000


class Rows:
    """Writes rows of one table fast; columns that are not given get their defaults."""

    def __init__(self, model: type[models.Model], after: Iterable[Rows] = ()) -> None:
        self.model, self.after = model, list(after)
        fields = [f for f in model._meta.concrete_fields if not f.primary_key]
        self.names = ["id", *(str(field.column) for field in fields)]
        self.places = {name: place for place, name in enumerate(self.names)}
        self.base = [0, *(default(field) for field in fields)]
        self.number = itertools.count(1)
        self.waiting: list[list[Any]] = []

    def add(self, **values: Any) -> int:
        """Keep a row for writing; return its id."""
        row = self.base.copy()
        row[0] = next(self.number)
        for name, value in values.items():
            row[self.places[name]] = value
        self.waiting.append(row)
        if len(self.waiting) >= PORTION:
            self.write()
        return int(row[0])

    def write(self) -> None:
        """Write what waits, after the rows of other tables that it names."""
        for other in self.after:
            other.write()
        if not self.waiting:
            return
        table, rows, self.waiting = self.model._meta.db_table, self.waiting, []
        quoted = ", ".join(f'"{name}"' for name in self.names)
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
                    copy.write(as_text(rows))
                return
            marks = ", ".join(["%s"] * len(self.names))
            cursor.executemany(
                f"INSERT INTO {table} ({quoted}) VALUES ({marks})",  # noqa: S608
                [[adapted(value) for value in row] for row in rows],
            )


def default(field: models.Field[Any, Any]) -> Any:
    """Return a field's default as plain SQL takes it."""
    value = field.get_db_prep_save(field.get_default(), connection)
    value = getattr(value, "obj", value)
    return json.dumps(value) if isinstance(value, dict | list) else value


def adapted(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.isoformat() if isinstance(value, date) else value


def as_text(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as COPY takes them. No text of ours has a tab or a backslash."""
    out = io.StringIO()
    for row in rows:
        out.write("\t".join(["\\N" if v is None else str(v) for v in row]))
        out.write("\n")
    return out.getvalue()


def insert_select(
    model: type[models.Model], columns: dict[str, str], source: str
) -> None:
    """Insert a row for each row of `source`; other columns get their defaults."""
    fields = [f for f in model._meta.concrete_fields if not f.primary_key]
    values = {f.column: default(f) for f in fields if f.column not in columns}
    names = [*columns, *values]
    marks = [*columns.values(), *(typed(model, name) for name in values)]
    quoted = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({quoted}) "  # noqa: S608
            f"SELECT {', '.join(marks)} FROM {source}",
            [adapted(value) for value in values.values()],
        )


def typed(model: type[models.Model], column: str | None) -> str:
    field = next(f for f in model._meta.concrete_fields if f.column == column)
    return f"CAST(%s AS {field.cast_db_type(connection)})"


def adapted_text(moment: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(moment))
