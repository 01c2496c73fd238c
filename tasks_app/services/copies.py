"""Second copies: a vendor that worked late made a task that was sent again twice.

Two looks agreed that a task was absent (or a person said so), it was sent once more, and
then the first one appeared after all. Nothing could have prevented that; what can be
done is to look for it for a day, to say so, and to take one back.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task, TaskCopy, TaskEvent, Team
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.findings import CLOCK_SLACK, RemoteTask
from tasks_app.vendors.transport import Transport
from tasks_app.vendors.words import Action, Status

from . import bringing, doorbell, gate
from .delivery import AlreadySettled
from .drafting import drafts_for
from .members import name_of
from .pacing import Saturated
from .talking import converse, only_while_it_stands

log = logging.getLogger(__name__)
State = Push.State
Outcome = TaskCopy.Outcome

#: A late first one is looked for so long after the second was sent.
WATCHED_FOR = timedelta(hours=24)
#: Looks are at least so far apart; each waits as long as has passed already.
SHORTEST = timedelta(seconds=30)
#: Tasks looked for, and copies read, in one reading of the account.
MOST_WATCHED = 50
MOST_READ = 20
#: How a copy is taken back: the first of these that the vendor can do.
WAYS = (Action.CANCEL, Action.SKIP)


MARKER = re.compile(r"bt-[0-9a-z]+")


class NoWay(Exception):
    """This vendor has no call that takes a task back; the message says what to do."""


# -- finding them ----------------------------------------------------------------------


def watching() -> QuerySet[Push]:
    """Return delivered creates of which a first copy may still appear."""
    return Push.objects.filter(
        watch_at__isnull=False, state=State.DELIVERED, kind=Push.Kind.CREATE
    )


def watched(account: ConnectedAccount) -> QuerySet[Push]:
    """Return those of this account with their tasks, the next to look for first."""
    rows = watching().filter(account=account).select_related("task")
    return rows.order_by("watch_at", "pk")


def look(account: ConnectedAccount, *, transport: Transport) -> int:
    """Look for late copies of what was sent twice; return how many were found.

    Done after every reading of an account. A look that fails is made again later.
    """
    stop_if_lost = only_while_it_stands(account)
    notice_gone(account, transport=transport)
    adapter = account.adapter()
    due = list(watched(account).filter(watch_at__lte=timezone.now())[:MOST_WATCHED])
    drafts = drafts_for(due)
    due.sort(key=lambda push: (adapter.find_key(drafts[push.pk]), push.pk))
    found = 0
    for _, group in groupby(due, lambda push: adapter.find_key(drafts[push.pk])):
        if not gate.is_open(account):
            break
        pushes = list(group)
        try:
            seen = converse(
                account,
                adapter.find(
                    [drafts[push.pk] for push in pushes],
                    sent_at=min(p.task.created_at for p in pushes).astimezone(UTC),
                ),
                transport=transport,
                purpose="look",
                push_ids=[push.pk for push in pushes],
                on_request=stop_if_lost,
            )
            found += note(account, pushes, seen.tasks)
        except (VendorError, Saturated) as error:
            log.info("A look for copies at %s failed: %s", account, error)
        look_later(pushes)
    return found


def look_later(pushes: Sequence[Push]) -> None:
    """Set the next look of each, ever later, and none after a day."""
    now = timezone.now()
    for push in pushes:
        waited = now - push.since
        later = None if waited > WATCHED_FOR else now + max(waited, SHORTEST)
        Push.objects.filter(pk=push.pk).update(watch_at=later)


def note_page(account: ConnectedAccount, remotes: Sequence[RemoteTask]) -> int:
    """Flag what a page of a reading shows of late copies; return how many are new."""
    pushes = list(watched(account)[:MOST_WATCHED])
    return note(account, pushes, remotes) if pushes else 0


def note(
    account: ConnectedAccount, pushes: Sequence[Push], remotes: Sequence[RemoteTask]
) -> int:
    """Flag every vendor's task that is a second one of these; return how many are new.

    `pushes` are of this account, delivered and sent more than once.
    """
    if not pushes:
        return 0
    prefetch_related_objects(pushes, "task")
    since = min(push.task.created_at for push in pushes)
    if not (free := unlinked(account, remotes, since)):
        return 0
    adapter = account.adapter()
    drafts = drafts_for(pushes)
    by_marker: dict[str, list[Push]] = defaultdict(list)
    for push in pushes:
        by_marker[drafts[push.pk].marker].append(push)
    new = 0
    for remote in free:
        markers = [m for m in MARKER.findall(remote.text) if m in by_marker]
        for push in [p for m in markers or [""] for p in by_marker.get(m, [])]:
            if remote.predates(push.task.created_at):
                continue
            if not adapter.same_task(drafts[push.pk], remote):
                continue
            if markers or not twin_waits(push):
                new += flag(push, remote)
                break
    return new


def unlinked(
    account: ConnectedAccount, remotes: Sequence[RemoteTask], since: datetime
) -> list[RemoteTask]:
    """Return those that stand at the vendor and that Baton knows nothing of, or has only
    read, `since` then."""
    ids = [remote.external_id for remote in remotes]
    rows = Task.objects.filter(account=account, external_id__in=ids)
    read = rows.only_read().filter(created_at__gte=since - CLOCK_SLACK)
    known = set(
        rows.exclude(pk__in=read.values("pk"))
        .order_by()
        .values_list("external_id", flat=True)
        .union(
            TaskCopy.objects.filter(account=account, external_id__in=ids)
            .order_by()
            .values_list("external_id", flat=True)
        )
    )
    away = (Status.CANCELLED, Status.REMOVED)
    return [r for r in remotes if r.external_id not in known and r.status not in away]


def twin_waits(push: Push) -> bool:
    """Return whether another task for the same person is not settled: it may be that."""
    if push.task.prospect_id is None:
        return False
    others = Push.objects.filter(account_id=push.account_id, kind=Push.Kind.CREATE)
    return (
        others.filter(task__prospect_id=push.task.prospect_id)
        .exclude(pk=push.pk)
        .filter(state__in=[State.SENDING, State.NEEDS_CHECK, State.ACCEPTED])
        .exists()
    )


def flag(push: Push, remote: RemoteTask) -> int:
    """Store that this is a second copy; return 1 if nobody had."""
    vendor = push.account.adapter_class.name
    with transaction.atomic():
        bringing.give_way(push.account, [remote.external_id])
        if is_a_task(push.account_id, remote.external_id):
            return 0  # its own answer came meanwhile
        _, new = TaskCopy.objects.get_or_create(
            account_id=push.account_id,
            external_id=remote.external_id,
            defaults={"task_id": push.task_id, "url": remote.url},
        )
        if new:
            TaskEvent.objects.create(
                task_id=push.task_id,
                source=TaskEvent.Source.SYNC,
                kind=Push.Kind.COPY,
                old=push.task.external_id or push.external_id,
                new=remote.external_id,
                note=f"A second copy appeared at {vendor}, with the id "
                f"{remote.external_id}. {why(push, vendor)}",
            )
    return int(new)


def is_a_task(account_id: int, external_id: str) -> bool:
    """Return whether a task of ours has this id: then it is no copy."""
    same = Task.objects.filter(account_id=account_id, external_id=external_id)
    return same.exists()


def why(push: Push, vendor: str) -> str:
    """Return how there came to be two, as far as it is known."""
    if push.watch_at is None:
        return f"{vendor} made two of one call."
    return "It was sent again after it had not shown there, and both arrived."


# -- settling them ---------------------------------------------------------------------


def unsettled(team: Team) -> QuerySet[TaskCopy]:
    """Return the team's copies that somebody has to settle, the oldest first."""
    return (
        TaskCopy.objects.filter(account__team=team, outcome="")
        .select_related("account", "push", "task", "task__type", "task__prospect")
        .defer("account__credentials", "task__search_text")
        .order_by("found_at", "pk")
    )


def way_back(copy: TaskCopy) -> Action | None:
    """Return how this vendor takes a task back, None where it has no call for it."""
    # Whether there is a call depends on no key.
    offered = copy.account.adapter_class.capabilities
    return next((way for way in WAYS if way in offered), None)


def settle(copy: TaskCopy, choice: str, *, by: User) -> None:
    """Settle a copy by a person's word: `back` takes it back, `leave` leaves both.

    Raise `AlreadySettled` when somebody was faster and `NoWay` when this vendor cannot.
    """
    if choice not in ("back", "leave"):
        raise ValueError(f"Nobody knows the choice {choice!r}.")
    way = way_back(copy)
    vendor = copy.account.adapter_class.name
    if choice == "back" and way is None:
        raise NoWay(
            f"{vendor} has no call that takes a task back. Delete {copy.external_id} "
            "there; Baton notices it."
        )
    with transaction.atomic():
        now = timezone.now()
        free = Q(push=None) | Q(push__state__in=[State.FAILED, State.WITHDRAWN])
        rows = TaskCopy.objects.filter(pk=copy.pk, outcome="")
        # Locks the row, so that two people at once settle it once.
        rows.update(settled_by=by)
        if not rows.filter(free).exists():
            raise AlreadySettled(how_it_stands(copy))
        mistaken = is_a_task(copy.account_id, copy.external_id)
        if mistaken:
            unflag(rows)
        elif choice == "leave":
            rows.update(outcome=Outcome.LEFT, settled_at=now)
            tell(copy, "Both are left there.", by=by)
            return
        else:
            assert way is not None  # noqa: S101 - see above
            push = Push.objects.create(
                account_id=copy.account_id,
                task_id=copy.task_id,
                kind=Push.Kind.COPY,
                lane=Push.Lane.URGENT,
                values={"copy": copy.external_id, "action": way.value},
            )
            rows.update(push=push)
            tell(copy, f"{copy.external_id} is to be taken back.", by=by)
    if mistaken:
        raise AlreadySettled(no_copy(copy.external_id))
    doorbell.ring(copy.account_id)


def unflag(copies: QuerySet[TaskCopy]) -> None:
    """Take back that these are copies: their ids turned out to be tasks of their own."""
    for copy in copies:
        tell(copy, no_copy(copy.external_id))
        copy.delete()


def no_copy(external_id: str) -> str:
    return f"{external_id} is a task of its own and no copy. Nothing is taken back."


def how_it_stands(copy: TaskCopy) -> str:
    copy.refresh_from_db()
    if not copy.outcome:
        return "It is being taken back already."
    who = copy.settled_by
    name = name_of(who) if who else "Baton"
    return f"Already settled by {name}: {copy.get_outcome_display().lower()}."


def tell(copy: TaskCopy, sentence: str, *, by: User | None = None) -> None:
    source = TaskEvent.Source.PERSON if by else TaskEvent.Source.SYNC
    TaskEvent.objects.create(
        task_id=copy.task_id,
        source=source,
        actor=by,
        kind=Push.Kind.COPY,
        note=sentence,
    )


def taken_back(push: Push) -> None:
    """Close what this push was about: the vendor did it."""
    TaskCopy.objects.filter(push=push, outcome="").update(
        outcome=Outcome.TAKEN_BACK, settled_at=timezone.now()
    )


def notice_gone(account: ConnectedAccount, *, transport: Transport) -> None:
    """Close copies that somebody has removed at the vendor."""
    adapter = account.adapter()
    stop_if_lost = only_while_it_stands(account)
    # In any order: one that cannot be read does not keep the others from it.
    rows = TaskCopy.objects.filter(account=account, outcome="").order_by("?")
    for copy in rows.select_related("push")[:MOST_READ]:
        if copy.is_leaving:
            continue
        try:
            remote = converse(
                account,
                adapter.read_task(copy.external_id),
                transport=transport,
                purpose="look",
                on_request=stop_if_lost,
            )
        except (VendorError, Saturated) as error:
            log.info("A copy at %s could not be read: %s", account, error)
            return
        away = (Status.CANCELLED, Status.REMOVED)
        if remote is not None and remote.status not in away:
            continue
        if TaskCopy.objects.filter(pk=copy.pk, outcome="").update(
            outcome=Outcome.GONE, settled_at=timezone.now(), settled_by=None
        ):
            tell(copy, f"{copy.external_id} is gone there.")
