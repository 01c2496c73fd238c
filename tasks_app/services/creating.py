"""Create tasks: a batch, its tasks and what is to be sent, in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tasks_app.models import (
    Batch,
    ConnectedAccount,
    FormDraft,
    Push,
    Task,
    TaskEvent,
    TaskType,
    VendorUser,
)
from tasks_app.vendors.drafts import TaskDraft
from tasks_app.vendors.words import Priority

from . import doorbell
from .assigning import kept
from .planning import prepare
from .plans import Plan, Planned, TaskInput
from .reaching import LeftOut
from .sharing import key_of

__all__ = ["LeftOut", "NothingToCreate", "Plan", "TaskInput", "create_tasks", "prepare"]

#: Rows in one INSERT; SQLite takes fewer by its limit of variables.
ROWS = 1000


class NothingToCreate(Exception):
    """The plan has errors, or nobody is left to create a task for."""


@dataclass(frozen=True)
class _Maker:
    """What all rows of one batch have in common."""

    plan: Plan
    type: TaskType
    batch: Batch
    by: User | None
    #: Those who hold tasks at the vendor, saved, by `sharing.key_of`.
    vendor_users: dict[tuple[object, ...], VendorUser | None]

    def task(self, item: Planned) -> Task:
        draft = item.draft
        task = Task(
            team=self.batch.team,
            account=self.plan.account,
            batch=self.batch,
            prospect=item.prospect,
            type=self.type,
            channel=self.type.channel,
            title=draft.title,
            note=draft.note,
            priority=draft.priority,
            starts_at=draft.starts_at,
            due_at=draft.due_at,
            due_on=draft.due_on,
            assignee=item.holder.user,
            vendor_user=self.vendor_users[key_of(item.holder)],
            options=dict(draft.options),
            status=first_status(self.plan, draft),
            created_by=self.by,
            created_at=self.batch.created_at,
            updated_at=self.batch.created_at,
        )
        task.fill_derived(self.batch.team)
        return task

    def push(self, item: Planned, task: Task, lane: int) -> Push:
        return Push(
            account=self.plan.account,
            task=task,
            lane=lane,
            group_key=item.group_key,
            marker=item.draft.marker,
            not_before=self.batch.created_at,
            created_at=self.batch.created_at,
            updated_at=self.batch.created_at,
        )

    def event(self, task: Task) -> TaskEvent:
        return TaskEvent(
            task=task,
            at=self.batch.created_at,
            source=TaskEvent.Source.PERSON,
            actor=self.by,
            kind="created",
            new=self.batch.title,
        )


def create_tasks(plan: Plan, *, by: User | None, form_token: uuid.UUID) -> Batch:
    """Save everything that this plan sends, queued, and return its batch.

    One token makes one batch: who comes second, even at the same moment, gets the
    first one's. Raise `NothingToCreate` for a plan with errors or without tasks.
    """
    account = plan.account
    if existing := batch_of(account, form_token):
        return existing
    if plan.errors or not plan.items or plan.type is None:
        raise NothingToCreate("There is nothing to create.")
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                team=account.team,
                account=account,
                created_by=by,
                title=batch_title(plan),
                form_token=form_token,
                left_out=[left.as_json() for left in plan.left_out],
                created_at=timezone.now(),
            )
            save_rows(_Maker(plan, plan.type, batch, by, holders_kept(plan)))
            FormDraft.objects.filter(team=account.team, form_token=form_token).delete()
            doorbell.ring(account.pk)
    except IntegrityError:
        if existing := batch_of(account, form_token):
            return existing
        raise
    return batch


def holders_kept(plan: Plan) -> dict[tuple[object, ...], VendorUser | None]:
    """Return who holds tasks at the vendor, those who are new saved first."""
    holders = {key_of(item.holder): item.holder for item in plan.items}
    return {key: kept(holder) for key, holder in holders.items()}


def save_rows(maker: _Maker) -> None:
    """Insert the tasks, what is to be sent for them, and their first history."""
    items = maker.plan.items
    tasks = Task.objects.bulk_create(map(maker.task, items), batch_size=ROWS)
    Push.objects.bulk_create(
        (
            maker.push(item, task, lane_of(maker.plan))
            for item, task in zip(items, tasks, strict=True)
        ),
        batch_size=ROWS,
    )
    TaskEvent.objects.bulk_create(map(maker.event, tasks), batch_size=ROWS)


def first_status(plan: Plan, draft: TaskDraft) -> str:
    """Return how the work stands at first; some vendors let people say so."""
    chosen = plan.adapter.statuses.get(str(draft.options.get("status", "")))
    return chosen.value if chosen else Task.Status.OPEN.value


def lane_of(plan: Plan) -> int:
    """A single task, and urgent ones, do not wait behind a large batch."""
    urgent = plan.task_input.priority == Priority.URGENT or len(plan.items) == 1
    return Push.Lane.URGENT if urgent else Push.Lane.NORMAL


def batch_of(account: ConnectedAccount, form_token: uuid.UUID) -> Batch | None:
    """Return the batch that this form has made already, if it has."""
    return Batch.objects.filter(team_id=account.team_id, form_token=form_token).first()


def differs(plan: Plan, batch: Batch) -> bool:
    """Return whether this plan is another than the one that made the batch.

    Whom a second look leaves out, since they have a task by now, is no difference.
    """
    texts = set(batch.tasks.values_list("prospect_id", "title", "note"))
    return bool(
        plan.errors
        or plan.chosen != len(texts) + len(batch.left_out)
        or (plan.task_input.title.strip() and batch_title(plan) != batch.title)
        or any(
            (item.prospect.pk, item.draft.title, item.draft.note) not in texts
            for item in plan.items
        )
    )


def batch_title(plan: Plan) -> str:
    """Return what the batch is called: as typed, else after its first task."""
    title = plan.task_input.title.strip()
    if not title and plan.type is not None:
        one = len(plan.items) == 1
        title = plan.items[0].draft.title if one else plan.type.name
    return title if len(title) <= 200 else f"{title[:199].rstrip()}…"
