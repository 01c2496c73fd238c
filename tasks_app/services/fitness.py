"""What an account no longer offers is noticed before a call is made for it.

A type that vanished or a person who left would be refused, or taken in a way that
nobody meant. So such pushes fail here: nothing is sent, and the task says how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from tasks_app.models import Push, Task, VendorUser
from tasks_app.vendors.errors import Refused

TYPE_GONE = "type_gone"
ASSIGNEE_GONE = "assignee_gone"


class TypeGone(Refused):
    """The account has no such type of task any more."""

    kind = TYPE_GONE


class AssigneeGone(Refused):
    """Who shall hold the task cannot hold tasks there any more."""

    kind = ASSIGNEE_GONE


def unfit(pushes: Iterable[Push]) -> dict[int, Refused]:
    """Return why some of these may not be sent, by push; one query for creates."""
    pushes = list(pushes)
    creates = {p.task_id: p.pk for p in pushes if p.kind == Push.Kind.CREATE}
    found: dict[int, Refused] = {}
    if creates:
        stale = Task.objects.filter(pk__in=creates).filter(
            Q(type__active=False) | Q(vendor_user__active=False)
        )
        for task in stale.select_related("type", "vendor_user", "account"):
            found[creates[task.pk]] = reason(task)
    for push in pushes:
        if push.kind == Push.Kind.REASSIGN and (person := gone_holder(push)):
            found[push.pk] = AssigneeGone(left(person, "Choose somebody else."))
    return found


def reason(task: Task) -> Refused:
    """Return why this task cannot be sent: its type first, then its holder."""
    vendor = task.account.adapter_class.name
    if not task.type.active:
        return TypeGone(
            f"{vendor} no longer has the task type “{task.type.name}”. "
            "Nothing was sent. Choose another type and send it again."
        )
    assert task.vendor_user is not None  # noqa: S101 - one of the two is gone
    return AssigneeGone(
        left(task.vendor_user, "Choose somebody else and send it again.")
    )


def left(person: VendorUser, advice: str) -> str:
    vendor = person.account.adapter_class.name
    return f"{person} can no longer hold tasks in {vendor}. Nothing was sent. {advice}"


def gone_holder(push: Push) -> VendorUser | None:
    """Return whom this hands the task to where they cannot hold tasks any more."""
    number = (push.values.get("assignee") or {}).get("vendor_user")
    if number is None:
        return None
    people = VendorUser.objects.filter(pk=number, active=False)
    return people.select_related("account").first()
