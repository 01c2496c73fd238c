"""Workers and a scheduler that are killed and replaced: forked from a warm process."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Any


class Crew:
    """Real processes that cost no import; all end with `dismiss`."""

    def __init__(self, log: Any, *, workers: int) -> None:
        self.log, self.workers = log, workers
        self.children: dict[str, int] = {}
        self.kills: Counter[str] = Counter()

    def keep_running(self) -> None:
        """Replace whoever is missing."""
        for number in range(self.workers):
            if f"worker{number}" not in self.children:
                self.fork(f"worker{number}")
        if "scheduler" not in self.children:
            self.fork("scheduler")

    def fork(self, name: str) -> None:
        from django.db import connections

        connections.close_all()
        pid = os.fork()
        if pid:
            self.children[name] = pid
            return
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.dup2(self.log.fileno(), 1)
            os.dup2(self.log.fileno(), 2)
            serve(name)
        finally:
            os._exit(0)

    def kill(self, name: str, *, count: bool = True) -> None:
        pid = self.children.pop(name)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if count:
            self.kills[name.rstrip("0123456789")] += 1

    def dismiss(self) -> None:
        """End all that are left."""
        for name in list(self.children):
            self.kill(name, count=False)


def serve(name: str) -> None:
    """Be a worker or the scheduler until killed."""
    from config.celery import app

    if name == "scheduler":
        app.Beat(loglevel="ERROR", schedule=None, pidfile=None).run()
        return
    unique = f"{name}-{os.getpid()}@bench"
    app.worker_main(
        [
            "worker", "-l", "ERROR", "-c", "8", "-n", unique,
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ]
    )  # fmt: skip
