"""The same action for many tasks: what would happen, and asking for it in portions.

A portion takes a fixed number of queries, however many tasks it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count

from tasks_app.models import (
    ConnectedAccount,
    Push,
    Task,
    TaskEvent,
    TaskType,
    Team,
    VendorUser,
)
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.words import Action

from . import actions, delivery, doorbell, holding, prioritising

#: Sends failed creates again: no action at the vendor, but asked for like one.
RETRY = "retry"
#: Changes the priority, in Baton and in what is still to be sent.
PRIORITY = "priority"
#: A choice that leaves these tasks as they are.
LEAVE = "leave"
#: Stands for a person where an account's tasks are left as they are.
NOBODY = 0
#: Here the vendor's call moves the start alone.
MOVES_START_ALONE = frozenset({"leadsquared"})
SCHEDULE = ("starts_at", "due_at", "due_on")


@dataclass(frozen=True)
class Wanted:
    """What was chosen for all: the parts that an action needs, the others empty.

    `outcomes` by vendor and `assignees` (VendorUser ids) by account id, both as text
    keys; `until` and `day`/`at` as ISO texts, so that a run can keep all of it.
    `priority` is the name of a `Task.Priority`, `person` what the one who was chosen
    for all accounts is called, `member` the number of the user who gets those whose
    vendor keeps nobody for them.
    """

    outcomes: Mapping[str, str] = field(default_factory=dict)
    assignees: Mapping[str, int] = field(default_factory=dict)
    until: str = ""
    day: str = ""
    at: str = ""
    reason: str = ""
    priority: str = ""
    person: str = ""
    member: int = 0

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value}


@dataclass
class Plan:
    """What asking would do: how many can be, why others cannot, who is concerned."""

    able: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    accounts: dict[ConnectedAccount, int] = field(default_factory=dict)
    #: Vendor → its outcomes, for as many tasks.
    outcomes: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    outcome_counts: dict[str, int] = field(default_factory=dict)
    #: What becomes of it where that is not what one would expect, for how many.
    told: dict[str, int] = field(default_factory=dict)
    #: Of `accounts`, those whose vendor keeps nobody: they change hands here alone.
    here: dict[ConnectedAccount, int] = field(default_factory=dict)
    #: Never arrived: taking these back is done at once.
    unsent: int = 0

    @property
    def total(self) -> int:
        return self.able + sum(self.skipped.values())


def plan(tasks: TaskQuerySet, action: str) -> Plan:
    """Return what asking for this would do, by three queries for any number."""
    rows = list(
        tasks.order_by()
        .values("account_id", "type_id", "delivery", "status")
        .annotate(number=Count("pk"))
    )
    accounts = ConnectedAccount.objects.select_related("team").in_bulk(
        {row["account_id"] for row in rows}
    )
    types = TaskType.objects.in_bulk({row["type_id"] for row in rows})
    adapters = {pk: account.adapter() for pk, account in accounts.items()}
    result = Plan()
    skipped: dict[str, int] = defaultdict(int)
    for row in rows:
        account, number = accounts[row["account_id"]], row["number"]
        adapter = adapters[account.pk]
        like = Task(
            account=account,
            type=types[row["type_id"]],
            delivery=row["delivery"],
            status=row["status"],
        )
        if reason := why_not(like, action, adapter):
            skipped[reason] += number
            continue
        result.able += number
        if action == Action.CANCEL and actions.takes_back_at_once(like):
            result.unsent += number
        if action == PRIORITY:
            said = prioritising.where(like, adapter)
            result.told[said] = result.told.get(said, 0) + number
        here = holding.only_here(adapter, like.type.code)
        if action == Action.REASSIGN and here:
            said = holding.where(adapter)
            result.told[said] = result.told.get(said, 0) + number
            result.here[account] = result.here.get(account, 0) + number
        result.accounts[account] = result.accounts.get(account, 0) + number
        outcomes = actions.outcomes_for(like, adapter) if action == "complete" else ()
        if outcomes:
            vendor = account.vendor
            result.outcomes[vendor] = outcomes
            counts = result.outcome_counts
            counts[vendor] = counts.get(vendor, 0) + number
    result.skipped = dict(sorted(skipped.items(), key=lambda item: -item[1]))
    return result


def why_not(task: Task, action: str, adapter: VendorAdapter) -> str:
    """Return why this cannot be asked for, '' when it can."""
    if action == PRIORITY:
        return prioritising.why_not(task, adapter)
    if action != RETRY:
        return actions.why_not(task, Action(action), adapter)
    if task.delivery == Task.Delivery.FAILED:
        return ""
    return "It did not fail: there is nothing to send again."


@dataclass
class Asked:
    """What became of a portion: pushes on their way, and who was left out and why."""

    done: list[int] = field(default_factory=list)
    skipped: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def ask_many(
    task_ids: Sequence[int],
    action: str,
    wanted: Wanted,
    *,
    by: User,
    team: Team,
    undo: timedelta = actions.UNDO,
    lane: int = Push.Lane.URGENT,
    run_id: int | None = None,
) -> Asked:
    """Ask for the same on these tasks, as far as `by` may see them, in one transaction.

    `done` are ids of tasks. It writes only the columns that the action names.
    """
    result = Asked()
    with transaction.atomic():
        creates = {}
        if action == PRIORITY or action in actions.CHANGING:
            creates = actions.locked_creates(task_ids, team)
        tasks = list(
            Task.objects.visible_to(by, team)
            .filter(pk__in=task_ids)
            .select_related("account__team", "type", "prospect")
            .select_for_update(of=("self",))
            .order_by("pk")
        )
        gone = set(task_ids) - {task.pk for task in tasks}
        if gone:
            result.skipped["It is not in your list any more."] += sorted(gone)
        if action == RETRY:
            retry(tasks, result, by=by)
        elif action == PRIORITY:
            prioritise(tasks, result, wanted, creates, by=by)
        else:
            portion = Portion(Action(action), wanted, by, team, undo, lane, run_id)
            portion.creates = creates
            portion.ask(tasks, result)
        for account_id in {task.account_id for task in tasks}:
            doorbell.ring(account_id)
    return result


def retry(tasks: Sequence[Task], result: Asked, *, by: User) -> None:
    """Put the failed ones back into the queue."""
    able = []
    for task in tasks:
        if task.delivery == Task.Delivery.FAILED:
            able.append(task.pk)
        else:
            sentence = "It did not fail: there is nothing to send again."
            result.skipped[sentence].append(task.pk)
    delivery.retry_failed(Task.objects.filter(pk__in=able), by=by)
    result.done += able


def prioritise(
    tasks: Sequence[Task],
    result: Asked,
    wanted: Wanted,
    creates: Mapping[int, str],
    *,
    by: User,
) -> None:
    accounts = {task.account_id: task.account for task in tasks}
    done, skipped = prioritising.prioritise(
        tasks,
        Task.Priority[wanted.priority.upper()],
        creates=creates,
        adapters={pk: account.adapter() for pk, account in accounts.items()},
        by=by,
    )
    result.done += done
    for reason, ids in skipped.items():
        result.skipped[reason] += ids


def undo_priority(
    former: Mapping[int, int], values: Mapping[str, Any], *, by: User, team: Team
) -> int:
    """Give tasks their former priorities back; return how many got theirs.

    Only those that still have the one of `values`, and are not on their way with it.
    """
    given = Task.Priority[str(values["priority"]).upper()]
    done = 0
    with transaction.atomic():
        creates = actions.locked_creates(former, team)
        tasks = list(
            Task.objects.visible_to(by, team)
            .filter(pk__in=former, priority=given)
            .select_related("account__team", "type")
            .select_for_update(of=("self",))
            .order_by("pk")
        )
        for old in sorted(set(former.values())):
            back = [task for task in tasks if former[task.pk] == old]
            result, wanted = Asked(), Wanted(priority=Task.Priority(old).name)
            prioritise(back, result, wanted, creates, by=by)
            done += len(result.done)
    return done


class Portion:
    """Asking for one action on some locked tasks."""

    def __init__(
        self,
        action: Action,
        wanted: Wanted,
        by: User,
        team: Team,
        undo: timedelta,
        lane: int,
        run_id: int | None,
    ) -> None:
        self.action, self.wanted, self.by, self.team = action, wanted, by, team
        self.undo, self.lane, self.run_id = undo, lane, run_id
        people = VendorUser.objects.filter(account__team=team, active=True)
        self.people = people.in_bulk(wanted.assignees.values())
        self.adapters: dict[int, VendorAdapter] = {}
        #: States of the tasks' locked creates, where the action changes what they send.
        self.creates: Mapping[int, str] = {}

    def ask(self, tasks: Sequence[Task], result: Asked) -> None:
        pushes, events, changed, unsent, here = [], [], [], [], []
        columns: set[str] = set()
        for task in tasks:
            adapter = self.adapter_of(task)
            if self.action == Action.REASSIGN and holding.only_here(
                adapter, task.type.code
            ):
                here.append(task)
                continue
            try:
                values = self.values_for(task, adapter)
                actions.check(task, self.action, values, adapter)
                if self.creates.get(task.pk) in actions.ON_ITS_WAY:
                    raise actions.NotOffered(actions.on_its_way(adapter))
            except actions.NotOffered as error:
                result.skipped[str(error)].append(task.pk)
                continue
            if self.action == Action.CANCEL and actions.takes_back_at_once(task):
                unsent.append(task.pk)
                continue
            push, wished = actions.wish_of(task, self.action, values, undo=self.undo)
            push.lane = self.lane
            if self.run_id is not None:
                push.values["run"] = self.run_id
            actions.show_wish(task, self.action, wished, self.team)
            events.append(actions.asked(task, self.action, values, by=self.by))
            pushes.append(push)
            changed.append(task)
            columns |= set(wished)
        Push.objects.bulk_create(pushes)
        TaskEvent.objects.bulk_create(events)
        if changed:
            ours = {"action", "action_state", "action_error", "version", "updated_at"}
            derived = {"due_sort", "search_text"} if columns & TOUCHING else set()
            Task.objects.bulk_update(changed, sorted(columns | ours | derived))
        result.done += [task.pk for task in changed]
        self.withdraw(unsent, result)
        self.hand_over(here, result)

    def adapter_of(self, task: Task) -> VendorAdapter:
        if task.account_id not in self.adapters:
            self.adapters[task.account_id] = task.account.adapter()
        return self.adapters[task.account_id]

    def hand_over(self, tasks: Sequence[Task], result: Asked) -> None:
        """Give these to whom was chosen for what only Baton keeps."""
        if not tasks:
            return
        people = holding.those_in_team(self.team, [self.wanted.member])
        if not people:
            for task in tasks:
                sentence = f"You chose nobody for {task.account.name}."
                result.skipped[sentence].append(task.pk)
            return
        person = people[self.wanted.member]
        events, skipped = holding.hand_over(
            tasks, person, adapters=self.adapters, by=self.by
        )
        result.done += [event.task_id for event in events]
        for reason, ids in skipped.items():
            result.skipped[reason] += ids

    def withdraw(self, task_ids: Sequence[int], result: Asked) -> None:
        """Take back what has not been sent: nothing is to be done at the vendor."""
        if not task_ids:
            return
        delivery.withdraw(Task.objects.filter(pk__in=task_ids), by=self.by)
        back = Task.objects.filter(pk__in=task_ids, delivery=Task.Delivery.WITHDRAWN)
        done = list(back.values_list("pk", flat=True))
        result.done += done
        if late := sorted(set(task_ids) - set(done)):
            result.skipped["It was being sent just then."] += late

    def values_for(self, task: Task, adapter: VendorAdapter) -> dict[str, Any]:
        """Return what `actions.ask` takes, for this one; raise `NotOffered`."""
        wanted = self.wanted
        if self.action == Action.COMPLETE:
            if not actions.outcomes_for(task, adapter):
                return {}
            outcome = wanted.outcomes.get(task.account.vendor, "")
            if outcome == LEAVE:
                raise actions.NotOffered("You left out calls, which need an outcome.")
            return {"outcome": outcome}
        if self.action == Action.SNOOZE:
            return {"until": datetime.fromisoformat(wanted.until)}
        if self.action == Action.RESCHEDULE:
            return self.moved(task, adapter)
        if self.action == Action.REASSIGN:
            who = wanted.assignees.get(str(task.account_id))
            person = self.people.get(who or NOBODY)
            if who is None and wanted.person:
                raise actions.NotOffered(
                    f"{wanted.person} is not known in {task.account.name}."
                )
            if person is None or person.account_id != task.account_id:
                raise actions.NotOffered(f"You chose nobody in {task.account.name}.")
            return {"assignee": person}
        return {"reason": wanted.reason} if wanted.reason else {}

    def moved(self, task: Task, adapter: VendorAdapter) -> dict[str, Any]:
        at = time.fromisoformat(self.wanted.at) if self.wanted.at else None
        day = date.fromisoformat(self.wanted.day)
        return moved_to(task, day, at, names=schedule_of(task, adapter), team=self.team)


#: Columns from which others follow.
TOUCHING = frozenset({"starts_at", "due_at", "due_on", "note"})


def schedule_of(task: Task, adapter: VendorAdapter) -> tuple[str, ...]:
    """Return which of start, due time and due day this vendor moves."""
    names = {spec.name for spec in adapter.fields(task.type.code)}
    if adapter.slug in MOVES_START_ALONE:
        # Without a start its end is the one date that the vendor has.
        if task.starts_at or (task.due_at is None and task.due_on is None):
            return ("starts_at",)
        if task.due_at is not None:
            return ("due_at",)
    return tuple(name for name in SCHEDULE if name in names)


def moved_to(
    task: Task, day: date, at: time | None, *, names: Sequence[str], team: Team
) -> dict[str, Any]:
    """Return the task's dates on another day, keeping its times of day and its length.

    `at` is another time of day for its end, or for its start where only that moves.
    """
    if at is None and task.due_at is None and task.due_on and "due_on" in names:
        moved: dict[str, Any] = {"due_on": day}
        if task.starts_at is not None and "starts_at" in names:
            wall = task.starts_at.astimezone(team.zone).replace(tzinfo=None)
            wall += day - task.due_on
            moved["starts_at"] = wall.replace(tzinfo=team.zone)
        return moved
    anchor = task.due_at if "due_at" in names else None
    anchor = anchor or (task.starts_at if "starts_at" in names else None)
    if anchor is None:
        if at is None and "due_on" in names:
            return {"due_on": day}
        moment = datetime.combine(day, at or time(9), tzinfo=team.zone)
        return {"due_at" if "due_at" in names else "starts_at": moment}
    local = anchor.astimezone(team.zone)
    target = datetime.combine(day, at or local.time(), tzinfo=team.zone)
    values: dict[str, Any] = {}
    for name in ("starts_at", "due_at"):
        old = getattr(task, name)
        if name in names and old is not None:
            # By the clock on the wall, so that a day with 23 hours moves nothing.
            shift = target.replace(tzinfo=None) - local.replace(tzinfo=None)
            wall = old.astimezone(team.zone).replace(tzinfo=None) + shift
            values[name] = wall.replace(tzinfo=team.zone)
    return values
