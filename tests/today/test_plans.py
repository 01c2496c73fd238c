"""The counts of today stand on indexes: no query of the page reads the whole table."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from tasks_app.models import Task
from tests.factories import make_account, make_task, make_team, make_user

pytestmark = pytest.mark.django_db
#: In a plan: the whole table of tasks, row by row.
WHOLE = re.compile(r"Seq Scan on baton_task\b|SCAN (baton_task|U\d|T\d)\b(?! USING)")


def delivery_of(number: int, *, done: bool) -> str:
    if number % 200 == 0:
        return "failed"
    return "withdrawn" if done else "queued"


@pytest.mark.parametrize("url", ["/today/?who=team", "/today/?who=me", "/workload/"])
def test_no_query_reads_every_task(url: str) -> None:
    team = make_team()
    lead, now = make_user(team), timezone.now()
    first = make_task(account=make_account(team=team))
    # A team that has finished most of its work, beside another as large.
    other = make_task()
    rows = []
    for number in range(6000):
        model = first if number % 2 else other
        done = number % 40 > 2
        rows.append(
            Task(
                team_id=model.team_id,
                account_id=model.account_id,
                type_id=model.type_id,
                channel=model.channel,
                created_at=now - timedelta(days=number % 900),
                title=str(number),
                status="completed" if done else "open",
                completed_at=now - timedelta(days=number % 900) if done else None,
                # A queue that holds everything would be read whole, and rightly.
                delivery=delivery_of(number, done=done),
                due_sort=now + timedelta(hours=6 * (number % 3000) - 16_000),
                assignee=lead if number % 4 == 1 else None,
            )
        )
    Task.objects.bulk_create(rows, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client()
    client.force_login(lead)

    plans = plans_of(client, url)

    assert len(plans) > 2
    slow = {sql[:300]: plan for sql, plan in plans.items() if WHOLE.search(plan)}
    assert slow == {}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL finds it anyhow")
def test_refused_changes_are_counted_by_their_own_index() -> None:
    team = make_team()
    make_task(account=make_account(team=team), action_state="failed")
    client = Client()
    client.force_login(make_user(team))

    plans = plans_of(client, "/today/?who=team").values()

    assert sum("task_action " in plan for plan in plans) == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL finds it anyhow")
@pytest.mark.parametrize("role", ["lead", "rep"])
def test_batches_that_go_on_are_counted_by_their_own_index(role: str) -> None:
    team = make_team()
    make_task(account=make_account(team=team))
    client = Client()
    client.force_login(make_user(team, role))

    plans = plans_of(client, "/prospects/")

    (frame,) = [plan for sql, plan in plans.items() if "paused_at" in sql]
    batches = frame.partition("LIST SUBQUERY")[2].partition("SCAN")[0]
    assert "task_moving " in batches


def plans_of(client: Client, url: str) -> dict[str, str]:
    """Return how this database answers each question about tasks that a page asks.

    With its values apart, as it is asked: SQLite sees more where they stand in the text.
    """
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "baton_task" in sql and sql.startswith("SELECT"):
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert client.get(url).status_code == 200
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    plans = {}
    with connection.cursor() as cursor:
        for sql, params in asked:
            cursor.execute(explain + sql, params)
            plans[sql] = "\n".join(str(row[-1]) for row in cursor.fetchall())
    return plans
