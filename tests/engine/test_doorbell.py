"""Ringing for more help: at once, but not with every call."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tasks_app.services import doorbell


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(doorbell.time, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def rung(monkeypatch) -> list[int]:
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "_rung", {})
    monkeypatch.setattr(doorbell, "ring_now", rung.append)
    return rung


def test_a_second_ring_just_behind_the_first_is_left_out(clock, rung):
    doorbell.ring_sometimes(1)
    clock.now += doorbell.RING_EVERY * 0.9
    doorbell.ring_sometimes(1)
    assert rung == [1]

    clock.now += doorbell.RING_EVERY * 0.2
    doorbell.ring_sometimes(1)
    assert rung == [1, 1]


def test_one_account_s_ring_leaves_out_no_other_s(clock, rung):
    doorbell.ring_sometimes(1)
    doorbell.ring_sometimes(2)

    assert rung == [1, 2]
