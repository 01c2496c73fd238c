"""The week by person: who has how much on which day, and moving a task elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from tasks_app.models import Task, VendorUser
from tasks_app.services import workload as service
from tasks_app.services.actions import Conflict, NotOffered
from tasks_app.services.days import WEEK, Days, monday_of
from tasks_app.services.workload import Cell
from tasks_app.vendors.words import Action

from .access import member_required
from .middleware import TeamRequest

DONE = ("completed", "skipped", "cancelled", "removed")
#: Days offered by a button on the page that moves a task.
OFFERED = 14


@dataclass(frozen=True)
class Slot:
    task: Task
    tone: str
    done: bool
    time: str
    text: str


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
    dates = [monday + timedelta(days=number) for number in range(WEEK)]
    rows = [row_of(who, dates, cells, days) for who in people(request, cells)]
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


def people(
    request: TeamRequest, cells: dict[service.Place, Cell]
) -> list[tuple[str, User | None, str]]:
    """Return whose rows are shown: key, person and name; the team first."""
    assert request.team and request.membership  # noqa: S101
    members = User.objects.filter(memberships__team=request.team)
    if not request.membership.is_lead:
        members = members.filter(pk=request.user.pk)
    found: list[tuple[str, User | None, str]] = [
        (str(user.pk), user, user.get_full_name() or user.get_username())
        for user in members.order_by("first_name", "last_name", "username")
    ]
    found.append(("none", None, "Unassigned"))
    if any(key == "elsewhere" for key, _ in cells):
        found.append(("elsewhere", None, "Somebody at the vendor"))
    known = {key for key, _, _ in found}
    gone = {key for key, _ in cells} - known
    for user in User.objects.filter(pk__in=gone).order_by("username"):
        found.append((str(user.pk), user, user.get_full_name() or user.get_username()))
    return found


def row_of(
    who: tuple[str, User | None, str],
    dates: list[date],
    cells: dict[service.Place, Cell],
    days: Days,
) -> Row:
    key, person, name = who
    squares = []
    for day in dates:
        cell = cells.get((key, day)) or Cell()
        slots = [slot_of(task, days) for task in cell.tasks]
        squares.append(Square(day, cell, slots, f"{day_url(day)}&assignee={key}"))
    span = f"due_from={dates[0]}&due_to={dates[-1]}"
    url = f"{reverse('task-list')}?{span}&assignee={key}"
    return Row(key, person, name, squares, url)


def day_url(day: date) -> str:
    return f"{reverse('task-list')}?due_from={day}&due_to={day}"


def slot_of(task: Task, days: Days) -> Slot:
    tone = ""
    if task.status == Task.Status.NO_SHOW:
        tone = "amber"
    elif task.delivery == Task.Delivery.FAILED or (
        task.status in Task.UNFINISHED and task.due_sort < days.now
    ):
        tone = "red"
    at = task.due_at or (None if task.due_on else task.starts_at)
    time = f"{at.astimezone(days.team.zone):%H:%M}" if at else ""
    who = task.prospect
    text = (who.company or str(who)) if who else (task.known_there_as or task.title)
    return Slot(task, tone, task.status in DONE, time, text)


@require_http_methods(["GET", "POST"])
@member_required
def workload_move(request: TeamRequest, task_id: int) -> HttpResponse:
    """Move one task to another day or person, or say why that cannot be."""
    assert request.team and request.membership  # noqa: S101
    tasks = Task.objects.visible_to(request.user, request.team).for_list()
    task = get_object_or_404(tasks, pk=task_id)
    is_lead = request.membership.is_lead
    holders = service.holders_for(task, request.user, is_lead=is_lead)
    today = request.team.today()
    error = ""
    if request.method == "POST":
        version = request.POST.get("version", "")
        known = int(version) if version.isdecimal() and len(version) < 10 else None
        try:
            done = move(request, task, holders, known)
        except (NotOffered, Conflict) as no:
            error = str(no)
        else:
            messages.success(request, done)
            task.refresh_from_db(fields=["due_sort"])
            week = task.due_sort.astimezone(request.team.zone).date()
            return redirect(f"{reverse('workload')}?week={week}")
    end = task.due_sort.astimezone(request.team.zone)
    context = {
        "task": task,
        "error": error,
        "not_day": service.refused(task, Action.RESCHEDULE),
        "note": moving_note(task),
        "not_person": service.refused(task, Action.REASSIGN),
        "holders": holders,
        "offered": [today + timedelta(days=number) for number in range(OFFERED)],
        "day": end.date() if end.year < 9000 else today,
        "version": task.version,
        "now": timezone.now(),
    }
    status = 422 if error else 200
    return render(request, "workload/move.html", context, status=status)


def move(
    request: TeamRequest,
    task: Task,
    holders: list[VendorUser],
    version: int | None,
) -> str:
    """Do what the form says and return the sentence for it.

    `day` and `person` come from the page, `who` (the key of a row) where a task was
    dropped in the week.
    """
    data, account = request.POST, task.account
    vendor = account.adapter_class.name
    holder, day = None, None
    if "person" in data:
        holder = next((h for h in holders if str(h.pk) == data["person"]), None)
        if holder is None:
            raise NotOffered("Choose who shall have it.")
    elif data.get("who"):
        holder = next(
            (h for h in holders if h.user_id and str(h.user_id) == data["who"]), None
        )
        if holder is None:
            raise NotOffered(
                f"{account.name} has no such person for it. Choose one of those below."
            )
    if data.get("day") or holder is None:
        try:
            day = date.fromisoformat(data.get("day", ""))
        except ValueError:
            day = None
        if day is None or not 1990 <= day.year <= 8000:
            raise NotOffered("Choose a day.")
    whole = service.move(task, day=day, holder=holder, by=request.user, version=version)
    parts = [f"goes to {holder}"] if holder else []
    if day is not None:
        words = f"{day:%A} {day.day} {day:%B}"
        parts.append(f"moves to {words}" if whole else f"starts on {words}")
    sentence = (
        f"“{task.title}” {' and '.join(parts)}. {vendor} is told in a few seconds."
    )
    if whole:
        return sentence
    return f"{sentence} Its end stays: {vendor} has no call that moves it."


def moving_note(task: Task) -> str:
    """Return how the vendor moves it, where that is not what one would expect."""
    capability = task.account.adapter_class.capabilities.get(Action.RESCHEDULE)
    return capability.note if capability else ""
