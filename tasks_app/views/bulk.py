"""The same action for many tasks: what it will do, doing it, and a run's own page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from tasks_app.forms.acting_many import MANY_ACTIONS, ManyForm
from tasks_app.models import ActionRun
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.services import action_runs, many, working
from tasks_app.services.counting import count_each, count_words
from tasks_app.services.exporting import task_rows
from tasks_app.services.numbers import number_or_zero

from . import task_acts
from .access import member_required
from .middleware import TeamRequest
from .neighbours import filter_of, list_address
from .tasks import visible
from .toasts import Links
from .working import begin_picked

#: A list may grow or shrink by this share between being shown and being acted on.
MOST_MOVED = 0.1
#: Ticked rows that one form may carry.
MOST_TICKED = 1000
#: What became of more tasks than these is asked for seldom: each look names them all.
LARGE = 2000


class Moved(Exception):
    """The list is not what was shown; the message says how."""


class Selection:
    """The ticked rows, or all that match a filter, of those this person sees."""

    def __init__(self, request: TeamRequest) -> None:
        data = self.data = request.POST
        self.query = data.get("query", "")[:2000].replace("\0", "")
        self.all = data.get("all") == "1"
        shown = data.get("count", "")
        #: "10000+": the list did not count further when it was shown.
        self.beyond = shown.endswith("+")
        self.shown = number_or_zero(shown.removesuffix("+"))
        ticked = [number_or_zero(text) for text in data.getlist("task")[:MOST_TICKED]]
        self.ids = [pk for pk in ticked if pk]
        tasks = visible(request)
        self.filter = filter_of(request, self.query)
        self.tasks: TaskQuerySet = (
            self.filter.apply(tasks) if self.all else tasks.filter(pk__in=self.ids)
        )

    @property
    def ordered(self) -> TaskQuerySet:
        """The tasks in the order of the list they were chosen in."""
        return self.filter.ordered(self.tasks)

    def check(self, *, capped: bool) -> int:
        """Return how many there are; raise `Moved` when they are not those shown.

        It counts to one more than a run takes; with `capped` more are too many.
        """
        most = action_runs.MOST
        found = count_each({"all": self.tasks}, most)["all"]
        if not self.all:
            return found
        if self.filter.left_out:
            raise Moved(f"{self.filter.left_out[0]} Choose again.")
        moved = found - self.shown
        if self.beyond:
            moved = min(moved, 0)
        elif found > most:
            moved = 0  # how many more is not known, and too many are told below
        if abs(moved) > MOST_MOVED * self.shown:
            raise Moved(
                f"The list changed: it had {self.shown:,} tasks when you chose all, and "
                f"has {count_words(found, most)} now. Look again, then choose."
            )
        if capped and found > most:
            raise Moved(
                f"More than {most:,} tasks match, and one run takes no more. Narrow the "
                "filter and do it in parts."
            )
        return found

    def moved(self, found: int) -> bool:
        """Return whether the dialog that is confirmed showed another number."""
        return (self.all or "count" in self.data) and found != self.shown


@require_POST
@member_required
@vary_on_headers("HX-Request")
def task_bulk(request: TeamRequest) -> HttpResponseBase:
    """Say what asking this for many will do; with `confirmed` do it.

    422 with a sentence for bad input, 409 where the list is not what was shown.
    """
    assert request.team and request.membership  # noqa: S101
    action = request.POST.get("action", "")
    if action not in MANY_ACTIONS and action not in ("export", "work"):
        return refused(request, "Choose what is to be done.", 422)
    if action == many.RETRY and not request.membership.is_lead:
        return refused(request, "Only a team lead can send tasks again.", 422)
    selection = Selection(request)
    try:
        found = selection.check(capped=action in MANY_ACTIONS)
    except Moved as error:
        return refused(request, str(error), 409)
    if not found:
        return refused(request, "No task is selected. Tick some first.", 422)
    if action == "export":
        return export(request, selection)
    if action == "work":
        return work_through(request, selection)
    plan = many.plan(selection.tasks, action)
    data = request.POST if request.POST.get("confirmed") else None
    form = ManyForm(action, plan, request.team, data=data)
    if data is not None and selection.moved(found):
        return confirm(request, selection, form, found, 409)
    if data is None or not plan.able or not form.is_valid():
        return confirm(request, selection, form, found, 422 if data else 200)
    run = action_runs.begin(
        list(selection.ordered.values_list("pk", flat=True)),
        action,
        form.wanted,
        by=request.user,
        team=request.team,
        form_token=form.cleaned_data["form_token"],
    )
    return begun(request, run)


def work_through(request: TeamRequest, selection: Selection) -> HttpResponse:
    """Begin to work through the selection, in the order of the list."""
    rows = working.workable(selection.ordered)
    ids = list(rows.values_list("pk", flat=True)[: working.MOST + 1])
    if not ids:
        sentence = "None of these is open: there is nothing to work through."
        return refused(request, sentence, 422)
    return redirect(begin_picked(request, ids, selection.query))


def refused(request: TeamRequest, sentence: str, status: int) -> HttpResponse:
    query = request.POST.get("query", "")[:2000]
    context = {"refused": sentence, "back": list_address(query)}
    return show(request, context, status)


def show(request: TeamRequest, context: dict[str, Any], status: int) -> HttpResponse:
    part = "#dialog" if request.htmx else ""
    return render(request, f"tasks/actions/many.html{part}", context, status=status)


def confirm(
    request: TeamRequest, selection: Selection, form: ManyForm, found: int, status: int
) -> HttpResponse:
    """Show what it will do, what it leaves out and why, and what is to be chosen."""
    plan = form.plan
    context = {
        "form": form,
        "plan": plan,
        "skips": sum(plan.skipped.values()),
        "selection": selection,
        "found": found,
        "gone": 0 if selection.all else len(set(selection.ids)) - found,
        "moved": status == 409,
        "verb": MANY_ACTIONS[form.action],
        "can_undo": form.action != many.RETRY,
        "seconds": form.action != many.PRIORITY,
        "later": found > action_runs.AT_ONCE,
        "notes": notes(form),
        "back": list_address(selection.query),
    }
    return show(request, context, status)


def notes(form: ManyForm) -> list[str]:
    """Return how vendors do it where that is not what one would expect."""
    said = {}
    for account in form.plan.accounts:
        adapter = account.adapter_class
        capability = next(
            (c for a, c in adapter.capabilities.items() if a.value == form.action), None
        )
        if capability and capability.note:
            said[adapter.name] = f"{adapter.name}: {capability.note}"
    return list(said.values())


def export(request: TeamRequest, selection: Selection) -> StreamingHttpResponse:
    """Hand out the selected rows as CSV."""
    assert request.team is not None  # noqa: S101
    rows = selection.ordered.for_list()
    lines: Iterator[str] = task_rows(rows, request.team)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"baton-tasks-{request.team.today().isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def begun(request: TeamRequest, run: ActionRun) -> HttpResponse:
    """Lead back to the list when it is done, to the run's page while it goes on."""
    back = list_address(request.POST.get("query", "")[:2000])
    page = reverse("action-run", args=[run.pk])
    to = back
    if run.ended_at is None:
        to = page
    else:
        tell(request, run, back)
    if not request.htmx:
        return redirect(to)
    if request.htmx.current_url_abs_path == to:
        return HttpResponseClientRefresh()  # stays where it was scrolled to
    return HttpResponseClientRedirect(to)


def tell(request: TeamRequest, run: ActionRun, back: str) -> None:
    undo = reverse("action-run-undo", args=[run.pk])
    page = reverse("action-run", args=[run.pk])
    left_out = run.total - run.done
    words = f"{verb_of(run)} {count(run.done)}."
    if left_out:
        words += f" {left_out} left out."
    can = action_runs.undoable(run)
    links = Links(undo if can else "", back)
    if left_out:
        links = replace(links, page=page, label="See why")
    level = messages.success if run.done else messages.warning
    level(request, words, extra_tags=str(links))


def tell_priorities(request: TeamRequest, run: ActionRun, undone: int) -> None:
    """Say how many have their former priority again."""
    rest = run.done - undone
    words = f"The former priority is back for {count(undone)}."
    if not undone:
        words = "Not undone."
    if rest:
        were = "was" if rest == 1 else "were"
        words += f" {count(rest)} {were} changed again since, or sent with the new one."
    (messages.warning if rest else messages.info)(request, words)


def count(number_of: int) -> str:
    return "1 task" if number_of == 1 else f"{number_of:,} tasks"


def verb_of(run: ActionRun) -> str:
    if run.action == many.RETRY:
        return "Sending again:"
    if run.action == many.PRIORITY:
        return "New priority for"
    return next(w[3] for a, w in task_acts.WORDS.items() if a.value == run.action)


def run_of(request: TeamRequest, run_id: int) -> ActionRun:
    """Return a run of this team: a lead's view of all, anybody's of their own."""
    assert request.membership is not None  # noqa: S101
    return get_object_or_404(action_runs.runs_of(request.membership), pk=run_id)


@require_GET
@member_required
@vary_on_headers("HX-Request")
def action_run(request: TeamRequest, run_id: int) -> HttpResponse:
    """Show how far a run is; htmx asks again until it is through."""
    run = run_of(request, run_id)
    looks = number_or_zero(request.GET.get("looks", ""))
    skipped = [
        (reason, part["count"], part["tasks"]) for reason, part in run.skipped.items()
    ]
    named = [pk for _, _, ids in skipped for pk in ids]
    titles = dict(visible(request).filter(pk__in=named).values_list("pk", "title"))
    outcomes = action_runs.outcomes(run)
    context = {
        "run": run,
        "verb": MANY_ACTIONS.get(run.action, run.action),
        "skipped": [
            (reason, number_of, [(pk, titles[pk]) for pk in ids if pk in titles])
            for reason, number_of, ids in skipped
        ],
        "left_out": sum(number_of for _, number_of, _ in skipped),
        "percent": round(100 * run.position / run.total) if run.total else 100,
        "outcomes": outcomes,
        "shown": outcomes_shown(request, run, outcomes),
        "refusals": action_runs.refusals(run) if outcomes.refused else [],
        "refused": refused_tasks(request, run) if outcomes.refused else [],
        "every": next_look(run, outcomes, looks),
        "looks": looks + 1,
        "waiting": run.total - run.position,
        "can_undo": action_runs.undoable(run) if run.ended_at else 0,
    }
    part = "#run" if request.htmx else ""
    return render(request, f"tasks/actions/run.html{part}", context)


def refused_tasks(request: TeamRequest, run: ActionRun) -> list[tuple[int, str]]:
    """Return (id, title) of the first that were refused and this person may see."""
    ids = action_runs.refused(run).order_by().values("pk")
    rows = visible(request).filter(pk__in=ids).order_by("pk")
    return list(rows.values_list("pk", "title")[: action_runs.NAMED])


def next_look(run: ActionRun, outcomes: action_runs.Outcomes, looks: int) -> int:
    """Return seconds until the page of a run looks again, 0 where nothing moves."""
    working = not (run.ended_at or run.stopped_at)
    if looks >= 300 or not (working or outcomes.is_moving):
        return 0
    if run.total > LARGE:
        return 10
    return 2 if working else 5


def outcomes_shown(
    request: TeamRequest, run: ActionRun, found: action_runs.Outcomes
) -> list[tuple[str, int, str, str]]:
    """Return (label, number, glyph, where its tasks are listed) of each outcome."""
    assert request.membership is not None  # noqa: S101
    done = {many.RETRY: "Delivered", many.PRIORITY: "Changed", "cancel": "Taken back"}
    rows = [(done.get(run.action, "Done"), found.done, "delivered", "")]
    if run.action == many.PRIORITY:
        return rows
    rows.append(("On their way", found.on_way, "sending", ""))
    below = "#refused" if found.refused else ""
    rows.append(("Refused", found.refused, "failed", below))
    if found.unclear:
        settle = reverse("needs-check") if request.membership.is_lead else ""
        rows.append(("No clear answer", found.unclear, "needs_check", settle))
    if found.undone:
        rows.append(("Undone", found.undone, "withdrawn", ""))
    return rows


@require_POST
@member_required
def action_run_go_on(request: TeamRequest, run_id: int) -> HttpResponse:
    """Let a run that stopped go on where it was."""
    run = run_of(request, run_id)
    if action_runs.go_on(run):
        messages.success(request, "It goes on in a moment.")
    else:
        messages.info(request, "It goes on already, or it is finished.")
    return redirect("action-run", run.pk)


@require_POST
@member_required
def action_run_undo(request: TeamRequest, run_id: int) -> HttpResponse:
    """Take back what of a run has not left yet."""
    run = run_of(request, run_id)
    undone = action_runs.undo(run, by=request.user)
    if run.action == many.PRIORITY:
        tell_priorities(request, run, undone)
    elif undone == run.done:
        messages.info(request, f"Undone for {count(undone)}. Nothing was sent.")
    elif undone:
        rest = run.done - undone
        sentence = f"Undone for {count(undone)}. {count(rest)} had left already."
        messages.warning(request, sentence)
    else:
        messages.warning(request, "Not undone: all of it is on its way already.")
    to = request.POST.get("next", "")
    ours = to.startswith(reverse("task-list")) and not to.startswith("//")
    return redirect(to if ours else reverse("action-run", args=[run.pk]))
