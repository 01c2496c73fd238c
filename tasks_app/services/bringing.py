"""Tasks made elsewhere: what a reading shows that is none of ours gets a row here.

Brought in is what is open or in progress, and what was closed within `RECENT` by the
vendor's own time. A status word that nobody knows brings nothing in: it is counted.
What may be the answer to a create of ours that is not settled waits until it is: to
have a task twice is worse than to see somebody else's a reading later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from tasks_app.models import (
    ConnectedAccount,
    Prospect,
    ProspectLink,
    Push,
    Task,
    TaskCopy,
    TaskEvent,
    TaskType,
    VendorUser,
)
from tasks_app.vendors.findings import RemoteTask

from . import foreign
from .directory import members_by_email
from .drafting import drafts_for
from .drifting import note_drift

State = Push.State

#: What was closed longer ago, or without a time, is not brought in.
RECENT = timedelta(days=7)
ROWS = 500
#: More unsettled creates than these are not compared: the page waits for them.
MOST_COMPARED = 5000
#: The type of tasks whose type the vendor does not show.
NO_TYPE = "?"
#: Fields of `compare` by which a vendor ties a task to somebody.
TIES = ("prospect", "deal")


def bring_in(
    account: ConnectedAccount, remotes: Iterable[RemoteTask], *, at: datetime
) -> int:
    """Make rows for those of these tasks that were made elsewhere; return how many.

    Safe to repeat and to run twice at once: a vendor's id has one row. Does nothing
    where the account does not bring tasks in.
    """
    if not account.bring_in:
        return 0
    # It may have been switched off since this reading began.
    live = ConnectedAccount.objects.live().filter(pk=account.pk, bring_in=True)
    by_id = {r.external_id: r for r in remotes if is_nameable(r.external_id)}
    if not by_id or not live.exists():
        return 0
    known = Task.objects.filter(account=account, external_id__in=list(by_id))
    for external_id in known.values_list("external_id", flat=True):
        del by_id[external_id]
    second = TaskCopy.objects.filter(account=account, external_id__in=list(by_id))
    for external_id in second.values_list("external_id", flat=True):
        del by_id[external_id]
    for remote in by_id.values():
        if remote.status is None:
            note_drift(account.pk, "status", remote.vendor_status)
    wanted = [remote for remote in by_id.values() if is_wanted(remote, at)]
    strangers = not_ours(account, wanted)
    if not strangers:
        return 0
    with transaction.atomic():
        tasks = _Maker(account, strangers, at).tasks()
        Task.objects.bulk_create(tasks, batch_size=ROWS, ignore_conflicts=True)
        return _tell(account, [task.external_id for task in tasks], at)


def is_nameable(external_id: str) -> bool:
    """Return whether our columns can hold this id of a vendor's."""
    return 0 < len(external_id) <= foreign.LONGEST_ID and "\0" not in external_id


def is_wanted(remote: RemoteTask, at: datetime) -> bool:
    """Return whether a task that is none of ours belongs into the lists."""
    if remote.status is None:
        return False
    if remote.status.value in Task.UNFINISHED:
        return True
    closed = remote.completed_at or remote.changed_at
    return closed is not None and closed >= at - RECENT


def _tell(account: ConnectedAccount, ids: Sequence[str], at: datetime) -> int:
    """Write the first line of history of the rows that are new; return how many."""
    made = Task.objects.filter(
        account=account, external_id__in=ids, origin=Task.Origin.VENDOR
    ).exclude(events__kind="brought_in")
    events = [
        TaskEvent(task_id=pk, at=at, source=TaskEvent.Source.SYNC, kind="brought_in")
        for pk in made.values_list("pk", flat=True)
    ]
    TaskEvent.objects.bulk_create(events, batch_size=ROWS)
    return len(events)


# -- what may be ours ------------------------------------------------------------------


def not_ours(
    account: ConnectedAccount, remotes: Sequence[RemoteTask]
) -> list[RemoteTask]:
    """Return those that cannot be the answer to a create of ours."""
    if not remotes:
        return []
    found = list(unsettled_creates(account).select_related("task")[: MOST_COMPARED + 1])
    if not found:
        return list(remotes)
    if len(found) > MOST_COMPARED:
        return []
    adapter, drafts = account.adapter(), drafts_for(found)
    sent = {push.pk: adapter.comparable(drafts[push.pk]) for push in found}
    # By whom they are for, as the vendor tells it: most pairs need no closer look.
    pushes: dict[Any, list[Push]] = defaultdict(list)
    for push in found:
        pushes[sent[push.pk].get("prospect")].append(push)
    strangers = []
    for remote in remotes:
        whose = remote.compare.get("prospect")
        near = (
            found if whose is None else [*pushes.get(whose, []), *pushes.get(None, [])]
        )
        if not any(
            may_be(push, drafts[push.pk].marker, sent[push.pk], remote) for push in near
        ):
            strangers.append(remote)
    return strangers


def unsettled_creates(account: ConnectedAccount) -> QuerySet[Push]:
    """Return the creates that were sent and may have left a task unknown to us.

    One that is queued again was sent before: its first call may still take effect.
    """
    return Push.objects.filter(account=account, kind=Push.Kind.CREATE).filter(
        Q(state__in=[State.SENDING, State.ACCEPTED, State.NEEDS_CHECK])
        | Q(state__in=[State.QUEUED, State.CLAIMED], sent_at__isnull=False)
        # Sent twice, or given up after it was sent: a first copy may still appear.
        | Q(state__in=[State.DELIVERED, State.FAILED], watch_at__isnull=False)
    )


def may_be(
    push: Push, marker: str, sent: Mapping[str, Any], remote: RemoteTask
) -> bool:
    """Return whether this task may be what became of the push, sent with these values.

    As long as Baton looks by itself the same prospect is enough, because a vendor may
    show a text otherwise than it was sent. Once a person has been asked only what shows
    no difference at all is held back.
    """
    if remote.predates(push.task.created_at):
        return False
    shown = remote.compare
    if any(shown[key] != sent[key] for key in TIES if key in shown and key in sent):
        return False
    settled = push.state in (State.DELIVERED, State.FAILED)
    if not settled and not (push.ask_person or push.left_at):
        return True
    if marker and "text" in shown:
        return marker in remote.text
    return all(shown[key] == value for key, value in sent.items() if key in shown)


def give_way(account: ConnectedAccount, ids: Iterable[str]) -> int:
    """Remove rows of these vendor ids that were only read; return how many.

    For when one of them turns out to be the answer to a create of ours: that task
    takes the id, and its own history is kept.
    """
    wanted = [external_id for external_id in ids if external_id]
    with transaction.atomic():
        rows = Task.objects.filter(account=account, external_id__in=wanted)
        # Holding them, nobody can ask for an action meanwhile.
        held = [task.pk for task in rows.select_for_update().only("pk")]
        gone = Task.objects.filter(pk__in=held).only_read()
        return len([task.delete() for task in gone])


# -- the rows --------------------------------------------------------------------------


class _Maker:
    """Makes one page's rows, with all they refer to read in a few queries."""

    def __init__(
        self, account: ConnectedAccount, remotes: Sequence[RemoteTask], at: datetime
    ) -> None:
        self.account, self.remotes, self.at = account, remotes, at
        self.types = self.read_types()
        self.holders = holders_of(account, remotes)
        ids = {r.prospect_id for r in remotes if r.prospect_id}
        links = ProspectLink.objects.filter(account=account, external_id__in=ids)
        self.prospects: dict[str, Prospect] = {
            link.external_id: link.prospect for link in links.select_related("prospect")
        }

    def read_types(self) -> dict[str, TaskType]:
        """Return the account's types by code, those nobody named so far made now."""
        known = {t.code.casefold(): t for t in self.account.task_types.all()}
        named = {type_code(r, known) for r in self.remotes}
        missing = [code for code in named if code.casefold() not in known]
        if missing:
            TaskType.objects.bulk_create(
                (unknown_type(self.account, code) for code in missing),
                ignore_conflicts=True,
            )
            known = {t.code.casefold(): t for t in self.account.task_types.all()}
        return known

    def tasks(self) -> list[Task]:
        return [self.task(remote) for remote in self.remotes]

    def task(self, remote: RemoteTask) -> Task:
        kind = self.types[type_code(remote, self.types).casefold()]
        holder = self.holders.get(holder_key(remote))
        columns = foreign.columns_of(remote)
        title = columns.pop("title", "")
        title = title or foreign.title_for(kind.name, columns.get("note", ""))
        assert remote.status is not None  # noqa: S101 - `is_wanted` has looked
        finished = remote.status.value not in Task.UNFINISHED
        created_at = remote.created_at or self.at
        task = Task(
            team=self.account.team,
            account=self.account,
            prospect=self.prospects.get(remote.prospect_id),
            type=kind,
            channel=kind.channel,
            title=title[: foreign.LONGEST_TITLE],
            **columns,
            vendor_user=holder,
            assignee_id=holder.user_id if holder else None,
            status=remote.status.value,
            vendor_status=foreign.plain(remote.vendor_status, 80),
            completed_at=(remote.completed_at or remote.changed_at)
            if finished
            else None,
            as_of=self.at,
            vendor_changed_at=remote.changed_at,
            delivery=Task.Delivery.DELIVERED,
            external_id=remote.external_id,
            external_url=remote.url if len(remote.url) <= 500 else "",
            origin=Task.Origin.VENDOR,
            text_unread="note" not in columns and not finished,
            created_at=min(created_at, self.at),
            updated_at=self.at,
        )
        task.fill_derived(self.account.team)
        return task


def type_code(remote: RemoteTask, known: dict[str, TaskType]) -> str:
    """Return the code of its type; where none is shown, of the only one there is."""
    if code := foreign.plain(remote.type_code, 200):
        return code
    return next(iter(known)) if len(known) == 1 else NO_TYPE


def unknown_type(account: ConnectedAccount, code: str) -> TaskType:
    """Return a type that the account's list does not have: shown, never offered."""
    return TaskType(
        account=account,
        code=code,
        name="Task" if code == NO_TYPE else code,
        channel=account.adapter_class.channel_of(code).value,
        active=False,
    )


def holder_key(remote: RemoteTask) -> tuple[str, str]:
    return remote.assignee_id, remote.assignee_email.casefold()


def holders_of(
    account: ConnectedAccount, remotes: Sequence[RemoteTask]
) -> dict[tuple[str, str], VendorUser]:
    """Return who holds these tasks, by `holder_key`; who is new is learnt.

    An e-mail address alone makes nobody known: it may stand for a team.
    """
    wanted = {holder_key(r): r for r in remotes if any(holder_key(r))}
    if not wanted:
        return {}
    people = list(VendorUser.objects.filter(account=account))
    by_id = {p.external_id: p for p in people if p.external_id}
    by_email = {p.email.casefold(): p for p in people if p.email}
    members = members_by_email(account)
    new = {
        r.assignee_id: VendorUser(
            account=account,
            external_id=r.assignee_id,
            email=r.assignee_email[:254],
            user=members.get(email),
        )
        for (external_id, email), r in wanted.items()
        if external_id
        and len(external_id) <= foreign.LONGEST_ID
        and external_id not in by_id
        and email not in by_email
    }
    if new:
        VendorUser.objects.bulk_create(new.values(), ignore_conflicts=True)
        learnt = VendorUser.objects.filter(account=account, external_id__in=list(new))
        by_id |= {p.external_id: p for p in learnt}
    found = {}
    for key in wanted:
        person = by_id.get(key[0]) or by_email.get(key[1])
        if person is not None:
            found[key] = person
    return found
