from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from tasks_app.services.hooks import process_account
from tasks_app.services.transport import default_transport


@shared_task(ignore_result=True, expires=60)
def hooks_job(account_id: int) -> None:
    """Read at the vendor what its webhooks named."""
    close_old_connections()
    try:
        process_account(account_id, transport=default_transport())
    finally:
        close_old_connections()
