"""Reading an account back: exact after every change there, resumable, in few calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Drift, SyncRun, Task, VendorUser
from tasks_app.services import reading
from tasks_app.services.following import apply_page
from tasks_app.services.syncing import begin_due, request_sync, sync_account
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.findings import RemoteTask
from tasks_app.vendors.words import Status
from tests.factories import make_task, make_user, make_vendor_user

from .conftest import VENDORS, Bench

pytestmark = pytest.mark.django_db(transaction=True)
each_vendor = pytest.mark.parametrize("vendor", VENDORS)
#: What people there do, in every vendor's own way of saying it.
ACTS = {
    "saleshandy": ("complete", "skip", "snooze", "reassign", "reschedule", "delete"),
    "leadsquared": ("complete", "reassign", "reschedule", "delete"),
    "reply": ("complete", "cancel", "archive", "reassign", "reschedule", "delete"),
    "ysuite": (
        *("start", "complete", "cancel", "no_show"),
        *("reassign", "reschedule", "delete"),
    ),
}
STATUS = {
    "complete": "completed",
    "skip": "skipped",
    "cancel": "cancelled",
    "archive": "cancelled",
    "start": "in_progress",
    "no_show": "no_show",
    "delete": "removed",
}


def sync(bench: Bench, transport: Any = None) -> SyncRun:
    request_sync(bench.account)
    run = sync_account(bench.account.pk, transport=transport or bench.transport)
    assert run is not None
    return run


def planted(bench: Bench, count: int, **more: Any) -> list[Task]:
    """Return delivered tasks that stand on both sides."""
    user = bench.account.vendor_users.get()
    start = timezone.now().replace(microsecond=0) + timedelta(days=1)
    form = bench.server.app.time_form
    row: dict[str, Any] = {"owner": user.external_id, "prospect": "", **more}
    row["kind"] = {
        "saleshandy": "13",
        "leadsquared": "Meeting",
        "reply": "call",
        "ysuite": "Task",
    }[bench.account.vendor]
    dates: dict[str, Any] = {"due_on": start.date()}
    row["due"] = start.strftime(form)
    if bench.account.vendor != "saleshandy":
        dates = {"starts_at": start, "due_at": start + timedelta(hours=1)}
        row |= {"starts": row["due"], "due": dates["due_at"].strftime(form)}
    if bench.account.vendor == "ysuite":
        row["extra"] = {"end": row["due"]}
    if bench.account.vendor == "reply":
        template = {"body": "Call", "subject": None, "attachmentIdList": []}
        row["extra"] = {"template": template}
    ids = bench.server.plant([row] * count)
    kind = bench.account.task_types.first()
    tasks = []
    for key in ids:
        task = Task(
            team=bench.account.team,
            account=bench.account,
            type=kind,
            channel=kind.channel,
            title="Follow up",
            vendor_user=user,
            delivery=Task.Delivery.DELIVERED,
            external_id=key,
            **dates,
        )
        task.fill_derived(bench.account.team)
        tasks.append(task)
    Task.objects.bulk_create(tasks)
    return list(Task.objects.filter(account=bench.account).order_by("pk"))


@each_vendor
def test_every_change_there_is_here_after_one_reading(
    connect: Any, vendor: str
) -> None:
    bench = connect(vendor)
    tasks = planted(bench, 3 * len(ACTS[vendor]) + 10)
    stranger = bench.server.app.nth_user_id(3)  # Baton has never heard of them
    far = (timezone.now() + timedelta(days=200)).replace(microsecond=0)
    to = far.strftime("%Y-%m-%dT%H:%M:%S")
    done = {}
    for number, action in enumerate(ACTS[vendor] * 3):
        key = tasks[number].external_id
        more = {"reassign": {"user": stranger}, "reschedule": {"to": to}}
        more["snooze"] = {"to": f"{to}Z"}
        bench.server.act(action, [key], **more.get(action, {}))
        done[key] = action

    run = sync(bench)

    assert run.error == ""
    day = far.date()
    for task in Task.objects.filter(account=bench.account).select_related(
        "vendor_user"
    ):
        action = done.get(task.external_id, "")
        assert task.status == STATUS.get(action, "open"), action
        assert task.as_of is not None
        assert task.as_of >= run.began_at
        if action == "reassign":
            assert task.vendor_user is not None
            assert task.vendor_user.external_id == stranger
        if action == "reschedule":
            assert (task.due_on or task.starts_at.date()) == day
            assert task.due_sort >= far - timedelta(days=1)


@each_vendor
def test_what_was_reopened_is_open_again(connect: Any, vendor: str) -> None:
    bench = connect(vendor)
    tasks = planted(bench, 30)
    bench.server.act("complete", [tasks[0].external_id])
    sync(bench)

    bench.server.act("reopen", [tasks[0].external_id])
    sync(bench)

    tasks[0].refresh_from_db()
    assert tasks[0].status == "open"
    assert tasks[0].completed_at is None


@pytest.mark.parametrize(
    ("task", "read"),
    [
        ({"status": "open"}, True),
        ({"status": "in_progress"}, True),
        ({"status": "completed", "days": 13}, True),
        ({"status": "completed", "days": 15}, False),
        ({"status": "removed"}, False),
    ],
)
def test_an_account_is_read_while_something_may_change_there(
    task: dict[str, Any], read: bool
) -> None:
    now = timezone.now()
    days = task.pop("days", None)
    ended = now - timedelta(days=days) if days else None
    made = make_task(**{"external_id": "A1", "completed_at": ended, **task})

    begin_due(now)
    begin_due(now)

    assert SyncRun.objects.filter(account=made.account).count() == int(read)


LOSSES = [
    {"deleted_at": timezone.now()},
    {"credentials_version": 7},
    {"state": ConnectedAccount.State.NEEDS_NEW_KEY},
]


@pytest.mark.parametrize("change", LOSSES, ids=lambda change: next(iter(change)))
@pytest.mark.parametrize("what", ["missing", "texts"])
def test_single_reads_end_when_the_account_is_lost(
    connect: Any, what: str, change: dict[str, Any]
) -> None:
    """Each is a conversation of its own, and the row in hand is read anew between."""
    bench = connect("reply")
    planted(bench, 4)
    if what == "texts":
        later = timezone.now() + timedelta(hours=1)
        Task.objects.update(text_unread=True, as_of=later)
    request_sync(bench.account)
    SyncRun.objects.update(cursor={"stage": reading.SINGLE})
    before = len(bench.server.calls())

    class Losing:
        def send(self, request: VendorRequest, **more: Any) -> VendorResponse:
            response = bench.transport.send(request, **more)
            ConnectedAccount.objects.update(**change)
            return response

    run = sync_account(bench.account.pk, transport=Losing())

    assert run is not None
    assert "refused or replaced" in run.error
    assert run.state == SyncRun.State.RUNNING
    assert len(bench.server.calls()) == before + 1


def test_a_disconnected_account_is_not_read_at_all(connect: Any) -> None:
    bench = connect("reply")
    planted(bench, 1)
    request_sync(bench.account)
    ConnectedAccount.objects.update(deleted_at=timezone.now())
    before = len(bench.server.calls())

    sync_account(bench.account.pk, transport=bench.transport)

    assert len(bench.server.calls()) == before


@dataclass
class Dying:
    """A transport whose process dies after so many answers."""

    inner: Any
    left: int

    def send(self, request: VendorRequest, **more: Any) -> VendorResponse:
        if not self.left:
            raise Killed
        self.left -= 1
        response: VendorResponse = self.inner.send(request, **more)
        return response


class Killed(BaseException):
    pass


@each_vendor
def test_a_reading_that_dies_anywhere_goes_on_and_is_no_dearer(
    connect: Any, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PAGE_SIZE", 7), ("ROWS", 7), ("MOST", 7)):
        for module in ("saleshandy", "ysuite", "reply", "leadsquared"):
            for kind in ("reading", "listing"):
                path = f"tasks_app.vendors.{module}_{kind}.{name}"
                try:
                    monkeypatch.setattr(path, value)
                except (AttributeError, ImportError):
                    continue
    bench = connect(vendor)
    tasks = planted(bench, 40)
    bench.server.act("delete", [task.external_id for task in tasks[:4]])
    bench.server.act("complete", [task.external_id for task in tasks[4:9]])
    whole = sync(bench).calls
    Task.objects.update(status="open", completed_at=None, as_of=None)
    bench.account.__class__.objects.update(watermark=None)

    run = request_sync(bench.account)
    for _ in range(whole):
        try:
            sync_account(bench.account.pk, transport=Dying(bench.transport, 1))
        except Killed:
            # What a SIGKILL leaves: a run whose lease runs out.
            SyncRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sync_account(bench.account.pk, transport=bench.transport)

    run.refresh_from_db()
    assert run.state == SyncRun.State.DONE
    statuses = [task.status for task in Task.objects.order_by("pk")]
    assert statuses == ["removed"] * 4 + ["completed"] * 5 + ["open"] * 31
    answered = sum(1 for call in bench.server.calls()) - whole
    assert answered <= whole + 2


@each_vendor
def test_a_busy_vendor_puts_a_reading_off_and_it_goes_on(
    connect: Any, vendor: str
) -> None:
    bench = connect(vendor)
    tasks = planted(bench, 30)
    bench.server.act("delete", [task.external_id for task in tasks[:2]])
    lists = sync(bench).calls - 2
    Task.objects.update(status="open", completed_at=None, as_of=None)
    path = {"saleshandy": "/v1/tasks/", "reply": "/v3/tasks/", "ysuite": "/v1/tasks/"}
    only = path.get(vendor, "/v2/Task.svc/Retrieve.GetById")
    bench.server.dial("429", next=1, path=only, method="GET", retry_after=90)

    run = sync(bench)
    assert run.state == SyncRun.State.RUNNING
    assert run.lease_until > timezone.now() + timedelta(seconds=60)
    assert "busy" in run.error
    before = len(bench.server.calls())
    SyncRun.objects.update(lease_until=timezone.now())
    ConnectedAccount.objects.update(held_until=None, asked_until=None)
    again = sync_account(bench.account.pk, transport=bench.transport)

    assert again is not None
    assert (again.pk, again.state, again.error) == (run.pk, SyncRun.State.DONE, "")
    assert len(bench.server.calls()) - before == 2
    assert lists >= 1
    assert Task.objects.filter(status="removed").count() == 2


@each_vendor
def test_many_moved_tasks_are_not_asked_for_one_by_one(
    connect: Any, vendor: str
) -> None:
    bench = connect(vendor)
    tasks = planted(bench, 120)
    far = (timezone.now() + timedelta(days=200)).strftime("%Y-%m-%dT%H:%M:%S")
    action = "snooze" if vendor == "saleshandy" else "reschedule"
    to = f"{far}Z" if vendor == "saleshandy" else far
    bench.server.act(action, [task.external_id for task in tasks[:80]], to=to)

    first, second = sync(bench), sync(bench)

    assert first.calls <= 10
    assert second.calls <= 6
    assert Task.objects.filter(as_of__lt=second.began_at).count() == 0


@each_vendor
def test_a_search_beyond_the_lists_costs_half_of_asking_singly(
    connect: Any, vendor: str
) -> None:
    bench = connect(vendor)
    tasks = planted(bench, 60)
    bench.server.act("delete", [task.external_id for task in tasks[:30]])

    run = sync(bench)

    assert Task.objects.filter(status="removed").count() == 30
    assert run.calls <= 30 + 15 + 7


def test_an_answer_of_no_use_does_not_hold_up_the_others(connect: Any) -> None:
    bench = connect("reply")
    tasks = planted(bench, 30)
    Task.objects.filter(pk=tasks[0].pk).update(external_id="not-a-number")
    bench.server.act("delete", [tasks[1].external_id])

    run = sync(bench)

    assert run.state == SyncRun.State.DONE
    assert Drift.objects.filter(kind="read").exists()
    tasks[0].refresh_from_db()
    tasks[1].refresh_from_db()
    assert tasks[0].status == "open"
    assert tasks[1].status == "removed"


def test_tasks_to_be_sent_come_before_single_reads(
    connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PORTION", 3)
    bench = connect("ysuite")
    tasks = planted(bench, 30)
    bench.server.act("delete", [task.external_id for task in tasks])
    bench.create(1)

    sync(bench)

    removed = Task.objects.filter(status="removed").count()
    assert reading.SINGLES_BESIDE_PUSHES <= removed < 20
    # What was not asked for is as old as it was.
    bench.account.refresh_from_db()
    assert bench.account.synced_at is None

    bench.push()
    sync(bench)

    assert Task.objects.filter(status="removed").count() == 30
    bench.account.refresh_from_db()
    assert bench.account.synced_at is not None


def test_what_is_delivered_meanwhile_is_left_to_the_next_reading(connect: Any) -> None:
    bench = connect("reply")
    planted(bench, 25)
    late = bench.server.plant(
        [{"kind": "call", "prospect": "", "starts": "", "due": ""}]
    )
    inner = bench.transport

    class Busy:
        def send(self, request: VendorRequest, **more: Any) -> VendorResponse:
            if not Task.objects.filter(external_id=late[0]).exists():
                make_task(
                    account=bench.account,
                    external_id=late[0],
                    delivery="delivered",
                    updated_at=timezone.now(),
                )
            response: VendorResponse = inner.send(request, **more)
            return response

    run = sync(bench, Busy())

    assert run.calls == 1
    assert Task.objects.get(external_id=late[0]).as_of is None


def test_nobodys_tasks_are_listed_too(connect: Any) -> None:
    bench = connect("ysuite")
    planted(bench, 40, owner="")
    VendorUser.objects.all().delete()
    # Nobody holds them: the vendor shows no number of a person.
    real = type(bench.server.app).get_task

    def bare(request: Any, task_id: str) -> Any:
        with_owner = bench.server.app.store.get(task_id)
        with_owner.owner = "0"
        bench.server.app.store.save(with_owner)
        answer = real(bench.server.app, request, task_id)
        answer.body["data"].pop("assigned_user_id")
        return answer

    for place, (method, pattern, _) in enumerate(bench.server.app._patterns):
        if method == "GET" and pattern.fullmatch("/v1/tasks/7"):
            bench.server.app._patterns[place] = (method, pattern, bare)

    run = sync(bench)

    assert run.calls <= 3
    assert not Task.objects.filter(as_of=None).exists()


# -- what an old answer may not undo ---------------------------------------------------


def test_an_answer_that_is_older_than_a_later_reading_changes_nothing() -> None:
    task = make_task(external_id="A1", delivery="delivered")
    asked = timezone.now()
    Task.objects.filter(pk=task.pk).update(
        status="completed", as_of=asked + timedelta(seconds=1)
    )
    old = RemoteTask("A1", Status.OPEN, "upcoming", shown=frozenset({"status"}))

    changed = apply_page(task.account, [old], at=timezone.now(), asked=asked)

    task.refresh_from_db()
    assert (changed, task.status) == (0, "completed")


def follow(task: Task, **shown: Any) -> Task:
    remote = RemoteTask(
        task.external_id, Status.OPEN, "0", shown=frozenset(shown), **shown
    )
    Task.objects.filter(pk=task.pk).update(updated_at=timezone.now())
    apply_page(task.account, [remote], at=timezone.now())
    task.refresh_from_db()
    return task


def test_a_new_holder_takes_the_task_from_the_old_one_here_too() -> None:
    task = make_task(external_id="A1", delivery="delivered")
    team = task.team
    old, new = make_user(team, "rep"), make_user(team, "rep")
    before = make_vendor_user(task.account, user=old)
    after = make_vendor_user(task.account, user=new)
    unknown = make_vendor_user(task.account)
    Task.objects.filter(pk=task.pk).update(vendor_user=before, assignee=old)

    follow(task, assignee_id=after.external_id)
    assert (task.vendor_user, task.assignee) == (after, new)

    follow(task, assignee_id=unknown.external_id)
    assert (task.vendor_user, task.assignee) == (unknown, None)


def test_whom_a_lead_chose_stays_where_the_vendor_was_not_told() -> None:
    task = make_task(external_id="A1", delivery="delivered")
    chosen = make_user(task.team, "rep")
    Task.objects.filter(pk=task.pk).update(assignee=chosen)

    follow(task, assignee_id="owner-of-the-key")

    assert task.assignee == chosen
    assert task.vendor_user is not None
    assert task.vendor_user.external_id == "owner-of-the-key"


NOON = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
MIDNIGHT = NOON.replace(hour=23, minute=59, second=59)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"due_on": NOON.date()}, {"due_on": NOON.date()}, {"due_on": NOON.date()}),
        (
            {"due_on": NOON.date()},
            {"due_on": NOON.date() + timedelta(days=3)},
            {"due_on": NOON.date() + timedelta(days=3), "due_at": None},
        ),
        # A day that was given a time on another day.
        (
            {"due_on": NOON.date()},
            {"starts_at": NOON + timedelta(days=3)},
            {"due_on": None, "starts_at": NOON + timedelta(days=3)},
        ),
        ({"due_on": NOON.date()}, {"due_at": NOON}, {"due_on": NOON.date()}),
        # The end of another day is that day.
        (
            {"due_on": NOON.date(), "starts_at": NOON},
            {"due_at": MIDNIGHT + timedelta(days=2), "starts_at": NOON},
            {"due_on": NOON.date() + timedelta(days=2), "due_at": None},
        ),
        (
            {"due_on": NOON.date(), "starts_at": NOON},
            {"due_at": MIDNIGHT, "starts_at": NOON - timedelta(hours=1)},
            {"due_on": NOON.date(), "starts_at": NOON - timedelta(hours=1)},
        ),
        # The vendor shows days only: the time of ours stays until the day differs.
        ({"due_at": NOON}, {"due_on": NOON.date()}, {"due_at": NOON, "due_on": None}),
        (
            {"due_at": NOON},
            {"due_on": NOON.date() - timedelta(days=1)},
            {"due_at": None, "due_on": NOON.date() - timedelta(days=1)},
        ),
    ],
)
def test_a_day_and_a_time_follow_the_vendor(
    ours: dict[str, Any], theirs: dict[str, Any], expected: dict[str, Any]
) -> None:
    task = make_task(external_id="A1", delivery="delivered", **ours)

    follow(task, **theirs)

    assert {name: getattr(task, name) for name in expected} == expected
    due_sort = task.due_sort
    task.fill_derived(task.team)
    assert due_sort == task.due_sort
