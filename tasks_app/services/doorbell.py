"""Ringing for an account: a hint that there is work, which may be lost."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)

#: Set in a worker process: what it rings, it hears itself, with or without a broker.
has_own_queue = False


def ring(account_id: int) -> None:
    """Ring for this account once the transaction is through. Never raises.

    Without a broker there is nobody to ring: the worker looks by itself every second.
    With one that is down the sweep finds the work.
    """
    transaction.on_commit(lambda: ring_now(account_id))


#: When this process last rang for each account because there was more to do.
_rung: dict[int, float] = {}
#: Seconds between two such rings: each costs as much as a small call.
RING_EVERY = 0.5


def ring_sometimes(account_id: int) -> None:
    """Ring at once, unless this process has rung so for the account just now."""
    now = time.monotonic()
    if now - _rung.get(account_id, -RING_EVERY) >= RING_EVERY:
        _rung[account_id] = now
        ring_now(account_id)


def ring_now(account_id: int) -> None:
    """Ring at once. Never raises."""
    if not (settings.HAS_BROKER or has_own_queue):
        return
    from tasks_app.jobs.push import push_account_job

    try:
        push_account_job.delay(account_id)
    except Exception as error:  # a broker that is down must not fail a request
        log.warning("The doorbell of account %s is dead: %r", account_id, error)
