"""What a status code means where a vendor says nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tasks_app.vendors.calls import VendorResponse
from tasks_app.vendors.checking import check_response, one_line, retry_after
from tasks_app.vendors.errors import (
    CredentialsRejected,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    TaskRejected,
    TooLarge,
    UnreadableResponse,
    VendorError,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def waiting(text: str) -> float | None:
    return retry_after(VendorResponse(429, {"retry-after": text}), now=NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        (" 90 ", 90),
        ("1.5", 1.5),
        ("0", 1),
        ("-5", 1),
        ("1e9", 24 * 3600),
        ("inf", 24 * 3600),
        ("nan", None),
        ("soon", None),
        ("", None),
        (format_datetime(NOW.replace(minute=1), usegmt=True), 60),
        ("Fri, 01 May 2026 12:01:00 -0000", 60),
        ("Fri, 01 May 2026 14:01:00 +0200", 60),
        ("Fri, 01 May 2020 12:00:00 GMT", 1),
        ("Fri, 01 May 2099 12:00:00 GMT", 24 * 3600),
        ("Fri, 99 May 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(text, seconds):
    assert waiting(text) == seconds


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (100, OutcomeUnknown),
        (301, Misconfigured),
        (302, Misconfigured),
        (307, Misconfigured),
        (308, Misconfigured),
        (400, TaskRejected),
        (401, CredentialsRejected),
        (403, CredentialsRejected),
        (404, TaskRejected),
        (405, Misconfigured),
        (406, Misconfigured),
        (408, OutcomeUnknown),
        (409, OutcomeUnknown),
        (413, TooLarge),
        (415, Misconfigured),
        (422, TaskRejected),
        (429, RateLimited),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
        (599, OutcomeUnknown),
        (999, OutcomeUnknown),
    ],
)
def test_each_status_has_its_certainty(code, error):
    with pytest.raises(VendorError) as caught:
        check_response(VendorResponse(code, body={}), vendor="Acme")

    assert type(caught.value) is error
    assert "Acme" in str(caught.value)


def test_a_503_that_says_when_is_certain_and_says_how_long():
    with pytest.raises(RateLimited) as caught:
        check_response(VendorResponse(503, {"retry-after": "7"}), vendor="Acme")

    assert caught.value.retry_after == 7


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_a_success_that_is_not_json_cannot_be_read(code):
    with pytest.raises(UnreadableResponse):
        check_response(VendorResponse(code, text="<html>"), vendor="Acme")


@pytest.mark.parametrize("body", [{}, [], "", 0, False])
def test_any_json_success_passes(body):
    assert check_response(VendorResponse(200, body=body), vendor="Acme") is None


def test_one_line_is_short_and_printable():
    assert one_line("a\r\n\tb\x00c\u202e d") == "a b c d"
    assert one_line("x" * 500) == "x" * 199 + "…"
    assert one_line("x" * 200) == "x" * 200
