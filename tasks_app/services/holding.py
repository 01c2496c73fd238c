"""Who has a task in Baton, where its vendor keeps nobody for it.

Saleshandy decides by itself who gets a task: it has no field for that and no call. Whom
a lead chose is Baton's alone then, decides what a rep sees, and changes here at once.
A vendor that has the field, but no call that changes it, is another matter: Baton would
say something else than the vendor does, so there it stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tasks_app.models import Task, TaskEvent, Team
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.words import Action

from .members import members_of, name_of

#: A history line of these holds the numbers of users, '' for nobody.
KIND = "holder"


def only_here(adapter: VendorAdapter, type_code: str) -> bool:
    """Return whether this vendor has nothing that says who has such a task."""
    if adapter.can(Action.REASSIGN, type_code):
        return False
    return "assignee" not in {field.name for field in adapter.fields(type_code)}


def where(adapter: VendorAdapter) -> str:
    """Return where another holder will show, as a sentence."""
    return f"Only in Baton: {adapter.name} has no field for who has a task."


def why_not(task: Task, adapter: VendorAdapter) -> str:
    """Return why this task cannot get another holder here, '' when it can."""
    if task.delivery == Task.Delivery.WITHDRAWN:
        return "It was taken back."
    if task.status == Task.Status.REMOVED:
        return f"It was removed in {adapter.name}."
    if task.status not in Task.UNFINISHED:
        return f"It is {task.get_status_display().lower()} already."
    return ""


def hand_over(
    tasks: Sequence[Task],
    to: User | None,
    *,
    adapters: Mapping[int, VendorAdapter],
    by: User,
) -> tuple[list[TaskEvent], dict[str, list[int]]]:
    """Give these locked tasks to somebody; return the events, and left out by reason.

    `adapters` by account id.
    """
    now = timezone.now()
    events, changed = [], []
    skipped: dict[str, list[int]] = defaultdict(list)
    number = to.pk if to else None
    for task in tasks:
        reason = why_not(task, adapters[task.account_id])
        if not reason and task.assignee_id == number:
            reason = f"{name_of(to)} has it already." if to else "Nobody has it."
        if reason:
            skipped[reason].append(task.pk)
            continue
        events.append(
            TaskEvent.of_person(task, KIND, task.assignee_id, number, by=by, at=now)
        )
        task.assignee, task.updated_at = to, now
        task.version += 1
        changed.append(task)
    Task.objects.bulk_update(changed, ["assignee", "version", "updated_at"])
    TaskEvent.objects.bulk_create(events)
    return events, skipped


def give_back(former: Mapping[int, str], to: str, *, by: User, team: Team) -> int:
    """Give tasks back to whom they were with (user numbers, '' for nobody).

    Only those that are still with `to`. Return how many went back.
    """
    done = 0
    people = those_in_team(team, [*former.values()])
    with transaction.atomic():
        tasks = list(
            Task.objects.filter(
                pk__in=former, team=team, assignee=int(to) if to else None
            )
            .select_related("account__team", "type")
            .select_for_update(of=("self",))
            .order_by("pk")
        )
        adapters = {task.account_id: task.account.adapter() for task in tasks}
        for old in sorted(set(former.values())):
            if old and int(old) not in people:
                continue  # has left the team since
            back = [task for task in tasks if former[task.pk] == old]
            person = people[int(old)] if old else None
            events, _ = hand_over(back, person, adapters=adapters, by=by)
            done += len(events)
    return done


def those_in_team(team: Team, numbers: Sequence[str | int]) -> dict[int, User]:
    """Return those of these users who work in this team now."""
    ids = {int(number) for number in numbers if number}
    return members_of(team).in_bulk(ids)


def names_of(numbers: Sequence[str], team: Team) -> dict[str, str]:
    """Return the names of people of a history, '' for nobody, by their numbers."""
    ids = {int(number) for number in numbers if number}
    found = User.objects.filter(memberships__team=team).in_bulk(ids) if ids else {}
    names = {str(pk): name_of(user) for pk, user in found.items()}
    return {n: names.get(n, "somebody who left") if n else "" for n in numbers}
