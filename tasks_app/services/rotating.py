"""Encrypt saved keys anew, so that an old encryption key can be taken away."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Length

from tasks_app.models import ConnectedAccount
from tasks_app.models.fields import Unreadable

PAGE = 100


def rotate_credentials() -> tuple[int, list[ConnectedAccount]]:
    """Encrypt every account's credentials with the first key of CREDENTIAL_KEYS.

    Return how many were written and which ones no key opens: these stay untouched.
    Committed in pages; running it again does no harm.
    """
    done, unreadable, last = 0, [], 0
    while True:
        with transaction.atomic():
            page = list(
                ConnectedAccount.objects.select_for_update(of=("self",))
                .filter(pk__gt=last)
                .annotate(size=Length("credentials"))
                .filter(size__gt=0)
                .select_related("team")
                .order_by("pk")[:PAGE]
            )
            for account in page:
                if isinstance(account.credentials, Unreadable):
                    unreadable.append(account)
                    continue
                account.save(update_fields=["credentials"])
                done += 1
        if not page:
            return done, unreadable
        last = page[-1].pk
