"""What an import does or did, for the page, the command and the file to mend."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .csv_reading import CsvFile
from .csv_writing import csv_lines, unguard
from .import_person import Person
from .import_rows import Problem

#: People shown as they will be.
PREVIEWED = 5
#: Notes kept of one import; refused rows and left-out cells are kept all.
MAX_NOTES = 1000
#: Headings of the two columns that a file of refused rows begins with.
OUR_COLUMNS = ["Row", "Problem"]


@dataclass
class Report:
    """What an import does, or did. Each row of the file is in one of five counts.

    `new`, `updated` and `unchanged` count people, `repeated` further rows about one of
    them, `refused` rows that are left out. `problems` are refused rows and left-out
    cells by row; `notes` what was imported and is worth a look. `sample` are the first
    people as they will be.
    """

    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    notes_count: int = 0
    sample: list[dict[str, str]] = field(default_factory=list)
    left_out_columns: list[str] = field(default_factory=list)

    @property
    def cells(self) -> int:
        """How many single values are left out of rows that are imported."""
        return sum(problem.kind == "cell" for problem in self.problems)

    @property
    def people(self) -> int:
        return self.new + self.updated + self.unchanged

    @property
    def sentence(self) -> str:
        """Return the counts on one line."""
        parts = [f"{self.new:,} new", f"{self.updated:,} updated"]
        if self.unchanged:
            parts.append(f"{self.unchanged:,} unchanged")
        parts += [f"{self.repeated:,} repeated", f"{self.refused:,} refused"]
        cells = f" {self.cells:,} single values left out." if self.cells else ""
        if self.cells == 1:
            cells = " 1 single value left out."
        return f"{', '.join(parts)}.{cells}"

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        values = dict(data)
        for name in ("problems", "notes"):
            values[name] = [Problem(**item) for item in values.get(name, ())]
        return cls(**values)


def count(report: Report, people: list[Person]) -> None:
    report.problems.sort(key=lambda problem: problem.row)
    report.refused = sum(problem.kind == "row" for problem in report.problems)
    report.notes_count = len(report.notes)
    del report.notes[MAX_NOTES:]
    for person in people:
        report.repeated += len(person.lines) - 1
        if person.is_new:
            report.new += 1
        elif person.is_changed:
            report.updated += 1
        else:
            report.unchanged += 1
    report.sample = [as_sample(person) for person in people[:PREVIEWED]]


def as_sample(person: Person) -> dict[str, str]:
    prospect = person.prospect
    what = "New" if person.is_new else "Updated" if person.is_changed else "Unchanged"
    return {
        "row": str(person.lines[0]),
        "name": prospect.full_name,
        "title": prospect.title,
        "company": prospect.company,
        "email": prospect.email,
        "phone": prospect.phone,
        "tags": ", ".join(person.tags.values()),
        "ids": str(len(person.links)),
        "what": what,
    }


def refused_file(file: CsvFile, problems: list[Problem]) -> Iterator[str]:
    """Yield the lines of a CSV of all rows that have something to mend.

    It begins with the row's number and what is wrong, then the row as it was: with
    the same faults, so that nobody imports it unmended by mistake.
    """
    reasons: dict[int, list[str]] = {}
    for problem in problems:
        where = f"{problem.column}: " if problem.column else ""
        reasons.setdefault(problem.row, []).append(where + problem.reason)
    skip = 2 if file.headings[:2] == OUR_COLUMNS else 0

    def rows() -> Iterator[list[str]]:
        yield [*OUR_COLUMNS, *file.headings[skip:]]
        for row in file.rows:
            if row.line in reasons:
                problem = " ".join(reasons[row.line])
                raw = row.error and len(row.cells) == 1
                cells = row.cells if raw else row.cells[skip:]
                yield [str(row.line), problem, *map(unguard, cells)]

    return csv_lines(rows())
