"""Settling by a person what may or may not exist at a vendor."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from tasks_app.models import Batch, Push, TaskCopy
from tasks_app.services import copies
from tasks_app.services.delivery import AlreadySettled, WrongId, settle_by_person
from tasks_app.services.unclear import (
    read_unclear,
    unclear_accounts,
    unclear_pushes,
    with_evidence,
)
from tasks_app.services.working import SETTLE

from . import working
from .access import lead_required
from .acting import way_back
from .middleware import TeamRequest
from .paging import Pages

#: Cards of a page, each of which a person reads and decides.
CARDS = 20
MOST_DOUBLES = 50
#: Where a page goes on behind a card: the id of another one, or of the page's content.
NO_CARD = "main"
CARD = re.compile(rf"(?:copy|push)-[0-9]{{1,18}}|{NO_CARD}")
DONE = {
    "there": "Linked. It is delivered.",
    "again": "It is in the queue again.",
    "leave": "Left as it is. It is never sent again by itself.",
}
COPY_DONE = {
    "back": "The second one is being taken back.",
    "leave": "Both are left there.",
}


@require_GET
@lead_required
def needs_check(request: TeamRequest) -> HttpResponse:
    return page(request)


@require_POST
@lead_required
def push_settle(request: TeamRequest, push_id: int) -> HttpResponse:
    """Take a person's word for one push; who comes second is told how it stands."""
    pushes = Push.objects.filter(account__team=request.team)
    push = get_object_or_404(pushes.select_related("account", "task"), pk=push_id)
    choice = request.POST.get("choice", "")
    typed = request.POST.get("external_id", "")
    given = typed if push.kind == Push.Kind.CREATE else push.target_id
    error = ""
    if choice not in DONE:
        error = "Choose one of the three answers."
    elif choice == "again" and push.account.deleted_at is not None:
        error = "This account is disconnected. Nothing can be sent there any more."
    else:
        try:
            settle_by_person(push, choice, by=request.user, external_id=given)
        except WrongId as wrong:
            error = str(wrong)
        except AlreadySettled as settled:
            messages.warning(request, f"“{push.task.title}”: {settled}")
            return page(request, status=409)
    if error:
        wrongs = {push.pk: (error, typed)}
        return page(request, status=422, wrongs=wrongs)
    messages.success(request, f"“{push.task.title}”: {DONE[choice]}")
    # What is left as it is stays left for later.
    if push.kind == Push.Kind.CREATE and choice != "leave":
        working.note_done(
            request, push.task_id, SETTLE, push if choice == "again" else None
        )
    return redirect(way_back(request, next_card(request)))


@require_POST
@lead_required
def copy_settle(request: TeamRequest, copy_id: int) -> HttpResponse:
    """Take a second copy back or leave it; who comes second is told how it stands."""
    copy = get_object_or_404(
        TaskCopy.objects.filter(account__team=request.team).select_related(
            "account", "task"
        ),
        pk=copy_id,
    )
    choice = request.POST.get("choice", "")
    title = f"“{copy.task.title}”"
    if choice not in COPY_DONE:
        messages.warning(request, f"{title}: Choose one of the two answers.")
        return page(request, status=422)
    try:
        copies.settle(copy, choice, by=request.user)
    except copies.NoWay as sentence:
        messages.warning(request, f"{title}: {sentence}")
        return page(request, status=422)
    except AlreadySettled as settled:
        messages.warning(request, f"{title}: {settled}")
        return page(request, status=409)
    messages.success(request, f"{title}: {COPY_DONE[choice]}")
    return redirect(next_card(request))


def next_card(request: TeamRequest) -> str:
    """Return the address of what the page showed, at the card that comes next there."""
    names = ("account", "batch", "page")
    given = {name: request.POST.get(name, "") for name in names}
    query = {name: text for name, text in given.items() if text.isdecimal()}
    place = request.POST.get("on", "")
    known = place if CARD.fullmatch(place) else None
    return reverse("needs-check", query=query, fragment=known)


def onward(cards: Sequence[str]) -> dict[str, str]:
    """Return where each card leads on to: the one behind it, for the last the one before.

    The only one leads to the page's content, where it says that nothing is left.
    """
    last = cards[-2] if len(cards) > 1 else NO_CARD
    return dict(zip(cards, [*cards[1:], last], strict=False))


def batch_of(request: TeamRequest, text: str) -> Batch | None:
    """Return the batch of this number, None where the team has none."""
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        return None
    return Batch.objects.filter(team=request.team, pk=text).first()


def page(
    request: TeamRequest,
    *,
    status: int = 200,
    wrongs: dict[int, tuple[str, str]] | None = None,
) -> HttpResponse:
    """Show what needs a check, with what was typed and refused by push id."""
    assert request.team is not None  # noqa: S101 - leads have a team
    data = request.POST if request.method == "POST" else request.GET
    accounts = unclear_accounts(request.team)
    chosen = next((a for a in accounts if str(a.pk) == data.get("account")), None)
    batch = batch_of(request, data.get("batch", ""))
    pushes = unclear_pushes(request.team)
    doubles = copies.unsettled(request.team)
    if chosen:
        pushes = pushes.filter(account=chosen)
        doubles = doubles.filter(account=chosen)
    if batch:
        pushes = pushes.filter(task__batch=batch)
        doubles = doubles.filter(task__batch=batch)
    rows = with_evidence(Push.objects.all())
    found = Pages(pushes, rows, size=CARDS)
    shown = found.get_page(data.get("page", "1"))
    if wrongs and not any(push.pk in wrongs for push in shown.object_list):
        # On another page of a long list: that one alone, so that its sentence is seen.
        shown = Pages(pushes.filter(pk__in=wrongs), rows).get_page(1)
    items = read_unclear(shown.object_list)
    copied = list(doubles[:MOST_DOUBLES])
    cards = [f"copy-{copy.pk}" for copy in copied if not copy.is_leaving]
    cards += [f"push-{item.push.pk}" for item in items]
    on = onward(cards)
    context = {
        "next": way_back(request, ""),
        "work_id": working.named_work(request),
        "accounts": accounts,
        "chosen": chosen,
        "total": sum(a.unclear for a in accounts),  # type: ignore[attr-defined]
        "doubles": [
            (copy, copies.way_back(copy), on.get(f"copy-{copy.pk}", ""))
            for copy in copied
        ],
        "page": shown,
        # What the next answer leads back to, also where a refused one stands alone.
        "at": data.get("page", ""),
        "batch": batch,
        "base": (f"account={chosen.pk}&" if chosen else "")
        + (f"batch={batch.pk}&" if batch else ""),
        "items": [
            (
                item,
                *(wrongs or {}).get(item.push.pk, ("", "")),
                on[f"push-{item.push.pk}"],
            )
            for item in items
        ],
    }
    return render(request, "accounts/needs_check.html", context, status=status)
