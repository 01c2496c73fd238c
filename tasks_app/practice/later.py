"""Work for later: what a vendor does in the background, and its webhook posts."""

import heapq
import http.client
import itertools
import json
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "::1")


class Later:
    """Runs functions after a delay, one after another, in one thread of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: list[tuple[float, int, Callable[[], Any]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._busy = False
        self._closing = False
        self._thread: threading.Thread | None = None

    def run(self, seconds: float, work: Callable[[], Any]) -> None:
        """Run `work` in `seconds` from now."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._loop, name=self.name, daemon=True
                )
                self._thread.start()
            due = time.monotonic() + seconds
            heapq.heappush(self._queue, (due, next(self._order), work))
            self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Wait until nothing is left to do; False when `timeout` seconds pass first."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._queue and not self._busy, timeout
            )

    def close(self) -> None:
        """Do at once what is still waiting, then end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _loop(self) -> None:
        while work := self._next():
            try:
                work()
            except Exception:
                traceback.print_exc()
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> Callable[[], Any] | None:
        with self._changed:
            while True:
                now = time.monotonic()
                if self._queue and (self._closing or self._queue[0][0] <= now):
                    self._busy = True
                    return heapq.heappop(self._queue)[2]
                if self._closing:
                    return None
                self._changed.wait(self._queue[0][0] - now if self._queue else None)


def is_loopback(host: str) -> bool:
    """Whether a host name or address, as written, means this machine."""
    return host in LOOPBACK or (host.startswith("127.") and host.count(".") == 3)


def post(url: str, body: Any, headers: dict[str, str]) -> int:
    """Post JSON to a receiver on this machine; return its status, 0 if there is none.

    A practice vendor never speaks to another machine.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        return 0
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=5
    )
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        payload = json.dumps(body, ensure_ascii=False).encode()
        sent = {"Content-Type": "application/json", **headers}
        connection.request("POST", target, payload, sent)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError):
        return 0
    finally:
        connection.close()
