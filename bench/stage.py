"""A scratch installation for a campaign: database, broker, practice vendors, processes.

`run_everywhere` runs a module once per database, each in a process of its own whose
environment names that database; there `Stage` starts the real processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

POSTGRES = os.environ.get(
    "TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/baton"
)
REDIS = os.environ.get("TEST_BROKER_URL", "redis://127.0.0.1:6379/7")
VENDORS = ("saleshandy", "leadsquared", "reply", "ysuite")
ROOT = Path(__file__).resolve().parent.parent


def run_everywhere(module: str, databases: list[str], arguments: list[str]) -> int:
    """Run `python -m module --here` on each database; return the worst exit code."""
    code = 0
    for name in databases:
        with installation(name) as env:
            code |= subprocess.run(
                [sys.executable, "-m", module, *arguments, "--here"],
                env=env,
                cwd=ROOT,
                check=False,
            ).returncode
    return code


@contextlib.contextmanager
def installation(database: str, keep: str = "") -> Iterator[dict[str, str]]:
    """Give the environment of a process on a database of its own.

    It is new and dropped at the end; by the name `keep` it stays and is found again.
    """
    kept = ROOT / ".data" / "bench" / f"{database}_{keep}"
    if keep:
        kept.mkdir(parents=True, exist_ok=True)
    folder = str(kept) if keep else tempfile.mkdtemp(prefix="baton-bench-")
    env = {k: v for k, v in os.environ.items() if k not in ("DEBUG", "ALLOWED_HOSTS")}
    env |= {
        "DATA_DIR": folder,
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "PRACTICE_PORTS": ",".join(str(port) for port in free_ports(4)),
        "LOG_LEVEL": "ERROR",
        "BENCH_DATABASE": database,
    }
    env.pop("DATABASE_URL", None)
    env.pop("CELERY_BROKER_URL", None)
    url = f"{POSTGRES}_bench_{keep or random.randrange(10**6)}"
    if database == "postgresql":
        make_database(url, there=bool(keep))
        env |= {"DATABASE_URL": url, "CELERY_BROKER_URL": REDIS}
    try:
        yield env
    finally:
        if not keep:
            if database == "postgresql":
                drop_database(url)
            shutil.rmtree(folder, ignore_errors=True)


def make_database(url: str, *, there: bool = False) -> None:
    """Create it; with `there` it may be there already."""
    from psycopg.errors import DuplicateDatabase

    with contextlib.suppress(*[DuplicateDatabase] * there):
        on_server(url, "CREATE DATABASE")


def drop_database(url: str) -> None:
    on_server(url, "DROP DATABASE IF EXISTS", "WITH (FORCE)")


def on_server(url: str, before: str, after: str = "") -> None:
    import psycopg
    from psycopg import sql

    parts = urlsplit(url)
    server = parts._replace(scheme="postgresql", path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        name = sql.Identifier(parts.path.lstrip("/"))
        connection.execute(sql.SQL(before + " {} " + after).format(name))


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Stage:
    """Real processes around this one, all gone when the block ends."""

    def __init__(self, **env: str) -> None:
        self.env = {**os.environ, **env}
        self.ports = dict(
            zip(VENDORS, os.environ["PRACTICE_PORTS"].split(","), strict=True)
        )
        self.folder = Path(os.environ["DATA_DIR"])
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.log = (self.folder / "processes.log").open("ab")

    def __enter__(self) -> Stage:
        import django

        os.environ.update(self.env)
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self.start(
            "practice",
            "manage.py",
            "practice_vendors",
            "--ports",
            ",".join(self.ports.values()),
        )
        for vendor in VENDORS:
            self.wait_for(vendor)
            self.control(vendor, "POST", "settings", rate_limit=None)
        return self

    def __exit__(self, *error: object) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.log.close()

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a Python program under this name, in a session of its own."""
        self.processes[name] = subprocess.Popen(
            [sys.executable, *command],
            env=self.env,
            cwd=ROOT,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        return self.processes[name]

    def start_worker(self, name: str, threads: int = 8) -> None:
        self.start(
            name, "-m", "celery", "-A", "config", "worker", "-l", "WARNING",
            "-c", str(threads), "-n", f"{name}-{time.monotonic_ns()}@bench",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        )  # fmt: skip

    def start_scheduler(self, name: str = "scheduler") -> None:
        self.start(name, "-m", "celery", "-A", "config", "beat", "-l", "WARNING")

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to the whole session of a process and wait for its end."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait()

    def control(self, vendor: str, verb: str, path: str, /, **body: Any) -> Any:
        """Ask a practice vendor's control API; return its JSON answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[vendor]}/_practice/{path}",
            method=verb,
            data=json.dumps(body).encode() if verb == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def wait_for(self, vendor: str) -> None:
        for _ in range(200):
            try:
                self.control(vendor, "GET", "state")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"Practice {vendor} did not start; see {self.log.name}.")

    def account(self, vendor: str, team: Any, **changes: Any) -> Any:
        """Connect an account to a practice vendor, with one person who holds tasks."""
        from tasks_app import practice
        from tests.factories import make_account, make_vendor_user

        app = practice.VENDORS[vendor]
        row = make_account(
            vendor,
            team=team,
            name=f"Bench {vendor}",
            base_url=f"http://127.0.0.1:{self.ports[vendor]}{app.prefix}",
            credentials=dict(app.credentials),
            **{"reference_marker": vendor == "saleshandy", **changes},
        )
        make_vendor_user(row, external_id="", email="lead@baton.example")
        return row


def make_people(account: Any, count: int) -> list[Any]:
    """Return new prospects that are linked to this account."""
    from tasks_app.models import Prospect, ProspectLink
    from tests.factories import EXTERNAL_IDS

    first = ProspectLink.objects.count() + 1
    people = []
    for number in range(first, first + count):
        person = Prospect(
            team=account.team,
            first_name="Ada",
            last_name=f"Okafor {number}",
            email=f"ada{number}.{account.pk}@halden.example",
        )
        person.fill_derived()
        people.append(person)
    Prospect.objects.bulk_create(people, batch_size=500)
    ProspectLink.objects.bulk_create(
        (
            ProspectLink(
                prospect=person,
                account=account,
                external_id=EXTERNAL_IDS[account.vendor](first + number),
            )
            for number, person in enumerate(people)
        ),
        batch_size=500,
    )
    return people


def make_batch(account: Any, people: list[Any]) -> Any:
    """Create one task for each of these people through the product's own service."""
    import uuid
    from datetime import timedelta

    from django.utils import timezone

    from tasks_app.services.creating import TaskInput, create_tasks, prepare
    from tests.factories import TYPES

    start = (timezone.now() + timedelta(days=2)).replace(microsecond=0)
    given = TaskInput(
        type_code=TYPES[account.vendor],
        title="Follow up on the proposal",
        note="Call about the renewal.",
        # Workers read the vendor's people meanwhile.
        assignee=account.vendor_users.filter(active=True).first()
        if account.vendor == "leadsquared"
        else None,
        **(
            {"due_on": start.date()}
            if account.vendor == "saleshandy"
            else {"starts_at": start, "due_at": start + timedelta(hours=1)}
        ),
    )
    plan = prepare(account=account, task_input=given, prospects=people)
    if plan.errors or plan.ready != len(people):
        raise SystemExit(
            f"The batch is not as meant: {plan.errors} {plan.left_out[:3]}"
        )
    return create_tasks(plan, by=None, form_token=uuid.uuid4())
