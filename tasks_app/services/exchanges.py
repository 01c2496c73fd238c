"""The record of every call to a vendor, with all secrets taken out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Exchange
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.checking import hidden, spellings
from tasks_app.vendors.errors import (
    AccountTrouble,
    NothingHappened,
    OutcomeUnknown,
    Refused,
    VendorError,
)

from .statements import Statement, together

#: Characters kept of an answer.
KEPT = 4096
REMOVED = "[key removed]"
#: So many characters of a value tell nothing.
SHOWN = 3

OUTCOMES = (
    (NothingHappened, Exchange.Outcome.NOTHING),
    (OutcomeUnknown, Exchange.Outcome.UNKNOWN),
    (Refused, Exchange.Outcome.REFUSED),
    (AccountTrouble, Exchange.Outcome.ACCOUNT),
)


def without_secrets(text: str, secrets: Mapping[str, Any]) -> str:
    """Return the text with every credential value in it replaced, however spelt.

    Texts are cut somewhere: the beginning of a value at the very end goes as well.
    """
    values = [str(value) for value in secrets.values()]
    text = hidden(text, values, REMOVED)
    for form in (form for value in values for form in spellings(value)):
        for length in range(min(len(form) - 1, len(text)), SHOWN, -1):
            if text[-length:].lower() == form[:length].lower():
                text = text[:-length] + REMOVED
                break
    return text


def secrets_of(account: ConnectedAccount) -> dict[str, Any]:
    """Return what must not be kept of this account's calls, by any names."""
    hooks = {f"hook {n}": token for n, token in enumerate(account.hook_tokens())}
    return {**account.credentials, **hooks}


def begin(
    account: ConnectedAccount,
    request: VendorRequest,
    *,
    purpose: str,
    attempt: uuid.UUID | None = None,
    push_ids: Sequence[int] = (),
) -> Exchange:
    """Store that this call is about to be made, and for which pushes."""
    secrets = secrets_of(account)
    body = request.json
    text = None if body is None else without_secrets(json.dumps(body), secrets)
    query = "&".join(f"{key}={value}" for key, value in request.query.items())
    path = request.path + (f"?{query}" if query else "")
    exchange = Exchange(
        account=account,
        attempt_id=attempt or uuid.uuid4(),
        purpose=purpose,
        method=request.method,
        path=without_secrets(path, secrets)[:500],
        request_body=None if text is None else json.loads(text),
        credentials_version=account.credentials_version,
    )
    insert(exchange, text, push_ids)
    return exchange


def insert(exchange: Exchange, body: str | None, push_ids: Sequence[int]) -> None:
    """Store a call that begins, with its body as JSON, and which pushes it carries.

    Plain SQL, because every call does it: several times as fast as `save`.
    """
    attempt = Exchange._meta.get_field("attempt_id").get_db_prep_value(
        exchange.attempt_id, connection
    )
    store = """
        INSERT INTO baton_exchange
               (account_id, attempt_id, purpose, method, path, request_body,
                credentials_version, began_at, outcome, response_body, error)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '', '') RETURNING id
    """
    values = [
        exchange.account_id,
        attempt,
        exchange.purpose,
        exchange.method,
        exchange.path,
        body,
        exchange.credentials_version,
        connection.ops.adapt_datetimefield_value(exchange.began_at),
        exchange.outcome,
    ]
    if not push_ids:
        [[(exchange.pk,)]] = together((store, values))
        return
    # An attempt makes one call after the other: its newest is this one.
    link = f"""
        INSERT INTO baton_exchange_pushes (exchange_id, push_id)
        SELECT x.id, CAST(v.column1 AS bigint)
          FROM (SELECT max(id) AS id FROM baton_exchange WHERE attempt_id = %s) AS x,
               (VALUES {", ".join(["(%s)"] * len(push_ids))}) AS v
    """  # noqa: S608 - only placeholders
    with transaction.atomic(savepoint=False):
        [[(exchange.pk,)], _] = together((store, values), (link, [attempt, *push_ids]))


def end(
    exchange: Exchange,
    account: ConnectedAccount,
    *,
    response: VendorResponse | None = None,
    error: VendorError | None = None,
) -> None:
    """Store what came of it."""
    together(ended(exchange, account, response=response, error=error))


def ended(
    exchange: Exchange,
    account: ConnectedAccount,
    *,
    response: VendorResponse | None = None,
    error: VendorError | None = None,
) -> Statement:
    """Return what stores what came of it."""
    outcome = Exchange.Outcome.DONE
    if error is not None:
        outcome = next(
            (o for kind, o in OUTCOMES if isinstance(error, kind)),
            Exchange.Outcome.UNKNOWN,
        )
    secrets = secrets_of(account)
    text = response.text if response is not None else ""
    return (
        """UPDATE baton_exchange
              SET ended_at = %s, status_code = %s, response_body = %s, outcome = %s,
                  error = %s
            WHERE id = %s""",
        [
            connection.ops.adapt_datetimefield_value(timezone.now()),
            response.status_code if response is not None else None,
            storable(without_secrets(text[:KEPT], secrets)),
            outcome,
            storable(without_secrets(str(error), secrets)) if error else "",
            exchange.pk,
        ],
    )


def storable(text: str) -> str:
    """Return the text without NUL, which PostgreSQL does not store."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def forget_old() -> int:
    """Delete calls older than `EXCHANGE_DAYS`; return how many rows went, in one page."""
    oldest = timezone.now() - timedelta(days=settings.EXCHANGE_DAYS)
    ids = list(
        Exchange.objects.filter(began_at__lt=oldest)
        .order_by("began_at")
        .values_list("pk", flat=True)[:1000]
    )
    if not ids:
        return 0
    deleted, _ = Exchange.objects.filter(pk__in=ids).delete()
    return deleted
