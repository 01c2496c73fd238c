"""What a dial does to an answer on its way out."""

import random
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from .dials import Dial, Trouble
from .vendor import VendorApp, with_header
from .wire import Connection, Response

PAGE = b"<!doctype html><title>Maintenance</title><h1>We will be back shortly</h1>"
JSON = {"Content-Type": "application/json"}
STATUS_KINDS = ("429", "500", "502", "503")
RESET_KINDS = ("reset", "lost_answer", "late")
GIANT = 50 * 1024 * 1024


def replacement(dial: Dial, app: VendorApp) -> Response | None:
    """Return the answer a dial puts in place of the vendor's own, if it does that."""
    kind = dial.kind
    if kind in STATUS_KINDS:
        answer = app.too_many(1) if kind == "429" else app.failure(int(kind))
        return with_header(answer, "Retry-After", retry_after(dial.retry_after))
    if kind == "wrong_key":
        return app.unauthorised()
    if kind == "redirect":
        return Response(dial.status, b"", {"Location": dial.location})
    if kind == "garbage":
        return Response(200, b'{"message":"Task created succ\xc3\x28,]', dict(JSON))
    if kind == "html":
        return Response(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
    if kind == "empty":
        return Response(200, b"", dict(JSON))
    return None


def retry_after(value: int | float | str | None) -> str | None:
    """The header's value: seconds, "date:30" as a date that far ahead, or as it is."""
    if value is None:
        return None
    text = str(value)
    if text.startswith("date:"):
        ahead = datetime.now(UTC) + timedelta(seconds=float(text[5:]))
        return format_datetime(ahead, usegmt=True)
    return text


def send(wire: Connection, response: Response, dial: Dial | None) -> None:
    """Send an answer the way the dial wants it sent."""
    if dial is None:
        wire.send(response)
    elif dial.kind in RESET_KINDS:
        wire.reset()
    elif dial.kind in ("hang", "hang_after"):
        wire.hold(dial.pause)
        wire.open = False
    elif dial.kind == "truncated":
        send_part(wire, response, dial)
    elif dial.kind == "drip":
        head, body = response.encode()
        wire.send_pieces(head, (bytes([byte]) for byte in body), dial.pause)
        wire.open = False
    elif dial.kind == "giant":
        send_giant(wire, dial)
    else:
        wire.send(response)


def send_part(wire: Connection, response: Response, dial: Dial) -> None:
    """Send the head and the first part of the body, then hang up."""
    head, body = response.encode()
    kept = body[: len(body) // 2 if dial.size is None else dial.size]
    if dial.variant == "quiet":
        wire.send(Response(response.status, kept, {**JSON, **response.headers}))
        return
    wire.connection.sendall(head + kept)
    wire.open = False


def send_giant(wire: Connection, dial: Dial) -> None:
    """Send a JSON string of `size` bytes; as "gzip" it is small until unpacked."""
    size = GIANT if dial.size is None else dial.size
    wire.open = False
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    if dial.variant == "gzip":
        body = b"".join(zipped(giant(size)))
        head += b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
        wire.send_pieces(head, [body], 0)
        return
    head += b"Content-Length: %d\r\n\r\n" % size
    wire.send_pieces(head, giant(size), 0)


def giant(size: int) -> Iterator[bytes]:
    piece = b"x" * 65536
    yield b'"'
    for start in range(0, size - 2, len(piece)):
        yield piece[: min(len(piece), size - 2 - start)]
    yield b'"'


def zipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def bend_results(response: Response, trouble: Trouble, draw: random.Random) -> None:
    """Leave out, repeat, reorder or add per-item results, in place."""
    for dial in trouble.results:
        if isinstance(response.results, list):
            bend_list(response.results, dial, draw)
        elif isinstance(response.results, dict):
            bend_failures(response.results, dial, draw)


def bend_list(results: list[dict[str, Any]], dial: Dial, draw: random.Random) -> None:
    """Bend Saleshandy's list of one result per prospect."""
    count = len(results) if dial.count < 0 else min(dial.count, len(results))
    chosen = draw.sample(range(len(results)), count)
    if dial.kind == "missing_results":
        for index in sorted(chosen, reverse=True):
            del results[index]
    elif dial.kind == "repeated_results":
        changes: dict[str, dict[str, Any]] = {
            "refused": {"taskId": None, "success": False},
            "second_id": {"taskId": "zz2ndTask0"},
        }
        change = changes.get(dial.variant, {})
        results.extend([{**results[index], **change} for index in chosen])
    elif dial.kind == "reordered_results":
        before = list(results)
        draw.shuffle(results)
        if results == before:
            results.reverse()
    elif dial.variant == "shared":
        for other in results[1 : count + 1]:
            other["taskId"] = results[0]["taskId"]
    else:
        foreign = {"prospectId": "zzForeign0", "taskId": "zzForeignT", "success": True}
        results.extend([dict(foreign) for _ in range(count)])


def bend_failures(results: dict[str, Any], dial: Dial, draw: random.Random) -> None:
    """Bend Reply's dictionary of the items that failed."""
    count = len(results) if dial.count < 0 else dial.count
    if dial.kind == "missing_results":
        for key in draw.sample(sorted(results), min(count, len(results))):
            del results[key]
    elif dial.kind == "foreign_results":
        for number in range(count):
            results[str(999_000_000 + number)] = {"error": 1}
