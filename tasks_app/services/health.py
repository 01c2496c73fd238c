"""Who is alive: heartbeats, and whether one of them is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from tasks_app.models import Heartbeat

FORGOTTEN_AFTER = timedelta(days=1)
#: A worker that has not been heard of for so long is late.
WORKER_LATE = timedelta(seconds=45)


@dataclass(frozen=True)
class Health:
    """When each was last alive (None = never) and who is late.

    The sweep is what the scheduler is for; while it is away a worker or the web process
    sweeps in its place.
    """

    worker_at: datetime | None
    scheduler_at: datetime | None
    sweep_at: datetime | None
    worker_late: bool
    scheduler_late: bool
    sweep_late: bool

    @property
    def well(self) -> bool:
        return not (self.worker_late or self.scheduler_late or self.sweep_late)


def beat(role: str, name: str) -> None:
    """Note that this process is alive; forget those of its role silent for a day."""
    now = timezone.now()
    updated = Heartbeat.objects.filter(role=role, name=name).update(beat_at=now)
    if not updated:
        Heartbeat.objects.update_or_create(
            role=role, name=name, defaults={"beat_at": now}
        )
        silent = Heartbeat.objects.filter(role=role, beat_at__lt=now - FORGOTTEN_AFTER)
        silent.delete()


def processes(now: datetime | None = None) -> Health:
    """Return how the processes stand, by one query."""
    now = now or timezone.now()
    last = dict(
        Heartbeat.objects.values("role")
        .annotate(at=Max("beat_at"))
        .values_list("role", "at")
    )
    Role = Heartbeat.Role
    worker, scheduler, sweep = (
        last.get(role) for role in (Role.WORKER, Role.SCHEDULER, Role.SWEEP)
    )
    ticks = timedelta(seconds=3 * settings.SWEEP_EVERY)
    return Health(
        worker_at=worker,
        scheduler_at=scheduler,
        sweep_at=sweep,
        worker_late=late(worker, now, WORKER_LATE),
        scheduler_late=late(scheduler, now, max(ticks, WORKER_LATE)),
        sweep_late=late(sweep, now, ticks),
    )


def late(at: datetime | None, now: datetime, patience: timedelta) -> bool:
    return at is None or now - at > patience


def sweep_is_due(now: datetime | None = None) -> bool:
    """Return whether nobody has swept for so long that an idle process should."""
    return processes(now).sweep_late
