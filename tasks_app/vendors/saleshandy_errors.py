"""What Saleshandy says when it refuses.

The codes are documented (`1001: Invalid token`, `4000: Failed to ...`), the layout of
an error body is not: every text in it is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .answers import moment, whole_number
from .base import VendorAdapter
from .calls import VendorResponse
from .checking import LONGEST_WAIT, SHORTEST_WAIT, retry_after
from .errors import CredentialsRejected, Misconfigured, RateLimited, TaskRejected

_BAD_KEY = re.compile(
    r"\s*(1001\s*(:|$)|(1001\W*)?invalid (api[ -]?)?token\b|invalid api[ -]?key\b)",
    re.I,
)
_GONE = re.compile(r"\btask\b.*\b(not (be )?found|not exist|no longer exists)\b", re.I)
_NO_PROSPECT = re.compile(r"\bprospects?\b.*\bnot (be )?found\b", re.I)
_LABELS = {"bad request", "not found", "unprocessable entity", "error"}


def texts_in(body: Any, depth: int = 4) -> Iterator[str]:
    """Yield the texts in an error body, the likeliest sentence first."""
    if isinstance(body, str):
        if body.strip():
            yield body.strip()
    elif depth and isinstance(body, list):
        for item in body[:20]:
            yield from texts_in(item, depth - 1)
    elif depth and isinstance(body, dict):
        names = ("message", "messages", "error", "errors", "detail", "details")
        for name in (*names, *(key for key in body if key not in names)):
            yield from texts_in(body.get(name), depth - 1)


def reason(response: VendorResponse) -> str:
    """Return the sentence in which the vendor refuses, '' if it gives none."""
    for text in texts_in(response.body):
        if " " in text and text.lower() not in _LABELS:
            return text
    return ""


def says_bad_key(response: VendorResponse) -> bool:
    """Return whether this 400 is about the key: documented as such, not as a 401."""
    if response.status_code != 400:
        return False
    texts = list(texts_in(response.body)) if response.is_json else [response.text]
    return any(_BAD_KEY.match(text) for text in texts) or _has_code(response.body)


def _has_code(body: Any, depth: int = 3) -> bool:
    if not isinstance(body, dict) or not depth:
        return False
    return any(
        (key.lower() in ("code", "errorcode", "error_code") and value == 1001)
        or _has_code(value, depth - 1)
        for key, value in body.items()
        if isinstance(key, str)
    )


def says_task_is_gone(response: VendorResponse) -> bool:
    """Return whether this 404 names the task: an unknown address is a 404 as well."""
    return response.status_code == 404 and any(
        _GONE.search(text) for text in texts_in(response.body)
    )


def says_prospect_is_unknown(response: VendorResponse) -> bool:
    return response.status_code == 404 and any(
        _NO_PROSPECT.search(text) for text in texts_in(response.body)
    )


def seconds_to_reset(headers: Mapping[str, str]) -> float | None:
    """Return how long `x-ratelimit-reset` asks to wait, as a date or as seconds.

    Not documented; seen by users of this API beside answers with 429.
    """
    text = headers.get("x-ratelimit-reset", "").strip()
    now = datetime.now(UTC)
    number = whole_number(text)
    if number is not None:
        seconds = number - now.timestamp() if number > 1_000_000_000 else float(number)
    else:
        at = moment(text) or _http_date(text)
        if at is None:
            return None
        seconds = (at - now).total_seconds()
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class SaleshandyErrors(VendorAdapter):
    """The part of the adapter that knows what its refusals mean."""

    def check(self, response: VendorResponse) -> None:
        """A wrong key is a 400 here, and a 404 without a task is a wrong address."""
        code = response.status_code
        if says_bad_key(response):
            raise CredentialsRejected(
                "Saleshandy rejects the key of this account (400). Enter a new one."
            )
        if code == 404:
            raise Misconfigured(
                "Saleshandy does not know this call (404). Check the base URL."
            )
        if code == 429 and retry_after(response) is None:
            raise RateLimited(
                "Saleshandy was busy (429).",
                retry_after=seconds_to_reset(response.headers),
            )
        if code in (400, 402, 422):
            raise TaskRejected(self.refusal(response))
        super().check(response)

    def refusal(self, response: VendorResponse) -> str:
        said = self.quote(reason(response))
        if said:
            return f"Saleshandy refused this: “{said}”"
        return f"Saleshandy refused this and gave no reason ({response.status_code})."
