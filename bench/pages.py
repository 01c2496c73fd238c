"""How long each page takes, with 10,000 to 1,000,000 tasks: python -m bench.pages

For every default view and the ten slowest pairs of filters of the list: p50 and p95 of
the server's time, the page's own statements alone at their best (SQL), Django's admin
list of the same table, queries, and the weight of the answer.

There is a process for each size, and they take turns page by page, one opening each:
whatever else the machine does, it does to all of them. The pairs are found where most
tasks are. With --keep the filled databases stay for the next run.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .stage import ROOT, installation

#: SQLite serves a team on one machine: it is measured up to here.
MOST_ON_SQLITE = 100_000
PAIRS = 10
#: What the largest installation may take of the smallest one's time.
MOST_RATIO = 1.5
#: Letters of a page's name.
PAGE = 46
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


@dataclass
class Figures:
    """One page at one size: milliseconds, number of queries, compressed bytes, and how
    many tasks stand in a list."""

    times: list[float]
    sql: float
    admin: float
    queries: int
    weight: int
    rows: int

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.times, n=20, method="inclusive")[-1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=40, help="(%(default)s)")
    parser.add_argument("--keep", action="store_true", help="for later runs")
    parser.add_argument("--pairs", help="these instead of the slowest, with blanks")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        serve(options)
        return 0
    sizes = sorted(int(size) for size in options.sizes.split(","))
    for name in options.databases.split(","):
        fit = [s for s in sizes if name != "sqlite" or s <= MOST_ON_SQLITE]
        with contextlib.ExitStack() as stack:
            asked = [stack.enter_context(measured(name, s, options)) for s in fit]
            compare(name, asked, options)
    print_weights()
    return 0


# -- in the process that compares ----------------------------------------------------------


class Asked:
    """The process that opens the pages of one size."""

    def __init__(self, size: int, process: subprocess.Popen[str]) -> None:
        self.size, self.process = size, process
        print(f"{size:,} tasks: {self.answer()}", flush=True)

    def ask(self, *question: Any) -> Any:
        """Let it call a method of `Bench`; return what it returns."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)["answer"]
        raise SystemExit(f"The process with {self.size:,} tasks ended.")


@contextlib.contextmanager
def measured(name: str, size: int, options: argparse.Namespace) -> Iterator[Asked]:
    """Give a process with so many tasks in a database of its own."""
    keep = f"pages_{size}" if options.keep else ""
    command = [sys.executable, "-m", "bench.pages", "--here", "--sizes", str(size)]
    with (
        installation(name, keep) as env,
        subprocess.Popen(
            [*command, "--seed", str(options.seed)],
            env=env,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        yield Asked(size, process)
        assert process.stdin is not None
        process.stdin.close()


def compare(name: str, asked: list[Asked], options: argparse.Namespace) -> None:
    """Measure every page at all sizes and print its line."""
    sizes = "".join(f"{each.size:>17,}" for each in asked)
    print(f"\n{name}{'p50 and p95 in ms with':>{PAGE - len(name)}}{sizes} tasks")
    small, large = asked[0], asked[-1]
    print(
        f"{'':<{PAGE}}{'':>{17 * len(asked)}}{'p95 ratio':>11}{'SQL ms':>8}"
        f"{'admin ms':>10}{'share':>7}{'queries':>9}{'rows':>8}{'KB':>7}",
        flush=True,
    )
    pairs = options.pairs.split() if options.pairs else large.ask("slowest_pairs")
    pages = [*VIEWS, *((pair, LIST + pair, "lead") for pair in pairs)]
    ratios: dict[str, float] = {}
    shares: dict[str, float] = {}
    for label, address, who in pages:
        times: dict[int, list[float]] = {each.size: [] for each in asked}
        begun = {each.size: each.ask("begin", address, who) for each in asked}
        for turn in range(options.rounds):
            for each in asked[turn % len(asked) :] + asked[: turn % len(asked)]:
                times[each.size].append(each.ask("time", address, who))
        figures = {size: Figures(times[size], *begun[size].values()) for size in times}
        first, last = figures[small.size], figures[large.size]
        ratio = ratios[label] = last.p95 / first.p95
        share = last.p50 / last.admin if last.admin else 0.0
        if address.startswith(LIST):
            shares[label] = share
        spans = "".join(f"{f.p50:>9.0f}{f.p95:>8.0f}" for f in figures.values())
        queries = both(first.queries, last.queries)
        rows = both(first.rows, last.rows) if last.rows else ""
        print(
            f"{label[: PAGE - 1]:<{PAGE}}{spans}{ratio:>11.2f}{last.sql:>8.1f}"
            + (f"{last.admin:>10.0f}{share:>7.2f}" if last.admin else f"{'':>17}")
            + f"{queries:>9}{rows:>8}{last.weight / 1024:>7.1f}",
            flush=True,
        )
    above = sum(ratio > MOST_RATIO for ratio in ratios.values())
    print(
        f"p95 ratio above {MOST_RATIO}: {above} of {len(ratios)}, at most "
        f"{max(ratios.values()):.2f} ({max(ratios, key=ratios.__getitem__)})\n"
        f"share of the admin's list (p50), task list: at most {max(shares.values()):.2f}"
        f" ({max(shares, key=shares.__getitem__)})",
        flush=True,
    )


def both(small: int, large: int) -> str:
    return str(large) if small == large else f"{small}, {large}"


# -- in the process of one size ------------------------------------------------------------


def serve(options: argparse.Namespace) -> None:
    """Fill this database unless it is full, then answer questions, a line each."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from tasks_app.models import ConnectedAccount, Task

    from .filling import fill

    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    if Task.objects.exists():
        # As after a sync, which goes on while people look.
        ConnectedAccount.objects.update(synced_at=timezone.now())
        done = "kept from an earlier run"
    else:
        fill(int(options.sizes), options.seed)
        done = f"filled in {time.perf_counter() - began:.0f} s"
    bench = Bench()
    say(f"{connection.display_name}, {done}")
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        say(getattr(bench, name)(*arguments))


def say(answer: Any) -> None:
    print(json.dumps({"answer": answer}), flush=True)


class Bench:
    """Opens pages of the largest team in this process and measures them."""

    def __init__(self) -> None:
        from django.contrib import admin
        from django.contrib.auth.models import User
        from django.test import Client

        from tasks_app.models import Prospect

        if not admin.site.is_registered(Prospect):
            admin.site.register(Prospect)  # plain, to be compared with
        self.clients = {}
        for who, name in (("lead", "t0-0"), ("rep", "t0-3")):
            self.clients[who] = Client(headers={"host": "localhost"})
            self.clients[who].force_login(User.objects.get(username=name))
        self.words = words_of_addresses()
        self.admins: dict[str, float] = {}

    def begin(self, address: str, who: str) -> dict[str, Any]:
        """Open a page for the first time; return what is measured of it once."""
        address = address.format(**self.words)
        self.open(address, who)
        statements, body = self.statements_of(address, who)
        return {
            "sql": min(self.times(lambda: run_alone(statements), 5)),
            "admin": self.admin_of(address),
            "queries": len(statements),
            "weight": len(gzip.compress(body, 6)),
            "rows": body.count(b'<tr id="row-'),
        }

    def time(self, address: str, who: str) -> float:
        """Return the milliseconds of opening a page."""
        address = address.format(**self.words)
        return self.times(lambda: self.open(address, who), 1)[0]

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


def print_weights() -> None:
    """Print what a browser loads once: every style sheet and script, compressed."""
    import django_htmx

    root = ROOT / "static"
    files = [*root.glob("css/**/*.css"), *root.glob("js/*.js")]
    files = [path for path in files if path.name != "admin.css"]
    files += Path(django_htmx.__file__).parent.glob("static/django_htmx/htmx-2.min.js")
    total = sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)
    print(f"style sheets and scripts, compressed: {total / 1024:.1f} KB")


if __name__ == "__main__":
    sys.exit(main())
