"""Run all of Baton on this machine in one foreground command."""

from __future__ import annotations

import fcntl
import http.client
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connections

from config.settings.local import data_dir
from tasks_app.management.operator import OperatorCommand
from tasks_app.services.demo import prepare_demo, sign_ins
from tasks_app.services.supervising import Supervisor, answers, port_is_free
from tasks_app.services.transport import default_transport

from .demo import practice_ports, sign_in_lines

PATIENCE = 60.0  # seconds that a part may take to start


class Command(OperatorCommand):
    help = (
        "Prepare the database and the demo, then run web, worker, scheduler and "
        "practice vendors until Ctrl-C."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="(%(default)s)")
        parser.add_argument(
            "--port",
            default=os.environ.get("PORT", "8000"),
            help="where the web listens (PORT, %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "This command is for one machine without settings, and DEBUG or "
                "ALLOWED_HOSTS say that this is production. Use compose.yaml, or "
                "unset them."
            )
        host, port = options["host"], _port(options["port"])
        ports = practice_ports() if settings.PRACTICE_VENDORS else []
        with _only_one():
            _check_ports(host, port, ports)
            supervisor = Supervisor(self._say, environment=quieter())
            supervisor.listen()
            try:
                self._start(supervisor, host, port, ports)
                code = supervisor.run()
            finally:
                supervisor.stop()
        self._say("Baton has stopped.")
        sys.exit(code)

    def _start(
        self, supervisor: Supervisor, host: str, port: int, ports: list[int]
    ) -> None:
        self._say("Preparing the database.")
        if ports:
            supervisor.start("practice", practice_command(ports))
        call_command("migrate", interactive=False, verbosity=0)
        if supervisor.stopping:
            return
        supervisor.start("web", web_command(host, port))
        if ports and supervisor.wait_for(
            lambda: all(answers("127.0.0.1", port) for port in ports), seconds=PATIENCE
        ):
            for sentence in prepare_demo(transport=default_transport(), ports=ports):
                self._say(sentence)
        if supervisor.stopping:
            return
        supervisor.start("worker", WORKER)
        supervisor.start("scheduler", SCHEDULER)
        people = sign_in_lines(sign_ins()) if ports else []
        # Nothing here keeps a hand on the database while the others work.
        connections.close_all()
        if supervisor.wait_for(lambda: web_answers(host, port), seconds=PATIENCE):
            self._say(f"Baton is ready at http://{host}:{port}/")
            if people:
                self._say("Sign in as")
            for line in people:
                self._say(line)
            self._say("Ctrl-C stops it.")
        elif not supervisor.stopping:
            self._say(f"The web does not answer after {PATIENCE:.0f} seconds.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


PYTHON = sys.executable
CELERY = [PYTHON, "-m", "celery", "--quiet", "-A", "config"]
WORKER = [
    *CELERY,
    "worker",
    *("--pool", "threads", "--concurrency", "8", "--loglevel", "WARNING"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
]
SCHEDULER = [*CELERY, "beat", "--loglevel", "WARNING", "--pidfile="]


def quieter() -> dict[str, str]:
    """Return the environment in which the parts say only what somebody must know."""
    changes = {
        # Pages' files come from where they stand, not from STATIC_ROOT; and who is
        # root on this machine knows that.
        "PYTHONWARNINGS": "ignore:No directory at,ignore:You're running the worker",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
    }
    if not settings.HAS_BROKER:
        changes["CELERY_BROKER_URL"] = "memory://localhost//"
    return changes


def web_command(host: str, port: int) -> list[str]:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        *(PYTHON, "-m", "gunicorn", "config.wsgi", "--bind", bind),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
        *("--graceful-timeout", "5", "--log-level", "warning"),
        # It would stand in the home folder otherwise.
        "--no-control-socket",
    ]


def practice_command(ports: list[int]) -> list[str]:
    return [
        *(PYTHON, str(settings.BASE_DIR / "manage.py"), "practice_vendors"),
        *("--ports", ",".join(str(port) for port in ports)),
        *("--data", str(Path(settings.DATA_DIR) / "practice.sqlite3")),
    ]


def web_answers(host: str, port: int) -> bool:
    """Whether a page comes back, of whatever kind."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CommandError(f"“{text}” is not a port. Choose one: make run PORT=8001")
    return int(text)


def _check_ports(host: str, port: int, ports: list[int]) -> None:
    if not port_is_free(host, port):
        raise CommandError(
            f"Port {port} is taken. Choose another: make run PORT={port + 1}"
        )
    if port in ports:
        raise CommandError(
            f"Port {port} is meant for a practice vendor too. "
            f"Choose another: make run PORT={max(ports) + 1}"
        )
    for taken in (p for p in ports if not port_is_free("127.0.0.1", p)):
        others = ",".join(str(p + 100) for p in ports)
        raise CommandError(
            f"Port {taken}, of a practice vendor, is taken. "
            f"Choose others: make run PRACTICE_PORTS={others}"
        )


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold the data folder; raise CommandError when another run holds it."""
    path = data_dir(Path(settings.DATA_DIR)) / "up.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                f"Baton already runs with the data in {settings.DATA_DIR}. Stop it "
                "first, or choose another folder: make run DATA_DIR=/tmp/baton"
            ) from None
        yield
