"""From a status code to what is certain: the part that is alike for all vendors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from .errors import (
    FORBIDDEN,
    CredentialsRejected,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    TaskRejected,
    TooLarge,
    UnreadableResponse,
)

if TYPE_CHECKING:
    from .calls import VendorResponse

LONGEST_WAIT = 24 * 3600.0  # seconds
SHORTEST_WAIT = 1.0


def retry_after(
    response: VendorResponse, *, now: datetime | None = None
) -> float | None:
    """Return the seconds this answer asks us to wait, within 1 s and 24 h, or None.

    `Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3). What is
    neither counts as absent.
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    if seconds != seconds:  # NaN
        return None
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


@lru_cache(maxsize=256)
def spellings(secret: str, times: int = 2) -> tuple[str, ...]:
    """Return the ways in which a text may repeat a value: as it is, and as it stands in
    JSON, in an address and on a page, also in one inside another."""
    coded = [quote(secret, safe=""), quote(secret), quote_plus(secret)]
    quoted = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    forms = dict.fromkeys([secret, *quoted, escape(secret), *coded])
    if times > 1 and len(forms) > 1:
        inner = [spellings(form, times - 1) for form in forms]
        forms = dict.fromkeys(form for several in inner for form in several)
    return tuple(forms)


def hidden(text: str, secrets: Iterable[str], mark: str) -> str:
    """Return the text with `mark` in place of these values, however they are spelt, in
    capitals or not. Values of three characters and less are no secrets."""
    values = frozenset(value for value in secrets if len(value) > 3)
    if not text or not values:
        return text
    return _any_of(values).sub(mark, text)


@lru_cache(maxsize=64)
def _any_of(values: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for all spellings, made once: every answer is searched."""
    forms = {form for value in values for form in spellings(value)}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)


def one_line(text: str, limit: int = 200) -> str:
    """Return a foreign text as one printable line of at most `limit` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def check_response(response: VendorResponse, *, vendor: str) -> None:
    """Raise what a status code means; return for 2xx.

    A success that is not JSON is `UnreadableResponse`: a web page is no answer.
    """
    code = response.status_code
    if 200 <= code < 300:
        if not response.is_json:
            page = response.text.lstrip().startswith("<")
            raise UnreadableResponse(
                f"{vendor} answered with a web page in place of a result."
                if page
                else f"{vendor} sent an answer that cannot be read."
            )
        return
    if 300 <= code < 400:
        raise Misconfigured(
            f"{vendor} answered with a redirect, which Baton never follows. "
            "Check the base URL of this account."
        )
    if code == 429 or (code == 503 and retry_after(response) is not None):
        raise RateLimited(
            f"{vendor} was busy ({code}).", retry_after=retry_after(response)
        )
    if code in (401, 403):
        raise CredentialsRejected(
            f"{vendor} rejects the key of this account ({code}).",
            kind=FORBIDDEN if code == 403 else "",
        )
    if code == 413:
        raise TooLarge(
            f"{vendor} finds even one task too large for a call (413). It is safe in "
            "the queue. Tell your administrator."
        )
    if code in (405, 406, 410, 414, 415, 421, 426, 431):
        raise Misconfigured(
            f"{vendor} does not know this call ({code}). Check the base URL."
        )
    if code == 409:
        # "Exists already" or "in conflict": evidence to look at, not a refusal.
        raise OutcomeUnknown(
            f"{vendor} reports a conflict (409). The task may exist there already."
        )
    if code == 408 or code >= 500 or code < 200:
        raise OutcomeUnknown(
            f"{vendor} answered with an error ({code}). The task may exist there."
        )
    raise TaskRejected(f"{vendor} refused this ({code}).")
