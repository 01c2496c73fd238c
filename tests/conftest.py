"""What every test may use. The network is closed except for this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.commands import flush
from django.db import connection
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


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Let no commit of this process wait for the disk: tests cut no power."""
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql":
        options["options"] = "-c synchronous_commit=off"
    else:
        options["init_command"] += "PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty tables row by row after a test with transactions of its own.

    Cutting off every table, as Django does, costs PostgreSQL a second each time. What
    migrations have filled for Django stays, so that nothing has to fill it again.
    """
    kept = {"django_content_type", "auth_permission"}

    def deletes(style: object, connection: Any, **options: object) -> list[str]:
        names = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        quote = connection.ops.quote_name
        names = [quote(name) for name in names if name not in kept]
        return [f"DELETE FROM {name}" for name in names]  # noqa: S608 - our own names

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", deletes)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *args: None)
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
