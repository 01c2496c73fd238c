"""Imports prospects from a CSV file: read it, say what would happen, do it.

`read` → `check` writes nothing, `apply` does what `check` said, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tasks_app.models import ConnectedAccount, ProspectImport, Team

from .csv_decoding import UnreadableFile
from .csv_reading import MAX_BYTES, CsvFile, read_csv, too_large
from .import_people import People
from .import_person import Person
from .import_report import Report, count, refused_file
from .import_rows import Entry, RefusedRow, read_entry
from .import_writing import write_people
from .prospect_cells import one_line
from .prospect_columns import (
    Column,
    apply_choices,
    choices,
    mapping_problems,
    recognise,
)

__all__ = [
    "MAX_BYTES",
    "Report",
    "Sheet",
    "UnreadableFile",
    "apply",
    "check",
    "import_sheet",
    "keep_upload",
    "read",
    "read_upload",
    "refused_file",
    "too_large",
]

SAMPLES = 3


@dataclass
class Sheet:
    """A file with its columns matched. `problems` are sentences; [] = importable.

    Without `update` whoever is known already stays as they are: their rows are left out.
    """

    team: Team
    file: CsvFile
    columns: list[Column]
    accounts: dict[int, ConnectedAccount]
    problems: list[str]
    #: Sentences about the file as a whole.
    notes: list[str]
    update: bool = True

    @property
    def mapping(self) -> dict[str, str]:
        return {column.heading: column.target for column in self.columns}

    @property
    def choices(self) -> dict[str, str]:
        return choices(self.accounts.values())

    @property
    def matched(self) -> int:
        return sum(bool(column.target) for column in self.columns)


#: Uploads that nobody finished are forgotten after this long, files after that.
UNFINISHED_FOR = timedelta(days=7)
FILES_FOR = timedelta(days=90)


def keep_upload(team: Team, *, name: str, content: bytes, by: User) -> ProspectImport:
    """Keep a file that can be read, mapped by its headings; raise UnreadableFile.

    Old files hold people's data, so those that nobody needs any more go.
    """
    sheet = read(content, team=team)
    forget_old_files(team)
    return ProspectImport.objects.create(
        team=team,
        created_by=by,
        file_name=one_line(PurePath(name.replace("\\", "/")).name)[:200] or "file.csv",
        content=content,
        mapping=sheet.mapping,
    )


def forget_old_files(team: Team) -> None:
    now = timezone.now()
    imports = ProspectImport.objects.filter(team=team)
    imports.filter(
        state=ProspectImport.State.UPLOADED, created_at__lt=now - UNFINISHED_FOR
    ).delete()
    imports.filter(created_at__lt=now - FILES_FOR).exclude(content=b"").update(
        content=b""
    )


def read(
    content: bytes,
    *,
    team: Team,
    mapping: Mapping[str, str] | None = None,
    update: bool = True,
) -> Sheet:
    """Return the file with its columns matched by heading, then by `mapping`.

    `mapping` is {heading: field, "account:ID" or ''}. Raises UnreadableFile.
    """
    file = read_csv(content)
    accounts = {
        account.pk: account for account in ConnectedAccount.objects.of_team(team)
    }
    columns = recognise(file.headings, accounts.values())
    apply_choices(columns, mapping or {})
    for row in file.rows:
        if row.error:
            continue
        for column, cell in zip(columns, row.cells, strict=True):
            if cell.strip():
                column.filled += 1
                if len(column.samples) < SAMPLES:
                    column.samples.append(" ".join(cell.split())[:60])
    labels = choices(accounts.values())
    problems = mapping_problems(columns, labels)
    notes = file_notes(file, columns)
    return Sheet(team, file, columns, accounts, problems, notes, update)


def read_upload(upload: ProspectImport) -> Sheet:
    """Return an uploaded file as it is mapped, and as its switch stands."""
    return read(
        bytes(upload.content),
        team=upload.team,
        mapping=upload.mapping,
        update=upload.update_known,
    )


def file_notes(file: CsvFile, columns: list[Column]) -> list[str]:
    notes = []
    if any("@" in heading for heading in file.headings):
        notes.append(
            "The first line holds an e-mail address. It is taken for the names of the "
            "columns, so whoever stands there is not imported: put a line with column "
            "names above it."
        )
    if file.encoding == "Windows-1252":
        notes.append(
            "The file does not say how its letters are written. It was read as "
            "Windows-1252: look whether the names below are right, otherwise save it as "
            "“CSV UTF-8”."
        )
    return notes


def check(sheet: Sheet) -> Report:
    """Return what an import of this sheet would do now. Writes nothing."""
    return study(sheet, lock=False)[0]


def study(sheet: Sheet, *, lock: bool) -> tuple[Report, list[Person]]:
    report = Report(rows=len(sheet.file.rows))
    report.left_out_columns = [c.heading for c in sheet.columns if not c.target]
    entries: list[Entry] = []
    for row in sheet.file.rows:
        try:
            entries.append(read_entry(row, sheet.columns, sheet.accounts))
        except RefusedRow as refused:
            report.problems.append(refused.problem)
    used = {
        c.account_id: sheet.accounts[c.account_id]
        for c in sheet.columns
        if c.account_id
    }
    people = People(sheet.team, sheet.columns, used, lock=lock, update=sheet.update)
    people.load(entries)
    for entry in entries:
        try:
            people.add(entry)
        except RefusedRow as refused:
            report.problems.append(refused.problem)
        else:
            report.problems += [p for p in entry.problems if p.kind == "cell"]
            report.notes += [p for p in entry.problems if p.kind == "note"]
    count(report, people.all)
    return report, people.all


def import_sheet(sheet: Sheet) -> Report:
    """Import the sheet in one transaction; return what became of it."""
    try:
        return import_once(sheet)
    except IntegrityError:
        # Somebody added one of these people by hand meanwhile: now they are known.
        return import_once(sheet)


def import_once(sheet: Sheet) -> Report:
    with transaction.atomic():
        # Imports of one team run one after the other, so no two add the same person.
        Team.objects.select_for_update(no_key=True).get(pk=sheet.team.pk)
        report, people = study(sheet, lock=True)
        write_people(sheet.team, people)
    return report


def apply(import_: ProspectImport, *, by: User) -> Report:
    """Import an uploaded file as it is mapped; once, however often it is asked for."""
    with transaction.atomic():
        row = ProspectImport.objects.select_for_update().get(pk=import_.pk)
        if row.state == ProspectImport.State.DONE:
            return Report.from_json(row.report)
        sheet = read_upload(row)
        if sheet.problems:
            raise UnreadableFile(" ".join(sheet.problems))
        report = import_sheet(sheet)
        row.state = ProspectImport.State.DONE
        row.created_by = by
        row.report = report.as_json()
        row.finished_at = timezone.now()
        row.save(update_fields=["state", "created_by", "report", "finished_at"])
    return report
