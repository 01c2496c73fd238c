from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.db import close_old_connections
from django.utils import timezone

from tasks_app.services.pushing import push_account
from tasks_app.services.reconciling import reconcile_account
from tasks_app.services.transport import default_transport

#: How long one turn goes on before others get theirs.
TURN = timedelta(seconds=20)


@shared_task(ignore_result=True, expires=60)
def push_account_job(account_id: int) -> None:
    """Send what is due for this account; ring again if anything is left."""
    close_old_connections()
    try:
        push_account(
            account_id, transport=default_transport(), until=timezone.now() + TURN
        )
    finally:
        close_old_connections()


@shared_task(ignore_result=True, expires=60)
def reconcile_job(account_id: int) -> None:
    """Look for what is unclear or only accepted."""
    close_old_connections()
    try:
        reconcile_account(account_id, transport=default_transport())
    finally:
        close_old_connections()
