"""How many rows a list has and which of them a page shows, by one statement.

A filter that few rows meet makes the database walk along the whole list: once is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection

from tasks_app.models.tasks import TaskQuerySet


@dataclass(frozen=True)
class Part:
    """One page of a list. `total` is one more than was counted up to where there are
    more rows; `before` says how many of those counted are due before each moment."""

    page: int = 1
    total: int = 0
    before: Mapping[str, int] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)


def read_part(
    ordered: TaskQuerySet,
    *,
    by_due: bool,
    page: int,
    size: int,
    most: int,
    moments: Mapping[str, datetime],
) -> Part:
    """Return this page (from 1) of these rows, of which `most` are paged.

    Rows that are ordered `by_due` are counted in this order, so that the earliest are
    told by their moments even where counting stops; others are counted in any order.
    """
    first = (max(page, 1) - 1) * size
    length = max(0, min(size, most - first))
    counted = (ordered if by_due else ordered.order_by()).values_list("due_sort", "pk")
    shown = ordered.values_list("pk")[first : first + length]
    way = "DESC" if str(ordered.query.order_by[0]).startswith("-") else "ASC"
    one = f"SELECT id FROM found ORDER BY due_sort {way}, id {way}"  # noqa: S608
    one, more = f"{one} LIMIT {length} OFFSET {first}", ()
    try:
        rows, values = counted[: most + 1].query.sql_with_params()
        if length and not by_due:
            one, more = shown.query.sql_with_params()
    except EmptyResultSet:
        return Part(page, 0, dict.fromkeys(moments, 0))
    ends = [connection.ops.adapt_datetimefield_value(end) for end in moments.values()]
    befores = ", COUNT(CASE WHEN due_sort < %s THEN 1 END)" * len(ends)
    # What the ORM wrote, with its parameters apart: no text of anybody is in it.
    sql = (
        f"WITH found (due_sort, id) AS ({rows}), page (id) AS ({one}) "  # noqa: S608
        f"SELECT counts.*, shown.id FROM (SELECT COUNT(*){befores} FROM found) AS counts"
        " LEFT JOIN (SELECT id, ROW_NUMBER() OVER () AS place FROM page) AS shown"
        " ON 1 = 1 ORDER BY shown.place"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, *more, *ends])
        answer = cursor.fetchall()
    total, *before = answer[0][:-1]
    ids = [row[-1] for row in answer if row[-1] is not None]
    return Part(page, total, dict(zip(moments, before, strict=True)), ids)
