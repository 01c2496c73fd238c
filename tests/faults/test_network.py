"""Vendors that cannot be reached (F39): certainly nothing done, tried again later."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push
from tests.engine.conftest import VENDORS

from .conftest import Bed, plain

pytestmark = pytest.mark.django_db
State = Push.State
Gate = ConnectedAccount.State
each_vendor = pytest.mark.parametrize("vendor", VENDORS)


def away(lay: Any, vendor: str, place: str) -> Bed:
    """Return a bed whose account points to `place`, a URL's beginning."""
    bed = lay(vendor, hosts=[place.split("//")[1]])
    ConnectedAccount.objects.update(base_url=place + bed.server.app.prefix)
    return bed


def back(bed: Bed) -> None:
    ConnectedAccount.objects.update(base_url=bed.server.base_url)


def waits(bed: Bed, *words: str) -> None:
    """Check that the task waits, nothing has left, and that it arrives afterwards."""
    push = bed.stands(State.QUEUED)[0]
    bed.says("Nothing was created", *words)
    assert push.not_before <= timezone.now() + dt.timedelta(seconds=10)
    assert push.task.retry_at is not None
    assert bed.server.calls() == []
    assert bed.fresh().trouble_count == 1
    back(bed)
    bed.arrives()
    assert bed.sent() == 1


@each_vendor
def test_a_closed_door(lay, vendor):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        bed = away(lay, vendor, f"http://127.0.0.1:{closed.getsockname()[1]}")
        bed.create(1)
        bed.push()
        waits(bed, "could not be reached")


@each_vendor
def test_a_door_where_nobody_answers(lay, vendor, settings):
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):  # a full queue: further callers hear nothing
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listening.getsockname())
        bed = away(lay, vendor, f"http://127.0.0.1:{listening.getsockname()[1]}")
        bed.create(1)
        settings.CALL_DEADLINE = 0.4
        bed.push()
        settings.CALL_DEADLINE = 5
        waits(bed, "could not be reached")


@each_vendor
def test_a_name_that_leads_nowhere(lay, vendor, monkeypatch):
    bed = away(lay, vendor, "http://vendor.example:8443")
    bed.create(1)

    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        bed.push()
    waits(bed, "could not be reached")


@each_vendor
def test_a_place_that_speaks_no_tls(lay, vendor):
    bed = lay(vendor)
    bed.create(1)
    ConnectedAccount.objects.update(
        base_url=bed.server.base_url.replace("http:", "https:")
    )
    bed.push()
    waits(bed, "could not be reached")


@each_vendor
def test_a_certificate_that_nobody_vouches_for(lay, vendor, tmp_path):
    with impostor(tmp_path) as (port, heard):
        bed = away(lay, vendor, f"https://127.0.0.1:{port}")
        bed.create(1)
        bed.push()
    waits(bed, "certificate")
    assert heard == []  # not a byte of the request, let alone a key


@contextmanager
def impostor(folder: Path) -> Iterator[tuple[int, list[bytes]]]:
    """A TLS server with a certificate of its own; yield its port and what it heard."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "impostor.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            try:
                connection, _ = listening.accept()
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    heard.append(wrapped.recv(65536))
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        thread.join(5)


@each_vendor
def test_an_outage_opens_the_breaker_and_a_read_closes_it(lay, vendor):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        bed = away(lay, vendor, f"http://127.0.0.1:{closed.getsockname()[1]}")
        bed.create(1)
        for _ in range(5):
            Push.objects.update(not_before=timezone.now())
            bed.push()
        account = bed.fresh()
        assert account.state == Gate.TROUBLE
        assert bed.held_seconds() > 20
        plain(account.state_reason, bed.name)

    back(bed)
    Push.objects.update(not_before=timezone.now())
    bed.push()
    assert bed.server.calls() == []  # held

    ConnectedAccount.objects.update(held_until=timezone.now())
    bed.push()
    bed.stands(State.DELIVERED)
    assert bed.server.calls()[0]["path"] != "/v1/tasks/create"
    assert bed.server.calls()[0]["method"] == "GET"
    assert bed.fresh().state == Gate.CONNECTED
    assert len(bed.made()) == bed.sent() == 1
