"""One reading of an account: its lists first, then what none of them showed.

The run's cursor says which stage it is in and where the last stored page ended, so a
process that takes it over goes on from there:

    lists    our open tasks within their days, and what ended since the last reading
    rest     where many are missing, the lists beyond, for at most half the calls that
             asking for them one by one would take
    single   what is still missing, one by one: only the vendor's own word that a task
             is gone removes it

Nothing is kept of a page once it is stored: memory does not grow with the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils import timezone

from tasks_app.models import (
    NEVER,
    ConnectedAccount,
    Push,
    SyncRun,
    Task,
    VendorUser,
)
from tasks_app.vendors.calls import VendorRequest
from tasks_app.vendors.drafts import AssigneeDraft
from tasks_app.vendors.errors import Refused, UnreadableResponse, VendorError
from tasks_app.vendors.findings import (
    Page,
    Reading,
    RemoteTask,
    SyncScope,
)
from tasks_app.vendors.transport import Transport

from . import bringing, copies, directory
from .drifting import note_drift
from .following import apply_page, apply_remote, mark_removed
from .talking import converse, only_while_it_stands

LISTS, REST, SINGLE = "lists", "rest", "single"
#: Overlap with the reading before, because clocks and indexes at the vendor lag.
OVERLAP = timedelta(minutes=2)
#: Days around our open tasks that are read.
MARGIN_DAYS = 1
#: What ended so recently may have been reopened: its days and holders are read, too.
REOPENED_WITHIN = timedelta(days=14)
#: So few missing tasks are asked for one by one without a look at further lists.
FEW = 20
#: More missing tasks than this are worth a look at the list of somebody new.
FEW_OF_ONE = 3
#: Asking one by one ends after this time, those longest not seen come first; and after
#: so many while tasks wait to be sent: those come first.
SINGLES_FOR = timedelta(minutes=10)
SINGLES_BESIDE_PUSHES = 10
PORTION = 50
#: Texts asked for in one reading, those of the soonest due tasks first.
TEXTS = 60
#: Tasks whose answers cannot be used, before the whole reading fails.
MOST_UNREADABLE = 20
#: Seconds a read waits for a permit.
MAX_WAIT = 60.0


class RunLost(Exception):
    """Another process has taken this run over."""


def lease() -> timedelta:
    """Return how long a run belongs to one process after its last call."""
    return timedelta(seconds=3 * settings.LEASE)


def read_account(
    account: ConnectedAccount, run: SyncRun, *, transport: Transport
) -> bool:
    """Make this reading, or go on with it; return whether it showed all open tasks.

    Raise `VendorError`, `RunLost` and `Saturated`.
    """
    return AccountReading(account, run, transport).make()


class AccountReading:
    """A run in this process."""

    def __init__(
        self, account: ConnectedAccount, run: SyncRun, transport: Transport
    ) -> None:
        self.account, self.run, self.transport = account, run, transport
        self.adapter = account.adapter()
        cursor = run.cursor if run.cursor.get("stage") else {}
        self.stage = str(cursor.get("stage", LISTS))
        self.scope = scope_of(account, run)
        if "days" in cursor:
            # Of the process before: places in a list count within its days.
            self.scope = replace(
                self.scope,
                starts_from=day_of(cursor["days"][0]),
                starts_to=day_of(cursor["days"][1]),
            )
        self.place: Mapping[str, Any] = cursor.get("at", {})
        #: When the answer that is being read was asked for.
        self.asked = timezone.now()
        self.unreadable: list[int] = []
        self.stop_if_lost = only_while_it_stands(account)

    def make(self) -> bool:
        if self.stage == LISTS:
            if self.account.bring_in:
                self.learn_people()
            scope = replace(self.scope, cursor=self.place)
            self.take(self.adapter.read_tasks(scope))
            self.move_to(REST)
        if self.stage == REST:
            missing = self.missing().count()
            if missing > FEW:
                scope = replace(self.scope, cursor=self.place)
                self.take(at_most(self.adapter.read_rest(scope), missing // 2))
            self.move_to(SINGLE)
        self.ask_singly()
        self.ask_for_texts()
        return not self.missing().exists()

    def learn_people(self) -> None:
        """Know everybody before everybody's tasks are read for the first time."""
        account, transport = self.account, self.transport
        if directory.read_for_the_first_time(account, transport=transport):
            self.scope = scope_of(account, self.run)

    # -- lists -------------------------------------------------------------------------

    def take(self, reading: Reading) -> None:
        converse(
            self.account,
            reading,
            transport=self.transport,
            purpose="sync",
            on_page=self.store,
            on_request=self.count_call,
            max_wait=MAX_WAIT,
        )

    def store(self, page: Page) -> None:
        """Store a page and the place behind it, in one transaction."""
        now = timezone.now()
        with transaction.atomic():
            self.keep_lease()
            changed = apply_page(self.account, page.tasks, at=now, asked=self.asked)
            copies.note_page(self.account, page.tasks)
            brought_in = bringing.bring_in(self.account, page.tasks, at=now)
            SyncRun.objects.filter(pk=self.run.pk).update(
                cursor=self.cursor(page.cursor),
                tasks_read=F("tasks_read") + len(page.tasks),
                tasks_changed=F("tasks_changed") + changed,
                tasks_brought_in=F("tasks_brought_in") + brought_in,
            )

    def cursor(self, place: Mapping[str, Any]) -> dict[str, Any]:
        days = (self.scope.starts_from, self.scope.starts_to)
        return {
            "stage": self.stage,
            "at": dict(place),
            "days": [day.isoformat() if day else "" for day in days],
        }

    def move_to(self, stage: str) -> None:
        self.stage, self.place = stage, {}
        self.keep_lease()
        SyncRun.objects.filter(pk=self.run.pk).update(cursor=self.cursor({}))

    def count_call(self, request: VendorRequest) -> None:
        """Count a call that is about to be made; raise `Saturated` where it is not to."""
        self.stop_if_lost(request)
        self.asked = timezone.now()
        SyncRun.objects.filter(pk=self.run.pk).update(
            calls=F("calls") + 1, lease_until=self.asked + lease()
        )

    def keep_lease(self) -> None:
        """Renew the lease; raise `RunLost` when another process has taken the run."""
        mine = SyncRun.objects.filter(pk=self.run.pk, attempt_id=self.run.attempt_id)
        if not mine.update(lease_until=timezone.now() + lease()):
            raise RunLost

    # -- one by one --------------------------------------------------------------------

    def missing(self) -> QuerySet[Task]:
        """Return our open tasks that this run has not shown.

        Those that were delivered while it runs are for the next one.
        """
        began = self.run.began_at
        return (
            Task.objects.filter(account=self.account, delivery=Task.Delivery.DELIVERED)
            .exclude(external_id="")
            .exclude(pk__in=self.unreadable)
            .unfinished()
            .filter(Q(as_of__lt=began) | Q(as_of=None, updated_at__lt=began))
        )

    def ask_singly(self) -> None:
        """Ask for what is missing, those longest not seen first."""
        until = timezone.now() + SINGLES_FOR
        listed = {o.external_id for o in self.scope.owners if o.external_id}
        asked = 0
        while timezone.now() < until:
            if asked >= SINGLES_BESIDE_PUSHES and self.pushes_wait():
                return
            portion = self.missing().select_related("team")
            portion = portion.order_by(F("as_of").asc(nulls_first=True), "pk")
            tasks = list(portion[:PORTION])
            if not tasks:
                return
            for task in tasks:
                asked += 1
                remote = self.ask_for(task)
                if remote is None or not self.adapter.lists_by_owner:
                    continue
                holder = remote.assignee_id
                if holder not in listed and self.missing().count() > FEW_OF_ONE:
                    # Somebody new holds tasks, or nobody does: there may be more.
                    listed.add(holder)
                    owners = [AssigneeDraft(holder)]
                    scope = replace(self.scope, owners=owners, cursor={})
                    self.take(self.adapter.read_tasks(scope))
                    break

    def ask_for_texts(self) -> None:
        """Ask for tasks that were brought in from a list without texts, a few a run."""
        unread = (
            Task.objects.filter(account=self.account, text_unread=True)
            .exclude(pk__in=self.unreadable)
            .select_related("team", "type", "prospect")
            .order_by("due_sort", "pk")
        )
        for asked, task in enumerate(unread[:TEXTS]):
            if asked >= SINGLES_BESIDE_PUSHES and self.pushes_wait():
                return
            self.ask_for(task)
            Task.objects.filter(pk=task.pk).update(text_unread=False)

    def ask_for(self, task: Task) -> RemoteTask | None:
        try:
            remote = converse(
                self.account,
                self.adapter.read_task(task.external_id),
                transport=self.transport,
                purpose="sync",
                on_request=self.count_call,
                max_wait=MAX_WAIT,
            )
        except (Refused, UnreadableResponse) as error:
            self.pass_over(task, error)
            return None
        with transaction.atomic():
            self.keep_lease()
            if remote is None:
                changed = mark_removed(task)
            else:
                changed = apply_remote(task, remote, at=timezone.now())
            SyncRun.objects.filter(pk=self.run.pk).update(
                tasks_read=F("tasks_read") + 1,
                tasks_changed=F("tasks_changed") + int(changed),
            )
        return remote

    def pass_over(self, task: Task, error: VendorError) -> None:
        """Leave a task whose answer is of no use: the others are not to wait for it."""
        if len(self.unreadable) >= MOST_UNREADABLE:
            raise error
        self.unreadable.append(task.pk)
        note_drift(self.account.pk, "read", str(error))

    def pushes_wait(self) -> bool:
        due = Push.objects.sendable(timezone.now())
        return due.filter(account=self.account).exists()


def scope_of(account: ConnectedAccount, run: SyncRun) -> SyncScope:
    """Return what has to be covered: our open tasks, and what changed since."""
    # The team as well: by it the index of what was completed when begins.
    ours = Task.objects.filter(account=account, team_id=account.team_id)
    ours = ours.exclude(external_id="")
    recent = timezone.now() - REOPENED_WITHIN
    ours = ours.filter(
        Q(status__in=Task.UNFINISHED)
        | Q(completed_at__gte=recent) & ~Q(status=Task.Status.REMOVED)
    )
    unlisted = Q(vendor_status__in=account.adapter_class.unlisted)
    unfinished = Q(status__in=Task.UNFINISHED)
    span = ours.aggregate(
        count=Count("pk", filter=unfinished),
        unlisted=Count("pk", filter=unfinished & unlisted),
        first_made=Min("created_at"),
        first_start=Min("starts_at"),
        last_start=Max("starts_at"),
        first_due=Min("due_sort"),
        last_due=Max("due_sort", filter=Q(due_sort__lt=NEVER)),
    )
    count, hidden = span.pop("count"), span.pop("unlisted")
    # What was finished before our first open task was made is none of ours.
    since = account.watermark or span["first_made"]
    del span["first_made"]
    if account.bring_in and account.watermark is None:
        # The first reading: of what is closed only the latest is of interest.
        recent = (run.until or timezone.now()) - bringing.RECENT
        since = min(since or recent, recent)
    moments = [value for value in span.values() if value is not None and value < NEVER]
    days = [moment.astimezone(account.team.zone).date() for moment in moments]
    margin = timedelta(days=MARGIN_DAYS)
    holders = VendorUser.objects.filter(account=account)
    if not account.bring_in:
        held = ours.exclude(vendor_user=None).values("vendor_user").distinct()
        holders = holders.filter(pk__in=held)
    owners = [AssigneeDraft(user.external_id, user.email) for user in holders]
    return SyncScope(
        until=run.until or timezone.now(),
        since=since - OVERLAP if since else None,
        starts_from=min(days) - margin if days else None,
        starts_to=max(days) + margin if days else None,
        owners=owners,
        bring_in=account.bring_in,
        open_tasks=count,
        unlisted=hidden,
    )


def at_most(reading: Reading, calls: int) -> Reading:
    """Pass a reading on until it has made so many calls."""
    made = 0
    try:
        step = next(reading)
        while True:
            if isinstance(step, VendorRequest):
                if made == calls:
                    return
                made += 1
            answer = yield step
            step = reading.send(answer)
    except StopIteration:
        return
    finally:
        reading.close()


def day_of(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
