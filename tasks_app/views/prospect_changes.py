"""The same change for many prospects: who is meant, how many, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from tasks_app.forms.prospect_changes import OwnManyForm, TagManyForm, UntagManyForm
from tasks_app.forms.prospect_filter import ProspectFilter
from tasks_app.models import Prospect
from tasks_app.models.prospects import ProspectQuerySet
from tasks_app.services import prospect_changes as service
from tasks_app.services.counting import count_each
from tasks_app.services.numbers import number_or_zero

from .access import lead_required
from .middleware import TeamRequest
from .prospects import read_filter, team_of

#: Ticked rows that one form may carry, and names that the page shows.
MOST_TICKED, NAMED = 1000, 12
WHAT = ("tag", "untag", "owner")


@dataclass(frozen=True)
class Meant:
    """Those who are ticked, or all that match the filter of `query`."""

    ids: list[int]
    filter: ProspectFilter
    people: ProspectQuerySet
    all: bool
    found: int

    @property
    def query(self) -> str:
        return self.filter.query()

    @property
    def one(self) -> bool:
        return self.found == 1


def meant_by(request: TeamRequest, data: QueryDict) -> Meant:
    """Return who is meant now, counted a little further than one change takes."""
    asked = QueryDict(data.get("query", "")[:2000].replace("\0", ""))
    wanted = read_filter(request, asked)
    everybody = data.get("all") == "1"
    ticked = [number_or_zero(text) for text in data.getlist("prospect")[:MOST_TICKED]]
    ids = [pk for pk in dict.fromkeys(ticked) if pk]
    people = Prospect.objects.of_team(team_of(request)).filter(pk__in=ids)
    if everybody:
        people = wanted.found()
    found = count_each({"all": people.order_by()}, service.MOST)["all"]
    return Meant([] if everybody else ids, wanted, people, everybody, found)


@require_http_methods(["GET", "POST"])
@lead_required
def prospect_change(request: TeamRequest) -> HttpResponse:
    """Say who is meant and what can be changed (GET); change it (POST).

    422 with a sentence for bad input, 409 where others match than were shown.
    """
    data = request.POST if request.method == "POST" else request.GET
    meant = meant_by(request, data)
    what = data.get("what", "")
    posted = request.method == "POST" and what in WHAT
    built = forms_of(request, what if posted else "", data)
    if request.method == "GET" or what not in WHAT:
        return show(request, meant, built)
    shown = number_or_zero(data.get("count", ""))
    if meant.found > service.MOST or meant.filter.ignored or not meant.found:
        return show(request, meant, built, status=422)
    ids = list(meant.people.order_by("pk").values_list("pk", flat=True))
    if not meant.found == len(ids) == shown:
        return show(request, meant, built, moved=True, status=409)
    form = built[what]
    if not form.is_valid():
        return show(request, meant, built, status=422)
    sentence = change(request, what, form, ids)
    messages.success(request, sentence)
    back = reverse("prospect-list")
    return redirect(f"{back}?{meant.query}" if meant.query else back)


def forms_of(request: TeamRequest, what: str, data: QueryDict) -> dict[str, forms.Form]:
    """Return the three forms; the one that was sent is bound."""
    team = team_of(request)
    people = read_filter(request, QueryDict()).owner_choices
    return {
        "tag": TagManyForm(data if what == "tag" else None),
        "untag": UntagManyForm(team.tags.all(), data if what == "untag" else None),
        "owner": OwnManyForm(people, data if what == "owner" else None),
    }


def change(request: TeamRequest, what: str, form: forms.Form, ids: list[int]) -> str:
    """Do it; return the sentence that says for how many."""
    team, wanted = team_of(request), form.cleaned_data[what]
    if what == "tag":
        done = service.add_tag(team, ids, wanted)
        return f"Tag “{wanted}” added to {words(done)}.{rest(ids, done, 'had it')}"
    if what == "untag":
        done = service.remove_tag(team, ids, wanted)
        sentence = f"Tag “{wanted}” removed from {words(done)}."
        return sentence + rest(ids, done, "did not have it")
    members = read_filter(request, QueryDict()).members
    owner = members.get(wanted)
    done = service.set_owner(team, ids, owner)
    names = read_filter(request, QueryDict()).owner_choices
    to = f"{names[wanted]} owns" if owner else "Nobody owns"
    return f"{to} {words(done)} now.{rest(ids, done, 'stay as they were')}"


def words(count: int) -> str:
    return "1 prospect" if count == 1 else f"{count:,} prospects"


def rest(ids: list[int], done: int, what: str) -> str:
    left = len(ids) - done
    return f" {left:,} {what}." if left else ""


def show(
    request: TeamRequest,
    meant: Meant,
    built: dict[str, forms.Form],
    *,
    moved: bool = False,
    status: int = 200,
) -> HttpResponse:
    rows = meant.people.order_by("last_name", "first_name", "pk")
    context: dict[str, Any] = {
        "meant": meant,
        "moved": moved,
        "too_many": meant.found > service.MOST,
        "most": service.MOST,
        "names": [str(person) for person in rows[:NAMED]],
        "more": max(0, meant.found - NAMED),
        "forms": built,
        "tags": team_of(request).tags.all(),
    }
    return render(request, "prospects/change.html", context, status=status)
