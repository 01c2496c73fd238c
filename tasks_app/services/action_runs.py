"""Runs: one action for many tasks, worked off in portions that survive a kill.

A portion's pushes and the run's progress are one transaction. Who holds the lease
works; when it is over, the next one goes on where the last commit was. A portion that
fails is tried again a few times, the last time task by task; then the run stops and a
person decides.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from tasks_app.models import ActionRun, Membership, Push, Task, TaskEvent, Team
from tasks_app.vendors.words import Action

from . import actions, holding, many
from .many import PRIORITY, RETRY, Asked, Wanted, ask_many

log = logging.getLogger(__name__)

PORTION = 100
#: Up to so many are asked for while the person waits; more run in the background.
AT_ONCE = 100
#: More than anybody looks over; a narrower filter does the rest.
MOST = 20_000
LEASE = timedelta(seconds=60)
#: A portion is begun at most so often, with ever longer pauses between.
MOST_TRIES = 5
PAUSE = timedelta(seconds=5)
#: Tasks kept for each reason, for the page to link to.
NAMED = 50
#: Why a task is left out at which Baton itself failed.
BROKE = "Baton failed at this one; its log says why. Try it from the task itself."


#: A run that is through is listed for so long.
RECENT = timedelta(hours=24)
MOST_LISTED = 20
#: So many reasons of refusals are told.
REASONS = 5


class NotOurs(Exception):
    """Somebody else works on this run; nothing of this portion was kept."""


def begin(
    task_ids: Sequence[int],
    action: str,
    wanted: Wanted,
    *,
    by: User,
    team: Team,
    form_token: uuid.UUID,
) -> ActionRun:
    """Return the run of this form, made now unless it was sent before.

    A small one is through when this returns.
    """
    ids = list(dict.fromkeys(task_ids))
    taken = ActionRun.objects.filter(form_token=form_token).exclude(team=team, by=by)
    if taken.exists():
        form_token = uuid.uuid4()
    run, made = ActionRun.objects.get_or_create(
        form_token=form_token,
        team=team,
        by=by,
        defaults={
            "action": action,
            "values": wanted.as_json(),
            "task_ids": ids,
            "total": len(ids),
        },
    )
    if made and len(ids) <= AT_ONCE:
        work(run.pk)
        run.refresh_from_db()
    return run


def due(now: datetime) -> list[int]:
    """Return ids of runs that wait for somebody to work on them, oldest first."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    runs = unfinished().filter(free).order_by("pk")
    return list(runs.values_list("pk", flat=True)[:20])


def unfinished() -> QuerySet[ActionRun]:
    """Return runs that somebody may work on: neither through nor stopped."""
    return ActionRun.objects.filter(ended_at=None, stopped_at=None)


def work(run_id: int, *, until: datetime | None = None) -> bool:
    """Work on a run until it is through or `until`; return whether any is left.

    False also when somebody else is at it, and when it has to wait or has stopped.
    """
    attempt = uuid.uuid4()
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    mine = unfinished().filter(free, pk=run_id)
    # Counted before the work: a try that a crash ends counts, too.
    if not mine.update(
        attempt_id=attempt, lease_until=now + LEASE, tries=F("tries") + 1
    ):
        return False
    if stop(run_id, attempt, "Each time the worker was gone before it was done."):
        return False
    try:
        while portion(run_id, attempt):
            if until is not None and timezone.now() >= until:
                give_back(run_id, attempt)
                return True
    except NotOurs:
        pass
    except Exception:
        log.exception("A portion of run %s failed.", run_id)
        rest(run_id, attempt)
    return False


def give_back(run_id: int, attempt: uuid.UUID) -> None:
    ActionRun.objects.filter(pk=run_id, attempt_id=attempt).update(
        lease_until=None, tries=0
    )


def rest(run_id: int, attempt: uuid.UUID) -> None:
    """Let a portion that failed wait for its next try; stop after the last one."""
    why = "Each time Baton met an error that its log names."
    if stop(run_id, attempt, why, tries=MOST_TRIES):
        return
    mine = ActionRun.objects.filter(pk=run_id, attempt_id=attempt)
    tries = mine.values_list("tries", flat=True).first() or 1
    mine.update(lease_until=timezone.now() + tries * PAUSE)


def stop(
    run_id: int, attempt: uuid.UUID, why: str, *, tries: int = MOST_TRIES + 1
) -> bool:
    """Stop a run of ours that was tried so often; return whether it has stopped."""
    spent = ActionRun.objects.filter(
        pk=run_id, attempt_id=attempt, tries__gte=tries, ended_at=None
    )
    return bool(
        spent.update(
            stopped_at=timezone.now(),
            stopped_why=f"{MOST_TRIES} tries did not get on. {why}",
            lease_until=None,
            attempt_id=None,
            tries=0,
        )
    )


def go_on(run: ActionRun) -> bool:
    """Let a stopped run go on where it was; return whether it stood still."""
    stopped = ActionRun.objects.filter(pk=run.pk, ended_at=None)
    return bool(
        stopped.exclude(stopped_at=None).update(
            stopped_at=None, stopped_why="", lease_until=None, tries=0
        )
    )


def portion(run_id: int, attempt: uuid.UUID) -> bool:
    """Ask for the next portion; return whether there are more. Raise `NotOurs`."""
    with transaction.atomic():
        run = (
            ActionRun.objects.select_for_update(of=("self",))
            .select_related("team", "by")
            .get(pk=run_id)
        )
        if run.attempt_id != attempt or run.ended_at is not None:
            raise NotOurs
        ids = run.task_ids[run.position : run.position + PORTION]
        last = run.tries >= MOST_TRIES
        asked = ask_one_by_one(run, ids) if last else ask_portion(run, ids)
        end = run.position + len(ids)
        over = end >= run.total
        kept = ActionRun.objects.filter(
            pk=run_id, attempt_id=attempt, position=run.position, ended_at=None
        ).update(
            position=end,
            done=run.done + len(asked.done),
            skipped=merged(run.skipped, asked.skipped),
            lease_until=None if over else timezone.now() + LEASE,
            tries=0 if over else 1,
            ended_at=timezone.now() if over else None,
        )
        if not kept:
            raise NotOurs
    return not over


def ask_portion(run: ActionRun, ids: Sequence[int]) -> Asked:
    if run.by is None:
        result = Asked()
        result.skipped["The person who asked for this has left."] += ids
        return result
    return ask_many(
        ids,
        run.action,
        Wanted(**run.values),
        by=run.by,
        team=run.team,
        # Many do not go before what one person waits for.
        lane=Push.Lane.URGENT if run.total <= AT_ONCE else Push.Lane.NORMAL,
        run_id=run.pk,
    )


def ask_one_by_one(run: ActionRun, ids: Sequence[int]) -> Asked:
    """Ask for each task alone, leaving out those at which Baton itself fails.

    Raise what was raised where that is none of theirs: the database, or all of them.
    """
    result, error = Asked(), None
    for pk in ids:
        try:
            with transaction.atomic():
                one = ask_portion(run, [pk])
        except (OperationalError, InterfaceError):
            raise
        except Exception as raised:
            log.exception("Run %s failed at task %s.", run.pk, pk)
            result.skipped[BROKE].append(pk)
            error = raised
            continue
        result.done += one.done
        for reason, skipped in one.skipped.items():
            result.skipped[reason] += skipped
    if error is not None and len(result.skipped[BROKE]) == len(ids) > 1:
        raise error
    return result


def merged(old: dict[str, Any], new: dict[str, list[int]]) -> dict[str, Any]:
    """Return the reasons with their counts and the first tasks of each."""
    result = {reason: dict(part) for reason, part in old.items()}
    for reason, ids in new.items():
        part = result.setdefault(reason, {"count": 0, "tasks": []})
        part["count"] += len(ids)
        part["tasks"] = [*part["tasks"], *ids][:NAMED]
    return result


# -- what a page shows of them ---------------------------------------------------------


def runs_of(member: Membership) -> QuerySet[ActionRun]:
    """Return the team's runs that this member may see: a lead all, a rep their own."""
    runs = ActionRun.objects.filter(team_id=member.team_id).select_related("by")
    return runs if member.is_lead else runs.filter(by_id=member.user_id)


def open_runs(member: Membership) -> list[ActionRun]:
    """Return runs that go on or have stopped, the newest first, by one query."""
    runs = runs_of(member).filter(ended_at=None)
    return list(without_lists(runs)[:MOST_LISTED])


def listed_runs(member: Membership) -> list[ActionRun]:
    """Return open runs and background ones that were through lately, by one query."""
    lately = Q(ended_at__gte=timezone.now() - RECENT, total__gt=AT_ONCE)
    runs = runs_of(member).filter(Q(ended_at=None) | lately)
    return list(without_lists(runs)[:MOST_LISTED])


def without_lists(runs: QuerySet[ActionRun]) -> QuerySet[ActionRun]:
    return runs.defer("task_ids", "skipped", "values").order_by("-pk")


@dataclass(frozen=True)
class Outcomes:
    """What has become of what a run asked for, in tasks.

    `done` is done at the vendor, or here where nothing had to be sent; `unclear` may
    be done.
    """

    done: int = 0
    on_way: int = 0
    unclear: int = 0
    refused: int = 0
    undone: int = 0

    @property
    def is_moving(self) -> bool:
        return self.on_way > 0


def sent_again(run: ActionRun) -> QuerySet[Task]:
    """Return the tasks that this run put back into the queue."""
    again = TaskEvent.objects.filter(
        task_id__in=run.task_ids[: run.position],
        kind="delivery",
        new=Push.State.QUEUED,
        actor=run.by,
        at__gte=run.created_at,
        at__lte=run.ended_at or timezone.now(),
    )
    return Task.objects.filter(pk__in=again.values("task_id"))


def outcomes(run: ActionRun) -> Outcomes:
    """Return what has become of what this run asked for so far, by two queries at most."""
    if run.action == PRIORITY:
        return Outcomes(done=run.done)
    ids = run.task_ids[: run.position]
    if run.action == RETRY:
        states = (
            sent_again(run).order_by().values_list("delivery").annotate(n=Count("pk"))
        )
        return counted(dict(states))
    pushes = Push.objects.filter(task_id__in=ids, values__run=run.pk).order_by()
    found = dict(pushes.values_list("state").annotate(n=Count("pk")))
    # What was taken back before it was sent, or changed hands here, has no push.
    here = run.action == Action.CANCEL or changes_hands_here(run)
    unsent = run.done - sum(found.values()) if here else 0
    back = given_back(run) if changes_hands_here(run) else 0
    return counted(found, at_once=unsent - back, back=back)


def changes_hands_here(run: ActionRun) -> bool:
    """Return whether this run hands tasks over in Baton alone."""
    return run.action == Action.REASSIGN and bool(run.values.get("member"))


def given_back(run: ActionRun) -> int:
    """Return how many tasks that this run handed over here went back since."""
    to = str(run.values["member"])
    holders = TaskEvent.objects.filter(kind=holding.KIND)
    handed = holders.filter(
        task_id__in=run.task_ids[: run.position],
        new=to,
        actor=run.by,
        at__gte=run.created_at,
        at__lte=run.ended_at or timezone.now(),
    )
    back = holders.filter(
        task=OuterRef("task"), old=to, new=OuterRef("old"), pk__gt=OuterRef("pk")
    )
    return handed.filter(Exists(back)).count()


def counted(states: dict[str, int], *, at_once: int = 0, back: int = 0) -> Outcomes:
    state = Push.State
    on_way = (state.QUEUED, state.CLAIMED, state.SENDING, state.ACCEPTED)
    return Outcomes(
        done=states.get(state.DELIVERED, 0) + max(at_once, 0),
        on_way=sum(states.get(word, 0) for word in on_way),
        unclear=states.get(state.NEEDS_CHECK, 0),
        refused=states.get(state.FAILED, 0),
        undone=states.get(state.WITHDRAWN, 0) + back,
    )


def refusals(run: ActionRun) -> list[tuple[str, int]]:
    """Return why vendors refused what was asked for, the most frequent first."""
    failed = Push.objects.filter(
        task_id__in=run.task_ids, values__run=run.pk, state=Push.State.FAILED
    )
    rows = failed.order_by().values_list("error").annotate(n=Count("pk"))
    return list(rows.order_by("-n", "error")[:REASONS])


def refused(run: ActionRun) -> QuerySet[Task]:
    """Return the tasks of which a vendor refused what this run asked for."""
    ids = run.task_ids[: run.position]
    if run.action == RETRY:
        return sent_again(run).filter(delivery=Task.Delivery.FAILED)
    failed = Push.objects.filter(
        task_id__in=ids, values__run=run.pk, state=Push.State.FAILED
    )
    return Task.objects.filter(pk__in=failed.values("task_id"))


def undoable(run: ActionRun) -> int:
    """Return how many of this run's actions have not left yet."""
    if run.total > AT_ONCE:
        return 0
    if run.action == PRIORITY:
        return len(former_priorities(run))
    return waiting(run).count() + len(former_holders(run))


def former_priorities(run: ActionRun) -> dict[int, int]:
    """Return the priorities before this run, by task, where nobody changed them since."""
    return {
        task_id: int(old) for task_id, old in former_values(run, "priority").items()
    }


def former_holders(run: ActionRun) -> dict[int, str]:
    """Return who had what this run handed over in Baton alone, by task."""
    if not changes_hands_here(run):
        return {}
    return former_values(run, holding.KIND)


def former_values(run: ActionRun, kind: str) -> dict[int, str]:
    """Return what stood before this run, by task, where nobody changed it since."""
    last: dict[int, TaskEvent] = {}
    events = TaskEvent.objects.filter(
        task_id__in=run.task_ids, kind=kind, at__gte=run.created_at
    )
    for event in events.order_by("at", "pk"):
        last[event.task_id] = event
    ended = run.ended_at or timezone.now()
    return {
        task_id: event.old
        for task_id, event in last.items()
        if event.at <= ended and event.actor_id == run.by_id
    }


def waiting(run: ActionRun) -> QuerySet[Push]:
    return Push.objects.filter(
        task_id__in=run.task_ids, state=Push.State.QUEUED, values__run=run.pk
    )


def undo(run: ActionRun, *, by: User) -> int:
    """Take back what has not left yet; return how many."""
    if run.action == PRIORITY:
        former = former_priorities(run)
        return many.undo_priority(former, run.values, by=by, team=run.team)
    back = 0
    if holders := former_holders(run):
        to = str(run.values["member"])
        back = holding.give_back(holders, to, by=by, team=run.team)
    return back + sum(actions.undo(p, by=by) for p in waiting(run).order_by("pk"))
