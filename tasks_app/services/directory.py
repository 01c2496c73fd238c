"""Keep what an account offers: its task types, and the people who can hold tasks.

Both are read daily where the vendor has a call for it. Where it has none, people are
learnt from the tasks they hold and entered by an administrator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Task, TaskType, VendorUser
from tasks_app.models.accounts import AccountQuerySet
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.errors import OutcomeUnknown, Refused, VendorError
from tasks_app.vendors.findings import RemoteUser
from tasks_app.vendors.offers import TypeInfo
from tasks_app.vendors.transport import Transport

from .pacing import Saturated
from .talking import converse
from .turns import turn

#: How old what was read may become, and how soon it is tried again after a failure.
STALE = timedelta(days=1)
AGAIN = timedelta(hours=1)

#: Vendors whose types are the account's own, and those that list their people.
OWN_TYPES = tuple(slug for slug, cls in ADAPTERS.items() if cls.fixed_types is None)
LISTS_PEOPLE = tuple(slug for slug, cls in ADAPTERS.items() if cls.lists_people)


# -- daily -----------------------------------------------------------------------------


def stale(now: datetime) -> AccountQuerySet:
    """Return the accounts of which something is to be read again at `now`."""
    old = now - STALE
    types = (
        Q(types_read_at=None)
        | Q(types_read_at__lt=old)
        | Q(types_doubted_at__gt=F("types_read_at"))
    )
    people = Q(users_read_at=None) | Q(users_read_at__lt=old)
    return ConnectedAccount.objects.live().filter(
        Q(vendor__in=OWN_TYPES) & types | Q(vendor__in=LISTS_PEOPLE) & people
    )


def due(now: datetime) -> AccountQuerySet:
    """Return those of them that may be asked, and were not asked just now in vain."""
    return (
        stale(now)
        .open_gate(now)
        .filter(
            Q(directory_tried_at=None) | Q(directory_tried_at__lt=now - AGAIN),
            checked_at__isnull=False,
        )
    )


def read_when_due(account_id: int, *, transport: Transport) -> bool:
    """Read what is stale of this account; return whether that was done now.

    Who comes second finds it claimed. A failure is kept for the administrator and
    tried again after `AGAIN`.
    """
    now = timezone.now()
    with turn("directory", account_id) as free:
        claimed = due(now).filter(pk=account_id).update(directory_tried_at=now)
        if not free or not claimed:
            return False
        account = ConnectedAccount.objects.select_related("team").get(pk=account_id)
        try:
            read_stale(account, transport=transport)
        except (VendorError, Saturated):
            return False
        return True


def read_stale(account: ConnectedAccount, *, transport: Transport) -> None:
    """Read types and people where that is long ago; raise `VendorError`."""
    old = timezone.now() - STALE
    read_at, doubted_at = account.types_read_at, account.types_doubted_at
    doubted = read_at and doubted_at and doubted_at > read_at
    with kept_failure(account):
        if account.vendor in OWN_TYPES and (not read_at or read_at < old or doubted):
            read_types(account, transport=transport)
        if account.users_read_at is None or account.users_read_at < old:
            read_users(account, transport=transport)


def read_for_the_first_time(account: ConnectedAccount, *, transport: Transport) -> bool:
    """Learn who holds tasks before everybody's tasks are read, if nobody has so far.

    Return whether that was done. Where it is refused or unreadable the tasks of those
    who are known are read.
    """
    if account.vendor in LISTS_PEOPLE and account.users_read_at is None:
        with suppress(Refused, OutcomeUnknown):
            read_stale(account, transport=transport)
            return True
    return False


def read_now(account: ConnectedAccount, *, transport: Transport) -> tuple[int, int]:
    """Read both, however fresh they are; return how many types and people.

    Raise `VendorError`. Must not run in a transaction.
    """
    with kept_failure(account):
        types = read_types(account, transport=transport)
        return types, read_users(account, transport=transport)


def doubt(account: ConnectedAccount) -> None:
    """A task was refused: let the types be read again, if that was not just now."""
    if account.vendor in OWN_TYPES:
        now = timezone.now()
        rows = ConnectedAccount.objects.filter(pk=account.pk)
        rows.filter(types_read_at__lt=now - AGAIN).update(types_doubted_at=now)


@contextmanager
def kept_failure(account: ConnectedAccount) -> Iterator[None]:
    """Keep on the account why reading failed, or that it did not."""
    rows = ConnectedAccount.objects.filter(pk=account.pk)
    try:
        yield
    except (VendorError, Saturated) as error:
        sentence = str(error).replace(" Nothing was created.", "")
        rows.update(directory_tried_at=timezone.now(), directory_error=sentence)
        raise
    rows.update(directory_tried_at=timezone.now(), directory_error="")


# -- types -----------------------------------------------------------------------------


def read_types(account: ConnectedAccount, *, transport: Transport) -> int:
    """Read the types that this account offers; return how many; raise `VendorError`.

    One that the vendor no longer names is kept, but not offered any more. An empty
    answer changes nothing: an account without any type is more likely a slip.
    Must not run in a transaction.
    """
    types = converse(
        account,
        account.adapter().read_types(),
        transport=transport,
        purpose="types",
    )
    with transaction.atomic():
        codes = write_types(account, types)
        if codes:
            account.task_types.exclude(code__in=codes).update(active=False)
        ConnectedAccount.objects.filter(pk=account.pk).update(
            types_read_at=timezone.now()
        )
    return len(codes)


def write_types(account: ConnectedAccount, types: Iterable[TypeInfo]) -> list[str]:
    """Add or renew these types, in this order; return their codes.

    One that the vendor knows by the same id under another name was renamed: tasks of
    this type go out under its new name.
    """
    by_code = {info.code[:200]: info for info in types if info.code}
    rename_types(account, by_code)
    TaskType.objects.bulk_create(
        [
            TaskType(
                account=account,
                code=code,
                name=(info.name or code)[:200],
                channel=info.channel.value,
                fields=dict(info.fields),
                position=position,
            )
            for position, (code, info) in enumerate(by_code.items())
        ],
        batch_size=100,
        update_conflicts=True,
        unique_fields=["account", "code"],
        update_fields=["name", "channel", "fields", "active", "position"],
    )
    return list(by_code)


def rename_types(account: ConnectedAccount, found: dict[str, TypeInfo]) -> None:
    """Give types that were renamed at the vendor their new names."""
    known = list(account.task_types.all())
    codes = {row.code for row in known}
    by_id = {row.fields.get("id"): row for row in known if row.fields.get("id")}
    for code, info in found.items():
        row = by_id.get(info.fields.get("id"))
        if row is None or code in codes or row.code in found:
            continue
        row.code, row.name = code, (info.name or code)[:200]
        row.save(update_fields=["code", "name"])


# -- people ----------------------------------------------------------------------------


def read_users(account: ConnectedAccount, *, transport: Transport) -> int:
    """Read who can hold tasks in this account; return how many; raise `VendorError`.

    Who is gone is kept, but not offered any more. Where a vendor lists nobody, the
    people entered by hand stay as they are. Must not run in a transaction.
    """
    users = converse(
        account,
        account.adapter().read_users(),
        transport=transport,
        purpose="users",
    )
    with transaction.atomic():
        # Two readings of one account take turns.
        ConnectedAccount.objects.select_for_update().get(pk=account.pk)
        count = _write_users(account, users)
        ConnectedAccount.objects.filter(pk=account.pk).update(
            users_read_at=timezone.now()
        )
    return count


def _write_users(account: ConnectedAccount, users: Iterable[RemoteUser]) -> int:
    by_id = {user.external_id[:100]: user for user in users if user.external_id}
    if not by_id:
        return 0
    members = members_by_email(account)
    known = list(account.vendor_users.all())
    rows = {row.external_id: row for row in known if row.external_id}
    # A person known by e-mail alone gets the id that the vendor tells now.
    nameless = {row.email.casefold(): row for row in known if not row.external_id}
    made, changed = [], []
    mapped: list[VendorUser] = []
    for external_id, remote in by_id.items():
        email = remote.email.strip()[:254]
        row = rows.get(external_id)
        if row is None and email:
            row = nameless.pop(email.casefold(), None)
        if row is None:
            row = VendorUser(account=account)
            made.append(row)
        else:
            changed.append(row)
        row.external_id = external_id
        row.name = remote.name.strip()[:200] or row.name
        row.email = email or row.email
        row.active = remote.active
        if row.user_id is None and row.email:
            row.user = members.get(row.email.casefold())
            if row.user is not None:
                mapped.append(row)
    VendorUser.objects.bulk_create(made, batch_size=200)
    VendorUser.objects.bulk_update(
        changed, ["external_id", "name", "email", "active", "user"], batch_size=200
    )
    gone = [
        row.pk for row in rows.values() if row.active and row.external_id not in by_id
    ]
    VendorUser.objects.filter(pk__in=gone).update(active=False)
    # Only what nobody holds: whom a lead chose stays.
    people = VendorUser.objects.filter(pk__in=[row.pk for row in mapped])
    hand_over(people)
    return len(by_id)


def map_person(person: VendorUser, former: int | None) -> int:
    """Let this person's tasks be those of whom they are in Baton by now.

    `former` is the number of whom they were. Return how many tasks changed hands.
    """
    if person.user_id is not None:
        return hand_over(VendorUser.objects.filter(pk=person.pk), former)
    if former is None:
        return 0
    held = person.tasks.filter(account=person.account_id, assignee=former)
    return held.update(assignee=None, updated_at=timezone.now())


def hand_over(people: QuerySet[VendorUser], former: int | None = None) -> int:
    """Let tasks that these people hold at the vendor be theirs here; return how many.

    For when somebody has been mapped, or mapped to somebody else than `former`. A
    task that is anybody else's in Baton stays theirs: a lead chose them.
    """
    holder = people.filter(pk=OuterRef("vendor_user")).values("user")[:1]
    # By account, because that is what an index stands behind.
    accounts = people.values("account")
    moved = Task.objects.filter(account__in=accounts, vendor_user__in=people)
    free = Q(assignee=None) if former is None else Q(assignee=None) | Q(assignee=former)
    return (
        moved.filter(free)
        .exclude(assignee=Subquery(holder))
        .update(assignee=Subquery(holder), updated_at=timezone.now())
    )


def members_by_email(account: ConnectedAccount) -> dict[str, User]:
    """Return the team's members by e-mail, as far as one address is one person's."""
    found: dict[str, User] = {}
    shared: set[str] = set()
    for user in User.objects.filter(memberships__team=account.team_id).exclude(
        email=""
    ):
        email = user.email.casefold()
        if email in found:
            shared.add(email)
        found[email] = user
    return {email: user for email, user in found.items() if email not in shared}
