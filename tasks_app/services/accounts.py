"""Look after a team's connections to vendors: test, pause, leave."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.db.models import Exists, OuterRef, TextField, Value
from django.db.models.functions import Length
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, TaskEvent
from tasks_app.vendors.errors import (
    CredentialsRejected,
    RateLimited,
    Unreachable,
    VendorError,
)
from tasks_app.vendors.transport import Transport

from . import actions, gate, states
from .account_settings import settings_of
from .connecting import connect_account, who
from .delivery import EARLIER
from .directory import read_types, read_users
from .doorbell import ring
from .members import name_of
from .pacing import Saturated
from .talking import Outdated, converse

__all__ = [
    "Answer",
    "check_connection",
    "connect_account",
    "disconnect",
    "erase_spent_credentials",
    "pause",
    "read_types",
    "read_users",
    "resume",
]

logger = logging.getLogger(__name__)

State = ConnectedAccount.State
#: A push in one of these may still need the account's key.
UNSETTLED = [
    Push.State.QUEUED,
    Push.State.CLAIMED,
    Push.State.SENDING,
    Push.State.ACCEPTED,
    Push.State.NEEDS_CHECK,
]
ENTER = "Enter a new one."
LEFT = "Withdrawn: its account was disconnected."


@dataclass(frozen=True)
class Answer:
    """What the vendor said to a test: whether it works, and a sentence."""

    ok: bool
    sentence: str


# -- testing ---------------------------------------------------------------------------


def check_connection(
    account: ConnectedAccount,
    *,
    transport: Transport,
    by: AbstractBaseUser | None = None,
) -> Answer:
    """Ask the vendor whether it accepts this account's key; keep what it says.

    A yes sets `checked_at` and opens a gate that trouble or a refused key had shut;
    a pause stays. A refused key shuts the gate. Must not run in a transaction.
    """
    vendor, version = account.adapter_class.name, account.credentials_version
    if not account.has_credentials:
        return Answer(
            False, f"This account has no {vendor} key that can be read. {ENTER}"
        )
    try:
        info = converse(
            account,
            account.adapter().test_connection(),
            transport=transport,
            purpose="test",
        )
    except CredentialsRejected:
        logger.info("Account %s tested by %s: key refused", account.pk, who(by))
        return Answer(False, f"{vendor} rejects this key. {ENTER}")
    except Unreachable as error:
        sentence = str(error).replace(" Nothing was created.", "")
        return Answer(False, f"{sentence} The key is not tested.")
    except RateLimited as error:
        return Answer(False, f"{vendor} is busy. Test again {_in(error.retry_after)}.")
    except Outdated as error:
        return Answer(False, f"{error} Test again.")
    except Saturated as error:
        return Answer(
            False,
            "The rate limit of this account is used up. "
            f"Test again {_in(error.seconds)}.",
        )
    except VendorError as error:
        return Answer(False, str(error))
    _accepted(account, version, info.settings)
    logger.info("Account %s tested by %s: accepted", account.pk, who(by))
    accepts, says = f"{vendor} accepts", info.sentence.strip()
    return Answer(
        True,
        says if says.startswith(accepts) else f"{accepts} this key. {says}".strip(),
    )


def _in(seconds: float | None) -> str:
    return f"in {max(1, round(seconds))} seconds" if seconds else "in a minute"


def _accepted(
    account: ConnectedAccount, version: int, learnt: Mapping[str, Any]
) -> None:
    """Keep a yes, unless the key was changed while the test was under way."""
    with transaction.atomic():
        fresh = ConnectedAccount.objects.select_for_update().get(pk=account.pk)
        if fresh.credentials_version != version:
            return
        # What a person can set is only told, in the sentence: it may be meant as it is.
        theirs = {field.name for field in settings_of(fresh.adapter_class)}
        told = {key: value for key, value in learnt.items() if key not in theirs}
        fresh.settings = {**fresh.settings, **told}
        fresh.checked_at = timezone.now()
        fresh.save(update_fields=["settings", "checked_at"])
        if fresh.state in (State.NEEDS_NEW_KEY, State.TROUBLE):
            gate.reopen(fresh)
        ring(fresh.pk)
    account.refresh_from_db()


# -- the queue's gate ------------------------------------------------------------------


def pause(account: ConnectedAccount, by: AbstractBaseUser | None = None) -> bool:
    """Keep this account's queue where it is until somebody resumes it.

    Return whether it was going on before.
    """
    name = by.get_username() if by else ""
    if isinstance(by, User):
        name = name_of(by)
    reason = f"Paused by {name}." if name else "Paused."
    return gate.shut(account, State.PAUSED, reason, by_id=by.pk if by else None)


def resume(account: ConnectedAccount, by: AbstractBaseUser | None = None) -> bool:
    """Let a paused account's queue go on; return False where it was not paused."""
    account.refresh_from_db()
    if account.state != State.PAUSED:
        return False
    gate.reopen(account)
    logger.info("Account %s resumed by %s", account.pk, who(by))
    ring(account.pk)
    return True


# -- leaving ---------------------------------------------------------------------------


def disconnect(account: ConnectedAccount, by: AbstractBaseUser | None = None) -> int:
    """Take this account out of use; return how much of its queue was withdrawn.

    What is under way settles first, so its keys are erased when nothing needs them any
    more: at once, or later by `erase_spent_credentials`. Tasks and history stay.
    """
    with transaction.atomic():
        now = timezone.now()
        left = ConnectedAccount.objects.live().filter(pk=account.pk)
        if not left.update(deleted_at=now):
            return 0
        withdrawn = _withdraw_queue([account.pk], by)
    logger.info("Account %s disconnected by %s", account.pk, who(by))
    erase_spent_credentials()
    account.refresh_from_db()
    return withdrawn


def erase_spent_credentials() -> int:
    """Erase the keys of disconnected accounts that have nothing under way any more.

    Return how many were erased. What came back to such a queue is withdrawn.
    """
    gone = ConnectedAccount.objects.exclude(deleted_at=None)
    kept = gone.annotate(size=Length("credentials")).filter(size__gt=0)
    ids = list(kept.values_list("pk", flat=True))
    if not ids:
        return 0
    _withdraw_queue(ids, None)
    needed = Push.objects.filter(account=OuterRef("pk"), state__in=UNSETTLED)
    spent = gone.filter(~Exists(needed), pk__in=ids)
    return spent.update(credentials=Value("", output_field=TextField()))


def _withdraw_queue(account_ids: Sequence[int], by: AbstractBaseUser | None) -> int:
    """Withdraw what waits there, and put back what was shown; return how many."""
    waiting = Push.objects.filter(account__in=account_ids, state=Push.State.QUEUED)
    # Both or neither: what is at the vendor is not shown as done when nobody tells it.
    with transaction.atomic():
        moved = states.change(
            [
                states.Change(
                    push_id,
                    Push.State.WITHDRAWN,
                    error=f"{LEFT} {EARLIER}" if watch_at else LEFT,
                )
                for push_id, watch_at in waiting.order_by("pk").values_list(
                    "pk", "watch_at"
                )
            ],
            sources=[Push.State.QUEUED],
            source=TaskEvent.Source.PERSON,
            actor_id=by.pk if by else None,
        )
        # What was wished for tasks that are at the vendor is not shown any more.
        kinds = (Push.Kind.CREATE, Push.Kind.COPY)
        wishes = [m.push_id for m in moved if m.kind not in kinds]
        actions.restore_many(list(Push.objects.in_bulk(wishes).values()))
    return len(moved)
