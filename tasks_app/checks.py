"""What `manage.py check` says about settings that do not fit together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register()
def lease_outlives_call(**kwargs: Any) -> list[CheckMessage]:
    """A shorter claim never begins a call, or loses it to another process half-way."""
    least = max(2 * settings.CALL_DEADLINE, settings.CALL_DEADLINE + 6)
    if least <= settings.LEASE:
        return []
    return [
        Warning(
            f"LEASE is {settings.LEASE:g}: with CALL_DEADLINE at "
            f"{settings.CALL_DEADLINE:g} it must be at least {least:g}, or no task is "
            "sent.",
            id="baton.W001",
        )
    ]
