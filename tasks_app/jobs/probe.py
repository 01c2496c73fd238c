from __future__ import annotations

from celery import shared_task
from django.db import close_old_connections

from tasks_app.services.probing import try_key
from tasks_app.services.transport import default_transport


@shared_task(ignore_result=True, expires=60)
def try_key_job(account_id: int) -> None:
    """Try a refused key by one read."""
    close_old_connections()
    try:
        try_key(account_id, transport=default_transport())
    finally:
        close_old_connections()
