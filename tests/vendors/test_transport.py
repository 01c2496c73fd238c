"""The transport against small real servers on this machine that misbehave in turn."""

from __future__ import annotations

import gzip
import ipaddress
import json
import logging
import socket
import ssl
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasks_app.vendors import transport as module
from tasks_app.vendors.addresses import check_base_url, hosts_of, is_public
from tasks_app.vendors.calls import Auth, VendorRequest, VendorResponse
from tasks_app.vendors.errors import (
    CredentialsRejected,
    Misconfigured,
    OutcomeUnknown,
    Unreachable,
    UnreadableResponse,
    UnsupportedTask,
    VendorError,
)
from tasks_app.vendors.transport import HttpTransport

KEY = "canary-key-7261"
AUTH = Auth(headers={"x-api-key": KEY}, query={"secretKey": KEY})
CREATE = VendorRequest("POST", "/tasks/create", json={"a": "ä"}, writes=True)
READ = VendorRequest("GET", "/tasks", query={"page": 1, "search": "a b&c"})

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'

Script = Callable[[socket.socket, bytes], object]


class Server:
    """Runs `script(connection, request)` for each request, until it returns falsy."""

    def __init__(self, script: Script, *, reads: bool = True) -> None:
        self.script, self.reads = script, reads
        self.requests: list[bytes] = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.place = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.place}/v1"
        self.open: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        try:
            with closing(connection):
                while True:
                    request = read_request(connection) if self.reads else b""
                    if self.reads and not request:
                        return
                    self.requests.append(request)
                    if not self.script(connection, request):
                        return
        except OSError:
            pass

    def close(self) -> None:
        self.listener.close()
        for connection in self.open:
            connection.close()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(script: Script | bytes, **options: bool) -> Server:
        if isinstance(script, bytes):
            answer = script

            def send_it(connection: socket.socket, _: bytes) -> object:
                connection.sendall(answer)
                return False

            script = send_it
        servers.append(Server(script, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def transport_for(*servers: Server) -> HttpTransport:
    return HttpTransport(
        allowed_hosts={"open-api.saleshandy.com"},
        extra_hosts=[server.place for server in servers],
    )


def send(
    server: Server, request: VendorRequest = CREATE, *, deadline: float = 5
) -> VendorResponse:
    return transport_for(server).send(
        request, base_url=server.url, auth=AUTH, deadline=deadline
    )


def answered(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def keep_alive(connection: socket.socket, _: bytes) -> object:
    connection.sendall(OK)
    return True


# -- what goes out and comes back ------------------------------------------------------


def test_a_call_carries_body_query_and_keys(serve):
    server = serve(OK)

    response = send(server, VendorRequest("POST", "/t", {"q": "a b&c"}, {"ä": [1]}))

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/t?q=a+b%26c&secretKey=" + KEY.encode())
    assert f"x-api-key: {KEY}".encode() in head
    assert b"content-type: application/json" in head
    assert json.loads(body) == {"ä": [1]}
    assert response == VendorResponse(
        200,
        {"content-type": "application/json", "content-length": "11"},
        {"ok": True},
        '{"ok":true}',
    )


def test_header_names_are_lower_case_and_the_text_keeps_four_kib(serve):
    server = serve(answered(b"x" * 9000, "X-RateLimit-Reset: soon"))

    response = send(server)

    assert response.headers["x-ratelimit-reset"] == "soon"
    assert len(response.text) == 4096
    assert response.body is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"a":', b'{"a":NaN}', b"\xff\xfe\x00", b"[" * 100_000],
    ids=["empty", "html", "cut", "nan", "bytes", "deep"],
)
def test_what_is_not_json_has_no_body(serve, body):
    assert send(serve(answered(body))).body is None


def test_an_error_status_is_an_answer_like_any_other(serve):
    server = serve(answered(b'{"message":"no"}', status="503 Busy"))

    response = send(server)

    assert (response.status_code, response.body) == (503, {"message": "no"})


def test_a_gzipped_answer_is_unpacked(serve):
    packed = gzip.compress(b'{"ok":true}')

    response = send(serve(answered(packed, "Content-Encoding: gzip")))

    assert response.body == {"ok": True}


def test_connections_are_kept_and_shared_by_calls(serve):
    server = serve(keep_alive)
    transport = transport_for(server)

    for _ in range(5):
        transport.send(READ, base_url=server.url, auth=AUTH)

    assert server.connections == 1


def test_a_connection_left_idle_is_not_used_again(serve, monkeypatch):
    monkeypatch.setattr(module, "IDLE_LIMIT", 0.1)
    server = serve(keep_alive)
    transport = transport_for(server)

    transport.send(READ, base_url=server.url, auth=AUTH)
    time.sleep(0.2)
    transport.send(CREATE, base_url=server.url, auth=AUTH)

    assert server.connections == 2


def test_a_connection_the_server_closed_is_replaced(serve):
    server = serve(OK)
    transport = transport_for(server)

    transport.send(READ, base_url=server.url, auth=AUTH)
    time.sleep(0.1)
    response = transport.send(CREATE, base_url=server.url, auth=AUTH)

    assert response.status_code == 200
    assert server.connections == 2


def test_a_kept_connection_that_breaks_during_the_call_is_unclear(serve):
    calls = []

    def once(connection: socket.socket, _: bytes) -> object:
        calls.append(1)
        if len(calls) == 1:
            connection.sendall(OK)
            return True
        return False

    server = serve(once)
    transport = transport_for(server)
    transport.send(READ, base_url=server.url, auth=AUTH)

    with pytest.raises(OutcomeUnknown):
        transport.send(CREATE, base_url=server.url, auth=AUTH)

    assert len(server.requests) == 2


def test_cookies_of_one_account_never_reach_another(serve):
    def with_cookie(connection: socket.socket, _: bytes) -> object:
        connection.sendall(answered(b"{}", "Set-Cookie: session=abc; Path=/"))
        return True

    server = serve(with_cookie)
    transport = transport_for(server)

    for _ in range(2):
        transport.send(READ, base_url=server.url, auth=AUTH)

    assert b"cookie" not in server.requests[1].lower()


def test_eight_threads_do_not_mix_answers(serve):
    def echo(connection: socket.socket, request: bytes) -> object:
        number = request.split(b"n=")[1].split(b"&")[0]
        time.sleep(0.002)
        connection.sendall(answered(b'{"n":' + number + b"}"))
        return True

    server = serve(echo)
    transport = transport_for(server)
    wrong: list[object] = []

    def work(worker: int) -> None:
        for step in range(25):
            number = worker * 1000 + step
            request = VendorRequest("GET", "/t", {"n": number})
            answer = transport.send(request, base_url=server.url, auth=AUTH)
            if answer.body != {"n": number}:
                wrong.append(answer.body)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert server.connections <= 8


# -- what is certain after a failure ---------------------------------------------------


def test_a_refused_connection_means_nothing_happened():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    transport = HttpTransport(allowed_hosts=(), extra_hosts=[place])

    with pytest.raises(Unreachable, match=r"127.0.0.1 could not be reached. Nothing"):
        transport.send(CREATE, base_url=f"http://{place}/v1", auth=AUTH)


def test_an_unknown_name_means_nothing_happened(monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    transport = HttpTransport(allowed_hosts={"open-api.saleshandy.com"})

    with pytest.raises(Unreachable, match=r"saleshandy\.com could not"):
        transport.send(CREATE, base_url="https://open-api.saleshandy.com/v1", auth=AUTH)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(2) or [])
    transport = HttpTransport(allowed_hosts={"open-api.saleshandy.com"})
    begun = time.monotonic()

    with pytest.raises(Unreachable):
        transport.send(
            CREATE,
            base_url="https://open-api.saleshandy.com/v1",
            auth=AUTH,
            deadline=0.5,
        )

    assert time.monotonic() - begun < 4.5  # not the five seconds of a connection


def test_a_connection_that_is_never_made_means_nothing_happened():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = f"127.0.0.1:{full.getsockname()[1]}"
        crowd = []
        for _ in range(4):
            crowd.append(socket.socket())
            crowd[-1].setblocking(False)
            crowd[-1].connect_ex(full.getsockname())
        time.sleep(0.1)
        transport = HttpTransport(allowed_hosts=(), extra_hosts=[place])
        begun = time.monotonic()

        with pytest.raises(Unreachable):
            transport.send(
                CREATE, base_url=f"http://{place}/v1", auth=AUTH, deadline=0.5
            )

        assert 0.4 < time.monotonic() - begun < 4.5
        for one in crowd:
            one.close()


def test_no_tls_where_tls_is_asked_for_means_nothing_happened(serve):
    server = serve(b"HTTP/1.1 400 Bad Request\r\n\r\n", reads=False)
    transport = transport_for(server)

    with pytest.raises(Unreachable):
        transport.send(
            CREATE, base_url=server.url.replace("http:", "https:"), auth=AUTH
        )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


def over_tls(certificate: tuple[str, str], script: Script) -> Script:
    def wrapped(connection: socket.socket, _: bytes) -> object:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        with context.wrap_socket(connection, server_side=True) as secured:
            script(secured, read_request(secured))
        return False

    return wrapped


def send_over_tls(server: Server, deadline: float = 5) -> VendorResponse:
    url = server.url.replace("http:", "https:")
    return transport_for(server).send(
        CREATE, base_url=url, auth=AUTH, deadline=deadline
    )


def test_a_certificate_nobody_vouches_for_means_nothing_happened(serve, certificate):
    server = serve(over_tls(certificate, keep_alive), reads=False)

    with pytest.raises(Unreachable, match="cannot be trusted") as caught:
        send_over_tls(server)

    assert caught.value.kind == "untrusted"


def test_a_trusted_certificate_is_spoken_to(serve, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    server = serve(over_tls(certificate, keep_alive), reads=False)

    assert send_over_tls(server).body == {"ok": True}


def test_the_deadline_holds_over_tls(serve, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    slow = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"a")
    server = serve(over_tls(certificate, slow), reads=False)
    begun = time.monotonic()

    with pytest.raises(OutcomeUnknown):
        send_over_tls(server, deadline=1)

    # Well before the server would have ended by itself.
    assert 0.7 < time.monotonic() - begun < 2.8


def test_a_handshake_that_hangs_means_nothing_happened(serve):
    server = serve(hang, reads=False)
    begun = time.monotonic()

    with pytest.raises(Unreachable):
        send_over_tls(server, deadline=1)

    # Well before the server would have ended by itself.
    assert 0.7 < time.monotonic() - begun < 2.8


def hang(connection: socket.socket, _: bytes) -> object:
    time.sleep(3)
    return False


def reset(connection: socket.socket, _: bytes) -> object:
    # Lingering for no time makes the kernel send a reset instead of an end.
    time.sleep(0.1)  # for the request to leave, also where it is never read
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def drip(prefix: bytes, byte: bytes) -> Script:
    def script(connection: socket.socket, _: bytes) -> object:
        connection.sendall(prefix)
        for _ in range(100):
            connection.sendall(byte)
            time.sleep(0.05)
        return False

    return script


@pytest.mark.parametrize(
    "script",
    [
        hang,
        drip(b"", b"H"),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"a"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["hang", "first bytes", "headers", "body", "chunks", "informational"],
)
def test_the_deadline_holds_however_slowly_the_answer_drips(serve, script):
    server = serve(script)
    begun = time.monotonic()

    with pytest.raises(OutcomeUnknown, match="did not answer within 1 seconds"):
        send(server, deadline=1)

    # Well before the server would have ended by itself.
    assert 0.7 < time.monotonic() - begun < 2.8


def test_the_deadline_holds_while_the_request_is_not_taken(serve):
    server = serve(hang, reads=False)
    big = VendorRequest("POST", "/t", json={"note": "x" * 20_000_000})
    begun = time.monotonic()

    with pytest.raises(OutcomeUnknown):
        send(server, big, deadline=1)

    # Well before the server would have ended by itself.
    assert 0.7 < time.monotonic() - begun < 2.8


@pytest.mark.parametrize(
    ("script", "reads"),
    [
        (reset, True),
        (reset, False),
        (b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{", True),
        (b"HTTP/1.1 200 OK\r\nContent-", True),
        (b"SSH-2.0-OpenSSH\r\n\r\n", True),
        (b"\x00" * 500_000, True),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 500_000, True),
        (answered(b"{}", "Content-Encoding: br"), True),
        (answered(b"not gzip", "Content-Encoding: gzip"), True),
        (answered(gzip.compress(b"{}")[:-9], "Content-Encoding: gzip"), True),
    ],
    ids=[
        "reset after the request",
        "reset without reading",
        "closed",
        "body cut",
        "chunks cut",
        "chunk garbage",
        "headers cut",
        "garbage",
        "zeros",
        "endless header",
        "brotli",
        "false gzip",
        "gzip cut",
    ],
)
def test_what_breaks_after_the_first_byte_left_is_unclear(serve, script, reads):
    server = serve(script, reads=reads)

    with pytest.raises(OutcomeUnknown):
        send(server)


@pytest.mark.parametrize("packed", [True, False], ids=["gzip bomb", "50 MB"])
def test_a_huge_answer_is_dropped_without_holding_it(serve, packed):
    block = b"0" * 1_000_000

    def flood(connection: socket.socket, _: bytes) -> object:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(50):
            connection.sendall(block)
        return False

    bomb = answered(gzip.compress(block * 60), "Content-Encoding: gzip")
    server = serve(bomb if packed else flood)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableResponse, match="sent far more"):
            send(server)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 30_000_000


def test_a_stop_from_outside_closes_the_connection(serve, monkeypatch):
    server = serve(keep_alive)
    transport = transport_for(server)

    def stop(raw: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_parsed", stop)
    with pytest.raises(KeyboardInterrupt):
        transport.send(CREATE, base_url=server.url, auth=AUTH)
    monkeypatch.undo()

    assert transport.send(READ, base_url=server.url, auth=AUTH).status_code == 200


# -- keys stay where they belong -------------------------------------------------------


def test_a_redirect_is_not_followed(serve):
    other = serve(OK)
    server = serve(
        answered(
            b"{}", f"Location: http://{other.place}/x", status="307 Temporary Redirect"
        )
    )

    response = transport_for(server, other).send(CREATE, base_url=server.url, auth=AUTH)

    assert response.status_code == 307
    assert other.requests == []


def test_proxies_and_netrc_of_the_environment_are_ignored(serve, monkeypatch, tmp_path):
    proxy, server = serve(OK), serve(OK)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{proxy.place}")
    monkeypatch.setenv("no_proxy", "")

    send(server)

    assert proxy.requests == []
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize(
    "script",
    [OK, b"", b"garbage\r\n\r\n", reset, answered(b"x", "Content-Encoding: gzip")],
    ids=["success", "closed", "garbage", "reset", "false gzip"],
)
def test_no_key_is_in_any_log_or_error(serve, script, caplog):
    server = serve(script)
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)

    error: VendorError | None = None
    try:
        send(server)
    except VendorError as caught:
        error = caught

    seen = caplog.text + repr(error) + str(error)
    while error is not None:
        seen += repr(vars(error)) + repr(error.__cause__) + repr(error.__context__)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert KEY not in seen
    assert KEY not in repr(AUTH)


def test_the_http_library_logs_nothing_below_a_warning():
    assert logging.getLogger("httpx").level == logging.WARNING
    assert logging.getLogger("httpcore").level == logging.WARNING


@pytest.mark.parametrize("key", ["schlüssel", "zz9\r\nX-Evil: 1", "zz9\n", " zz9 "])
def test_a_key_that_no_header_can_carry_is_refused_unsaid(serve, key):
    server = serve(OK)

    with pytest.raises(CredentialsRejected) as caught:
        transport_for(server).send(
            CREATE, base_url=server.url, auth=Auth(headers={"x-api-key": key})
        )

    assert key.strip() not in str(caught.value)
    assert caught.value.__context__ is None
    assert server.requests == []


@pytest.mark.parametrize("body", ["\ud800", float("nan"), object()])
def test_what_cannot_be_written_as_json_is_not_sent(serve, body):
    server = serve(OK)

    with pytest.raises(UnsupportedTask):
        send(server, VendorRequest("POST", "/t", json={"a": body}))

    assert server.requests == []


@pytest.mark.parametrize("path", ["t", "@evil.test/", "/a/../b", "/a?x=1", "/a#b"])
def test_a_path_cannot_lead_elsewhere(serve, path):
    server = serve(OK)

    with pytest.raises(UnsupportedTask):
        send(server, VendorRequest("GET", path))

    assert server.requests == []


# -- addresses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://open-api.saleshandy.com/v1",
        "https://open-api.saleshandy.com:8443/v1",
        "https://evil.test/v1",
        "https://open-api.saleshandy.com.evil.test/v1",
        "https://open-api.saleshandy.com./v1",
        "https://user:pw@open-api.saleshandy.com/v1",
        "https://open-api.saleshandy.com@evil.test/v1",
        "https://open-api.saleshandy.com/v1?x=1",
        "https://open-api.saleshandy.com/v1?",
        "https://open-api.saleshandy.com/v1#x",
        "https://open-api.saleshandy.com/v1/../x",
        "https://open-api.saleshandy.com\\@evil.test/v1",
        "https://open-api.saleshandy.com:99999/v1",
        "https://127.0.0.1/v1",
        "http://127.0.0.1:9/v1",
        "https://[::1/v1",
        "https://",
        "ftp://open-api.saleshandy.com/v1",
        "open-api.saleshandy.com/v1",
        "https://open-api.säleshandy.com/v1",
        "https://open-api.saleshandy.com/v1\n.evil",
        "",
    ],
)
def test_a_base_url_that_is_not_documented_is_refused(url):
    with pytest.raises(ValueError, match=r"\.$"):
        check_base_url(
            url, allowed_hosts={"open-api.saleshandy.com"}, extra_hosts=["127.0.0.1:8"]
        )


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://open-api.saleshandy.com/v1/", "https://open-api.saleshandy.com/v1"),
        (" HTTPS://Open-API.saleshandy.com ", "https://open-api.saleshandy.com"),
        (
            "https://open-api.saleshandy.com:443/v1",
            "https://open-api.saleshandy.com/v1",
        ),
        ("http://127.0.0.1:8/v1", "http://127.0.0.1:8/v1"),
        ("http://[::1]:9/v1", "http://[::1]:9/v1"),
        ("http://practice/v1", "http://practice/v1"),
    ],
)
def test_a_base_url_has_one_normal_form(url, normal):
    checked = check_base_url(
        url,
        allowed_hosts={"open-api.saleshandy.com"},
        extra_hosts=["127.0.0.1:8", "[::1]:9", "practice"],
    )

    assert checked == normal


def test_hosts_of_names_each_host_once():
    urls = ["https://a.test/v1", "https://b.test:443/v2", "https://A.test/x", "no"]

    assert hosts_of(urls) == {"a.test", "b.test"}


def test_a_host_that_is_not_listed_is_not_called(serve):
    server = serve(OK)

    with pytest.raises(Misconfigured, match="Nothing was sent"):
        HttpTransport(allowed_hosts={"open-api.saleshandy.com"}).send(
            CREATE, base_url=server.url, auth=AUTH
        )

    assert server.connections == 0


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "169.254.169.254"], ["::ffff:10.0.0.1"]]
)
def test_a_documented_host_on_a_private_address_is_not_called(monkeypatch, addresses):
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *a, **k: [(2, 1, 6, "", (address, 443)) for address in addresses],
    )
    transport = HttpTransport(allowed_hosts={"open-api.saleshandy.com"})

    with pytest.raises(Misconfigured, match="private network"):
        transport.send(CREATE, base_url="https://open-api.saleshandy.com/v1", auth=AUTH)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
    ],
)
def test_what_counts_as_a_public_address(address, public):
    assert is_public(address) is public


def test_half_of_a_character_is_replaced():
    """A text that was cut inside an emoji: no database can store what JSON holds."""
    raw = rb'{"note": "fine \ud83d\ude00, cut \ud83d", "list": ["\udc00"], "n": 1}'

    body = module._parsed(raw)

    assert body == {"note": "fine \N{GRINNING FACE}, cut ?", "list": ["?"], "n": 1}
