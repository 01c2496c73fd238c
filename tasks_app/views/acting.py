"""What people ask to be done to one task: the forms, asking, taking back, looking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import reswap, trigger_client_event

from tasks_app.forms.acting import ActForm
from tasks_app.models import Push, Task, TaskEvent
from tasks_app.services import actions, holding
from tasks_app.services.actions import Conflict, NotOffered
from tasks_app.services.members import name_of
from tasks_app.services.numbers import number_or_none, number_or_zero
from tasks_app.services.preferences import columns_of
from tasks_app.vendors.words import Action

from . import task_acts, watching, working
from .access import member_required
from .context import preference
from .middleware import TeamRequest
from .neighbours import filter_of, list_address, list_query
from .tasks import live_counts, visible
from .toasts import Links

#: Rows that a list looks after at once.
MOST_WATCHED = 100


def task_of(request: TeamRequest, task_id: int) -> Task:
    tasks = visible(request).for_list().prefetch_related("pushes")
    return get_object_or_404(tasks, pk=task_id)


def way_back(request: TeamRequest, otherwise: str) -> str:
    """Return where a form wants to lead to, if that is a page of ours."""
    data = request.POST if request.method == "POST" else request.GET
    address = data.get("next", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()})
    return address if ours and address.startswith("/") else otherwise


def with_list(address: str, query: str | None) -> str:
    """Return the address with the list it was opened from."""
    if query is None:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'in': query})}"


def in_frame(request: TeamRequest) -> bool:
    """Whether only a part of the page is asked for: of the side panel or the menu."""
    return bool(request.htmx) and request.htmx.target in ("task-drawer", "row-menu")


@require_http_methods(["GET", "POST"])
@member_required
@vary_on_headers("HX-Request", "HX-Target")
def task_act(request: TeamRequest, task_id: int) -> HttpResponse:
    """Show what can be asked for, or one form (GET); ask for it (POST).

    422 with a sentence for what is missing or not offered, 409 where the task changed
    since the page was made; typed text is kept in both.
    """
    assert request.team is not None  # noqa: S101
    task = task_of(request, task_id)
    data = request.POST if request.method == "POST" else request.GET
    name = data.get("action", "")
    if name not in task_acts.NAMES:
        status = 422 if request.method == "POST" else 200
        error = "Choose what is to be done." if request.method == "POST" else ""
        return menu(request, task, error=error, status=status)
    action, adapter = Action(name), task_acts.adapter_of(task.account)
    if request.method == "GET":
        reason = actions.why_not(task, action, adapter)
        if reason:
            return menu(request, task, error=reason, status=200)
        form = ActForm(task, action, adapter, request.team)
        return asking(request, task, form)
    form = ActForm(task, action, adapter, request.team, data=request.POST)
    if not form.is_valid():
        return asking(request, task, form, status=422)
    version = number_or_none(request.POST.get("version", ""))
    page = task_acts.as_seen(task, request.POST.get("seen", ""))
    try:
        if form.here_only:
            to = form.values["assignee"]
            event = actions.hand_over(page, to, by=request.user, version=version)
            return after_handing(request, task, to, event)
        push = actions.ask(page, action, form.values, by=request.user, version=version)
    except NotOffered as error:
        return asking(request, task, form, error=str(error), status=422)
    except Conflict as error:
        task = task_of(request, task_id)
        return asking(request, task, form, conflict=error, status=409)
    return after_asking(request, task, action, push)


def menu(
    request: TeamRequest, task: Task, *, error: str = "", status: int = 200
) -> HttpResponse:
    assert request.team is not None  # noqa: S101
    context = frame(request, task) | {
        "acts": task_acts.acts(task, request.team),
        "cannot": task_acts.cannot(task),
        "error": error,
    }
    part = "#menu" if in_frame(request) else ""
    return render(request, f"tasks/actions/menu.html{part}", context, status=status)


def asking(
    request: TeamRequest,
    task: Task,
    form: ActForm,
    *,
    error: str = "",
    conflict: Conflict | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show one form, with what was typed and what stands against it."""
    assert request.team is not None  # noqa: S101
    moved = conflict.differences if conflict else ()
    plain = "" if moved else str(conflict) if conflict else ""
    context = frame(request, task) | {
        "act": task_acts.Act(form.action, form),
        "error": error or plain,
        "conflict": bool(conflict),
        "differences": task_acts.differences(moved, request.team),
    }
    part = "#form" if in_frame(request) else ""
    return render(request, f"tasks/actions/form.html{part}", context, status=status)


def frame(request: TeamRequest, task: Task) -> dict[str, Any]:
    """Return what every form for this task travels with."""
    query = list_query(request)
    target = request.htmx.target if in_frame(request) else ""
    return {
        "task": task,
        "seen": task_acts.seen_of(task),
        "in_list": query,
        "target": target,
        "next": way_back(request, ""),
        "work_id": working.named_work(request),
        "back": way_back(
            request, with_list(reverse("task-detail", args=[task.pk]), query)
        ),
    }


def after_asking(
    request: TeamRequest, task: Task, action: Action, push: Push | None
) -> HttpResponse:
    working.note_done(request, task.pk, action.value, push)
    extra = ""
    if push is not None:
        word = task_acts.WORDS[action][3]
        sentence = f"{word}: “{task.title[:80]}”."
        undo = reverse("task-undo", args=[task.pk, push.pk])
        extra = undo_links(request, task, undo)
    else:
        sentence = f"Taken back: “{task.title[:80]}”. It is not sent."
    messages.success(request, sentence, extra_tags=extra)
    return answer(request, task.pk)


def undo_links(request: TeamRequest, task: Task, undo: str) -> str:
    """Return what a message offers beside its words, once something was asked for."""
    back = way_back(request, "")
    if back.startswith(reverse("task-work")):
        back = working.place_of(request, task.pk) or back
    return str(Links(undo, back, list_query(request)))


def after_handing(
    request: TeamRequest, task: Task, to: User, event: TaskEvent
) -> HttpResponse:
    working.note_done(request, task.pk, Action.REASSIGN)
    undo = reverse("task-hand-back", args=[task.pk, event.pk])
    if work_id := working.named_work(request):
        undo += f"?work={work_id}"
    sentence = f"“{task.title[:80]}” is with {name_of(to)} now."
    messages.success(request, sentence, extra_tags=undo_links(request, task, undo))
    return answer(request, task.pk)


@require_POST
@member_required
def task_hand_back(request: TeamRequest, task_id: int, event_id: int) -> HttpResponse:
    """Give a task back to whom it was with in Baton; only who handed it over can."""
    assert request.team is not None  # noqa: S101
    event = get_object_or_404(
        TaskEvent.objects.filter(task__team=request.team, task_id=task_id),
        pk=event_id,
        kind=holding.KIND,
        actor=request.user,
    )
    former = {task_id: event.old}
    if holding.give_back(former, event.new, by=request.user, team=request.team):
        working.note_undone(request, task_id)
        messages.info(request, "Undone. It is with whom it was before.")
    else:
        messages.warning(request, "Not undone. It was handed on or finished since.")
    return answer(request, task_id)


def answer(request: TeamRequest, task_id: int) -> HttpResponse:
    """Lead on after a change: the part that htmx asked for, or a page."""
    query = list_query(request)
    still = visible(request).filter(pk=task_id).exists()
    if request.htmx:
        response = reswap(parts(request, [task_id]), "none")
        name = "task-changed" if still else "task-left"
        return trigger_client_event(response, name, {"task": task_id})
    here = with_list(reverse("task-detail", args=[task_id]), query)
    return redirect(way_back(request, here if still else list_address(query)))


def parts(request: TeamRequest, task_ids: list[int]) -> HttpResponse:
    """Return rows of the list after a change, out of band, and who looks after them."""
    task_ids = on_page(request, task_ids)
    tasks = rows_of(request, task_ids)
    context = row_parts(request, tasks) | watching.watch(tasks.values())
    context |= {
        "left": [pk for pk in task_ids if pk not in tasks],
        "watch": True,
        **counts_of(request),
    }
    return render(request, "tasks/actions/parts.html", context)


def on_page(request: TeamRequest, task_ids: list[int]) -> list[int]:
    """Return those of these whose rows the page has; all where it does not say which."""
    said = request.headers.get("Baton-Rows")
    if said is None:
        return task_ids
    rows = set(said.split(","))
    return [pk for pk in task_ids if str(pk) in rows]


def rows_of(request: TeamRequest, task_ids: list[int]) -> dict[int, Task]:
    """Return those of these that this person sees."""
    rows = visible(request).for_list().filter(pk__in=task_ids[:MOST_WATCHED])
    return {task.pk: task for task in rows}


def row_parts(request: TeamRequest, tasks: Mapping[int, Task]) -> dict[str, Any]:
    return {
        "tasks": list(tasks.values()),
        "columns": columns_of(preference(request)),
        "list_query": list_query(request) or "",
    }


def counts_of(request: TeamRequest) -> dict[str, Any]:
    """Return what the list on the screen counts now, nothing where there is none."""
    address = urlsplit(request.htmx.current_url_abs_path or "")
    data = QueryDict(address.query)
    query = address.query if address.path == reverse("task-list") else data.get("in")
    if query is None:
        return {}
    return {"counts": live_counts(visible(request), filter_of(request, query))}


def asked_for(request: TeamRequest, task_id: int) -> QuerySet[Push]:
    """Return what was asked for on this task, as far as this person may take it back."""
    mine = TaskEvent.objects.filter(task_id=task_id, actor=request.user, new="asked")
    pushes = Push.objects.filter(account__team=request.team, task_id=task_id)
    return pushes.exclude(kind=Push.Kind.CREATE).filter(
        Q(task__in=visible(request)) | Q(task__in=mine.values("task"))
    )


@require_POST
@member_required
def task_undo(request: TeamRequest, task_id: int, push_id: int) -> HttpResponse:
    """Take an action back before it leaves; who asked for it may do so, too."""
    push = get_object_or_404(asked_for(request, task_id), pk=push_id)
    if actions.undo(push, by=request.user):
        messages.info(request, "Undone. Nothing was sent.")
    else:
        name = push.account.get_vendor_display()
        push.refresh_from_db(fields=["state"])
        queued = push.state == Push.State.QUEUED
        why = (
            "Something else was asked for since."
            if queued
            else f"Too late: it is on its way to {name}, or there already."
        )
        messages.warning(request, f"Not undone. {why}")
    return answer(request, task_id)


@require_GET
@member_required
@vary_on_headers("HX-Request")
def task_state(request: TeamRequest, task_id: int) -> HttpResponse:
    """Tell how the last action stands. Once it is settled, or the task came further on
    its way to the vendor, the page is read again."""
    task = task_of(request, task_id)
    if not request.htmx:
        return redirect("task-detail", task_id)
    looks = number_or_zero(request.GET.get("looks", ""))
    came_on = request.GET.get("as") not in (None, watching.delivery_mark(task))
    if came_on or not watching.is_moving(task):
        response = HttpResponse()
        return trigger_client_event(response, "task-changed", {"task": task.pk})
    return render(
        request,
        "tasks/actions/state.html",
        task_acts.state_context(request, task, looks),
    )


@require_GET
@member_required
@vary_on_headers("HX-Request")
def task_rows(request: TeamRequest) -> HttpResponse:
    """Return those of the watched rows that changed, and who looks after them next.

    The counts around them come along when all is settled or the looks are few: they
    cost more than the rows.
    """
    if not request.htmx:
        return redirect("task-list")
    ids = [number_or_zero(text) for text in request.GET.get("ids", "").split(",")]
    seen = dict(zip(ids, request.GET.get("as", "").split(","), strict=False))
    tasks = rows_of(request, [pk for pk in ids if pk])
    changed = {
        pk: task for pk, task in tasks.items() if seen.get(pk) != watching.mark_of(task)
    }
    left = [pk for pk in ids[:MOST_WATCHED] if pk and pk not in tasks]
    looks = number_or_zero(request.GET.get("looks", ""))
    if changed:
        looks = min(looks, watching.EARLY)
    watch = watching.watch(tasks.values(), looks)
    context = row_parts(request, changed) | watch | {"left": left, "watch": False}
    if (changed or left) and watch["every"] != watching.PATIENCE[0][1]:
        context |= counts_of(request)
    return render(request, "tasks/actions/parts.html", context)
