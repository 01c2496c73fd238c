"""From what a creating call brought to the state of each of its pushes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange, Push, Task
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.errors import (
    AccountTrouble,
    NothingHappened,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TooLarge,
    VendorError,
)
from tasks_app.vendors.findings import ItemResult

from . import bringing, exchanges, retrying, states
from .states import Change

State = Push.State

#: Characters that our columns hold of an id of a vendor's.
LONGEST_ID = 100


def settle_time(adapter: VendorAdapter) -> timedelta:
    """Return how long to wait before looking for what may have been created."""
    return timedelta(seconds=settings.SETTLE_SECONDS or adapter.settle_seconds)


def record_created(
    account: ConnectedAccount,
    adapter: VendorAdapter,
    pushes: Sequence[Push],
    attempt: uuid.UUID,
    exchange: Exchange,
    response: VendorResponse | None,
    results: Sequence[ItemResult] | None,
    error: VendorError | None,
) -> None:
    """Store the answer and what it means for each push, in one transaction."""
    if error is not None:
        changes = changes_for_error(adapter, pushes, error)
    else:
        changes = changes_for_results(adapter, pushes, results or ())
    try:
        write(changes, attempt, exchange, account, response, error, pushes)
    except IntegrityError:
        # An id that another task has already: one that was only read gives way.
        bringing.give_way(account, [item.external_id for item in changes])
        changes = [without_taken_id(account, adapter, item) for item in changes]
        write(changes, attempt, exchange, account, response, error, pushes)


def write(
    changes: Sequence[Change],
    attempt: uuid.UUID,
    exchange: Exchange,
    account: ConnectedAccount,
    response: VendorResponse | None,
    error: VendorError | None,
    pushes: Sequence[Push],
) -> None:
    with transaction.atomic():
        if isinstance(error, Refused) and len(pushes) > 1:
            Push.objects.filter(pk__in=[push.pk for push in pushes]).update(
                call_limit=-(-len(pushes) // 2)
            )
        states.change(
            unless_left(changes, pushes),
            sources=states.ANSWERABLE,
            attempt=attempt,
            before=[exchanges.ended(exchange, account, response=response, error=error)],
        )


def unless_left(changes: Sequence[Change], pushes: Sequence[Push]) -> list[Change]:
    """Return these changes, but nothing goes back to the queue that a person has left.

    For an answer that comes so late that somebody was asked meanwhile.
    """
    back = [item.push_id for item in changes if item.to == State.QUEUED]
    if not back:
        return list(changes)
    rows = Push.objects.filter(pk__in=back, left_at__isnull=False)
    # Locked, so that nobody leaves it between this and the change.
    locked = rows.select_for_update().order_by("pk")
    left = set(locked.values_list("pk", flat=True))
    by_id = {push.pk: push for push in pushes if push.pk in left}
    return [
        failed(
            by_id[item.push_id],
            "left",
            "Somebody left this one as it was. Now it is certain that it did not arrive: "
            f"{by_id[item.push_id].account.adapter_class.name} does not have it. "
            "Nothing was created. Retry to send it.",
        )
        if item.push_id in left and item.to == State.QUEUED
        else item
        for item in changes
    ]


def changes_for_error(
    adapter: VendorAdapter, pushes: Sequence[Push], error: VendorError
) -> list[Change]:
    """Return what a call that failed as a whole means for each push."""
    now = timezone.now()
    if isinstance(error, OutcomeUnknown):
        look_at = now + settle_time(adapter)
        return [
            Change(
                push.pk,
                State.NEEDS_CHECK,
                error_kind=error.kind,
                error=str(error),
                look_at=look_at,
            )
            for push in pushes
        ]
    if isinstance(error, (NothingHappened, AccountTrouble)):
        # A busy vendor or a refused key holds the whole account, not this push.
        whole = isinstance(error, (RateLimited, AccountTrouble))
        # Whatever is too large lets others go first.
        wait = not whole or error.kind == TooLarge.kind
        return [
            Change(
                push.pk,
                State.QUEUED,
                error_kind=error.kind,
                error=str(error),
                not_before=now
                + (retrying.backoff(push.tries + 1) if wait else timedelta()),
            )
            for push in pushes
        ]
    if len(pushes) > 1:
        # Nothing was created: halve the call until the one that is refused stands alone.
        return [Change(push.pk, State.QUEUED, not_before=now) for push in pushes]
    return [failed(push, error.kind, str(error)) for push in pushes]


#: What is said of a call that did nothing.
NOTHING = re.compile(r" ?Nothing was (created|sent)\.")


def failed(push: Push, kind: str, sentence: str) -> Change:
    """Return the change that sets a create aside with this sentence.

    What was sent before, to an answer that was never clear, may have arrived after all.
    """
    if push.watch_at is not None:
        sentence = NOTHING.sub("", sentence)
        if not sentence.endswith((".", "!", "?", "…")):
            sentence += "."
        sentence += (
            " An earlier call may still have created it: "
            f"look in {push.account.adapter_class.name} before you send it again."
        )
    return Change(push.pk, State.FAILED, error_kind=kind, error=sentence)


def too_late(push: Push) -> Change:
    """Return the change that asks about a create whose due time passed in the queue."""
    return failed(
        push,
        "too_late",
        "Its due time passed before it could be sent. Change the date, or retry to send "
        "it anyway.",
    )


def changes_for_results(
    adapter: VendorAdapter,
    pushes: Sequence[Push],
    results: Sequence[ItemResult],
) -> list[Change]:
    """Return what each item's own result means for its push."""
    now = timezone.now()
    by_ref = {result.ref: result for result in results}
    seen: set[str] = set()
    changes = []
    for push in pushes:
        result = by_ref.get(str(push.pk)) or ItemResult(
            str(push.pk),
            unclear=f"{adapter.name} did not say what became of this task.",
        )
        if max(len(result.task_id), len(result.request_id)) > LONGEST_ID:
            result = ItemResult(
                str(push.pk), unclear=f"{adapter.name} answered with an endless id."
            )
        if result.task_id and result.task_id in seen:
            changes.append(taken_id(adapter, push.pk, result.task_id))
        elif result.task_id:
            seen.add(result.task_id)
            changes.append(
                Change(
                    push.pk,
                    State.DELIVERED,
                    external_id=result.task_id,
                    external_url=result.url,
                )
            )
        elif result.request_id:
            changes.append(
                Change(
                    push.pk,
                    State.ACCEPTED,
                    request_number=result.request_id,
                    look_at=now + retrying.FIRST_LOOK_AFTER_ACCEPTED,
                )
            )
        elif result.refused:
            changes.append(failed(push, "rejected", result.refused))
        else:
            changes.append(
                Change(
                    push.pk,
                    State.NEEDS_CHECK,
                    error_kind=OutcomeUnknown.kind,
                    error=result.unclear
                    or f"{adapter.name} did not say what became of this task.",
                    look_at=now + settle_time(adapter),
                )
            )
    return changes


def taken_ids(account: ConnectedAccount, ids: Sequence[str]) -> set[str]:
    """Return those of these vendor ids that tasks of this account already have."""
    if not ids:
        return set()
    return set(
        Task.objects.filter(account=account, external_id__in=ids).values_list(
            "external_id", flat=True
        )
    )


def taken_id(adapter: VendorAdapter, push_id: int, external_id: str) -> Change:
    return Change(
        push_id,
        State.NEEDS_CHECK,
        error_kind="taken_id",
        error=f"{adapter.name} answered with the id {external_id}, which belongs to "
        "another task here.",
        look_at=timezone.now() + settle_time(adapter),
    )


def without_taken_id(
    account: ConnectedAccount, adapter: VendorAdapter, item: Change
) -> Change:
    if item.external_id and taken_ids(account, [item.external_id]):
        return taken_id(adapter, item.push_id, item.external_id)
    return item


def refused_before_sending(
    pushes: Sequence[Push], attempt: uuid.UUID, error: Refused
) -> None:
    """The adapter cannot express these: they failed and nothing was sent."""
    states.change(
        [failed(push, error.kind, str(error)) for push in pushes],
        sources=[State.CLAIMED],
        attempt=attempt,
    )


def could_not_prepare(pushes: Sequence[Push], attempt: uuid.UUID, most: int) -> None:
    """Preparing these raised an error of our own: try them alone, then set them aside."""
    changes = []
    for push in pushes:
        push.crash_count += 1
        Push.objects.filter(pk=push.pk).update(
            crash_count=push.crash_count, call_limit=1
        )
        if push.crash_count >= most:
            changes.append(
                failed(
                    push,
                    "unprepared",
                    "This task could not be prepared for sending. Nothing was sent. "
                    "Change its text and retry, or tell your administrator.",
                )
            )
        else:
            changes.append(
                Change(
                    push.pk,
                    State.QUEUED,
                    not_before=timezone.now() + retrying.backoff(push.crash_count),
                )
            )
    states.change(changes, sources=[State.CLAIMED], attempt=attempt)


def not_sent_after_all(
    pushes: Sequence[Push],
    attempt: uuid.UUID,
    exchange: Exchange,
    account: ConnectedAccount,
    reason: Exception,
) -> None:
    """The intent was committed, but no byte has left: back to the queue."""
    changes = [Change(push.pk, State.QUEUED) for push in pushes]
    with transaction.atomic():
        exchanges.end(exchange, account, error=NothingHappened(f"Not sent: {reason}"))
        states.change(
            unless_left(changes, pushes),
            sources=states.ANSWERABLE,
            attempt=attempt,
            events=False,
        )
