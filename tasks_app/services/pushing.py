"""Sending what waits: claim, reserve, commit the intent, send, record."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange, Push, Task
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.calls import VendorRequest
from tasks_app.vendors.drafts import TaskDraft
from tasks_app.vendors.errors import (
    Misconfigured,
    OutcomeUnknown,
    Refused,
    TooLarge,
    VendorError,
)
from tasks_app.vendors.transport import Transport

from . import (
    acting,
    actions,
    directory,
    doorbell,
    drifting,
    exchanges,
    fitness,
    gate,
    pacing,
    probing,
    recording,
    states,
)
from .drafting import drafts_for, tasks_of
from .leases import LeaseShort, check_lease
from .turns import PUSH_TURNS, turn

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Pushes that cannot share a call are claimed this many at a time.
SINGLES = 10
#: Seconds that a turn waits for a permit before it gives its claim back.
PERMIT_WAIT = 2.0
#: Failures to prepare a request before a push is set aside.
PREPARE_TRIES = 3


class GiveBack(Exception):
    """Stop this turn: what is claimed and unsent goes back to the queue."""


@dataclass
class Claim:
    """What one turn holds: the pushes in order, and until when (monotonic clock)."""

    attempt: uuid.UUID
    pushes: list[Push]
    ends: float
    unsent: set[int] = field(default_factory=set)


def push_account(account_id: int, *, transport: Transport, until: datetime) -> bool:
    """Send this account's due pushes until there are none or `until`.

    Return whether any due push still waits. Several processes and up to `PUSH_TURNS`
    threads of each may do this for one account at once.
    """
    with turn("push", account_id, most=PUSH_TURNS) as free:
        if not free:
            return True
        try:
            while timezone.now() < until:
                if not push_some(account_id, transport=transport):
                    return False
        except (GiveBack, pacing.Saturated):
            pass
    return True


def push_some(account_id: int, *, transport: Transport) -> bool:
    """Claim and send one portion; return False when nothing is due.

    Raise `GiveBack` when the account's gate is or falls shut, or its rate is used up.
    """
    account = fresh_account(account_id)
    if account is None or not gate.is_open(account):
        raise GiveBack
    if account.state == ConnectedAccount.State.TROUBLE and not probing.probe(
        account, transport=transport
    ):
        raise GiveBack
    adapter = account.adapter()
    claim = claim_portion(account, adapter)
    if claim is None:
        return False
    try:
        send_portion(account, adapter, claim, transport=transport)
    except LeaseShort:
        pass
    finally:
        give_back(claim)
    return True


def fresh_account(account_id: int) -> ConnectedAccount | None:
    return ConnectedAccount.objects.select_related("team").filter(pk=account_id).first()


def claim_portion(account: ConnectedAccount, adapter: VendorAdapter) -> Claim | None:
    """Claim the pushes of the next calls, or return None when none is due."""
    now = timezone.now()
    head = (
        Push.objects.sendable(now)
        .filter(account=account)
        .order_by("lane", "pk")
        .values("group_key", "call_limit")
        .first()
    )
    if head is None:
        return None
    limit = adapter.create_limit if head["group_key"] else SINGLES
    if head["call_limit"]:
        limit = min(limit, head["call_limit"])
    began = time.monotonic()
    attempt, ids = states.claim(
        account.pk,
        limit=limit,
        lease=timedelta(seconds=settings.LEASE),
        group_key=head["group_key"],
        call_limit=head["call_limit"],
    )
    if not ids:
        return None
    if len(ids) == limit:
        doorbell.ring_sometimes(account.pk)  # there is more: another thread may help
    pushes = list(Push.objects.filter(pk__in=ids).order_by("lane", "pk"))
    return Claim(attempt, pushes, began + settings.LEASE, set(ids))


def send_portion(
    account: ConnectedAccount,
    adapter: VendorAdapter,
    claim: Claim,
    *,
    transport: Transport,
) -> None:
    """Send all calls of a claim, one after the other."""
    creates = [push for push in claim.pushes if push.kind == Push.Kind.CREATE]
    tasks = tasks_of(creates)
    leave_unfit(claim, tasks)
    creates = [push for push in creates if push.pk in claim.unsent]
    by_ref = {str(push.pk): push for push in creates}
    parts: list[list[TaskDraft]] = []
    try:
        if creates:
            parts = calls_for(adapter, creates, drafts_for(creates, tasks))
    except DatabaseError:
        raise
    except Exception:
        log.exception("Tasks of %s could not be divided into calls.", account)
        recording.could_not_prepare(creates, claim.attempt, PREPARE_TRIES)
        claim.unsent -= {push.pk for push in creates}
    for part in parts:
        pushes = [by_ref[draft.ref] for draft in part]
        check_lease(claim.ends)
        send_create(account, adapter, claim, pushes, part, transport=transport)
    for push in claim.pushes:
        if push.kind != Push.Kind.CREATE:
            check_lease(claim.ends)
            try:
                acting.send_action(
                    account,
                    push,
                    claim.attempt,
                    transport=transport,
                    on_sending=partial(claim.unsent.discard, push.pk),
                )
            except acting.NotOurs:
                raise GiveBack from None
            if not gate.still_open(account):
                raise GiveBack


def leave_unfit(claim: Claim, tasks: dict[int, Task]) -> None:
    """Take out what the account no longer offers: it fails, and nothing is sent."""
    refusals = fitness.unfit(claim.pushes, tasks)
    for push in [p for p in claim.pushes if p.pk in refusals]:
        recording.refused_before_sending([push], claim.attempt, refusals[push.pk])
        if push.kind != Push.Kind.CREATE:
            actions.restore(push)
        claim.unsent.discard(push.pk)
        claim.pushes.remove(push)


def calls_for(
    adapter: VendorAdapter, pushes: Sequence[Push], drafts: dict[int, TaskDraft]
) -> list[list[TaskDraft]]:
    """Return the drafts in the calls they go out in."""
    if pushes[0].group_key and pushes[0].call_limit == 1:
        return [[drafts[push.pk]] for push in pushes]
    # A text or day that was changed in the queue no longer goes with the others.
    alike: dict[str, list[TaskDraft]] = {}
    for push in pushes:
        draft = drafts[push.pk]
        alike.setdefault(adapter.group_key(draft), []).append(draft)
    return [call for group in alike.values() for call in adapter.split(group)]


def send_create(
    account: ConnectedAccount,
    adapter: VendorAdapter,
    claim: Claim,
    pushes: list[Push],
    drafts: list[TaskDraft],
    *,
    transport: Transport,
) -> None:
    """Make one creating call and record what became of each of its pushes."""
    try:
        request = adapter.create_request(drafts)
    except Refused as refusal:
        recording.refused_before_sending(pushes, claim.attempt, refusal)
        claim.unsent -= {push.pk for push in pushes}
        return
    except Exception:
        log.exception("A task of %s could not be prepared.", account)
        recording.could_not_prepare(pushes, claim.attempt, PREPARE_TRIES)
        claim.unsent -= {push.pk for push in pushes}
        return
    permit, lease_ends = None, time.monotonic() + settings.LEASE
    if pacing.is_tight(account):
        permit = pacing.acquire(account, max_wait=PERMIT_WAIT)
    try:
        permit, exchange = begin_sending(account, claim, pushes, request, permit)
    except pacing.Saturated:
        permit = pacing.acquire(account, max_wait=PERMIT_WAIT)
        permit, exchange = begin_sending(account, claim, pushes, request, permit)
    try:
        # The commit may have been slow: the permit's moment must not be over, and the
        # lease must be as long as the call may take.
        permit = pacing.renew(account, permit, max_wait=PERMIT_WAIT)
        check_lease(lease_ends)
    except (pacing.Saturated, LeaseShort) as late:
        recording.not_sent_after_all(pushes, claim.attempt, exchange, account, late)
        raise GiveBack from None
    response = None
    results = None
    error: VendorError | None = None
    began = time.monotonic()
    try:
        response = transport.send(
            request,
            base_url=account.base_url,
            auth=adapter.auth(),
            deadline=settings.CALL_DEADLINE,
        )
        results = adapter.read_created(response, drafts)
    except TooLarge as caught:
        # Fewer in a call may do. One alone is no task's fault: the account is held.
        alone = len(pushes) == 1
        error = Misconfigured(str(caught), kind=caught.kind) if alone else caught
    except VendorError as caught:
        error = caught
    except Exception:
        # Bytes may have left: whatever this is, it is not proof that nothing happened.
        log.exception("A call to %s ended in an error of our own.", account)
        error = OutcomeUnknown(f"The answer of {adapter.name} could not be read.")
    persistently(
        lease_ends,
        lambda: recording.record_created(
            account, adapter, pushes, claim.attempt, exchange, response, results, error
        ),
    )
    pacing.arrived(account, permit, began)
    if response is not None:
        drifting.watch(account, request, response)
    if error is None:
        gate.note_success(account)
    elif isinstance(error, Refused):
        directory.doubt(account)
    else:
        gate.note_error(account, error)
        if not gate.is_open(account):
            raise GiveBack


def begin_sending(
    account: ConnectedAccount,
    claim: Claim,
    pushes: list[Push],
    request: VendorRequest,
    permit: pacing.Permit | None = None,
) -> tuple[pacing.Permit, Exchange]:
    """Commit the intent: the Exchange, and these pushes `sending`.

    Without a permit one that is free at once is taken with the same commit. Raise
    `pacing.Saturated` when there is none, `GiveBack` when the gate fell shut meanwhile
    or a push is not ours any more, both with nothing written.
    """
    ids = [push.pk for push in pushes]
    with transaction.atomic():
        exchange = exchanges.begin(
            account, request, purpose="create", attempt=claim.attempt, push_ids=ids
        )
        ours = states.start_sending(
            ids,
            attempt=claim.attempt,
            lease=timedelta(seconds=settings.LEASE),
            account=account,
        )
        if ours != sorted(ids):
            raise GiveBack
        # Last: its row is everybody's, and stays locked until the commit.
        permit = permit or pacing.reserve(account, max_wait=0)
    claim.unsent -= set(ids)
    return permit, exchange


def give_back(claim: Claim) -> None:
    """Put what is claimed and was not sent back into the queue, at once."""
    if not claim.unsent:
        return
    states.change(
        [states.Change(pk, Push.State.QUEUED) for pk in sorted(claim.unsent)],
        sources=[Push.State.CLAIMED],
        attempt=claim.attempt,
        events=False,
    )


def persistently(ends: float, write: Callable[[], T]) -> T:
    """Write to the database, again and again while it is away, until `ends`.

    The result of a call that was made is worth waiting for. After the lease the sweep
    takes over, and the error goes up.
    """
    while True:
        try:
            return write()
        except (DatabaseError, InterfaceError):
            if time.monotonic() > ends or connection.in_atomic_block:
                raise
            log.warning("A result could not be written yet.", exc_info=True)
            connection.close()
            time.sleep(0.5)
