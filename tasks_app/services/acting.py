"""Doing to a vendor's task what a person asked for: the pushes that are no creates.

An action names the task by its id, so doing it twice does no harm at the vendor. After
an unclear answer the task is read: it shows whether the action arrived.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange, Push, Task
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.drafts import ActionDraft, AssigneeDraft
from tasks_app.vendors.errors import (
    AccountTrouble,
    NothingHappened,
    OutcomeUnknown,
    RateLimited,
    Refused,
    VendorError,
)
from tasks_app.vendors.findings import RemoteTask
from tasks_app.vendors.transport import Transport
from tasks_app.vendors.words import Action, Status

from . import (
    actions,
    copies,
    drifting,
    exchanges,
    gate,
    pacing,
    retrying,
    states,
    talking,
)
from .drafting import drafts_for
from .following import apply_remote, mark_removed
from .leases import LeaseShort, check_lease
from .recording import settle_time
from .states import Change

log = logging.getLogger(__name__)
State = Push.State

#: Unclear answers after which the task did not show the action, before it fails.
MOST_REPEATS = 3
PERMIT_WAIT = 2.0


class NotOurs(Exception):
    """The gate fell shut or the claim or its lease is over: give back what is claimed."""


class NoCopy(Exception):
    """What is to be taken back turned out to be a task of its own: nothing was sent."""


def action_draft(push: Push, task: Task) -> ActionDraft:
    """Return this push as an adapter gets it."""
    values = {
        name: actions.from_json(name, value)
        for name, value in push.values.items()
        if name not in ("before", "copy", "action")
    }
    if "assignee" in values:
        holder = values["assignee"]
        values["assignee"] = AssigneeDraft(holder.external_id, holder.email)
    return ActionDraft(
        action=Action(push.values.get("action", push.kind)),
        external_id=push.target_id,
        task=drafts_for([push])[push.pk],
        values=values,
    )


def send_action(
    account: ConnectedAccount,
    push: Push,
    attempt: Any,
    *,
    transport: Transport,
    on_sending: Callable[[], None],
) -> None:
    """Do one action at the vendor and record what became of it.

    `on_sending` is called once bytes may have left. Raise `NotOurs` and
    `pacing.Saturated` when the turn is to end: where nothing was sent the push is
    claimed or queued, else unclear.
    """
    task = Task.objects.select_related("team", "type").get(pk=push.task_id)
    name = account.adapter_class.name
    push.task = task
    if not push.target_id:
        states.change(
            [
                Change(
                    push.pk,
                    State.FAILED,
                    error_kind="unsent",
                    error=f"The task never reached {name}.",
                )
            ],
            sources=[State.CLAIMED],
            attempt=attempt,
        )
        actions.restore(push)
        on_sending()
        return
    talk = ActionTalk(account, push, attempt, transport, on_sending)
    try:
        remote = talk.run(account.adapter().act(action_draft(push, task)))
        if not talk.sent:
            # It was so already, and no call was needed.
            with transaction.atomic():
                talk.start()
            on_sending()
    except NoCopy:
        sentence = copies.no_copy(push.target_id)
        states.change(
            [Change(push.pk, State.FAILED, error_kind="no_copy", error=sentence)],
            sources=[State.CLAIMED],
            attempt=attempt,
            events=False,
        )
        copies.unflag(push.copies.filter(outcome=""))
        on_sending()
        return
    except VendorError as error:
        talk.record_error(error)
        if not isinstance(error, Refused):
            gate.note_error(account, error)
        if talk.settled_as == State.FAILED and push.kind != Push.Kind.COPY:
            show_vendor(account, push, transport=transport)
        return
    except (NotOurs, pacing.Saturated):
        if talk.sent:
            talk.record_error(
                OutcomeUnknown(f"{name} could not be asked whether it is done.")
            )
        raise
    except Exception:
        log.exception("An action at %s ended in an error of our own.", account)
        talk.record_error(OutcomeUnknown(f"The answer of {name} could not be read."))
        return
    states.change(
        [Change(push.pk, State.DELIVERED, external_id=push.target_id)],
        sources=states.ANSWERABLE,
        attempt=attempt,
    )
    gate.note_success(account)
    if push.kind == Push.Kind.COPY:
        copies.taken_back(push)
    elif remote is not None:
        task.refresh_from_db()
        apply_remote(task, remote, at=timezone.now())


class ActionTalk:
    """One action's conversation: reads first, then the calls with an effect."""

    def __init__(
        self,
        account: ConnectedAccount,
        push: Push,
        attempt: Any,
        transport: Transport,
        on_sending: Callable[[], None],
    ) -> None:
        self.account, self.push, self.attempt = account, push, attempt
        self.transport, self.on_sending = transport, on_sending
        self.sent = False
        #: Until when the push is ours (monotonic clock).
        self.ends = 0.0
        self.settled_as = ""

    def run(self, conversation: Any) -> RemoteTask | None:
        try:
            step = next(conversation)
            while True:
                answer = self.write(step) if step.writes else self.read(step)
                step = conversation.send(answer)
        except StopIteration as done:
            result: RemoteTask | None = done.value
            return result
        finally:
            conversation.close()

    def read(self, request: VendorRequest) -> VendorResponse:
        return talking.call(
            self.account,
            request,
            transport=self.transport,
            purpose=self.push.kind,
            attempt=self.attempt,
            push_ids=[self.push.pk],
            max_wait=PERMIT_WAIT,
        )

    def write(self, request: VendorRequest) -> VendorResponse:
        """Commit the intent, then make a call with an effect."""
        permit = pacing.acquire(self.account, max_wait=PERMIT_WAIT)
        first = not self.sent
        exchange = self.begin(request)
        try:
            # As for creates: who was frozen must not undo what was asked for since.
            permit = pacing.renew(self.account, permit, max_wait=PERMIT_WAIT)
            check_lease(self.ends)
        except (pacing.Saturated, LeaseShort) as late:
            self.not_sent_after_all(exchange, late, first=first)
            raise NotOurs from None
        began = time.monotonic()
        try:
            response = self.transport.send(
                request,
                base_url=self.account.base_url,
                auth=self.account.adapter().auth(),
                deadline=settings.CALL_DEADLINE,
            )
        except VendorError as error:
            exchanges.end(exchange, self.account, error=error)
            raise
        pacing.arrived(self.account, permit, began)
        exchanges.end(exchange, self.account, response=response)
        drifting.watch(self.account, request, response)
        return response

    def begin(self, request: VendorRequest) -> Exchange:
        with transaction.atomic():
            if not gate.still_open(self.account):
                raise NotOurs
            exchange = exchanges.begin(
                self.account,
                request,
                purpose=self.push.kind,
                attempt=self.attempt,
                push_ids=[self.push.pk],
            )
            if not self.sent:
                self.start()
        self.sent = True
        self.on_sending()
        return exchange

    def start(self) -> None:
        """Make the push `sending`, inside the transaction that stores its intent.

        Raise `NotOurs` where it is not ours any more, and `NoCopy`.
        """
        if self.push.kind == Push.Kind.COPY:
            # An answer that came late, or a person, may say whose it is. The lock is
            # `delivery.refuse_copy`'s as well: whoever comes second sees the first.
            list(self.push.copies.select_for_update())
            if copies.is_a_task(self.account.pk, self.push.target_id):
                raise NoCopy
        self.ends = time.monotonic() + settings.LEASE
        lease = timedelta(seconds=settings.LEASE)
        if not states.start_sending([self.push.pk], attempt=self.attempt, lease=lease):
            raise NotOurs

    def not_sent_after_all(
        self, exchange: Exchange, reason: Exception, *, first: bool
    ) -> None:
        """No byte of this call has left. If it was the first one: back to the queue.

        What the sweep has found meanwhile is looked up, which repeats it if need be.
        """
        nothing = NothingHappened(f"Not sent: {reason}")
        with transaction.atomic():
            exchanges.end(exchange, self.account, error=nothing)
            if first:
                states.change(
                    [Change(self.push.pk, State.QUEUED)],
                    sources=[State.SENDING],
                    attempt=self.attempt,
                    events=False,
                )
        self.sent = not first

    def record_error(self, error: VendorError) -> None:
        """Let an error decide the push, by what is certain."""
        now = timezone.now()
        source = State.SENDING if self.sent else State.CLAIMED
        kind, sentence = error.kind, str(error)
        if isinstance(error, Refused):
            change = Change(self.push.pk, State.FAILED, error_kind=kind, error=sentence)
        elif isinstance(error, OutcomeUnknown) and self.sent:
            change = Change(
                self.push.pk,
                State.NEEDS_CHECK,
                error_kind=kind,
                error=sentence,
                look_at=now
                + min(settle_time(self.account.adapter()), timedelta(seconds=5)),
            )
        else:
            waits = not isinstance(error, (RateLimited, AccountTrouble))
            wait = retrying.backoff(self.push.tries + 1) if waits else timedelta()
            change = Change(
                self.push.pk,
                State.QUEUED,
                error_kind=kind,
                error=sentence,
                not_before=now + wait,
            )
        if not isinstance(
            error, (OutcomeUnknown, NothingHappened, AccountTrouble, Refused)
        ):
            raise error
        states.change([change], sources=[source], attempt=self.attempt)
        self.settled_as = change.to
        self.on_sending()


def show_vendor(
    account: ConnectedAccount, push: Push, *, transport: Transport
) -> RemoteTask | None:
    """Put the page back to what the vendor says; where it cannot be asked, to before."""
    task = Task.objects.select_related("team").get(pk=push.task_id)
    try:
        remote = talking.converse(
            account,
            account.adapter().read_task(task.external_id),
            transport=transport,
            purpose="look",
            push_ids=[push.pk],
        )
    except (VendorError, pacing.Saturated):
        actions.restore(push)
        return None
    actions.restore(push)
    task.refresh_from_db()
    if remote is None:
        mark_removed(task)
    else:
        apply_remote(task, remote, at=timezone.now())
    return remote


def look_for_action(
    account: ConnectedAccount, push: Push, *, transport: Transport
) -> int:
    """Read the task of an unclear action; return 1 when that settled it."""
    task = Task.objects.select_related("team", "type").get(pk=push.task_id)
    push.task = task
    name = account.adapter_class.name
    try:
        remote = talking.converse(
            account,
            account.adapter().read_task(push.target_id),
            transport=transport,
            purpose="look",
            push_ids=[push.pk],
        )
    except (VendorError, pacing.Saturated):
        return 0
    of_copy = push.kind == Push.Kind.COPY
    draft = action_draft(push, task)
    if shows(draft, remote) or (of_copy and remote is None):
        change = Change(push.pk, State.DELIVERED, external_id=push.target_id)
    elif remote is None:
        change = Change(
            push.pk, State.FAILED, error_kind="gone", error=f"It is gone in {name}."
        )
    elif push.tries >= MOST_REPEATS:
        change = Change(
            push.pk,
            State.FAILED,
            error_kind="unconfirmed",
            error=f"{name} was asked {push.tries} times and does not show it.",
        )
    else:
        change = Change(push.pk, State.QUEUED, not_before=timezone.now())
    moved = states.change([change], sources=[State.NEEDS_CHECK])
    if of_copy:
        if moved and change.to == State.DELIVERED:
            copies.taken_back(push)
        return len(moved)
    if moved and change.to == State.FAILED:
        actions.restore(push)
    task.refresh_from_db()
    if moved and remote is None:
        if change.to == State.FAILED:
            mark_removed(task)
    elif moved and remote is not None and change.to != State.QUEUED:
        apply_remote(task, remote, at=timezone.now())
    return len(moved)


def shows(draft: ActionDraft, remote: RemoteTask | None) -> bool:
    """Return whether the vendor's task shows that this action was done."""
    if remote is None:
        return draft.action == Action.CANCEL
    values = draft.values
    match draft.action:
        case Action.COMPLETE:
            return remote.status == Status.COMPLETED
        case Action.SKIP:
            return remote.status == Status.SKIPPED
        case Action.CANCEL:
            return remote.status in (Status.CANCELLED, Status.REMOVED)
        case Action.NOTE:
            return str(values.get("note", "")).strip() == remote.note.strip()
        case Action.REASSIGN:
            holder: AssigneeDraft = values["assignee"]
            return remote.assignee_id == holder.external_id != "" or (
                remote.assignee_email.casefold() == holder.email.casefold() != ""
            )
        case Action.SNOOZE:
            return remote.vendor_status.casefold() == "snoozed"
        case Action.RESCHEDULE:
            pairs = [
                (values.get(name), getattr(remote, name))
                for name in ("starts_at", "due_at", "due_on")
                if values.get(name) and name in remote.shown
            ]
            return bool(pairs) and all(near(a, b) for a, b in pairs)
    return False


def near(wanted: Any, shown: Any) -> bool:
    """Return whether two dates or times are the same to the second."""
    if shown is None or isinstance(wanted, type(shown)) is False:
        return False
    if hasattr(wanted, "hour"):
        return bool(abs((wanted - shown).total_seconds()) < 1)
    return bool(wanted == shown)
