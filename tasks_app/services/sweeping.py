"""The sweep: picks up what crashed, what is due and what nobody rang for.

It may run anywhere and any number of times at once: every step is a conditional
UPDATE or an insert that only the first one makes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Heartbeat, Push, SyncRun, WebhookEvent
from tasks_app.vendors.errors import OutcomeUnknown

from . import (
    accounts,
    directory,
    doorbell,
    exchanges,
    health,
    hook_receiving,
    recording,
    retrying,
    states,
    syncing,
    working,
    zones,
)
from .states import Change

State = Push.State

#: Processes that died with a push in their hands before it is set aside.
MOST_CRASHES = 3


def sweep(now: datetime | None = None) -> None:
    """Do all that is due by the clock and ring for accounts with work."""
    now = now or timezone.now()
    health.beat(Heartbeat.Role.SWEEP, "sweep")
    recover(now)
    give_up(now)
    syncing.begin_due(now)
    syncing.forget_old()
    exchanges.forget_old()
    hook_receiving.forget_old()
    working.forget_old()
    accounts.erase_spent_credentials()
    zones.resort_stale()
    for account_id in accounts_with_work(now):
        doorbell.ring_now(account_id)


def recover(now: datetime) -> None:
    """Claims whose lease is over: unsent ones go back, sent ones need a check."""
    claimed, sending = states.expired(now)
    if claimed:
        recover_claims(claimed, now)
    if sending:
        recover_sends(sending, now)


def recover_claims(push_ids: Sequence[int], now: datetime) -> None:
    """Nothing of these was sent: back to the queue, unless it happens again and again.

    Of several that one process held nobody knows which ended it, if any: each goes
    alone from now on, and only a death in which it was alone counts against it.
    """
    pushes = list(
        Push.objects.filter(pk__in=push_ids).select_related("account").order_by("pk")
    )
    held = Counter(push.attempt_id for push in pushes)
    alone = [push.pk for push in pushes if held[push.attempt_id] == 1]
    again, failed = [], []
    for push in pushes:
        if push.pk not in alone or push.crash_count + 1 < MOST_CRASHES:
            again.append(Change(push.pk, State.QUEUED))
            continue
        name = push.account.adapter_class.name
        failed.append(
            recording.failed(
                push,
                "crashed",
                f"Baton stopped {MOST_CRASHES} times before it could send this to "
                f"{name}. Nothing was created. Retry it, or tell your administrator.",
            )
        )
    moved = states.change(
        again, sources=[State.CLAIMED], expired_by=now, events=False
    ) + states.change(failed, sources=[State.CLAIMED], expired_by=now)
    ids = {m.push_id for m in moved}
    Push.objects.filter(pk__in=ids).update(call_limit=1)
    Push.objects.filter(pk__in=ids.intersection(alone)).update(
        crash_count=F("crash_count") + 1
    )


def recover_sends(push_ids: Sequence[int], now: datetime) -> None:
    """These may have arrived: they need a check, and no others share their calls."""
    pushes = (
        Push.objects.filter(pk__in=push_ids, lease_until__lt=now)
        .select_related("account__team")
        .order_by("pk")
    )
    changes = []
    for push in pushes:
        adapter = push.account.adapter()
        deadline = timedelta(seconds=settings.CALL_DEADLINE)
        crashes = push.crash_count + 1
        changes.append(
            Change(
                push.pk,
                State.NEEDS_CHECK,
                error_kind=OutcomeUnknown.kind,
                error=f"Sending stopped half-way. The task may exist in {adapter.name}.",
                look_at=max(
                    now,
                    (push.sent_at or now) + deadline + recording.settle_time(adapter),
                ),
                ask_person=crashes >= MOST_CRASHES,
            )
        )
    moved = states.change(changes, sources=[State.SENDING], expired_by=now)
    Push.objects.filter(pk__in=[m.push_id for m in moved]).update(
        crash_count=F("crash_count") + 1, call_limit=1
    )


def give_up(now: datetime) -> None:
    """Queued creates whose time is over fail with a sentence; a person may send them.

    Those of an account whose gate is shut, or of a batch that is paused, wait on:
    nobody's patience runs meanwhile, except that a due time that passes is asked about.
    """
    old = (
        # By account and state, as the index `push_looks` goes.
        Push.objects.filter(
            account__in=ConnectedAccount.objects.order_by().values("pk"),
            state=State.QUEUED,
            kind=Push.Kind.CREATE,
            not_before__lte=now,
        )
        .filter(
            Q(created_at__lt=now - retrying.PATIENCE, paused=False)
            | Q(task__due_sort__lt=now, task__due_sort__gt=F("created_at"))
        )
        .select_related("task", "account")
        .order_by("pk")[:500]
    )
    changes = []
    for push in old:
        name = push.account.adapter_class.name
        if push.is_late(now):
            changes.append(recording.too_late(push))
        elif (
            push.account.state == ConnectedAccount.State.CONNECTED
            and push.tries
            and not push.paused
        ):
            changes.append(
                recording.failed(
                    push,
                    "gave_up",
                    f"{name} could not take it for 24 hours. Nothing was created. "
                    f"Last answer: {push.error or 'none.'}",
                )
            )
    states.change(changes, sources=[State.QUEUED])


def work_of(now: datetime) -> dict[str, list[int]]:
    """Return ids of accounts with something to do now.

    By kind of work: `push look sync hooks key directory`.
    """
    due = Push.objects.sendable(now).filter(account=OuterRef("pk"))
    looks = Push.objects.filter(
        account=OuterRef("pk"),
        state__in=[State.NEEDS_CHECK, State.ACCEPTED],
        look_at__lte=now,
    )
    runs = SyncRun.objects.filter(account=OuterRef("pk")).filter(
        Q(state=SyncRun.State.WAITING)
        | Q(state=SyncRun.State.RUNNING, lease_until__lt=now)
    )
    events = WebhookEvent.objects.filter(account=OuterRef("pk"), processed_at=None)
    rows = (
        ConnectedAccount.objects.annotate(
            to_push=Exists(due),
            to_look=Exists(looks),
            to_sync=Exists(runs),
            to_hear=Exists(events),
        )
        .filter(
            Q(to_push=True)
            | Q(to_look=True)
            | Q(to_sync=True)
            | Q(to_hear=True)
            | Q(try_key_at__lte=now)
        )
        .values_list(
            *("pk", "state", "held_until", "deleted_at", "try_key_at"),
            *("to_push", "to_look", "to_sync", "to_hear"),
        )
    )
    kinds = ("push", "look", "sync", "hooks", "key")
    work: dict[str, list[int]] = {kind: [] for kind in kinds}
    work["directory"] = list(directory.due(now).values_list("pk", flat=True))
    for row in rows:
        pk, state, held_until, deleted_at, try_key_at = row[:5]
        to_push, to_look, to_sync, to_hear = row[5:]
        if held_until is not None and held_until > now:
            continue
        if state == ConnectedAccount.State.NEEDS_NEW_KEY:
            if deleted_at is None and try_key_at is not None and try_key_at <= now:
                work["key"].append(pk)
            continue
        if to_look:
            work["look"].append(pk)
        if to_hear and deleted_at is None:
            work["hooks"].append(pk)
        if deleted_at is not None or state == ConnectedAccount.State.PAUSED:
            continue
        if to_push:
            work["push"].append(pk)
        if to_sync:
            work["sync"].append(pk)
    return work


def accounts_with_work(now: datetime) -> list[int]:
    """Return ids of accounts worth ringing for, each once."""
    work = work_of(now)
    # A bell sends what waits; trying a key is a matter of the worker's own look.
    return sorted({pk for kind, ids in work.items() if kind != "key" for pk in ids})
