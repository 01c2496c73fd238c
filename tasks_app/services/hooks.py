"""Acting on what vendors posted: a hint where to look, never a fact.

An event changes nothing by what it says. The tasks it names are read at the vendor, and
what the vendor answers then counts: so repeats, a wrong order and lies do no harm.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tasks_app.models import (
    ConnectedAccount,
    Push,
    SyncRun,
    Task,
    TaskEvent,
    WebhookEvent,
)
from tasks_app.models.accounts import new_hook_token
from tasks_app.vendors.calls import VendorRequest
from tasks_app.vendors.errors import CredentialsRejected, RateLimited, VendorError
from tasks_app.vendors.transport import Transport

from .following import apply_remote, mark_removed
from .hook_contents import Hint, hint_of
from .hook_receiving import FLOOD
from .pacing import Saturated
from .reconciling import can_look
from .recording import settle_time
from .syncing import request_sync, unfinished
from .talking import converse, only_while_it_stands
from .turns import turn

log = logging.getLogger(__name__)

#: Events of one turn, ids looked for in it, and tasks read one by one: for more than
#: that a reading of the account is cheaper.
PORTION = 200
MOST_IDS = 5_000
MOST_READS = 25
#: The old secret is taken for so long beside a new one.
OLD_FOR = timedelta(days=7)
#: A task is not read again so soon after it was read.
PAUSE = timedelta(seconds=5)
#: Seconds a read waits for a permit: pushes go first.
READ_WAIT = 5.0


def url_for(account: ConnectedAccount) -> str:
    """Return the secret URL this account's vendor may post to; '' without PUBLIC_URL."""
    return account.hook_url


def renew_token(account: ConnectedAccount) -> None:
    """Give the account a new secret; the one before it is taken for `OLD_FOR` longer.

    Any older one is refused from now on.
    """
    account.old_hook_token = account.hook_token
    account.old_hook_until = timezone.now() + OLD_FOR
    account.hook_token = new_hook_token()
    account.save(update_fields=["hook_token", "old_hook_token", "old_hook_until"])


def end_old_token(account: ConnectedAccount) -> None:
    """Refuse posts to the old URL from now on."""
    account.old_hook_token, account.old_hook_until = "", None
    account.save(update_fields=["old_hook_token", "old_hook_until"])


def process_account(account_id: int, *, transport: Transport) -> int:
    """Read what this account's waiting events name; return how many are done.

    Those whose tasks cannot be read just now wait on.
    """
    with turn("hooks", account_id) as free:
        if not free:
            return 0
        accounts = ConnectedAccount.objects.live().select_related("team")
        account = accounts.filter(pk=account_id).first()
        if account is None or not can_look(account):
            return 0
        hints = waiting_hints(account)
        if not hints:
            return 0
        return close(outcomes_of(account, hints, transport=transport))


def waiting_hints(account: ConnectedAccount) -> dict[WebhookEvent, Hint]:
    """Return the oldest waiting events with what each may be about."""
    rows = account.webhook_events.filter(processed_at=None).order_by("received_at")
    hints: dict[WebhookEvent, Hint] = {}
    total = 0
    for event in rows[:PORTION]:
        hint = hint_of(event.body)
        total += len(hint.ids)
        if hints and total > MOST_IDS:
            break
        hints[event] = hint
    return hints


def outcomes_of(
    account: ConnectedAccount, hints: dict[WebhookEvent, Hint], *, transport: Transport
) -> dict[WebhookEvent, str]:
    """Do what the events ask for; return what became of each that is done."""
    ids = {text for hint in hints.values() for text in hint.ids}
    tasks = Task.objects.filter(account=account, external_id__in=ids)
    by_id = {task.external_id: task for task in tasks}
    outcomes: dict[WebhookEvent, str] = {}
    unknown: list[WebhookEvent] = []
    named: dict[WebhookEvent, list[Task]] = {}
    for event, hint in hints.items():
        known = [by_id[text] for text in sorted(hint.ids) if text in by_id]
        if event.digest == FLOOD:
            named[event] = []
        elif not known:
            unknown.append(event)
        elif hint.creation:
            outcomes[event] = "Tells of a creation that Baton knows of."
        else:
            named[event] = known
    outcomes |= leave_unknown(account, unknown)
    wanted = {task.pk: task for known in named.values() for task in known}
    if len(wanted) > MOST_READS or not all(named.values()):
        if ask_for_reading(account):
            outcomes |= dict.fromkeys(named, "Left to a reading of the whole account.")
        return outcomes
    read, failed = read_again(account, wanted.values(), transport=transport)
    for event, known in named.items():
        keys = {task.pk for task in known}
        if keys <= read:
            outcomes[event] = f"Read {len(keys)} at the vendor."
        elif keys & failed.keys() and keys <= read | failed.keys():
            outcomes[event] = next(failed[key] for key in keys if key in failed)
    return outcomes


# -- events that name tasks of ours ----------------------------------------------------


def read_again(
    account: ConnectedAccount, tasks: Iterable[Task], *, transport: Transport
) -> tuple[set[int], dict[int, str]]:
    """Read tasks at the vendor; return ids of those read, and why others were not.

    What is in neither is tried again in the next turn.
    """
    read: set[int] = set()
    failed: dict[int, str] = {}
    stop_if_lost = only_while_it_stands(account)
    for task in tasks:
        if task.as_of is not None and task.as_of > timezone.now() - PAUSE:
            continue
        try:
            if read_one(account, task, stop_if_lost, transport=transport):
                read.add(task.pk)
        except (Saturated, RateLimited, CredentialsRejected) as error:
            log.info("Events of account %s wait: %s", account.pk, error)
            break
        except VendorError as error:
            # Not tried again here: the account's own reading does that.
            failed[task.pk] = f"Left to the next reading: {error}"[:200]
            if not can_look(account):
                break
    if failed:
        request_sync(account)
    return read, failed


def read_one(
    account: ConnectedAccount,
    task: Task,
    on_request: Callable[[VendorRequest], None],
    *,
    transport: Transport,
) -> bool:
    """Let the vendor's current value show; False when somebody else was at it too."""
    begun = timezone.now()
    remote = converse(
        account,
        account.adapter().read_task(task.external_id),
        transport=transport,
        purpose="webhook",
        on_request=on_request,
        max_wait=READ_WAIT,
    )
    with transaction.atomic():
        rows = Task.objects.select_related("team").select_for_update(of=("self",))
        current = rows.get(pk=task.pk)
        if current.as_of is not None and current.as_of > begun:
            return False
        if remote is None:
            mark_removed(current, source=TaskEvent.Source.WEBHOOK)
        else:
            apply_remote(
                current, remote, at=timezone.now(), source=TaskEvent.Source.WEBHOOK
            )
    return True


def ask_for_reading(account: ConnectedAccount) -> bool:
    """Ask for a reading that begins after now; False while one is under way."""
    run = unfinished(account.pk)
    if run is not None and run.state == SyncRun.State.RUNNING:
        return False
    request_sync(account)
    return True


# -- events that name none -------------------------------------------------------------


def leave_unknown(
    account: ConnectedAccount, events: Sequence[WebhookEvent]
) -> dict[WebhookEvent, str]:
    """Close events that name no task of ours, and look for what is unclear sooner.

    One that came while a create was on its way waits until that is recorded: it may be
    about this very task.
    """
    if not events:
        return {}
    now = timezone.now()
    under_way = Push.objects.filter(
        account=account,
        kind=Push.Kind.CREATE,
        state__in=[Push.State.CLAIMED, Push.State.SENDING],
    )
    recorded_by = now - timedelta(seconds=settings.LEASE + settings.CALL_DEADLINE)
    if under_way.exists():
        events = [event for event in events if event.received_at < recorded_by]
    if events:
        look_sooner(account)
    return dict.fromkeys(events, "Names no task of this account.")


def look_sooner(account: ConnectedAccount) -> int:
    """Bring looks at `accepted` and `needs_check` pushes forward; return how many.

    Two looks that find nothing may send a task again, so the time between those two is
    never shortened, nor the time a vendor needs before the first.
    """
    now = timezone.now()
    deadline = timedelta(seconds=settings.CALL_DEADLINE)
    settled = Q(sent_at__lt=now - deadline - settle_time(account.adapter()))
    # A nearer one may be claimed by a process that is looking right now.
    unclaimed = Q(look_at__gt=now + timedelta(seconds=2 * settings.LEASE))
    unclear = Q(state=Push.State.NEEDS_CHECK) & ~Q(absent_reads=1) & settled
    rows = Push.objects.filter(account=account, kind=Push.Kind.CREATE)
    return rows.filter(
        Q(state=Push.State.ACCEPTED, look_at__gt=now) | (unclear & unclaimed)
    ).update(look_at=now)


def close(outcomes: dict[WebhookEvent, str]) -> int:
    """Mark events as done, except those that came again meanwhile; return how many."""
    alike: dict[tuple[str, int], list[int]] = defaultdict(list)
    for event, outcome in outcomes.items():
        alike[outcome, event.repeats].append(event.pk)
    now = timezone.now()
    return sum(
        WebhookEvent.objects.filter(pk__in=ids, repeats=repeats).update(
            processed_at=now, outcome=outcome
        )
        for (outcome, repeats), ids in alike.items()
    )
