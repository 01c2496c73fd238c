"""Random SIGKILLs while tasks flow to faulty vendors: python -m bench.chaos

Starts real Celery workers and a scheduler, creates tasks for all four vendors, turns
the practice vendors' failure dials up, and kills processes at random moments; on
PostgreSQL it also ends all its sessions and empties the broker now and then. Then the
vendors' own ledgers are held against what Baton says of every single task. Ends with
exit code 1 if anything was lost, repeated, or shown as delivered when it was not.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from typing import Any

from bench.crew import Crew
from bench.stage import VENDORS, Stage, make_batch, make_people, run_everywhere

#: Probability of each fault for a creating call.
FAULTS: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("lost_answer", 0.02, {}),
    ("reset", 0.02, {}),
    ("500", 0.01, {"done": True}),
    ("500", 0.01, {}),
    ("429", 0.01, {"retry_after": 1}),
    ("truncated", 0.01, {}),
    ("missing_results", 0.02, {"count": 1}),
    ("reordered_results", 0.05, {}),
    ("slow", 0.3, {"seconds": 0.05}),
)
#: Short waits, so that a campaign fits into minutes; their order is the product's.
QUICK = {
    "CALL_DEADLINE": "3",
    "LEASE": "12",
    "SETTLE_SECONDS": "4",
    "SWEEP_EVERY": "3",
    "SYNC_EVERY": "20",
}
#: For `--short`: shorter still, and as many kills as fit into half a minute.
SHORT = {
    "CALL_DEADLINE": "2",
    "LEASE": "9",
    "SETTLE_SECONDS": "1",
    "SWEEP_EVERY": "1",
    "SYNC_EVERY": "10",
}
FEW = {"kills": 12, "tasks": 240, "workers": 2, "every": 0.4}
DRAIN = 600.0  # seconds
PORTION = 50  # tasks in a batch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--kills", type=int, default=1000, help="(%(default)s)")
    parser.add_argument("--tasks", type=int, default=20_000, help="(%(default)s)")
    parser.add_argument("--workers", type=int, default=3, help="(%(default)s)")
    parser.add_argument(
        "--every", type=float, default=0.5, help="seconds between kills"
    )
    parser.add_argument("--short", action="store_true", help=f"the tests' form: {FEW}")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.here:
        print(f"seed {options.seed}", flush=True)
        arguments = [*sys.argv[1:], "--seed", str(options.seed)]
        return run_everywhere("bench.chaos", options.databases.split(","), arguments)
    if options.short:
        vars(options).update(FEW)
    with Stage(**(SHORT if options.short else QUICK)) as stage:
        return Campaign(stage, options).run()


class Campaign:
    """One campaign on the database of the settings."""

    def __init__(self, stage: Stage, options: argparse.Namespace) -> None:
        self.stage = stage
        self.options = options
        self.chance = random.Random(options.seed)
        self.crew = Crew(stage.log, workers=options.workers)
        self.kills = self.crew.kills
        self.accounts: list[Any] = []

    def run(self) -> int:
        from tests.factories import make_team

        team = make_team()
        for vendor in VENDORS:
            self.stage.control(vendor, "POST", "settings", bulk_delay=0.2)
            account = self.stage.account(vendor, team, rates=[[100_000, 1]])
            self.accounts.append(account)
            for kind, probability, more in FAULTS:
                self.stage.control(
                    vendor, "POST", "dials",
                    kind=kind, probability=probability, method="POST", **more,
                )  # fmt: skip
        began = time.monotonic()
        try:
            self.disturb()
            killed = time.monotonic()
            for vendor in VENDORS:
                self.stage.control(vendor, "DELETE", "dials")
            self.crew.keep_running()
            self.drain()
        finally:
            self.crew.dismiss()
        print(
            f"\n{sum(self.kills.values())} kills ({dict(self.kills)}) in "
            f"{killed - began:.0f} s, settled {time.monotonic() - killed:.0f} s after"
        )
        return self.report()

    # -- the disturbance ---------------------------------------------------------------

    def disturb(self) -> None:
        """Kill and create in turns until both are used up."""
        options = self.options
        portion = min(PORTION, options.tasks // 8)
        batches = [
            a for a in self.accounts for _ in range(options.tasks // 4 // portion)
        ]
        self.chance.shuffle(batches)
        per_kill = max(1, -(-len(batches) // options.kills))
        for number in range(options.kills):
            self.crew.keep_running()
            for account in batches[number * per_kill : (number + 1) * per_kill]:
                self.create(account, portion)
            time.sleep(self.chance.uniform(0, 2 * options.every))
            self.strike()

    def create(self, account: Any, count: int) -> None:
        from django.db import OperationalError, connection

        for _ in range(20):
            try:
                make_batch(account, make_people(account, count))
                return
            except OperationalError:
                connection.close()
                time.sleep(0.5)

    def strike(self) -> None:
        """Kill one process, or trouble what the processes stand on."""
        from django.conf import settings

        dice = self.chance.random()
        if dice < 0.03 and settings.HAS_BROKER:
            import redis

            redis.Redis.from_url(settings.BROKER_URL).flushdb()
            self.kills["broker emptied"] += 1
        elif dice < 0.06 and settings.HAS_BROKER:
            self.end_sessions()
        elif dice < 0.12:
            self.crew.kill("scheduler")
        else:
            workers = [name for name in self.crew.children if name != "scheduler"]
            self.crew.kill(self.chance.choice(workers))

    def end_sessions(self) -> None:
        """End all sessions of the database, as its restart does."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        self.kills["database sessions"] += 1

    # -- the reckoning -----------------------------------------------------------------

    def drain(self) -> None:
        """Wait until nothing moves any more, or only a person could decide.

        What a person is asked about is looked for all the same, ever more slowly: in the
        full form it gets the rest of the time.
        """
        from tasks_app.models import Push

        began = time.monotonic()
        known = None
        while (waited := time.monotonic() - began) < DRAIN:
            left = Push.objects.exclude(state__in=["delivered", "failed", "withdrawn"])
            counts = Counter(left.values_list("state", "ask_person"))
            if known is None and all(asked for _, asked in counts):
                known = f"{sum(counts.values())} asked of a person after {waited:.0f} s"
            if not counts or (known and self.options.short):
                break
            time.sleep(2)
        else:
            print(f"after {DRAIN:.0f} s there are left: {dict(counts)}")
        print(known or "")
        for sentence, number in Counter(
            left.values_list("error", flat=True)
        ).most_common(5):
            print(f"{number:>6}  {sentence}")

    def report(self) -> int:
        from django.db import connection

        from tasks_app.models import ProspectLink, Task

        print(
            f"{'database':<11}{'vendor':<13}{'tasks':>8}{'delivered':>11}{'lost':>6}"
            f"{'repeated':>10}{'false':>7}{'asked':>7}{'failed':>8}{'calls':>8}"
        )
        bad = 0
        for account in self.accounts:
            ledger = self.stage.control(account.vendor, "GET", "ledger")
            made = Counter(line["prospect"].lower() for line in ledger)
            ids = {str(line["task"]).lower() for line in ledger}
            links = dict(
                ProspectLink.objects.filter(account=account).values_list(
                    "prospect_id", "external_id"
                )
            )
            rows = list(
                Task.objects.filter(account=account).values_list(
                    "prospect_id", "delivery", "external_id"
                )
            )
            states = Counter(delivery for _, delivery, _ in rows)
            false = sum(
                delivery == "delivered" and external_id.lower() not in ids
                for _, delivery, external_id in rows
            )
            settled = ("failed", "needs_check", "delivered")
            lost = sum(
                delivery not in settled and not made[links[prospect].lower()]
                for prospect, delivery, _ in rows
            )
            repeated = sum(count - 1 for count in made.values() if count > 1)
            unsettled = len(rows) - sum(states[state] for state in settled)
            bad += lost + repeated + false + unsettled + states["failed"]
            state = self.stage.control(account.vendor, "GET", "state")
            print(
                f"{connection.display_name:<11}{account.vendor:<13}{len(rows):>8,}"
                f"{states['delivered']:>11,}{lost:>6}{repeated:>10}{false:>7}"
                f"{states['needs_check']:>7}{states['failed']:>8}"
                f"{state.get('calls', 0):>8,}",
                flush=True,
            )
        return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
