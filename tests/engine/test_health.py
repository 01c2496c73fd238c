"""Who is alive, and whether the banner tells the truth about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.beat import Scheduler
from django.conf import settings
from django.utils import timezone

from config.celery import app
from tasks_app.jobs import pulse
from tasks_app.models import Heartbeat
from tasks_app.services import health
from tests.factories import make_team, make_user

pytestmark = pytest.mark.django_db

STOPPED = "Nothing is sent and no status is read until"
LATE = "Waiting tasks and statuses may be late."
MEANWHILE = "The worker does its part meanwhile"


def alive(**minutes: float | None) -> None:
    """Let each role have been alive so many minutes ago, None = never."""
    Heartbeat.objects.all().delete()
    for role, ago in minutes.items():
        if ago is not None:
            at = timezone.now() - timedelta(minutes=ago)
            Heartbeat.objects.create(role=role, name="a", beat_at=at)


@pytest.mark.parametrize(
    ("worker", "scheduler", "sweep", "head", "text"),
    [
        (0, 0, 0, None, None),
        (30, 0, 0, "The worker has not been heard of since", STOPPED),
        (None, 0, 0, "The worker has not been heard of yet", STOPPED),
        (0, 30, 0, "The scheduler has not been heard of since", MEANWHILE),
        (0, None, 0, "The scheduler has not been heard of yet", MEANWHILE),
        (0, 30, 30, "The scheduler has not been heard of since", LATE),
        (30, 30, 0, "Neither worker nor scheduler has been heard of since", STOPPED),
        (30, None, 30, "Neither worker nor scheduler has been heard of since", STOPPED),
        (
            None,
            None,
            None,
            "Neither worker nor scheduler has been heard of yet",
            STOPPED,
        ),
        (0, 0, 30, "Baton&#x27;s regular rounds are late", LATE),
    ],
)
def test_the_banner_says_who_is_late(client, worker, scheduler, sweep, head, text):
    client.force_login(make_user(make_team()))
    alive(worker=worker, scheduler=scheduler, sweep=sweep)

    page = client.get("/tasks/").content.decode()
    today = client.get("/today/").content.decode()

    for shown in (page, today):
        assert (head or "heard of") in shown or head is None
        assert ("heard of" in shown or "rounds are late" in shown) == bool(head)
        if text:
            assert text in shown


def test_a_scheduler_that_died_long_ago_is_not_forgotten_for_a_worker():
    alive(scheduler=3 * 24 * 60)

    health.beat(Heartbeat.Role.WORKER, "new")

    assert health.processes().scheduler_at is not None
    health.beat(Heartbeat.Role.SCHEDULER, "new")
    assert Heartbeat.objects.filter(role="scheduler").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_beats_in_its_own_process(monkeypatch):
    """With a broker its messages may lie there unread: it beats all the same."""
    sent = []
    monkeypatch.setattr(Scheduler, "apply_async", lambda self, *a, **k: sent.append(a))
    scheduler = pulse.BeatingScheduler(app, lazy=True)

    scheduler.apply_async("entry")

    assert sent == [("entry", None, True)]
    assert Heartbeat.objects.filter(role="scheduler").count() == 1
    assert not Heartbeat.objects.filter(role="worker").exists()


def test_a_tick_is_sent_even_while_the_database_is_away(monkeypatch):
    sent = []
    monkeypatch.setattr(Scheduler, "apply_async", lambda self, *a, **k: sent.append(a))
    monkeypatch.setattr(health, "beat", lambda *a: 1 / 0)

    pulse.BeatingScheduler(app, lazy=True).apply_async("entry")

    assert sent


def test_each_way_of_running_has_a_scheduler_that_beats():
    name = app.conf.beat_scheduler.split(":")[1]

    assert name == ("BeatingScheduler" if settings.HAS_BROKER else "OwnScheduler")
