"""Turns the bytes of a chosen file into text, or says what kind of file it is."""

from __future__ import annotations

import codecs


class UnreadableFile(Exception):
    """The file as a whole cannot be taken; the message is a sentence saying why."""


#: How other kinds of file begin, and what to call them.
KINDS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a text document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
MARKUP = ("<!doctype", "<html", "<head", "<body", "<?xml", "<svg", "<table", "<!--")
SAVE_AS_CSV = "Open it in a spreadsheet and save it as “CSV UTF-8”."

#: Byte-order marks. UTF-32's little-endian one begins like UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "", "UTF-32"),
    (codecs.BOM_UTF32_BE, "", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


def decode(content: bytes) -> tuple[str, str]:
    """Return the text and the name of its encoding; raise UnreadableFile.

    A byte-order mark decides; without one it is UTF-8, else Windows-1252.
    """
    if not content.strip():
        raise UnreadableFile("This file is empty.")
    for start, kind in KINDS:
        if content.startswith(start):
            raise UnreadableFile(f"This is {kind}, not a CSV file. {SAVE_AS_CSV}")
    text, name = decode_marked(content) or decode_unmarked(content)
    if "\0" in text:
        raise UnreadableFile(
            "This file holds binary data, so it is not a CSV file. " + SAVE_AS_CSV
        )
    if text.lstrip()[:20].casefold().startswith(MARKUP):
        raise UnreadableFile(
            "This is a web page, not a CSV file. Perhaps a sign-in page was saved in "
            "its place: download the export again."
        )
    if not text.strip():
        raise UnreadableFile("This file is empty.")
    return text, name


def decode_marked(content: bytes) -> tuple[str, str] | None:
    """Return text and encoding where a byte-order mark names it, else None."""
    for mark, codec, name in MARKS:
        if content.startswith(mark):
            if not codec:
                break
            try:
                return content[len(mark) :].decode(codec), name
            except UnicodeDecodeError as error:
                line = content.count(b"\n", 0, len(mark) + error.start) + 1
                raise UnreadableFile(
                    f"This file says that it is {name}, but line {line:,} is not. "
                    + SAVE_AS_CSV
                ) from None
    else:
        return None
    raise UnreadableFile(f"This file is in {name}, which is not read. {SAVE_AS_CSV}")


def decode_unmarked(content: bytes) -> tuple[str, str]:
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        place = error.start
    try:
        return content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        line = content.count(b"\n", 0, place) + 1
        raise UnreadableFile(
            f"The characters in line {line:,} cannot be read as UTF-8 or as "
            f"Windows-1252. {SAVE_AS_CSV}"
        ) from None
