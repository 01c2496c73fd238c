from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from tasks_app.services.directory import read_when_due
from tasks_app.services.transport import default_transport


@shared_task(ignore_result=True, expires=60)
def directory_job(account_id: int) -> None:
    """Read this account's task types and people, where that is a day ago."""
    close_old_connections()
    try:
        read_when_due(account_id, transport=default_transport())
    finally:
        close_old_connections()
