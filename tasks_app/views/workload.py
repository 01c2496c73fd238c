"""The week by person: who has how much on which day, and moving a task elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tasks_app.models import ConnectedAccount, Task, TaskType
from tasks_app.services import holding
from tasks_app.services import workload as service
from tasks_app.services.actions import Conflict, NotOffered, why_not
from tasks_app.services.days import WEEK, Days, monday_of
from tasks_app.services.members import name_of
from tasks_app.services.numbers import number_or_none, number_or_zero
from tasks_app.services.workload import Cell, Taker
from tasks_app.vendors.words import Action

from . import task_acts
from .access import member_required
from .acting import asked_for
from .middleware import TeamRequest
from .toasts import Links

DONE = ("completed", "skipped", "cancelled", "removed")
#: Days offered by a button on the page that moves a task.
OFFERED = 14


@dataclass(frozen=True)
class Slot:
    """A task in its square, in words: a week has hundreds. `said` is what its colour
    says."""

    task: Task
    tone: str
    done: bool
    text: str
    title: str
    said: str
    address: str
    move: str
    version: str
    #: What can be changed of it by dropping it elsewhere: "day", "person", both or ''.
    can: str


@dataclass(frozen=True)
class Square:
    day: date
    cell: Cell
    slots: list[Slot]
    url: str


@dataclass(frozen=True)
class Row:
    """One person's week; `person` is None for nobody and somebody at the vendor."""

    key: str
    person: User | None
    name: str
    squares: list[Square]
    url: str
    #: Overdue since before this week, and the list of exactly those.
    before: int
    before_url: str

    @property
    def open(self) -> int:
        return sum(square.cell.open for square in self.squares)

    @property
    def overdue(self) -> int:
        return sum(square.cell.overdue for square in self.squares)


@require_GET
@member_required
def workload(request: TeamRequest) -> HttpResponse:
    """Show the week of the day in `week`, this one by default."""
    assert request.team and request.membership  # noqa: S101 - wants a member
    days = Days.of(request.team)
    monday = monday_of(read_day(request.GET.get("week", ""), days.today))
    tasks = Task.objects.visible_to(request.user, request.team)
    cells = service.week_of(tasks, days, monday)
    before = service.overdue_before(tasks, days, monday)
    dates = [monday + timedelta(days=number) for number in range(WEEK)]
    keys = {key for key, _ in cells} | before.keys()
    can = Movable.of(request, [t for cell in cells.values() for t in cell.tasks])
    rows = [
        row_of(who, dates, cells, days, before.get(who[0], 0), can)
        for who in people(request, keys)
    ]
    context = {
        "days": days,
        "monday": monday,
        "sunday": dates[-1],
        "number": monday.isocalendar().week,
        "columns": [
            (
                day,
                sum(cell.count for (_, at), cell in cells.items() if at == day),
                day_url(day),
            )
            for day in dates
        ],
        "rows": rows,
        "total": sum(cell.count for cell in cells.values()),
        "overdue_before": sum(before.values()),
        "before": monday - timedelta(days=WEEK),
        "after": monday + timedelta(days=WEEK),
        "is_now": monday == days.monday,
    }
    return render(request, "workload/week.html", context)


def read_day(text: str, today: date) -> date:
    """Return the day that is written here, today where it is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if 1990 <= day.year <= 8000 else today


def people(request: TeamRequest, keys: set[str]) -> list[tuple[str, User | None, str]]:
    """Return whose rows are shown: key, person and name; the team first.

    `keys` are those of who has any task.
    """
    assert request.team and request.membership  # noqa: S101
    members = User.objects.filter(memberships__team=request.team)
    if not request.membership.is_lead:
        members = members.filter(pk=request.user.pk)
    found: list[tuple[str, User | None, str]] = [
        (str(user.pk), user, name_of(user))
        for user in members.order_by("first_name", "last_name", "username")
    ]
    found.append(("none", None, "Unassigned"))
    if "elsewhere" in keys:
        found.append(("elsewhere", None, "Somebody at the vendor"))
    known = {key for key, _, _ in found}
    gone = keys - known
    for user in User.objects.filter(pk__in=gone).order_by("username"):
        found.append((str(user.pk), user, name_of(user)))
    return found


def row_of(
    who: tuple[str, User | None, str],
    dates: list[date],
    cells: dict[service.Place, Cell],
    days: Days,
    before: int,
    can: Movable,
) -> Row:
    key, person, name = who
    squares = []
    for day in dates:
        cell = cells.get((key, day)) or Cell()
        slots = [slot_of(task, days, can) for task in cell.tasks]
        squares.append(Square(day, cell, slots, f"{day_url(day)}&assignee={key}"))
    span = f"due_from={dates[0]}&due_to={dates[-1]}"
    url = f"{reverse('task-list')}?{span}&assignee={key}"
    last = dates[0] - timedelta(days=1)
    late = f"{reverse('task-list')}?due=overdue&due_to={last}&assignee={key}"
    return Row(key, person, name, squares, url, before, late)


def day_url(day: date) -> str:
    return f"{reverse('task-list')}?due_from={day}&due_to={day}"


class Movable:
    """What can be changed of tasks in the week, asked once for each kind of task."""

    def __init__(
        self, accounts: dict[int, ConnectedAccount], types: dict[int, TaskType]
    ) -> None:
        self.accounts, self.types = accounts, types
        self.adapters = {
            pk: task_acts.adapter_of(account) for pk, account in accounts.items()
        }
        self.known: dict[tuple[object, ...], str] = {}

    @classmethod
    def of(cls, request: TeamRequest, tasks: list[Task]) -> Movable:
        """Return it for these tasks, by two queries."""
        assert request.team is not None  # noqa: S101
        accounts = ConnectedAccount.objects.filter(team=request.team)
        ids = {task.account_id for task in tasks}
        types = TaskType.objects.filter(account__team=request.team)
        return cls(
            accounts.filter(pk__in=ids).defer("credentials").in_bulk(),
            types.filter(pk__in={task.type_id for task in tasks}).in_bulk(),
        )

    def words(self, task: Task) -> str:
        kind = (task.account_id, task.type_id, task.delivery, task.status)
        if kind not in self.known:
            task.account = self.accounts[task.account_id]
            task.type = self.types[task.type_id]
            adapter = self.adapters[task.account_id]
            day = "" if service.day_action(task, adapter)[1] else "day"
            no_person = why_not(task, Action.REASSIGN, adapter)
            self.known[kind] = f"{day} {'' if no_person else 'person'}".strip()
        return self.known[kind]


def slot_of(task: Task, days: Days, can: Movable) -> Slot:
    tone = said = ""
    done = task.status in DONE
    if task.status == Task.Status.NO_SHOW:
        tone, said = "amber", "no show"
    elif task.delivery == Task.Delivery.FAILED:
        tone, said = "red", "delivery failed"
    elif task.status in Task.UNFINISHED and task.due_sort < days.now:
        tone, said = "red", "overdue"
    elif done:
        said = task.get_status_display().lower()
    at = task.due_at or (None if task.due_on else task.starts_at)
    time = f"{at.astimezone(days.team.zone):%H:%M} " if at else ""
    who = task.prospect
    text = (who.company or str(who)) if who else (task.known_there_as or task.title)
    return Slot(
        task=task,
        tone=tone,
        done=done,
        text=time + text,
        title=f"{task.title} · {who}" if who else task.title,
        said=said,
        address=reverse("task-detail", args=[task.pk]),
        move="" if done else reverse("workload-move", args=[task.pk]),
        version=str(task.version),
        can="" if done else can.words(task),
    )


@require_http_methods(["GET", "POST"])
@member_required
def workload_move(request: TeamRequest, task_id: int) -> HttpResponse:
    """Move one task to another day or person, or say why that cannot be."""
    assert request.team and request.membership  # noqa: S101
    tasks = Task.objects.visible_to(request.user, request.team).for_list()
    task = get_object_or_404(tasks, pk=task_id)
    is_lead = request.membership.is_lead
    takers = service.takers_for(task, request.user, is_lead=is_lead)
    today = request.team.today()
    error = ""
    if request.method == "POST":
        known = number_or_none(request.POST.get("version", ""))
        try:
            sentence, undo = move(request, task, takers, known)
        except (NotOffered, Conflict) as no:
            error = str(no)
        else:
            messages.success(request, sentence, extra_tags=str(Links(undo)))
            return redirect(in_its_week(task))
    end = task.due_sort.astimezone(request.team.zone)
    adapter = task_acts.adapter_of(task.account)
    action, not_day = service.day_action(task, adapter)
    snoozes = action == Action.SNOOZE
    context = {
        "task": task,
        "error": error,
        "not_day": not_day,
        "snoozes": snoozes,
        "note": moving_note(task, snoozes=snoozes),
        "not_person": why_not(task, Action.REASSIGN, adapter),
        "here_only": holding.only_here(adapter, task.type.code),
        "where": holding.where(adapter),
        "takers": takers,
        "offered": [
            (number, today + timedelta(days=number))
            for number in range(1 if snoozes else 0, OFFERED)
        ],
        "day": end.date() if end.year < 9000 else today,
        "first": today + timedelta(days=1) if snoozes else None,
        "version": task.version,
        "now": timezone.now(),
    }
    status = 422 if error else 200
    return render(request, "workload/move.html", context, status=status)


def in_its_week(task: Task) -> str:
    """Return the address of the day and person where this task stands now.

    Not its own: of a full day some tasks are only counted.
    """
    task.refresh_from_db(fields=["due_sort", "assignee", "vendor_user"])
    day = task.due_sort.astimezone(task.team.zone).date()
    away = task.vendor_user_id is not None
    who = service.key_of(task.assignee_id, away=away)
    return reverse("workload", query={"week": day}, fragment=f"at-{who}-{day}")


def move(
    request: TeamRequest,
    task: Task,
    takers: list[Taker],
    version: int | None,
) -> tuple[str, str]:
    """Do what the form says; return the sentence for it, and where it is undone.

    `day` and `person` come from the page, `who` (the key of a row) where a task was
    dropped in the week.
    """
    data, account = request.POST, task.account
    vendor = account.adapter_class.name
    taker, day = None, None
    if "person" in data:
        taker = next((t for t in takers if str(t.pk) == data["person"]), None)
        if taker is None:
            raise NotOffered("Choose who shall have it.")
    elif data.get("who"):
        who = data["who"]
        taker = next((t for t in takers if t.user and str(t.user.pk) == who), None)
        if taker is None:
            raise NotOffered(
                f"{account.name} has no such person for it. Choose one of those below."
            )
    if data.get("day") or taker is None:
        try:
            day = date.fromisoformat(data.get("day", ""))
        except ValueError:
            day = None
        if day is None or not 1990 <= day.year <= 8000:
            raise NotOffered("Choose a day.")
    moved = service.move(task, day=day, taker=taker, by=request.user, version=version)
    parts = [f"goes to {taker}"] if taker else []
    if day is not None:
        words = f"{day:%A} {day.day} {day:%B}"
        parts.append(f"moves to {words}" if moved.whole else f"starts on {words}")
    if moved.until is not None:
        parts[-1] = f"is snoozed until {words}, {moved.until:%H:%M}"
    sentence = f"“{task.title}” {' and '.join(parts)}."
    if moved.pushes:
        sentence += f" {vendor} is told in a few seconds."
    if not moved.whole:
        sentence += f" Its end stays: {vendor} has no call that moves it."
    undo = reverse("workload-undo", args=[task.pk])
    parts_of = [("push", push.pk) for push in moved.pushes]
    if moved.handed is not None:
        parts_of.append(("handed", moved.handed.pk))
    return sentence, f"{undo}?{urlencode(parts_of)}"


@require_POST
@member_required
def workload_undo(request: TeamRequest, task_id: int) -> HttpResponse:
    """Take a move back: day and person together, as they were asked for."""
    ids = [number_or_zero(text) for text in request.GET.getlist("push")[:2]]
    pushes = list(asked_for(request, task_id).filter(pk__in=ids))
    handed = number_or_zero(request.GET.get("handed", ""))
    task = get_object_or_404(Task.objects.filter(team=request.team), pk=task_id)
    if len(pushes) != len(ids) or not (pushes or handed):
        raise Http404
    if service.take_back(task, pushes, str(handed or ""), by=request.user):
        sent = " Nothing was sent." if pushes else ""
        messages.info(request, f"Undone: “{task.title[:80]}”.{sent}")
    else:
        name = task.account.get_vendor_display()
        why = f"it is on its way to {name}, or was changed since"
        messages.warning(request, f"Not undone: {why}.")
    return redirect(in_its_week(task))


def moving_note(task: Task, *, snoozes: bool) -> str:
    """Return how the vendor moves it, where that is not what one would expect."""
    if snoozes:
        name = task.account.adapter_class.name
        return f"{name} moves no dates. Snoozed until a day, it is due then."
    capability = task.account.adapter_class.capabilities.get(Action.RESCHEDULE)
    return capability.note if capability else ""
