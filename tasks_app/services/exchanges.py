"""The record of every call to a vendor, with all secrets taken out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
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
    body = request.json
    if body is not None:
        body = json.loads(without_secrets(json.dumps(body), secrets_of(account)))
    query = "&".join(f"{key}={value}" for key, value in request.query.items())
    path = request.path + (f"?{query}" if query else "")
    exchange = Exchange.objects.create(
        account=account,
        attempt_id=attempt or uuid.uuid4(),
        purpose=purpose,
        method=request.method,
        path=without_secrets(path, secrets_of(account))[:500],
        request_body=body,
        credentials_version=account.credentials_version,
    )
    if push_ids:
        link(exchange.pk, push_ids)
    return exchange


def link(exchange_id: int, push_ids: Sequence[int]) -> None:
    """Note which pushes a call carries; plain SQL, because every call does it."""
    table = Exchange.pushes.through._meta.db_table
    rows = ", ".join(["(%s, %s)"] * len(push_ids))
    values = [value for push_id in push_ids for value in (exchange_id, push_id)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (exchange_id, push_id) VALUES {rows}",  # noqa: S608
            values,
        )


def end(
    exchange: Exchange,
    account: ConnectedAccount,
    *,
    response: VendorResponse | None = None,
    error: VendorError | None = None,
) -> None:
    """Store what came of it."""
    outcome = Exchange.Outcome.DONE
    if error is not None:
        outcome = next(
            (o for kind, o in OUTCOMES if isinstance(error, kind)),
            Exchange.Outcome.UNKNOWN,
        )
    text = response.text if response is not None else ""
    Exchange.objects.filter(pk=exchange.pk).update(
        ended_at=timezone.now(),
        status_code=response.status_code if response is not None else None,
        # PostgreSQL stores no NUL.
        response_body=without_secrets(text[:KEPT], secrets_of(account)).replace(
            "\0", "\N{REPLACEMENT CHARACTER}"
        ),
        outcome=outcome,
        error=without_secrets(str(error), secrets_of(account)) if error else "",
    )


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
