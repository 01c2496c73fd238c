"""What people do about deliveries: retry, take back, settle what is unclear."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tasks_app.models import Push, Task, TaskCopy, TaskEvent

from . import bringing, doorbell, states
from .members import name_of
from .states import Change

State = Push.State
#: Said of what was sent before, to an answer that was not clear, and shown by no look.
EARLIER = "An earlier call may still have created it."
#: From here on the call that takes a copy back may have left.
ON_ITS_WAY = (State.SENDING, State.NEEDS_CHECK, State.DELIVERED)


class AlreadySettled(Exception):
    """Somebody or something was faster; the message says how it stands."""


class WrongId(ValueError):
    """The id a person gave cannot be used; the message says why."""


def live_creates(tasks: QuerySet[Task], state: str) -> list[tuple[int, int]]:
    """Return (push id, account id) of these tasks' create pushes in this state."""
    return list(
        Push.objects.filter(task__in=tasks, kind=Push.Kind.CREATE, state=state)
        .order_by("pk")
        .values_list("pk", "account_id")
    )


def retry_failed(tasks: QuerySet[Task], *, by: User | None) -> int:
    """Put failed creates of these tasks back into the queue; return how many."""
    rows = live_creates(tasks, State.FAILED)
    ids = [push_id for push_id, _ in rows]
    now = timezone.now()
    with transaction.atomic():
        moved = states.change(
            [Change(push_id, State.QUEUED, not_before=now) for push_id in ids],
            sources=[State.FAILED],
            source=TaskEvent.Source.PERSON,
            actor_id=by.pk if by else None,
            note="Sent to the queue again.",
        )
        done = [m.push_id for m in moved]
        # A person's word begins a new patience, and a first try is no retry.
        Push.objects.filter(pk__in=done).update(
            created_at=now, tries=0, crash_count=0, call_limit=None
        )
        Task.objects.filter(pushes__in=done).update(retry_at=None)
    for account_id in {account_id for _, account_id in rows}:
        doorbell.ring(account_id)
    return len(moved)


def withdraw(tasks: QuerySet[Task], *, by: User | None) -> int:
    """Take back what has not been sent: queued and failed creates; return how many.

    Their work is cancelled with them.
    """
    done = 0
    for state in (State.QUEUED, State.FAILED):
        ids = [push_id for push_id, _ in live_creates(tasks, state)]
        again = set(
            Push.objects.filter(pk__in=ids, watch_at__isnull=False).values_list(
                "pk", flat=True
            )
        )
        for some, told in (
            ([pk for pk in ids if pk not in again], "Taken back. Nothing was created."),
            (list(again), f"Taken back. {EARLIER}"),
        ):
            moved = states.change(
                [Change(pk, State.WITHDRAWN, error=told) for pk in some],
                sources=[state],
                source=TaskEvent.Source.PERSON,
                actor_id=by.pk if by else None,
                note=told,
            )
            done += len(moved)
    return done


def settle_by_person(
    push: Push, choice: str, *, by: User, external_id: str = ""
) -> None:
    """Settle an unclear push by a person's word: `there`, `again` or `leave`.

    `there` needs the id the task has at the vendor. Raise `AlreadySettled` when it is
    not unclear any more, `WrongId` when the id is empty or belongs to another task.
    """
    unclear = [State.NEEDS_CHECK]
    if choice == "there":
        _link(push, external_id.strip(), by)
        return
    if choice == "leave":
        kept = Push.objects.filter(pk=push.pk, state__in=unclear)
        if not kept.update(ask_person=False, left_at=timezone.now()):
            raise already(push)
        TaskEvent.objects.create(
            task_id=push.task_id,
            source=TaskEvent.Source.PERSON,
            actor=by,
            kind="delivery",
            new=State.NEEDS_CHECK,
            note="Left as it is. It is never sent again by itself.",
        )
        return
    if choice != "again":
        raise ValueError(f"Nobody knows the choice {choice!r}.")
    with transaction.atomic():
        moved = states.change(
            [Change(push.pk, State.QUEUED, not_before=timezone.now())],
            sources=unclear,
            source=TaskEvent.Source.PERSON,
            actor_id=by.pk,
            note="Not there: sent again.",
        )
        if not moved:
            raise already(push)
        Push.objects.filter(pk=push.pk).update(
            created_at=timezone.now(),
            absent_reads=0,
            crash_count=0,
            left_at=None,
            # The first one may still appear, and would be a second then.
            watch_at=timezone.now() if push.kind == Push.Kind.CREATE else None,
        )
        Task.objects.filter(pk=push.task_id).update(retry_at=None)
    doorbell.ring(push.account_id)


def _link(push: Push, external_id: str, by: User) -> None:
    vendor = push.account.adapter_class.name
    if not external_id:
        raise WrongId(f"Enter the id the task has in {vendor}.")
    if len(external_id) > 100:
        raise WrongId("An id has at most 100 characters.")
    rows = Task.objects.filter(account_id=push.account_id, external_id=external_id)
    # One that was only read gives way to the task that was sent.
    only_read = rows.only_read().values("pk")
    other = rows.exclude(pk=push.task_id).exclude(pk__in=only_read).first()
    if other is not None:
        raise WrongId(f"The id {external_id} belongs to another task: “{other.title}”.")
    try:
        with transaction.atomic():
            if push.kind == Push.Kind.CREATE:
                refuse_copy(push, external_id)
            bringing.give_way(push.account, [external_id])
            moved = states.change(
                [Change(push.pk, State.DELIVERED, external_id=external_id)],
                sources=[State.NEEDS_CHECK],
                source=TaskEvent.Source.PERSON,
                actor_id=by.pk,
                note=f"It is there, with the id {external_id}.",
            )
            if not moved:
                raise already(push)
    except IntegrityError:
        raise WrongId(f"The id {external_id} belongs to another task.") from None
    if push.kind == Push.Kind.COPY:
        TaskCopy.objects.filter(push=push, outcome="").update(
            outcome=TaskCopy.Outcome.TAKEN_BACK, settled_at=timezone.now()
        )


def refuse_copy(push: Push, external_id: str) -> None:
    """Raise `WrongId` where Baton takes back what has this id, or has done so."""
    rows = TaskCopy.objects.filter(account_id=push.account_id, external_id=external_id)
    # `acting` holds the same row: either it sees this task, or its call is seen here.
    for copy in rows.select_for_update():
        if copy.outcome == TaskCopy.Outcome.TAKEN_BACK:
            raise WrongId(f"Baton has taken {external_id} back as a second copy.")
        if copy.push is not None and copy.push.state in ON_ITS_WAY:
            raise WrongId(f"Baton is taking {external_id} back as a second copy.")


def already(push: Push) -> AlreadySettled:
    """Return the error that tells how this push stands and who settled it."""
    push.refresh_from_db()
    last = (
        TaskEvent.objects.filter(task_id=push.task_id, kind="delivery")
        .select_related("actor")
        .order_by("-at", "-pk")
        .first()
    )
    who = "Baton"
    if last is not None and last.actor is not None:
        who = name_of(last.actor)
    return AlreadySettled(
        f"Already settled by {who}: {push.get_state_display().lower()}."
    )
