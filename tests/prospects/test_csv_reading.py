"""Files as people send them: read whole, read in part, or refused with a sentence."""

from __future__ import annotations

import codecs
import io
import time
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks_app.services.csv_decoding import UnreadableFile
from tasks_app.services.csv_reading import MAX_BYTES, read_csv
from tasks_app.services.csv_writing import csv_lines, guard, unguard


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "First Name,Email\nAda,ada@halden.example\n")
    return buffer.getvalue()


def found(content: bytes) -> list[tuple[int, list[str]]]:
    """The readable rows with their line numbers."""
    return [(row.line, row.cells) for row in read_csv(content).rows if not row.error]


def broken(content: bytes) -> list[tuple[int, int | None, str]]:
    return [(r.line, r.column, r.error) for r in read_csv(content).rows if r.error]


ADA = [(2, ["Ada", "ada@halden.example"])]
TEXT = "Name,Email\nAda,ada@halden.example\n"

GOOD = {
    "plain": (TEXT.encode(), ADA),
    "no line end at the end": (TEXT.strip().encode(), ADA),
    "UTF-8 with a mark": (codecs.BOM_UTF8 + TEXT.encode(), ADA),
    "UTF-16, little end first": (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), ADA),
    "UTF-16, big end first": (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), ADA),
    "CRLF": (TEXT.replace("\n", "\r\n").encode(), ADA),
    "CR alone": (TEXT.replace("\n", "\r").encode(), ADA),
    "mixed line ends": (b"Name,Email\r\na,1\rb,2\nc,3", [(2, ["a", "1"]), (3, ["b", "2"]), (4, ["c", "3"])]),
    "semicolons": (TEXT.replace(",", ";").encode(), ADA),
    "tabs": (TEXT.replace(",", "\t").encode(), ADA),
    "bars": (TEXT.replace(",", "|").encode(), ADA),
    "semicolons with commas inside": (b"A;B\nx, y;1\n", [(2, ["x, y", "1"])]),
    "Excel's hint": (b"sep=;\r\nA;B\r\n1;2\r\n", [(3, ["1", "2"])]),
    "a quoted comma": (b'A,B\n"x, y",1\n', [(2, ["x, y", "1"])]),
    "doubled quotes": (b'A,B\n"say ""hi""",1\n', [(2, ['say "hi"', "1"])]),
    "a line break in a cell": (b'A,B\n"x\r\ny",1\nz,2\n', [(2, ["x\r\ny", "1"]), (4, ["z", "2"])]),
    "an empty quoted cell": (b'A,B\n"",1\n', [(2, ["", "1"])]),
    "a quote inside a plain cell": (b'A,B\n5" pipe,1\n', [(2, ['5" pipe', "1"])]),
    "empty lines between": (b"\n\nA,B\n\n1,2\n   \n3,4\n\n", [(5, ["1", "2"]), (7, ["3", "4"])]),
    "a row of nothing but commas": (b"A,B\n,\n1,2\n", [(2, ["", ""]), (3, ["1", "2"])]),
    "an empty tail": (b"A,B\n1,2\n,\n,,,\n,\n", [(2, ["1", "2"])]),
    "empty cells beyond the last heading": (b"A,B\n1,2,,,\n", [(2, ["1", "2"])]),
    "nameless columns at the end": (b"A,B,,\n1,2,,\n", [(2, ["1", "2"])]),
    "one column": (b"Email\nada@halden.example\n", [(2, ["ada@halden.example"])]),
    "an empty last cell": (b"A,B\n1,", [(2, ["1", ""])]),
    "other scripts": ("A,B\n佐藤,Шевченко\n".encode(), [(2, ["佐藤", "Шевченко"])]),
    "emoji": ("A,B\n🦊,1\n".encode("utf-16"), [(2, ["🦊", "1"])]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "rows"), GOOD.values(), ids=GOOD.keys())
def test_a_readable_file_gives_its_rows_with_their_lines(content, rows):
    assert found(content) == rows
    assert broken(content) == []


BROKEN = {
    "a quote that never closes": (b'A,B\n1,"x\n2,y\n', (2, 1, "is never closed"), [3]),
    "a quote closed in another row": (b'A,B,C\n"x,1\ny,2,3\nz",1\nq,r,s\n', (2, 0, "closed in another row"), [3, 5]),
    "a quote that swallows a quoted cell": (b'A,B\n"x,1\ny,2\nz,"q"\n', (2, 0, "More text follows"), [3, 4]),
    "text behind a quote": (b'A,B\n1,"x"y\n2,z\n', (2, 1, "More text follows"), [3]),
    "too few cells": (b"A,B,C\n1,2\n3,4,5\n", (2, None, "too few cells: 2 cells for 3 columns"), [3]),
    "too many cells": (b"A,B\n1,2,3\n3,4\n", (2, None, "too many cells: 3 cells for 2 columns"), [3]),
    "an endless row of cells": (b"A,B\n" + b"1," * 100_000 + b"\n3,4\n", (2, 1000, "more than 1,000 cells"), [3]),
    "a long cell": (b"A,B\n" + b"x" * 10_001 + b",1\n3,4\n", (2, 0, "more than 10,000 characters"), [3]),
    "a long quoted cell": (b'A,B\n1,"' + b"x" * 10_001 + b'"\n3,4\n', (2, 1, "more than 10,000 characters"), [3]),
    "an endless quoted cell": (b'A,B\n1,"' + b"x\n" * 15_000 + b'"\n', (2, 1, "A closing quote may be missing"), []),
    "a short row of two lines": (b'A,B,C\n"x\ny",1\n3,4,5\n', (2, None, "too few cells"), [4]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "error", "read"), BROKEN.values(), ids=BROKEN.keys()
)
def test_a_broken_row_is_named_and_the_others_are_read(content, error, read):
    line, column, words = error

    assert broken(content)[0][:2] == (line, column)
    assert words in broken(content)[0][2]
    assert [row[0] for row in found(content)] == read


REFUSED = {
    "nothing": (b"", "This file is empty."),
    "white space": (b" \r\n\t\n", "This file is empty."),
    "a mark and nothing": (codecs.BOM_UTF8, "This file is empty."),
    "UTF-16 without text": (codecs.BOM_UTF16_LE, "This file is empty."),
    "only headings": (b"Name,Email\n", "no rows below"),
    "only headings and empty rows": (b"Name,Email\n,\n,\n", "no rows below"),
    "an Excel workbook": (zipped("xl/workbook.xml"), "Excel workbook"),
    "an old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "old Excel"),
    "a zip archive renamed": (zipped("prospects.csv"), "not a CSV file"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(40), "a picture"),
    "a compressed file": (b"\x1f\x8b\x08\x00abc", "a compressed file"),
    "a database": (b"SQLite format 3\0" + bytes(80), "a database"),
    "a program": (b"\x7fELF\x02\x01", "a program"),
    "zero bytes": (b"Name,Email\nA\0da,1\n", "binary data"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "binary data"),
    "UTF-32": (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "UTF-32"),
    "a page": (b"\n <!DOCTYPE html><html><body>Sign in", "a web page"),
    "a page without a doctype": (b"<HTML><table><tr><td>A", "a web page"),
    "an image made of text": (b'<svg xmlns="http://www.w3.org/2000/svg">', "a web page"),
    "an XML file": (b'<?xml version="1.0"?><a/>', "a web page"),
    "broken UTF-8 behind a mark": (codecs.BOM_UTF8 + b"A,B\n1,\xe9\n", "says that it is UTF-8, but line 2"),
    "half a UTF-16 letter": (codecs.BOM_UTF16_LE + b"A\0,", "says that it is UTF-16"),
    "a lone surrogate": (codecs.BOM_UTF16_LE + b"\x00\xd8A\0", "says that it is UTF-16"),
    "neither UTF-8 nor Windows": (b"A,B\n1,2\n3,\x81\n", "The characters in line 3"),
    "one endless line": (b"x" * 3_000_000, "more than 10,000 characters"),
    "an endless line of cells": (b"x," * 300_000, "more than 1,000 cells"),
    "201 columns": (b",".join([b"c"] * 201) + b"\n" + b",".join([b"1"] * 201), "has 201 columns"),
    "a heading that never closes": (b'"Name,Email\nAda,1\n', "line with the column names is broken"),
    "20,001 rows": (b"A,B\n" + b"1,2\n" * 20_001, "more than 20,000 rows"),
    "30 MB": (b"A,B\n" + b"1,2\n" * 8_000_000, "30.5 MiB. Baton takes up to 10 MiB"),
    "a million rows": (b"A\n" + b"1\n" * 1_000_000, "more than 20,000 rows"),
    "nothing but line ends": (b"\n" * 9_000_000 + b"A,B", "no rows below"),
    "nothing but commas": (b",\n" * 5_000_000, "rows"),
    "nothing but quotes": (b"A,B\n" + b'"\n' * 4_000_000, "more than 20,000 rows"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused_with_a_sentence_within_seconds(content, words):
    begin = time.process_time()

    with pytest.raises(UnreadableFile, match=words):
        read_csv(content)

    assert time.process_time() - begin < 10


def test_the_largest_allowed_file_is_read_in_seconds():
    row = b'"Ada, of the ""North""",' + b"x" * 460 + b"\n"
    content = b"A,B\n" + row * 20_000
    assert len(content) < MAX_BYTES
    begin = time.process_time()

    assert len(read_csv(content).rows) == 20_000
    assert time.process_time() - begin < 10


def test_the_encoding_and_the_delimiter_are_named():
    file = read_csv("Name;Ort\nRenée;Köln\n".encode("cp1252"))

    assert (file.encoding, file.delimiter_name) == ("Windows-1252", "semicolon")
    assert file.rows[0].cells == ["Renée", "Köln"]


def test_headings_are_unique_and_never_empty():
    file = read_csv(b"Email,Email,,email,Email\n1,2,3,4,5\n")

    assert file.headings == ["Email", "Email (2)", "Column 3", "email", "Email (3)"]


FORMULAS = [
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "  =1",
    '"=1', "'=1", "''+1", "+49 40 5550", "-",
]  # fmt: skip


@pytest.mark.parametrize("value", FORMULAS)
def test_a_formula_is_written_as_text_and_reads_back(value):
    assert guard(value) == f"'{value}"
    assert unguard(guard(value)) == value


@given(st.text())
@example("'")
@example("'x")
def test_every_text_reads_back_from_its_guarded_form(value):
    assert unguard(guard(value)) == value


cells = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8))
def test_what_is_written_is_read_again(rows):
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    text = "".join(csv_lines([("A", "B", "C"), *rows]))
    if not rows:
        return

    file = read_csv(text.encode())

    assert [[unguard(cell) for cell in row.cells] for row in file.rows] == [
        list(row) for row in rows
    ]


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('ab,;\t|"\n\r =\0é'), max_size=80))
def test_any_text_is_read_or_refused_and_no_line_is_counted_twice(text):
    try:
        rows = read_csv(text.encode()).rows
    except UnreadableFile as refused:
        assert str(refused).endswith(".")
        return

    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
