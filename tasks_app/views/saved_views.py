"""Saved views: keep the filter of the list, name it, pin it, share it, drop it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tasks_app.filters import TaskFilter
from tasks_app.models import SavedView
from tasks_app.services.saved_views import NotSaved, changeable_views, save_view

from .access import member_required
from .chosen_from import choices_of
from .middleware import TeamRequest
from .saved_view_links import view_links


def read_query(request: TeamRequest, data: QueryDict) -> TaskFilter:
    return TaskFilter(data, choices_of(request, data))


def changeable_view(request: TeamRequest, view_id: int) -> SavedView:
    assert request.membership is not None  # noqa: S101
    return get_object_or_404(changeable_views(request.membership), pk=view_id)


@require_GET
@member_required
def saved_view_list(request: TeamRequest) -> HttpResponse:
    """Show one's own views and those that the team shares."""
    assert request.membership is not None  # noqa: S101
    links = view_links(request, request.membership, pinned_only=False)
    return render(request, "saved_views/list.html", {"links": links})


@require_http_methods(["GET", "POST"])
@member_required
def saved_view_new(request: TeamRequest) -> HttpResponse:
    """Name the filter of the address and keep it."""
    if request.method == "POST":
        return save(request, None, QueryDict(request.POST.get("query", "")))
    return form(request, None, read_query(request, request.GET))


@require_http_methods(["GET", "POST"])
@member_required
def saved_view_edit(request: TeamRequest, view_id: int) -> HttpResponse:
    view = changeable_view(request, view_id)
    data = QueryDict(view.query)
    if request.method == "POST":
        return save(request, view, data)
    return form(request, view, read_query(request, data))


def save(request: TeamRequest, view: SavedView | None, data: QueryDict) -> HttpResponse:
    assert request.membership is not None  # noqa: S101
    task_filter = read_query(request, data)
    name = request.POST.get("name", "")
    try:
        saved = save_view(
            request.membership,
            view,
            name=name,
            query=task_filter.query() if view is None else None,
            shared="shared" in request.POST,
            pinned="pinned" in request.POST,
        )
    except NotSaved as refused:
        return form(request, view, task_filter, error=str(refused))
    messages.success(request, f"“{saved.name}” is saved.")
    if view is not None:
        return redirect("saved-view-list")
    query = f"?{saved.query}" if saved.query else ""
    return redirect(reverse("task-list") + query)


def form(
    request: TeamRequest,
    view: SavedView | None,
    task_filter: TaskFilter,
    *,
    error: str = "",
) -> HttpResponse:
    """Show the form; what was typed and refused stays in it (422)."""
    typed: dict[str, Any] = {
        "name": view.name if view else "",
        "shared": view.shared if view else False,
        "pinned": view.pinned if view else True,
    }
    if error:
        typed = {
            "name": request.POST.get("name", ""),
            "shared": "shared" in request.POST,
            "pinned": "pinned" in request.POST,
        }
    context = {"view": view, "filter": task_filter, "typed": typed, "error": error}
    status = 422 if error else 200
    return render(request, "saved_views/form.html", context, status=status)


@require_POST
@member_required
def saved_view_pin(request: TeamRequest, view_id: int) -> HttpResponse:
    """Show a view in the sidebar and over the list, or take it from there."""
    view = changeable_view(request, view_id)
    view.pinned = not view.pinned
    view.save(update_fields=["pinned"])
    stands = "stands in the sidebar now" if view.pinned else "is off the sidebar"
    messages.success(request, f"“{view.name}” {stands}.")
    return redirect("saved-view-list")


@require_POST
@member_required
def saved_view_delete(request: TeamRequest, view_id: int) -> HttpResponse:
    view = changeable_view(request, view_id)
    view.delete()
    messages.success(request, f"“{view.name}” is deleted. Its tasks are untouched.")
    return redirect("saved-view-list")
