"""Looking for due work stands on indexes: nobody reads all that was ever sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks_app.models import Push, SyncRun, Task
from tasks_app.services import (
    account_health,
    queueing,
    reconciling,
    states,
    sweeping,
    syncing,
    unclear,
)
from tests.factories import make_account, make_push, make_task

pytestmark = pytest.mark.django_db
#: In a plan: a whole table, row by row.
WHOLE = re.compile(
    r"Seq Scan on baton_(push|syncrun|task)\b"
    r"|SCAN (baton_(push|syncrun|task)|[UV]\d)\b(?! USING)"
)


def well_used_account():
    """An account that has sent and read very much, and has little to do."""
    account = make_account()
    model = make_task(account=account)
    tasks = Task.objects.bulk_create(
        Task(
            team_id=model.team_id,
            account=account,
            type_id=model.type_id,
            channel=model.channel,
            title=str(number),
            status="completed",
            created_at=timezone.now() - timedelta(days=number % 900 + 1),
            completed_at=timezone.now() - timedelta(days=number % 900),
            delivery="delivered",
            external_id=str(number),
        )
        for number in range(3000)
    )
    Push.objects.bulk_create(
        Push(account=account, task=task, state="delivered", external_id=str(task.pk))
        for task in tasks
    )
    SyncRun.objects.bulk_create(
        SyncRun(account=account, window=str(number), state="done")
        for number in range(2000)
    )
    make_push(account=account)
    make_push(account=account, state="needs_check", look_at=timezone.now())
    if connection.vendor == "postgresql":  # does this by itself; SQLite never does
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return account


LOOKS: dict[str, Callable[..., object]] = {
    "due work": lambda account, now: sweeping.work_of(now),
    "leases": lambda account, now: states.expired(now),
    "given up": lambda account, now: sweeping.give_up(now),
    "readings": lambda account, now: syncing.begin_due(now),
    "looks": lambda account, now: reconciling.claim_looks(account),
    "queue": lambda account, now: queueing.queue_length(account),
    "calls": lambda account, now: queueing.calls_waiting(account, account.adapter()),
    "unclear": lambda account, now: list(unclear.unclear_pushes(account.team)),
    "health": lambda account, now: account_health.healths(
        account.team.accounts.all(), account.team
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_no_look_reads_a_whole_table(look: str) -> None:
    account, now = well_used_account(), timezone.now() + timedelta(seconds=1)

    with CaptureQueriesContext(connection) as captured:
        LOOKS[look](account, now)

    assert captured.captured_queries
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    for query in captured.captured_queries:
        sql = query["sql"]
        if not sql.startswith("SELECT"):
            continue
        with connection.cursor() as cursor:
            cursor.execute(explain + sql.replace("%", "%%"))
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        assert not WHOLE.search(plan), (sql[:400], plan)
