"""Asking a vendor each hour whether it still posts to our webhook.

Vendors switch one off after failures and say so to nobody. Nothing is lost by that: the
statuses come with each reading. But it has to be said, because they come later.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from tasks_app.models import ConnectedAccount
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.findings import RemoteHook
from tasks_app.vendors.transport import Transport

from .pacing import Saturated
from .talking import converse

log = logging.getLogger(__name__)
HookState = ConnectedAccount.HookState

EVERY = timedelta(hours=1)


def check(account: ConnectedAccount, *, transport: Transport) -> None:
    """Ask for the account's webhooks if that is due, and keep how ours stands.

    Whoever comes first asks, whatever the number of processes. A vendor that does not
    tell leaves what was known.
    """
    now = timezone.now()
    if not account.hook_url or not account.adapter_class.lists_hooks:
        return
    due = ConnectedAccount.objects.filter(pk=account.pk).filter(
        Q(hook_checked_at=None) | Q(hook_checked_at__lte=now - EVERY)
    )
    if not due.update(hook_checked_at=now):
        return
    try:
        hooks = converse(
            account,
            account.adapter().read_hooks(),
            transport=transport,
            purpose="webhooks",
        )
    except (VendorError, Saturated) as error:
        log.info("The webhooks of account %s were not listed: %s", account.pk, error)
        return
    if hooks is None:
        return
    state = state_of(account, hooks)
    changed = (
        ConnectedAccount.objects.filter(pk=account.pk)
        .exclude(hook_state=state)
        .update(hook_state=state, hook_since=now)
    )
    if changed and state in (HookState.OFF, HookState.GONE):
        log.warning("The webhook of account %s is %s.", account.pk, state)


def state_of(account: ConnectedAccount, hooks: list[RemoteHook]) -> str:
    """Return how those of these webhooks stand that post to this account's address."""
    tokens = account.hook_tokens()
    ours = [hook for hook in hooks if any(token in hook.url for token in tokens)]
    if any(hook.active is False for hook in ours):
        return HookState.OFF
    if ours:
        return HookState.ON
    known = account.hook_state not in ("", HookState.NONE)
    return HookState.GONE if known else HookState.NONE
