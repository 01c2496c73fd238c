"""What an account no longer offers is noticed before a call is made for it.

A type that vanished or a person who left would be refused, or taken in a way that
nobody meant. So such pushes fail here: nothing is sent, and the task says how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def unfit(pushes: Iterable[Push], tasks: Mapping[int, Task]) -> dict[int, Refused]:
    """Return why some of these may not be sent, by push.

    `tasks` are those of the creates, by pk, with their types and holders.
    """
    found: dict[int, Refused] = {}
    for push in pushes:
        if push.kind == Push.Kind.CREATE:
            task = tasks.get(push.task_id)
            if task is not None and (refusal := reason(task)):
                found[push.pk] = refusal
        elif push.kind == Push.Kind.REASSIGN and (person := gone_holder(push)):
            found[push.pk] = AssigneeGone(left(person, "Choose somebody else."))
    return found


def reason(task: Task) -> Refused | None:
    """Return why this task cannot be sent: its type first, then its holder."""
    if not task.type.active:
        vendor = task.account.adapter_class.name
        return TypeGone(
            f"{vendor} no longer has the task type “{task.type.name}”. "
            "Nothing was sent. Choose another type and send it again."
        )
    if task.vendor_user is not None and not task.vendor_user.active:
        return AssigneeGone(
            left(task.vendor_user, "Choose somebody else and send it again.")
        )
    return None


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
