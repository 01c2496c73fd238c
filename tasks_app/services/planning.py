"""What would be sent, to whom and in how many calls: decided before anything is saved.

The form, its preview and the command line all ask `prepare`, and what they show is
built by the same adapter code that sends it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from tasks_app.models import ConnectedAccount, Prospect
from tasks_app.vendors.drafts import TaskDraft
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.offers import FieldError, FormField
from tasks_app.vendors.words import Priority

from . import filling, pacing
from .assigning import Holder
from .drafting import assignee_draft
from .plans import Plan, Planned, TaskInput
from .queueing import calls_waiting
from .reaching import LeftOut, links_at, open_tasks, unreachable
from .sharing import Sharer, shares_of
from .spreading import day_of, working_day
from .writing import (
    demanded,
    filled,
    find_type,
    own_errors,
    template_of,
    unknown_words,
    variable_errors,
    vendor_errors,
    with_defaults,
)

#: Base32 without capitals: easy to read out and to search for.
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def prepare(
    *,
    account: ConnectedAccount,
    task_input: TaskInput,
    prospects: Iterable[Prospect],
    unknown: Sequence[LeftOut] = (),
    now: datetime | None = None,
) -> Plan:
    """Return the plan for these prospects; a bounded number of queries, no writing.

    `unknown` are people who were named but are not in Baton: left out, too.
    """
    now = now or timezone.now()
    adapter = account.adapter()
    plan = Plan(account, task_input, adapter)
    plan.type = find_type(account, adapter, task_input.type_code)
    type_code = plan.type.code if plan.type else task_input.type_code
    fields = {f.name: f for f in adapter.fields(type_code)}
    takes_title = "title" in fields
    chosen = list(prospects)
    sharer = Sharer.of(account, task_input, chosen, at_vendor="assignee" in fields)
    plan.holder = sharer.first
    template = with_defaults(plan, template_of(plan, type_code), now)
    plan.chosen = len(chosen) + len(unknown)
    plan.left_out += unknown

    plan.errors += sharer.errors
    plan.errors += own_errors(plan, takes_title=takes_title)
    plan.losses = adapter.losses(template)
    plan.unknown = unknown_words(adapter, task_input)
    plan.errors += fresh(plan.errors, variable_errors(plan.unknown))
    plan.warnings += demanded(plan)
    plan.notices += first_day(plan, template)
    sendable = choose(plan, chosen, template, fields, sharer)
    if plan.errors:
        return plan
    plan.open_already = open_tasks(account, plan.type, sendable)
    if task_input.skip_open:
        leave_open_ones_out(plan)
    plan.items = sharer.share_out(plan.items, account.team.zone)
    plan.errors += shifted_errors(plan)
    plan.shares = shares_of(plan.items, account.team.zone)
    group(plan)
    urgent = task_input.priority == Priority.URGENT or plan.ready == 1
    plan.waiting_calls = calls_waiting(account, adapter, urgent_only=urgent)
    plan.seconds = pacing.seconds_for(account, plan.waiting_calls + plan.calls)
    return plan


def choose(
    plan: Plan,
    chosen: Sequence[Prospect],
    template: TaskDraft,
    fields: Mapping[str, FormField],
    sharer: Sharer,
) -> list[Prospect]:
    """Fill `items`, `left_out` and the remaining `errors`; return who gets a task."""
    found, known = plan.left_out, links_at(plan.account, chosen)
    seen: dict[int, Prospect] = {}
    refused: dict[int, tuple[Prospect, list[FieldError]]] = {}
    checked: dict[tuple[Any, ...], list[FieldError]] = {}
    adapter = plan.adapter
    drafts: list[tuple[Prospect, TaskDraft, Holder]] = []
    for prospect in chosen:
        if prospect.pk in seen:
            found.append(LeftOut.of(prospect, "Was chosen twice.", "Gets one task."))
            continue
        seen[prospect.pk] = prospect
        holder = sharer.holder_of(prospect)
        if isinstance(holder, LeftOut):
            found.append(holder)
            continue
        draft = filled(plan, template, prospect, known.get(prospect.pk, ""), fields)
        draft = replace(draft, assignee=assignee_draft(holder.vendor_user))
        options = tuple(map(str, draft.options.values()))
        key = (draft.title, draft.note, options, bool(draft.assignee))
        if key not in checked:
            checked[key] = vendor_errors(adapter, draft)
        if checked[key]:
            refused[prospect.pk] = (prospect, checked[key])
        drafts.append((prospect, draft, holder))
    if not drafts:
        wrong = vendor_errors(adapter, template)
        if sharer.given.sharing.way == "owner":
            wrong = [error for error in wrong if error.field != "assignee"]
        plan.errors += fresh(plan.errors, wrong)
        return []
    if len(refused) == len(drafts):
        plan.errors += fresh(plan.errors, next(iter(refused.values()))[1])
        return []
    sendable = []
    for prospect, draft, holder in drafts:
        if prospect.pk in refused:
            reason = refused[prospect.pk][1][0].message
            mend = "Shorten the text, or complete this prospect."
            found.append(LeftOut.of(prospect, reason, mend))
        elif trouble := unreachable(plan.account, adapter, prospect, draft):
            found.append(trouble)
        else:
            sendable.append(prospect)
            plan.items.append(Planned(prospect, draft, holder=holder))
    for text in (plan.task_input.title, plan.task_input.note):
        sentences = [] if adapter.vendor_renders else filling.gaps(text, sendable)
        plan.notices += [s for s in sentences if s not in plan.notices]
    return sendable


def leave_open_ones_out(plan: Plan) -> None:
    """Take out who has an open task of this kind; name the task as the reason."""
    has_one = {task.prospect.pk: task for task in plan.open_already}
    for task in has_one.values():
        reason = f"Has an open {task.kind} at {task.account} already: {task.title}"
        plan.left_out.append(LeftOut.of(task.prospect, f"{reason.rstrip('.')}."))
    plan.items = [item for item in plan.items if item.prospect.pk not in has_one]


def first_day(plan: Plan, template: TaskDraft) -> list[str]:
    """Return a notice where spreading begins on another day than was chosen."""
    day = day_of(template, plan.account.team.zone)
    if plan.task_input.sharing.spread is None or day is None:
        return []
    begin = working_day(day, 0)
    if begin == day:
        return []
    return [
        f"{day.day} {day:%B} is a {day:%A}: the first tasks are due on "
        f"{begin:%A}, {begin.day} {begin:%B}."
    ]


def shifted_errors(plan: Plan) -> list[FieldError]:
    """Return what the vendor would refuse of the days that spreading came to."""
    if plan.task_input.sharing.spread is None:
        return []
    days = {(i.draft.starts_at, i.draft.due_at, i.draft.due_on): i for i in plan.items}
    for item in days.values():
        if errors := vendor_errors(plan.adapter, item.draft):
            return errors
    return []


def fresh(known: Sequence[FieldError], more: Sequence[FieldError]) -> list[FieldError]:
    """Return the errors of `more` on fields that have none yet."""
    taken = {error.field for error in known}
    return [error for error in more if error.field not in taken]


def group(plan: Plan) -> None:
    """Give every draft its marker and group key, and cut the groups into calls."""
    adapter = plan.adapter
    marked = plan.account.reference_marker
    shared: dict[str, str] = {}
    items = []
    for item in plan.items:
        draft = item.draft
        if marked and adapter.marker_shared:
            key = adapter.group_key(draft)
            if key and key not in shared:
                shared[key] = new_marker()
            draft = replace(draft, marker=shared[key] if key else new_marker())
        elif marked:
            draft = replace(draft, marker=new_marker())
        items.append(replace(item, draft=draft, group_key=hashed(plan, draft)))
    plan.items = items
    groups: dict[str, list[TaskDraft]] = defaultdict(list)
    plan.parts = []
    for item in items:
        if item.group_key:
            groups[item.group_key].append(item.draft)
        else:
            plan.parts.append([item.draft])
    for drafts in groups.values():
        plan.parts += adapter.split(drafts)
    try:
        if plan.parts:
            adapter.create_request(plan.parts[0])
    except VendorError as error:
        plan.errors.append(FieldError("", str(error)))


def hashed(plan: Plan, draft: TaskDraft) -> str:
    """Return the group key as the queue keeps it: 64 characters, '' = alone.

    Tasks of different batches never share a call: the same prospect may be in both,
    and the results of a call are told apart by prospect.
    """
    key = plan.adapter.group_key(draft)
    return hashlib.sha256(f"{plan.salt}:{key}".encode()).hexdigest() if key else ""


def new_marker() -> str:
    """Return a reference text that no other task has."""
    return "bt-" + "".join(secrets.choice(LETTERS) for _ in range(8))
