"""Statuses that are old say so over every list, and can be read anew from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Heartbeat, SyncRun, Task
from tests.factories import make_account, make_task, make_team, make_user

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=3)


@pytest.fixture
def lead(client):
    team = make_team()
    user = make_user(team)
    client.force_login(user)
    for role in (Heartbeat.Role.WORKER, Heartbeat.Role.SWEEP):
        Heartbeat.objects.create(role=role, name="here")
    return user


@pytest.fixture
def late(lead):
    account = make_account(
        team=lead.memberships.get().team,
        name="Outbound EU",
        checked_at=timezone.now(),
        synced_at=timezone.now() - LONG_AGO,
    )
    make_task(account=account, external_id="7PWYDWW7zo", delivery="delivered")
    return account


def text(client, name="task-list", **query):
    return client.get(reverse(name), query).content.decode()


def test_a_list_of_old_statuses_says_since_when(client, late):
    page = text(client, priority="high")

    assert "The statuses of Outbound EU (Saleshandy) are from" in page
    assert 'name="back" value="/tasks/?priority=high"' in page
    assert "The statuses of Outbound EU" in text(client, "prospect-list")


@pytest.mark.parametrize(
    "change",
    [
        {"synced_at": timezone.now()},
        {"synced_at": None},
        {"state": "paused"},
        {"deleted_at": timezone.now()},
    ],
)
def test_fresh_paused_and_disconnected_ones_do_not(client, late, change):
    ConnectedAccount.objects.update(**change)

    assert "are from" not in text(client)


def test_without_open_tasks_nothing_is_late_unless_others_tasks_are_read(client, late):
    Task.objects.update(status="completed")
    assert "The statuses of" not in text(client)

    ConnectedAccount.objects.update(bring_in=True)
    assert "The statuses of" in text(client)


def test_other_teams_accounts_are_not_named(client, lead):
    other = make_account(synced_at=timezone.now() - LONG_AGO, name="Theirs")
    make_task(account=other, external_id="7PWYDWW7zo", delivery="delivered")

    assert "Theirs" not in text(client)


def test_sync_now_asks_for_a_reading_and_leads_back(client, late):
    answer = client.post(
        reverse("account-sync", args=[late.pk]), {"back": "/tasks/?priority=high"}
    )

    assert answer.url == "/tasks/?priority=high"
    assert SyncRun.objects.get().state == SyncRun.State.WAITING


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "tasks"])
def test_it_never_leads_elsewhere(client, late, back):
    answer = client.post(reverse("account-sync", args=[late.pk]), {"back": back})

    assert answer.url == f"{reverse('account-list')}#sync-{late.pk}"


def test_a_reading_shows_how_far_it_has_come(client, late):
    SyncRun.objects.create(
        account=late,
        window="w",
        state="running",
        calls=13,
        tasks_read=1200,
        lease_until=timezone.now(),
    )

    page = text(client, "account-list")

    assert "Being read now: 1,200 tasks in 13 calls so far" in page
    assert 'data-refresh="3"' in page


def test_an_account_that_could_never_be_read_is_late(client, late):
    ConnectedAccount.objects.update(synced_at=None)
    SyncRun.objects.create(account=late, window="w", state="failed", error="No answer.")

    assert "The statuses of Outbound EU were never read" in text(client, "today")
    assert "Sync is late" in text(client, "account-list")
