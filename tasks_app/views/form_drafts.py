"""Drafts of the form for new tasks: save, list, put away and take back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from tasks_app.forms.choosing import without_nul
from tasks_app.forms.drafts import is_blank, typed_from
from tasks_app.models import FormDraft, Membership
from tasks_app.services import form_drafts as service

from .access import lead_required
from .middleware import TeamRequest
from .toasts import Links


def member(request: TeamRequest) -> Membership:
    assert request.membership is not None  # noqa: S101 - every view here wants a lead
    return request.membership


def draft_of(request: TeamRequest, draft_id: int) -> FormDraft:
    mine = service.every_draft(member(request)).defer(None)
    return get_object_or_404(mine, pk=draft_id)


def stored(request: TeamRequest, typed: service.Typed) -> FormDraft | None:
    """Return the draft of this form that is kept already, None for none."""
    mine = service.drafts_of(member(request))
    return mine.filter(form_token=typed.token).first()


def address_of(draft: FormDraft) -> str:
    return f"{reverse('task-new')}?draft={draft.pk}"


@require_GET
@lead_required
def draft_list(request: TeamRequest) -> HttpResponse:
    """Show one's own drafts, the newest first."""
    drafts = service.drafts_of(member(request))
    return render(request, "tasks/drafts.html", {"drafts": drafts})


@require_POST
@lead_required
def draft_save(request: TeamRequest) -> HttpResponse:
    """Keep what was typed, whatever it is: by the button, or by itself (`auto`)."""
    auto = request.GET.get("auto") == "1"
    source = without_nul(request.POST)
    typed = typed_from(source)
    state: dict[str, object] = {"version": typed.version}
    if auto and is_blank(source) and stored(request, typed) is None:
        return render(request, "tasks/new_state.html", state)
    try:
        draft = service.keep(member(request), typed, apart=not auto)
    except service.AlreadyCreated as sent:
        if not request.htmx:
            messages.info(request, "These tasks were created before: here they are.")
            return redirect("batch-detail", sent.batch.pk)
        state["batch"] = sent.batch
    except service.ChangedElsewhere:
        state["elsewhere"] = True
    else:
        if not request.htmx or draft.form_token != typed.token:
            messages.success(request, "Draft saved.")
            to = address_of(draft)
            return HttpResponseClientRedirect(to) if request.htmx else redirect(to)
        state |= {"draft": draft, "version": draft.version}
    return render(request, "tasks/new_state.html", state)


@require_POST
@lead_required
def draft_drop(request: TeamRequest) -> HttpResponse:
    """Leave the form: what was typed is put away, and can be taken back."""
    source = without_nul(request.POST)
    typed = typed_from(source)
    if is_blank(source):
        draft = stored(request, typed)
    else:
        draft = service.keep(member(request), typed, apart=True)
    if draft is not None:
        service.discard(draft)
        tell_discarded(request, draft)
    return redirect("task-list")


@require_POST
@lead_required
def draft_discard(request: TeamRequest, draft_id: int) -> HttpResponse:
    draft = draft_of(request, draft_id)
    service.discard(draft)
    tell_discarded(request, draft)
    return redirect("task-draft-list")


@require_POST
@lead_required
def draft_restore(request: TeamRequest, draft_id: int) -> HttpResponse:
    """Take a discarded draft back, and open it."""
    draft = draft_of(request, draft_id)
    service.take_back(draft)
    return redirect(address_of(draft))


def tell_discarded(request: TeamRequest, draft: FormDraft) -> None:
    links = Links(undo=reverse("task-draft-restore", args=[draft.pk]))
    messages.success(request, "Draft discarded.", extra_tags=str(links))
