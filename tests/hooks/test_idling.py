"""The sweep from the web process, where nobody else sweeps (F86, F87)."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from tasks_app.models import Heartbeat, Push, SyncRun
from tasks_app.services import idling, sweeping
from tests.factories import make_account, make_push, make_task
from tests.hooks.conftest import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_ten_sweeps_at_once_make_one_run_per_account_and_window():
    """F86"""
    accounts = [make_account(bring_in=True) for _ in range(3)]
    expired = make_push(
        task=make_task(account=accounts[0]),
        state=Push.State.CLAIMED,
        attempt_id="6f1c1c5e-5a0e-4c4e-8f50-2f2bb1b1b1b1",
        lease_until=timezone.now() - timedelta(seconds=1),
    )
    now = timezone.now()

    results = at_once(10, lambda n: sweeping.sweep(now))

    assert results == [None] * 10
    runs = list(SyncRun.objects.values_list("account_id", "window"))
    assert sorted(pk for pk, _ in runs) == [account.pk for account in accounts]
    assert len({window for _, window in runs}) == 1
    expired.refresh_from_db()
    assert expired.state == Push.State.QUEUED
    assert Heartbeat.objects.filter(role=Heartbeat.Role.SWEEP).count() == 1


def test_the_web_process_sweeps_when_nobody_did():
    """F87"""
    account = make_account(bring_in=True)

    assert idling.look()

    assert SyncRun.objects.filter(account=account).count() == 1
    assert not idling.look()  # it was done just now


def test_the_web_process_sends_nothing():
    """F87"""
    push = make_push()

    idling.look()

    push.refresh_from_db()
    assert push.state == Push.State.QUEUED
    assert push.tries == 0


def test_a_database_that_is_away_ends_no_thread(monkeypatch):
    """F87"""
    looks, said = [], []
    stopping = threading.Event()

    def gone() -> bool:
        looks.append(1)
        if len(looks) == 3:
            stopping.set()
        raise OperationalError("gone")

    monkeypatch.setattr("tasks_app.services.health.sweep_is_due", gone)
    monkeypatch.setattr("django.conf.settings.SWEEP_EVERY", 0.01)
    monkeypatch.setattr(idling.log, "warning", lambda text, *_, **__: said.append(text))

    thread = threading.Thread(target=idling.run, args=(stopping,))
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    assert len(looks) == len(said) == 3
    assert "skipped a sweep" in said[0]


def test_connections_are_closed_after_a_look(monkeypatch):
    closed = []
    monkeypatch.setattr(idling.connections, "close_all", lambda: closed.append(1))

    idling.look()

    assert closed == [1]


CODE = """
import os, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
import django
django.setup()
names = lambda: [t.name for t in threading.enumerate()].count("idle-sweep")
before = names()
import config.wsgi
from tasks_app.services import idling
idling.start()
print(before, names(), idling.start().daemon)
if pid := os.fork():
    os.waitpid(pid, 0)
else:
    print(names(), flush=True)
    os._exit(0)
"""


def test_one_thread_in_every_web_process_and_none_elsewhere():
    """F87: also in one that was forked after loading."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60
    )

    assert done.stdout.split() == ["0", "1", "True", "1"], done.stderr
    assert "idle-sweep" not in [thread.name for thread in threading.enumerate()]
