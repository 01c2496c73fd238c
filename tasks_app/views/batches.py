"""Batches: the list, one batch while it runs, and what a lead does about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from tasks_app.models import ActionRun, Batch
from tasks_app.services import action_runs, batches, pausing, queueing, standstill
from tasks_app.services.csv_writing import csv_lines
from tasks_app.services.mending import is_about_prospect
from tasks_app.services.numbers import number_or_zero

from .access import lead_required, member_required
from .batch_words import due_range, run_row, shares, what_happened
from .middleware import TeamRequest
from .paging import Pages
from .tasks import visible

#: Seconds until the list looks again while something moves.
LOOK_EVERY = 5
TABS = {
    "": "All",
    "running": "Running",
    "needs": "Needs somebody",
    "done": "Done",
}
HEADINGS = (
    "Prospect",
    "E-mail",
    "Company",
    "Delivery",
    "What happened",
    "Id at the vendor",
    "Tries",
)


def own_batches(request: TeamRequest) -> QuerySet[Batch]:
    assert request.team and request.membership  # noqa: S101
    return batches.batches_of(
        request.team, visible(request), sees_all=request.membership.is_lead
    )


@require_GET
@member_required
@vary_on_headers("HX-Request")
def batch_list(request: TeamRequest) -> HttpResponse:
    """Show the team's batches, the newest first, and what runs in the background."""
    assert request.team and request.membership  # noqa: S101
    text = typed(request)
    word = request.GET.get("state", "")
    word = word if word in batches.STANDINGS else ""
    tasks = visible(request)
    found = batches.search(request.team, own_batches(request), tasks, text)
    found = batches.standing(found, tasks, word)
    page = Pages(found, most=batches.MOST).get_page(request.GET.get("page", "1"))
    counts = batches.progress_of_each(list(page), tasks)
    runs = runs_listed(request, word) if not text else []
    moving = any(standing_of(run) == "running" for run in runs) or any(
        counts[b.pk].is_moving and not b.paused_at for b in page
    )
    context = {
        "page": page,
        "rows": [(batch, counts[batch.pk], shares(counts[batch.pk])) for batch in page],
        "runs": [run_row(run) for run in runs],
        "text": text,
        "searched": batches.MOST if text and batches.has_older(request.team) else 0,
        "word": word,
        "tabs": [
            (key, label, address_of(q=text, state=key)) for key, label in TABS.items()
        ],
        "base": address_of(q=text, state=word, ends="&"),
        "address": address_of(
            q=text, state=word, page=str(page.number) if page.number > 1 else ""
        ),
        "every": LOOK_EVERY if moving else 0,
    }
    htmx = request.htmx
    part = "#batches" if htmx and not htmx.history_restore_request else ""
    return render(request, f"batches/list.html{part}", context)


def runs_listed(request: TeamRequest, word: str) -> list[ActionRun]:
    """Return what runs in the background, as far as it stands as this word says."""
    assert request.membership is not None  # noqa: S101
    runs = action_runs.listed_runs(request.membership)
    return [run for run in runs if not word or standing_of(run) == word]


def standing_of(run: ActionRun) -> str:
    if run.ended_at is not None:
        return "done"
    return "needs" if run.stopped_at is not None else "running"


def typed(request: TeamRequest) -> str:
    return request.GET.get("q", "")[:200].replace("\x00", "")


def address_of(*, ends: str = "", **values: str) -> str:
    """Return the query string of what is given, with `ends` behind, '' for nothing."""
    query = urlencode({name: value for name, value in values.items() if value})
    return query + ends if query else ""


@require_GET
@member_required
@vary_on_headers("HX-Request")
def batch_detail(request: TeamRequest, batch_id: int) -> HttpResponse:
    """Show how a batch stands; htmx gets the parts that change while it runs."""
    rows = (
        own_batches(request)
        .defer(None)
        .select_related("account__paused_by", "paused_by")
    )
    batch = get_object_or_404(rows.defer("account__credentials"), pk=batch_id)
    context = standing(request, batch)
    htmx = request.htmx
    part = "#batch-answer" if htmx and not htmx.history_restore_request else ""
    return render(request, f"batches/detail.html{part}", context)


def standing(request: TeamRequest, batch: Batch) -> dict[str, Any]:
    """Return everything that the page of a batch shows."""
    assert request.team and request.membership  # noqa: S101
    tasks = visible(request).filter(batch=batch)
    progress = batches.progress_of(tasks)
    state = request.GET.get("delivery", "")
    state = state if state in batches.STATES else ""
    text = typed(request)
    found = batches.outcomes(tasks, state=state, text=text)
    page = Pages(found, found).get_page(request.GET.get("page", "1"))
    for task in page:
        task.batch = batch  # read once, for all rows
    held = standstill.held_up(batch.account, request.team) if progress.waiting else None
    left, paused = "", batch.paused_at is not None
    turns = {}
    if progress.waiting and not (held or paused):
        turns = standstill.turn_times(batch.account, [task.pk for task in page])
        left = queueing.duration(standstill.seconds_left(batch.account))
    unclear = progress.counts["needs_check"] > 0
    looking = unclear and batches.still_looking(tasks)
    moving = progress.is_moving or looking
    quiet = paused and progress.total == progress.settled + progress.waiting
    number = str(page.number) if page.number > 1 else ""
    work = f"batch={batch.pk}&status=open,in_progress&start=1"
    return {
        "batch": batch,
        "progress": progress,
        "shares": shares(progress),
        "due": due_range(*batches.ends_of(tasks), request.team),
        "page": page,
        "rows": [
            (
                task,
                what_happened(task, batch, request.team, turns.get(task.pk)),
                is_about_prospect(task),
            )
            for task in page
        ],
        "state": state,
        "text": text,
        "states": [
            (name, count, address_of(delivery=name if name != state else "", q=text))
            for name, count in progress.shown
        ],
        "base": address_of(delivery=state, q=text, ends="&"),
        "address": address_of(delivery=state, q=text, page=number),
        "work": work if tasks.unfinished().exists() else "",
        "causes": batches.causes(tasks) if progress.counts["failed"] else [],
        "held": held,
        "paused": paused,
        "looking": looking,
        "left": left,
        "rate": queueing.rate_words(batch.account),
        # A queue that stands still is looked at now and then only.
        "every": (15 if held or quiet else 2) if moving else 0,
        "sees_all": request.membership.is_lead,
    }


@require_POST
@lead_required
def batch_retry(request: TeamRequest, batch_id: int) -> HttpResponse:
    """Put the failed ones back into the queue: all, of one cause, or a single one."""
    batch = get_object_or_404(own_batches(request), pk=batch_id)
    tasks = visible(request).filter(batch=batch)
    if task_id := request.POST.get("task", ""):
        known = task_id.isdecimal() and len(task_id) < 19
        tasks = tasks.filter(pk=task_id if known else 0)
    if "cause" in request.POST:
        tasks = tasks.filter(delivery_error=request.POST["cause"].replace("\x00", ""))
    number = batches.retry(tasks, by=request.user)
    if number:
        words = "1 task is" if number == 1 else f"{number} tasks are"
        more = " The batch is paused: nothing is sent before it goes on."
        paused = more if batch.paused_at else ""
        messages.success(request, f"{words} back in the queue.{paused}")
    else:
        messages.warning(request, "Nothing was retried: none of them is failed by now.")
    return back_at(batch, "outcomes" if task_id else "stat-queued")


@require_POST
@lead_required
def batch_cancel(request: TeamRequest, batch_id: int) -> HttpResponse:
    """Take back what has not been sent yet, but no more than was shown."""
    batch = get_object_or_404(own_batches(request), pk=batch_id)
    tasks = visible(request).filter(batch=batch)
    shown = number_or_zero(request.POST.get("count", ""))
    waiting = batches.progress_of(tasks).waiting
    if waiting > shown:
        more = "1 task waits" if waiting == 1 else f"{waiting:,} tasks wait"
        sentence = f"Nothing was cancelled: {more} by now. Look again, then choose."
        messages.warning(request, sentence)
        return back_at(batch, "stat-queued")
    number = batches.cancel_rest(tasks, by=request.user)
    if number:
        words = "1 task was" if number == 1 else f"{number:,} tasks were"
        ends = "It is" if number == 1 else "They are"
        messages.success(request, f"{words} cancelled. {ends} not sent.")
    else:
        messages.warning(request, "Nothing was taken back: nothing waits any more.")
    return back_at(batch, "stat-queued")


@require_POST
@lead_required
def batch_pause(request: TeamRequest, batch_id: int) -> HttpResponse:
    """Send nothing more of it until somebody lets it go on."""
    batch = get_object_or_404(own_batches(request), pk=batch_id)
    number = pausing.pause(batch, by=request.user)
    if number is None:
        messages.info(request, "It was paused already.")
    else:
        waiting = wait_words(number)
        messages.success(request, f"Paused. {waiting} What is being sent goes on.")
    return back_at(batch, "resume")


@require_POST
@lead_required
def batch_resume(request: TeamRequest, batch_id: int) -> HttpResponse:
    """Let a paused batch go on."""
    batch = get_object_or_404(own_batches(request), pk=batch_id)
    number = pausing.resume(batch, by=request.user)
    if number is None:
        messages.info(request, "It goes on already.")
    else:
        messages.success(request, f"Resumed. {goes_words(number)}")
    return back_at(batch, "pause")


def back_at(batch: Batch, place: str) -> HttpResponse:
    """Lead back to the page of this batch, to what takes the focus there."""
    return redirect(reverse("batch-detail", args=[batch.pk], fragment=place))


def goes_words(number: int) -> str:
    if not number:
        return "Nothing waits just now."
    if number == 1:
        return "1 task goes out in its turn."
    return f"{number:,} tasks go out in their turn."


def wait_words(number: int) -> str:
    if not number:
        return "Nothing waits just now."
    return "1 task waits." if number == 1 else f"{number:,} tasks wait."


@require_GET
@member_required
def batch_export(request: TeamRequest, batch_id: int) -> StreamingHttpResponse:
    """Hand out every prospect's outcome as CSV, those who were left out at the end."""
    batch = get_object_or_404(own_batches(request).defer(None), pk=batch_id)
    response = StreamingHttpResponse(
        csv_lines(export_rows(request, batch)), content_type="text/csv; charset=utf-8"
    )
    name = f"baton-batch-{batch.pk}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def export_rows(request: TeamRequest, batch: Batch) -> Iterator[list[str]]:
    assert request.team and request.membership  # noqa: S101
    yield list(HEADINGS)
    tasks = visible(request).filter(batch=batch)
    for task in batches.outcomes(tasks).iterator(chunk_size=1000):
        person = task.prospect
        yield [
            str(person or ""),
            person.email if person else "",
            person.company if person else "",
            task.get_delivery_display(),
            what_happened(task, batch, request.team),
            task.external_id,
            str(getattr(task, "tries", None) or 0),
        ]
    if request.membership.is_lead:
        for left in batch.left_out:
            name, email = left.get("name", ""), left.get("email", "")
            yield [name, email, "", "Left out", left.get("reason", ""), "", ""]
