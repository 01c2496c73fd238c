"""Where the form of a prospect was opened from: a page with tasks that failed."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from tasks_app.models import Batch, ConnectedAccount
from tasks_app.services.numbers import number_or_zero

from .middleware import TeamRequest
from .tasks import visible


@dataclass(frozen=True)
class Origin:
    """A page to go back to, the one above it, and the account its tasks are for."""

    account: ConnectedAccount
    title: str
    url: str
    above: str
    above_url: str


def origin_of(request: TeamRequest) -> Origin | None:
    """Return the page that the address names: a batch, or failures seen from Today."""
    asked = request.GET
    if batch_id := number_or_zero(asked.get("batch", "")):
        return batch_page(request, batch_id)
    if task_id := number_or_zero(asked.get("failed", "")):
        return failures_page(request, task_id)
    return None


def batch_page(request: TeamRequest, batch_id: int) -> Origin | None:
    assert request.team is not None  # noqa: S101 - leads have a team
    rows = Batch.objects.filter(team=request.team).select_related("account")
    batch = rows.defer("left_out", "account__credentials").filter(pk=batch_id).first()
    if batch is None:
        return None
    url = reverse("batch-detail", args=[batch.pk])
    return Origin(batch.account, batch.title, url, "Batches", reverse("batch-list"))


def failures_page(request: TeamRequest, task_id: int) -> Origin | None:
    rows = visible(request).select_related("account").defer("account__credentials")
    task = rows.filter(pk=task_id).first()
    if task is None:
        return None
    url = reverse("today-failed", args=[task.pk])
    url += "?who=me" if request.GET.get("who") == "me" else ""
    title = f"Failed in {task.account.name}"
    return Origin(task.account, title, url, "Today", reverse("today"))
