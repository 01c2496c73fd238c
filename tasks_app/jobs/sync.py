from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from tasks_app.services.syncing import sync_account
from tasks_app.services.transport import default_transport


@shared_task(ignore_result=True, expires=60)
def sync_job(account_id: int) -> None:
    """Read this account back, if a reading is waiting."""
    close_old_connections()
    try:
        sync_account(account_id, transport=default_transport())
    finally:
        close_old_connections()
