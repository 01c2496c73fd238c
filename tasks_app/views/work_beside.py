"""What stands beside a task that is worked through: its prospect's other tasks."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.http import urlencode

from tasks_app.models import Push, Task
from tasks_app.models.tasks import TaskQuerySet

#: Tasks of the same prospect, open and over.
OTHERS = 5


@dataclass(frozen=True)
class Earlier:
    """A task of the same prospect that is over, and how it ended in a word or two."""

    task: Task
    outcome: str


def follow_up(task: Task, back: str) -> str:
    """Return where a follow-up to this task is written, and where that leads back to."""
    if task.prospect_id is None:
        return ""
    parts: dict[str, str | int] = {
        "prospect": task.prospect_id,
        "account": task.account_id,
        "type_code": task.type.code,
        "title": task.title,
        "next": back,
    }
    return f"{reverse('task-new')}?{urlencode(parts)}"


def others(tasks: TaskQuerySet, task: Task) -> list[Task]:
    """Return what else is open for this prospect, in any account."""
    if task.prospect_id is None:
        return []
    rows = tasks.unfinished().filter(prospect_id=task.prospect_id).exclude(pk=task.pk)
    return list(rows.for_list().order_by("due_sort")[:OTHERS])


def earlier(tasks: TaskQuerySet, task: Task) -> list[Earlier]:
    """Return what was done for this prospect before, the newest first."""
    if task.prospect_id is None:
        return []
    ending = Push.objects.filter(kind__in=[Push.Kind.COMPLETE, Push.Kind.SKIP])
    rows = tasks.exclude(status__in=Task.UNFINISHED).exclude(pk=task.pk)
    rows = rows.filter(prospect_id=task.prospect_id).for_list()
    rows = rows.prefetch_related(Prefetch("pushes", ending.order_by("pk")))
    return [
        Earlier(old, outcome_of(old)) for old in rows.order_by("-due_sort")[:OTHERS]
    ]


def outcome_of(task: Task) -> str:
    """Return the outcome or the reason that was given last, '' for none."""
    values = [push.values for push in task.pushes.all()]
    said = [str(v.get("outcome") or v.get("reason") or "") for v in values]
    return next((text for text in reversed(said) if text), "")
