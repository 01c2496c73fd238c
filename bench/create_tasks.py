"""How long a batch takes to be planned and saved: python -m bench.create_tasks

Prints a table for SQLite, and for PostgreSQL where TEST_DATABASE_URL answers. Each
database is made for this run and dropped after it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
import uuid

POSTGRES = os.environ.get(
    "TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/baton"
)
HEADER = (
    f"{'database':<11}{'vendor':<13}{'prospects':>10}"
    f"{'plan s':>9}{'save s':>9}{'both s':>9}{'queries':>9}{'tasks/s':>9}"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1,1000,10000", help="(%(default)s)")
    parser.add_argument("--vendors", default="saleshandy,leadsquared,reply,ysuite")
    parser.add_argument("--rounds", type=int, default=3, help="median of (%(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    if options.here:
        measure(sizes, options.vendors.split(","), options.rounds)
        return 0
    from tests.reach import trouble_with

    print(HEADER, flush=True)
    databases = [("SQLite", "")]
    if trouble := trouble_with(POSTGRES):
        print(f"(no PostgreSQL: {trouble})", file=sys.stderr)
    else:
        databases.append(("PostgreSQL", f"{POSTGRES}_bench"))
    code = 0
    for _, url in databases:
        clean = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        code |= subprocess.run(
            [sys.executable, "-m", "bench.create_tasks", *sys.argv[1:], "--here"],
            env={
                **clean,
                **({"DATABASE_URL": url} if url else {}),
                "DJANGO_SETTINGS_MODULE": "config.settings.test",
            },
            check=False,
        ).returncode
    return code


def measure(sizes: list[int], vendors: list[str], rounds: int) -> None:
    """Measure on the database of the settings, one printed line per case."""
    import django

    django.setup()
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        for vendor in vendors:
            people = make_people(vendor, max(sizes))
            for size in sizes:
                times = [measure_once(vendor, people[:size]) for _ in range(rounds)]
                plan, save, queries = (
                    statistics.median(column) for column in zip(*times, strict=True)
                )
                print(
                    f"{connection.display_name:<11}{vendor:<13}{size:>10,}"
                    f"{plan:>9.3f}{save:>9.3f}{plan + save:>9.3f}{queries:>9.0f}"
                    f"{size / (plan + save):>9,.0f}",
                    flush=True,
                )
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def make_people(vendor: str, count: int) -> list[int]:
    """Return the ids of prospects that are linked to a new account of this vendor."""
    from tasks_app.models import Prospect, ProspectLink
    from tests.factories import EXTERNAL_IDS, make_account, make_vendor_user

    account = make_account(vendor, name=f"Bench {vendor}")
    make_vendor_user(account)
    people = Prospect.objects.bulk_create(
        (
            Prospect(
                team=account.team,
                first_name="Ada",
                last_name=f"Okafor {number}",
                company="Halden Freight",
                email=f"ada{number}@{vendor}.example",
                linkedin_url=f"https://www.linkedin.com/in/ada-{number}/",
            )
            for number in range(count)
        ),
        batch_size=1000,
    )
    ProspectLink.objects.bulk_create(
        (
            ProspectLink(
                prospect=person, account=account, external_id=EXTERNAL_IDS[vendor](n)
            )
            for n, person in enumerate(people)
        ),
        batch_size=1000,
    )
    return [person.pk for person in people]


def measure_once(vendor: str, ids: list[int]) -> tuple[float, float, int]:
    """Return seconds to plan, seconds to save, and the number of queries of both."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from tasks_app.models import ConnectedAccount, Prospect
    from tasks_app.services.creating import TaskInput, create_tasks, prepare
    from tests.factories import TYPES

    account = ConnectedAccount.objects.select_related("team").get(
        name=f"Bench {vendor}"
    )
    chosen = Prospect.objects.filter(team=account.team, pk__gte=ids[0], pk__lte=ids[-1])
    start = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
    given = TaskInput(
        type_code=TYPES[vendor],
        title="" if vendor in ("saleshandy", "reply") else "Follow up",
        note="Ask {{first_name}} about the proposal.",
        assignee=account.vendor_users.get() if vendor == "leadsquared" else None,
        **(
            {"due_on": start.date()}
            if vendor == "saleshandy"
            else {"starts_at": start, "due_at": start + timedelta(hours=1)}
        ),
    )
    queries: list[str] = []

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        queries.append(sql[:20])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        began = time.perf_counter()
        plan = prepare(account=account, task_input=given, prospects=chosen)
        planned = time.perf_counter()
        assert not plan.errors, plan.errors
        assert plan.ready == len(ids), (plan.ready, plan.left_out[:3])
        create_tasks(plan, by=None, form_token=uuid.uuid4())
        saved = time.perf_counter()
    return planned - began, saved - planned, len(queries)


if __name__ == "__main__":
    sys.exit(main())
