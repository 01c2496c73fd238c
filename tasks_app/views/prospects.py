"""The list of prospects, one prospect, and what a lead changes about one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Min, Prefetch
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from tasks_app.forms.prospect_filter import ProspectFilter
from tasks_app.forms.prospects import ProspectForm
from tasks_app.models import (
    ConnectedAccount,
    Prospect,
    ProspectLink,
    Task,
    Team,
)
from tasks_app.models.prospects import ProspectQuerySet
from tasks_app.services import owners
from tasks_app.services import prospects as service
from tasks_app.services.members import members_by_name
from tasks_app.services.numbers import number_or_zero
from tasks_app.services.prospect_cells import BadCell
from tasks_app.services.prospect_export import prospect_lines

from .access import lead_required, member_required
from .middleware import TeamRequest
from .paging import PAGE_SIZE, Pages
from .prospect_origin import origin_of
from .stepping import keep_address
from .tasks import visible

#: Ticked rows that one export takes.
MOST_TICKED = 1000
#: So many open tasks of one prospect are worked through from their page.
MOST_STARTED = 200


@dataclass(frozen=True)
class Row:
    """One prospect with what is open for them, as far as this person sees it.

    `owner` is a person of the team, None where Baton does not know who is meant.
    """

    prospect: Prospect
    owner: User | None = None
    open: int = 0
    next: Task | None = None


@dataclass(frozen=True)
class Heading:
    label: str
    css: str
    href: str
    direction: str  # ascending, descending or ''


def team_of(request: TeamRequest) -> Team:
    assert request.team is not None  # noqa: S101 - every view here wants a member
    return request.team


def accounts_of(request: TeamRequest) -> list[ConnectedAccount]:
    accounts = ConnectedAccount.objects.of_team(team_of(request))
    return list(accounts.defer("credentials"))


def prospect_of(request: TeamRequest, prospect_id: int) -> Prospect:
    return get_object_or_404(Prospect.objects.of_team(team_of(request)), pk=prospect_id)


def read_filter(
    request: TeamRequest, source: QueryDict | None = None
) -> ProspectFilter:
    """Return what the address asks of the list, or `source` where that is given."""
    source = request.GET if source is None else source
    team = team_of(request)
    tags = team.tags.values_list("name", flat=True)
    # Who sees a part of the tasks only is told about that part.
    tasks = visible(request)
    members = members_by_name(team)
    return ProspectFilter(source, team, accounts_of(request), tags, tasks, members)


@require_GET
@member_required
@vary_on_headers("HX-Request", "HX-Target")
def prospect_list(request: TeamRequest) -> HttpResponse:
    """Show the prospects that match the address; htmx gets the part that changes."""
    wanted = read_filter(request)
    pages = pages_of(wanted.found())
    page, total = pages.get_page(request.GET.get("page", "1")), pages.total
    query = wanted.query()
    context = {
        "filter": wanted,
        "page": page,
        "rows": with_work(page, wanted),
        "total": total,
        "headings": headings(wanted),
        "base": f"{query}&" if query else "",
        "query": query,
        "task_query": wanted.task_query if total else "",
        "empty": not total and not wanted.is_on,
    }
    if not request.htmx or request.htmx.history_restore_request:
        return render(request, "prospects/list.html", context)
    whole = request.htmx.target == "prospect-view"
    piece = "prospect-whole" if whole else "prospect-answer"
    response = render(request, f"prospects/list.html#{piece}", context)
    page_query = wanted.query(page=str(page.number) if page.number > 1 else "")
    address = reverse("prospect-list") + (f"?{page_query}" if page_query else "")
    return keep_address(request, response, address, texts=("q", "company"))


def pages_of(found: ProspectQuerySet) -> Pages:
    """Return the pages of this list, each prospect with the ids in live accounts."""
    links = ProspectLink.objects.filter(account__deleted_at=None).select_related(
        "account"
    )
    rows = Prospect.objects.defer("search_text").prefetch_related(
        "tags",
        Prefetch(
            "links", links.defer("account__credentials").order_by("account__name")
        ),
    )
    return Pages(found, rows)


def with_work(page: Iterable[Prospect], wanted: ProspectFilter) -> list[Row]:
    """Return each prospect with its owner, how much is open and what is due next."""
    people = list(page)
    tasks = wanted.tasks.unfinished()
    counted = (
        tasks.filter(prospect__in=people)
        .order_by()
        .values("prospect_id")
        .annotate(open=Count("pk"), first=Min("due_sort"))
    )
    work = {row["prospect_id"]: row for row in counted}
    firsts = {(key, row["first"]) for key, row in work.items()}
    due = tasks.filter(
        prospect__in=work.keys(), due_sort__in={first for _, first in firsts}
    ).only(
        "prospect_id", "title", "channel", "due_at", "due_on", "starts_at", "due_sort",
        "status",
    )  # fmt: skip
    nearest = {(t.prospect_id, t.due_sort): t for t in due}
    known = owners.members_by_key(wanted.members.values())
    rows = []
    for person in people:
        found = work.get(person.pk)
        rows.append(
            Row(
                person,
                known.get(person.owner_key),
                open=found["open"] if found else 0,
                next=nearest.get((person.pk, found["first"])) if found else None,
            )
        )
    return rows


def headings(wanted: ProspectFilter) -> dict[str, Heading]:
    """Return the two headings that sort; a second press turns the order round."""
    made = {}
    for column, label, css in (("name", "Name", ""), ("company", "Company", "col-co")):
        turned = f"-{column}" if wanted.sort == column else column
        query = wanted.query(sort="" if turned == "name" else turned)
        direction = {column: "ascending", f"-{column}": "descending"}
        made[column] = Heading(
            label,
            css,
            reverse("prospect-list") + (f"?{query}" if query else ""),
            direction.get(wanted.sort, ""),
        )
    return made


@require_GET
@lead_required
def prospect_export(request: TeamRequest) -> StreamingHttpResponse:
    """Hand out all prospects that match the address, in the form an import takes.

    With `prospect` those that are ticked, and no others.
    """
    found = read_filter(request).found()
    if "prospect" in request.GET:
        ids = [pk for t in request.GET.getlist("prospect") if (pk := number_or_zero(t))]
        found = found.filter(pk__in=ids[:MOST_TICKED])
    lines = prospect_lines(found, accounts_of(request))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"baton-prospects-{team_of(request).today().isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
@member_required
def prospect_detail(request: TeamRequest, prospect_id: int) -> HttpResponse:
    prospect = prospect_of(request, prospect_id)
    return render(request, "prospects/detail.html", detail(request, prospect))


def detail(request: TeamRequest, prospect: Prospect) -> dict[str, object]:
    tasks = visible(request)
    found = tasks.filter(prospect=prospect).for_list()
    rows = found.defer("note", "search_text", "options")
    open_tasks = tasks.filter(prospect=prospect).unfinished().order_by("due_sort", "pk")
    ids = {link.account_id: link.external_id for link in prospect.links.all()}
    return {
        "prospect": prospect,
        "tags": prospect.tags.all(),
        "owner": owner_of(request, prospect),
        "accounts": [
            (account, ids.get(account.pk, "")) for account in accounts_of(request)
        ],
        "page": Paginator(service.open_first(rows), PAGE_SIZE).get_page(
            request.GET.get("page", "1")
        ),
        "open": list(open_tasks.values_list("pk", flat=True)[:MOST_STARTED]),
    }


def back_to(prospect: Prospect, place: str) -> HttpResponse:
    """Go to the prospect's page; what has this id there gets the focus."""
    return redirect(reverse("prospect-detail", args=[prospect.pk], fragment=place))


def owner_of(request: TeamRequest, prospect: Prospect) -> User | None:
    """Return whom of the team its owner's name means, None for nobody known."""
    if not prospect.owner_key:
        return None
    members = members_by_name(team_of(request))
    return owners.members_by_key(members).get(prospect.owner_key)


@require_http_methods(["GET", "POST"])
@lead_required
def prospect_new(request: TeamRequest) -> HttpResponse:
    return edit(request, Prospect(team=team_of(request)))


@require_http_methods(["GET", "POST"])
@lead_required
def prospect_edit(request: TeamRequest, prospect_id: int) -> HttpResponse:
    return edit(request, prospect_of(request, prospect_id))


def edit(request: TeamRequest, prospect: Prospect) -> HttpResponse:
    """Show the form of this prospect, or save it and go to its page.

    Who comes from tasks that failed goes back there, and may change the id in their
    account, too.
    """
    new = prospect.pk is None
    title = "New prospect" if new else str(prospect)
    origin = None if new else origin_of(request)
    account = origin.account if origin else None
    typed = request.POST if request.method == "POST" else None
    form = ProspectForm(
        typed, instance=prospect, team=team_of(request), account=account
    )
    if form.is_bound and form.is_valid():
        try:
            with transaction.atomic():
                service.save_prospect(form.instance, form.cleaned_data["tags"])
                if account is not None:
                    external_id = form.cleaned_data["external_id"]
                    service.set_external_id(prospect, account, external_id)
        except service.EmailTaken as taken:
            form.add_error("email", str(taken))
        except (BadCell, service.IdTaken) as refused:
            form.add_error("external_id", str(refused))
        else:
            if origin is not None:
                messages.success(request, "Saved. “Retry” sends the task again.")
                return redirect(origin.url)
            messages.success(request, "Prospect added." if new else "Saved.")
            return redirect("prospect-detail", prospect.pk)
    status = 422 if form.is_bound else 200
    context = {"form": form, "prospect": prospect, "title": title, "origin": origin}
    return render(request, "prospects/form.html", context, status=status)


@require_POST
@lead_required
def prospect_do_not_contact(request: TeamRequest, prospect_id: int) -> HttpResponse:
    """Opt a prospect out, or in again: `value` is yes or no."""
    prospect = prospect_of(request, prospect_id)
    out = request.POST.get("value") != "no"
    service.set_do_not_contact(prospect, value=out)
    messages.success(
        request,
        f"{prospect} is opted out. New tasks leave them out."
        if out
        else f"{prospect} may be contacted again.",
    )
    return back_to(prospect, "opted-out" if out else "opted-in")


@require_POST
@lead_required
def prospect_id_save(
    request: TeamRequest, prospect_id: int, account_id: int
) -> HttpResponse:
    """Set, change or (left empty) remove the id at one account."""
    prospect = prospect_of(request, prospect_id)
    accounts = ConnectedAccount.objects.of_team(team_of(request))
    account = get_object_or_404(accounts.defer("credentials"), pk=account_id)
    typed = "" if "remove" in request.POST else request.POST.get("external_id", "")
    try:
        service.set_external_id(prospect, account, typed)
    except (BadCell, service.IdTaken) as refused:
        context = detail(request, prospect)
        context["refused"] = {
            "account": account,
            "typed": typed,
            "sentence": str(refused),
        }
        return render(request, "prospects/detail.html", context, status=422)
    known = prospect.links.filter(account=account).exists()
    messages.success(
        request,
        f"Id at {account.name} saved."
        if known
        else f"No id at {account.name} any more.",
    )
    return back_to(prospect, f"id-{account.pk}")
