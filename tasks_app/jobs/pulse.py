"""What makes a worker start work that nobody rang for.

Every worker looks into the database once a second: the database is the queue, so a
lost message, a flushed broker or no broker at all costs a second. Without a broker
(`memory://`) this is the only bell there is. Where no scheduler sweeps, the worker does.
While the broker is away, or the worker hears nothing from it, the jobs run here.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from typing import Any

from celery import bootsteps, signals
from celery.beat import Scheduler
from django.db import close_old_connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from tasks_app.models import Heartbeat
from tasks_app.services import action_runs, doorbell, health, sweeping

log = logging.getLogger(__name__)

#: Seconds between looks, and between signs of life.
LOOK_EVERY = 1.0
BEAT_EVERY = 10.0
#: Work was due for so long and no job has begun here: this worker hears no messages.
DEAF_AFTER = 30.0


def process_name() -> str:
    return f"{platform.node()}:{os.getpid()}"


class Pulse(bootsteps.StartStopStep):
    """A thread beside the worker's pool that rings for due work."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        doorbell.has_own_queue = True
        self.thread = threading.Thread(target=self.run, name="pulse", daemon=True)
        self.thread.start()

    def stop(self, worker: Any) -> None:
        self.stopping.set()

    def terminate(self, worker: Any) -> None:
        self.stopping.set()

    def run(self) -> None:
        last_beat = 0.0
        while not self.stopping.wait(LOOK_EVERY):
            try:
                if time.monotonic() - last_beat > BEAT_EVERY:
                    health.beat(Heartbeat.Role.WORKER, process_name())
                    last_beat = time.monotonic()
                    if health.sweep_is_due():
                        sweeping.sweep()
                ring_for_due_work()
            except Exception:
                # Whatever it is (the database may be away): the next look comes.
                log.warning("The pulse skipped a beat.", exc_info=True)
            finally:
                close_old_connections()


def ring_for_due_work() -> None:
    """Start a job for everything that is due now."""
    from .directory import directory_job
    from .hooks import hooks_job
    from .probe import try_key_job
    from .push import push_account_job, reconcile_job
    from .runs import action_run_job
    from .sync import sync_job

    now = timezone.now()
    work = sweeping.work_of(now)
    due = [
        (job, account_id)
        for job, kind in (
            (push_account_job, "push"),
            (reconcile_job, "look"),
            (sync_job, "sync"),
            (hooks_job, "hooks"),
            (try_key_job, "key"),
            (directory_job, "directory"),
        )
        for account_id in work[kind]
    ] + [(action_run_job, run_id) for run_id in action_runs.due(now)]
    if not due:
        hearing.note()
    away = False
    for job, number in due:
        try:
            if not away:
                job.apply_async((number,), expires=60)
        except OperationalError as error:
            log.warning("The broker is away, this worker goes on alone: %r", error)
            away = True
        if away or hearing.is_deaf():
            alone.start(job, number)


class Hearing:
    """Whether what this worker sends comes back to it or goes to another one.

    A worker may be connected to its broker again and hear nothing, without any error.
    """

    def __init__(self) -> None:
        self.heard = time.monotonic()

    def note(self, **kwargs: Any) -> None:
        """A job has begun or ended here, or there is nothing to hear."""
        self.heard = time.monotonic()

    def is_deaf(self) -> bool:
        return time.monotonic() - self.heard > DEAF_AFTER


class Alone:
    """Runs jobs in this process, a few at once and each at most once at a time."""

    def __init__(self, most: int) -> None:
        self.free = threading.BoundedSemaphore(most)
        self.running: set[tuple[str, int]] = set()

    def start(self, job: Any, number: int) -> bool:
        """Start this job in a thread of its own; return whether there was room."""
        key = (str(job.name), number)
        if key in self.running or not self.free.acquire(blocking=False):
            return False
        self.running.add(key)
        threading.Thread(
            target=self.run, args=(job, key), name=f"alone-{job.name}", daemon=True
        ).start()
        return True

    def run(self, job: Any, key: tuple[str, int]) -> None:
        try:
            job.run(key[1])
        except Exception:
            log.warning("A job failed that was run without the broker.", exc_info=True)
        finally:
            self.running.discard(key)
            self.free.release()


hearing = Hearing()
alone = Alone(most=4)
signals.task_prerun.connect(hearing.note, weak=False)
signals.task_postrun.connect(hearing.note, weak=False)


class BeatingScheduler(Scheduler):
    """Celery's scheduler, which notes with each tick that it is alive.

    In its own process: what it sends may lie in the broker while no worker runs.
    """

    def apply_async(
        self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        beat_scheduler()
        return super().apply_async(entry, producer, advance, **kwargs)


def beat_scheduler() -> None:
    """Note that this scheduler is alive. Never raises: the tick matters more."""
    try:
        health.beat(Heartbeat.Role.SCHEDULER, process_name())
    except Exception:
        log.warning("The scheduler could not say that it is alive.", exc_info=True)
    finally:
        close_old_connections()


class OwnScheduler(Scheduler):
    """Celery's scheduler where there is no broker: it runs its jobs itself."""

    def apply_async(
        self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        if advance:
            entry = self.reserve(entry)
        beat_scheduler()
        try:
            self.app.tasks[entry.task].apply(entry.args, entry.kwargs)
        except Exception:
            log.warning("The scheduler skipped a sweep.", exc_info=True)
        finally:
            close_old_connections()
        return None
