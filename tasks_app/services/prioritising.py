"""Changing how urgent tasks are.

No vendor has a call that changes a task's priority (see `tasks_app/vendors`), so a task
that is there changes in Baton alone. One that was not sent yet takes the new priority
along where its vendor has priorities.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.utils import timezone

from tasks_app.models import Push, Task, TaskEvent
from tasks_app.vendors.base import VendorAdapter

from .actions import ON_ITS_WAY, on_its_way

#: Not sent, or certainly not taken: it goes out, if at all, as it is then.
UNSENT = (Task.Delivery.QUEUED, Task.Delivery.FAILED)


def why_not(task: Task, adapter: VendorAdapter) -> str:
    """Return why this task's priority cannot be changed, '' when it can."""
    if task.delivery == Task.Delivery.WITHDRAWN:
        return "It was taken back."
    if task.delivery in ON_ITS_WAY:
        return on_its_way(adapter)
    if task.status not in Task.UNFINISHED:
        return f"It is {task.get_status_display().lower()} already."
    return ""


def where(task: Task, adapter: VendorAdapter) -> str:
    """Return where a new priority of this task will show, as a sentence."""
    if "priority" not in {field.name for field in adapter.fields(task.type.code)}:
        return f"Only in Baton: {adapter.name} has no priorities."
    if task.delivery in UNSENT:
        return f"{adapter.name} gets it with the task, which has not been sent yet."
    return f"Only in Baton: {adapter.name} has no call that changes a priority."


def prioritise(
    tasks: Sequence[Task],
    priority: Task.Priority,
    *,
    creates: Mapping[int, str],
    adapters: Mapping[int, VendorAdapter],
    by: User,
) -> tuple[list[int], dict[str, list[int]]]:
    """Give these locked tasks another priority; return ids done, and left out by reason.

    `creates` are the states of their creates, which are locked, too; `adapters` by
    account id. What was not sent yet changes lanes with it.
    """
    now = timezone.now()
    changed: list[Task] = []
    skipped: dict[str, list[int]] = defaultdict(list)
    events = []
    for task in tasks:
        adapter = adapters[task.account_id]
        reason = why_not(task, adapter)
        if not reason and creates.get(task.pk) in ON_ITS_WAY:
            reason = on_its_way(adapter)
        if not reason and task.priority == priority:
            reason = f"Its priority is {priority.label.lower()} already."
        if reason:
            skipped[reason].append(task.pk)
            continue
        events.append(
            TaskEvent.of_person(
                task, "priority", task.priority, priority.value, by=by, at=now
            )
        )
        task.priority, task.updated_at = priority, now
        task.version += 1
        changed.append(task)
    Task.objects.bulk_update(changed, ["priority", "version", "updated_at"])
    TaskEvent.objects.bulk_create(events)
    done = [task.pk for task in changed]
    change_lanes(done, priority)
    return done, skipped


def change_lanes(task_ids: Sequence[int], priority: Task.Priority) -> None:
    """Put what waits of these tasks where the priority puts it: urgent ones go first.

    A single task, too, as when it was created: it does not wait behind a large batch.
    """
    waiting = Push.objects.filter(
        task_id__in=task_ids, kind=Push.Kind.CREATE, state=Push.State.QUEUED
    )
    if priority == Task.Priority.URGENT:
        waiting.update(lane=Push.Lane.URGENT)
        return
    others = Task.objects.filter(batch=OuterRef("task__batch"))
    others = others.exclude(pk=OuterRef("task_id"))
    waiting.filter(Exists(others)).update(lane=Push.Lane.NORMAL)
