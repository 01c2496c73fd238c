"""What a vendor's task changes in ours: its status, its dates, who holds it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Task, TaskEvent, VendorUser
from tasks_app.vendors.findings import RemoteTask

from . import foreign, holding
from .drifting import note_drift

LAST_MINUTE = time(23, 59)
#: States in which an action of ours is not through yet.
ACTING = ("queued", "claimed", "sending", "needs_check")


def apply_page(
    account: ConnectedAccount,
    remotes: Sequence[RemoteTask],
    *,
    at: datetime,
    asked: datetime | None = None,
    source: str = TaskEvent.Source.SYNC,
) -> int:
    """Let what was read show in our tasks; return how many changed.

    `asked` is when the answer was asked for: tasks that were read or written since then
    are newer than it and left alone.
    """
    by_id = {remote.external_id: remote for remote in remotes}
    rows = Task.objects.filter(account=account, external_id__in=list(by_id))
    if asked is not None:
        unread = Q(as_of=None) | Q(as_of__lt=asked)
        rows = rows.filter(unread, updated_at__lt=asked)
    tasks = list(rows.select_related("team", "type", "prospect"))
    holders = Holders(account.pk)
    alike: dict[tuple[tuple[str, Any], ...], list[Task]] = defaultdict(list)
    for task in tasks:
        changes = changes_of(task, by_id[task.external_id], at=at, holders=holders)
        if changes:
            alike[tuple(sorted(changes.items()))].append(task)
    for same, changed in alike.items():
        write_changes(changed, dict(same), at=at, source=source)
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(as_of=at)
    return sum(len(changed) for changed in alike.values())


def apply_remote(
    task: Task,
    remote: RemoteTask,
    *,
    at: datetime,
    source: str = TaskEvent.Source.SYNC,
) -> bool:
    """Let a vendor's task show in ours; return whether anything changed."""
    changes = changes_of(task, remote, at=at)
    if changes:
        write_changes([task], changes, at=at, source=source)
    Task.objects.filter(pk=task.pk).update(as_of=at)
    return bool(changes)


def changes_of(
    task: Task,
    remote: RemoteTask,
    *,
    at: datetime,
    holders: Holders | None = None,
) -> dict[str, Any]:
    """Return the columns of ours that a vendor's task changes, with their new values.

    An unknown status word is kept and counted, never guessed. What the vendor itself
    dates before what we know changes nothing.
    """
    if older(task, remote):
        return {}
    if task.action_state in ACTING:
        # What a person asked for is on its way: until it is through, the page shows it.
        word = remote.vendor_status[:80]
        return {"vendor_status": word} if word not in ("", task.vendor_status) else {}
    changes: dict[str, Any] = {}
    if remote.vendor_status and remote.vendor_status != task.vendor_status:
        changes["vendor_status"] = remote.vendor_status[:80]
    if remote.status is None:
        note_drift(task.account_id, "status", remote.vendor_status)
    elif remote.status.value != task.status:
        changes["status"] = remote.status.value
    finished = changes.get("status", task.status) not in Task.UNFINISHED
    if finished and "status" in changes:
        changes["completed_at"] = remote.completed_at or at
    elif not finished and task.completed_at is not None:
        changes["completed_at"] = None
    changes |= followed_changes(task, remote, holders or Holders(task.account_id))
    changes |= foreign.changes_of(task, remote)
    if remote.url and remote.url != task.external_url:
        changes["external_url"] = remote.url
    if changes and remote.changed_at not in (None, task.vendor_changed_at):
        changes["vendor_changed_at"] = remote.changed_at
    return changes


def older(task: Task, remote: RemoteTask) -> bool:
    return (
        remote.changed_at is not None
        and task.vendor_changed_at is not None
        and remote.changed_at < task.vendor_changed_at
    )


def followed_changes(
    task: Task, remote: RemoteTask, holders: Holders
) -> dict[str, Any]:
    """Return what the vendor shows differently in dates and holder.

    Texts are not followed: the vendor shows them cut, marked or rendered.
    """
    changes = date_changes(task, remote, holders)
    if remote.assignee_id or remote.assignee_email:
        holder = holders.of(remote)
        if holder is not None and holder.pk != task.vendor_user_id:
            changes["vendor_user_id"] = holder.pk
            # Whoever a lead chose stays, where the vendor could not be told of them.
            moved = task.vendor_user_id is not None or task.assignee_id is None
            if moved and holders.chosen_here(task):
                moved = False
            if moved and holder.user_id != task.assignee_id:
                changes["assignee_id"] = holder.user_id
    return changes


def date_changes(task: Task, remote: RemoteTask, holders: Holders) -> dict[str, Any]:
    """Return the dates that differ: a day may have become a time, or a time a day."""
    if remote.due_on is not None and "due_on" in remote.shown:
        if task.due_at is None:
            mine = task.due_on
        else:
            mine = task.due_at.astimezone(holders.zone(task)).date()
        if mine is None or mine == remote.due_on:
            return {}
        dates = {"due_on": remote.due_on, "due_at": None, "starts_at": None}
        return {n: value for n, value in dates.items() if value != getattr(task, n)}
    times: dict[str, Any] = {
        name: value
        for name in ("starts_at", "due_at")
        if name in remote.shown and (value := getattr(remote, name)) is not None
    }
    if times and task.due_on is not None and task.due_at is None:
        last = (times.get("due_at") or times["starts_at"]).astimezone(
            holders.zone(task)
        )
        if last.date() != task.due_on and last.time() < LAST_MINUTE:
            return {**times, "due_on": None}
        # Some vendors take a day as its last moment.
        due = times.pop("due_at", None)
        if due is not None and last.date() != task.due_on:
            times["due_on"] = last.date()
    return {
        name: value
        for name, value in times.items()
        if (mine := getattr(task, name)) is not None
        and (name == "due_on" or abs((value - mine).total_seconds()) >= 1)
    }


class Holders:
    """The vendor's users of one account and its zone, read once for a whole page."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.users: list[VendorUser] | None = None
        self._zone: tzinfo | None = None

    def zone(self, task: Task) -> tzinfo:
        """Return the zone that the days of this task's account are in."""
        if self._zone is None:
            self._zone = task.account.adapter().zone
        return self._zone

    def chosen_here(self, task: Task) -> bool:
        """Return whether somebody here gave it to another person than the vendor says.

        Only where the vendor has nothing that could be told of them.
        """
        if task.assignee_id is None or self.users is None:
            return False
        before = {user.pk: user.user_id for user in self.users}
        if before.get(task.vendor_user_id or 0) == task.assignee_id:
            return False
        return holding.only_here(task.account.adapter(), task.type.code)

    def of(self, remote: RemoteTask) -> VendorUser | None:
        """Return who holds this task, learning the id if it is new."""
        if self.users is None:
            rows = VendorUser.objects.filter(account_id=self.account_id)
            self.users = list(rows.order_by("pk"))
        email = remote.assignee_email.casefold()
        for user in self.users:
            if remote.assignee_id and user.external_id == remote.assignee_id:
                return user
        for user in self.users:
            if email and user.email.casefold() == email:
                return user
        if not remote.assignee_id:
            return None
        user, _ = VendorUser.objects.get_or_create(
            account_id=self.account_id,
            external_id=remote.assignee_id,
            defaults={"email": remote.assignee_email},
        )
        self.users.append(user)
        return user


MOST_TOLD = 200
#: Columns from which others follow (`Task.fill_derived`).
DATES = frozenset({"due_at", "due_on", "starts_at"})
TEXTS = frozenset({"title", "note", "vendor_prospect_id", "vendor_prospect_name"})
#: Columns whose changes are told in a task's history, and under which word.
TOLD = {
    "status": "status",
    "title": "title",
    "note": "note",
    "priority": "priority",
    "starts_at": "start",
    "due_at": "due",
    "due_on": "due",
    "vendor_user_id": "assignee",
}


def write_changes(
    tasks: Sequence[Task], changes: Mapping[str, Any], *, at: datetime, source: str
) -> None:
    """Write the same named columns of these tasks, and their history."""
    events = [
        TaskEvent(
            task=task,
            at=at,
            source=source,
            kind=TOLD[name],
            old=told(name, getattr(task, name)),
            new=told(name, value),
        )
        for task in tasks
        for name, value in changes.items()
        # A text that is only read now is no change.
        if name in TOLD and not (name in TEXTS and task.text_unread)
    ]
    columns = {**changes, "updated_at": at}
    if not DATES.isdisjoint(changes):
        for task in tasks:
            for name, value in changes.items():
                setattr(task, name, value)
            task.sort_by_due(task.team)
            Task.objects.filter(pk=task.pk).update(due_sort=task.due_sort)
    if not TEXTS.isdisjoint(changes):
        for task in tasks:
            for name, value in changes.items():
                setattr(task, name, value)
            task.fill_derived(task.team)
            Task.objects.filter(pk=task.pk).update(search_text=task.search_text)
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(
        **columns, version=F("version") + 1
    )
    TaskEvent.objects.bulk_create(events, batch_size=500)


def told(name: str, value: Any) -> str:
    """Return a value as the history keeps it."""
    if value is None:
        return ""
    if name == "vendor_user_id":
        return str(VendorUser.objects.filter(pk=value).first() or "")
    return value.isoformat() if isinstance(value, date) else str(value)[:MOST_TOLD]


def mark_removed(task: Task, *, source: str = TaskEvent.Source.SYNC) -> bool:
    """The vendor says it is gone: our task stays, marked so, and is never recreated."""
    now = timezone.now()
    Task.objects.filter(pk=task.pk).update(as_of=now)
    if task.status == Task.Status.REMOVED:
        return False
    changes = {
        "status": Task.Status.REMOVED.value,
        "vendor_status": "removed",
        "completed_at": now,
    }
    write_changes([task], changes, at=now, source=source)
    return True
