"""The gate in front of an account's queue: pauses, refused keys, rate limits, outages.

These are the account's state and never a task's: while the gate is shut its pushes
stay `queued`, nothing is lost and nothing counts as a try.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tasks_app.models import ConnectedAccount
from tasks_app.vendors.errors import (
    FORBIDDEN,
    CredentialsRejected,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
    UnreadableResponse,
    VendorError,
)

State = ConnectedAccount.State

#: The breaker opens after so many unreachable or failing calls in a row.
BREAKER_AFTER = 5
#: Web pages and other answers that nobody can read: what stands there is no API.
UNREADABLE_AFTER = 3
FIRST_HOLD = 30.0  # seconds, doubled up to
LONGEST_HOLD = 600.0
#: Without a time from the vendor a first 429 holds the account this long, seconds.
BUSY_HOLD = 5.0
#: After an outage of this length the rate climbs back over RAMP instead of jumping.
LONG_OUTAGE = timedelta(minutes=10)
RAMP = timedelta(minutes=5)
#: So many such answers in a row: not the pace is wrong, a quota is used up.
BUSY_ROW = 5
#: Shares of the rate: the least, what is added each minute, and where the climb stops
#: for a while, as a share of the rate at which the vendor had enough.
SLOWEST = 0.05
CLIMB = 0.05
JUST_BELOW = 0.95
JUST_BELOW_FOR = timedelta(hours=1)
#: A refused key is tried by one harmless read so often.
TRY_KEY_EVERY = timedelta(minutes=15)
COLUMNS = [
    "state",
    "state_reason",
    "state_since",
    "paused_by",
    "checked_at",
    "held_until",
    "held_reason",
    "trouble_count",
    "trouble_since",
    "ramp_from",
    "asked_until",
    "busy_count",
    "slowed_at",
    "slowed_to",
    "slowed_most",
    "try_key_at",
    "deleted_at",
]


def is_open(account: ConnectedAccount, now: datetime | None = None) -> bool:
    """Return whether this account's queue may move now, as its row says."""
    now = now or timezone.now()
    return (
        account.deleted_at is None
        and account.state in (State.CONNECTED, State.TROUBLE)
        and (account.held_until is None or account.held_until <= now)
    )


@dataclass(frozen=True)
class Standing:
    """What a conversation with a vendor rests on, and until when it wants no call."""

    version: int
    connected: bool
    refused: bool
    asked_until: datetime | None

    def lost_since(self, before: Standing) -> bool:
        """Return whether the account was disconnected since, or its key replaced or
        refused."""
        return (
            self.version != before.version
            or (before.connected and not self.connected)
            or (self.refused and not before.refused)
        )

    def quiet_for(self) -> float:
        """Return for how many seconds the vendor still wants no call."""
        if self.asked_until is None:
            return 0.0
        return (self.asked_until - timezone.now()).total_seconds()


def standing(account: ConnectedAccount) -> Standing:
    """Return how this account stands, as the row in hand says."""
    return Standing(
        account.credentials_version,
        account.deleted_at is None,
        account.state == State.NEEDS_NEW_KEY,
        account.asked_until,
    )


def standing_now(account: ConnectedAccount) -> Standing:
    """Return how this account stands in the database."""
    rows = ConnectedAccount.objects.only(
        "credentials_version", "deleted_at", "state", "asked_until"
    )
    fresh = rows.filter(pk=account.pk).first()
    return standing(fresh or account)


def still_open(account: ConnectedAccount) -> bool:
    """Return whether the gate is open in the database, for the key we hold."""
    condition, values = open_sql(account)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 WHERE {condition}", values)
        return cursor.fetchone() is not None


def open_sql(account: ConnectedAccount) -> tuple[str, list[Any]]:
    """Return `still_open` as a condition of another statement, and its values.

    The same as `AccountQuerySet.open_gate`, for this account and key.
    """
    return (
        """EXISTS (SELECT 1 FROM baton_connectedaccount AS g
                    WHERE g.id = %s AND g.credentials_version = %s
                      AND g.deleted_at IS NULL AND g.state IN (%s, %s)
                      AND (g.held_until IS NULL OR g.held_until <= %s))""",
        [
            account.pk,
            account.credentials_version,
            State.CONNECTED,
            State.TROUBLE,
            connection.ops.adapt_datetimefield_value(timezone.now()),
        ],
    )


def shut(
    account: ConnectedAccount,
    state: str,
    reason: str,
    *,
    by_id: int | None = None,
    try_key_at: datetime | None = None,
) -> bool:
    """Shut the gate with a reason; return whether it was open before.

    A refused key counts only for the key that was used: one that has been replaced
    meanwhile shuts nothing. `try_key_at` is when a read tries that key next.
    """
    rows = ConnectedAccount.objects.filter(pk=account.pk).exclude(state=state)
    if state == State.NEEDS_NEW_KEY:
        rows = rows.filter(credentials_version=account.credentials_version).exclude(
            state=State.PAUSED
        )
    changed = rows.update(
        state=state,
        state_reason=reason,
        state_since=timezone.now(),
        paused_by_id=by_id,
        try_key_at=try_key_at,
    )
    if changed:
        _end_hold(ConnectedAccount.objects.filter(pk=account.pk), timezone.now())
    _refresh(account)
    return bool(changed)


def reopen(account: ConnectedAccount) -> None:
    """Open the gate again, whatever had shut it.

    The time that the vendor asked for goes on: it is not ours to end.
    """
    now = timezone.now()
    rows = ConnectedAccount.objects.filter(pk=account.pk)
    rows.update(
        state=State.CONNECTED,
        state_reason="",
        state_since=now,
        paused_by=None,
        trouble_count=0,
        trouble_since=None,
        try_key_at=None,
    )
    _end_hold(rows, now)
    _refresh(account)


def _end_hold(rows: QuerySet[ConnectedAccount], now: datetime) -> None:
    """End a hold of ours; one that the vendor asked for stands."""
    asked = rows.filter(asked_until__gt=now)
    if not asked.update(held_until=F("asked_until")):
        rows.update(held_until=None, held_reason="")


def _refresh(account: ConnectedAccount) -> None:
    """Read the gate's columns anew, and no others.

    A key that was replaced meanwhile must not look like the one this process uses.
    """
    account.refresh_from_db(fields=COLUMNS)


def hold(account: ConnectedAccount, until: datetime, reason: str) -> None:
    """Hold the whole account until then; a longer hold that stands is kept."""
    ConnectedAccount.objects.filter(pk=account.pk).filter(
        Q(held_until=None) | Q(held_until__lt=until)
    ).update(held_until=until, held_reason=reason)
    account.refresh_from_db(fields=["held_until", "held_reason"])


def note_success(account: ConnectedAccount) -> None:
    """The vendor answered as it should: the key works and trouble is over."""
    now = timezone.now()
    fresh = account.checked_at and now - account.checked_at < timedelta(seconds=60)
    calm = not (account.trouble_count or account.busy_count)
    if fresh and account.state == State.CONNECTED and calm:
        return
    ramp = account.ramp_from
    if account.trouble_since and now - account.trouble_since > LONG_OUTAGE:
        ramp = now
    rows = ConnectedAccount.objects.filter(
        pk=account.pk, credentials_version=account.credentials_version
    )
    rows.update(
        checked_at=now,
        trouble_count=0,
        trouble_since=None,
        busy_count=0,
        ramp_from=ramp,
    )
    troubled = rows.filter(state=State.TROUBLE)
    if account.state == State.TROUBLE and troubled.exists():
        _end_hold(troubled, now)
        troubled.update(state=State.CONNECTED, state_reason="", state_since=now)
    _refresh(account)


def note_key_works(account: ConnectedAccount) -> bool:
    """A read was answered for a key that had been refused; return whether this key is
    still the account's and its gate was shut for it."""
    ours = ConnectedAccount.objects.filter(
        pk=account.pk,
        state=State.NEEDS_NEW_KEY,
        credentials_version=account.credentials_version,
    )
    if not ours.exists():
        return False
    reopen(account)
    return True


def note_error(account: ConnectedAccount, error: VendorError) -> None:
    """Let what went wrong act on the account."""
    now = timezone.now()
    if isinstance(error, RateLimited) and error.retry_after is None:
        _slow_down(account, str(error), now)
    elif isinstance(error, RateLimited):
        seconds = (error.retry_after or 0) * random.uniform(1, 1.1)
        until = now + timedelta(seconds=seconds)
        rows = ConnectedAccount.objects.filter(pk=account.pk)
        rows.filter(Q(asked_until=None) | Q(asked_until__lt=until)).update(
            asked_until=until
        )
        hold(account, until, str(error))
    elif isinstance(error, CredentialsRejected):
        # A right that the key lacks is not seen by a read: a person has to act.
        again = None if error.kind == FORBIDDEN else now + TRY_KEY_EVERY
        shut(account, State.NEEDS_NEW_KEY, str(error), try_key_at=again)
    elif isinstance(error, Misconfigured):
        _trouble(account, str(error), now, after=1)
    elif isinstance(error, UnreadableResponse):
        _trouble(account, str(error), now, after=UNREADABLE_AFTER)
    elif isinstance(error, (Unreachable, OutcomeUnknown)):
        _trouble(account, str(error), now, after=BREAKER_AFTER)


def _slow_down(account: ConnectedAccount, reason: str, now: datetime) -> None:
    """The vendor is busy and names no time: wait ever longer, and at half the rate.

    Answers of calls that were under way beside the first one count once.
    """
    _refresh(account)
    if account.held_until is not None and account.held_until > now:
        return
    share = slow_factor(account, now)
    count = account.busy_count + 1
    ConnectedAccount.objects.filter(
        Q(held_until=None) | Q(held_until__lte=now),
        pk=account.pk,
        busy_count=account.busy_count,
    ).update(
        busy_count=count,
        slowed_at=now,
        **slower(share),
        held_until=now + busy_hold(account, count, now),
        held_reason=reason,
    )
    _refresh(account)


def slower(share: float) -> dict[str, float]:
    """Return the columns that a busy answer at this share of the rate sets."""
    return {
        "slowed_to": max(share / 2, SLOWEST),
        "slowed_most": max(share * JUST_BELOW, SLOWEST),
    }


def busy_hold(account: ConnectedAccount, count: int, now: datetime) -> timedelta:
    """Return how long to wait after so many busy answers in a row without a time.

    Twice as long each time; from the fifth on the longest window of the account's
    limits, then ever longer, at most until midnight UTC, when daily quotas begin anew.
    """
    seconds = BUSY_HOLD * 2 ** min(count - 1, 10)
    if count >= BUSY_ROW:
        window = max(seconds for _, seconds in account.effective_rates())
        seconds = max(window, 60.0) * 2 ** min(count - BUSY_ROW, 20)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    left = (midnight + timedelta(days=1) - now).total_seconds()
    return timedelta(
        seconds=max(min(seconds, left), BUSY_HOLD) * random.uniform(1, 1.1)
    )


def _trouble(
    account: ConnectedAccount, reason: str, now: datetime, *, after: int
) -> None:
    """Count a failure; after so many in a row hold the account, ever longer."""
    rows = ConnectedAccount.objects.filter(pk=account.pk)
    rows.update(trouble_count=F("trouble_count") + 1)
    rows.filter(trouble_since=None).update(trouble_since=now)
    _refresh(account)
    over = account.trouble_count - after
    if over < 0:
        return
    rows.filter(state=State.CONNECTED).update(state=State.TROUBLE, state_since=now)
    rows.filter(state=State.TROUBLE).update(state_reason=reason)
    seconds = min(FIRST_HOLD * 2 ** min(max(over, 0), 10), LONGEST_HOLD)
    hold(account, now + timedelta(seconds=seconds), reason)
    _refresh(account)


def rate_factor(account: ConnectedAccount, now: datetime | None = None) -> float:
    """Return the share of its rate that an account may use now, above 0 up to 1."""
    now = now or timezone.now()
    return min(ramp_factor(account, now), slow_factor(account, now))


def slow_factor(account: ConnectedAccount, now: datetime | None = None) -> float:
    """Return the share left after the vendor was busy: it climbs by 5 % a minute.

    For an hour it stays just below where the vendor had enough, so that it comes to
    rest there when that is the vendor's true limit; then it climbs on from there.
    """
    if account.slowed_at is None:
        return 1.0
    passed = (now or timezone.now()) - account.slowed_at
    minute = timedelta(minutes=1)
    share = min(account.slowed_to + CLIMB * (passed / minute), account.slowed_most)
    if passed > JUST_BELOW_FOR:
        share += CLIMB * ((passed - JUST_BELOW_FOR) / minute)
    return max(SLOWEST, min(share, 1.0))


def ramp_factor(account: ConnectedAccount, now: datetime | None = None) -> float:
    """Return the share of its rate an account may use just after an outage, 0.1..1."""
    if account.ramp_from is None:
        return 1.0
    passed = (now or timezone.now()) - account.ramp_from
    return min(1.0, max(0.1, 0.1 + 0.9 * (passed / RAMP)))
