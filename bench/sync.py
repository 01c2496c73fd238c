"""Tasks change at the vendors while the sync is killed: python -m bench.sync

For each vendor in turn: tasks of ours stand at its practice vendor, people there complete,
cancel, move, reassign, reopen and delete some of them while real workers read the account
and die at random. Then the processes run undisturbed for two cycles, and every task in
Baton's database is held against the vendor's own books. Ends with exit code 1 if a task
differs.

`--memory N` measures instead what a worker needs to read an account of N open tasks.

Limits are raised, Baton's and the vendors': a campaign would take hours at the documented
ones, and the number of calls stays the same.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.crew import Crew
from bench.stage import VENDORS, Stage, run_everywhere
from bench.sync_books import Books

#: Short waits, so that a campaign fits into minutes; their order is the product's.
QUICK = {"CALL_DEADLINE": "10", "LEASE": "4", "SWEEP_EVERY": "2", "SYNC_EVERY": "6"}
#: A worker for `--memory` reads when it is told to.
CALM = {"SYNC_EVERY": "100000", "SWEEP_EVERY": "5"}
PATIENCE = 600.0  # seconds that one cycle may take
WORKERS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--vendors", default=",".join(VENDORS))
    parser.add_argument("--tasks", type=int, default=10_000, help="(%(default)s)")
    parser.add_argument("--changes", type=int, default=2_000, help="(%(default)s)")
    parser.add_argument(
        "--kills",
        type=int,
        default=30,
        help="(%(default)s); 0 = all changes at once, while nothing runs",
    )
    parser.add_argument("--memory", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.here:
        print(f"seed {options.seed}", flush=True)
        arguments = [*sys.argv[1:], "--seed", str(options.seed)]
        return run_everywhere("bench.sync", options.databases.split(","), arguments)
    with Stage(**(CALM if options.memory else QUICK)) as stage:
        kind = Memory if options.memory else Campaign
        return max(
            kind(stage, options, vendor).run() for vendor in options.vendors.split(",")
        )


class Campaign:
    """One vendor, from the first task to the comparison."""

    def __init__(self, stage: Stage, options: argparse.Namespace, vendor: str) -> None:
        self.stage, self.options, self.vendor = stage, options, vendor
        self.chance = random.Random(f"{options.seed} {vendor}")
        self.crew = Crew(stage.log, workers=WORKERS)
        self.books = Books(stage, vendor, self.chance)
        self.done: Counter[str] = Counter()

    def run(self) -> int:
        self.books.open(self.options.tasks)
        began = time.monotonic()
        try:
            self.disturb()
            self.crew.keep_running()
            self.wait_until_idle()
            disturbed = time.monotonic() - began
            cycles = [self.cycle(), self.cycle()]
        finally:
            self.crew.dismiss()
        code = self.report(disturbed, cycles)
        self.books.close()
        return code

    def disturb(self) -> None:
        """Change and kill in turns until both are used up."""
        kills, changes = self.options.kills, self.options.changes
        if not kills:
            self.done += self.books.change(changes)
        for number in range(kills):
            self.crew.keep_running()
            share = changes * (number + 1) // kills - changes * number // kills
            pieces = [share // 4] * 3 + [share - share // 4 * 3]
            for piece in pieces:
                self.done += self.books.change(piece)
                time.sleep(self.chance.uniform(0.1, 0.6))
            names = [name for name in self.crew.children if name != "scheduler"]
            lot = self.chance.random()
            self.crew.kill("scheduler" if lot < 0.1 else self.chance.choice(names))

    def wait_until_idle(self) -> None:
        """Wait for the end of the run that was disturbed; no other begins by itself."""
        from django.conf import settings

        self.crew.dismiss()
        settings.SYNC_EVERY = 10.0**6
        self.books.skip_window()
        self.crew.keep_running()
        self.wait_for(self.books.unfinished)

    def cycle(self) -> tuple[int, int, float]:
        """Return the calls of one undisturbed cycle, the least there are, and seconds."""
        least = self.books.least_calls()
        before, began = self.books.calls(), time.monotonic()
        run = self.books.ask()
        self.wait_for(self.books.unfinished)
        run.refresh_from_db()
        if run.error:
            raise SystemExit(f"{self.vendor}: a reading failed: {run.error}")
        return self.books.calls() - before, least, time.monotonic() - began

    def wait_for(self, still: Any) -> None:
        end = time.monotonic() + PATIENCE
        while still():
            if time.monotonic() > end:
                raise SystemExit(f"{self.vendor}: no end after {PATIENCE:.0f} s")
            time.sleep(0.2)

    def report(self, disturbed: float, cycles: list[tuple[int, int, float]]) -> int:
        from django.db import connection

        wrong = self.books.compare()
        tasks = self.options.tasks
        if (self.vendor, connection.vendor) == (VENDORS[0], connection.vendor):
            print(
                f"{'database':<11}{'vendor':<12}{'tasks':>7}{'changes':>8}{'kills':>6}"
                f"{'equal':>9}{'wrong':>6}  {'cycle 1: calls':>14}{'least':>6}{'ratio':>6}"
                f"{'s':>5}  {'cycle 2: calls':>14}{'least':>6}{'ratio':>6}{'s':>5}"
            )
        cells = "".join(
            f"  {calls:>14,}{least:>6,}{calls / max(1, least):>6.2f}{seconds:>5.0f}"
            for calls, least, seconds in cycles
        )
        print(
            f"{connection.display_name:<11}{self.vendor:<12}{tasks:>7,}"
            f"{self.done.total():>8,}{sum(self.crew.kills.values()):>6}"
            f"{1 - len(wrong) / tasks:>9.2%}{len(wrong):>6}{cells}"
        )
        print(
            f"{'':<11}{disturbed:.0f} s of changes:",
            ", ".join(f"{count} {name}" for name, count in sorted(self.done.items())),
            f"({self.books.deleted_when_finished} deleted after they were finished)",
            flush=True,
        )
        for difference in wrong[:5]:
            print(f"{'':<11}{difference}")
        return int(bool(wrong))


class Memory:
    """What a worker needs while it reads an account with very many open tasks."""

    def __init__(self, stage: Stage, options: argparse.Namespace, vendor: str) -> None:
        self.stage, self.options, self.vendor = stage, options, vendor
        self.books = Books(stage, vendor, random.Random(options.seed))

    def run(self) -> int:
        from django.db import connection

        self.books.open(self.options.memory, finished=0)
        self.books.skip_window()
        self.stage.start_worker("worker")
        pid = self.stage.processes["worker"].pid
        time.sleep(12)
        idle = megabytes(pid)
        self.books.ask()
        began, most, before = time.monotonic(), idle, self.books.calls()
        while self.books.unfinished():
            most = max(most, megabytes(pid))
            time.sleep(0.1)
        seconds = time.monotonic() - began
        self.stage.kill("worker")
        print(
            f"{connection.display_name:<11}{self.vendor:<12}"
            f"{self.options.memory:>9,} open tasks: idle {idle:.0f} MB, most {most:.0f} "
            f"MB, {most - idle:+.0f} MB; {self.books.calls() - before:,} calls, "
            f"{seconds:.0f} s",
            flush=True,
        )
        self.books.close()
        return int(most - idle > 20)


def megabytes(pid: int) -> float:
    """Return what of this process is in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
