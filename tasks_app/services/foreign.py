"""Tasks that were made at the vendor, in our columns, and who they are for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.html import strip_tags

from tasks_app.models import Prospect, ProspectLink, Task, TaskEvent
from tasks_app.vendors.findings import RemoteTask

LONGEST_TITLE = 500
LONGEST_NOTE = 200_000
LONGEST_ID = 100
LONGEST_NAME = 200
#: Of a note that stands in for a title.
SHOWN = 80
ROWS = 500


def plain(text: str, most: int) -> str:
    """Return a vendor's text as our columns keep it: no NUL, not endless."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").strip()[:most]


def columns_of(remote: RemoteTask) -> dict[str, Any]:
    """Return what this answer shows of a task, by column of ours.

    What it does not show is left out. Holder, type and status are not among these.
    """
    shown: dict[str, Any] = {}
    if "title" in remote.shown and remote.title.strip():
        shown["title"] = plain(remote.title, LONGEST_TITLE)
    if "note" in remote.shown:
        shown["note"] = plain(remote.note, LONGEST_NOTE)
    if "priority" in remote.shown and remote.priority is not None:
        shown["priority"] = int(remote.priority)
    for name in ("starts_at", "due_at", "due_on"):
        value = getattr(remote, name)
        if name in remote.shown and value is not None and 1970 <= value.year <= 9000:
            shown[name] = value
    if remote.prospect_id and len(remote.prospect_id) <= LONGEST_ID:
        shown["vendor_prospect_id"] = plain(remote.prospect_id, LONGEST_ID)
    if remote.prospect_name:
        shown["vendor_prospect_name"] = plain(remote.prospect_name, LONGEST_NAME)
    return shown


def title_for(type_name: str, note: str) -> str:
    """Return a title for Baton's lists where the vendor has none."""
    lines = (" ".join(line.split()) for line in strip_tags(note).splitlines())
    line = next(filter(None, lines), "")
    if len(line) > SHOWN:
        line = f"{line[: SHOWN - 1].rstrip()}…"
    return f"{type_name}: {line}" if line else type_name


def changes_of(task: Task, remote: RemoteTask) -> dict[str, Any]:
    """Return the columns that follow the vendor because the task is the vendor's own.

    Of tasks that were written here texts are not followed: vendors show them cut,
    marked or rendered. Reads `task.type`.
    """
    if task.origin != Task.Origin.VENDOR:
        return {}
    wanted = columns_of(remote)
    if "note" in wanted and "title" not in wanted:
        wanted["title"] = title_for(task.type.name, wanted["note"])[:LONGEST_TITLE]
    # Dates that are known are followed for every task; here they are only learnt.
    day, due = task.due_on is not None, task.due_at is not None
    for name in ("starts_at", "due_at", "due_on"):
        if day or getattr(task, name) is not None or (name == "due_on" and due):
            wanted.pop(name, None)
    return {
        name: value
        for name, value in wanted.items()
        if not same(getattr(task, name), value)
    }


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, datetime) and isinstance(theirs, datetime):
        return abs(ours - theirs) < timedelta(seconds=1)
    if isinstance(ours, date) != isinstance(theirs, date):
        return False
    return bool(ours == theirs)


def link_prospects(tasks: QuerySet[Task]) -> int:
    """Link those of these tasks whose prospect is known by now; return how many.

    A prospect is known by the id that they have in the task's account.
    """
    link = ProspectLink.objects.filter(
        account=OuterRef("account"), external_id=OuterRef("vendor_prospect_id")
    )
    waiting = (
        tasks.filter(origin=Task.Origin.VENDOR, prospect=None)
        .exclude(vendor_prospect_id="")
        .annotate(found=Subquery(link.values("prospect_id")[:1]))
        .exclude(found=None)
        .select_related("team")
        .order_by("pk")
    )
    linked = 0
    while part := list(waiting[:ROWS]):
        linked += _link(part)
    return linked


def _link(tasks: Sequence[Any]) -> int:
    """Link these tasks to the prospect `found` for each, with a line of history."""
    now = timezone.now()
    people = Prospect.objects.in_bulk({task.found for task in tasks})
    for task in tasks:
        task.prospect = people[task.found]
        task.updated_at = now
        task.fill_derived(task.team)
    Task.objects.bulk_update(
        tasks, ["prospect", "search_text", "updated_at"], batch_size=100
    )
    TaskEvent.objects.bulk_create(
        TaskEvent(
            task=task,
            at=now,
            source=TaskEvent.Source.SYNC,
            kind="prospect",
            old=task.vendor_prospect_name or task.vendor_prospect_id,
            new=str(task.prospect),
        )
        for task in tasks
    )
    return len(tasks)
