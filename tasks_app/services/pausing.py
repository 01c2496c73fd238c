"""A batch that a lead pauses: nothing more of it is sent until somebody resumes it.

`Push.paused` says so of each of its creates. `states.claim` passes them over and
`states.start_sending` refuses them, so every process heeds it within one claim.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils import timezone

from tasks_app.models import Batch, Push, Task, TaskEvent, Team
from tasks_app.vendors.base import in_pieces

from . import doorbell, recording, states

State = Push.State

#: Nothing of these has left.
WAITING = (State.QUEUED, State.CLAIMED)
#: Rows in one statement.
ROWS = 500
#: Paused batches that a page names.
MOST_NAMED = 5


def pause(batch: Batch, *, by: User) -> int | None:
    """Send nothing more of this batch; return how many wait, None if it was paused.

    What is being sent goes on, and is held if it comes back. What a worker has claimed
    and not begun to send goes back by itself.
    """
    now = timezone.now()
    with transaction.atomic():
        moving = Batch.objects.filter(pk=batch.pk, paused_at=None)
        if not moving.update(paused_at=now, paused_by=by):
            return None
        rows = Push.objects.filter(task__batch=batch, kind=Push.Kind.CREATE)
        found = locked(rows.exclude(state__in=[State.DELIVERED, State.WITHDRAWN]))
        for part in in_pieces([push.pk for push in found], ROWS):
            Push.objects.filter(pk__in=part).update(paused=True)
        held = [push.task_id for push in found if push.state in WAITING]
        tell("paused", held, by)
    return len(held)


def resume(batch: Batch, *, by: User) -> int | None:
    """Let this batch go on; return how many wait, None if it was not paused.

    Their patience begins anew: the time in which nobody could send them does not count.
    What has become due meanwhile is asked about instead of being sent late.
    """
    with transaction.atomic():
        paused = Batch.objects.filter(pk=batch.pk).exclude(paused_at=None)
        if not paused.update(paused_at=None, paused_by=None):
            return None
        now = timezone.now()
        rows = Push.objects.filter(task__batch=batch, paused=True)
        found = locked(rows.select_related("task", "account"))
        late = [push for push in found if push.is_late(now)]
        states.change([recording.too_late(p) for p in late], sources=[State.QUEUED])
        waiting = [p for p in found if p.state in WAITING and not p.is_late(now)]
        for part in in_pieces([push.pk for push in waiting], ROWS):
            Push.objects.filter(pk__in=part).update(created_at=now)
        for part in in_pieces([push.pk for push in found], ROWS):
            Push.objects.filter(pk__in=part).update(paused=False)
        tell("resumed", [push.task_id for push in waiting], by)
        doorbell.ring(batch.account_id)
    return len(waiting)


def paused_batches(team: Team, tasks: QuerySet[Task]) -> list[tuple[Batch, int]]:
    """Return the paused batches of which some of these tasks wait, with how many.

    The longest paused first, `MOST_NAMED` at the most.
    """
    held = tasks.filter(batch=OuterRef("pk"), delivery=Task.Delivery.QUEUED).order_by()
    number = held.values("batch").annotate(n=Count("pk")).values("n")
    rows = (
        Batch.objects.filter(team=team, paused_at__isnull=False)
        .select_related("account", "paused_by")
        .defer("left_out", "account__credentials")
        .annotate(held=Subquery(number))
        .filter(held__gt=0)
        .order_by("paused_at", "pk")[:MOST_NAMED]
    )
    return [(batch, batch.held) for batch in rows]


def locked(rows: QuerySet[Push]) -> list[Push]:
    """Return these, locked in the order of their ids."""
    return list(rows.order_by("pk").select_for_update(of=("self",)))


def tell(kind: str, task_ids: Sequence[int], by: User) -> None:
    """Write into the history of these tasks who paused or resumed them."""
    now, person = timezone.now(), TaskEvent.Source.PERSON
    TaskEvent.objects.bulk_create(
        (
            TaskEvent(task_id=pk, at=now, source=person, actor=by, kind=kind)
            for pk in task_ids
        ),
        batch_size=ROWS,
    )
