"""Importing prospects: choose a file, match its columns and look, import, mend."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from tasks_app.forms.prospects import UploadForm
from tasks_app.models import ProspectImport
from tasks_app.services import importing

from .access import lead_required
from .middleware import TeamRequest
from .prospects import team_of

PAGE_SIZE = 50
#: Rows and notes that the preview lists; the file to download has them all.
PREVIEWED = 100
NOTES = 20
RECENT = 10


def import_of(request: TeamRequest, import_id: int) -> ProspectImport:
    imports = ProspectImport.objects.filter(team=team_of(request))
    return get_object_or_404(imports.select_related("team", "created_by"), pk=import_id)


@require_http_methods(["GET", "POST"])
@lead_required
def prospect_import(request: TeamRequest) -> HttpResponse:
    """Take a file, and show what was imported lately."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                upload = importing.keep_upload(
                    team_of(request),
                    name=file.name,
                    content=file.read(),
                    by=request.user,
                )
                return redirect("prospect-import-check", upload.pk)
            except importing.UnreadableFile as unreadable:
                form.add_error("file", str(unreadable))
    recent = ProspectImport.objects.filter(team=team_of(request)).defer("content")
    context = {"form": form, "recent": recent.select_related("created_by")[:RECENT]}
    status = 422 if form.is_bound else 200
    return render(request, "prospects/import.html", context, status=status)


@require_http_methods(["GET", "POST"])
@lead_required
@vary_on_headers("HX-Request")
def prospect_import_check(request: TeamRequest, import_id: int) -> HttpResponse:
    """Show how the columns are matched and what would happen; POST matches anew."""
    upload = import_of(request, import_id)
    if upload.state == ProspectImport.State.DONE:
        return redirect("prospect-import-done", import_id)
    sheet = importing.read_upload(upload)
    if request.method == "POST":
        keep_mapping(request, upload, sheet)
        if not request.htmx:
            return redirect("prospect-import-check", import_id)
        sheet = importing.read_upload(upload)
    report = None if sheet.problems else importing.check(sheet)
    context = {
        "upload": upload,
        "sheet": sheet,
        "report": report,
        "problems": report.problems[:PREVIEWED] if report else [],
        "notes": report.notes[:NOTES] if report else [],
    }
    part = "#import-check" if request.method == "POST" else ""
    return render(request, f"prospects/import_check.html{part}", context)


def keep_mapping(
    request: TeamRequest, upload: ProspectImport, sheet: importing.Sheet
) -> None:
    """Keep what was chosen for each column; what the page does not offer is left out."""
    mapping = {}
    for number, column in enumerate(sheet.columns):
        chosen = request.POST.get(f"column-{number}", column.target)
        mapping[column.heading] = chosen if chosen in sheet.choices else ""
    upload.mapping = mapping
    if "update_asked" in request.POST:
        upload.update_known = "update" in request.POST
    # What a first press has imported meanwhile stays as it was imported.
    waiting = ProspectImport.objects.filter(pk=upload.pk)
    waiting.exclude(state=ProspectImport.State.DONE).update(
        mapping=mapping, update_known=upload.update_known
    )


@require_POST
@lead_required
def prospect_import_apply(request: TeamRequest, import_id: int) -> HttpResponse:
    """Import what the page showed, once; what is chosen now counts."""
    upload = import_of(request, import_id)
    if upload.state != ProspectImport.State.DONE and "column-0" in request.POST:
        sheet = importing.read_upload(upload)
        keep_mapping(request, upload, sheet)
    try:
        importing.apply(upload, by=request.user)
    except importing.UnreadableFile as unreadable:
        messages.error(request, f"Nothing was imported. {unreadable}")
        return redirect("prospect-import-check", import_id)
    return redirect("prospect-import-done", import_id)


@require_GET
@lead_required
def prospect_import_done(request: TeamRequest, import_id: int) -> HttpResponse:
    """Show what became of an import, with every row that has something to mend."""
    upload = import_of(request, import_id)
    if upload.state != ProspectImport.State.DONE:
        return redirect("prospect-import-check", import_id)
    report = importing.Report.from_json(upload.report)
    page = Paginator(report.problems, PAGE_SIZE).get_page(request.GET.get("page", "1"))
    context = {
        "upload": upload,
        "report": report,
        "page": page,
        "problems": list(page),
        "notes": report.notes[:NOTES],
    }
    return render(request, "prospects/import_done.html", context)


@require_GET
@lead_required
def prospect_import_refused(
    request: TeamRequest, import_id: int
) -> StreamingHttpResponse:
    """Hand out the rows that have something to mend, as CSV."""
    upload = import_of(request, import_id)
    if not upload.content:
        raise Http404("This file is not kept any more.")
    sheet = importing.read_upload(upload)
    if upload.state == ProspectImport.State.DONE:
        problems = importing.Report.from_json(upload.report).problems
    elif sheet.problems:
        raise Http404("The columns are not matched yet.")
    else:
        problems = importing.check(sheet).problems
    lines = importing.refused_file(sheet.file, problems)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"baton-import-{upload.pk}-to-mend.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@lead_required
def prospect_import_discard(request: TeamRequest, import_id: int) -> HttpResponse:
    """Forget a file that was not imported."""
    upload = import_of(request, import_id)
    if upload.state == ProspectImport.State.DONE:
        messages.warning(request, "This file is imported already.")
        return redirect("prospect-import-done", import_id)
    upload.delete()
    messages.success(request, "File discarded. Nothing was imported.")
    return redirect("prospect-import")
