"""Reads a CSV file as people export it, and says exactly where it is broken.

What cannot be read at all raises `UnreadableFile` with a sentence for the person who
chose the file. One broken row is no reason to refuse the others: it comes out as a
`Row` with an `error`, and reading goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from .csv_decoding import UnreadableFile, decode

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MAX_CELL = 10_000  # characters
#: Cells after which nobody needs to look for the end of a row any more.
MAX_CELLS = 5 * MAX_COLUMNS

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
LINE_END = re.compile(r"\r\n|\r|\n")
BLANK_LINES = re.compile(r"(?:[ \t]*+[\r\n])++")
#: Where a cell without quotes ends, by delimiter.
PLAIN_END = {d: re.compile(f"[{re.escape(d)}\r\n]") for d in DELIMITERS}
#: A quoted cell behind its opening quote; quotes inside are doubled.
QUOTED = re.compile(r'((?:[^"]++|"")*+)"')
#: Excel's own way to name the delimiter, in a line above the headings.
EXCEL_HINT = re.compile(r'(?i)"?sep=([,;\t|])"?(?:\r\n|\r|\n)')
#: Rows looked at to find out what separates the cells.
SAMPLE = 20

TOO_LONG = f"This cell has more than {MAX_CELL:,} characters."


@dataclass(frozen=True)
class Row:
    """One row. `line` is where it begins, as an editor counts lines.

    `error` is '' or a sentence why it cannot be read; `column` then is the number of
    the cell it is about (from 0), None for the row as a whole. The only cell of a row
    that cannot be split is its raw line.
    """

    line: int
    cells: list[str]
    error: str = ""
    column: int | None = None

    @property
    def is_empty(self) -> bool:
        return not self.error and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True)
class CsvFile:
    """A readable file: unique headings, the rows, and how it was understood."""

    headings: list[str]
    rows: list[Row]
    encoding: str
    delimiter: str
    size: int  # bytes

    @property
    def delimiter_name(self) -> str:
        return DELIMITERS[self.delimiter]


class BrokenRow(Exception):
    """A row that cannot be split; carries the number of the cell where it breaks."""

    def __init__(self, sentence: str, column: int) -> None:
        super().__init__(sentence)
        self.column = column


@dataclass(frozen=True)
class Place:
    """Where the next row begins: position in the text, line in an editor."""

    position: int = 0
    line: int = 1


def read_csv(content: bytes) -> CsvFile:
    """Return the file's headings and rows; raise UnreadableFile with a sentence.

    Empty lines, and rows without any text at the end of the file, are passed over.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableFile(too_large(len(content)))
    text, encoding = decode(content)
    hint = EXCEL_HINT.match(text)
    start = Place(hint.end(), 2) if hint else Place()
    delimiter = hint[1] if hint else sniff(text)

    first, after = next(parse(text, delimiter, start), (None, start))
    if first is None:
        raise UnreadableFile("This file is empty.")
    if first.error:
        raise UnreadableFile(f"The line with the column names is broken. {first.error}")
    headings = name_columns(first.cells)
    rows: list[Row] = []
    for row, _ in parse(text, delimiter, after, width=len(headings)):
        rows.append(row)
        # Rows without text may turn out to be the file's empty tail.
        if len(rows) > MAX_ROWS and (not row.is_empty or len(rows) > 2 * MAX_ROWS):
            raise UnreadableFile(
                f"This file has more than {MAX_ROWS:,} rows. Split it into smaller "
                "files."
            )
    while rows and rows[-1].is_empty:
        rows.pop()
    if not rows:
        raise UnreadableFile("This file has column names but no rows below them.")
    return CsvFile(headings, rows, encoding, delimiter, len(content))


def too_large(size: int) -> str:
    """Return the sentence for a file of `size` bytes, which is too many."""
    return (
        f"This file has {size / 1024 / 1024:,.1f} MiB. Baton takes up to "
        f"{MAX_BYTES // 1024 // 1024} MiB: split it into smaller files."
    )


def sniff(text: str) -> str:
    """Return the delimiter that gives the first rows the same number of cells."""

    def score(delimiter: str) -> tuple[float, int]:
        rows = [row for row, _ in islice(parse(text, delimiter), SAMPLE)]
        width = len(rows[0].cells) if rows and not rows[0].error else 0
        # The first line counts most: it decides how many columns there are.
        if width < 2:
            return (0.0, 0)
        same = sum(not row.error and len(row.cells) == width for row in rows)
        return (same / len(rows), width)

    return max(DELIMITERS, key=score)


def name_columns(cells: list[str]) -> list[str]:
    """Return one unique name per column; nameless columns at the end are dropped.

    Raises UnreadableFile where there are too many.
    """
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise UnreadableFile(
            f"This file has {len(names):,} columns. Baton takes up to "
            f"{MAX_COLUMNS}: keep only those that are needed."
        )
    unique: list[str] = []
    for number, name in enumerate(names, 1):
        name = heading = name or f"Column {number}"
        again = 2
        while heading in unique:
            heading = f"{name} ({again})"
            again += 1
        unique.append(heading)
    return unique


def parse(
    text: str, delimiter: str, start: Place | None = None, width: int | None = None
) -> Iterator[tuple[Row, Place]]:
    """Yield each row with the place behind it; `width` is how many cells it must have.

    A row that cannot be read spoils its first line only: reading goes on with the next.
    """
    place = start or Place()
    while place.position < len(text):
        if gap := BLANK_LINES.match(text, place.position):
            place = Place(gap.end(), place.line + count_lines(text, *gap.span()))
            continue
        try:
            cells, end = split_row(text, place.position, delimiter)
            lines = count_lines(text, place.position, end)
            row = fitted(Row(place.line, cells), width)
            if row.error and lines > 1:
                refuse_swallowed(cells, text[place.position : end], delimiter, width)
            place = Place(end, place.line + lines)
        except BrokenRow as broken:
            found = LINE_END.search(text, place.position)
            raw = text[place.position : found.start() if found else len(text)]
            row = Row(place.line, [raw[:MAX_CELL]], str(broken), broken.column)
            place = Place(found.end() if found else len(text), place.line + 1)
        yield row, place


def count_lines(text: str, start: int, end: int) -> int:
    """Return how many line ends there are, CRLF being one."""
    pairs = text.count("\r\n", start, end)
    return text.count("\n", start, end) + text.count("\r", start, end) - pairs


def split_row(text: str, position: int, delimiter: str) -> tuple[list[str], int]:
    """Return the cells of the row at `position` and where the next row begins."""
    cells: list[str] = []
    while True:
        if text.startswith('"', position):
            cell, position = quoted_cell(text, position + 1, len(cells))
        else:
            found = PLAIN_END[delimiter].search(text, position)
            end = found.start() if found else len(text)
            cell, position = text[position:end], end
        if len(cell) > MAX_CELL:
            raise BrokenRow(TOO_LONG, len(cells))
        cells.append(cell)
        if len(cells) > MAX_CELLS:
            raise BrokenRow(f"It has more than {MAX_CELLS:,} cells.", len(cells) - 1)
        if position == len(text):
            return cells, position
        if text[position] == delimiter:
            position += 1
        elif line_end := LINE_END.match(text, position):
            return cells, line_end.end()
        else:
            raise BrokenRow(
                "More text follows after a closing quote. Quotes inside a cell are "
                "written twice.",
                len(cells) - 1,
            )


def quoted_cell(text: str, position: int, column: int) -> tuple[str, int]:
    """Return the cell whose quote opened before `position`, and where it ends."""
    found = QUOTED.match(text, position, position + 2 * MAX_CELL + 2)
    if found is None:
        if len(text) - position > 2 * MAX_CELL:
            raise BrokenRow(f"{TOO_LONG} A closing quote may be missing.", column)
        raise BrokenRow("A quote opens here and is never closed.", column)
    return found[1].replace('""', '"'), found.end()


def fitted(row: Row, width: int | None) -> Row:
    """Return the row with exactly `width` cells, else with an error."""
    count = len(row.cells)
    if width is None or count == width:
        return row
    if row.is_empty:
        return Row(row.line, [""] * width)
    if count > width and not any(cell.strip() for cell in row.cells[width:]):
        return Row(row.line, row.cells[:width])
    many = "too many" if count > width else "too few"
    cells = "1 cell" if count == 1 else f"{count:,} cells"
    columns = "1 column" if width == 1 else f"{width} columns"
    sentence = f"This row has {many} cells: {cells} for {columns}."
    return Row(row.line, row.cells, sentence)


def refuse_swallowed(
    cells: list[str], raw: str, delimiter: str, width: int | None
) -> None:
    """Raise BrokenRow where a stray quote made one row out of several good ones."""
    for line in LINE_END.split(raw)[1:]:
        try:
            good = len(split_row(line, 0, delimiter)[0]) == width if line else False
        except BrokenRow:
            continue
        if good:
            opened = next(
                (n for n, cell in enumerate(cells) if LINE_END.search(cell)), 0
            )
            raise BrokenRow("A quote opens here and is closed in another row.", opened)
