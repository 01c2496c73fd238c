"""`import_prospects FILE.csv --team TEAM`: the import of the pages, for scripts."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tasks_app.models import ConnectedAccount, Team
from tasks_app.services import importing
from tasks_app.services.prospect_columns import FIELDS, account_named, account_target


class Command(BaseCommand):
    help = (
        "Import prospects from a CSV file. Columns are recognised by their headings; "
        "one named “id:ACCOUNT NAME” holds the ids at that account."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--team", required=True, help="the team's name")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            dest="pairs",
            help="what a column holds: "
            + ", ".join(FIELDS)
            + ", id:ACCOUNT NAME, or nothing to leave it out; repeat as needed",
        )
        parser.add_argument(
            "--errors",
            type=Path,
            metavar="FILE.csv",
            help="write the rows to mend into this file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        team = Team.objects.filter(name=options["team"]).first()
        if team is None:
            raise CommandError(f"There is no team named “{options['team']}”.")
        errors: Path | None = options["errors"]
        if errors and not errors.absolute().parent.is_dir():
            raise CommandError(f"{errors.parent} is not a folder.")
        try:
            content = content_of(path)
            sheet = importing.read(content, team=team)
            mapping = mapping_from(options["pairs"], sheet)
            sheet = importing.read(content, team=team, mapping=mapping)
        except importing.UnreadableFile as unreadable:
            raise CommandError(f"{path.name}: {unreadable}") from None
        if sheet.problems:
            raise CommandError(f"{path.name}: {' '.join(sheet.problems)}")
        report = importing.import_sheet(sheet)
        if errors:
            write_errors(errors, sheet, report)
        self.stdout.write(f"Imported {path.name}: {report.sentence}")
        for column in sheet.columns:
            if column.note:
                self.stdout.write(f"Left out column “{column.heading}”: {column.note}")


def content_of(path: Path) -> bytes:
    """Return the file's bytes, of a file that is too large one more than fit."""
    try:
        with path.open("rb") as file:
            content = file.read(importing.MAX_BYTES + 1)
            if len(content) > importing.MAX_BYTES:
                raise importing.UnreadableFile(importing.too_large(path.stat().st_size))
            return content
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def mapping_from(pairs: list[str], sheet: importing.Sheet) -> dict[str, str]:
    """Return {heading: target} of texts such as `E-Mail=email`."""
    mapping: dict[str, str] = {}
    headings = {column.heading for column in sheet.columns}
    for pair in pairs:
        if "=" not in pair:
            raise CommandError(f"Write --map as COLUMN=FIELD, not “{pair}”.")
        # A heading may hold "=" itself, so the one that is a column counts.
        splits = [i for i, c in enumerate(pair) if c == "=" and pair[:i] in headings]
        if not splits:
            heading = pair.partition("=")[0]
            raise CommandError(
                f"The file has no column “{heading}”. It has: "
                f"{', '.join(sheet.mapping)}."
            )
        heading, field = pair[: splits[0]], pair[splits[0] + 1 :].strip()
        mapping[heading] = target_of(field, list(sheet.accounts.values()))
    return mapping


def target_of(field: str, accounts: list[ConnectedAccount]) -> str:
    if not field or field in FIELDS:
        return field
    kind, _, name = field.partition(":")
    if kind == "id":
        if account := account_named(name, accounts):
            return account_target(account)
        raise CommandError(f"The team has no account named “{name}”.")
    raise CommandError(
        f"There is no field “{field}”. There are: {', '.join(FIELDS)} and "
        "id:ACCOUNT NAME."
    )


def write_errors(path: Path, sheet: importing.Sheet, report: importing.Report) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(importing.refused_file(sheet.file, report.problems))
    except OSError as error:
        raise CommandError(
            f"The prospects were imported, but {path} cannot be written: "
            f"{error.strerror}."
        ) from None
