"""Work through: one task of a list at a time.

The address names the work and the task of it that is looked at; the row of the work
keeps which tasks these are and what became of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from tasks_app.models import Push, Task, TaskEvent, Work
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.services import working
from tasks_app.services.mending import is_mendable
from tasks_app.services.numbers import number_or_zero
from tasks_app.vendors.words import Action

from . import task_acts, task_story, watching, work_beside
from .access import member_required
from .middleware import TeamRequest
from .neighbours import filter_of, list_address
from .tasks import MOST_WITH_WORDS, visible

#: Lines of history.
LINES = 5
#: Named one by one at the end.
MOST_NAMED = 20
DONE_WORDS = {
    **{action.value: words for action, words in task_acts.DONE_WORDS.items()},
    working.RETRY: "Sent again",
    working.MEND: "Mended and sent",
    working.SETTLE: "Settled",
    working.WITHDRAW: "Taken back before sending",
}


@dataclass(frozen=True)
class News:
    """What happened since the last look; `number` also counts what is not seen."""

    number: int
    gone: list[Task]
    refused: list[Task]


def address_of(work: Work, at: int | None = None, *, end: bool = False) -> str:
    """Return where a work goes on: at this task, at its end, or where it was left."""
    place = f"?at={at}" if at else "?end=1" if end else ""
    return reverse("task-working", args=[work.pk]) + place


def address_after(work: Work, at: int) -> str:
    following = work.after(at)
    return address_of(work, following, end=following is None)


def back_of(work: Work) -> str:
    return list_address(work.query)


def person_of(request: TeamRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - every view here wants a member
    return request.user


def own_work(request: TeamRequest, work_id: int) -> Work:
    assert request.team is not None  # noqa: S101
    mine = working.works_of(person_of(request), request.team)
    return get_object_or_404(mine, pk=work_id)


def named_work(request: TeamRequest) -> int:
    """Return the number of the work that a form was sent from, 0 for none."""
    return number_or_zero(request.POST.get("work") or request.GET.get("work", ""))


def note_done(
    request: TeamRequest, task_id: int, word: str, push: Push | None = None
) -> None:
    """Remember what became of a task that is worked through; a note moves nothing on."""
    work_id = named_work(request)
    if request.team is None or not work_id or word == Action.NOTE:
        return
    push_id = push.pk if push else None
    working.note(person_of(request), request.team, work_id, task_id, word, push_id)


def note_undone(request: TeamRequest, task_id: int) -> None:
    """Forget what was done, where no push tells that it was undone."""
    if request.team is not None and (work_id := named_work(request)):
        working.forget(person_of(request), request.team, work_id, task_id)


def note_sent(request: TeamRequest, task_id: int, word: str) -> None:
    """Remember that a task was put on its way again, or taken back before it was."""
    creates = Push.objects.filter(task_id=task_id, kind=Push.Kind.CREATE)
    note_done(request, task_id, word, creates.order_by("-pk").first())


def place_of(request: TeamRequest, task_id: int) -> str:
    """Return where this task is worked on, '' when it is not."""
    work_id = named_work(request)
    if not work_id or request.team is None:
        return ""
    work = working.works_of(person_of(request), request.team).filter(pk=work_id).first()
    return address_of(work, task_id) if work and task_id in work.places else ""


def begin_picked(request: TeamRequest, ids: list[int], query: str) -> str:
    """Begin with rows that were chosen, in their order; return where the first is."""
    assert request.team is not None  # noqa: S101
    user = person_of(request)
    work = working.begin(user, request.team, ids, query=query, picked=True)
    return address_of(work, work.task_ids[0])


@require_GET
@member_required
def task_work(request: TeamRequest) -> HttpResponse:
    """Begin with all that match the address and lead to the first of them."""
    assert request.team is not None  # noqa: S101
    data = request.GET.copy()
    data.pop("start", None)
    task_filter = filter_of(request, data.urlencode())
    most = MOST_WITH_WORDS if task_filter.text else working.MOST
    rows = task_filter.apply(working.workable(visible(request)))
    ids = task_filter.ordered(rows).values_list("pk", flat=True)[: most + 1]
    found = list(ids)
    query = task_filter.query()
    if not found:
        return render(request, "tasks/work_end.html", {"back": list_address(query)})
    work = working.begin(
        person_of(request), request.team, found, query=query, most=most
    )
    return redirect(address_of(work, work.task_ids[0]))


@require_GET
@member_required
def task_working(request: TeamRequest, work_id: int) -> HttpResponse:
    """Show the task whose turn it is, or how it went at the end."""
    tasks = visible(request)
    work = working.look(own_work(request, work_id), tasks)
    if "end" in request.GET:
        return summary(request, work, tasks)
    at = number_or_zero(request.GET.get("at", ""))
    if at not in work.places:
        at = work.to_go_on_with() or 0
        return redirect(address_of(work, at, end=not at))
    task = None if at in work.gone else task_at(tasks, at)
    if task is None:  # gone, or handed to somebody else by this person
        return redirect(address_after(work, at))
    return one(request, work, tasks, task)


@require_POST
@member_required
def task_work_more(request: TeamRequest, work_id: int) -> HttpResponse:
    """Take in the next portion of what matched when it was started."""
    work = own_work(request, work_id)
    shown = number_or_zero(request.POST.get("shown", ""))
    at = working.take_more(work, visible(request), shown=shown)
    if at is None:
        messages.info(request, "Nothing of the rest is open any more.")
    return redirect(address_of(work, at, end=at is None))


@require_POST
@member_required
def task_work_close(request: TeamRequest, work_id: int) -> HttpResponse:
    """Forget a work: the list offers it no more. Its tasks stay as they are."""
    work = own_work(request, work_id)
    work.delete()
    return redirect(back_of(work))


def task_at(tasks: TaskQuerySet, at: int) -> Task | None:
    events = Prefetch("events", TaskEvent.objects.select_related("actor"))
    rows = tasks.for_list().defer("search_text").prefetch_related("pushes", events)
    return rows.filter(pk=at).first()


def one(
    request: TeamRequest, work: Work, tasks: TaskQuerySet, task: Task
) -> HttpResponse:
    assert request.team is not None  # noqa: S101
    at, push = task.pk, task_story.create_push(task)
    word = "" if at in work.refused else work.word_of(at)
    following = address_after(work, at)
    left = work.left_ids
    context = {
        "task": task,
        "work": work,
        "work_id": work.pk,
        "number": work.places[at] + 1,
        "left": len(left),
        "percent": round(100 * (1 - len(left) / len(work.task_ids))),
        **portion(work),
        # The buttons stand in reverse beside a heading; here they begin with the first.
        "acts": [] if word else task_acts.acts(task, request.team)[::-1],
        "cannot": task_acts.cannot(task),
        "did": DONE_WORDS.get(word, ""),
        **task_acts.state_context(request, task),
        "seen": task_acts.seen_of(task),
        "push": push,
        "delivery": delivery_of(task, push, request),
        "mendable": is_mendable(task),
        "next": following,
        "here": address_of(work, at),
        "previous": address_of(work, before) if (before := work.before(at)) else "",
        "following": following,
        "follow": work_beside.follow_up(task, following),
        "follow_here": work_beside.follow_up(task, address_of(work, at)),
        "history": task_story.history(task, request.team)[:LINES],
        "others": work_beside.others(tasks, task),
        "earlier": work_beside.earlier(tasks, task),
        "news": news(work, tasks),
        "work_end": address_of(work, end=True),
        "back": back_of(work),
    }
    working.stand_at(work, at)
    return render(request, "tasks/work.html", context)


def portion(work: Work) -> dict[str, Any]:
    """Return how many there are, and of how many these are the first."""
    words = f"{work.total:,}{'+' if work.beyond else ''}"
    return {"count": len(work.task_ids), "total": words if work.rest else ""}


def delivery_of(task: Task, push: Push | None, request: TeamRequest) -> dict[str, str]:
    """Return what is wrong with a task's way to its vendor, {} where nothing is."""
    assert request.team is not None  # noqa: S101
    state = Task.Delivery
    tones = {state.FAILED: "red", state.NEEDS_CHECK: "violet", state.WITHDRAWN: "gray"}
    if task.delivery not in tones:
        return {}
    return {
        "head": task_story.delivery_head(task),
        "text": task_story.delivery_sentence(task, push, request.team),
        "tone": tones[state(task.delivery)],
    }


def news(work: Work, tasks: TaskQuerySet) -> News | None:
    """Return what is to be told: gone elsewhere, and refused; None for nothing."""
    if not work.untold:
        return None
    found = {
        task.pk: task
        for task in tasks.filter(pk__in=work.untold).select_related("account")
    }
    refused = [pk for pk in work.untold if pk in work.refused]
    rest = [pk for pk in work.untold if pk not in work.refused]
    return News(
        len(rest),
        [found[pk] for pk in rest if pk in found],
        [found[pk] for pk in refused if pk in found],
    )


def summary(request: TeamRequest, work: Work, tasks: TaskQuerySet) -> HttpResponse:
    """Tell what was done and how it ended, what was gone, and what is left."""
    sums = working.sums(work)
    looks = number_or_zero(request.GET.get("looks", ""))
    named = [*work.refused, *work.gone]
    shown = tasks.filter(pk__in=named).select_related("account")
    found = {task.pk: task for task in shown}
    left = len(work.left_ids)
    on_way = sum(part.on_way for part in sums.values())
    context = {
        "work": work,
        "did": [(w, sums[word]) for word, w in DONE_WORDS.items() if word in sums],
        "on_way": on_way,
        "every": watching.seconds_after(looks) if on_way else 0,
        "looks": looks + 1,
        "refused": [
            (found[pk], address_of(work, pk)) for pk in work.refused if pk in found
        ][:MOST_NAMED],
        "gone": [found[pk] for pk in work.gone if pk in found][:MOST_NAMED],
        "left": left,
        **portion(work),
        "more": min(len(work.rest), working.PORTION),
        "again": address_of(work) if left else "",
        "here": address_of(work, end=True),
        "back": back_of(work),
    }
    working.told(work)
    return render(request, "tasks/work_end.html", context)
