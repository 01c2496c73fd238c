"""What a task's page offers to do, and how what was asked for stands, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from tasks_app.forms.acting import ActForm
from tasks_app.models import ConnectedAccount, Push, Task, Team, VendorUser
from tasks_app.services import actions, holding
from tasks_app.services.actions import Difference
from tasks_app.services.members import name_of
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.drafts import AccountConfig
from tasks_app.vendors.words import Action

from . import watching, wording
from .middleware import TeamRequest
from .neighbours import list_query

#: Action → verb, icon, key, what is going on, what did not happen.
WORDS = {
    Action.COMPLETE: ("Complete", "check", "e", "Completing", "Not completed"),
    Action.SNOOZE: ("Snooze", "alarm-clock", "z", "Snoozing", "Not snoozed"),
    Action.RESCHEDULE: ("Reschedule", "calendar", "d", "Rescheduling", "Not moved"),
    Action.REASSIGN: ("Reassign", "user-plus", "a", "Reassigning", "Not reassigned"),
    Action.SKIP: ("Skip", "skip-forward", "s", "Skipping", "Not skipped"),
    Action.NOTE: ("Edit note", "pencil", "", "Saving the note", "Note not saved"),
    Action.CANCEL: ("Take back", "undo-2", "", "Taking back", "Not taken back"),
}
DONE_WORDS = {
    Action.COMPLETE: "Completed",
    Action.SNOOZE: "Snoozed",
    Action.RESCHEDULE: "Rescheduled",
    Action.REASSIGN: "Reassigned",
    Action.SKIP: "Skipped",
    Action.NOTE: "Note saved",
    Action.CANCEL: "Taken back",
}
NAMES = frozenset(action.value for action in Action)


@dataclass(frozen=True)
class Act:
    """One thing that can be asked for, with its form."""

    action: Action
    form: ActForm

    @property
    def label(self) -> str:
        return WORDS[self.action][0]

    @property
    def icon(self) -> str:
        return WORDS[self.action][1]

    @property
    def key(self) -> str:
        return WORDS[self.action][2]

    @property
    def at_once(self) -> bool:
        """Nothing has to be chosen: the button itself asks."""
        return self.action == Action.COMPLETE and not self.form.fields


@dataclass(frozen=True)
class Standing:
    """How what was asked for stands. `tone` is that of a banner, `settled` the end."""

    head: str
    text: str
    tone: str
    settled: bool


def adapter_of(account: ConnectedAccount) -> VendorAdapter:
    """Return an adapter that only says what it can: no keys are needed for that."""
    config = AccountConfig(account.base_url, {}, account.settings)
    return account.adapter_class(config)


def acts(task: Task, team: Team) -> list[Act]:
    """Return what can be asked for now, in the order of `WORDS`."""
    adapter = adapter_of(task.account)
    offered = set(actions.offered(task, adapter))
    return [
        Act(action, ActForm(task, action, adapter, team))
        for action in WORDS
        if action in offered
    ]


def cannot(task: Task) -> str:
    """Return what this vendor offers no call for, as one sentence; '' when nothing."""
    if task.status not in Task.UNFINISHED or task.delivery != Task.Delivery.DELIVERED:
        return ""
    adapter = adapter_of(task.account)
    code = task.type.code
    missing = [a for a in WORDS if not adapter.can(a, code)]
    if Action.REASSIGN in missing and holding.only_here(adapter, code):
        missing.remove(Action.REASSIGN)  # it changes here
    # Snoozing and rescheduling stand in for each other, so do skipping and taking back.
    for one, other in (
        (Action.SNOOZE, Action.RESCHEDULE),
        (Action.SKIP, Action.CANCEL),
    ):
        if one in missing and other not in missing:
            missing.remove(one)
        elif other in missing:
            missing.remove(other if one not in missing else one)
    if not missing:
        return ""
    rest = "Do it there; the next sync shows it."
    if len(missing) == len(WORDS) - 2:
        return f"{adapter.name} offers no call for this. {rest}"
    names = [WORDS[action][0] for action in missing]
    listed = ", ".join([names[0], *(name.lower() for name in names[1:])])
    return f"{listed}: {adapter.name} offers no call for this. {rest}"


def standing(task: Task) -> Standing | None:
    """Return how the last thing asked for stands; None when it is through."""
    if not task.action_state or task.action not in NAMES:
        return None
    _, _, _, going_on, failed = WORDS[Action(task.action)]
    vendor = task.account.get_vendor_display()
    match task.action_state:
        case Push.State.FAILED:
            return Standing(failed, task.action_error, "red", settled=True)
        case Push.State.NEEDS_CHECK:
            text = f"{vendor} gave no clear answer. Baton reads the task to see."
            return Standing(f"{going_on}…", text, "violet", settled=False)
        case Push.State.SENDING:
            return Standing(f"{going_on} in {vendor}…", "", "blue", settled=False)
    text = "It leaves in a few seconds."
    if task.action_error:
        text = f"{task.action_error} It is tried again."
    elif task.delivery != Task.Delivery.DELIVERED:
        text = f"It waits until the task is in {vendor}."
    elif task.account.state != task.account.State.CONNECTED:
        state = task.account.get_state_display().lower()
        text = f"{task.account.name}: {state}. It is safe in the queue."
    return Standing(f"{going_on} in {vendor}…", text, "blue", settled=False)


def short(task: Task) -> str:
    """Return how an action stands in a word or two, '' when it is through."""
    if not task.action_state or task.action not in NAMES:
        return ""
    _, _, _, going_on, failed = WORDS[Action(task.action)]
    return failed if task.action_state == Push.State.FAILED else f"{going_on}…"


def state_context(request: TeamRequest, task: Task, looks: int = 0) -> dict[str, Any]:
    """Return what the strip about the last action shows."""
    now = standing(task)
    return {
        "task": task,
        "standing": now,
        "undo": actions.undoable(task) if now else None,
        "looking": watching.is_moving(task),
        "every": watching.next_look([task], looks),
        "looks": looks + 1,
        "mark": watching.delivery_mark(task),
        "in_list": list_query(request),
    }


# -- the page that was made, and what is now --------------------------------------------

SEEN = tuple(name for name, _ in actions.SHOWN)


def seen_of(task: Task) -> str:
    """Return what a page shows of this task, to travel with its forms."""
    values = {name: actions.as_json(getattr(task, name)) for name in SEEN}
    values["note"] = task.note[:200]
    return json.dumps(values)


def as_seen(task: Task, text: str) -> Task:
    """Return a copy of the task as the page showed it; unreadable parts stay."""
    page = copy(task)
    try:
        values = json.loads(text)
    except ValueError:
        return page
    if not isinstance(values, dict):
        return page
    for name in SEEN:
        if name not in values:
            continue
        field = Task._meta.get_field(name)
        try:
            value = cast("models.Field[Any, Any]", field).to_python(values[name])
        except (ValidationError, TypeError, ValueError, AttributeError):
            continue
        if name == "note" and str(value) == task.note[:200]:
            continue
        if not isinstance(field, models.ForeignKey):
            setattr(page, name, value)
        elif value is None or isinstance(value, int):
            page.__dict__[field.attname] = value
    return page


def differences(parts: Iterable[Difference], team: Team) -> list[tuple[str, str, str]]:
    """Return (label, what the page showed, what is now) in words."""
    parts = list(parts)
    ids = {v for d in parts if d.name == "vendor_user_id" for v in (d.seen, d.now) if v}
    people = VendorUser.objects.filter(account__team=team).in_bulk(ids)
    users = {v for d in parts if d.name == "assignee_id" for v in (d.seen, d.now) if v}
    members = holding.those_in_team(team, list(users)) if users else {}

    def said(name: str, value: Any) -> str:
        if name == "vendor_user_id":
            return str(people.get(value, "Nobody"))
        if name == "assignee_id":
            return name_of(members[value]) if value in members else "Nobody"
        if name == "status" and value in Task.Status.values:
            return Task.Status(value).label
        if name == "priority" and value in Task.Priority.values:
            return Task.Priority(value).label
        if isinstance(value, datetime):
            local = value.astimezone(team.zone)
            day = wording.day_words(local.date(), team.today(timezone.now()))
            return f"{day} {local:%H:%M}"
        if name == "note":
            return str(value)[:200] or "Empty"
        return str(value) if value else "None"

    return [(d.label, said(d.name, d.seen), said(d.name, d.now)) for d in parts]
