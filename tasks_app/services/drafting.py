"""From stored rows to what an adapter gets: the very draft that was previewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks_app.models import ProspectLink, Push, Task, VendorUser
from tasks_app.vendors.drafts import AssigneeDraft, ProspectDraft, TaskDraft
from tasks_app.vendors.words import Priority


def tasks_of(pushes: Iterable[Push]) -> dict[int, Task]:
    """Return the tasks of these pushes by pk, with all that a draft reads of them."""
    return (
        Task.objects.filter(pk__in={push.task_id for push in pushes})
        .select_related("type", "prospect", "vendor_user")
        .defer("search_text", "prospect__search_text")
        .in_bulk()
    )


def drafts_for(
    pushes: Sequence[Push], tasks: dict[int, Task] | None = None
) -> dict[int, TaskDraft]:
    """Return the draft of each push by its pk, in a fixed number of queries.

    `ref` is the push's pk as text. A push that changes a task carries the marker of
    the push that created it, because that one stands in the vendor's text. `tasks` are
    those of `tasks_of`, where the caller has them.
    """
    tasks = tasks_of(pushes) if tasks is None else tasks
    ids = external_ids(tasks.values())
    later = {push.task_id for push in pushes if push.kind != Push.Kind.CREATE}
    markers = created_markers(later)
    return {
        push.pk: draft_of(
            tasks[push.task_id],
            external_id=ids.get(push.task_id, ""),
            ref=str(push.pk),
            marker=push.marker or markers.get(push.task_id, ""),
        )
        for push in pushes
    }


def draft_of(task: Task, *, external_id: str, ref: str, marker: str = "") -> TaskDraft:
    """Return the draft of this task; `external_id` is its prospect's at the account.

    Reads `task.type`, `task.prospect` and `task.vendor_user`.
    """
    return TaskDraft(
        ref=ref,
        type_code=task.type.code,
        prospect=task.prospect.draft(external_id)
        if task.prospect
        else ProspectDraft(external_id),
        title=task.title,
        note=task.note,
        priority=Priority(task.priority),
        starts_at=task.starts_at,
        due_at=task.due_at,
        due_on=task.due_on,
        assignee=assignee_draft(task.vendor_user),
        options=task.options,
        marker=marker,
    )


def assignee_draft(vendor_user: VendorUser | None) -> AssigneeDraft | None:
    """Return this person of a vendor as an adapter gets them."""
    if vendor_user is None:
        return None
    return AssigneeDraft(vendor_user.external_id, vendor_user.email)


def external_ids(tasks: Iterable[Task]) -> dict[int, str]:
    """Return, by task pk, the id that its prospect has in its account; one query."""
    tasks = list(tasks)
    links = ProspectLink.objects.filter(
        account_id__in={task.account_id for task in tasks},
        prospect_id__in={task.prospect_id for task in tasks if task.prospect_id},
    ).values_list("account_id", "prospect_id", "external_id")
    known: dict[tuple[int, int | None], str] = {
        (account, prospect): found for account, prospect, found in links
    }
    # What was made at the vendor is for whom the vendor says.
    return {
        task.pk: task.vendor_prospect_id
        or known.get((task.account_id, task.prospect_id), "")
        for task in tasks
        if task.prospect_id or task.vendor_prospect_id
    }


def created_markers(task_ids: set[int]) -> dict[int, str]:
    """Return the markers that these tasks were created with, by task pk."""
    if not task_ids:
        return {}
    pushes = Push.objects.filter(task_id__in=task_ids, kind=Push.Kind.CREATE).exclude(
        marker=""
    )
    return dict(pushes.order_by("pk").values_list("task_id", "marker"))
