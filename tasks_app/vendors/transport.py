"""The one module that opens a socket: a `VendorRequest` goes out, an answer comes back.

Every failure is sorted by one question: may a byte of the request have left? Before
that it is `Unreachable`, afterwards `OutcomeUnknown`. The deadline is of the whole
call, by the wall clock, however slowly the other side drips; so the sockets below take
their time-outs from what is left of it. httpx's `Client` is left out on purpose: it
would follow cookies from one account to the next and log addresses with keys in them.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import httpcore
import httpx

from .addresses import check_base_url, hosts_of, is_extra, is_public
from .calls import Auth, VendorRequest, VendorResponse
from .errors import (
    CredentialsRejected,
    Misconfigured,
    OutcomeUnknown,
    Unreachable,
    UnreadableResponse,
    UnsupportedTask,
    VendorError,
)

__all__ = [
    "DEADLINE",
    "HttpTransport",
    "Transport",
    "check_base_url",
    "hosts_of",
]

DEADLINE = 25.0  # seconds for the whole call
CONNECT_LIMIT = 5.0  # seconds for each of: the name, the connection, TLS
IDLE_LIMIT = 4.5  # seconds; a create never goes out on a connection idle for 5 s
MOST_CONNECTIONS = 100
MOST_BYTES = 5 * 1024 * 1024  # of an unpacked answer
#: How half of a character begins in JSON.
HALF = re.compile(rb"\\u[dD][89a-fA-F]")
KEPT_TEXT = 4096

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Transport(Protocol):
    def send(
        self,
        request: VendorRequest,
        *,
        base_url: str,
        auth: Auth,
        deadline: float = DEADLINE,
    ) -> VendorResponse:
        """Make the call within `deadline` seconds; return any answer that was read
        whole, whatever its status; raise `VendorError`."""
        ...


# -- sockets that know the deadline ----------------------------------------------------


@dataclass
class _Call:
    """The call that this thread is making."""

    name: str = "The vendor"  # in sentences: the vendor's own, else its host's
    ends: float = 0.0
    started: bool = False  # a byte of the request may have left

    def left(self, expired: type[Exception], limit: float = float("inf")) -> float:
        """Return the seconds left, at most `limit`; raise `expired` at the end."""
        seconds = min(self.ends - time.monotonic(), limit)
        if seconds <= 0:
            raise expired("The deadline has passed.")
        return seconds


class _Current(threading.local):
    call = _Call()


_current = _Current()


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the call that uses it now."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._socket: socket.socket = inner.get_extra_info("socket")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _current.call.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        call, rest = _current.call, memoryview(buffer)
        while rest:
            self._socket.settimeout(call.left(httpcore.WriteTimeout))
            call.started = True
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise httpcore.WriteTimeout("The deadline has passed.") from None
            except OSError:
                raise httpcore.WriteError("The connection broke.") from None

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        # OpenSSL's handshake takes this as the time for all of it.
        left = _current.call.left(httpcore.ConnectTimeout, CONNECT_LIMIT)
        try:
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))
        except httpcore.ConnectError as error:
            if not isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise
        raise Unreachable(
            f"{_current.call.name} showed a certificate that cannot be trusted. "
            "Nothing was created.",
            kind="untrusted",
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Connects to an address that was looked at first, and to no other."""

    def __init__(self, extra_hosts: Collection[str]) -> None:
        self._extra_hosts = extra_hosts

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _resolve(host, port)
        if not is_extra(host, port, self._extra_hosts) and not all(
            is_public(address) for address in addresses
        ):
            raise Misconfigured(
                f"{host} leads to an address inside a private network, which Baton "
                "does not call. Nothing was sent."
            )
        ends = time.monotonic() + CONNECT_LIMIT
        for index, address in enumerate(addresses):
            # An address that does not answer leaves its share to the next ones.
            share = (ends - time.monotonic()) / (len(addresses) - index)
            left = _current.call.left(httpcore.ConnectTimeout, max(share, 0.1))
            try:
                return _Stream(super().connect_tcp(address, port, left))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if index == len(addresses) - 1:
                    raise
        raise httpcore.ConnectError("The name leads to no address.")


def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name. The resolver knows no deadline, so it works in a
    thread that is left behind when its time is over."""
    host = host.strip("[]")
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: list[str] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(_current.call.left(httpcore.ConnectTimeout, CONNECT_LIMIT))
    if not found:
        raise httpcore.ConnectError("The name could not be resolved.")
    return list(found)


class _Wire(httpx.HTTPTransport):
    """httpx's transport on our sockets: no redirects, cookies, proxies or retries."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        context = ssl.create_default_context()
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_CONNECTIONS,
            keepalive_expiry=IDLE_LIMIT,
            network_backend=backend,
        )


# -- the transport ---------------------------------------------------------------------


class HttpTransport:
    """Sends for all accounts and threads of a process, keeping connections alive."""

    def __init__(
        self, *, allowed_hosts: Collection[str], extra_hosts: Collection[str] = ()
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._extra = frozenset(host.strip().lower() for host in extra_hosts)
        self._renew()

    def _renew(self) -> None:
        self._owner = os.getpid()
        self._wire = _Wire(_Backend(self._extra))

    def close(self) -> None:
        self._wire.close()

    def send(
        self,
        request: VendorRequest,
        *,
        base_url: str,
        auth: Auth,
        deadline: float = DEADLINE,
    ) -> VendorResponse:
        call = _current.call = _Call(ends=time.monotonic() + deadline)
        try:
            outgoing = self._outgoing(request, base_url, auth)
            call.name = auth.vendor or outgoing.url.host
            outgoing.extensions = {"timeout": {"pool": max(deadline, 0.0)}}
            return self._exchange(outgoing, call)
        except VendorError as error:
            failure = error
        except Exception as error:
            failure = _sorted_failure(error, call, deadline)
        finally:
            _current.call = _Call()
        # Raised out here, so that it carries no request along as its context.
        raise failure

    def _outgoing(
        self, request: VendorRequest, base_url: str, auth: Auth
    ) -> httpx.Request:
        try:
            base = check_base_url(
                base_url, allowed_hosts=self._allowed, extra_hosts=self._extra
            )
        except ValueError as error:
            raise Misconfigured(f"{error} Nothing was sent.") from None
        path = request.path
        if (
            path[:1] not in ("", "/")
            or set("?#\\") & set(path)
            or {".", ".."} & set(path.split("/"))
        ):
            raise UnsupportedTask("This call has no proper path. Nothing was sent.")
        headers = {
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": "Baton",
        }
        for name, value in auth.headers.items():
            if not (value.isascii() and value.isprintable()) or value != value.strip():
                raise CredentialsRejected(
                    "The key of this account holds characters that no key has. "
                    "Enter it again."
                )
            headers[name] = value
        content = None
        if request.json is not None:
            headers["content-type"] = "application/json"
            content = _packed(request.json)
        return httpx.Request(
            request.method,
            base + path,
            params={**request.query, **auth.query} or None,
            headers=headers,
            content=content,
        )

    def _exchange(self, outgoing: httpx.Request, call: _Call) -> VendorResponse:
        if self._owner != os.getpid():
            # A forked child must not speak on its parent's connections.
            self._renew()
        incoming = self._wire.handle_request(outgoing)
        try:
            raw = b"".join(_unpacked(incoming, call.name))
        finally:
            incoming.close()
        return VendorResponse(
            incoming.status_code,
            headers={name.lower(): value for name, value in incoming.headers.items()},
            body=_parsed(raw),
            text=raw[:KEPT_TEXT].decode("utf-8", "replace"),
        )


def _packed(body: Any) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (ValueError, TypeError):
        pass
    raise UnsupportedTask("This task holds characters that cannot be sent.")


def _unpacked(incoming: httpx.Response, name: str) -> Iterator[bytes]:
    """Yield the answer's bytes, never holding more than may be kept."""
    encoding = incoming.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise UnreadableResponse(f"{name} packed its answer in an unknown way.")
    zipped = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
    size = 0
    for chunk in incoming.iter_raw():
        piece = zipped.decompress(chunk, MOST_BYTES - size + 1) if zipped else chunk
        size += len(piece)
        if size > MOST_BYTES:
            raise UnreadableResponse(f"{name} sent far more than an answer can be.")
        yield piece
    if zipped and size and not zipped.eof:
        raise UnreadableResponse(f"{name} broke off its answer in the middle.")


def _parsed(raw: bytes) -> Any:
    """Return the JSON in these bytes, None where they are something else."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
        return _whole(body) if HALF.search(raw) else body
    except (ValueError, RecursionError):
        return None


def _whole(value: Any) -> Any:
    """Return the value without halves of characters: nothing can store them."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON.")


def _sorted_failure(error: Exception, call: _Call, deadline: float) -> VendorError:
    """Return what this failure means, in words of ours: its own may hold a key."""
    if not call.started:
        if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL):
            return UnsupportedTask("This call cannot be put into HTTP.")
        return Unreachable(f"{call.name} could not be reached. Nothing was created.")
    if isinstance(error, httpx.TimeoutException):
        return OutcomeUnknown(
            f"{call.name} did not answer within {deadline:g} seconds. "
            "It may still have done what was asked."
        )
    if isinstance(error, zlib.error):
        return UnreadableResponse(
            f"{call.name} sent an answer that cannot be unpacked."
        )
    return OutcomeUnknown(
        f"{call.name} broke off before its answer was whole. "
        "It may still have done what was asked."
    )
