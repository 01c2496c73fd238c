"""Tasks per second through the whole engine: python -m bench.throughput

The worker's own service, in as many processes and threads as asked for, against
practice vendors without a limit that answer after 0 or 50 ms; beside it, in the same
run and with as many processes and threads, a bare loop of httpx calls with the very same
bodies. The ratio is the figure.
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import subprocess
import sys
import threading
import time
from datetime import timedelta

from bench.stage import VENDORS, Stage, make_batch, make_people, run_everywhere

#: Memory may grow by so much after the second tenth of the tasks.
FLAT = 0.10

HEADER = (
    f"{'database':<11}{'vendor':<13}{'answer ms':>10}{'tasks':>8}{'calls':>7}"
    f"{'engine/s':>10}{'bare/s':>9}{'ratio':>7}{'ids known/s':>13}"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--vendors", default=",".join(VENDORS))
    parser.add_argument("--answers", default="0,50", help="milliseconds (%(default)s)")
    parser.add_argument("--tasks", type=int, default=600, help="(%(default)s)")
    parser.add_argument("--bulk-tasks", type=int, default=6000, help="(%(default)s)")
    parser.add_argument(
        "--processes", type=int, help="(one on SQLite, two on PostgreSQL)"
    )
    parser.add_argument(
        "--threads", type=int, default=4, help="of all processes (%(default)s)"
    )
    parser.add_argument(
        "--memory", type=int, default=0, help="tasks to watch memory over, and no more"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--helper", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.helper:
        return help_out(options.helper, options.threads)
    if not options.here:
        if not options.memory:
            print(HEADER, flush=True)
        return run_everywhere(
            "bench.throughput", options.databases.split(","), sys.argv[1:]
        )
    if options.processes is None:
        options.processes = 1 + (os.environ["BENCH_DATABASE"] == "postgresql")
    with Stage() as stage:
        from tests.factories import make_team

        team = make_team()
        accounts = {}
        for vendor in options.vendors.split(","):
            stage.control(vendor, "POST", "settings", bulk_delay=0)
            account = stage.account(vendor, team, rates=[[1_000_000, 1]])
            accounts[vendor] = account
        if options.memory:
            return watch_memory(list(accounts.values()), options)
        for vendor, account in accounts.items():
            bulk = vendor in ("saleshandy", "leadsquared")
            count = options.bulk_tasks if bulk else options.tasks
            for answer in options.answers.split(","):
                stage.control(vendor, "DELETE", "dials")
                if float(answer):
                    stage.control(
                        vendor,
                        "POST",
                        "dials",
                        kind="slow",
                        seconds=float(answer) / 1000,
                    )
                measure(stage, account, count, answer, options)
    return 0


def measure(stage: Stage, account, count: int, answer: str, options) -> None:
    from django.db import connection

    from tasks_app.models import Push

    make_batch(account, make_people(account, count))
    requests = requests_of(account)
    sent = in_processes(f"push {account.pk}", options)
    left = Push.objects.filter(account=account).exclude(
        state__in=["delivered", "accepted"]
    )
    if left.exists():
        first = left.first()
        raise SystemExit(
            f"{left.count()} not sent, such as: {first.state} {first.error}"
        )
    began = time.perf_counter()
    settle(account)
    known = sent + time.perf_counter() - began
    path = stage.folder / "requests.pickle"
    path.write_bytes(pickle.dumps(requests))
    bare = in_processes(f"bare {account.pk} {path}", options)
    print(
        f"{connection.display_name:<11}{account.vendor:<13}{answer:>10}{count:>8,}"
        f"{len(requests):>7,}{count / sent:>10,.0f}{count / bare:>9,.0f}"
        f"{bare / sent:>7.2f}{count / known:>13,.0f}",
        flush=True,
    )


def in_processes(task: str, options) -> float:
    """Let helper processes do this together; return the seconds it took."""
    each = max(1, options.threads // options.processes)
    helpers = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.throughput", "--threads", str(each),
             "--helper", f"{task} {number}/{options.processes}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(options.processes)
    ]  # fmt: skip
    for helper in helpers:
        helper.stdout.readline()
    began = time.perf_counter()
    for helper in helpers:
        helper.stdin.write(b"go\n")
        helper.stdin.flush()
    for helper in helpers:
        helper.stdout.readline()
    took = time.perf_counter() - began
    for helper in helpers:
        if helper.wait():
            raise SystemExit(f"A helper of {task} failed.")
    return took


def help_out(task: str, threads: int) -> int:
    """Be one helper: get ready, say so, wait for the word, work, say so."""
    import django

    django.setup()
    from django.db import connection

    from tasks_app.models import ConnectedAccount
    from tasks_app.services import doorbell

    name, account_id, *more = task.split()
    account = ConnectedAccount.objects.get(pk=account_id)
    connection.close()
    # A worker has its jobs loaded and the way to its broker open.
    doorbell.ring_now(account.pk)
    number, of = map(int, more[-1].split("/"))
    requests = []
    if name == "bare":
        with open(more[0], "rb") as file:
            requests = pickle.load(file)[number::of]  # noqa: S301
    print("ready", flush=True)
    sys.stdin.readline()
    if name == "push":
        in_threads(threads, lambda: push(account))
    else:
        bare_loop(account, requests, threads)
    print("done", flush=True)
    return 0


def push(account) -> None:
    from django.utils import timezone

    from tasks_app.services.pushing import push_account
    from tasks_app.services.transport import default_transport

    push_account(
        account.pk,
        transport=default_transport(),
        until=timezone.now() + timedelta(minutes=10),
    )


def settle(account) -> None:
    """Read back the ids of what was only accepted."""
    from django.utils import timezone

    from tasks_app.models import Push
    from tasks_app.services.reconciling import reconcile_account
    from tasks_app.services.transport import default_transport

    waiting = Push.objects.filter(account=account, state="accepted")
    while waiting.exists():
        waiting.update(look_at=timezone.now())
        reconcile_account(account.pk, transport=default_transport())


def requests_of(account) -> list:
    """Return the very requests that the engine is about to send."""
    from tasks_app.models import Push
    from tasks_app.services.drafting import drafts_for
    from tasks_app.vendors.base import in_pieces

    adapter = account.adapter()
    pushes = list(Push.objects.filter(account=account, state="queued").order_by("pk"))
    requests = []
    for part in in_pieces(pushes, adapter.create_limit if pushes[0].group_key else 500):
        drafts = list(drafts_for(part).values())
        requests += [adapter.create_request(call) for call in adapter.split(drafts)]
    return requests


def bare_loop(account, requests: list, threads: int) -> None:
    """Send these requests with httpx and nothing else."""
    import httpx

    queue = list(reversed(requests))
    auth = account.adapter().auth()
    client = httpx.Client(
        base_url=account.base_url,
        headers=dict(auth.headers),
        trust_env=False,
        timeout=30,
    )

    def work() -> None:
        while True:
            try:
                request = queue.pop()
            except IndexError:
                return
            client.request(
                request.method,
                request.path,
                params={**request.query, **auth.query},
                json=request.json,
            ).json()

    in_threads(threads, work)


def in_threads(count: int, work) -> None:
    from django.db import connection

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    running = [threading.Thread(target=run) for _ in range(count)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def watch_memory(accounts: list, options) -> int:
    """Print this process's memory after each tenth of `options.memory` tasks, which are
    sent to all these accounts; return 0 where it is flat within a tenth."""
    from django.db import connection

    print(
        f"{connection.display_name}: memory over {options.memory:,} tasks at "
        f"{', '.join(account.vendor for account in accounts)}; MiB after each tenth:"
    )
    each = max(1, options.memory // 10 // len(accounts))
    figures = []
    for _ in range(10):
        for account in accounts:
            make_batch(account, make_people(account, each))
            in_threads(options.threads, lambda account=account: push(account))
        figures.append(resident())
        print(f"{figures[-1]:.0f}", end=" ", flush=True)
    # The first tenth fills what is kept for good: connections, caches, compiled code.
    change = max(figures[1:]) / figures[1] - 1
    print(f"\nmost after the second tenth: {change:+.1%}", flush=True)
    return int(change > FLAT)


def resident() -> float:
    """Return this process's resident memory in MiB."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
