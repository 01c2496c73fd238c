"""What is asked to be done to many tasks at once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.dateparse import parse_time

from tasks_app.models import Task, Team, VendorUser
from tasks_app.services import many
from tasks_app.services.many import LEAVE, NOBODY, Plan, Wanted
from tasks_app.services.members import members_by_name, name_of
from tasks_app.vendors.words import Action

from .acting_fields import OWN, SnoozeMixin, own_time_field, read_day, reason_field


class ManyForm(SnoozeMixin, forms.Form):
    """What one action on many tasks needs. `wanted` is what a run takes."""

    def __init__(self, action: str, plan: Plan, team: Team, data: Any = None) -> None:
        self.action, self.plan, self.team = action, plan, team
        super().__init__(data, auto_id="id_many_%s")
        self.wanted = Wanted()
        #: Who of Baton can be chosen for all: as whom each account knows them.
        self.known_as: dict[User, dict[str, int]] = {}
        #: Who can have tasks that change hands in Baton alone.
        self.members: list[User] = []
        self.initial["form_token"] = uuid.uuid4().hex
        self.fields["form_token"] = forms.UUIDField(widget=forms.HiddenInput)
        build = getattr(self, f"add_{action}", None)
        if build:
            build()

    @property
    def asked_for(self) -> list[forms.BoundField]:
        """The fields that are shown, without those that have a place of their own."""
        hidden = {"form_token", "until_at", "until"}
        hidden |= {field.name for field in self.in_each_account}
        return [self[name] for name in self.fields if name not in hidden]

    @property
    def in_each_account(self) -> list[forms.BoundField]:
        """The fields that decide for one account what another decides for all."""
        if "person" not in self.fields:
            return []
        own = ("member", "assignee_")
        return [self[name] for name in self.fields if name.startswith(own)]

    @property
    def chosen_apart(self) -> bool:
        """Whether one of those decides or is wrong, so that all are to be seen."""
        return any(field.value() or field.errors for field in self.in_each_account)

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
        here = sum(self.plan.here.values())
        there = {
            account: able - self.plan.here.get(account, 0)
            for account, able in self.plan.accounts.items()
        }
        people: dict[int, list[VendorUser]] = {
            account.pk: [] for account, number in there.items() if number
        }
        shown = VendorUser.objects.filter(account__in=people, active=True)
        for person in shown.select_related("user"):
            people[person.account_id].append(person)
        self.members = members_by_name(self.team) if here else []
        if len(people) + bool(here) > 1:
            self.add_person(people)
        first = [("", "Leave as they are")]
        if "person" in self.fields:
            first = [("", "As chosen above"), (LEAVE, "Leave as they are")]
        if here:
            self.fields["member"] = forms.ChoiceField(
                label=f"Who takes over {here} in Baton",
                required=False,
                choices=[*first, *((str(m.pk), name_of(m)) for m in self.members)],
                error_messages={
                    "invalid_choice": "This person is not in the team any more."
                },
            )
        for account, number in there.items():
            if not number:
                continue
            choices = [(str(person.pk), str(person)) for person in people[account.pk]]
            self.fields[f"assignee_{account.pk}"] = forms.ChoiceField(
                label=f"Who takes over {number} in {account.name}",
                required=False,
                choices=[*first, *choices],
                error_messages={
                    "invalid_choice": "This person is not in the account any more."
                },
            )

    def add_person(self, people: Mapping[int, Sequence[VendorUser]]) -> None:
        """Offer the people of Baton who can take over in any of these accounts."""
        for account_id, known in people.items():
            for there in known:
                if there.user is not None:
                    ids = self.known_as.setdefault(there.user, {})
                    ids.setdefault(str(account_id), there.pk)
        for member in self.members:
            self.known_as.setdefault(member, {})
        by_name = sorted(
            self.known_as, key=lambda user: (name_of(user).casefold(), user.pk)
        )
        if not by_name:
            return
        names = {account.pk: account.name for account in self.plan.accounts}
        self.fields["person"] = forms.ChoiceField(
            label=f"Who takes over all {self.plan.able:,}",
            required=False,
            choices=[
                ("", "Choose one"),
                *(
                    (
                        str(user.pk),
                        self.with_gaps(user, {pk: names[pk] for pk in people}),
                    )
                    for user in by_name
                ),
            ],
            help_text="Where this person is not known, the tasks stay as they are.",
            error_messages={
                "invalid_choice": "This person is in none of the accounts."
            },
        )

    def with_gaps(self, user: User, names: Mapping[int, str]) -> str:
        """Return a person's name with the accounts in which nobody knows them."""
        gaps = [n for pk, n in names.items() if str(pk) not in self.known_as[user]]
        if self.members and user not in self.members:
            gaps.append("this team")
        return f"{name_of(user)} (not in {', '.join(gaps)})" if gaps else name_of(user)

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
        person = next(
            (u for u in self.known_as if str(u.pk) == cleaned.get("person")), None
        )
        chosen = dict(self.known_as[person]) if person else {}
        for field, value in cleaned.items():
            if field.startswith(start) and value:
                account = field.removeprefix(start)
                chosen[account] = NOBODY if value == LEAVE else int(value)
        picked = cleaned.get("member") or ""
        member = int(picked) if picked.isdecimal() else 0
        if not picked and person is not None and person in self.members:
            member = person.pk
        if not any(chosen.values()) and not member and not self.errors:
            names = ("person", "member", start)
            shown = ("person", *self.fields) if "person" in self.fields else self.fields
            first = next((n for n in shown if n.startswith(names)), None)
            self.add_error(first, "Choose who shall have them.")
        name = name_of(person) if person else ""
        self.wanted = Wanted(assignees=chosen, person=name, member=member)


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
