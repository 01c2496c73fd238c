"""What every test may use. The network is closed except for this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tasks_app.models import Team
from tests.factories import client_of, make_team, make_user
from tests.fakes import FakeTransport

LOOPBACK = ("127.", "::1", "localhost", "/")


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else str(address)
        if not str(host).startswith(LOOPBACK):
            raise AssertionError(f"A test tried to reach {host}.")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture
def fake_transport() -> FakeTransport:
    """A vendor that answers from `responses` and keeps the requests it got."""
    return FakeTransport()


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def lead(team: Team) -> User:
    return make_user(team, "lead")


@pytest.fixture
def page(lead: User) -> Client:
    return client_of(lead)
