"""Taking in what vendors post: who it is from, and keeping it before it is answered."""

from __future__ import annotations

import enum
import hashlib
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from tasks_app.models import ConnectedAccount, WebhookEvent

from .exchanges import secrets_of, without_secrets

#: Bytes of a body, and seconds that it may take to arrive.
LARGEST = 256 * 1024
SLOWEST = 10.0
#: Bodies kept of one account within a minute; further ones are only counted.
MOST_A_MINUTE = 600
KEPT_FOR = timedelta(days=30)
FORGOTTEN_AT_ONCE = 1000
#: The row that counts what was not kept stands under this instead of a digest.
FLOOD = "flood"

#: Compared with where there is no such account, so that both take the same way.
NOBODYS = "x" * 32
MOST_KNOWN = 1000
_known: dict[tuple[int, str], str] = {}


class Fate(enum.Enum):
    """What became of a body."""

    KEPT = enum.auto()
    REPEATED = enum.auto()
    TOO_MANY = enum.auto()


def authenticate(account_id: int, token: str) -> ConnectedAccount | None:
    """Return the live account whose secret this is, else None.

    Raise `DatabaseError` when the database is away.
    """
    account = ConnectedAccount.objects.live().filter(pk=account_id).first()
    secrets = account.hook_tokens() if account else [NOBODYS]
    # Always two comparisons, whether or not there is an old one.
    pair = (secrets[0], secrets[-1])
    same = sum(constant_time_compare(token, secret) for secret in pair) > 0
    if account is None or not same:
        return None
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[account_id, digest_of(token.encode())] = account.vendor
    return account


def remembered_vendor(account_id: int, token: str) -> str:
    """Return the vendor that this process has seen with this secret before, else ''.

    It is asked while the database is away.
    """
    return _known.get((account_id, digest_of(token.encode())), "")


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def keep(account: ConnectedAccount, body: bytes) -> Fate:
    """Store what was posted; the very same body makes its row due again.

    Raise `DatabaseError`: then nothing was kept.
    """
    now = timezone.now()
    digest = digest_of(body)
    if again(account, digest, now):
        return Fate.REPEATED
    recent = account.webhook_events.filter(received_at__gt=now - timedelta(minutes=1))
    if recent.count() >= MOST_A_MINUTE:
        insert(account, FLOOD, "", now)
        return Fate.TOO_MANY
    # PostgreSQL stores no NUL.
    text = body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if insert(account, digest, without_secrets(text, secrets_of(account)), now):
        return Fate.KEPT
    return Fate.REPEATED


def again(account: ConnectedAccount, digest: str, now: datetime) -> bool:
    """Count a repeat and make its row due; return whether there is such a row."""
    rows = WebhookEvent.objects.filter(account=account, digest=digest)
    return bool(
        rows.update(
            repeats=F("repeats") + 1, received_at=now, processed_at=None, outcome=""
        )
    )


def insert(account: ConnectedAccount, digest: str, text: str, now: datetime) -> bool:
    """Insert the row, or count a repeat where another process was first."""
    try:
        with transaction.atomic():
            WebhookEvent.objects.create(
                account=account, digest=digest, body=text, received_at=now
            )
    except IntegrityError:
        if not again(account, digest, now):
            raise
        return False
    return True


def forget_old() -> int:
    """Delete events older than 30 days, one page of them; return how many."""
    oldest = timezone.now() - KEPT_FOR
    ids = list(
        WebhookEvent.objects.filter(received_at__lt=oldest)
        .order_by("received_at")
        .values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]
    )
    if not ids:
        return 0
    return WebhookEvent.objects.filter(pk__in=ids, received_at__lt=oldest).delete()[0]
