"""One practice vendor, running: its listening socket, its state, its dials."""

import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from . import faults
from .console import DOCUMENTED, Console
from .control import Control
from .dials import Dials, Trouble
from .later import Later
from .leadsquared import LeadSquared
from .limits import Limits, SlidingWindow
from .people import Person, User, read_prospects
from .reply import Reply
from .saleshandy import Saleshandy
from .store import Store
from .vendor import Settings, VendorApp
from .wire import Connection, ListeningSocket, Request, Response
from .ysuite import YSuite

VENDORS: dict[str, type[VendorApp]] = {
    "saleshandy": Saleshandy,
    "leadsquared": LeadSquared,
    "reply": Reply,
    "ysuite": YSuite,
}
SECRET_NAMES = ("accesskey", "secretkey")


class PracticeServer(Console):
    """A practice vendor in threads of this process; `start()` makes and starts one."""

    def __init__(
        self,
        vendor: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data: str | Path | None = None,
        credentials: Mapping[str, str] | None = None,
        prospects: str | Path | Iterable[Any] | None = None,
        users: Iterable[Mapping[str, str]] = (),
        task_types: Iterable[Any] = (),
        accept_unknown: bool | None = None,
        rate_limit: Limits | str | None = DOCUMENTED,
        bulk_delay: float = 2.0,
        seed: int = 0,
    ) -> None:
        app_class = VENDORS[vendor]
        limits = app_class.rate_limit if isinstance(rate_limit, str) else rate_limit
        keys = {**app_class.credentials, **(credentials or {})}
        self.stopping = threading.Event()
        self.host = host
        self.store = Store(vendor, data)
        try:
            self.socket = ListeningSocket((host, port), self)
        except OSError:
            self.store.close()
            raise
        self.lock = self.store.lock
        self.dials = Dials(seed)
        self.later = Later(f"{vendor}-later")
        self.deliveries = Later(f"{vendor}-deliveries")
        settings = Settings(keys, limits, bulk_delay)
        self.app = app_class(self.store, settings, self.later, self.deliveries)
        self.app.origin = self.origin
        self.limiter = SlidingWindow(limits)
        self.errors: list[str] = []  # tracebacks of this package's own mistakes
        self.control = Control(self)
        self._load_people(prospects)
        self.seed(users=users, task_types=task_types)
        if accept_unknown is not None:
            self.app.directory.accept_unknown = accept_unknown

    def _load_people(self, prospects: str | Path | Iterable[Any] | None) -> None:
        directory, app = self.app.directory, self.app
        for data in self.store.documents("prospect"):
            directory.add_people([Person(**data)])
        for data in self.store.documents("user"):
            directory.add_users([User(**data)])
        if prospects is None:
            return
        # Whoever says which prospects exist means that no others do.
        directory.accept_unknown = False
        if isinstance(prospects, str | Path):
            people = read_prospects(prospects, app.column, app.seed_form)
            directory.add_people(people)
        else:
            self.seed(prospects=prospects)

    # Running

    @property
    def port(self) -> int:
        return int(self.socket.server_address[1])

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where the vendor's paths begin, such as http://127.0.0.1:8101/v1."""
        return self.origin + self.app.prefix

    def start(self) -> "PracticeServer":
        """Serve in a thread, and return this server."""
        name = f"practice-{self.app.slug}"
        accept = self.socket.accept_forever
        threading.Thread(target=accept, name=name, daemon=True).start()
        return self

    def close(self) -> None:
        """Stop; what was still to be done in the background is done first."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.socket.hang_up()
        self.later.close()
        self.deliveries.close()
        with self.lock:
            self.store.close()

    def __enter__(self) -> "PracticeServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # One request

    def serve(self, request: Request, wire: Connection) -> None:
        """Answer a request on its connection, with the trouble that meets it."""
        if request.path == "/" or request.path.startswith("/_practice"):
            wire.send(self.control.answer(request), with_body=request.method != "HEAD")
            return
        with self.lock:
            if self.stopping.is_set():
                wire.open = False
                return
            response, refused = self._turn_away(request)
            trouble = None if response else self.dials.pick(request)
            if trouble is None:
                response = response or self._perform(request)
                self._record(request, response.status, "", refused)
        if trouble is None and response is not None:
            wire.send(response, with_body=request.method != "HEAD")
        elif trouble is not None:
            self._serve_in_trouble(request, wire, trouble)

    def _serve_in_trouble(
        self, request: Request, wire: Connection, trouble: Trouble
    ) -> None:
        if trouble.delay:
            self.stopping.wait(trouble.delay)  # even if the client leaves meanwhile
        request.refuse_every = trouble.refuse_every
        fault = trouble.fault
        with self.lock:
            if self.stopping.is_set():
                wire.open = False
                return
            response = Response(200)
            if fault is None or fault.done:
                response = self._perform(request)
                faults.bend_results(response, trouble, self.dials.random)
            if fault is not None:
                if fault.kind == "late":
                    self.later.run(fault.pause, lambda: self._perform_late(request))
                response = faults.replacement(fault, self.app) or response
            silent = fault is not None and fault.kind in (
                *faults.RESET_KINDS,
                "hang",
                "hang_after",
            )
            status = 0 if silent else response.status
            self._record(request, status, fault.kind if fault else "", False)
        faults.send(wire, response, fault)

    def _turn_away(self, request: Request) -> tuple[Response | None, bool]:
        """The answer to a wrong key or one call too many; whether it was the latter."""
        if response := self.app.authenticate(request):
            return response, False
        wait = self.limiter.wait(request.user, time.monotonic())
        return (self.app.too_many(wait), True) if wait else (None, False)

    def _perform(self, request: Request) -> Response:
        try:
            with self.store.transaction():
                return self.app.dispatch(request)
        except Exception:
            self.errors.append(traceback.format_exc())
            print(self.errors[-1], file=sys.stderr)
            return self.app.broken()

    def _perform_late(self, request: Request) -> None:
        with self.lock:
            self._perform(request)

    def _record(self, request: Request, status: int, fault: str, refused: bool) -> None:
        query = request.query_string
        if query:
            shown = [
                (name, "…" if name.lower() in SECRET_NAMES else value)
                for name, value in parse_qsl(query, keep_blank_values=True)
            ]
            query = urlencode(shown, safe="…:,@ ")
        self.store.record_call(
            request.at,
            request.id,
            request.method,
            request.path,
            query,
            request.user,
            status,
            fault,
            int(refused),
        )


def start(vendor: str, **options: Any) -> PracticeServer:
    """Start a practice vendor: saleshandy, leadsquared, reply or ysuite.

    Port 0 takes a free one. Use it in a `with` statement, or `close()` it. OSError when
    the port is taken. For the options see `PracticeServer`.
    """
    return PracticeServer(vendor, **options).start()
