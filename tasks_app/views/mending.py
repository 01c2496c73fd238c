"""Mending a task that failed because its account no longer offers what it asks for."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from tasks_app.forms.mending import MendForm
from tasks_app.services import mending
from tasks_app.services.working import MEND

from . import working
from .access import lead_required
from .acting import way_back
from .middleware import TeamRequest
from .tasks import visible


@require_http_methods(["GET", "POST"])
@lead_required
def task_mend(request: TeamRequest, task_id: int) -> HttpResponse:
    """Ask for another type or person, and queue the task with it."""
    tasks = visible(request)
    task = get_object_or_404(tasks.for_list(), pk=task_id)
    back = way_back(request, reverse("task-detail", args=[task_id]))
    if not mending.is_mendable(task):
        messages.info(request, "There is nothing to mend: it stands otherwise by now.")
        return redirect(back)
    same = mending.alike(task, tasks)
    form = MendForm(task, same.count() - 1, request.POST or None)
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)  # noqa: S101
        rows = same if form.cleaned_data.get("alike") else tasks.filter(pk=task.pk)
        count = mending.mend(rows, form.cleaned_data["chosen"], by=request.user)
        words = "1 task is" if count == 1 else f"{count:,} tasks are"
        working.note_sent(request, task_id, MEND)
        messages.success(request, f"{words} back in the queue.")
        return redirect(back)
    what = mending.MENDABLE[task.delivery_kind]
    return render(
        request,
        "tasks/mend.html",
        {
            "task": task,
            "form": form,
            "what": what,
            "back": back,
            "next": way_back(request, ""),
            "work_id": working.named_work(request),
        },
        status=422 if form.errors else 200,
    )
