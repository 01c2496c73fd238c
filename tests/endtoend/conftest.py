"""A real Celery worker on the test's database, and practice vendors over real HTTP."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection

from tasks_app import practice
from tests.house.test_supervising import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def vendors() -> Iterator[dict[str, practice.PracticeServer]]:
    """All four practice vendors with their documented limits, but a quick bulk."""
    servers = {slug: practice.start(slug, bulk_delay=0.2) for slug in practice.VENDORS}
    yield servers
    for server in servers.values():
        server.close()
        assert server.errors == []


class Worker:
    """A worker process; `output` is what it has printed."""

    def __init__(self, ports: list[int], output: Path, **env: str) -> None:
        self.output = output
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": database_url(),
            "DATA_DIR": str(settings.DATA_DIR),
            # What takes a minute in earnest takes seconds here.
            "SETTLE_SECONDS": "1",
            "CALL_DEADLINE": "3",
            "LEASE": "12",
            # Nobody sweeps here but the worker, three of these after the last.
            "SWEEP_EVERY": "2",
            "EXTRA_VENDOR_HOSTS": ",".join(f"127.0.0.1:{port}" for port in ports),
            **env,
        }
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "--quiet", "-A", "config"),
                *("worker", "--concurrency", "4", "--loglevel", "INFO"),
                *("--hostname", f"test-{os.getpid()}-{id(self)}@localhost"),
            ],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=output.open("w"),
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: self.is_ready() or self.process.poll() is not None, 40)
        assert self.is_ready(), output.read_text()

    def is_ready(self) -> bool:
        return " ready." in self.output.read_text()

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def start_worker(
    transactional_db: None, vendors: dict[str, practice.PracticeServer], tmp_path: Path
) -> Iterator[Callable[..., Worker]]:
    """Starts one more worker each time it is called, with these environment variables;
    all are stopped at the end."""
    workers: list[Worker] = []

    def start(**env: str) -> Worker:
        ports = [server.port for server in vendors.values()]
        workers.append(Worker(ports, tmp_path / f"worker-{len(workers)}.txt", **env))
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


class Redis:
    """A Redis of one's own, which may be killed and comes back empty."""

    def __init__(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port: int = one.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        wait_until(self.answers, 20)

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    if shutil.which("redis-server") is None and not os.environ.get("BATON_ALL"):
        pytest.skip("There is no redis-server here.")
    server = Redis()
    yield server
    server.kill()


def database_url() -> str:
    """Return where the tests' own database stands."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    login = found["USER"] + (f":{found['PASSWORD']}" if found["PASSWORD"] else "")
    return f"postgres://{login}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
