"""Everything the page of today is made of, read in a fixed number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.http import QueryDict
from django.urls import reverse

from tasks_app.choices import Choices
from tasks_app.filters import TaskFilter, changed_so
from tasks_app.models import (
    ActionRun,
    Batch,
    ConnectedAccount,
    Membership,
    Task,
)
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.services import members, today
from tasks_app.services.account_health import AccountHealth, healths
from tasks_app.services.action_runs import open_runs
from tasks_app.services.counting import MOST, count_each
from tasks_app.services.days import Days
from tasks_app.services.glance import IN_QUEUE
from tasks_app.services.pausing import paused_batches

#: The counters: name and what the list is asked for.
COUNTERS = {
    "overdue": "status=overdue",
    "lying": "status=overdue&due_to={lying}",
    "today": "status=open,in_progress&due=today",
    "week": "status=open,in_progress&due=week",
    "problems": "delivery=problems",
    "failed": "delivery=failed",
    "unclear": "delivery=needs_check",
}
#: What is counted of each account, and what the list is asked for with it.
HEALTH = {
    "queue": "delivery=queued,retrying,sending",
    "delivered": "delivery=delivered&created_from={yesterday}",
    "failed": "delivery=failed",
}


@dataclass
class Facts:
    """`who` is `me` or `team`; `checks` are those of the whole team, for its leads.

    A count beyond `counting.MOST` means "more than that".
    """

    who: str
    me: int
    is_lead: bool
    days: Days
    queries: dict[str, str]
    counts: dict[str, int]
    loads: list[today.Load]
    failures: list[today.Failure]
    checks: today.Checks
    trend: list[today.TrendDay]
    healths: list[AccountHealth]
    #: The numbers of `HEALTH`, and changes that failed, by account.
    delivery: dict[str, Counter[int]]
    names: dict[int, str]
    vendors: dict[int, str]
    #: Paused batches, and how many of the tasks wait for each.
    paused: list[tuple[Batch, int]] = field(default_factory=list)
    #: Actions on many tasks that stopped.
    stopped: list[ActionRun] = field(default_factory=list)

    @property
    def refused(self) -> Mapping[int, int]:
        return self.delivery["refused"]

    @property
    def failed(self) -> int:
        return self.counts["failed"]

    def list_url(self, query: str, *, whose: bool = True) -> str:
        """Return the address of the list; of one's own tasks where the page is."""
        if whose and self.who == "me":
            query = f"{query}&assignee=me"
        return f"{reverse('task-list')}?{query}"

    def health_url(self, name: str, account_id: int) -> str:
        yesterday = (self.days.today - timedelta(days=1)).isoformat()
        query = HEALTH[name].format(yesterday=yesterday)
        return self.list_url(f"{query}&account={account_id}")

    def counter_url(self, name: str) -> str:
        return f"{reverse('task-list')}?{self.queries[name]}"

    def account_name(self, account_id: int) -> str:
        return self.names.get(account_id, "an account that was disconnected")


def read_facts(
    tasks: TaskQuerySet, membership: Membership, who: str, choices: Choices
) -> Facts:
    """Return what these tasks (those the person may see) amount to."""
    team, days = choices.team, Days(choices.team, choices.now)
    lying = today.last_lying_day(days).isoformat()
    queries = {
        name: query.format(lying=lying) + ("&assignee=me" if who == "me" else "")
        for name, query in COUNTERS.items()
    }
    filters = {n: TaskFilter(QueryDict(query), choices) for n, query in queries.items()}
    asked = {name: f.apply(tasks) for name, f in filters.items()}
    if who == "me":
        tasks = tasks.filter(assignee_id=membership.user_id)
    counts = count_each(asked | today.done(tasks, days), MOST)
    accounts = ConnectedAccount.objects.of_team(team)
    return Facts(
        who=who,
        me=membership.user_id,
        is_lead=membership.is_lead,
        days=days,
        queries=queries,
        counts=counts,
        loads=today.loads(tasks, days),
        failures=today.failures(tasks),
        checks=today.checks(team) if membership.is_lead else today.Checks(),
        trend=today.trend(tasks, days),
        delivery=today.by_account(
            {
                "queue": tasks.filter(delivery__in=IN_QUEUE),
                "delivered": tasks.filter(
                    days.since(days.today - timedelta(days=1), "created_at"),
                    delivery=Task.Delivery.DELIVERED,
                    origin=Task.Origin.BATON,
                ),
                "failed": tasks.filter(delivery=Task.Delivery.FAILED),
                "refused": tasks.filter(changed_so(["failed"])),
            }
        ),
        healths=healths(accounts, team, days.now),
        names={account.pk: account.name for account in choices.accounts},
        vendors={a.pk: a.get_vendor_display() for a in choices.accounts},
        paused=paused_batches(team, tasks),
        stopped=[run for run in open_runs(membership) if run.stopped_at],
    )


def name_of(load: today.Load) -> str:
    """Return who holds this work."""
    if load.person is not None:
        return members.name_of(load.person)
    return "Somebody at the vendor" if load.key == "elsewhere" else "Unassigned"
