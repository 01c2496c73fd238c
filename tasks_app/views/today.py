"""Today: what is late, what is due, who has too much, what did not arrive and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from tasks_app.models import Task
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.services import today as service
from tasks_app.services.counting import MOST, count_words
from tasks_app.services.delivery import retry_failed
from tasks_app.services.mending import is_about_prospect

from .access import lead_required, member_required
from .account_words import cards
from .attention import cause_of, lines
from .chosen_from import choices_of
from .context import processes_of
from .middleware import TeamRequest
from .paging import Pages
from .tasks import visible
from .today_facts import Facts, name_of, read_facts
from .trend_plot import plot

WHO = ("team", "me")
#: So many people are shown; the week has them all.
MOST_LOADS = 8


@dataclass(frozen=True)
class Bar:
    """One person's work until Sunday; lengths are shares of the longest, 0 to 100."""

    load: service.Load
    name: str
    url: str
    parts: list[tuple[str, float, float]]
    #: The numbers of its row in the table, each with the address of its list.
    cells: list[tuple[int, str]]

    @property
    def title(self) -> str:
        load = self.load
        return (
            f"{load.overdue:,} overdue, {load.today:,} due today, "
            f"{load.later:,} later this week"
        )


@dataclass(frozen=True)
class Delivery:
    """One number of an account's row; `tone` is a class, '' for plain."""

    label: str
    number: int
    url: str
    tone: str


@require_GET
@member_required
@vary_on_headers("HX-Request")
def today(request: TeamRequest) -> HttpResponse:
    """Show the morning of the team, or one's own; `who` is kept for the next time."""
    assert request.team and request.membership  # noqa: S101 - wants a member
    who = request.GET.get("who", "")
    if who in WHO and who != request.session.get("today", "team"):
        request.session["today"] = who
    who = request.session.get("today", "team")
    who = who if who in WHO else "team"
    tasks = visible(request)
    facts = read_facts(tasks, request.membership, who, choices_of(request))
    read = [h.account.synced_at for h in facts.healths if h.account.synced_at]
    context = {
        "facts": facts,
        "who": who,
        "counts": facts.counts,
        "urls": {name: facts.counter_url(name) for name in facts.queries},
        "week_words": week_words(facts.counts),
        "lines": lines(facts, processes_of(request)),
        "bars": bars(facts),
        "more": max(0, len(facts.loads) - MOST_LOADS),
        "cards": [
            (card, deliveries(facts, card.account.pk))
            for card in cards(facts.healths, request.team)
        ],
        "plot": plot(facts.trend),
        "synced_at": min(read, default=None),
    }
    part = "#today" if request.htmx and not request.htmx.history_restore_request else ""
    return render(request, f"today/today.html{part}", context)


def deliveries(facts: Facts, account_id: int) -> list[Delivery]:
    """Return the numbers of one account, each with the list that shows these."""
    tones = {"failed": "due--late"}
    return [
        Delivery(
            label,
            facts.delivery[name][account_id],
            facts.health_url(name, account_id),
            tones.get(name, ""),
        )
        for name, label in (
            ("queue", "In queue"),
            ("delivered", "Delivered"),
            ("failed", "Failed"),
        )
    ]


def week_words(counts: Mapping[str, int]) -> str:
    """Return "31 done, 12 fewer than last week by now"."""
    done, before = counts["done_week"], counts["done_before"]
    words = f"{count_words(done)} done" if done else "None done yet"
    if max(done, before) > MOST or not before:
        return words
    if done == before:
        return f"{words}, as many as last week by now"
    more = "more" if done > before else "fewer"
    return f"{words}, {abs(done - before):,} {more} than last week by now"


def bars(facts: Facts) -> list[Bar]:
    """Return the workload as it is drawn, who has most first."""
    shown = facts.loads[:MOST_LOADS]
    longest = max((load.total for load in shown), default=0) or 1
    drawn = []
    until, tomorrow = facts.days.sunday.isoformat(), facts.days.tomorrow.isoformat()
    for load in shown:
        parts, start = [], 0.0
        for tone, number in (
            ("red", load.overdue),
            ("accent", load.today),
            ("gray", load.later),
        ):
            width = round(100 * number / longest, 2)
            if number:
                parts.append((tone, round(start, 2), width))
            start += width
        query = f"status=open,in_progress&assignee={load.key}&due_to={until}"
        url = facts.list_url(query, whose=False)
        cells = [
            (number, facts.list_url(f"{asked}&assignee={load.key}", whose=False))
            for number, asked in (
                (load.overdue, "status=overdue"),
                (load.due_today, "status=open,in_progress&due=today"),
                (
                    load.later,
                    f"status=open,in_progress&due_from={tomorrow}&due_to={until}",
                ),
            )
        ]
        drawn.append(Bar(load, name_of(load), url, parts, [*cells, (load.total, url)]))
    return drawn


def tasks_of(request: TeamRequest, who: str) -> TaskQuerySet:
    """Return what the page speaks of: all that this person may see, or their own."""
    tasks = visible(request)
    return tasks.filter(assignee_id=request.user.pk) if who == "me" else tasks


@require_GET
@member_required
def today_failed(request: TeamRequest, task_id: int) -> HttpResponse:
    """Show exactly those tasks that failed for the same reason as this one."""
    who = "me" if request.GET.get("who") == "me" else "team"
    tasks = tasks_of(request, who)
    rows = Task.objects.for_list().defer("search_text")
    task = get_object_or_404(
        tasks.select_related("account").defer("account__credentials"), pk=task_id
    )
    if task.delivery != Task.Delivery.FAILED:
        messages.info(request, "It is not failed any more.")
        return redirect("task-detail", task_id)
    found = service.of_cause(
        tasks, task.account_id, task.delivery_kind, task.delivery_error
    )
    pages = Pages(found.order_by("due_sort", "pk"), rows)
    page = pages.get_page(request.GET.get("page", "1"))
    context = {
        "account": task.account,
        "sentence": task.delivery_error,
        "page": page,
        "rows": [(each, is_about_prospect(each)) for each in page],
        "base": "who=me&" if who == "me" else "",
        "query": f"delivery=failed&account={task.account_id}",
        "retry": cause_of(
            task.account_id, task.delivery_kind, task.delivery_error, who
        ),
    }
    return render(request, "today/failed.html", context)


@require_POST
@lead_required
def today_retry(request: TeamRequest) -> HttpResponse:
    """Put the tasks of one line of failures back into the queue."""
    tasks = tasks_of(request, request.POST.get("who", ""))
    account = request.POST.get("account", "")
    if not account.isdecimal() or len(account) > 18:
        account = "0"
    kind, cause = (
        request.POST.get(name, "").replace("\x00", "") for name in ("kind", "cause")
    )
    found = service.of_cause(tasks, int(account), kind, cause)
    number = retry_failed(found, by=request.user)
    if number:
        words = "1 task is" if number == 1 else f"{number:,} tasks are"
        messages.success(request, f"{words} back in the queue.")
    else:
        messages.warning(request, "Nothing was retried: none of them is failed by now.")
    return redirect(reverse("today"))
