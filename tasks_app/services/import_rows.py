"""One row of an import: what it says about a person, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tasks_app.models import ConnectedAccount

from . import prospect_cells as cells
from .csv_reading import Row
from .csv_writing import unguard
from .prospect_columns import Column

#: Longest piece of a value that a report repeats.
SHOWN = 200

#: "row": not imported; "cell": imported without this value; "note": imported.
Kind = Literal["row", "cell", "note"]


@dataclass(frozen=True)
class Problem:
    """A sentence about one row. `row` is its line in the file, `column` a heading."""

    row: int
    column: str
    value: str
    reason: str
    kind: Kind = "row"


class RefusedRow(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


@dataclass
class Entry:
    """What one row says. `values` and `ids` hold only what is not empty.

    `do_not_contact` is None where the row is silent. `ids` are by account.
    """

    line: int
    values: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    do_not_contact: bool | None = None
    ids: dict[int, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def email(self) -> str:
        return self.values.get("email", "")


Cleaner = Callable[[str], str]

#: A value that is wrong in one of these spoils the row ...
ROW_CLEANERS: dict[str, Cleaner] = {
    "first_name": cells.clean_text,
    "last_name": cells.clean_text,
    "title": cells.clean_text,
    "company": cells.clean_text,
    "email": cells.clean_email,
}
#: ... in one of these it is left out.
CELL_CLEANERS: dict[str, Cleaner] = {
    "phone": cells.clean_phone,
    "linkedin_url": cells.clean_linkedin,
    "time_zone": cells.clean_time_zone,
    "owner": cells.clean_owner,
}


def read_entry(
    row: Row, columns: list[Column], accounts: Mapping[int, ConnectedAccount]
) -> Entry:
    """Return what the row says; raise RefusedRow where it cannot be imported.

    What can be imported without one of its values carries a problem of kind "cell".
    """
    if row.error:
        known = row.column is not None and row.column < len(columns)
        heading = columns[row.column or 0].heading if known else ""
        value = ", ".join(row.cells)[:SHOWN]
        raise RefusedRow(Problem(row.line, heading, value, row.error))
    entry = Entry(row.line)
    whole_name = ""
    for column, typed in zip(columns, row.cells, strict=True):
        if not typed or not column.target:
            continue
        value = unguard(typed)
        try:
            if column.target == "name":
                whole_name = cells.one_line(value)
            else:
                read_cell(entry, column, value, accounts)
        except cells.BadCell as bad:
            whole = column.target in ROW_CLEANERS
            problem = Problem(
                row.line,
                column.heading,
                value[:SHOWN],
                str(bad),
                "row" if whole else "cell",
            )
            if whole:
                raise RefusedRow(problem) from None
            entry.problems.append(problem)
    if whole_name and not entry.values.keys() & {"first_name", "last_name"}:
        take_whole_name(entry, columns, whole_name)
    need_name_or_email(entry, columns)
    return entry


def read_cell(
    entry: Entry,
    column: Column,
    value: str,
    accounts: Mapping[int, ConnectedAccount],
) -> None:
    """Put one cell into the entry; raise BadCell."""
    target = column.target
    if column.account_id is not None:
        vendor = accounts[column.account_id].vendor
        if external_id := cells.clean_external_id(value, vendor):
            entry.ids[column.account_id] = external_id
    elif target == "tags":
        entry.tags = cells.split_tags(value)
    elif target == "do_not_contact":
        read_do_not_contact(entry, column, value)
    elif kept := (ROW_CLEANERS.get(target) or CELL_CLEANERS[target])(value):
        entry.values[target] = kept


def read_do_not_contact(entry: Entry, column: Column, value: str) -> None:
    """A word that nobody knows counts as yes: nobody is called by mistake."""
    if cells.is_no(value):
        entry.do_not_contact = False
    elif cells.is_yes(value):
        entry.do_not_contact = True
    elif cells.something(value):
        entry.do_not_contact = True
        entry.problems.append(
            Problem(
                entry.line,
                column.heading,
                value[:SHOWN],
                "Neither yes nor no, so this person counts as opted out.",
                "note",
            )
        )


def take_whole_name(entry: Entry, columns: list[Column], whole_name: str) -> None:
    for target, part in zip(
        ("first_name", "last_name"), cells.split_name(whole_name), strict=True
    ):
        try:
            if part:
                entry.values[target] = cells.clean_text(part)
        except cells.BadCell as bad:
            heading = next(c.heading for c in columns if c.target == "name")
            raise RefusedRow(
                Problem(entry.line, heading, whole_name[:SHOWN], str(bad))
            ) from None


def need_name_or_email(entry: Entry, columns: list[Column]) -> None:
    """Raise RefusedRow where nobody could tell who this is."""
    if entry.values.keys() & {"first_name", "last_name", "email"}:
        return
    heading = next((c.heading for c in columns if c.target == "email"), "")
    raise RefusedRow(
        Problem(entry.line, heading, "", "This row has neither a name nor an e-mail.")
    )
