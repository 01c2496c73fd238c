from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.db import close_old_connections
from django.utils import timezone

from tasks_app.services import action_runs

#: How long one turn goes on before others get theirs.
TURN = timedelta(seconds=20)


@shared_task(ignore_result=True, expires=60)
def action_run_job(run_id: int) -> None:
    """Ask for the next portions of a run."""
    close_old_connections()
    try:
        action_runs.work(run_id, until=timezone.now() + TURN)
    finally:
        close_old_connections()
