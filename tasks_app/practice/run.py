"""Run all four practice vendors in the foreground, until a signal ends them."""

import signal
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from .server import VENDORS, PracticeServer, start

PORTS = (8101, 8102, 8103, 8104)


class CannotStart(Exception):
    """Says in one sentence why the practice vendors did not start."""


def start_all(
    ports: Sequence[int] = PORTS,
    *,
    host: str = "127.0.0.1",
    data: str | None = None,
    prospects: str | None = None,
) -> list[PracticeServer]:
    """Start the four vendors in the order of `VENDORS`, or none of them."""
    if len(ports) != len(VENDORS):
        raise CannotStart(f"Give {len(VENDORS)} ports, one for each vendor.")
    if prospects and not Path(prospects).is_file():
        raise CannotStart(f"There is no prospects file {prospects}.")
    with ExitStack() as stack:
        servers = []
        for vendor, port in zip(VENDORS, ports, strict=True):
            try:
                server = start(
                    vendor, host=host, port=port, data=data, prospects=prospects
                )
            except (sqlite3.Error, FileNotFoundError, PermissionError) as error:
                raise CannotStart(f"{data or port} cannot be used: {error}.") from error
            except OSError as error:
                raise CannotStart(
                    f"Port {port} on {host} is not free ({error.strerror}): end what"
                    " uses it, or choose other ports with --ports."
                ) from error
            servers.append(stack.enter_context(server))
        stack.pop_all()
    return servers


def run(
    ports: Sequence[int] = PORTS,
    *,
    host: str = "127.0.0.1",
    data: str | None = None,
    prospects: str | None = None,
    say: Callable[[str], object] = print,
) -> None:
    """Serve until SIGINT or SIGTERM; `say` gets a line for each vendor."""
    ended = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: ended.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        servers = start_all(ports, host=host, data=data, prospects=prospects)
        for server in servers:
            say(
                f"Practice {server.app.label:<12} {server.base_url}"
                f"   control page {server.origin}/"
            )
        ended.wait()
        for server in servers:
            server.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
