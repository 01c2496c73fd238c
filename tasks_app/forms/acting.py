"""What is asked to be done to one task."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from tasks_app.models import Task, Team, VendorUser
from tasks_app.services import holding
from tasks_app.services.actions import outcomes_for
from tasks_app.services.many import schedule_of
from tasks_app.services.members import members_of, name_of
from tasks_app.vendors.base import VendorAdapter
from tasks_app.vendors.words import Action

from .acting_fields import (
    OVER,
    SnoozeMixin,
    own_time_field,
    read_day,
    read_moment,
    reason_field,
)

#: What a person may write; LeadSquared and Reply.io cut longer texts themselves.
LONGEST_NOTE = 10_000


class MemberField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A person of the team, by name."""

    def label_from_instance(self, obj: User) -> str:
        return name_of(obj)


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
    def how(self) -> str:
        """How this vendor does it, where that is not what one would expect.

        Not called as a field is: in a template `form.note` is the field.
        """
        if self.here_only:
            return holding.where(self.adapter)
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
        self.fields["reason"] = reason_field(
            help_text="For the history here. The vendor does not get it."
        )

    add_cancel = add_skip

    def add_snooze(self) -> None:
        self.fields["until_at"] = own_time_field()

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

    @property
    def here_only(self) -> bool:
        """Whether nothing is asked of the vendor, because it keeps nothing of this."""
        code = self.task.type.code
        return self.action == Action.REASSIGN and holding.only_here(self.adapter, code)

    def add_reassign(self) -> None:
        if self.here_only:
            self.add_member()
            return
        people = VendorUser.objects.filter(account_id=self.task.account_id, active=True)
        twice = self.is_bound and self.task.action == Action.REASSIGN
        if self.task.vendor_user_id is not None and not twice:
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

    def add_member(self) -> None:
        members = members_of(self.team)
        # A second press names whom the first one chose: `hand_over` says what of it.
        if self.task.assignee_id is not None and not self.is_bound:
            members = members.exclude(pk=self.task.assignee_id)
        self.fields["assignee"] = MemberField(
            members.order_by("first_name", "last_name", "username"),
            label="Who takes over",
            empty_label="Choose a person",
            error_messages={
                "required": "Choose who shall have it.",
                "invalid_choice": "This person is not in the team any more.",
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
