"""How long what is claimed may still be worked on by who claimed it."""

from __future__ import annotations

import time

from django.conf import settings

#: Seconds of lease that must be left beyond the call's deadline to begin a call.
SLACK = 5.0


class LeaseShort(Exception):
    """Stop with this claim: too little of its lease is left for another call."""


def check_lease(ends: float) -> None:
    """Raise `LeaseShort` when too little of a lease is left to begin a call.

    `ends` is by the monotonic clock.
    """
    if time.monotonic() + settings.CALL_DEADLINE + SLACK > ends:
        raise LeaseShort("Too little was left of its lease.")
