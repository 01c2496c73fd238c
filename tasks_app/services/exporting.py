"""Tasks as CSV, a row at a time, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from tasks_app.models import Task, Team

from .members import name_of

HEADINGS = (
    "Task",
    "Title",
    "Note",
    "Prospect",
    "Prospect e-mail",
    "Company",
    "Vendor",
    "Account",
    "Type",
    "Channel",
    "Assignee",
    "Starts",
    "Due",
    "Priority",
    "Status",
    "Vendor status",
    "Delivery",
    "Made in",
    "Id at the vendor",
    "Link",
    "Error",
    "Created",
    "Completed",
    "Read from the vendor",
)
#: With one of these at its start a spreadsheet takes a text for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ROWS_AT_ONCE = 1000


def harmless(value: object) -> str:
    """Return the value as a text that no spreadsheet runs as a formula."""
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


class Echo:
    """A file for the csv module that hands each line back."""

    def write(self, line: str) -> str:
        return line


def task_rows(tasks: QuerySet[Task], team: Team) -> Iterator[str]:
    """Yield CSV lines: headings, then one for each task; times in the team's zone."""
    write = csv.writer(Echo()).writerow
    # The mark tells spreadsheets that this is UTF-8.
    yield "\ufeff" + write(
        [f"{h} ({team.time_zone})" if h in TIMED else h for h in HEADINGS]
    )
    for task in tasks.iterator(chunk_size=ROWS_AT_ONCE):
        yield write([harmless(value) for value in cells(task, team)])


TIMED = frozenset({"Starts", "Due", "Created", "Completed", "Read from the vendor"})


def cells(task: Task, team: Team) -> list[Any]:
    """Return the values of one row, in the order of HEADINGS."""

    def local(at: datetime | None) -> str:
        return f"{at.astimezone(team.zone):%Y-%m-%d %H:%M}" if at else ""

    prospect = task.prospect
    holder = name_of(task.assignee) if task.assignee else None
    return [
        task.pk,
        task.title,
        task.note,
        prospect.full_name if prospect else task.known_there_as,
        prospect.email if prospect else "",
        prospect.company if prospect else "",
        task.account.get_vendor_display(),
        task.account.name,
        task.type.name,
        task.channel,
        holder or task.vendor_user or "",
        local(task.starts_at),
        local(task.due_at) or (task.due_on.isoformat() if task.due_on else ""),
        task.get_priority_display(),
        task.get_status_display(),
        task.vendor_status,
        task.get_delivery_display(),
        task.get_origin_display(),
        task.external_id,
        task.external_url,
        task.delivery_error,
        local(task.created_at),
        local(task.completed_at),
        local(task.as_of),
    ]
