"""Forms for what is asked to be done to one task, or the same to many."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_time

from tasks_app.models import Task, Team, VendorUser
from tasks_app.services import many, snoozing
from tasks_app.services.actions import outcomes_for
from tasks_app.services.local_time import moment_of
from tasks_app.services.many import LEAVE, Plan, Wanted, schedule_of
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.words import Action

#: What a person may write; LeadSquared and Reply.io cut longer texts themselves.
LONGEST_NOTE = 10_000
LONGEST_REASON = 300
OWN = "own"
OVER = "This time is over. Choose a later one."
NO_TIME = "This is not a time such as 2026-07-15 14:30."
NO_DAY = "This is not a day such as 2026-07-15."


def read_moment(text: str, team: Team) -> tuple[datetime | None, str]:
    """Return a time as written in the team's zone, and a sentence when it is none."""
    try:
        written = parse_datetime(text.strip())
    except ValueError:
        written = None
    if written is None or not 1970 <= written.year <= 9000:
        return None, NO_TIME
    return moment_of(written, team.zone)[0], ""


def read_day(text: str) -> tuple[date | None, str]:
    try:
        day = parse_date(text.strip())
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 9000:
        return None, NO_DAY
    return day, ""


class SnoozeMixin:
    """Reads `until` (a name of the menu, or "own") and `until_at`."""

    team: Team
    data: Any

    def read_until(self) -> tuple[datetime | None, str, str]:
        """Return the moment, or the field and its sentence."""
        now = timezone.now()
        name = self.data.get("until", "")
        if name and name != OWN:
            moment = snoozing.moment_named(name, self.team, now)
            return moment, "until", "" if moment else "Choose until when."
        text = self.data.get("until_at", "").strip()
        if not text:
            return None, "until_at", "Choose until when."
        moment, error = read_moment(text, self.team)
        if moment is not None and moment <= now:
            error = OVER
        return (None if error else moment), "until_at", error


class ActForm(SnoozeMixin, forms.Form):
    """What one action on one task needs. `values` is what `actions.ask` takes."""

    def __init__(
        self,
        task: Task,
        action: Action,
        adapter: VendorAdapter,
        team: Team,
        data: Any = None,
    ) -> None:
        self.task, self.action, self.adapter, self.team = task, action, adapter, team
        super().__init__(data, auto_id=f"id_{action.value}_%s")
        self.values: dict[str, Any] = {}
        build = getattr(self, f"add_{action.value}", None)
        if build:
            build()
        if self.fields and action not in (Action.NOTE, Action.SNOOZE):
            # Where its menu opens, or its page.
            next(iter(self.fields.values())).widget.attrs["autofocus"] = True

    @property
    def moments(self) -> list[snoozing.Moment]:
        return snoozing.moments(self.team, timezone.now())

    @property
    def note(self) -> str:
        """How this vendor does it, where that is not what one would expect."""
        capability = self.adapter.capabilities.get(self.action)
        return capability.note if capability else ""

    def add_complete(self) -> None:
        outcomes = outcomes_for(self.task, self.adapter)
        if outcomes:
            self.fields["outcome"] = forms.ChoiceField(
                label="Outcome of the call",
                choices=[("", "Choose one"), *outcomes],
                error_messages={
                    "required": f"{self.adapter.name} needs the outcome of the call.",
                    "invalid_choice": f"{self.adapter.name} knows no such outcome.",
                },
            )

    def add_skip(self) -> None:
        self.fields["reason"] = forms.CharField(
            label="Reason",
            required=False,
            max_length=LONGEST_REASON,
            error_messages={"max_length": f"Use {LONGEST_REASON} characters at most."},
            widget=forms.TextInput(attrs={"list": "reasons", "autocomplete": "off"}),
            help_text="For the history here. The vendor does not get it.",
        )

    add_cancel = add_skip

    def add_snooze(self) -> None:
        self.fields["until_at"] = forms.CharField(
            label="Own time",
            required=False,
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        )

    def add_reschedule(self) -> None:
        labels = {"starts_at": "Start", "due_at": "Due", "due_on": "Due day, any time"}
        names = schedule_of(self.task, self.adapter)
        for name in names:
            if name == "due_on" and "due_at" in names and self.task.due_on is None:
                continue
            kind = "date" if name == "due_on" else "datetime-local"
            self.fields[name] = forms.CharField(
                label=labels[name],
                required=False,
                initial=self.shown(name),
                widget=forms.TextInput(attrs={"type": kind}),
            )

    def shown(self, name: str) -> str:
        value = getattr(self.task, name)
        if isinstance(value, datetime):
            return f"{value.astimezone(self.team.zone):%Y-%m-%dT%H:%M}"
        return value.isoformat() if value else ""

    def add_reassign(self) -> None:
        people = VendorUser.objects.filter(account_id=self.task.account_id, active=True)
        if self.task.vendor_user_id is not None:
            people = people.exclude(pk=self.task.vendor_user_id)
        self.fields["assignee"] = forms.ModelChoiceField(
            people,
            label="Who takes over",
            empty_label="Choose a person",
            error_messages={
                "required": "Choose who shall have it.",
                "invalid_choice": "This person is not in the account any more.",
            },
        )

    def add_note(self) -> None:
        self.fields["note"] = forms.CharField(
            label="Note",
            required=False,
            max_length=LONGEST_NOTE,
            initial=self.task.note,
            widget=forms.Textarea(attrs={"rows": 6}),
            error_messages={"max_length": f"Use {LONGEST_NOTE:,} characters at most."},
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.action == Action.SNOOZE:
            until, name, error = self.read_until()
            if error:
                self.add_error(name if name in self.fields else None, error)
            self.values["until"] = until
        elif self.action == Action.RESCHEDULE:
            self.read_schedule(cleaned)
        elif self.action == Action.REASSIGN:
            self.values["assignee"] = cleaned.get("assignee")
        else:
            self.values = {k: v for k, v in cleaned.items() if v or k == "note"}
        return cleaned

    def read_schedule(self, cleaned: dict[str, Any]) -> None:
        """Keep the dates that were changed; those left as they are do not travel."""
        for name in self.fields:
            text = str(cleaned.get(name) or "").strip()
            if not text or text == self.fields[name].initial:
                continue
            value, error = (
                read_day(text) if name == "due_on" else read_moment(text, self.team)
            )
            if not error and name != "starts_at" and self.is_over(value):
                error = OVER
            if error:
                self.add_error(name, error)
            else:
                self.values[name] = value
        start = self.values.get("starts_at") or self.task.starts_at
        due = self.values.get("due_at") or self.task.due_at
        alone = "due_at" not in self.fields
        if self.values and start and due and due < start and not alone:
            at = f"{start.astimezone(self.team.zone):%H:%M}"
            self.add_error("due_at", f"Due must be after the start, {at}.")
        if not self.values and not self.errors:
            self.add_error(next(iter(self.fields), None), "Choose a new date.")

    def is_over(self, value: datetime | date | None) -> bool:
        if isinstance(value, datetime):
            return value < timezone.now()
        return value is not None and value < self.team.today()


class ManyForm(SnoozeMixin, forms.Form):
    """What one action on many tasks needs. `wanted` is what a run takes."""

    def __init__(self, action: str, plan: Plan, team: Team, data: Any = None) -> None:
        self.action, self.plan, self.team = action, plan, team
        super().__init__(data, auto_id="id_many_%s")
        self.wanted = Wanted()
        self.initial["form_token"] = uuid.uuid4().hex
        self.fields["form_token"] = forms.UUIDField(widget=forms.HiddenInput)
        build = getattr(self, f"add_{action}", None)
        if build:
            build()

    @property
    def asked_for(self) -> list[forms.BoundField]:
        """The fields that are shown, `until_at` apart: it has its own place."""
        hidden = ("form_token", "until_at", "until")
        return [self[name] for name in self.fields if name not in hidden]

    @property
    def moments(self) -> list[snoozing.Moment]:
        return snoozing.moments(self.team, timezone.now())

    def add_complete(self) -> None:
        for vendor, outcomes in self.plan.outcomes.items():
            name = next(
                a.adapter_class.name for a in self.plan.accounts if a.vendor == vendor
            )
            number = self.plan.outcome_counts[vendor]
            what = "1 call" if number == 1 else f"{number} calls"
            self.fields[f"outcome_{vendor}"] = forms.ChoiceField(
                label=f"Outcome of {what} in {name}",
                choices=[("", "Choose one"), *outcomes, (LEAVE, "Leave these out")],
                error_messages={
                    "required": f"{name} needs the outcome of the calls.",
                    "invalid_choice": f"{name} knows no such outcome.",
                },
            )

    def add_skip(self) -> None:
        self.fields["reason"] = forms.CharField(
            label="Reason",
            required=False,
            max_length=LONGEST_REASON,
            error_messages={"max_length": f"Use {LONGEST_REASON} characters at most."},
            widget=forms.TextInput(attrs={"list": "reasons", "autocomplete": "off"}),
        )

    add_cancel = add_skip

    def add_snooze(self) -> None:
        self.fields["until"] = forms.ChoiceField(
            label="Until",
            required=False,
            choices=[*((m.name, m.label) for m in self.moments), (OWN, "Own time")],
        )
        self.fields["until_at"] = forms.CharField(
            label="Own time",
            required=False,
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        )

    def add_reschedule(self) -> None:
        self.fields["day"] = forms.CharField(
            label="New day",
            widget=forms.TextInput(attrs={"type": "date"}),
            error_messages={"required": "Choose a new day."},
        )
        self.fields["at"] = forms.CharField(
            label="Time",
            required=False,
            widget=forms.TextInput(attrs={"type": "time"}),
            help_text="Left empty, each task keeps its own time of day.",
        )

    def add_reassign(self) -> None:
        people: dict[int, list[tuple[str, str]]] = {}
        shown = VendorUser.objects.filter(account__in=self.plan.accounts, active=True)
        for person in shown:
            choice = (str(person.pk), str(person))
            people.setdefault(person.account_id, []).append(choice)
        for account, number in self.plan.accounts.items():
            choices: Sequence[tuple[str, str]] = people.get(account.pk, [])
            self.fields[f"assignee_{account.pk}"] = forms.ChoiceField(
                label=f"Who takes over {number} in {account.name}",
                required=False,
                choices=[("", "Leave as they are"), *choices],
                error_messages={
                    "invalid_choice": "This person is not in the account any more."
                },
            )

    def add_priority(self) -> None:
        self.fields["priority"] = forms.ChoiceField(
            label="Priority",
            choices=[
                ("", "Choose one"),
                *((p.name.lower(), p.label) for p in Task.Priority),
            ],
            error_messages={
                "required": "Choose a priority.",
                "invalid_choice": "There is no such priority.",
            },
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        read = getattr(self, f"read_{self.action}", None)
        if read:
            read(cleaned)
        elif self.action in (Action.SKIP, Action.CANCEL):
            self.wanted = Wanted(reason=cleaned.get("reason", ""))
        return cleaned

    def read_complete(self, cleaned: dict[str, Any]) -> None:
        start = "outcome_"
        outcomes = {
            k.removeprefix(start): v for k, v in cleaned.items() if k.startswith(start)
        }
        self.wanted = Wanted(outcomes=outcomes)

    def read_priority(self, cleaned: dict[str, Any]) -> None:
        self.wanted = Wanted(priority=cleaned.get("priority", ""))

    def read_snooze(self, cleaned: dict[str, Any]) -> None:
        until, name, error = self.read_until()
        if error:
            self.add_error(name, error)
        elif until is not None:
            self.wanted = Wanted(until=until.astimezone(UTC).isoformat())

    def read_reschedule(self, cleaned: dict[str, Any]) -> None:
        if "day" not in cleaned:
            return
        day, error = read_day(cleaned["day"])
        if day is not None and day < self.team.today():
            error = "This day is over. Choose a later one."
        if error:
            self.add_error("day", error)
        text, at = cleaned.get("at", "").strip(), None
        if text:
            try:
                at = parse_time(text)
            except ValueError:
                at = None
            if at is None:
                self.add_error("at", "This is not a time such as 14:30.")
        if day is not None and not self.errors:
            shown = at.isoformat(timespec="minutes") if at else ""
            self.wanted = Wanted(day=day.isoformat(), at=shown)

    def read_reassign(self, cleaned: dict[str, Any]) -> None:
        start = "assignee_"
        chosen = {
            k.removeprefix(start): int(v)
            for k, v in cleaned.items()
            if k.startswith(start) and v
        }
        if not chosen and not self.errors:
            first = next((n for n in self.fields if n.startswith(start)), None)
            self.add_error(first, "Choose who shall have them.")
        self.wanted = Wanted(assignees=chosen)


#: What can be asked for many, as buttons say it.
MANY_ACTIONS = {
    Action.COMPLETE.value: "Complete",
    Action.SKIP.value: "Skip",
    Action.SNOOZE.value: "Snooze",
    Action.RESCHEDULE.value: "Reschedule",
    Action.REASSIGN.value: "Reassign",
    Action.CANCEL.value: "Take back",
    many.PRIORITY: "Prioritise",
    many.RETRY: "Retry sending",
}
