"""Changing how urgent one task is: the form, doing it, and taking it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from tasks_app.models import Task
from tasks_app.services import many, prioritising

from . import task_acts
from .access import member_required
from .acting import answer, frame, in_frame, task_of, way_back
from .middleware import TeamRequest
from .neighbours import list_query
from .toasts import Links

NAMES = {priority.name.lower(): priority for priority in Task.Priority}


@require_http_methods(["GET", "POST"])
@member_required
@vary_on_headers("HX-Request", "HX-Target")
def task_priority(request: TeamRequest, task_id: int) -> HttpResponse:
    """Show the priorities and where a new one will show (GET); give one (POST).

    422 with a sentence where that is none, or this task's cannot be changed.
    """
    assert request.team is not None  # noqa: S101
    task = task_of(request, task_id)
    if request.method == "GET":
        return choosing(request, task)
    former, given = request.GET.get("former", ""), request.GET.get("given", "")
    if former in NAMES and given in NAMES:
        return take_back(request, task, former, given)
    name = request.POST.get("priority", "")
    if name not in NAMES:
        return choosing(request, task, error="Choose a priority.", status=422)
    wanted = many.Wanted(priority=name)
    asked = many.ask_many(
        [task.pk], many.PRIORITY, wanted, by=request.user, team=request.team
    )
    if not asked.done:
        return choosing(request, task, error=next(iter(asked.skipped)), status=422)
    where = prioritising.where(task, task_acts.adapter_of(task.account))
    words = f"Priority {NAMES[name].label.lower()}: “{task.title[:80]}”. {where}"
    former = Task.Priority(task.priority).name.lower()
    undo = reverse("task-priority", args=[task.pk])
    undo += "?" + urlencode({"former": former, "given": name})
    links = Links(undo, way_back(request, ""), list_query(request))
    messages.success(request, words, extra_tags=str(links))
    return answer(request, task.pk)


def take_back(
    request: TeamRequest, task: Task, former: str, given: str
) -> HttpResponse:
    """Give a task its former priority, if it still has the one it was given."""
    assert request.team is not None  # noqa: S101
    undone = many.undo_priority(
        {task.pk: NAMES[former].value},
        {"priority": given},
        by=request.user,
        team=request.team,
    )
    if undone:
        messages.info(request, f"Undone. Its priority is {former} again.")
    else:
        sentence = "Not undone. It was changed again since, or sent with the new one."
        messages.warning(request, sentence)
    return answer(request, task.pk)


def choosing(
    request: TeamRequest, task: Task, *, error: str = "", status: int = 200
) -> HttpResponse:
    adapter = task_acts.adapter_of(task.account)
    reason = prioritising.why_not(task, adapter)
    context = frame(request, task) | {
        "error": error or reason,
        "can": not reason,
        "where": prioritising.where(task, adapter),
        "priorities": [
            (name, value, value == task.priority) for name, value in NAMES.items()
        ],
    }
    part = "#form" if in_frame(request) else ""
    return render(request, f"tasks/actions/priority.html{part}", context, status=status)
