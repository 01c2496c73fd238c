"""Reading accounts back: what happened at the vendor shows here, and as of when."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from tasks_app.models import ConnectedAccount, SyncRun, Task, TaskCopy
from tasks_app.vendors.errors import RateLimited, VendorError
from tasks_app.vendors.transport import Transport

from . import copies, doorbell, foreign, hook_watch
from .pacing import Saturated
from .reading import REOPENED_WITHIN, RunLost, lease, read_account
from .turns import turn

log = logging.getLogger(__name__)

#: Seconds after which a reading that was told to wait is looked at again.
LONGEST_WAIT = 300.0
#: Days that readings are kept.
RUN_DAYS = 30


# -- asking for a reading --------------------------------------------------------------


def request_sync(account: ConnectedAccount) -> SyncRun:
    """Ask for a reading now; return the run, an unfinished one if there is one."""
    run = unfinished(account.pk) or SyncRun.objects.create(
        account=account, window=f"asked-{uuid.uuid4().hex[:16]}"
    )
    doorbell.ring(account.pk)
    return run


def unfinished(account_id: int) -> SyncRun | None:
    return SyncRun.objects.filter(
        account_id=account_id, state__in=[SyncRun.State.WAITING, SyncRun.State.RUNNING]
    ).first()


def begin_due(now: datetime) -> int:
    """Insert the run of this time window for every account that wants one.

    A window has one run whatever the number of schedulers: its row is unique. Return
    how many were inserted.
    """
    window = (
        f"every-{settings.SYNC_EVERY:g}-{int(now.timestamp() // settings.SYNC_EVERY)}"
    )
    # Account by account, because that is what indexes stand behind.
    runs = SyncRun.objects.filter(account=OuterRef("pk")).order_by()
    under_way = runs.filter(state__in=[SyncRun.State.WAITING, SyncRun.State.RUNNING])
    open_tasks = Task.objects.filter(
        account=OuterRef("pk"), status__in=Task.UNFINISHED
    ).order_by()
    # What was completed so lately may be reopened there.
    ended = Task.objects.filter(
        team=OuterRef("team"),
        account=OuterRef("pk"),
        status=Task.Status.COMPLETED,
        completed_at__gte=now - REOPENED_WITHIN,
    ).order_by()
    wanted = (
        ConnectedAccount.objects.live()
        .filter(
            state__in=[ConnectedAccount.State.CONNECTED, ConnectedAccount.State.TROUBLE]
        )
        .filter(
            Q(bring_in=True)
            | Exists(open_tasks)
            | Exists(ended)
            | Q(pk__in=copies.watching().values("account"))
            | Q(pk__in=TaskCopy.objects.filter(outcome="").values("account"))
        )
        .filter(~Exists(under_way), ~Exists(runs.filter(window=window)))
        .values_list("pk", flat=True)
    )
    begun = [SyncRun(account_id=pk, window=window) for pk in wanted]
    SyncRun.objects.bulk_create(begun, ignore_conflicts=True)
    return len(begun)


def forget_old() -> int:
    """Delete runs older than `RUN_DAYS` but an account's last; return how many.

    One page of them: the oldest have the smallest numbers.
    """
    oldest = timezone.now() - timedelta(days=RUN_DAYS)
    first = list(SyncRun.objects.order_by("pk").values_list("pk", flat=True)[:1000])
    later = SyncRun.objects.filter(account=OuterRef("account"), pk__gt=OuterRef("pk"))
    old = SyncRun.objects.filter(
        Exists(later.order_by()), pk__in=first, ended_at__lt=oldest
    )
    return old.delete()[0]


# -- making it -------------------------------------------------------------------------


def sync_account(account_id: int, *, transport: Transport) -> SyncRun | None:
    """Make the account's waiting run, or go on with one whose process died.

    Return the run as it ended, None where there is nothing to do or another process
    is at it. Never two at once for one account.
    """
    with turn("sync", account_id) as free:
        if not free:
            return None
        run = claim_run(account_id)
        if run is None:
            return None
        account = ConnectedAccount.objects.select_related("team").get(pk=account_id)
        try:
            complete = read_account(account, run, transport=transport)
            finish(run, account, complete=complete)
        except RunLost:
            return None
        except Saturated as error:
            put_off(run, str(error), error.seconds)
        except RateLimited as error:
            put_off(run, sentence_of(error), error.retry_after or 0)
        except VendorError as error:
            finish(run, account, error=sentence_of(error))
        run.refresh_from_db()
        if run.state == SyncRun.State.DONE:
            copies.look(account, transport=transport)
            hook_watch.check(account, transport=transport)
        return run


def claim_run(account_id: int) -> SyncRun | None:
    """Take the account's unfinished run, if nobody else has it."""
    now = timezone.now()
    attempt = uuid.uuid4()
    mine = {"attempt_id": attempt, "lease_until": now + lease()}
    rows = SyncRun.objects.filter(account_id=account_id)
    taken = rows.filter(state=SyncRun.State.RUNNING, lease_until__lt=now).update(**mine)
    if not taken:
        waiting = rows.filter(state=SyncRun.State.WAITING).order_by("pk").first()
        if waiting is None:
            return None
        try:
            with transaction.atomic():
                taken = rows.filter(pk=waiting.pk, state=SyncRun.State.WAITING).update(
                    state=SyncRun.State.RUNNING,
                    began_at=waiting.began_at or now,
                    until=waiting.until or now,
                    **mine,
                )
        except IntegrityError:
            return None
    return rows.filter(attempt_id=attempt).first() if taken else None


def finish(
    run: SyncRun,
    account: ConnectedAccount,
    *,
    error: str = "",
    complete: bool = False,
) -> None:
    """End the run, which moves the account's watermark.

    Its as-of time moves only where the run was `complete`: showed every open task.
    """
    now = timezone.now()
    mine = SyncRun.objects.filter(pk=run.pk, attempt_id=run.attempt_id)
    state = SyncRun.State.FAILED if error else SyncRun.State.DONE
    done = mine.update(state=state, error=error, ended_at=now, lease_until=None)
    if done and not error:
        foreign.link_prospects(Task.objects.filter(account=account))
        rows = ConnectedAccount.objects.filter(pk=account.pk)
        rows.update(watermark=run.until, **({"synced_at": now} if complete else {}))


def put_off(run: SyncRun, sentence: str, seconds: float) -> None:
    """Let the run go on from where it is when the account may call again."""
    wait = timedelta(seconds=min(seconds, LONGEST_WAIT))
    SyncRun.objects.filter(pk=run.pk, attempt_id=run.attempt_id).update(
        error=sentence, lease_until=timezone.now() + wait
    )


def sentence_of(error: VendorError) -> str:
    """Return what went wrong; a reading never creates anything, so that is left out."""
    return str(error).replace(" Nothing was created.", "")
