"""What is asked to be done to many tasks at once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django import forms
from django.utils.dateparse import parse_time

from tasks_app.models import Task, Team, VendorUser
from tasks_app.services import many
from tasks_app.services.many import LEAVE, Plan, Wanted
from tasks_app.vendors.words import Action

from .acting_fields import OWN, SnoozeMixin, own_time_field, read_day, reason_field


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
        self.fields["reason"] = reason_field()

    add_cancel = add_skip

    def add_snooze(self) -> None:
        self.fields["until"] = forms.ChoiceField(
            label="Until",
            required=False,
            choices=[*((m.name, m.label) for m in self.moments), (OWN, "Own time")],
        )
        self.fields["until_at"] = own_time_field()

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
