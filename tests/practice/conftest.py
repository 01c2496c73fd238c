"""One server of each kind, running while a test does."""

from collections.abc import Iterator

import pytest

from tasks_app import practice
from tasks_app.practice import PracticeServer


@pytest.fixture
def saleshandy() -> Iterator[PracticeServer]:
    with practice.start("saleshandy", bulk_delay=0.02) as server:
        yield server
        assert not server.errors


@pytest.fixture
def leadsquared() -> Iterator[PracticeServer]:
    with practice.start("leadsquared", bulk_delay=0.02, rate_limit=None) as server:
        yield server
        assert not server.errors


@pytest.fixture
def reply() -> Iterator[PracticeServer]:
    with practice.start("reply") as server:
        yield server
        assert not server.errors


@pytest.fixture
def ysuite() -> Iterator[PracticeServer]:
    with practice.start("ysuite") as server:
        yield server
        assert not server.errors


@pytest.fixture(params=list(practice.VENDORS))
def any_vendor(request: pytest.FixtureRequest) -> Iterator[PracticeServer]:
    """Each of the four in turn."""
    with practice.start(request.param, bulk_delay=0.02) as server:
        yield server
        assert not server.errors
