"""What a morning looks like: who has how much, what failed and why, what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.contrib.auth.models import User
from django.db.models import BooleanField, Case, CharField, Count, Min, Q, Value, When
from django.db.models.functions import TruncDate

from tasks_app.models import Push, Task, Team
from tasks_app.models.tasks import TaskQuerySet

from .days import UNFINISHED, WEEK, Days
from .unclear import to_settle

#: A task is left lying when its day was over so many days ago.
LATE_DAYS = 3
#: Four weeks and today, so that the same day of each week has its name.
TREND_DAYS = 29
CAUSES = 5
#: What a second copy is called among the kinds of pushes.
SECOND = "second"
#: Failures that were nobody's mistake: the same task may go through now.
WORTH_RETRYING = frozenset(
    {"too_late", "gave_up", "crashed", "unprepared", "credentials", "misconfigured"}
)


@dataclass(frozen=True)
class Load:
    """What one person has to do until Sunday. `key` is the filter's word for them."""

    key: str
    person: User | None
    overdue: int
    lying: int  # of those overdue: more than LATE_DAYS days
    today: int
    later: int
    #: All that is due today, what is overdue by now as well.
    due_today: int = 0

    @property
    def total(self) -> int:
        return self.overdue + self.today + self.later


def last_lying_day(days: Days) -> date:
    """Return the last day whose open tasks are more than LATE_DAYS days late."""
    return days.today - timedelta(days=LATE_DAYS + 1)


def loads(tasks: TaskQuerySet, days: Days) -> list[Load]:
    """Return the work until Sunday by person, who has most first; two queries.

    An open task counts once: as overdue, else as due today, else as due later.
    """
    ahead = UNFINISHED & ~Q(due_sort__lt=days.now)
    rows = list(
        tasks.filter(UNFINISHED & days.until(days.sunday))
        .order_by()
        .annotate(
            away=Case(
                When(assignee=None, vendor_user__isnull=False, then=Value(True)),
                default=Value(False),
                output_field=BooleanField(),
            )
        )
        .values("assignee_id", "away")
        .annotate(
            overdue=Count("pk", filter=days.overdue),
            lying=Count("pk", filter=days.until(last_lying_day(days))),
            today=Count("pk", filter=ahead & days.due("today")),
            due_today=Count("pk", filter=days.due("today")),
            later=Count(
                "pk", filter=ahead & Q(due_sort__gte=days.team.start_of(days.tomorrow))
            ),
        )
    )
    people = User.objects.in_bulk([r["assignee_id"] for r in rows if r["assignee_id"]])
    found = [
        Load(
            str(row["assignee_id"] or ("elsewhere" if row["away"] else "none")),
            people.get(row["assignee_id"]),
            row["overdue"],
            row["lying"],
            row["today"],
            row["later"],
            row["due_today"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda load: (-load.total, load.key))


def done(tasks: TaskQuerySet, days: Days) -> dict[str, TaskQuerySet]:
    """Return what is completed: of those due today, since Monday, and in the last week
    until this hour of its same day."""
    completed = tasks.filter(status=Task.Status.COMPLETED)
    since, until = (days.team.start_of(days.monday), days.now)
    week = timedelta(days=WEEK)
    before = days.team.start_of(days.monday - week)
    return {
        "done_today": completed.filter(days.due("today")),
        "done_week": completed.filter(completed_at__gte=since),
        "done_before": completed.filter(
            completed_at__gte=before, completed_at__lt=until - week
        ),
    }


@dataclass(frozen=True)
class Failure:
    """Tasks of one account that failed for the same reason; `task` is one of them."""

    account_id: int
    kind: str
    sentence: str
    number: int
    task: int

    @property
    def worth_retrying(self) -> bool:
        return self.kind in WORTH_RETRYING


def failures(tasks: TaskQuerySet) -> list[Failure]:
    """Return why tasks failed, the most frequent first, CAUSES at the most."""
    rows = (
        tasks.filter(delivery=Task.Delivery.FAILED)
        .order_by()
        .values("account_id", "delivery_kind", "delivery_error")
        .annotate(n=Count("pk"), first=Min("pk"))
        .order_by("-n", "first")[:CAUSES]
    )
    return [
        Failure(
            row["account_id"],
            row["delivery_kind"],
            row["delivery_error"],
            row["n"],
            row["first"],
        )
        for row in rows
    ]


def of_cause(
    tasks: TaskQuerySet, account_id: int, kind: str, sentence: str
) -> TaskQuerySet:
    """Return the failed tasks that such a line of `failures` stands for."""
    return tasks.filter(
        delivery=Task.Delivery.FAILED,
        account_id=account_id,
        delivery_kind=kind,
        delivery_error=sentence,
    )


@dataclass(frozen=True)
class Checks:
    """What somebody has to settle: by account, and how many of which kind."""

    by_account: Mapping[int, int] = field(default_factory=dict)
    creates: int = 0
    changes: int = 0
    copies: int = 0

    @property
    def total(self) -> int:
        return self.creates + self.changes + self.copies


def checks(team: Team) -> Checks:
    """Return how many of the team's pushes and second copies need a check, by a query."""
    found = to_settle(team)
    second = Value(SECOND, output_field=CharField())
    parts = [
        rows.order_by().values_list("account_id", kind).annotate(n=Count("pk"))
        for rows, kind in (
            (found["pushes"], "kind"),
            (found["copies"].annotate(what=second), "what"),
        )
    ]
    by_account: Counter[int] = Counter()
    by_kind: Counter[str] = Counter()
    for account_id, kind, number in parts[0].union(parts[1], all=True):
        by_account[account_id] += number
        by_kind[kind] += number
    creates, copies = by_kind.pop(Push.Kind.CREATE, 0), by_kind.pop(SECOND, 0)
    return Checks(by_account, creates, by_kind.total(), copies)


def by_account(parts: Mapping[str, TaskQuerySet]) -> dict[str, Counter[int]]:
    """Return how many of each part every account has, by one query."""
    found: dict[str, Counter[int]] = {name: Counter() for name in parts}
    grouped = [
        rows.order_by()
        .annotate(part=Value(name, output_field=CharField()))
        .values_list("account_id", "part")
        .annotate(n=Count("*"))
        for name, rows in parts.items()
    ]
    for account_id, name, number in grouped[0].union(*grouped[1:], all=True):
        found[name][account_id] = number
    return found


@dataclass(frozen=True)
class TrendDay:
    day: date
    completed: int
    due: int


def trend(tasks: TaskQuerySet, days: Days) -> list[TrendDay]:
    """Return what was completed and what was due on each of the last days."""
    first = days.today - timedelta(days=TREND_DAYS - 1)
    zone = days.team.zone
    completed = (
        tasks.filter(
            status=Task.Status.COMPLETED,
            completed_at__gte=days.team.start_of(first),
        )
        .order_by()
        .values(day=TruncDate("completed_at", tzinfo=zone))
        .annotate(n=Count("*"))  # the index of what is completed holds no pk
    )
    due = (
        tasks.filter(days.between(first, days.today))
        .order_by()
        .values(day=TruncDate("due_sort", tzinfo=zone))
        .annotate(n=Count("pk"))
    )
    by_day = [{row["day"]: row["n"] for row in rows} for rows in (completed, due)]
    return [
        TrendDay(day, by_day[0].get(day, 0), by_day[1].get(day, 0))
        for day in (first + timedelta(days=number) for number in range(TREND_DAYS))
    ]
