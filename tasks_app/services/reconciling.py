"""Settling what is unclear by looking at the vendor.

Serves `needs_check` (it may exist) and `accepted` (it will exist, its id is unknown).
A push is adopted when the adapter recognises it in a task that no other task of ours
is linked to. *k* unclear twins and *m* such tasks: min(k, m) are adopted, oldest first.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task, TaskCopy, TaskEvent
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.drafts import TaskDraft
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.findings import CLOCK_SLACK, Found, RemoteTask
from tasks_app.vendors.transport import Transport

from . import bringing, copies, gate, retrying, states
from .acting import look_for_action
from .drafting import drafts_for
from .following import apply_page
from .pacing import Saturated
from .recording import settle_time
from .states import Change
from .talking import converse
from .turns import turn

log = logging.getLogger(__name__)
State = Push.State

#: Pushes looked for in one go: those that may each take calls of their own, and those
#: that a few lists show together.
PORTION = 1000
ACCEPTED_PORTION = 5000
#: Times the settling time between two looks that must agree on an absence.
SECOND_LOOK = 4
MOST_RESENDS = 1


def reconcile_account(account_id: int, *, transport: Transport) -> int:
    """Look for everything of this account whose look is due; return how many settled.

    A look that fails is made again later; nothing is ever sent again because of it.
    """
    with turn("reconcile", account_id) as free:
        if not free:
            return 0
        account = (
            ConnectedAccount.objects.select_related("team")
            .filter(pk=account_id)
            .first()
        )
        if account is None or not can_look(account):
            return 0
        adapter = account.adapter()
        pushes = claim_looks(account)
        if not pushes:
            return 0
        settled = 0
        for push in [p for p in pushes if p.kind != Push.Kind.CREATE]:
            settled += look_for_action(account, push, transport=transport)
        pushes = [p for p in pushes if p.kind == Push.Kind.CREATE]
        drafts = drafts_for(pushes)
        groups: dict[str, list[Push]] = defaultdict(list)
        for push in pushes:
            groups[adapter.find_key(drafts[push.pk])].append(push)
        return settled + sum(
            look_for(account, adapter, group, drafts, transport=transport)
            for group in groups.values()
        )


def can_look(account: ConnectedAccount) -> bool:
    """A paused account is still read; one without a key or on hold is not."""
    held = account.held_until is not None and account.held_until > timezone.now()
    return account.state != ConnectedAccount.State.NEEDS_NEW_KEY and not held


def claim_looks(account: ConnectedAccount) -> list[Push]:
    """Return pushes whose look is due, their next look put off.

    So no other process makes the same look and counts an absence twice.
    """
    now = timezone.now()
    due = Push.objects.filter(account=account, look_at__lte=now)
    due = due.order_by("look_at", "pk")
    later = now + timedelta(seconds=2 * settings.LEASE)
    ids = [
        pk
        for state, most in (
            (State.NEEDS_CHECK, PORTION),
            (State.ACCEPTED, ACCEPTED_PORTION),
        )
        for pk in states.postpone_looks(
            list(due.filter(state=state).values_list("pk", flat=True)[:most]),
            due_by=now,
            until=later,
        )
    ]
    return list(Push.objects.filter(pk__in=ids).order_by("pk"))


def look_for(
    account: ConnectedAccount,
    adapter: VendorAdapter,
    pushes: Sequence[Push],
    drafts: dict[int, TaskDraft],
    *,
    transport: Transport,
) -> int:
    """Look once for pushes that one reading serves; return how many are settled."""
    prefetch_related_objects([push for push in pushes if push.watch_at], "task")
    sent_at = min((earliest(p) for p in pushes), default=timezone.now())
    try:
        found = converse(
            account,
            adapter.find(
                [drafts[p.pk] for p in pushes], sent_at=sent_at.astimezone(UTC)
            ),
            transport=transport,
            purpose="look",
            push_ids=[p.pk for p in pushes],
        )
    except (VendorError, Saturated) as error:
        log.info("A look at %s failed: %s", account, error)
        look_again(pushes, account)
        return 0
    matches = match(account, adapter, pushes, drafts, found)
    settled = adopt(account, [(p, matches[p.pk]) for p in pushes if p.pk in matches])
    # More than one with the same marker, or of what was sent twice, are copies.
    double = [p for p in pushes if p.pk in matches and (p.watch_at or p.marker)]
    copies.note(account, double, found.tasks)
    missing = [push for push in pushes if push.pk not in matches]
    late = timezone.now() - retrying.ACCEPTED_PATIENCE
    soon = [p for p in missing if p.state == State.ACCEPTED and p.since > late]
    look_again(soon, account)
    waiting = {push.pk for push in soon}
    others = worked_on(account, found) if missing else []
    for push in missing:
        like = [r for r in others if fits(adapter, push, drafts[push.pk], r)]
        if like:
            ask(
                push,
                f"{adapter.name} shows a task like this one ({like[0].external_id}), "
                "which was brought in and has been worked on since. It may be this one.",
            )
        elif push.pk not in waiting:
            settled += not_found(account, adapter, push, found)
    return settled


def worked_on(account: ConnectedAccount, found: Found) -> list[RemoteTask]:
    """Return what was found and stands here as brought in, and does not give way.

    Such a row has been acted on, and it says nothing against being a push of ours.
    """
    ids = [remote.external_id for remote in found.tasks]
    rows = Task.objects.filter(account=account, external_id__in=ids)
    read = set(
        rows.filter(origin=Task.Origin.VENDOR).values_list("external_id", flat=True)
    )
    return [remote for remote in found.tasks if remote.external_id in read]


def earliest(push: Push) -> datetime:
    """Return when the task can have been created: of two calls the first one counts."""
    return push.task.created_at if push.watch_at else push.since


def fits(
    adapter: VendorAdapter, push: Push, draft: TaskDraft, remote: RemoteTask
) -> bool:
    """Return whether this is what became of the push, as far as the vendor shows."""
    return not remote.predates(earliest(push)) and adapter.same_task(draft, remote)


def match(
    account: ConnectedAccount,
    adapter: VendorAdapter,
    pushes: Sequence[Push],
    drafts: dict[int, TaskDraft],
    found: Found,
) -> dict[int, RemoteTask]:
    """Return which vendor's task each push became, by push id."""
    ids = [remote.external_id for remote in found.tasks]
    rows = Task.objects.filter(account=account, external_id__in=ids)
    # What was read, not sent, since then may be the very task that is looked for.
    since = min((earliest(p) for p in pushes), default=timezone.now())
    may_give_way = rows.only_read().filter(created_at__gte=since - CLOCK_SLACK)
    linked = set(
        rows.exclude(pk__in=may_give_way.values("pk")).values_list(
            "external_id", flat=True
        )
    )
    second = TaskCopy.objects.filter(account=account, external_id__in=ids)
    linked |= set(second.values_list("external_id", flat=True))
    free = [remote for remote in found.tasks if remote.external_id not in linked]
    free.sort(key=lambda remote: remote.created_at or datetime.max.replace(tzinfo=UTC))
    # Most vendors show whose task it is: only those tasks need comparing.
    by_prospect: dict[Any, list[RemoteTask]] = defaultdict(list)
    for remote in free:
        by_prospect[remote.compare.get("prospect")].append(remote)
    unshown = by_prospect.get(None, [])
    matches: dict[int, RemoteTask] = {}
    taken: set[str] = set()
    for push in sorted(pushes, key=lambda p: (p.since, p.pk)):
        draft = drafts[push.pk]
        whose = adapter.comparable(draft).get("prospect")
        shown = by_prospect.get(whose, []) if whose is not None else []
        for remote in [*shown, *unshown]:
            if remote.external_id not in taken and fits(adapter, push, draft, remote):
                matches[push.pk] = remote
                taken.add(remote.external_id)
                break
    return matches


def adopt(account: ConnectedAccount, found: Sequence[tuple[Push, RemoteTask]]) -> int:
    """Link pushes to what was found; return how many this settled."""
    if not found:
        return 0
    changes = [
        Change(
            push.pk,
            State.DELIVERED,
            external_id=remote.external_id,
            external_url=remote.url,
        )
        for push, remote in found
    ]
    try:
        with transaction.atomic():
            bringing.give_way(account, [remote.external_id for _, remote in found])
            moved = states.change(
                changes,
                sources=[State.NEEDS_CHECK, State.ACCEPTED],
                source=TaskEvent.Source.SYNC,
                note="Found at the vendor by looking.",
            )
            apply_page(account, [remote for _, remote in found], at=timezone.now())
    except IntegrityError:
        # One of the ids was linked since we looked; alone, the others go through.
        if len(found) == 1:
            look_again([found[0][0]], account)
            return 0
        return sum(adopt(account, [one]) for one in found)
    return len(moved)


def not_found(
    account: ConnectedAccount, adapter: VendorAdapter, push: Push, found: Found
) -> int:
    """Decide what an absence means; return 1 when the push goes back to the queue."""
    now = timezone.now()
    rows = Push.objects.filter(pk=push.pk, state=push.state)
    if push.state == State.ACCEPTED:
        return ask(
            push,
            f"{adapter.name} took request {push.request_number}, but this task has not "
            "appeared there. Look at its request history.",
        )
    if not found.complete:
        rows.update(ask_person=push.left_at is None)
        look_again([push], account)
        return 0
    absent = push.absent_reads + 1
    rows.update(absent_reads=absent)
    if absent < 2:
        rows.update(look_at=now + SECOND_LOOK * settle_time(adapter))
        return 0
    if push.resends >= MOST_RESENDS or push.left_at:
        return ask(
            push, f"{adapter.name} does not show this task, though it was sent twice."
        )
    with transaction.atomic():
        moved = states.change(
            [
                Change(
                    push.pk,
                    State.QUEUED,
                    not_before=now,
                    error_kind="absent",
                    error=f"{adapter.name} does not have it: sent once more.",
                )
            ],
            sources=[State.NEEDS_CHECK],
            source=TaskEvent.Source.SYNC,
        )
        Push.objects.filter(pk__in=[m.push_id for m in moved]).update(
            resends=push.resends + 1, absent_reads=0, crash_count=0, watch_at=now
        )
    return len(moved)


def ask(push: Push, sentence: str) -> int:
    """Leave it to a person, with a sentence; looking goes on, ever more slowly."""
    look_at = retrying.next_look(timezone.now(), push.since)
    states.change(
        [
            Change(
                push.pk,
                State.NEEDS_CHECK,
                error_kind=push.error_kind or "absent",
                error=sentence,
                look_at=look_at,
                ask_person=push.left_at is None,
            )
        ],
        sources=[push.state],
        source=TaskEvent.Source.SYNC,
        events=push.state != State.NEEDS_CHECK or push.error != sentence,
    )
    return 0


def look_again(pushes: Sequence[Push], account: ConnectedAccount) -> None:
    """Set the next look of each; ask a person about those looked for too long."""
    now = timezone.now()
    earliest = now + timedelta(seconds=gate_seconds(account))
    together: dict[tuple[str, datetime], list[int]] = defaultdict(list)
    for push in pushes:
        together[push.state, push.since].append(push.pk)
    for (state, since), ids in together.items():
        rows = Push.objects.filter(pk__in=ids, state=state)
        rows.update(look_at=max(retrying.next_look(now, since), earliest))
        if now - since > retrying.LOOK_PATIENCE:
            rows.filter(state=State.NEEDS_CHECK, left_at=None).update(ask_person=True)


def gate_seconds(account: ConnectedAccount) -> float:
    if account.held_until is None or gate.is_open(account):
        return 0.0
    return max(0.0, (account.held_until - timezone.now()).total_seconds())
