"""What may or may not exist at a vendor, as a person who settles it reads it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange, Push, Team

from .copies import unsettled

State = Push.State
LOOK = "look"


@dataclass(frozen=True)
class Unclear:
    """One push that needs a check: what was sent, what looking for it has shown.

    `looks` counts the times it was looked for; `look_error` is the last one's trouble.
    """

    push: Push
    sent: Exchange | None
    looks: int = 0
    looked_at: datetime | None = None
    look_error: str = ""

    @property
    def is_create(self) -> bool:
        return self.push.kind == Push.Kind.CREATE

    @property
    def was_absent(self) -> bool:
        return self.push.absent_reads > 0

    @property
    def next_look(self) -> datetime | None:
        """When it is looked for again, None where that is due or nobody looks."""
        at = self.push.look_at
        return at if at is not None and at > timezone.now() else None

    @property
    def home_url(self) -> str:
        """Where a person looks it up at the vendor, '' where nobody knows."""
        return self.push.account.adapter_class.home_url

    @property
    def disconnected(self) -> bool:
        return self.push.account.deleted_at is not None

    @property
    def request_text(self) -> str:
        """Return what was sent, keys removed, '' where nothing was kept."""
        if self.sent is None or self.sent.request_body is None:
            return ""
        return json.dumps(self.sent.request_body, indent=2, ensure_ascii=False)


def unclear_pushes(team: Team) -> QuerySet[Push]:
    """Return the team's pushes that need a check, those for a person first."""
    return (
        Push.objects.filter(account__team=team)
        .filter(state__in=[State.NEEDS_CHECK, State.ACCEPTED])
        .filter(Q(state=State.NEEDS_CHECK) | Q(ask_person=True))
        .order_by(
            "account__name",
            "account_id",
            F("left_at").asc(nulls_first=True),
            "-ask_person",
            "sent_at",
            "pk",
        )
    )


def to_settle(team: Team) -> dict[str, QuerySet[Any]]:
    """Return all that a lead may have to settle, whoever counts it: `pushes` without a
    clear answer, and second `copies`."""
    return {"pushes": unclear_pushes(team), "copies": unsettled(team)}


def unclear_accounts(team: Team) -> list[ConnectedAccount]:
    """Return the accounts with such pushes or with second copies, each with its
    `unclear` count of both."""
    counts: Counter[int] = Counter()
    for rows in to_settle(team).values():
        alike = rows.order_by().values("account").annotate(count=Count("pk"))
        counts.update(dict(alike.values_list("account", "count")))
    accounts = list(
        ConnectedAccount.objects.filter(pk__in=list(counts))
        .defer("credentials")
        .order_by("name", "pk")
    )
    for account in accounts:
        account.unclear = counts[account.pk]  # type: ignore[attr-defined]
    return accounts


def with_evidence(pushes: QuerySet[Push]) -> QuerySet[Push]:
    """Fetch with each push all that `read_unclear` needs, in two queries."""
    calls = Exchange.objects.defer("response_body").order_by("began_at", "pk")
    return (
        pushes.select_related(
            "account", "task", "task__prospect", "task__type", "task__assignee"
        )
        .defer("account__credentials", "task__search_text")
        .prefetch_related(Prefetch("exchanges", calls, to_attr="calls"))
    )


def read_unclear(pushes: Iterable[Push]) -> list[Unclear]:
    """Return these pushes, fetched by `with_evidence`, with their evidence."""
    found = []
    for push in pushes:
        calls: list[Exchange] = push.calls  # type: ignore[attr-defined]
        sent = [call for call in calls if call.purpose != LOOK]
        looks = [call for call in calls if call.purpose == LOOK]
        last = looks[-1] if looks else None
        found.append(
            Unclear(
                push,
                sent[-1] if sent else None,
                looks=len({call.attempt_id for call in looks}),
                looked_at=last.began_at if last else None,
                look_error=last.error if last else "",
            )
        )
    return found
