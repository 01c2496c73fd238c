"""Reads what `create_tasks` is given: times, prospects and a vendor's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime

from tasks_app.models import ConnectedAccount, Prospect
from tasks_app.services.csv_decoding import UnreadableFile
from tasks_app.services.csv_reading import CsvFile, read_csv
from tasks_app.services.csv_writing import unguard
from tasks_app.services.local_time import moment_of
from tasks_app.services.matching import email_key, prospects_for_emails
from tasks_app.services.prospect_columns import recognise
from tasks_app.services.reaching import LeftOut
from tasks_app.vendors import VendorAdapter
from tasks_app.vendors.offers import FormField

#: Here a task begins at its due date, and its end is a second one.
DUE_IS_START = frozenset({"leadsquared"})
#: What every task has; all else is an option of a vendor.
COMMON = frozenset(
    {"title", "note", "priority", "starts_at", "due_at", "due_on", "assignee"}
)


@dataclass
class Times:
    """What the three times mean in our terms. `notes` tell of hours that do not exist."""

    starts_at: datetime | None = None
    due_at: datetime | None = None
    due_on: date | None = None
    notes: list[str] = field(default_factory=list)


def times_of(
    account: ConnectedAccount, *, starts: str | None, due: str | None, ends: str | None
) -> Times:
    """Return when the task starts and is due; raise `CommandError`.

    `--due` with `--ends` is a start and an end where the vendor knows it so. Elsewhere
    `--ends` is another word for `--due`.
    """
    if due and ends and not starts and account.vendor in DUE_IS_START:
        starts, due, ends = due, ends, None
    if due and ends and read_time("--due", due) != read_time("--ends", ends):
        raise CommandError(
            "--due and --ends name different times. Give --starts and one of the two."
        )
    times = Times()
    if starts:
        written = read_time("--starts", starts)
        if not isinstance(written, datetime):
            written = datetime.combine(written, time())
        times.starts_at = moment(account, written, times)
    if due or ends:
        name, text = ("--due", due) if due else ("--ends", ends or "")
        written = read_time(name, text or "")
        if isinstance(written, datetime):
            times.due_at = moment(account, written, times)
        else:
            times.due_on = written
    return times


def moment(account: ConnectedAccount, written: datetime, times: Times) -> datetime:
    found, note = moment_of(written, account.team.zone)
    times.notes += [note] if note else []
    return found


def read_time(argument: str, text: str) -> date | datetime:
    """Return a day, or a time with or without an offset; raise `CommandError`."""
    try:
        found = parse_date(text.strip()) or parse_datetime(text.strip())
        if isinstance(found, datetime) and found.year > 1:
            found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        found = None
    if found is None or found.year < 1900:
        raise CommandError(
            f"{argument}: “{text}” is neither a day such as 2026-07-16 nor a time "
            "such as 2026-07-16T09:00."
        )
    return found


def option_values(
    adapter: VendorAdapter, fields: Mapping[str, FormField], given: Mapping[str, str]
) -> dict[str, Any]:
    """Return the vendor's own fields, named by us or by the vendor; else raise."""
    own = {name: spec for name, spec in fields.items() if name not in COMMON}
    by_name = {name.casefold(): name for name in own}
    by_name |= {
        spec.vendor_name.casefold(): name
        for name, spec in own.items()
        if spec.vendor_name.casefold() not in by_name
    }
    pairs = next((name for name, spec in own.items() if spec.kind == "pairs"), None)
    values: dict[str, Any] = {
        name: spec.default for name, spec in own.items() if spec.default
    }
    for key, value in given.items():
        name = by_name.get(key.casefold())
        if name is None and pairs and key.startswith("mx_"):
            values[pairs] = f"{values.get(pairs, '')}\n{key}={value}".strip()
        elif name is None:
            names = ", ".join(own) or "none"
            raise CommandError(
                f"--option {key}: {adapter.name} has no such field for this type. "
                f"It has: {names}."
            )
        elif own[name].kind == "pairs" and values.get(name):
            values[name] = f"{values[name]}\n{value}"
        else:
            values[name] = value
    return values


def people_of_file(
    account: ConnectedAccount, path: str
) -> tuple[list[Prospect], list[LeftOut]]:
    """Return whom the file names by e-mail, and the rows that name nobody.

    Raise `CommandError` for a file that cannot be read or has no e-mail addresses.
    """
    try:
        file = read_csv(Path(path).read_bytes())
    except OSError:
        raise CommandError(f"The file {path} could not be read.") from None
    except UnreadableFile as error:
        raise CommandError(f"{path}: {error}") from None
    column = email_column(file, path)
    lines: dict[str, int] = {}
    unknown: list[LeftOut] = []
    for row in file.rows:
        email = "" if row.error else unguard(row.cells[column].strip())
        if email:
            lines.setdefault(email_key(email), row.line)
        else:
            reason = row.error or "This row has no e-mail address."
            unknown.append(LeftOut(f"Line {row.line}", "", reason))
    emails = [unguard(row.cells[column].strip()) for row in file.rows if not row.error]
    found, strangers, doubled = prospects_for_emails(account.team, emails)
    for email in strangers:
        line = lines[email_key(email)]
        reason = "No prospect of this team has this e-mail address."
        unknown.append(LeftOut(f"Line {line}", email, reason, "Import them first."))
    again = {email_key(email) for email in doubled}
    return found + [p for p in found if p.email_key in again], unknown


def email_column(file: CsvFile, path: str) -> int:
    """Return the number of the column with the e-mail addresses."""
    for number, column in enumerate(recognise(file.headings, [])):
        if column.target == "email":
            return number
    raise CommandError(
        f"{path} has no column with e-mail addresses. It has: "
        f"{', '.join(file.headings[:10])}."
    )
