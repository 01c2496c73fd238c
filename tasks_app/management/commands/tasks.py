"""List tasks, for people or for programs."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from tasks_app.management.operator import OperatorCommand, accounts_named
from tasks_app.models import Batch, Task

ROWS_AT_ONCE = 1000
COLUMNS = (
    ("id", 8),
    ("account", 20),
    ("prospect", 30),
    ("type", 12),
    ("status", 12),
    ("delivery", 12),
    ("external_id", 38),
    ("due", 25),
    ("error", 0),
)


class Command(OperatorCommand):
    help = "List tasks, the oldest first. With --json one JSON object a line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--account", metavar="NAME")
        parser.add_argument("--team", metavar="TEAM")
        parser.add_argument("--batch", type=int, metavar="NUMBER")

    def handle(self, *args: Any, **options: Any) -> None:
        tasks = Task.objects.order_by("pk").select_related(
            "account", "prospect", "type"
        )
        if options["account"] or options["team"]:
            accounts = accounts_named(options["account"], options["team"])
            tasks = tasks.filter(account__in=accounts)
        if options["batch"] is not None:
            if not Batch.objects.filter(pk=options["batch"]).exists():
                raise CommandError(f"There is no batch {options['batch']}.")
            tasks = tasks.filter(batch_id=options["batch"])
        try:
            self.show(tasks, as_json=options["json"])
        except BrokenPipeError:
            # Whoever reads has seen enough, such as `head`: no error, and no last
            # complaint when Python flushes what it still holds.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def show(self, tasks: QuerySet[Task], *, as_json: bool) -> None:
        if not as_json:
            self.stdout.write(line({name: name.upper() for name, _ in COLUMNS}))
        for task in tasks.iterator(chunk_size=ROWS_AT_ONCE):
            row = as_row(task)
            text = json.dumps(row, ensure_ascii=False) if as_json else line(row)
            self.stdout.write(text)


def as_row(task: Task) -> dict[str, Any]:
    """Return what a program gets to know about a task; `due` is ISO or None."""
    due = task.due_at.astimezone(UTC) if task.due_at else task.due_on
    email = task.prospect.email if task.prospect else ""
    return {
        "id": task.pk,
        "account": task.account.name,
        "prospect": email,
        "prospect_email": email,
        "type": task.type.code,
        "title": task.title,
        "status": task.status,
        "vendor_status": task.vendor_status,
        "delivery": task.delivery,
        "made_in": task.origin,
        "external_id": task.external_id,
        "due": due.isoformat() if due else None,
        "error": task.delivery_error,
    }


def line(row: dict[str, Any]) -> str:
    """Return the row in columns; what does not fit is cut."""
    cells = []
    for name, width in COLUMNS:
        text = " ".join(str(row[name] if row[name] is not None else "").split())
        if width:
            text = f"{text[: width - 1]}…" if len(text) > width else text
        cells.append(f"{text:<{width}}")
    return "  ".join(cells).rstrip()
