"""How a batch stands: counts by one query, each outcome, and why some failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.contrib.auth.models import User
from django.db.models import (
    Case,
    Count,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from tasks_app.models import NEVER, Batch, Push, Task, Team

from .delivery import retry_failed, withdraw

Delivery = Task.Delivery
#: In this order states are shown and rows are sorted: what needs a person comes first.
STATES = (
    "needs_check",
    "failed",
    "retrying",
    "sending",
    "accepted",
    "queued",
    "delivered",
    "withdrawn",
)
THROUGH_TO_WAITING = (
    "delivered",
    "failed",
    "needs_check",
    "retrying",
    "accepted",
    "sending",
    "queued",
    "withdrawn",
)
#: Nobody and nothing will change these any more, except a person.
SETTLED = ("delivered", "failed", "withdrawn")
RETRYING = Q(delivery=Delivery.QUEUED, retry_at__isnull=False)
CAUSES = 5
#: How a batch stands, for the list: sending goes on; failed, unclear or paused with
#: something to send; neither.
STANDINGS = ("running", "needs", "done")
NEEDING = (Delivery.FAILED, Delivery.NEEDS_CHECK)
#: So many of the newest batches are counted and paged, and looked into by a search.
MOST = 1000
#: Words of a search beyond these are not looked for.
MOST_WORDS = 5


@dataclass(frozen=True)
class Progress:
    """Tasks of a batch by state, as `STATES` names them."""

    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def shown(self) -> list[tuple[str, int]]:
        """Return (state, number) from what is through to what has not begun."""
        return [(state, self.counts[state]) for state in THROUGH_TO_WAITING]

    @property
    def settled(self) -> int:
        return sum(self.counts[state] for state in SETTLED)

    @property
    def waiting(self) -> int:
        return self.counts["queued"] + self.counts["retrying"]

    @property
    def is_moving(self) -> bool:
        """Return whether Baton still does something about some of them."""
        return self.total > self.settled + self.counts["needs_check"]


@dataclass(frozen=True)
class Cause:
    """Failures that share a sentence."""

    kind: str
    sentence: str
    number: int


def progress_of(tasks: QuerySet[Task]) -> Progress:
    """Return the counts of these tasks, by one query."""
    rows = (
        tasks.order_by()
        .values("delivery")
        .annotate(n=Count("pk"), again=Count("pk", filter=RETRYING))
    )
    return Progress(counted((row["delivery"], row["n"], row["again"]) for row in rows))


def ends_of(tasks: QuerySet[Task]) -> tuple[Task | None, Task | None]:
    """Return the tasks of a batch that are due first and last, None without a date."""
    # By what stands in no index: else PostgreSQL walks along all of the team's tasks
    # until it meets one of the batch.
    dated = tasks.exclude(due_sort=NEVER).alias(end=Coalesce("due_sort", Value(NEVER)))
    return dated.order_by("end", "pk").first(), dated.order_by("-end", "-pk").first()


def progress_of_each(
    batches: Sequence[Batch], tasks: QuerySet[Task]
) -> dict[int, Progress]:
    """Return the counts of several batches by pk, by one query."""
    rows = (
        tasks.filter(batch__in=[batch.pk for batch in batches])
        .order_by()
        .values("batch_id", "delivery")
        .annotate(n=Count("pk"), again=Count("pk", filter=RETRYING))
    )
    by_batch: dict[int, list[tuple[str, int, int]]] = {}
    for row in rows:
        found = (row["delivery"], row["n"], row["again"])
        by_batch.setdefault(row["batch_id"], []).append(found)
    return {b.pk: Progress(counted(by_batch.get(b.pk, []))) for b in batches}


def counted(rows: Iterable[tuple[str, int, int]]) -> dict[str, int]:
    counts = dict.fromkeys(STATES, 0)
    for delivery, number, again in rows:
        state = "sending" if delivery == Delivery.CLAIMED else delivery
        counts[state] += number - again
        counts["retrying"] += again
    return counts


def batches_of(team: Team, tasks: QuerySet[Task], *, sees_all: bool) -> QuerySet[Batch]:
    """Return the team's batches; for somebody who sees some tasks only, theirs."""
    batches = Batch.objects.filter(team=team).select_related(
        "account", "created_by", "paused_by"
    )
    batches = batches.defer("left_out", "account__credentials")
    if not sees_all:
        return with_one_of(tasks, batches)
    return batches


def with_one_of(tasks: QuerySet[Task], batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Return the batches that have one of these tasks.

    One look for each batch: by EXISTS PostgreSQL may read all tasks before the first.
    """
    found = tasks.filter(batch=OuterRef("pk")).order_by().values("pk")[:1]
    return batches.alias(found=Subquery(found)).filter(found__isnull=False)


def newest(team_id: int) -> QuerySet[Batch]:
    """Return the newest batches of a team, `MOST` of them, to look into."""
    rows = Batch.objects.filter(team_id=team_id)
    return rows.order_by("-created_at", "-pk")[:MOST]


def has_older(team: Team) -> bool:
    """Return whether the team has more batches than `newest` holds."""
    return Batch.objects.filter(team=team).order_by()[MOST : MOST + 1].exists()


def search(
    team: Team, batches: QuerySet[Batch], tasks: QuerySet[Task], text: str
) -> QuerySet[Batch]:
    """Return the batches in which every word is found: in the title, the account, who
    created it, or in one of these tasks and its prospect, of the newest batches."""
    looked_in = tasks.filter(batch__in=newest(team.pk).values("pk")).order_by()
    for word in text.split()[:MOST_WORDS]:
        named = looked_in.filter(search_text__contains=word.casefold())
        batches = batches.filter(
            Q(title__icontains=word)
            | Q(account__name__icontains=word)
            | Q(created_by__first_name__icontains=word)
            | Q(created_by__last_name__icontains=word)
            | Q(created_by__username__icontains=word)
            | Q(pk__in=named.values("batch"))
        )
    return batches


def standing(
    batches: QuerySet[Batch], tasks: QuerySet[Task], word: str
) -> QuerySet[Batch]:
    """Return the batches of which one of `STANDINGS` is true; all for another word."""
    found = with_task(batches, tasks, "needs", NEEDING)
    found = with_task(found, tasks, "waiting", [Delivery.QUEUED])
    held = Q(paused_at__isnull=False, waiting__isnull=False)
    if word == "running":
        return found.filter(is_moving(tasks) & ~held)
    if word == "needs":
        return found.filter(Q(needs__isnull=False) | held)
    if word == "done":
        return found.filter(Q(needs=None) & ~is_moving(tasks))
    return batches


def is_moving(tasks: QuerySet[Task]) -> Q:
    """Return what is true of the batches of which one of these tasks still goes out.

    Few tasks do, and an index of their own tells their batches: asked for by the very
    words that it was made with.
    """
    going = reduce(or_, (Q(delivery=state) for state in Task.MOVING))
    moving = tasks.filter(going, batch__isnull=False)
    return Q(pk__in=moving.order_by().values("batch"))


def with_task(
    batches: QuerySet[Batch], tasks: QuerySet[Task], name: str, states: Sequence[str]
) -> QuerySet[Batch]:
    """Return the batches with the id of a task in one of these states, or None."""
    found = tasks.filter(batch=OuterRef("pk"), delivery__in=states)
    return batches.alias(**{name: Subquery(found.order_by().values("pk")[:1])})


def in_state(tasks: QuerySet[Task], state: str) -> QuerySet[Task]:
    """Return the tasks in one of `STATES`; all of them for any other word."""
    if state == "retrying":
        return tasks.filter(RETRYING)
    if state == "queued":
        return tasks.filter(delivery=Delivery.QUEUED, retry_at=None)
    if state == "sending":
        return tasks.filter(delivery__in=[Delivery.SENDING, Delivery.CLAIMED])
    return tasks.filter(delivery=state) if state in STATES else tasks


def outcomes(
    tasks: QuerySet[Task], *, state: str = "", text: str = ""
) -> QuerySet[Task]:
    """Return the tasks that match, problems first, with all that a row shows.

    `task.tries`, `task.request_number` and `task.asked_at` are those of its creation.
    """
    found = in_state(tasks, state)
    for word in text.casefold().split():
        found = found.filter(search_text__contains=word)
    creation = Push.objects.filter(task=OuterRef("pk"), kind=Push.Kind.CREATE)
    creation = creation.order_by("-pk")
    ranks = {name: rank for rank, name in enumerate(STATES)}
    ranks[Delivery.CLAIMED] = ranks["sending"]
    rank = Case(
        When(RETRYING, then=Value(ranks["retrying"])),
        *[
            When(delivery=name, then=Value(rank))
            for name, rank in ranks.items()
            if name != "retrying"
        ],
        default=Value(len(STATES)),
        output_field=IntegerField(),
    )
    return (
        found.select_related("prospect")
        .defer("note", "search_text", "options")
        .annotate(
            rank=rank,
            tries=Subquery(creation.values("tries")[:1]),
            request_number=Subquery(creation.values("request_number")[:1]),
            asked_at=Subquery(creation.values("created_at")[:1]),
        )
        .order_by("rank", "pk")
    )


def causes(tasks: QuerySet[Task]) -> list[Cause]:
    """Return why tasks failed, the most frequent first."""
    rows = (
        tasks.filter(delivery=Delivery.FAILED)
        .order_by()
        .values("delivery_kind", "delivery_error")
        .annotate(n=Count("pk"))
        .order_by("-n", "delivery_error")[:CAUSES]
    )
    return [Cause(r["delivery_kind"], r["delivery_error"], r["n"]) for r in rows]


def retry(tasks: QuerySet[Task], *, by: User) -> int:
    """Put the failed ones back into the queue; return how many."""
    return retry_failed(tasks.filter(delivery=Delivery.FAILED), by=by)


def cancel_rest(tasks: QuerySet[Task], *, by: User) -> int:
    """Take back what waits in the queue; return how many."""
    waiting = tasks.filter(delivery=Delivery.QUEUED)
    return withdraw(waiting, by=by)


def still_looking(tasks: QuerySet[Task]) -> bool:
    """Return whether Baton itself still looks up some unclear ones."""
    return Push.objects.filter(
        task__in=tasks.filter(delivery=Delivery.NEEDS_CHECK),
        state=Push.State.NEEDS_CHECK,
        ask_person=False,
        left_at=None,
    ).exists()
