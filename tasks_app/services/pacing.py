"""One limiter per account, shared by all processes through the account's pacing row.

A permit is a moment at which one call may begin. For a limit of few calls the row
keeps the moments of the last calls, so that it holds in any sliding window; for a
limit of many (over 200 calls) it keeps counts per fiftieth of the window and counts
a slice that is only partly inside as if it were wholly inside.

Every window is widened by MARGIN, and a permit must be used within LATE of its moment.
A process that wakes later moves its permit to the present, which is safe as long as no
later permit has been given out on the strength of the old moment; else it throws the
permit away. A call that was slow on its way (`arrived`) moves its moment afterwards.
All this costs a little of the rate, never the limit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from tasks_app.models import AccountPace, ConnectedAccount

from .gate import rate_factor

#: Seconds by which every window is widened, and by which a call may begin late. What
#: is between them is for the way to the vendor, whose clock decides.
MARGIN = 0.2
LATE = 0.08
#: A call counts as this much later at the most, seconds.
LONGEST_WAY = 0.5
#: Above so many calls a limit is counted in slices.
LOGGED = 200
SLICES = 50


class Saturated(Exception):
    """No permit within the time given; `seconds` until one is free."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The next call is free in {seconds:.1f} s.")
        self.seconds = seconds


@dataclass(frozen=True)
class Budget:
    """What of an account's tightest limit is in use: calls in the last `seconds`."""

    used: int
    allowed: int
    seconds: float
    free_in: float  # seconds until the next call may go


@dataclass(frozen=True)
class Permit:
    """A call may begin `wait` seconds after `taken` (monotonic clock).

    `at` is the same moment in epoch seconds of the database's clock.
    """

    at: float
    wait: float
    taken: float

    def late(self) -> bool:
        """Return whether its moment is over."""
        return time.monotonic() - self.taken > self.wait + LATE


def acquire(
    account: ConnectedAccount,
    *,
    max_wait: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Permit:
    """Wait for a permit and return it; raise `Saturated` if that takes too long.

    Never call it inside a transaction: it sleeps. The caller makes its call at once,
    or calls `renew` first when anything came between.
    """
    permit = reserve(account, max_wait=max_wait)
    wait_for(permit, sleep)
    return renew(account, permit, max_wait=max_wait, sleep=sleep)


def renew(
    account: ConnectedAccount,
    permit: Permit,
    *,
    max_wait: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Permit:
    """Return a permit that is good now: this one, moved, or another one.

    Raise `Saturated` where another one takes too long.
    """
    while permit.late():
        permit = reserve(account, max_wait=max_wait, instead_of=permit)
        wait_for(permit, sleep)
    return permit


#: The quickest answer of each account in this process, in seconds.
_quickest: dict[int, float] = {}


def arrived(account: ConnectedAccount, permit: Permit, began: float) -> None:
    """Let a call that was just answered count from when the vendor may have seen it.

    `began` is when it was handed to the transport (monotonic clock). Beyond what the
    quickest answer took, the time may have passed on the way there.
    """
    ended = time.monotonic()
    quickest = min(_quickest.get(account.pk, LONGEST_WAY), ended - began)
    _quickest[account.pk] = quickest
    late = min(ended - (permit.taken + permit.wait) - quickest, LONGEST_WAY)
    if late <= LATE:
        return
    with transaction.atomic():
        pace, _ = locked_pace(account.pk)
        if permit.at not in pace.log:
            return
        pace.log = [*pace.log]
        pace.log.remove(permit.at)
        pace.log = sorted([*pace.log, round(permit.at + late, 4)])
        store(pace)


def wait_for(permit: Permit, sleep: Callable[[float], None]) -> None:
    left = permit.wait - (time.monotonic() - permit.taken)
    if left > 0:
        sleep(left)


#: Accounts whose next call had to wait when this process last asked.
_tight: set[int] = set()


def is_tight(account: ConnectedAccount) -> bool:
    """Return whether a permit for this account had to be waited for just now."""
    return account.pk in _tight


def reserve(
    account: ConnectedAccount, *, max_wait: float, instead_of: Permit | None = None
) -> Permit:
    """Take the next free moment of this account; raise `Saturated` beyond `max_wait`.

    A moment of `instead_of` that is still in the row is given back in exchange: being
    there means that no later permit was given out because it had passed. The row stays
    locked until the caller's transaction ends, so take a permit last in it.
    """
    limits = limits_of(account)
    with transaction.atomic(savepoint=False):
        pace, now = locked_pace(account.pk)
        taken = time.monotonic()
        if instead_of is not None and instead_of.at in pace.log:
            pace.log = [*pace.log]
            pace.log.remove(instead_of.at)
        at = next_free(pace, limits, now)
        (_tight.add if at > now else _tight.discard)(account.pk)
        if at - now > max_wait:
            raise Saturated(at - now)
        at = round(at, 4)
        note_call(pace, limits, at)
        store(pace)
    return Permit(at=at, wait=max(0.0, at - now), taken=taken)


def limits_of(account: ConnectedAccount) -> list[tuple[int, float]]:
    """Return the limits in force as (calls, seconds), fewer just after an outage and
    while the vendor is busy."""
    factor = rate_factor(account)
    return [
        scaled(calls, seconds, factor) for calls, seconds in account.effective_rates()
    ]


def scaled(calls: int, seconds: float, factor: float) -> tuple[int, float]:
    """Return a share of a limit. Below one call its window grows; a limit that is
    counted in slices stays one, because its calls are in no log."""
    if calls > LOGGED:
        return max(LOGGED + 1, int(calls * factor)), seconds
    if calls * factor >= 1:
        return int(calls * factor), seconds
    return 1, seconds / (calls * factor)


def locked_pace(account_id: int) -> tuple[AccountPace, float]:
    """Return the pacing row, locked, and the time in epoch seconds once it is."""
    lock, clock = "", "0"
    if connection.vendor == "postgresql":
        # Outside of the subquery: read after the wait for the lock, not before it.
        lock, clock = "FOR UPDATE", "extract(epoch FROM clock_timestamp())"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT p.log, p.buckets, {clock} FROM (
                    SELECT log, buckets FROM baton_accountpace
                     WHERE account_id = %s {lock}) AS p""",  # noqa: S608 - our words
            [account_id],
        )
        row = cursor.fetchone()
    if row is None:
        AccountPace.objects.bulk_create(
            [AccountPace(account_id=account_id)], ignore_conflicts=True
        )
        return locked_pace(account_id)
    pace = AccountPace(account_id, json.loads(row[0]), json.loads(row[1]))
    return pace, now_by(row[2])


def now_by(told: float) -> float:
    """Return one clock for all hosts: the database's. SQLite, which tells 0, is one host
    anyway."""
    return float(told) or time.time()


def store(pace: AccountPace) -> None:
    """Write the pacing row back; plain SQL, because every call does it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE baton_accountpace SET log = %s, buckets = %s WHERE account_id = %s",
            [json.dumps(pace.log), json.dumps(pace.buckets), pace.account_id],
        )


def next_free(pace: AccountPace, limits: list[tuple[int, float]], now: float) -> float:
    """Return the first moment from `now` on at which all limits allow a call."""
    at = now
    for calls, seconds in limits:
        if calls <= LOGGED:
            if len(pace.log) >= calls:
                at = max(at, pace.log[-calls] + seconds + MARGIN)
            continue
        width = seconds / SLICES
        counts = pace.buckets.get(name_of(calls, seconds), {})
        slices = sorted((int(index), count) for index, count in counts.items())
        total = sum(
            count for index, count in slices if (index + 1) * width > at - seconds
        )
        for index, count in slices:
            if total < calls:
                break
            leaves = (index + 1) * width + seconds + MARGIN
            if leaves > at:
                at, total = leaves, total - count
    return at


def note_call(pace: AccountPace, limits: list[tuple[int, float]], at: float) -> None:
    """Write a call at this moment into the row and forget what no limit needs."""
    longest = max((calls for calls, _ in limits if calls <= LOGGED), default=0)
    pace.log = sorted([*pace.log, at])[-longest:] if longest else []
    kept = {}
    for calls, seconds in limits:
        if calls <= LOGGED:
            continue
        width = seconds / SLICES
        counts = dict(pace.buckets.get(name_of(calls, seconds), {}))
        index = str(int(at / width))
        counts[index] = counts.get(index, 0) + 1
        oldest = at - seconds - 2 * width
        kept[name_of(calls, seconds)] = {
            key: count for key, count in counts.items() if int(key) * width > oldest
        }
    pace.buckets = kept


def name_of(calls: int, seconds: float) -> str:
    return f"{seconds:g}"


def budget(account: ConnectedAccount, pace: AccountPace | None = None) -> Budget:
    """Return the use of the tightest limit just now, without taking a permit.

    `pace` is the account's row where the caller has read it already.
    """
    limits = limits_of(account)
    if pace is None:
        pace = AccountPace.objects.filter(pk=account.pk).first()
    if pace is None:
        pace = AccountPace(account=account)
    now = time.time()
    shares = []
    for calls, seconds in limits:
        if calls <= LOGGED:
            used = sum(1 for moment in pace.log if moment > now - seconds)
        else:
            width = seconds / SLICES
            counts = pace.buckets.get(name_of(calls, seconds), {})
            used = sum(
                count
                for index, count in counts.items()
                if (int(index) + 1) * width > now - seconds
            )
        shares.append((used / calls, used, calls, seconds))
    _, used, calls, seconds = max(shares)
    return Budget(used, calls, seconds, max(0.0, next_free(pace, limits, now) - now))


def seconds_for(account: ConnectedAccount, calls: int) -> float:
    """Return how long this many further calls take at the account's rates, at best."""
    longest = 0.0
    for allowed, seconds in limits_of(account):
        rounds = max(0, -(-calls // allowed) - 1)
        longest = max(longest, rounds * (seconds + MARGIN))
    return longest


def held_seconds(account: ConnectedAccount) -> float:
    """Return how long the vendor still wants quiet, in seconds."""
    if account.held_until is None:
        return 0.0
    left: timedelta = account.held_until - timezone.now()
    return max(0.0, left.total_seconds())
