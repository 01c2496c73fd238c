"""Driving an adapter's conversation: pacing, the record, and what errors do."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from django.conf import settings

from tasks_app.models import ConnectedAccount
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.errors import Refused, VendorError
from tasks_app.vendors.findings import Page
from tasks_app.vendors.transport import Transport

from . import drifting, exchanges, gate, pacing

T = TypeVar("T")

#: Seconds a read waits for a permit before it gives its turn back.
READ_WAIT = 30.0
#: Every call of a look is linked to so many pushes at the most; beyond, the first one.
FEW = 50


def call(
    account: ConnectedAccount,
    request: VendorRequest,
    *,
    transport: Transport,
    purpose: str,
    attempt: uuid.UUID | None = None,
    push_ids: Sequence[int] = (),
    max_wait: float = READ_WAIT,
) -> VendorResponse:
    """Make one paced and recorded call that is not a create; return its answer.

    Raise what the transport raises, and `pacing.Saturated`.
    """
    permit = pacing.acquire(account, max_wait=max_wait)
    exchange = exchanges.begin(
        account, request, purpose=purpose, attempt=attempt, push_ids=push_ids
    )
    permit = pacing.renew(account, permit, max_wait=max_wait)
    began = time.monotonic()
    try:
        response = transport.send(
            request,
            base_url=account.base_url,
            auth=account.adapter().auth(),
            deadline=settings.CALL_DEADLINE,
        )
    except VendorError as error:
        exchanges.end(exchange, account, error=error)
        raise
    pacing.arrived(account, permit, began)
    exchanges.end(exchange, account, response=response)
    drifting.watch(account, request, response)
    return response


class Outdated(pacing.Saturated):
    """The account is not what it was before: ask anew, if at all."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.args = (
            "The account was disconnected, or its key refused or replaced, meanwhile.",
        )


def stop_if_told(account: ConnectedAccount, before: gate.Standing) -> None:
    """Raise `pacing.Saturated` where another process was told to be quiet since the last
    call, `Outdated` where the account was disconnected or its key refused or replaced."""
    now = gate.standing_now(account)
    if now.lost_since(before):
        raise Outdated
    if (quiet := now.quiet_for()) > 0:
        raise pacing.Saturated(quiet)


def only_while_it_stands(account: ConnectedAccount) -> Callable[[VendorRequest], None]:
    """Return an `on_request` that calls `stop_if_told`, for many conversations in a row.

    Each alone looks only between its own calls, and the row in hand may be read anew
    between two of them: what counts is how the account stands now, and connected.
    """
    before = replace(gate.standing(account), connected=True)

    def check(request: VendorRequest) -> None:
        stop_if_told(account, before)

    return check


def converse(
    account: ConnectedAccount,
    conversation: Generator[VendorRequest | Page, Any, T],
    *,
    transport: Transport,
    purpose: str,
    push_ids: Sequence[int] = (),
    on_page: Callable[[Page], None] | None = None,
    on_request: Callable[[VendorRequest], None] | None = None,
    max_wait: float = READ_WAIT,
) -> T:
    """Drive a conversation to its end and return its finding.

    A `Page` goes to `on_page` before the next call; `on_request` is told of every
    call before it is made. Raise `VendorError` after the account's gate has been told
    of it, `pacing.Saturated` where the account's rate allows no call for long, and
    between two calls what `stop_if_told` raises.
    """
    answer: VendorResponse | None = None
    attempt, before = uuid.uuid4(), gate.standing(account)
    linked: Sequence[int] = push_ids
    try:
        step = next(conversation)
        while True:
            if isinstance(step, Page):
                if on_page is not None:
                    on_page(step)
                step = conversation.send(None)
                continue
            if answer is not None:
                stop_if_told(account, before)
            if on_request is not None:
                on_request(step)
            answer = call(
                account,
                step,
                transport=transport,
                purpose=purpose,
                attempt=attempt,
                push_ids=linked,
                max_wait=max_wait,
            )
            if len(push_ids) > FEW:
                linked = ()  # one link each is enough: calls times pushes are too many
            step = conversation.send(answer)
            gate.note_success(account)
    except StopIteration as done:
        if answer is not None:
            gate.note_success(account)
        result: T = done.value
        return result
    except Refused:
        raise
    except VendorError as error:
        gate.note_error(account, error)
        raise
    finally:
        conversation.close()
