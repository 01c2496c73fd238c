"""How a team's accounts stand, read for all of them in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    Count,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import TruncHour
from django.utils import timezone

from tasks_app.models import (
    AccountPace,
    ConnectedAccount,
    Membership,
    Push,
    SyncRun,
    Task,
    Team,
)

from .gate import slow_factor
from .glance import waits_there
from .pacing import Budget, budget, held_seconds, seconds_for

State = Push.State
Gate = ConnectedAccount.State
HOURS = 24


@dataclass(frozen=True)
class Hour:
    """Tasks that were created in one hour, by what has become of them."""

    delivered: int = 0
    failed: int = 0


@dataclass
class AccountHealth:
    """One account as its page shows it. `word` is the key of its badge:

    `well limit held slowed late untested needs_new_key paused trouble`. `share` is
    what its vendor's business left of its rate, 0 to 1.
    """

    account: ConnectedAccount
    budget: Budget
    queued: int = 0
    #: Queued tasks of paused batches, which are none of those.
    paused: int = 0
    under_way: int = 0
    needs_check: int = 0
    next_at: datetime | None = None
    #: Seconds until the queue is empty at this account's rate, at best.
    empty_in: float = 0.0
    hours: list[Hour] = field(default_factory=list)
    run: SyncRun | None = None
    sync_late: bool = False
    share: float = 1.0

    @property
    def slowed(self) -> bool:
        return self.share < 1

    @property
    def delivered(self) -> int:
        return sum(hour.delivered for hour in self.hours)

    @property
    def failed(self) -> int:
        return sum(hour.failed for hour in self.hours)

    @property
    def reading(self) -> bool:
        """A reading was asked for or is under way."""
        return self.run is not None and self.run.state in (
            SyncRun.State.WAITING,
            SyncRun.State.RUNNING,
        )

    @property
    def gate_shut(self) -> bool:
        return self.account.state in (Gate.NEEDS_NEW_KEY, Gate.PAUSED)

    @property
    def held_until(self) -> datetime | None:
        held = held_seconds(self.account) > 0
        return self.account.held_until if held else None

    @property
    def word(self) -> str:
        if self.account.state != Gate.CONNECTED:
            return str(self.account.state)
        if self.held_until:
            return "held"
        if self.account.checked_at is None:
            return "untested"
        if self.slowed:
            return "slowed"
        if self.queued and self.budget.used >= self.budget.allowed:
            return "limit"
        return "late" if self.sync_late else "well"


def healths(
    accounts: QuerySet[ConnectedAccount], team: Team, now: datetime | None = None
) -> list[AccountHealth]:
    """Return how these accounts of the team stand, those that need somebody first."""
    now = now or timezone.now()
    open_tasks = Task.objects.filter(
        account=OuterRef("pk"), status__in=Task.UNFINISHED
    ).exclude(external_id="")
    runs = SyncRun.objects.filter(account=OuterRef("pk")).order_by("-pk")
    rows = list(
        accounts.select_related("paused_by")
        .defer("credentials")
        .annotate(has_open=Exists(open_tasks), run_id=Subquery(runs.values("pk")[:1]))
        .order_by("name", "pk")
    )
    for account in rows:
        account.team = team
    ids = [account.pk for account in rows]
    paces = AccountPace.objects.in_bulk(ids)
    last_runs = SyncRun.objects.in_bulk([a.run_id for a in rows if a.run_id])
    queues = _queues(ids)
    hours = _hours(team, ids, now)
    result = [
        _health(
            account,
            paces.get(account.pk) or AccountPace(account=account),
            last_runs.get(account.run_id),
            queues.get(account.pk, {}),
            hours[account.pk],
            now,
        )
        for account in rows
    ]
    rank = {word: place for place, word in enumerate(WORST_FIRST)}
    return sorted(result, key=lambda health: rank[health.word])


WORST_FIRST = (
    "needs_new_key",
    "trouble",
    "held",
    "slowed",
    "late",
    "paused",
    "limit",
    "untested",
    "well",
)


def _health(
    account: Any,
    pace: AccountPace,
    run: SyncRun | None,
    queue: dict[str, Any],
    hours: list[Hour],
    now: datetime,
) -> AccountHealth:
    wanted = account.has_open or account.bring_in
    health = AccountHealth(
        account,
        budget(account, pace),
        queued=queue.get("queued", 0),
        paused=queue.get("paused", 0),
        under_way=queue.get("under_way", 0) + queue.get("accepted", 0),
        needs_check=queue.get("needs_check", 0),
        next_at=queue.get("next_at"),
        hours=hours,
        share=slow_factor(account, now),
        run=run,
        sync_late=bool(wanted and is_late(account, run, now)),
    )
    if health.queued:
        calls = queue["single"] + _calls(account, queue["grouped"], queue["groups"])
        wait = max(health.budget.free_in, held_seconds(account))
        health.empty_in = wait + seconds_for(account, calls)
    return health


def patience() -> timedelta:
    """Return how old statuses may be before everybody is told."""
    return timedelta(seconds=3 * settings.SYNC_EVERY)


def is_late(account: ConnectedAccount, run: SyncRun | None, now: datetime) -> bool:
    """Return whether the statuses are old, or were never read though that was tried."""
    if account.synced_at is None:
        return run is not None and run.state == SyncRun.State.FAILED
    return now - account.synced_at > patience()


def worrying_accounts(member: Membership, now: datetime) -> list[ConnectedAccount]:
    """Return accounts that everybody is told of on every page, in one query or two.

    Those that need a key or are in trouble, and those whose open tasks were last read
    long ago. `account.waits` says whether a task that this member sees waits for it.
    """
    shut = Q(state__in=[Gate.NEEDS_NEW_KEY, Gate.TROUBLE])
    read_long_ago = Q(state=Gate.CONNECTED, synced_at__lt=now - patience())
    rows = ConnectedAccount.objects.of_team(member.team).filter(shut | read_long_ago)
    # On most days there is none, and nothing more is asked.
    found = list(rows.values_list("pk", flat=True))
    if not found:
        return []
    open_tasks = Task.objects.filter(
        account=OuterRef("pk"), status__in=Task.UNFINISHED
    ).exclude(external_id="")
    return list(
        ConnectedAccount.objects.filter(pk__in=found)
        .annotate(waits=waits_there(member))
        .filter(shut | Q(bring_in=True) | Exists(open_tasks))
        .defer("credentials")
    )


def _calls(account: ConnectedAccount, pushes: int, groups: int) -> int:
    """Return how many calls pushes that may share one need, at most."""
    limit = account.adapter_class.create_limit
    return max(groups, -(-pushes // limit) + max(groups - 1, 0)) if pushes else 0


def _queues(account_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what is unsettled, by account. Each query has an index of its own."""
    pushes = Push.objects.filter(account__in=account_ids).order_by()
    parts: list[Any] = [
        pushes.filter(state=State.QUEUED, paused=False)
        .values("account")
        .annotate(
            queued=Count("pk"),
            next_at=Min("not_before"),
            single=Count("pk", filter=Q(group_key="")),
            grouped=Count("pk", filter=~Q(group_key="")),
            groups=Count("group_key", distinct=True, filter=~Q(group_key="")),
        ),
        pushes.filter(state=State.QUEUED, paused=True)
        .values("account")
        .annotate(paused=Count("pk")),
        pushes.filter(state__in=[State.CLAIMED, State.SENDING])
        .values("account")
        .annotate(under_way=Count("pk")),
        pushes.filter(state__in=[State.NEEDS_CHECK, State.ACCEPTED])
        .values("account")
        .annotate(
            needs_check=Count("pk", filter=Q(state=State.NEEDS_CHECK)),
            accepted=Count("pk", filter=Q(state=State.ACCEPTED)),
        ),
    ]
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for part in parts:
        for row in part:
            found[row["account"]] |= row
    return found


def _hours(
    team: Team, account_ids: Sequence[int], now: datetime
) -> dict[int, list[Hour]]:
    """Return the last 24 hours by account, oldest first."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    # By team and creation, because that is what an index stands behind.
    rows = (
        Task.objects.filter(team=team, created_at__gte=first, origin=Task.Origin.BATON)
        .order_by()
        .annotate(hour=TruncHour("created_at", tzinfo=first.tzinfo))
        .values("account", "hour")
        .annotate(
            delivered=Count("pk", filter=Q(delivery=State.DELIVERED)),
            failed=Count("pk", filter=Q(delivery=State.FAILED)),
        )
    )
    found: dict[int, list[Hour]] = defaultdict(lambda: [Hour()] * HOURS)
    for row in rows:
        place = int((row["hour"] - first).total_seconds() // 3600)
        if row["account"] in account_ids and 0 <= place < HOURS:
            hours = list(found[row["account"]])
            hours[place] = Hour(row["delivered"], row["failed"])
            found[row["account"]] = hours
    return found
