"""How long each page takes, with 10,000 to 1,000,000 tasks: python -m bench.pages

For every default view and the ten slowest pairs of filters of the list: p50 and p95 of
the server's time, the page's own statements alone at their best (SQL), Django's admin
list of the same table in the same run, queries, and the weight of the answer. The last
table holds the figures of the largest installation against those of the smallest.

The pairs are found where most tasks are; with --results they serve later runs, too, and
so may each size be measured in a run of its own.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .stage import run_everywhere

#: SQLite serves a team on one machine: it is measured up to here.
MOST_ON_SQLITE = 100_000
PAIRS = 10
LIST = "/tasks/?"
#: Name, address, and whose page: numbers are put in for words in braces.
VIEWS = (
    ("Today", "/today/?who=team", "lead"),
    ("Today, only mine", "/today/?who=me", "lead"),
    ("Tasks: to do", LIST + "status=open,in_progress", "lead"),
    ("Tasks: due today", LIST + "status=open,in_progress&due=today", "lead"),
    ("Tasks: overdue", LIST + "status=overdue", "lead"),
    ("Tasks: this week", LIST + "status=open,in_progress&due=week", "lead"),
    ("Tasks: unassigned", LIST + "status=open,in_progress&assignee=none", "lead"),
    ("Tasks: problems", LIST + "delivery=problems", "lead"),
    ("Tasks: all", LIST, "lead"),
    ("Tasks: all, page 200", LIST + "page=200", "lead"),
    ("My tasks", LIST + "status=open,in_progress&assignee=me", "lead"),
    ("A task", "/tasks/{task}/?in=status%3Dopen", "lead"),
    ("Batches", "/batches/", "lead"),
    ("A batch", "/batches/{batch}/", "lead"),
    ("Prospects", "/prospects/", "lead"),
    ("A prospect", "/prospects/{prospect}/", "lead"),
    ("Workload", "/workload/", "lead"),
    ("Accounts", "/accounts/", "lead"),
    ("Needs a check", "/needs-check/", "lead"),
    ("Search: a common word", "/search/?q=proposal", "lead"),
    ("Search: a name", "/search/?q={name}", "lead"),
    ("New task", "/tasks/new/", "lead"),
    ("Rep: Today", "/today/?who=team", "rep"),
    ("Rep: to do", LIST + "status=open,in_progress", "rep"),
    ("Rep: all", LIST, "rep"),
    ("Rep: Batches", "/batches/", "rep"),
    ("Rep: Prospects", "/prospects/", "rep"),
    ("Rep: Workload", "/workload/", "rep"),
)
#: One value or two of each kind of filter: a frequent and a rare one.
FILTERS = (
    *("status=open,in_progress", "status=completed", "status=no_show"),
    *("delivery=delivered", "delivery=failed", "delivery=queued"),
    *("priority=urgent", "priority=none"),
    *("assignee={rep}", "assignee=none", "assignee=elsewhere"),
    *("due=today", "due=none", "due_from={past}", "due_to={past}"),
    *("account={account}", "account={rare_account}", "vendor=reply", "vendor=ysuite"),
    *("channel=call", "channel=todo", "type=Task", "batch={batch}"),
    *("q=proposal", "q={name}", "tag=VIP", "created_from={past}"),
    *("completed_from={past}", "completed_to={past}"),
)
#: Pages of the admin, for the table that a page lists.
ADMIN = {
    "/tasks": "/admin/baton/task/",
    "/batches": "/admin/baton/batch/",
    "/accounts": "/admin/baton/connectedaccount/",
    "/needs-check": "/admin/baton/push/",
    "/prospects": "/admin/baton/prospect/",
}
HEADER = (
    f"{'page':<46}{'p50 ms':>8}{'p95 ms':>8}{'SQL ms':>8}{'admin ms':>10}"
    f"{'queries':>9}{'KB':>7}"
)


@dataclass
class Figures:
    """One page: milliseconds, number of queries and compressed bytes."""

    p50: float
    p95: float
    sql: float
    admin: float
    queries: int
    weight: int


Results = dict[str, dict[str, Any]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=20, help="(%(default)s)")
    parser.add_argument("--results", help="a JSON file that keeps and adds up figures")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure_here(options)
        return 0
    own = None
    if not options.results:
        handle, own = tempfile.mkstemp(suffix=".json")
        os.close(handle)
        Path(own).unlink()
    results = Path(options.results or own or "")
    code = 0
    # The largest first: there the slowest pairs are found.
    sizes = sorted((int(size) for size in options.sizes.split(",")), reverse=True)
    for name in options.databases.split(","):
        largest = max((s for s in sizes if s <= MOST_ON_SQLITE), default=MOST_ON_SQLITE)
        for size in [largest] if name == "sqlite" else sizes:
            arguments = ["--sizes", str(size), "--seed", str(options.seed)]
            arguments += ["--rounds", str(options.rounds), "--results", str(results)]
            code |= run_everywhere("bench.pages", [name], arguments)
    print_ratios(read(results))
    if own:
        results.unlink(missing_ok=True)
    return code


def measure_here(options: argparse.Namespace) -> None:
    """Fill this database, measure every page and keep the figures."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tasks_app.models import Task

    from .filling import fill

    size, path = int(options.sizes), Path(options.results)
    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    if not Task.objects.exists():
        fill(size, options.seed)
    took = time.perf_counter() - began
    print(f"\n{connection.display_name}, {size:,} tasks (filled in {took:.0f} s)")
    print(HEADER, flush=True)
    bench = Bench(options.rounds)
    results = read(path)
    kept: dict[str, Any] = {}
    for name, address, who in VIEWS:
        kept[name] = bench.show(name, address, who)
    pairs = results.get("pairs", {}).get("addresses") or bench.slowest_pairs()
    for address in pairs:
        kept[address] = bench.show(address, LIST + address, "lead")
    results = read(path)
    results["pairs"] = {"addresses": pairs}
    results[f"{connection.vendor} {size}"] = kept
    path.write_text(json.dumps(results, indent=1))
    print_weights()


class Bench:
    """Opens pages of the largest team in this process and measures them."""

    def __init__(self, rounds: int) -> None:
        from django.contrib import admin
        from django.contrib.auth.models import User
        from django.test import Client

        from tasks_app.models import Prospect

        if not admin.site.is_registered(Prospect):
            admin.site.register(Prospect)  # plain, to be compared with
        self.rounds = rounds
        self.clients = {}
        for who, name in (("lead", "t0-0"), ("rep", "t0-3")):
            self.clients[who] = Client(headers={"host": "localhost"})
            self.clients[who].force_login(User.objects.get(username=name))
        self.words = words_of_addresses()
        self.admins: dict[str, float] = {}

    def show(self, name: str, address: str, who: str) -> dict[str, Any]:
        """Measure one page and print its line."""
        figures = self.measure(address.format(**self.words), who)
        admin = f"{figures.admin:>10.0f}" if figures.admin else f"{'':>10}"
        print(
            f"{name[:45]:<46}{figures.p50:>8.1f}{figures.p95:>8.1f}{figures.sql:>8.1f}"
            f"{admin}{figures.queries:>9}{figures.weight / 1024:>7.1f}",
            flush=True,
        )
        return asdict(figures)

    def measure(self, address: str, who: str) -> Figures:
        statements, body = self.statements_of(address, who)
        self.open(address, who)
        times = self.times(lambda: self.open(address, who), self.rounds)
        alone = self.times(lambda: run_alone(statements), max(3, self.rounds // 2))
        return Figures(
            p50=statistics.median(times),
            p95=quantile(times),
            sql=min(alone),
            admin=self.admin_of(address),
            queries=len(statements),
            weight=len(gzip.compress(body, 6)),
        )

    def times(self, what: Callable[[], object], rounds: int) -> list[float]:
        """Return the milliseconds of each round."""
        found = []
        for _ in range(rounds):
            began = time.perf_counter()
            what()
            found.append((time.perf_counter() - began) * 1000)
        return found

    def open(self, address: str, who: str) -> bytes:
        answer = self.clients[who].get(address)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}.")
        return bytes(answer.content)

    def statements_of(self, address: str, who: str) -> tuple[list[Any], bytes]:
        """Return what a page asks the database for, and the page."""
        from django.db import connection

        found: list[Any] = []

        def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            found.append((sql, params))
            return execute(sql, params, many, context)

        self.open(address, who)
        with connection.execute_wrapper(note):
            body = self.open(address, who)
        return found, body

    def admin_of(self, address: str) -> float:
        """Return the p50 of the admin's list of the same table; 0 where it has none."""
        page = next((p for start, p in ADMIN.items() if address.startswith(start)), "")
        if page and page not in self.admins:
            self.open(page, "lead")
            times = self.times(lambda: self.open(page, "lead"), 5)
            self.admins[page] = statistics.median(times)
        return self.admins.get(page, 0.0)

    def slowest_pairs(self) -> list[str]:
        """Return the pairs of filters that the list takes longest for, slowest first."""
        found = []
        for one, other in itertools.combinations(FILTERS, 2):
            if one.split("=")[0] == other.split("=")[0]:
                continue
            address = f"{one}&{other}"
            full = LIST + address.format(**self.words)
            asked, _ = self.statements_of(full, "lead")
            # What a page is made of besides is the same for all of them.
            took = min(self.times(lambda asked=asked: run_alone(asked), 2))  # type: ignore[misc]
            found.append((took, address))
        found.sort(reverse=True)
        return [address for _, address in found[:PAIRS]]


def quantile(times: list[float]) -> float:
    """Return the p95 of some measurements."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def run_alone(statements: list[Any]) -> None:
    """Make the same statements by a bare cursor and fetch what they find."""
    from django.db import connection

    with connection.cursor() as cursor:
        for sql, params in statements:
            if sql.startswith(("SELECT", "WITH", "(SELECT")):
                cursor.execute(sql, params)
                cursor.fetchall()


def words_of_addresses() -> dict[str, str]:
    """Return the numbers and names that stand in addresses, of the largest team."""
    from datetime import timedelta

    from django.db.models import Count
    from django.utils import timezone

    from tasks_app.models import Batch, ConnectedAccount, Prospect, Task, Team

    team = Team.objects.order_by("pk").first()
    assert team is not None
    accounts = list(ConnectedAccount.objects.filter(team=team).order_by("pk"))
    newest = Batch.objects.filter(team=team).order_by("-created_at")[:200]
    batch = newest.annotate(n=Count("tasks")) if newest else None
    largest = max(batch or [], key=lambda each: each.n)
    open_tasks = Task.objects.filter(team=team, status="open").order_by("due_sort")
    task = open_tasks[open_tasks.count() // 2]
    prospects = Prospect.objects.filter(team=team).order_by("pk")
    person = prospects[prospects.count() // 3]
    return {
        "task": str(task.pk),
        "batch": str(largest.pk),
        "prospect": str(person.pk),
        "name": person.last_name.lower(),
        "account": str(accounts[0].pk),
        "rare_account": str(accounts[-1].pk),
        "rep": str(team.memberships.order_by("pk")[5].user_id),
        "past": (timezone.now() - timedelta(days=200)).date().isoformat(),
    }


# -- what it amounts to --------------------------------------------------------------------


def read(path: Path) -> Results:
    return json.loads(path.read_text()) if path.exists() else {}


def print_weights() -> None:
    """Print what a browser loads once: every style sheet and script, compressed."""
    import django_htmx

    root = Path(__file__).resolve().parent.parent / "static"
    files = [*root.glob("css/**/*.css"), *root.glob("js/*.js")]
    files = [path for path in files if path.name != "admin.css"]
    files += Path(django_htmx.__file__).parent.glob("static/django_htmx/htmx-2.min.js")
    total = sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)
    print(f"style sheets and scripts, compressed: {total / 1024:.1f} KB")


def print_ratios(results: Results) -> None:
    """Print the largest PostgreSQL installation against the smallest."""
    sizes = sorted(
        int(name.split()[1]) for name in results if name.startswith("postgresql ")
    )
    if len(sizes) < 2:
        return
    small, large = sizes[0], sizes[-1]
    print(f"\np95 with {large:,} tasks against {small:,}; against the admin's list")
    print(
        f"{'page':<46}{'p50':>7}{'p95':>7}{'SQL ms':>13}{'of admin':>10}"
        f"{'queries':>10}{'KB':>7}"
    )
    before, after = (results[f"postgresql {size}"] for size in (small, large))
    for name, new in after.items():
        old = before.get(name)
        if old is None:
            continue
        share = f"{new['p50'] / new['admin']:>10.2f}" if new["admin"] else f"{'':>10}"
        sql = f"{old['sql']:.1f} to {new['sql']:.1f}"
        queries = f"{old['queries']} to {new['queries']}"
        print(
            f"{name[:45]:<46}{new['p50'] / old['p50']:>7.2f}"
            f"{new['p95'] / old['p95']:>7.2f}{sql:>13}{share}"
            f"{queries:>10}{new['weight'] / 1024:>7.1f}"
        )


if __name__ == "__main__":
    sys.exit(main())
