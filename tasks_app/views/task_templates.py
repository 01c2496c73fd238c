"""Templates of a team: the list, and what a lead changes about one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from tasks_app.models import TaskTemplate
from tasks_app.services import task_templates as service

from .access import lead_required, member_required
from .middleware import TeamRequest
from .toasts import Links


def template_of(request: TeamRequest, template_id: int) -> TaskTemplate:
    """Return the team's template, a deleted one too; 404 for any other."""
    return get_object_or_404(TaskTemplate, team=request.team, pk=template_id)


@require_GET
@member_required
def template_list(request: TeamRequest) -> HttpResponse:
    return show(request)


def show(request: TeamRequest, status: int = 200, **more: object) -> HttpResponse:
    """Show the team's templates with their texts; `more` tells of a refused name."""
    assert request.team is not None  # noqa: S101 - every view here wants a member
    found = service.templates_of(request.team)
    context = {"templates": [(t, first(t, "title"), first(t, "note")) for t in found]}
    return render(request, "tasks/templates.html", context | more, status=status)


def first(template: TaskTemplate, name: str) -> str:
    values = template.values.get(name) or [""]
    return str(values[0])


@require_POST
@lead_required
def template_rename(request: TeamRequest, template_id: int) -> HttpResponse:
    template = template_of(request, template_id)
    typed = request.POST.get("name", "")
    try:
        service.rename(template, typed)
    except service.NotKept as refused:
        error = {"pk": template.pk, "typed": typed, "sentence": str(refused)}
        return show(request, 422, refused=error)
    messages.success(request, f"The template is called “{template}” now.")
    return redirect("task-template-list")


@require_POST
@lead_required
def template_delete(request: TeamRequest, template_id: int) -> HttpResponse:
    template = template_of(request, template_id)
    service.delete(template)
    links = Links(undo=reverse("task-template-restore", args=[template.pk]))
    messages.success(request, f"“{template}” is deleted.", extra_tags=str(links))
    return redirect("task-template-list")


@require_POST
@lead_required
def template_restore(request: TeamRequest, template_id: int) -> HttpResponse:
    try:
        service.take_back(template_of(request, template_id))
    except service.NotKept as refused:
        messages.warning(request, str(refused))
    return redirect("task-template-list")
