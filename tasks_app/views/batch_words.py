"""How a batch is said and drawn: a sentence for each outcome, lengths for the bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tasks_app.models import ActionRun, Batch, Task, Team
from tasks_app.services.batches import Progress
from tasks_app.services.many import PRIORITY, RETRY
from tasks_app.services.retrying import gives_up_at
from tasks_app.services.standstill import clock

from .task_acts import WORDS
from .wording import When, delivery_look, due_words

State = Task.Delivery
#: The order in the bar, and the tone of each part; what waits is left blank.
BAR = (
    ("delivered", "green"),
    ("failed", "red"),
    ("needs_check", "violet"),
    ("retrying", "amber"),
    ("accepted", "teal"),
    ("sending", "blue"),
    ("withdrawn", "gray"),
)
ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


#: What a run does to its tasks, by its action.
RUN_VERBS = {action.value: words[0] for action, words in WORDS.items()} | {
    RETRY: "Send again",
    PRIORITY: "Change the priority of",
}


@dataclass(frozen=True)
class RunRow:
    """A background run in a list. `tone` is that of its bar, `width` its length."""

    run: ActionRun
    verb: str
    said: str
    tone: str
    width: int


def run_row(run: ActionRun) -> RunRow:
    """Return how a run stands in a few words."""
    width = round(100 * run.position / run.total) if run.total else 100
    tone, said = "blue", f"{run.position:,} of {run.total:,} looked at"
    if run.stopped_at:
        tone, said = "red", f"Stopped at {run.position:,} of {run.total:,}"
    elif run.ended_at:
        left_out = run.total - run.done
        tone = "green"
        said = f"{left_out:,} left out" if left_out else "Nothing left out"
    return RunRow(run, RUN_VERBS.get(run.action, run.action), said, tone, width)


@dataclass(frozen=True)
class Share:
    """A part of the bar, in hundredths of its length, as SVG takes them."""

    state: str
    tone: str
    label: str
    number: int
    start: str
    width: str


def shares(progress: Progress) -> list[Share]:
    """Return the parts of the bar from left to right."""
    found, start = [], 0.0
    for state, tone in BAR:
        number = progress.counts[state]
        if not number:
            continue
        width = 100 * number / progress.total
        label = delivery_look(state).label
        found.append(Share(state, tone, label, number, f"{start:.2f}", f"{width:.2f}"))
        start += width
    return found


def due_range(first: Task | None, last: Task | None, team: Team) -> When | None:
    """Return when these are due, from the first one to the last; None without a date.

    "Friday 17 July, 15:00", or the two days between which they are.
    """
    if first is None or last is None:
        return None
    now = timezone.now()
    begins, ends = due_words(first, team, now), due_words(last, team, now)
    if begins is None or ends is None:
        return None
    days = [task.due_sort.astimezone(team.zone) for task in (first, last)]
    year = "" if days[1].year == now.astimezone(team.zone).year else f" {days[1].year}"
    text = f"{days[0]:%A} {days[0].day} {days[0]:%B}{year}"
    if days[0].date() != days[1].date():
        text = f"{days[0].day} {days[0]:%B} to {days[1].day} {days[1]:%B}{year}"
    elif first.due_at is not None and first.due_sort == last.due_sort:
        text += f", {days[0]:%H:%M}"
    title = begins.title
    if ends.title != begins.title:
        title += f" to {ends.title}"
    return When(text, title, begins.iso)


def what_happened(
    task: Task, batch: Batch, team: Team, turn: datetime | None = None
) -> str:
    """Return what became of this task, what it means and what comes next.

    `turn` is about when it is sent, None where nobody can say.
    """
    vendor, said = batch.account.get_vendor_display(), task.delivery_error
    if task.delivery == State.QUEUED and batch.paused_at:
        return f"{said} Held: the batch is paused.".strip()
    if task.delivery == State.QUEUED:
        if task.retry_at:
            return f"{said or 'It could not be sent yet.'} {next_try(task, team)}"
        return f"Waiting for its turn{turn_words(turn, team)}."
    if task.delivery in (State.CLAIMED, State.SENDING):
        return "Being handed over."
    if task.delivery == State.ACCEPTED:
        number = getattr(task, "request_number", "") or ""
        request = f" (request {number})" if number else ""
        return f"{vendor} took it{request}. Baton reads its id back."
    if task.delivery == State.DELIVERED:
        tries = getattr(task, "tries", None) or 1
        if tries < 2:
            return "Created."
        return f"Created on the {ORDINALS.get(tries, f'{tries}th')} try."
    if task.delivery == State.NEEDS_CHECK:
        return said or f"No clear answer. The task may exist in {vendor}."
    if task.delivery == State.WITHDRAWN:
        return said or "Taken back: it is not sent any more."
    return said or f"{vendor} refused it."


def next_try(task: Task, team: Team) -> str:
    """Return when it is tried again, which try that is, and when Baton gives up."""
    assert task.retry_at is not None  # noqa: S101 - who asks has looked
    tries, asked_at = getattr(task, "tries", None), getattr(task, "asked_at", None)
    name = f"Try {tries + 1}" if tries else "Next try"
    words = f"{name} at {task.retry_at.astimezone(team.zone):%H:%M:%S}"
    if asked_at is not None:
        last = gives_up_at(asked_at, task.due_sort)
        words += f", none after {clock(last, team, timezone.now())}"
    return f"{words}."


def turn_words(turn: datetime | None, team: Team) -> str:
    """Return ", about 10:42" where that is not just now, '' where nobody can say."""
    if turn is None:
        return ""
    now = timezone.now()
    if turn - now < timedelta(minutes=1):
        return ", within a minute"
    return f", about {clock(turn, team, now)}"
