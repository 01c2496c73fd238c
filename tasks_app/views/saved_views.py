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
from .saved_view_links import address_of, view_links

#: A longer filter nobody keeps.
LONGEST = 4000


def read_query(request: TeamRequest, data: QueryDict) -> TaskFilter:
    return TaskFilter(data, choices_of(request, data))


def changeable_view(request: TeamRequest, view_id: int) -> SavedView:
    assert request.membership is not None  # noqa: S101
    return get_object_or_404(changeable_views(request.membership), pk=view_id)


def back_to(place: str) -> HttpResponse:
    """Go to the list of views; what has this id there gets the focus."""
    return redirect(reverse("saved-view-list", fragment=place))


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
    """Change a view's name and place; with a filter in the address, that too.

    `query` holds such a filter, in the address and in the form.
    """
    view = changeable_view(request, view_id)
    given = (request.POST if request.method == "POST" else request.GET).get("query")
    data = QueryDict(view.query if given is None else given[:LONGEST])
    if request.method == "POST":
        return save(request, view, data, anew=given is not None)
    return form(request, view, read_query(request, data), anew=given is not None)


def save(
    request: TeamRequest,
    view: SavedView | None,
    data: QueryDict,
    *,
    anew: bool = False,
) -> HttpResponse:
    """Keep what was typed; the filter of a view that is there only if asked `anew`."""
    assert request.membership is not None  # noqa: S101
    task_filter = read_query(request, data)
    name = request.POST.get("name", "")
    new = view is None or anew
    try:
        saved = save_view(
            request.membership,
            view,
            name=name,
            query=task_filter.asked if new else None,
            shared="shared" in request.POST,
            pinned="pinned" in request.POST,
        )
    except NotSaved as refused:
        return form(request, view, task_filter, anew=anew, error=str(refused))
    done = "shows this now" if anew else "is saved"
    messages.success(request, f"“{saved.name}” {done}.")
    return redirect(address_of(saved)) if new else back_to(f"change-{saved.pk}")


def form(
    request: TeamRequest,
    view: SavedView | None,
    task_filter: TaskFilter,
    *,
    anew: bool = False,
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
    context = {
        "view": view,
        "filter": task_filter,
        "typed": typed,
        "anew": anew,
        "before": read_query(request, QueryDict(view.query)) if view and anew else None,
        "back": address_of(view) if view and anew else "",
        "error": error,
    }
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
    return back_to(f"pin-{view.pk}")


@require_http_methods(["GET", "POST"])
@member_required
def saved_view_delete(request: TeamRequest, view_id: int) -> HttpResponse:
    """Ask whether a view is to go, and for whom it goes; asked by POST, delete it."""
    view = changeable_view(request, view_id)
    if request.method == "GET":
        task_filter = read_query(request, QueryDict(view.query))
        context = {"view": view, "filter": task_filter}
        return render(request, "saved_views/delete.html", context)
    view.delete()
    messages.success(request, f"“{view.name}” is deleted. Its tasks are untouched.")
    return back_to("main")
