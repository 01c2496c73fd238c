"""New tasks: the form, its parts that change while it is filled in, and creating."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from tasks_app.forms.choosing import without_nul
from tasks_app.forms.drafts import source_of, typed_from
from tasks_app.forms.tasks import with_pick
from tasks_app.forms.templates import template_values, with_template
from tasks_app.models import TaskTemplate
from tasks_app.services.creating import batch_of, create_tasks, differs
from tasks_app.services.form_drafts import drafts_of, keep
from tasks_app.services.task_templates import NotKept, save_template, templates_of

from .access import lead_required
from .middleware import TeamRequest
from .new_task_page import NewTaskPage
from .toasts import Links

TEMPLATE = "tasks/new.html"
#: Buttons that work without JavaScript and only show the page again.
LOOKS = frozenset({"enter", "fields", "search", "preview", "match", "template"})


def page_of(request: TeamRequest, *, kept: bool) -> NewTaskPage:
    assert request.membership is not None  # noqa: S101 - every view here wants a lead
    sent = request.POST if request.method == "POST" else request.GET
    source = with_pick(without_nul(sent))
    if template := template_in(request, source):
        source = with_template(source, template)
    return NewTaskPage.read(request.membership, request.user, source, kept=kept)


def template_in(request: TeamRequest, source: QueryDict) -> TaskTemplate | None:
    """Return the template that is to fill the form, None for no such one."""
    wanted = source.get("template", "")
    if not wanted.isdecimal() or len(wanted) > 18 or request.team is None:
        return None
    return templates_of(request.team).filter(pk=wanted).first()


@require_http_methods(["GET", "POST"])
@lead_required
def task_new(request: TeamRequest) -> HttpResponse:
    """Show the form, show it again after a look at something, or create the tasks."""
    if request.method == "POST" and not looks(request):
        return create(request)
    if request.method == "GET" and "draft" in request.GET:
        return open_draft(request)
    unsaved = before_looking(request)
    page = page_of(request, kept=True)
    if request.method == "POST":
        planned = page_of(request, kept=False)
        planned.make_plan()
        page.plan, page.chosen = planned.plan, planned.chosen
    else:
        page.choose()
    return render(request, TEMPLATE, page.context(template_name=unsaved))


def before_looking(request: TeamRequest) -> str:
    """Do what was asked beside showing the form: keep a template, or fill from one.

    Return the name of a template that was not kept. Who presses Enter while one is
    named wants it kept.
    """
    assert request.membership is not None  # noqa: S101
    source = without_nul(request.POST)
    name, do = source.get("template_name", ""), source.get("do")
    if do == "template" or (do == "enter" and name.strip()):
        values = template_values(source)
        try:
            kept = save_template(request.membership, name=name, values=values)
        except NotKept as refused:
            messages.error(request, f"Not kept as a template. {refused}")
            return name
        messages.success(request, f"“{kept}” is a template of the team now.")
        return ""
    if template := template_in(request, source):
        words = f"Filled from “{template}”."
        if source.get("title", "").strip() or source.get("note", "").strip():
            # What was written is not lost: it is a draft of its own.
            apart = source.copy()
            apart["form_token"] = str(uuid.uuid4())
            keep(request.membership, typed_from(apart))
            words += " What you had written is among your drafts."
        messages.success(request, words)
    return name


def open_draft(request: TeamRequest) -> HttpResponse:
    """Show the form as it was left, or say that this draft is gone."""
    assert request.membership is not None  # noqa: S101
    wanted = request.GET["draft"]
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 19 else 0
    mine = drafts_of(request.membership).defer(None)
    draft = mine.filter(pk=number).first()
    if draft is None:
        messages.warning(request, "This draft was sent or discarded meanwhile.")
        return redirect("task-draft-list")
    source = source_of(draft)
    page = NewTaskPage.read(request.membership, request.user, source, kept=True)
    page.draft = draft
    page.choose()
    return render(request, TEMPLATE, page.context())


def looks(request: TeamRequest) -> bool:
    """Return whether another button than the one that creates was pressed."""
    return request.POST.get("do") in LOOKS or any(
        name in request.POST for name in ("add", "remove", "go", "pick", "template")
    )


def create(request: TeamRequest) -> HttpResponse:
    page = page_of(request, kept=False)
    plan = page.make_plan()
    if page.account and (batch := batch_of(page.account, page.token)):
        if plan and page.form and (page.form.errors or differs(plan, batch)):
            return kept_apart(request, page)
        messages.info(request, "These tasks were created before, as you see them here.")
        return redirect("batch-detail", batch.pk)
    if page.refuse() or plan is None:
        return render(request, TEMPLATE, page.context(tried=True), status=422)
    batch = create_tasks(plan, by=request.user, form_token=page.token)
    if page.leads_to:
        links = Links(page=reverse("batch-detail", args=[batch.pk]), label="See it")
        words = f"Created: “{batch.title}”."
        messages.success(request, words, extra_tags=str(links))
        return redirect(page.leads_to)
    return redirect("batch-detail", batch.pk)


def kept_apart(request: TeamRequest, page: NewTaskPage) -> HttpResponse:
    """Keep what was typed into a form that was sent before, as a draft of its own."""
    draft = keep(page.member, typed_from(page.source), apart=True)
    messages.warning(
        request,
        "Nothing was created now: this form had made its tasks before, and what it "
        "holds has changed since. It is a draft of its own now. Look at it, then "
        "create the tasks.",
    )
    return redirect(f"{reverse('task-new')}?draft={draft.pk}")


@require_POST
@lead_required
def task_new_fields(request: TeamRequest) -> HttpResponse:
    """Return the fields of another account or type, with what was typed so far."""
    page = page_of(request, kept=True)
    response = render(request, f"{TEMPLATE}#vendor-fields", page.context())
    return trigger_client_event(response, "preview-late", after="swap")


@require_POST
@lead_required
def task_new_prospects(request: TeamRequest) -> HttpResponse:
    """Return the matches of a search, or the picker after adding or removing."""
    page = page_of(request, kept=True)
    if not ("add" in request.POST or "remove" in request.POST):
        return render(request, f"{TEMPLATE}#results", page.context())
    page.choose()
    response = render(request, f"{TEMPLATE}#picker", page.context())
    return trigger_client_event(response, "preview-late", after="swap")


@require_POST
@lead_required
def task_preview(request: TeamRequest) -> HttpResponse:
    """Return what would be sent, and the counts beside the form."""
    page = page_of(request, kept=False)
    page.make_plan()
    return render(request, f"{TEMPLATE}#preview-answer", page.context())
