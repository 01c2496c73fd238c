"""Which of Baton's own processes is late, and what that means, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks_app.models import Team
from tasks_app.services.health import Health

from .wording import clock_words

STILL = (
    "Nothing is sent and no status is read until the worker runs. "
    "Tasks are safe in the queue."
)

LATE = "Waiting tasks and statuses may be late."


@dataclass(frozen=True)
class ProcessWords:
    head: str
    text: str


def process_words(
    health: Health, team: Team | None, now: datetime
) -> ProcessWords | None:
    """Return what is to be said about worker and scheduler, None while all is well."""
    worker, scheduler = health.worker_late, health.scheduler_late
    if worker and scheduler:
        last = max(filter(None, (health.worker_at, health.scheduler_at)), default=None)
        heard = since(last, team, now)
        head = f"Neither worker nor scheduler has been heard of {heard}"
        return ProcessWords(head, STILL)
    if worker:
        heard = since(health.worker_at, team, now)
        return ProcessWords(f"The worker has not been heard of {heard}", STILL)
    if scheduler:
        heard = since(health.scheduler_at, team, now)
        text = "The worker does its part meanwhile, up to a minute later than usual."
        return ProcessWords(
            f"The scheduler has not been heard of {heard}",
            LATE if health.sweep_late else text,
        )
    if health.sweep_late:
        return ProcessWords("Baton's regular rounds are late", LATE)
    return None


def since(at: datetime | None, team: Team | None, now: datetime) -> str:
    if at is None:
        return "yet"
    return f"since {clock_words(at, team, now).within}"
