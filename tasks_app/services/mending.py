"""Mending what failed because the account no longer offers it: another type or person.

Nothing was sent for these tasks, so they may be changed here and queued again.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tasks_app.models import Push, Task, TaskEvent, TaskType, VendorUser
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.vendors.errors import Refused, TaskRejected, UnsupportedTask

from .delivery import retry_failed
from .drafting import draft_of, drafts_for, external_ids
from .fitness import ASSIGNEE_GONE, TYPE_GONE

#: What is chosen anew for tasks that failed so.
MENDABLE = {TYPE_GONE: "type", ASSIGNEE_GONE: "assignee"}
#: Kinds of failures by which a vendor or its rules refuse one task.
REFUSED = frozenset({Refused.kind, TaskRejected.kind, UnsupportedTask.kind})
#: What a refusal says where it is the person that is refused, not the task's own fields.
ABOUT_PROSPECT = re.compile(
    r"\b(prospects?|leads?|contacts?|person|e-?mail|phone|linkedin|profile)\b", re.I
)
PORTION = 500
CHANGED = (
    *("type", "channel", "options", "vendor_user", "assignee"),
    *("version", "updated_at"),
)


def is_mendable(task: Task) -> bool:
    return task.delivery == Task.Delivery.FAILED and task.delivery_kind in MENDABLE


def is_about_prospect(task: Task) -> bool:
    """Return whether this failed for what is wrong with its prospect, as far as is said."""
    return (
        task.delivery == Task.Delivery.FAILED
        and task.prospect_id is not None
        and task.delivery_kind in REFUSED
        and ABOUT_PROSPECT.search(task.delivery_error) is not None
    )


def alike(task: Task, among: TaskQuerySet) -> TaskQuerySet:
    """Return those of these tasks that failed for the very same reason, it too."""
    found = among.filter(
        account_id=task.account_id,
        delivery=Task.Delivery.FAILED,
        delivery_kind=task.delivery_kind,
    )
    if task.delivery_kind == TYPE_GONE:
        return found.filter(type_id=task.type_id)
    return found.filter(vendor_user_id=task.vendor_user_id)


def trouble(task: Task, chosen: TaskType | VendorUser) -> str:
    """Return why the vendor would refuse the task with this choice, '' if it would not."""
    rows = Task.objects.select_related("type", "prospect", "vendor_user")
    copy = rows.get(pk=task.pk)
    apply(copy, chosen)
    draft = draft_of(copy, external_id=external_ids([copy]).get(copy.pk, ""), ref="")
    errors = task.account.adapter().validate(draft)
    return errors[0].message if errors else ""


def apply(task: Task, chosen: TaskType | VendorUser) -> None:
    if isinstance(chosen, TaskType):
        task.type, task.channel = chosen, chosen.channel
        if "category" in task.options:
            task.options = {**task.options, "category": category_of(chosen)}
    else:
        task.vendor_user, task.assignee_id = chosen, chosen.user_id


def category_of(chosen: TaskType) -> str:
    return str(chosen.fields.get("category", ""))


def mend(tasks: TaskQuerySet, chosen: TaskType | VendorUser, *, by: User) -> int:
    """Give these failed tasks another type or person and queue them; return how many.

    What somebody else has queued or taken back meanwhile stays as it is.
    """
    salt = uuid.uuid4().hex
    done, last = 0, 0
    while True:
        with transaction.atomic():
            pushes = list(
                Push.objects.filter(
                    task__in=tasks,
                    kind=Push.Kind.CREATE,
                    state=Push.State.FAILED,
                    pk__gt=last,
                )
                .select_for_update(of=("self",))
                .select_related("task", "task__type", "task__vendor_user", "account")
                .order_by("pk")[:PORTION]
            )
            if not pushes:
                return done
            last = pushes[-1].pk
            done += _mend(pushes, chosen, salt, by)


def _mend(
    pushes: Sequence[Push], chosen: TaskType | VendorUser, salt: str, by: User
) -> int:
    now = timezone.now()
    events = []
    for push in pushes:
        task = push.task
        kind = "type" if isinstance(chosen, TaskType) else "assignee"
        old = task.type if isinstance(chosen, TaskType) else task.vendor_user
        events.append(TaskEvent.of_person(task, kind, old, chosen, by=by, at=now))
        apply(task, chosen)
        task.version += 1
        task.updated_at = now
    Task.objects.bulk_update(
        [push.task for push in pushes],
        CHANGED,
        batch_size=100,
    )
    # What shares a call must be alike, and these are unlike what they were.
    drafts, adapter = drafts_for(pushes), pushes[0].account.adapter()
    for push in pushes:
        key = adapter.group_key(drafts[push.pk])
        push.group_key = (
            hashlib.sha256(f"{salt}:{key}".encode()).hexdigest() if key else ""
        )
    Push.objects.bulk_update(pushes, ["group_key"], batch_size=100)
    TaskEvent.objects.bulk_create(events)
    return retry_failed(
        Task.objects.filter(pk__in=[push.task_id for push in pushes]), by=by
    )
