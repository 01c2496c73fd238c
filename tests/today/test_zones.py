"""A team that moves to another time zone: its days end at other moments from then on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from tasks_app.models import NEVER, Task, Team
from tasks_app.services import zones
from tasks_app.services.sweeping import sweep
from tasks_app.services.teams import create_team
from tests.factories import make_account, make_task, make_team

pytestmark = pytest.mark.django_db
WEST, EAST = "Pacific/Pago_Pago", "Pacific/Kiritimati"
DAY = date(2026, 7, 15)


@pytest.fixture
def tasks() -> list[Task]:
    """One task of each kind of date, in the west."""
    account = make_account(team=make_team(time_zone=WEST))
    noon = datetime(2026, 7, 15, 12, tzinfo=account.team.zone)
    kinds: list[dict[str, Any]] = [
        {"due_on": DAY},
        {"due_on": DAY, "status": "completed"},
        {"due_on": DAY + timedelta(days=1)},
        {"due_at": noon},
        {"starts_at": noon},
        {"starts_at": noon, "due_at": noon + timedelta(hours=1)},
        {},
    ]
    return [make_task(account=account, **kind) for kind in kinds]


def right(tasks: list[Task]) -> None:
    """Check that every row is as if it had been made in the team's zone."""
    team = Team.objects.get(pk=tasks[0].team_id)
    for task in Task.objects.filter(pk__in=[task.pk for task in tasks]):
        stored = task.due_sort
        task.fill_derived(team)
        assert stored == task.due_sort


def test_a_date_ends_with_its_day_in_the_new_zone(tasks: list[Task]) -> None:
    team = tasks[0].team
    Team.objects.filter(pk=team.pk).update(time_zone=EAST)
    team.refresh_from_db()

    assert zones.resort(team) == 3
    assert zones.resort(team) == 0

    right(tasks)
    tasks[0].refresh_from_db()
    tasks[-1].refresh_from_db()
    assert team.today(tasks[0].due_sort) == DAY
    assert tasks[-1].due_sort == NEVER


def test_portions_cover_all_and_only_this_team(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zones, "PORTION", 2)
    other = make_task(due_on=DAY)
    before = other.due_sort
    team = tasks[0].team
    Team.objects.filter(pk=team.pk).update(time_zone=EAST)
    team.refresh_from_db()

    zones.resort(team)

    right(tasks)
    other.refresh_from_db()
    assert other.due_sort == before


def test_the_command_reckons_anew(
    tasks: list[Task], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        create_team(tasks[0].team.name, time_zone=EAST)

    right(tasks)


def test_the_admin_reckons_anew(
    admin_client: Any, tasks: list[Task], django_capture_on_commit_callbacks: Any
) -> None:
    team = tasks[0].team
    form = {
        "name": team.name,
        "time_zone": EAST,
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }
    address = reverse("admin:baton_team_change", args=[team.pk])

    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(address, form)

    assert answer.status_code == 302, answer.content
    right(tasks)
    assert User.objects.filter(is_superuser=True).exists()


def test_what_was_written_meanwhile_in_the_old_zone_is_found_by_the_sweep(
    tasks: list[Task], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        create_team(tasks[0].team.name, time_zone=EAST)
    # A process that read the team before the change saves its task only now.
    late = make_task(account=tasks[0].account, due_on=DAY)
    Task.objects.filter(pk=late.pk).update(due_sort=tasks[0].due_sort)

    sweep()

    right([*tasks, late])
    team = Team.objects.get(pk=tasks[0].team_id)
    assert team.sorted_in == EAST


def test_rows_of_old_are_mended_once(tasks: list[Task]) -> None:
    Task.objects.update(due_sort=timezone.now())
    Task.objects.exclude(due_on=None).update(due_at=None)

    assert zones.resort_stale() >= 1
    assert zones.resort_stale() == 0

    right([task for task in tasks if task.due_on is not None])
