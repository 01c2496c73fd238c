"""Working through a list: which tasks, where somebody is, what became of each.

A work keeps its order. What was finished elsewhere is passed by, what is left for later
stays, and how an action ended is asked of the push that carries it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tasks_app.models import Push, Task, Team, Work
from tasks_app.models.tasks import TaskQuerySet

State = Push.State

#: Tasks in one portion, and in all portions together.
PORTION = 500
MOST = 10_000
#: A work that nobody looked at for so long is forgotten, and so are all but the newest.
KEPT_FOR = timedelta(days=30)
KEPT_EACH = 20
#: So long the list of tasks offers to go on with it.
OFFERED_FOR = timedelta(days=7)
FORGOTTEN_AT_ONCE = 1000

#: Beside actions: what is done about a task's way to its vendor.
RETRY, MEND, WITHDRAW, SETTLE = "retry", "mend", "withdraw", "settle"


@dataclass
class Sum:
    """How many of one kind are through, on their way, and refused."""

    done: int = 0
    on_way: int = 0
    refused: int = 0


def workable(tasks: TaskQuerySet) -> TaskQuerySet:
    """Return those that something can be done with: open, and not taken back."""
    return tasks.unfinished().exclude(delivery=Task.Delivery.WITHDRAWN)


def works_of(user: User, team: Team) -> QuerySet[Work]:
    return Work.objects.filter(owner=user, team=team)


def begin(
    user: User,
    team: Team,
    ids: Sequence[int],
    *,
    query: str = "",
    picked: bool = False,
    most: int = MOST,
) -> Work:
    """Begin with these tasks; one beyond `most` only says that there are more.

    Who starts the same list twice and has done nothing yet goes on with the first.
    """
    ids, beyond = list(ids[:most]), len(ids) > most
    first, rest = ids[:PORTION], ids[PORTION:]
    mine = works_of(user, team)
    same = mine.filter(query=query, picked=picked).first()
    untouched = same is not None and not (same.did or same.gone)
    if same is not None and untouched and [*same.task_ids, *same.rest] == ids:
        return same
    old = mine.values_list("pk", flat=True)[KEPT_EACH - 1 :]
    Work.objects.filter(pk__in=list(old)).delete()
    return Work.objects.create(
        team=team,
        owner=user,
        query=query,
        picked=picked,
        task_ids=first,
        rest=rest,
        total=len(ids),
        beyond=beyond,
        left=len(ids),
    )


def latest(user: User, team: Team) -> Work | None:
    """Return what this person can go on with, None for nothing."""
    since = timezone.now() - OFFERED_FOR
    mine = works_of(user, team).filter(touched_at__gte=since, left__gt=0)
    return mine.only("pk", "left", "touched_at").first()


def change(work_id: int, how: Callable[[Work], None]) -> Work | None:
    """Change a work that another page may change too; return it, None if it is gone."""
    with transaction.atomic():
        work = Work.objects.select_for_update().filter(pk=work_id).first()
        if work is None:
            return None
        how(work)
        work.left = len(work.left_ids) + len(work.rest)
        work.touched_at = timezone.now()
        work.save()
    return work


def note(
    user: User, team: Team, work_id: int, task_id: int, word: str, push_id: int | None
) -> None:
    """Remember what became of a task that this person works through."""
    if not works_of(user, team).filter(pk=work_id).exists():
        return

    def remember(work: Work) -> None:
        if task_id in work.places:
            work.did[str(task_id)] = [word, push_id]
            work.refused = [pk for pk in work.refused if pk != task_id]

    change(work_id, remember)


def forget(user: User, team: Team, work_id: int, task_id: int) -> None:
    """Leave a task to be done again that this person had done and has undone."""
    if works_of(user, team).filter(pk=work_id).exists():
        change(work_id, lambda work: work.did.pop(str(task_id), None))


def look(work: Work, tasks: TaskQuerySet) -> Work:
    """Bring a work up to date with what happened elsewhere; `tasks` are those seen.

    What was undone is left again. What is gone, and what a vendor refused, is kept to
    be told.
    """
    left = work.left_ids
    there = set(workable(tasks).filter(pk__in=left).values_list("pk", flat=True))
    gone = [pk for pk in left if pk not in there]
    ended = dict(
        Push.objects.filter(
            pk__in=work.push_ids, state__in=[State.FAILED, State.WITHDRAWN]
        ).values_list("pk", "state")
    )
    undone = [p for p, state in ended.items() if state == State.WITHDRAWN]
    refused = [
        int(pk)
        for pk, (_, push) in work.did.items()
        if ended.get(push) == State.FAILED and int(pk) not in work.refused
    ]
    if not (gone or undone or refused):
        return work

    def bring_up(fresh: Work) -> None:
        fresh.did = {
            pk: [word, push]
            for pk, (word, push) in fresh.did.items()
            if push not in undone
        }
        new = [pk for pk in gone if pk not in fresh.gone and str(pk) not in fresh.did]
        late = [pk for pk in refused if pk not in fresh.refused]
        fresh.gone += new
        fresh.refused += late
        fresh.untold += new + late

    return change(work.pk, bring_up) or work


def stand_at(work: Work, task_id: int) -> None:
    """Remember the place, and take what was to be told for told."""
    if work.place != task_id:
        now = timezone.now()
        Work.objects.filter(pk=work.pk).update(place=task_id, touched_at=now)
    told(work)


def told(work: Work) -> None:
    """Take what this page told for told; what another one found meanwhile waits."""
    if not work.untold:
        return
    shown = set(work.untold)

    def tell(fresh: Work) -> None:
        fresh.untold = [pk for pk in fresh.untold if pk not in shown]

    change(work.pk, tell)


def take_more(work: Work, tasks: TaskQuerySet, *, shown: int) -> int | None:
    """Take in the next portion of what can still be done; return its first task.

    `shown` is how many there were on the page: a second press takes no second portion.
    """
    if len(work.task_ids) != shown:
        return work.to_go_on_with()
    there = set(workable(tasks).filter(pk__in=work.rest).values_list("pk", flat=True))
    portion = [pk for pk in work.rest if pk in there][:PORTION]
    first = next(iter(portion), None)
    end = work.rest.index(portion[-1]) + 1 if portion else len(work.rest)
    passed = set(work.rest[:end])

    def take(fresh: Work) -> None:
        if len(fresh.task_ids) != shown:
            return
        waiting = set(fresh.rest)
        fresh.task_ids += [pk for pk in portion if pk in waiting]
        fresh.rest = [pk for pk in fresh.rest if pk not in passed]

    change(work.pk, take)
    return first


def sums(work: Work) -> dict[str, Sum]:
    """Return by word what became of all that was asked for, as the pushes stand now."""
    states = dict(Push.objects.filter(pk__in=work.push_ids).values_list("pk", "state"))
    found: dict[str, Sum] = {}
    counts = Counter(
        (word, states.get(push, State.DELIVERED)) for word, push in work.did.values()
    )
    for (word, state), number in counts.items():
        part = found.setdefault(word, Sum())
        if state == State.DELIVERED:
            part.done += number
        elif state == State.FAILED:
            part.refused += number
        else:
            part.on_way += number
    return found


def forget_old() -> int:
    """Delete works that nobody looked at for `KEPT_FOR`, one page of them."""
    oldest = timezone.now() - KEPT_FOR
    old = Work.objects.filter(touched_at__lt=oldest).order_by("touched_at")
    ids = list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    return Work.objects.filter(pk__in=ids).delete()[0] if ids else 0
