"""What a lead does about one task's way to its vendor: retry, take back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from tasks_app.models import Task
from tasks_app.services import delivery
from tasks_app.services.working import RETRY, WITHDRAW

from . import working
from .access import lead_required
from .acting import answer
from .middleware import TeamRequest
from .tasks import visible


@require_POST
@lead_required
def task_retry(request: TeamRequest, task_id: int) -> HttpResponse:
    """Put a failed task back into the queue."""
    one = visible(request).filter(pk=task_id)
    task = get_object_or_404(one.select_related("batch"))
    if delivery.retry_failed(one, by=request.user):
        turn = "It goes out with its next turn."
        if task.batch and task.batch.paused_at:
            turn = "It goes out when its batch goes on, which is paused."
        working.note_sent(request, task_id, RETRY)
        messages.success(request, f"Back in the queue. {turn}")
    else:
        messages.warning(request, f"Not retried: it {stands(task)} by now.")
    return answer(request, task_id)


@require_POST
@lead_required
def task_withdraw(request: TeamRequest, task_id: int) -> HttpResponse:
    """Take a task back that has not been sent."""
    one = visible(request).filter(pk=task_id)
    task = get_object_or_404(one)
    if delivery.withdraw(one, by=request.user):
        working.note_done(request, task_id, WITHDRAW)
        messages.success(request, "Taken back. It will not be sent.")
    else:
        messages.warning(request, f"Not taken back: it {stands(task)} by now.")
    return answer(request, task_id)


def stands(task: Task) -> str:
    task.refresh_from_db(fields=["delivery"])
    return f"is “{task.get_delivery_display().lower()}”"
