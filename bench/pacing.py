"""Whether the rate limit holds and is used: python -m bench.pacing

Four real workers push single calls to one LeadSquared account that is allowed 25 calls
in any 5 seconds. The practice vendor notes when every call arrived: the worst window
must hold no more than the limit, and while work waits at least 95 % must be used.
"""

from __future__ import annotations

import argparse
import sys
import time

from bench.stage import Stage, make_batch, make_people, run_everywhere

HEADER = (
    f"{'database':<11}{'workers':>8}{'calls':>7}{'seconds':>9}{'worst 5 s':>11}"
    f"{'refused':>9}{'of allowance':>14}{'urgent waited s':>17}"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--workers", type=int, default=4, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="(%(default)s)")
    parser.add_argument("--calls", type=int, default=25, help="the limit (%(default)s)")
    parser.add_argument("--window", type=float, default=5, help="seconds (%(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.here:
        print(HEADER, flush=True)
        return run_everywhere(
            "bench.pacing", options.databases.split(","), sys.argv[1:]
        )
    with Stage() as stage:
        return measure(stage, options)


def measure(stage: Stage, options: argparse.Namespace) -> int:
    from django.db import connection

    from tests.factories import make_team

    limit = [options.calls, options.window]
    account = stage.account(
        "leadsquared", make_team(), rates=[limit], settings={"bulk_from": "0"}
    )
    stage.control("leadsquared", "POST", "settings", rate_limit=[limit])
    wanted = int(options.calls / options.window * options.seconds)
    make_batch(account, make_people(account, wanted))
    for number in range(options.workers):
        stage.start_worker(f"worker{number}")
    stage.start_scheduler()
    calls = wait_for_calls(stage, 1)
    began = calls[0]["at"]
    time.sleep(options.seconds / 2)
    urgent_waited = wait_for_urgent(stage, account)
    wait_for_calls(stage, wanted)
    calls = stage.control("leadsquared", "GET", "calls")
    path = f"window?seconds={options.window}"
    worst = stage.control("leadsquared", "GET", path)["most"]
    refused = sum(call["status"] == 429 for call in calls)
    lasted = calls[wanted - 1]["at"] - began
    # The first window is a burst: what counts is how soon the last one came.
    least = (-(-wanted // options.calls) - 1) * options.window
    share = least / max(lasted, 0.001)
    print(
        f"{connection.display_name:<11}{options.workers:>8}{len(calls):>7}{lasted:>9.1f}"
        f"{worst:>11}{refused:>9}{share:>14.1%}{urgent_waited:>17.1f}",
        flush=True,
    )
    return int(worst > options.calls or refused > 0 or share < 0.95)


def wait_for_calls(stage: Stage, count: int) -> list:
    """Return the vendor's calls once there are so many, or nothing comes any more."""
    seen, since = 0, time.monotonic()
    while True:
        calls = stage.control("leadsquared", "GET", "calls")
        if len(calls) >= count:
            return calls
        if len(calls) > seen:
            seen, since = len(calls), time.monotonic()
        if time.monotonic() - since > 60:
            raise SystemExit(f"Only {seen} of {count} calls came.")
        time.sleep(0.5)


def wait_for_urgent(stage: Stage, account) -> float:
    """Create one urgent task behind the batch; return seconds until it was delivered."""
    from tasks_app.models import Push

    batch = make_batch(account, make_people(account, 1))
    push = Push.objects.get(task__batch=batch)
    Push.objects.filter(pk=push.pk).update(lane=Push.Lane.URGENT)
    began = time.monotonic()
    while Push.objects.get(pk=push.pk).state != "delivered":
        time.sleep(0.1)
        if time.monotonic() - began > 60:
            return float("inf")
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
