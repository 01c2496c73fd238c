"""What a person asks to be done to a task at its vendor, and how it is put on its way.

The page shows the wish at once; a push carries it out a few seconds later, so that it
can be taken back. A wish that the vendor refuses puts the page back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tasks_app.models import Push, Task, TaskEvent, Team, VendorUser
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.words import Action

from . import doorbell, holding, states
from .delivery import withdraw
from .members import name_of

#: How long a wish can be taken back before it leaves.
UNDO = timedelta(seconds=6)

DONE_WORDS = {
    Action.COMPLETE: "completed",
    Action.SKIP: "skipped",
    Action.CANCEL: "cancelled",
}

#: These change what a create sends, and by what it is recognised at the vendor. While
#: it is on its way they wait: Baton would look for another task than it sent, find it
#: absent, and send it twice.
CHANGING = frozenset({Action.SNOOZE, Action.RESCHEDULE, Action.REASSIGN, Action.NOTE})
ON_ITS_WAY = (
    Push.State.CLAIMED.value,
    Push.State.SENDING.value,
    Push.State.ACCEPTED.value,
    Push.State.NEEDS_CHECK.value,
)


#: So many tasks are put back by one statement.
ROWS_AT_ONCE = 200


class NotOffered(Exception):
    """This cannot be done to this task; the message says what to do instead."""


@dataclass(frozen=True)
class Difference:
    """One field that moved: its column, its label, what the page showed, what is now."""

    name: str
    label: str
    seen: Any
    now: Any


class Conflict(Exception):
    """Somebody changed the task since the page was made; the message says how.

    `differences` holds the fields that moved, `now` the task as it is (None: unknown).
    """

    def __init__(
        self,
        message: str,
        differences: tuple[Difference, ...] = (),
        now: Task | None = None,
    ) -> None:
        super().__init__(message)
        self.differences = differences
        self.now = now


def why_not(task: Task, action: Action, adapter: VendorAdapter) -> str:
    """Return why this cannot be asked for, '' when it can."""
    name = adapter.name
    if action == Action.CANCEL and takes_back_at_once(task):
        return ""
    if action == Action.REASSIGN and holding.only_here(adapter, task.type.code):
        return holding.why_not(task, adapter)
    if task.delivery in (Task.Delivery.FAILED, Task.Delivery.WITHDRAWN):
        return f"It never reached {name}."
    if task.status == Task.Status.REMOVED:
        return f"It was removed in {name}."
    if not adapter.can(action, task.type.code):
        return f"{name} offers no call for this. Do it there; the next sync shows it."
    finished = task.status not in Task.UNFINISHED
    if finished and action != Action.NOTE:
        return f"It is {task.get_status_display().lower()} already."
    if action in CHANGING and task.delivery in ON_ITS_WAY:
        return on_its_way(adapter)
    return ""


def takes_back_at_once(task: Task) -> bool:
    """Return whether nothing is to be done at the vendor to take this back."""
    return task.delivery in (Task.Delivery.QUEUED, Task.Delivery.FAILED)


def on_its_way(adapter: VendorAdapter) -> str:
    return (
        f"It is on its way to {adapter.name}. Once it is known to be there, try again."
    )


def locked_creates(task_ids: Iterable[int], team: Team) -> dict[int, str]:
    """Lock the creates of these tasks; return their states by task id.

    None of them is claimed while the lock is held. Take it before that of the tasks:
    whoever sends locks in this order, too.
    """
    creates = Push.objects.filter(
        task_id__in=task_ids, task__team=team, kind=Push.Kind.CREATE
    )
    rows = creates.order_by("pk").select_for_update(of=("self",))
    return dict(rows.values_list("task_id", "state"))


def offered(task: Task, adapter: VendorAdapter) -> list[Action]:
    """Return the actions that can be asked for now, in the order of `Action`."""
    return [action for action in Action if not why_not(task, action, adapter)]


def outcomes_for(task: Task, adapter: VendorAdapter) -> tuple[tuple[str, str], ...]:
    """Return the outcomes that completing this task asks for, () for none."""
    capability = adapter.capabilities.get(Action.COMPLETE)
    if capability is None or task.type.code not in capability.outcome_types:
        return ()
    return capability.outcomes


def ask(
    task: Task,
    action: Action,
    values: Mapping[str, Any] | None = None,
    *,
    by: User,
    version: int | None = None,
    undo: timedelta = UNDO,
) -> Push | None:
    """Ask for an action; return its push, None where nothing has to be sent.

    `values` as in `vendors.drafts.ActionDraft`, except that `assignee` is a VendorUser.
    `version` is the one the page was made from. Raise `NotOffered` and `Conflict`.
    Who presses twice gets the push of the first press.
    """
    adapter = task.account.adapter()
    values = dict(values or {})
    with transaction.atomic():
        creates = locked_creates([task.pk], task.account.team)
        fresh = Task.objects.select_for_update().get(pk=task.pk)
        fresh.account, fresh.type = task.account, task.type
        if version is not None and fresh.version != version:
            if same := asked_already(fresh, action, values, by=by):
                return same
            raise conflict(task, fresh)
        check(fresh, action, values, adapter)
        if action in CHANGING and creates.get(fresh.pk) in ON_ITS_WAY:
            raise NotOffered(on_its_way(adapter))
        if action == Action.CANCEL and takes_back_at_once(fresh):
            if withdraw(Task.objects.filter(pk=task.pk), by=by):
                return None
            raise Conflict("It is being sent just now. Try again in a moment.")
        push, wished = wish_of(fresh, action, values, undo=undo)
        push.save()
        show_wish(fresh, action, wished, task.account.team)
        fresh.save()
        asked(fresh, action, values, by=by).save()
    doorbell.ring(task.account_id)
    return push


def asked_already(
    task: Task, action: Action, values: Mapping[str, Any], *, by: User
) -> Push | None:
    """Return the push by which this person asked for the very same just before.

    None when it has left, or when something else happened to the task since.
    """
    last = undoable(task)
    sent = {name: as_json(value) for name, value in values.items()}
    if last is None or last.kind != action.value:
        return None
    if {k: v for k, v in last.values.items() if k != "before"} != sent:
        return None
    event = TaskEvent.objects.filter(task=task).order_by("-pk").first()
    mine = event is not None and event.new == "asked" and event.actor_id == by.pk
    return last if mine else None


def hand_over(
    task: Task, to: User, *, by: User, version: int | None = None
) -> TaskEvent:
    """Give a task to somebody in Baton, where its vendor keeps nobody for it.

    Return the line of history, by which it can be undone. Raise as `ask` does. Who
    presses twice gets the line of the first press.
    """
    adapter = task.account.adapter()
    with transaction.atomic():
        fresh = Task.objects.select_for_update().get(pk=task.pk)
        fresh.account, fresh.type = task.account, task.type
        if fresh.assignee_id == to.pk:
            if same := handed_already(fresh, to, by=by):
                return same
            raise NotOffered(f"{name_of(to)} has it already.")
        if version is not None and fresh.version != version:
            raise conflict(task, fresh)
        if not holding.only_here(adapter, task.type.code):
            raise NotOffered(f"{adapter.name} keeps who has it: ask for it there.")
        adapters = {task.account_id: adapter}
        events, skipped = holding.hand_over([fresh], to, adapters=adapters, by=by)
        if not events:
            raise NotOffered(next(iter(skipped)))
    return events[0]


def handed_already(task: Task, to: User, *, by: User) -> TaskEvent | None:
    """Return the line by which this person did the very same just before, else None."""
    event = TaskEvent.objects.filter(task=task).order_by("-pk").first()
    if event is None or event.kind != holding.KIND or event.new != str(to.pk):
        return None
    return event if event.actor_id == by.pk else None


def check(
    task: Task, action: Action, values: dict[str, Any], adapter: VendorAdapter
) -> None:
    """Raise `NotOffered` when this cannot be asked for, or something needed misses."""
    if reason := why_not(task, action, adapter):
        raise NotOffered(reason)
    if action == Action.REASSIGN and holding.only_here(adapter, task.type.code):
        raise NotOffered(holding.where(adapter))  # `hand_over` does it
    check_values(task, action, values, adapter)


def check_values(
    task: Task, action: Action, values: dict[str, Any], adapter: VendorAdapter
) -> None:
    """Raise `NotOffered` with a sentence when something needed is missing."""
    outcomes = outcomes_for(task, adapter) if action == Action.COMPLETE else ()
    if outcomes and values.get("outcome") not in dict(outcomes):
        raise NotOffered(f"{adapter.name} needs the outcome of the call.")
    if action == Action.SNOOZE and not isinstance(values.get("until"), datetime):
        raise NotOffered("Choose until when.")
    if action == Action.RESCHEDULE and not any(
        values.get(name) for name in ("starts_at", "due_at", "due_on")
    ):
        raise NotOffered("Choose a new date.")
    start, due = values.get("starts_at"), values.get("due_at")
    if action == Action.RESCHEDULE and start and due and due < start:
        raise NotOffered("Due must be after the start.")
    if action == Action.REASSIGN and not isinstance(values.get("assignee"), VendorUser):
        raise NotOffered("Choose who shall have it.")


def wish(task: Task, action: Action, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the task as they will be once this is done."""
    if action in DONE_WORDS:
        return {"status": DONE_WORDS[action], "completed_at": timezone.now()}
    if action == Action.SNOOZE:
        return {"due_at": values["until"], "due_on": None}
    if action == Action.RESCHEDULE:
        names = ("starts_at", "due_at", "due_on")
        wished = {name: values[name] for name in names if values.get(name)}
        if "due_at" in wished and task.due_on:
            wished["due_on"] = None
        return wished
    if action == Action.REASSIGN:
        holder: VendorUser = values["assignee"]
        return {"vendor_user_id": holder.pk, "assignee_id": holder.user_id}
    return {"note": str(values.get("note") or "")}


def wish_of(
    task: Task, action: Action, values: Mapping[str, Any], *, undo: timedelta = UNDO
) -> tuple[Push, dict[str, Any]]:
    """Return the push that carries this out, not saved yet, and the columns wished."""
    wished = wish(task, action, values)
    before = {name: as_json(getattr(task, name)) for name in wished}
    sent = {name: as_json(value) for name, value in values.items()}
    push = Push(
        account_id=task.account_id,
        task=task,
        kind=Push.Kind(action.value),
        lane=Push.Lane.URGENT,
        not_before=timezone.now() + undo,
        values={**sent, "before": before},
    )
    return push, wished


def show_wish(
    task: Task, action: Action, wished: Mapping[str, Any], team: Team
) -> None:
    """Let the task show the wish; whoever calls this saves it."""
    for name, value in wished.items():
        setattr(task, name, value)
    task.action, task.action_state, task.action_error = action.value, "queued", ""
    task.version += 1
    task.updated_at = timezone.now()
    task.fill_derived(team)


def asked(
    task: Task, action: Action, values: Mapping[str, Any], *, by: User | None
) -> TaskEvent:
    """Return the line of history that says who asked, not saved yet."""
    reason = str(values.get("reason") or "")
    return TaskEvent(
        task=task,
        source=TaskEvent.Source.PERSON,
        actor=by,
        kind=action.value,
        new="asked",
        note=f"Reason: {reason}" if reason else "",
    )


def undo(push: Push, *, by: User) -> bool:
    """Take an action back before it leaves; return whether that was in time.

    What was asked for before something else of the same task stays, and so does what
    the task itself took along when it was sent meanwhile.
    """
    with transaction.atomic():
        if push.kind in CHANGING and left_since(push):
            return False
        Task.objects.select_for_update().filter(pk=push.task_id).first()
        later = Push.objects.filter(task_id=push.task_id, pk__gt=push.pk)
        if later.exclude(state=Push.State.WITHDRAWN).exists():
            return False
        moved = states.change(
            [states.Change(push.pk, Push.State.WITHDRAWN)],
            sources=[Push.State.QUEUED],
            source=TaskEvent.Source.PERSON,
            actor_id=by.pk,
            note="Undone before it was sent.",
        )
        if moved:
            restore(push)
    return bool(moved)


def left_since(push: Push) -> bool:
    """Return whether the task's create left after this was asked for; locks it."""
    creates = Push.objects.filter(task_id=push.task_id, kind=Push.Kind.CREATE)
    rows = creates.select_for_update().values_list("state", "sent_at")
    return any(
        state in ON_ITS_WAY or (sent_at is not None and sent_at >= push.created_at)
        for state, sent_at in rows
    )


def undoable(task: Task) -> Push | None:
    """Return the action of this task that has not left yet, None when none can be."""
    if task.action_state != Push.State.QUEUED:
        return None
    last = (
        Push.objects.filter(task=task)
        .exclude(kind__in=[Push.Kind.CREATE, Push.Kind.COPY])
        .exclude(state=Push.State.WITHDRAWN)
        .order_by("-pk")
        .first()
    )
    return last if last is not None and last.state == Push.State.QUEUED else None


def restore(push: Push) -> None:
    """Put the task's columns back to what they were before this was asked for."""
    restore_many([push])


def restore_many(pushes: Sequence[Push]) -> None:
    """Put tasks' columns back to what they were before all of these were asked for."""
    # The latest first: what stood before the earliest one is what remains.
    latest_first = sorted(pushes, key=lambda push: -push.pk)
    for start in range(0, len(pushes), ROWS_AT_ONCE):
        restore_some(latest_first[start:][:ROWS_AT_ONCE])


def restore_some(latest_first: Sequence[Push]) -> None:
    columns = {"version", "updated_at", "due_sort", "search_text"}
    with transaction.atomic():
        rows = (
            Task.objects.filter(pk__in={push.task_id for push in latest_first})
            .select_related("team", "prospect")
            .select_for_update(of=("self",))
            .order_by("pk")
        )
        tasks = {task.pk: task for task in rows}
        for push in latest_first:
            columns |= put_back(tasks[push.task_id], push.values.get("before", {}))
        for task in tasks.values():
            task.version += 1
            task.updated_at = timezone.now()
            task.fill_derived(task.team)
        Task.objects.bulk_update(tasks.values(), sorted(columns))


def put_back(task: Task, before: Mapping[str, Any]) -> set[str]:
    """Set the columns of a task to these; return which, as far as it has them."""
    names = set(before)
    if task.delivery == Task.Delivery.WITHDRAWN:
        # Taken back meanwhile: that is how the work on it ended.
        names -= {"status", "completed_at"}
    for name in names:
        setattr(task, name, from_json(name, before[name]))
    return names


SHOWN = (
    ("status", "Status"),
    ("starts_at", "Start"),
    ("due_at", "Due"),
    ("due_on", "Due"),
    ("note", "Note"),
    ("priority", "Priority"),
    ("vendor_user_id", "Assignee"),
    ("assignee_id", "Assignee"),
)


def conflict(page: Task, now: Task) -> Conflict:
    """Return the error that shows both versions, for who has to choose."""
    names = {name for name, _ in SHOWN if getattr(page, name) != getattr(now, name)}
    if "vendor_user_id" in names:
        names.discard("assignee_id")  # the same person
    moved = tuple(
        Difference(name, label, getattr(page, name), getattr(now, name))
        for name, label in SHOWN
        if name in names
    )
    parts = [f"{d.label.lower()}: “{d.seen}” here, “{d.now}” now" for d in moved]
    what = "; ".join(parts) or "it was saved by somebody else"
    sentence = (
        f"The task changed since you opened it ({what}). Look again, then choose."
    )
    return Conflict(sentence, moved, now)


def as_json(value: Any) -> Any:
    """Return a value as it is kept in `Push.values`."""
    if isinstance(value, VendorUser):
        return {"vendor_user": value.pk}
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def from_json(name: str, value: Any) -> Any:
    """Return what `as_json` was given for this column or value."""
    if isinstance(value, dict) and "vendor_user" in value:
        return VendorUser.objects.filter(pk=value["vendor_user"]).first()
    if value and name in ("until", "starts_at", "due_at", "completed_at"):
        return datetime.fromisoformat(value)
    if value and name == "due_on":
        return date.fromisoformat(value)
    return value
