from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from tasks_app.services.sweeping import sweep


@shared_task(ignore_result=True, expires=15)
def sweep_job() -> None:
    """Pick up what is due by the clock."""
    close_old_connections()
    try:
        sweep()
    finally:
        close_old_connections()
