"""What every page's frame counts, in one statement: each part by an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from tasks_app.models import Batch, ConnectedAccount, Membership, Push, Task, Team

from . import batches
from .counting import MOST, Counting
from .unclear import to_settle

Delivery = Task.Delivery
#: As the list's filter says it: `delivery=queued,retrying,sending`.
IN_QUEUE = (Delivery.QUEUED, Delivery.CLAIMED, Delivery.SENDING)


@dataclass(frozen=True)
class Glance:
    """Numbers for one person; beyond `counting.MOST` they mean "more than that"."""

    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def unfinished(self) -> int:
        return self.counts["unfinished"]

    @property
    def batches(self) -> int:
        return self.counts["batches"]

    @property
    def queue(self) -> int:
        return self.counts["queue"]

    @property
    def to_settle(self) -> int:
        return self.counts.get("pushes", 0) + self.counts.get("copies", 0)

    @property
    def paused(self) -> int:
        """How many accounts and batches somebody paused with something to send."""
        return self.counts["paused_accounts"] + self.counts["paused_batches"]


def glance(membership: Membership, unfinished: int | None = None) -> Glance:
    """Return what stands beside the links of the frame.

    Who has counted the `unfinished` already gives their number.
    """
    counting = counting_of(
        membership.team_id, membership.user_id, membership.role, unfinished is None
    )
    return Glance({"unfinished": unfinished or 0} | counting.run())


@lru_cache(maxsize=1024)
def counting_of(team_id: int, user_id: int, role: str, all_of_it: bool) -> Counting:
    """Return the statement for one person, which is the same at every time."""
    team = Team(pk=team_id)
    membership = Membership(team=team, user_id=user_id, role=role)
    tasks = Task.objects.visible_to_member(membership)
    asked: dict[str, QuerySet[Any]] = {
        "batches": Batch.objects.filter(batches.is_moving(tasks)),
        "queue": tasks.filter(delivery__in=IN_QUEUE),
        "paused_accounts": ConnectedAccount.objects.of_team(team).filter(
            waits_there(membership), state=ConnectedAccount.State.PAUSED
        ),
        "paused_batches": batches.with_one_of(
            tasks.filter(delivery=Delivery.QUEUED),
            Batch.objects.filter(team=team, paused_at__isnull=False),
        ),
    }
    if all_of_it:
        asked["unfinished"] = tasks.unfinished()
    if membership.is_lead:
        asked |= to_settle(team)
    return Counting.of(asked, MOST)


def waits_there(membership: Membership) -> Exists:
    """Return whether a task that this person sees waits to be sent, of an account.

    By the account's pushes: among the team's tasks all that wait would be read.
    """
    pushes = Push.objects.filter(
        account=OuterRef("pk"), state=Push.State.QUEUED, kind=Push.Kind.CREATE
    )
    if not membership.is_lead:
        mine = Task.objects.visible_to_member(membership)
        pushes = pushes.filter(Exists(mine.filter(pk=OuterRef("task_id"))))
    return Exists(pushes)
