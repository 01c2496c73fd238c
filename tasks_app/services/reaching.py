"""Which prospects can get a task in an account, and what is in the others' way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks_app.models import ConnectedAccount, Prospect, ProspectLink, Task, TaskType
from tasks_app.vendors import VendorAdapter
from tasks_app.vendors.drafts import TaskDraft

from .matching import chunks, in_one_query


@dataclass(frozen=True)
class LeftOut:
    """Somebody who gets no task, why, and how that is mended."""

    name: str
    email: str
    reason: str
    mend: str = ""
    prospect_id: int | None = None

    @classmethod
    def of(cls, prospect: Prospect, reason: str, mend: str = "") -> LeftOut:
        return cls(str(prospect), prospect.email, reason, mend, prospect.pk)

    def as_json(self) -> dict[str, str]:
        """Return what `Batch.left_out` keeps."""
        reason = f"{self.reason} {self.mend}".strip()
        return {"name": self.name, "email": self.email, "reason": reason}


def links_at(
    account: ConnectedAccount, prospects: Sequence[Prospect]
) -> dict[int, str]:
    """Return the ids that these prospects have in this account, by prospect pk."""
    known: dict[int, str] = {}
    for part in chunks(prospect.pk for prospect in prospects):
        links = ProspectLink.objects.filter(account=account, prospect_id__in=part)
        known.update(links.values_list("prospect_id", "external_id"))
    return known


def unreachable(
    account: ConnectedAccount,
    adapter: VendorAdapter,
    prospect: Prospect,
    draft: TaskDraft,
) -> LeftOut | None:
    """Return why this prospect gets no task, None when they can."""
    if prospect.do_not_contact:
        return LeftOut.of(
            prospect,
            "Asked not to be contacted.",
            "Only change that under Prospects if they have agreed.",
        )
    trouble = adapter.prospect_error(draft)
    if not trouble:
        return None
    if not draft.prospect.external_id:
        mend = f"Import their id with a column named “id:{account.name}”."
    else:
        mend = f"Correct their id at {account.name}."
    return LeftOut.of(prospect, trouble, mend)


@dataclass(frozen=True)
class OpenTask:
    """A task of the same kind that a chosen prospect has already, in any account."""

    prospect: Prospect
    task_id: int
    title: str
    account: str
    kind: str


def open_tasks(
    account: ConnectedAccount, task_type: TaskType | None, prospects: Sequence[Prospect]
) -> list[OpenTask]:
    """Return the open tasks of this channel that these prospects have; one query.

    Not those that never reached a vendor and will not: failed or taken back.
    """
    if task_type is None:
        return []
    people = {prospect.pk: prospect for prospect in prospects}
    kind = "task" if task_type.channel == "todo" else f"{channel_word(task_type)} task"
    found: list[OpenTask] = []
    for part in chunks(people, in_one_query()):
        rows = Task.objects.unfinished().filter(
            team_id=account.team_id, channel=task_type.channel, prospect_id__in=part
        )
        rows = rows.exclude(
            delivery__in=[Task.Delivery.WITHDRAWN, Task.Delivery.FAILED]
        )
        values = rows.order_by("pk").values_list(
            "prospect_id", "pk", "title", "account__name"
        )
        found += [
            OpenTask(people[who], pk, title, where, kind)
            for who, pk, title, where in values
            if who is not None
        ]
    return found


def open_sentence(found: Sequence[OpenTask]) -> str:
    """Return who has such a task already, '' for nobody."""
    has_one = {task.prospect.pk: task for task in found}
    if not has_one:
        return ""
    some = [f"{t.prospect} ({t.account})" for t in list(has_one.values())[:3]]
    more = f" and {len(has_one) - 3:,} more" if len(has_one) > 3 else ""
    who = f"{len(has_one):,} prospects have"
    if len(has_one) == 1:
        who = "1 prospect has"
    kind = found[0].kind
    return f"{who} an open {kind} already: {', '.join(some)}{more}."


def channel_word(task_type: TaskType) -> str:
    words = {"email": "e-mail", "linkedin": "LinkedIn", "whatsapp": "WhatsApp"}
    return {**words, "sms": "SMS"}.get(task_type.channel, task_type.channel)
