"""Sweeping from the web process, for when no scheduler and no worker does.

Every web process has one such thread. It sweeps only when nobody else has for a while,
and a sweep does no harm however many make it at once. It never sends a push itself.
"""

from __future__ import annotations

import logging
import os
import random
import threading

from django.conf import settings
from django.db import connections

from . import health, sweeping

log = logging.getLogger(__name__)

_started = threading.Lock()
_thread: threading.Thread | None = None


def start() -> threading.Thread:
    """Start this process's thread, once, and again in every process forked from it."""
    global _thread
    with _started:
        if _thread is None:
            os.register_at_fork(after_in_child=restart)
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=run, name="idle-sweep", daemon=True)
            _thread.start()
        return _thread


def restart() -> None:
    """Start the thread in a forked process: threads stay behind, and so may a lock."""
    global _started, _thread
    _started = threading.Lock()
    _thread = threading.Thread(target=run, name="idle-sweep", daemon=True)
    _thread.start()


def run(stopping: threading.Event | None = None) -> None:
    """Look every `SWEEP_EVERY` seconds or so, until told to stop."""
    stopping = stopping or threading.Event()
    # Processes that started together should not all look at the same moment.
    while not stopping.wait(settings.SWEEP_EVERY * random.uniform(0.8, 1.2)):
        look()


def look() -> bool:
    """Sweep if it is due; return whether that was done. Never raises."""
    try:
        if not health.sweep_is_due():
            return False
        sweeping.sweep()
        return True
    except Exception as error:
        # The database may be away: the next look comes.
        log.warning("The web process skipped a sweep: %r", error)
        return False
    finally:
        connections.close_all()
