"""Work through: one task of a list at a time.

The session keeps which tasks these are and what became of them; the address says at
which of them this person is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

from django.db.models import Prefetch
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from tasks_app.models import Task, TaskEvent
from tasks_app.vendors.words import Action

from . import task_acts, task_story
from .access import member_required
from .middleware import TeamRequest
from .neighbours import filter_of, list_address
from .tasks import visible

KEY = "work"
#: More than anybody works through in one go.
MOST = 500
BESIDES = ("at", "end", "start", "looks")
#: Tasks of the same prospect, and lines of history, beside the task.
OTHERS, LINES = 5, 5


@dataclass
class Work:
    """What is worked through: ids in order, what was done, what was gone meanwhile."""

    query: str
    ids: list[int]
    did: dict[int, str]
    gone: list[int]

    @classmethod
    def of(cls, request: TeamRequest) -> Work | None:
        kept = request.session.get(KEY)
        if not kept or kept.get("team") != getattr(request.team, "pk", None):
            return None
        did = {int(pk): action for pk, action in kept["did"].items()}
        return cls(kept["query"], kept["ids"], did, kept["gone"])

    def keep(self, request: TeamRequest) -> None:
        team = getattr(request.team, "pk", None)
        request.session[KEY] = vars(self) | {"team": team}

    def address(self, at: int | None) -> str:
        """Return the address of this task's place, None for the end."""
        place = f"at={at}" if at else "end=1"
        start = f"{self.query}&" if self.query else ""
        return f"{reverse('task-work')}?{start}{place}"

    @property
    def left(self) -> list[int]:
        return [pk for pk in self.ids if pk not in self.did and pk not in self.gone]

    def after(self, at: int) -> int | None:
        """Return the next one that is left behind this one, else None."""
        place = self.ids.index(at) + 1 if at in self.ids else 0
        left = set(self.left)
        return next((pk for pk in self.ids[place:] if pk in left), None)

    def before(self, at: int) -> int | None:
        place = self.ids.index(at) if at in self.ids else 0
        gone = set(self.gone)
        return next((pk for pk in reversed(self.ids[:place]) if pk not in gone), None)


def note_done(request: TeamRequest, task_id: int, action: Action) -> None:
    """Remember what became of a task that is worked through; a note moves nothing on."""
    work = Work.of(request)
    if work is not None and task_id in work.ids and action != Action.NOTE:
        work.did[task_id] = action.value
        work.keep(request)


def note_undone(request: TeamRequest, task_id: int) -> None:
    work = Work.of(request)
    if work is not None and work.did.pop(task_id, ""):
        work.keep(request)


def place_of(request: TeamRequest, task_id: int) -> str:
    """Return where this task is worked on, '' when it is not."""
    work = Work.of(request)
    return work.address(task_id) if work and task_id in work.ids else ""


def begin(request: TeamRequest, query: str, ids: list[int]) -> Work:
    work = Work(query, ids[:MOST], {}, [])
    work.keep(request)
    return work


def begin_picked(request: TeamRequest, ids: list[int]) -> Work:
    """Begin with rows that were ticked, in the order of their due dates."""
    rows = visible(request).unfinished().filter(pk__in=ids)
    found = list(rows.order_by("due_sort", "pk").values_list("pk", flat=True)[:MOST])
    return begin(request, f"picked={uuid4().hex[:8]}", found)


def as_asked(request: TeamRequest) -> Work | None:
    """Return what this address works through, begun now if it is another than before.

    None for ticked rows that the session has forgotten.
    """
    data = request.GET.copy()
    for name in BESIDES:
        data.pop(name, None)
    work = Work.of(request)
    if "picked" in data:
        query = f"picked={data['picked']}"
        return work if work is not None and work.query == query else None
    task_filter = filter_of(request, data.urlencode())
    query = task_filter.query()
    if work is not None and work.query == query and "start" not in request.GET:
        return work
    rows = task_filter.ordered(task_filter.apply(visible(request).unfinished()))
    return begin(request, query, list(rows.values_list("pk", flat=True)[:MOST]))


@require_GET
@member_required
def task_work(request: TeamRequest) -> HttpResponse:
    """Show the task whose turn it is, or how it went at the end."""
    work = as_asked(request)
    if work is None:
        return redirect("task-list")
    text = request.GET.get("at", "")
    at = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
    news = gone_meanwhile(request, work)
    if "end" in request.GET:
        return summary(request, work, news)
    if at is None or at not in work.ids:
        return redirect(work.address(next(iter(work.left), None)))
    if at in work.gone:
        return told(request, work, news, work.after(at))
    return one(request, work, news, at)


def gone_meanwhile(request: TeamRequest, work: Work) -> list[Task]:
    """Return the tasks that were finished or handed on elsewhere since the last look."""
    left = work.left
    there = set(
        visible(request).unfinished().filter(pk__in=left).values_list("pk", flat=True)
    )
    gone = [pk for pk in left if pk not in there]
    if gone:
        work.gone += gone
        work.keep(request)
    return list(visible(request).filter(pk__in=gone).select_related("account"))


def told(
    request: TeamRequest, work: Work, news: list[Task], to: int | None
) -> HttpResponse:
    """Go to the next place, where what was finished elsewhere is told."""
    request.session["work_news"] = [task.pk for task in news]
    return redirect(work.address(to))


def with_news(request: TeamRequest, news: list[Task]) -> list[Task]:
    """Return these and what an earlier page had to pass on."""
    ids = request.session.pop("work_news", [])
    earlier = visible(request).filter(pk__in=ids).select_related("account")
    return [*earlier, *news] if ids else news


def one(request: TeamRequest, work: Work, news: list[Task], at: int) -> HttpResponse:
    assert request.team is not None  # noqa: S101
    tasks = visible(request).for_list().defer("search_text")
    events = Prefetch("events", TaskEvent.objects.select_related("actor"))
    task = tasks.prefetch_related("pushes", events).filter(pk=at).first()
    if task is None:  # handed to somebody else by this person
        return redirect(work.address(work.after(at)))
    following = work.address(work.after(at))
    standing = task_acts.standing(task)
    context = {
        "task": task,
        "work": work,
        "number": work.ids.index(at) + 1,
        "left": len(work.left),
        "percent": round(100 * (len(work.ids) - len(work.left)) / len(work.ids)),
        "acts": [] if at in work.did else task_acts.acts(task, request.team),
        "cannot": task_acts.cannot(task),
        "did": task_acts.DONE_WORDS.get(Action(work.did[at])) if at in work.did else "",
        "standing": standing,
        "seen": task_acts.seen_of(task),
        "next": following,
        "here": work.address(at),
        "previous": work.address(before) if (before := work.before(at)) else "",
        "following": following,
        "history": task_story.history(task, request.team)[:LINES],
        "others": others(request, task),
        "news": with_news(request, news),
        "work_end": work.address(None),
        "back": list_address(None if "picked" in QueryDict(work.query) else work.query),
    }
    return render(request, "tasks/work.html", context)


def others(request: TeamRequest, task: Task) -> list[Task]:
    """Return what else is open for this prospect, in any account."""
    if task.prospect_id is None:
        return []
    rows = visible(request).unfinished().filter(prospect_id=task.prospect_id)
    return list(rows.exclude(pk=task.pk).for_list().order_by("due_sort")[:OTHERS])


def summary(request: TeamRequest, work: Work, news: list[Task]) -> HttpResponse:
    """Tell what was done, what was gone, and what is left."""
    counts = Counter(work.did.values())
    left = work.left
    with_news(request, news)
    gone = visible(request).filter(pk__in=work.gone).select_related("account")
    context = {
        "work": work,
        "did": [
            (task_acts.DONE_WORDS[action], counts[action.value])
            for action in task_acts.DONE_WORDS
            if counts[action.value]
        ],
        "gone": list(gone[:20]),
        "left": len(left),
        "again": work.address(left[0]) if left else "",
        "back": list_address(None if "picked" in QueryDict(work.query) else work.query),
    }
    return render(request, "tasks/work_end.html", context)
