"""The limiter: true in any sliding window, used almost wholly, fair after an outage."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

from tasks_app.models import AccountPace, ConnectedAccount
from tasks_app.services import gate, pacing
from tests.factories import make_account

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when somebody sleeps."""
    clock = SimpleNamespace(now=1_000_000.0)

    def sleep(seconds: float) -> None:
        clock.now += max(0.0, seconds)

    monkeypatch.setattr(pacing, "now_by", lambda told: clock.now)
    monkeypatch.setattr(pacing.time, "monotonic", lambda: clock.now)
    clock.sleep = sleep
    return clock


def most_within(times: list[float], seconds: float) -> int:
    """Return the most moments that lie in any window of `seconds`."""
    times = sorted(times)
    return max(
        sum(1 for other in times[i:] if other - start < seconds)
        for i, start in enumerate(times)
    )


def test_an_account_is_tight_from_a_call_that_has_to_wait_until_one_that_has_not(clock):
    account, other = make_account(rates=[[2, 10]]), make_account(rates=[[2, 10]])

    tight = []
    for pause in (0, 0, 0, 20):
        clock.sleep(pause)
        pacing.reserve(account, max_wait=60)
        tight.append(pacing.is_tight(account))

    assert tight == [False, False, True, False]
    assert not pacing.is_tight(other)


def test_an_account_is_tight_too_where_nobody_waits_so_long(clock):
    account = make_account(rates=[[1, 10]])
    pacing.reserve(account, max_wait=0)

    with pytest.raises(pacing.Saturated):
        pacing.reserve(account, max_wait=0)

    assert pacing.is_tight(account)


@pytest.mark.parametrize(
    ("rates", "calls"),
    [
        ([[25, 5]], 200),
        ([[3, 30]], 12),
        ([[10, 5], [30, 60]], 70),
        ([[300, 60]], 700),
        ([[20, 2], [250, 60]], 520),
    ],
)
def test_no_window_holds_more_than_the_limit_and_nearly_all_is_used(
    clock, rates, calls
):
    account = make_account(rates=rates)
    times = []

    for _ in range(calls):
        pacing.acquire(account, max_wait=120, sleep=clock.sleep)
        times.append(clock.now)

    for allowed, seconds in rates:
        assert most_within(times, seconds) <= allowed
    least = max((-(-calls // n) - 1) * seconds for n, seconds in rates)
    lasted = times[-1] - times[0]
    assert lasted <= least / 0.95 + 0.01


def test_late_wakers_cost_a_little_and_never_the_limit(clock):
    account = make_account(rates=[[25, 5]])
    chance = random.Random(7)
    times = []

    def sleep(seconds: float) -> None:
        clock.now += max(0.0, seconds)
        if chance.random() < 0.2:
            clock.now += chance.uniform(0, 0.5)

    for _ in range(300):
        pacing.acquire(account, max_wait=60, sleep=sleep)
        times.append(clock.now)

    assert most_within(times, 5.0) <= 25


def test_a_call_slow_on_its_way_counts_from_when_it_may_have_arrived(clock):
    account = make_account(rates=[[1, 5]])
    quick = pacing.acquire(account, sleep=clock.sleep)
    began = clock.now
    clock.now += 0.01
    pacing.arrived(account, quick, began)
    clock.now += 10

    slow = pacing.acquire(account, sleep=clock.sleep)
    began = clock.now
    clock.now += 0.31
    pacing.arrived(account, slow, began)

    [moment] = AccountPace.objects.get(pk=account.pk).log
    assert moment == pytest.approx(began + 0.3, abs=0.01)


def test_whoever_would_wait_too_long_is_told_how_long(clock):
    account = make_account(rates=[[1, 60]])
    pacing.acquire(account, sleep=clock.sleep)

    with pytest.raises(pacing.Saturated) as caught:
        pacing.acquire(account, max_wait=2, sleep=clock.sleep)

    assert 59 < caught.value.seconds < 61
    assert len(AccountPace.objects.get(pk=account.pk).log) == 1


def test_threads_share_one_limit():
    account = make_account(rates=[[5, 1]])
    moments: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        try:
            for _ in range(3):
                permit = pacing.acquire(account, max_wait=30)
                with lock:
                    moments.append(permit.at)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(moments) == 12
    assert most_within(moments, 1.0) <= 5


def test_after_a_long_outage_the_rate_climbs_back():
    account = make_account(rates=[[100, 10]])
    now = timezone.now()
    ConnectedAccount.objects.update(ramp_from=now)
    account.refresh_from_db()

    assert pacing.limits_of(account) == [(10, 10.0)]
    assert gate.ramp_factor(account, now + gate.RAMP / 2) == pytest.approx(0.55)
    assert gate.ramp_factor(account, now + gate.RAMP) == 1.0


def test_a_short_outage_is_followed_by_the_full_rate():
    account = make_account()
    ConnectedAccount.objects.update(
        trouble_since=timezone.now() - timedelta(minutes=2), trouble_count=6
    )
    account.refresh_from_db()

    gate.note_success(account)

    assert account.ramp_from is None
    assert account.trouble_count == 0


def test_the_budget_tells_what_is_used_of_the_tightest_limit():
    account = make_account(rates=[[10, 60], [1000, 3600]])
    for _ in range(4):
        pacing.acquire(account)

    budget = pacing.budget(account)

    assert (budget.used, budget.allowed, budget.seconds) == (4, 10, 60.0)
