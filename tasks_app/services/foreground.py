"""The worker's work done here and now, for whoever waits for its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connections
from django.db.models import Count, Min, Q
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, SyncRun
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.transport import Transport

from . import sweeping
from .directory import read_now, read_stale
from .pacing import Saturated
from .pushing import push_account
from .reconciling import reconcile_account
from .syncing import request_sync, sync_account

State = Push.State
Gate = ConnectedAccount.State

#: An account's turn, after which the others are looked at again.
TURN = timedelta(seconds=5)
SHORTEST_NAP, LONGEST_NAP = 0.05, 2.0  # seconds
MOST_THREADS = 8
#: A vendor that is out of reach, or does not show what it took, is waited for so long.
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Outcome:
    """What became of one account's queue. `trouble` says why it does not go on."""

    account: ConnectedAccount
    delivered: int
    failed: int
    needs_check: int
    waiting: int
    trouble: str = ""

    def __str__(self) -> str:
        waiting = f", {self.waiting} waiting" if self.waiting else ""
        return (
            f"{self.account.name}: {self.delivered} delivered, {self.failed} failed, "
            f"{self.needs_check} needs check{waiting}."
        )


@dataclass(frozen=True)
class _Standing:
    """What an account still has to do by itself, and from when on (None = nothing)."""

    due: datetime | None
    trouble: str = ""


# -- pushing ---------------------------------------------------------------------------


def push_accounts(
    accounts: Sequence[ConnectedAccount],
    *,
    transport: Transport,
    until_empty: bool = False,
    timeout: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Outcome]:
    """Send what is due in these accounts; return how each of them ended.

    With `until_empty` it goes on until nothing is queued, under way or looked up by
    itself any more, with `PATIENCE` for a vendor that is out of reach. An account whose
    gate is shut is left with its trouble while the others are finished; so are all
    after `timeout` seconds.
    """
    began, ends = timezone.now(), time.monotonic() + (timeout or float("inf"))
    ids = [account.pk for account in accounts]
    while True:
        sweeping.recover(timezone.now())
        sweeping.give_up(timezone.now())
        _one_round(ids, transport=transport, seconds_left=ends - time.monotonic())
        standings = {pk: _standing(pk, until_empty=until_empty) for pk in ids}
        dues = [s.due for s in standings.values() if s.due is not None]
        if not dues:
            break
        nap = (min(dues) - timezone.now()).total_seconds()
        left = ends - time.monotonic()
        if left <= 0:
            break
        sleep(min(max(nap, SHORTEST_NAP), LONGEST_NAP, left))
    return [_outcome(pk, standings[pk], began, timeout) for pk in ids]


def _one_round(
    account_ids: Sequence[int], *, transport: Transport, seconds_left: float
) -> None:
    """Give every account a turn, side by side: none waits for another one's vendor."""
    turn = min(TURN.total_seconds(), max(seconds_left, 0.0))
    until = timezone.now() + timedelta(seconds=turn)

    def work(account_id: int) -> None:
        push_account(account_id, transport=transport, until=until)
        reconcile_account(account_id, transport=transport)

    def work_in_thread(account_id: int) -> None:
        try:
            work(account_id)
        finally:
            connections.close_all()

    if len(account_ids) == 1:
        work(account_ids[0])
        return
    with ThreadPoolExecutor(MOST_THREADS) as pool:
        list(pool.map(work_in_thread, account_ids))


def _standing(account_id: int, *, until_empty: bool) -> _Standing:
    account = ConnectedAccount.objects.select_related("team").get(pk=account_id)
    now = timezone.now()
    pushes = Push.objects.filter(account=account_id)
    looked_up = Q(state=State.ACCEPTED, sent_at__gte=now - PATIENCE) | Q(
        state=State.NEEDS_CHECK, ask_person=False, left_at=None
    )
    found = pushes.aggregate(
        queued=Count("pk", filter=Q(state=State.QUEUED, paused=False)),
        paused=Count("pk", filter=Q(state=State.QUEUED, paused=True)),
        lease=Min("lease_until", filter=Q(state__in=[State.CLAIMED, State.SENDING])),
        look=Min("look_at", filter=looked_up & Q(kind=Push.Kind.CREATE)),
    )
    trouble = _trouble(account, found["queued"] > 0 or found["look"] is not None)
    if found["paused"] and not trouble:
        trouble = "has tasks of a paused batch"
    down = account.trouble_since is not None and now - account.trouble_since > PATIENCE
    if account.state == Gate.TROUBLE and down:
        return _Standing(None, trouble)
    shut = account.state in (Gate.NEEDS_NEW_KEY, Gate.PAUSED)
    first = None if shut else pushes.in_line().aggregate(at=Min("not_before"))["at"]
    look = None if account.state == Gate.NEEDS_NEW_KEY else found["look"]
    if not until_empty:
        held = account.held_until is not None and account.held_until > now
        return _Standing(
            first if first and first <= now and not held else None, trouble
        )
    held_until = account.held_until or now
    moments = [max(at, held_until) for at in (first, look) if at is not None]
    if found["lease"] is not None:
        moments.append(found["lease"])
    return _Standing(min(moments, default=None), trouble)


def _trouble(account: ConnectedAccount, has_work: bool) -> str:
    """Return why the queue of this account does not move, '' where it does."""
    if not has_work:
        return ""
    since = f"{account.state_since.astimezone(account.team.zone):%d %b %H:%M}"
    if account.state == Gate.NEEDS_NEW_KEY:
        return f"needs a new key since {since}"
    if account.state == Gate.PAUSED:
        return f"is paused since {since}"
    if account.state == Gate.TROUBLE:
        return f"is in trouble since {since} ({account.state_reason.rstrip('.')})"
    return ""


def _outcome(
    account_id: int, standing: _Standing, began: datetime, timeout: float | None
) -> Outcome:
    account = ConnectedAccount.objects.get(pk=account_id)
    counts = Push.objects.filter(account=account_id).aggregate(
        delivered=Count("pk", filter=Q(state=State.DELIVERED, updated_at__gte=began)),
        failed=Count("pk", filter=Q(state=State.FAILED, updated_at__gte=began)),
        needs_check=Count("pk", filter=Q(state=State.NEEDS_CHECK)),
        waiting=Count(
            "pk",
            filter=Q(
                state__in=[
                    State.QUEUED,
                    State.CLAIMED,
                    State.SENDING,
                    State.ACCEPTED,
                ]
            ),
        ),
    )
    trouble = standing.trouble
    if standing.due is not None and not trouble:
        trouble = f"was not finished within {timeout:g} seconds"
    return Outcome(account, trouble=trouble, **counts)


# -- syncing ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """How a reading of one account ended. `error` is a sentence, '' for a success."""

    account: ConnectedAccount
    run: SyncRun | None
    error: str = ""

    def __str__(self) -> str:
        if self.error or self.run is None:
            return f"{self.account.name}: {self.error}"
        read, changed = self.run.tasks_read, self.run.tasks_changed
        tasks = "1 task" if read == 1 else f"{read} tasks"
        new = self.run.tasks_brought_in
        made_there = f", {new} new from there" if new else ""
        return f"{self.account.name}: {tasks} read, {changed} changed{made_there}."


def sync_now(
    account: ConnectedAccount,
    *,
    transport: Transport,
    timeout: float | None = None,
    all_of_it: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Reading:
    """Read this account now; return how that ended. Never raises `VendorError`.

    Types and people are read with it where that is a day ago, or with `all_of_it`.
    """
    if account.state == Gate.NEEDS_NEW_KEY:
        return Reading(account, None, "It needs a new key and was not read.")
    ends = time.monotonic() + (timeout or float("inf"))
    try:
        read = read_now if all_of_it else read_stale
        read(account, transport=transport)
    except (VendorError, Saturated) as error:
        return Reading(account, None, str(error))
    run = request_sync(account)
    while True:
        sync_account(account.pk, transport=transport)
        run.refresh_from_db()
        if run.state == SyncRun.State.DONE:
            return Reading(account, run)
        if run.state == SyncRun.State.FAILED:
            return Reading(account, run, run.error)
        if time.monotonic() >= ends:
            return Reading(account, run, f"It was not read within {timeout:g} seconds.")
        # Another process is at it, or the rate of this account is used up.
        sleep(1.0)
