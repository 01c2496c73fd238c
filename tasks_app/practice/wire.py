"""HTTP/1.1 on a socket: read requests, write answers, and break off on purpose.

Only what the practice vendors need, and quick: keep-alive, a Content-Length on every
answer, no chunked requests. Bodies are limited to `LARGEST_BODY` bytes.
"""

import contextlib
import itertools
import json
import select
import socket
import socketserver
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from .server import PracticeServer

LARGEST_BODY = 10 * 1024 * 1024
REASONS = {status.value: status.phrase for status in HTTPStatus}
_numbers = itertools.count(1)
compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class BadBody(ValueError):
    """The body is not what the vendor reads; the text says why."""


class Refused(Exception):
    """Raised by a vendor to end a request with `response`."""

    def __init__(self, response: "Response") -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(slots=True)
class Request:
    """One call. `at` is its arrival, in seconds since 1970."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    client: str
    at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: f"r{next(_numbers)}")
    user: str = ""  # who the key stands for, set by the vendor
    refuse_every: int = 0  # the partial-refusal dial: refuse each n-th prospect

    @property
    def query(self) -> dict[str, str]:
        """The query as names and values; of a repeated name the last counts."""
        if not self.query_string:
            return {}
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON; `BadBody` when it is not, or is not labelled so."""
        if self.content_type != "application/json":
            raise BadBody("Content-Type must be application/json")
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise BadBody("the body is not valid JSON") from error

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; anything else is a `BadBody`."""
        body = self.json()
        if not isinstance(body, dict):
            raise BadBody("the body must be a JSON object")
        return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@dataclass(slots=True)
class Response:
    """An answer. A `body` other than bytes is sent as JSON.

    `results` points at the list or dictionary inside `body` that holds one entry per
    item, so that the dials for missing or repeated results know what to bend.
    """

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    results: list[dict[str, Any]] | dict[str, Any] | None = None

    def encode(self) -> tuple[bytes, bytes]:
        """Return the head, and the body, as they go over the wire."""
        body, headers = self.body, self.headers
        if not isinstance(body, bytes):
            body = compact_json(body).encode()
            headers = {"Content-Type": "application/json", **headers}
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if "Content-Length" not in headers:
            lines.append(f"Content-Length: {len(body)}")
        lines.append("X-Practice: not a real vendor")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"), body


class Connection(socketserver.StreamRequestHandler):
    """One client's connection, served by one thread until either side hangs up."""

    disable_nagle_algorithm = True
    server: "ListeningSocket"

    def setup(self) -> None:
        super().setup()
        self.open = True
        self.server.connections.add(self.connection)

    def handle(self) -> None:
        try:
            while self.open and (request := self.read_request()):
                if request.headers.get("connection", "").lower() == "close":
                    self.open = False
                self.server.practice.serve(request, self)
        except (OSError, ValueError):
            self.open = False  # the client has gone, or the server is closing

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):  # there may be nobody left to flush to
            super().finish()

    def read_request(self) -> Request | None:
        """Read one request; None at the end of the connection."""
        line = self.rfile.readline(65537)
        if line in (b"\r\n", b"\n"):
            line = self.rfile.readline(65537)
        if not line:
            return None
        at = time.time()
        try:
            method, target, _version = line.decode("latin-1").split()
            headers = self._read_headers()
            length = int(headers.get("content-length", "0"))
        except ValueError:
            return self._refuse(400)
        if "transfer-encoding" in headers:
            return self._refuse(411)
        if not 0 <= length <= LARGEST_BODY:
            return self._refuse(413)
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(length) if length else b""
        if len(body) < length:
            return None
        path, _, query = target.partition("?")
        client = str(self.client_address[0])
        return Request(method, unquote(path), query, headers, body, client, at)

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(200):
            line = self.rfile.readline(65537)
            if line in (b"\r\n", b"\n", b""):
                return headers
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise ValueError("a header without a colon")
            headers[name.strip().lower()] = value.strip()
        raise ValueError("too many headers")

    def _refuse(self, status: int) -> Request | None:
        self.open = False
        self.send(Response(status, headers={"Connection": "close"}))
        return None

    def send(self, response: Response, *, with_body: bool = True) -> None:
        """Send the whole answer in one piece."""
        head, body = response.encode()
        self.connection.sendall(head + body if with_body else head)

    def send_pieces(self, head: bytes, pieces: Iterable[bytes], pause: float) -> None:
        """Send the head, then each piece, waiting `pause` seconds before each one."""
        self.connection.sendall(head)
        for piece in pieces:
            if pause and not self.hold(pause):
                return
            self.connection.sendall(piece)

    def hold(self, seconds: float) -> bool:
        """Wait; False when the client or the server went away meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.server.practice.stopping.is_set():
                return False
            ready, _, _ = select.select([self.connection], [], [], min(left, 0.1))
            if ready and not self.connection.recv(1, socket.MSG_PEEK):
                return False
            if ready:  # the next request is waiting already: just pass the time
                time.sleep(min(left, 0.05))
        return True

    def reset(self) -> None:
        """Drop the connection the hard way: the client sees a reset."""
        self.open = False
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.server.connections.discard(self.connection)
        self.rfile.close()
        self.wfile.close()
        self.connection.close()


class ListeningSocket(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections for one practice vendor, a thread for each."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], practice: "PracticeServer") -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.practice = practice
        self.connections: set[socket.socket] = set()
        super().__init__(address, Connection)
        self.socket.settimeout(0.5)

    def shutdown_request(self, request: Any) -> None:
        with contextlib.suppress(OSError):  # it may be reset already
            super().shutdown_request(request)

    def accept_forever(self) -> None:
        """Take connections until the server stops."""
        while not self.practice.stopping.is_set():
            try:
                connection, address = self.socket.accept()
            except TimeoutError:
                continue
            except OSError:
                self.practice.stopping.wait(0.05)  # closing, or too many are open
                continue
            self.process_request(connection, address)

    def hang_up(self) -> None:
        """Stop taking connections and close every open one."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes `accept_forever`
        self.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
