"""Which accounts get a reading of this window, and how long readings are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks_app.models import SyncRun
from tasks_app.services import syncing
from tests.factories import make_account, make_task

pytestmark = pytest.mark.django_db


def test_each_account_with_open_tasks_gets_one_run_of_a_window() -> None:
    now = timezone.now()
    busy, idle, asked, done = (make_account() for _ in range(4))
    brings = make_account(bring_in=True)
    for account in (busy, busy, asked):
        make_task(account=account)
    make_task(account=done, status="completed")
    SyncRun.objects.create(account=asked, window="asked")

    assert syncing.begin_due(now) == 2
    assert syncing.begin_due(now) == 0

    begun = SyncRun.objects.exclude(window="asked").values_list("account_id", flat=True)
    assert set(begun) == {busy.pk, brings.pk}
    assert not idle.sync_runs.exists()


def test_old_readings_are_forgotten_but_for_an_accounts_last() -> None:
    now = timezone.now()
    old = now - timedelta(days=syncing.RUN_DAYS + 1)
    account, quiet = make_account(), make_account()
    for number, ended_at in enumerate((old, old, now - timedelta(days=1))):
        account.sync_runs.create(window=str(number), state="done", ended_at=ended_at)
    last = quiet.sync_runs.create(window="1", state="done", ended_at=old)

    assert syncing.forget_old() == 2

    assert list(account.sync_runs.values_list("window", flat=True)) == ["2"]
    assert list(quiet.sync_runs.all()) == [last]
