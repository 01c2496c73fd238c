"""Which of Baton's own processes is late, and what that means, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks_app.models import Team
from tasks_app.services.counting import count_words
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


@dataclass(frozen=True)
class QueueWords:
    """The line at the foot of the sidebar; `title` says why it waits."""

    words: str
    tone: str
    title: str


def queue_words(
    number: int, worker_late: bool, still: Sequence[str], paused: int
) -> QueueWords:
    """Return how the queue stands: it goes out only if nobody holds any of it back."""
    count = count_words(number)
    held = f"{count} in the queue, some wait" if number > 1 else "1 waits"
    if worker_late:
        title = "The worker has not been heard of: nothing is sent until it runs."
        verb = "waits" if number == 1 else "wait"
        return QueueWords(f"{count} {verb}, nothing is sent", "amber", title)
    if still:
        named = f"{still[0]} and {len(still) - 1} more stand" if still[1:] else still[0]
        verb = "" if still[1:] else " stands"
        title = f"{named}{verb} still. Tasks for other accounts go on."
        return QueueWords(held, "amber", title)
    if paused:
        title = "An account or a batch is paused. All other tasks go on."
        return QueueWords(held, "amber", title)
    title = "Sent in turn, within the vendors' limits."
    return QueueWords(f"{count} in the queue", "green", title)


def since(at: datetime | None, team: Team | None, now: datetime) -> str:
    if at is None:
        return "yet"
    return f"since {clock_words(at, team, now).within}"
