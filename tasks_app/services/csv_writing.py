"""Writes CSV that a spreadsheet shows as text and that reads back unchanged."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

#: What a spreadsheet may take for a formula, also behind quotes and spaces.
RISKY = re.compile(r"""['"\s]*[=+\-@\t\r＝＋－＠]""")
BYTE_ORDER_MARK = "\ufeff"


def guard(value: str) -> str:
    """Return the text with an apostrophe before it where it looks like a formula."""
    return f"'{value}" if RISKY.match(value) else value


def unguard(value: str) -> str:
    """Return the text that `guard` was given."""
    return value[1:] if value[:1] == "'" and RISKY.match(value[1:]) else value


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the rows as lines of a CSV file, the first with a byte-order mark.

    Every cell is quoted, so that no other delimiter can split it.
    """
    writer = csv.writer(Echo(), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    start = BYTE_ORDER_MARK
    for row in rows:
        yield start + writer.writerow([guard(cell) for cell in row])
        start = ""
