"""The form for new tasks: exactly what the chosen account takes for the chosen type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime

from tasks_app.models import ConnectedAccount, TaskType, VendorUser
from tasks_app.services import assigning
from tasks_app.services.local_time import moment_of
from tasks_app.services.plans import Plan, Sharing, TaskInput
from tasks_app.services.writing import find_type
from tasks_app.vendors import VendorAdapter
from tasks_app.vendors.offers import FormField
from tasks_app.vendors.words import Priority

from . import carrying
from .sharing import SharingPart

PRIORITY_CHOICES = tuple(
    (str(int(p)), p.name.capitalize() if p else "No priority")
    for p in sorted(Priority, reverse=True)
)
#: What every task has; a vendor's own fields stand behind "o_" in the form.
COMMON = ("title", "note", "priority", "starts_at", "due_at", "due_on", "assignee")
SCHEDULE = ("starts_at", "due_at", "due_on", "priority")
#: The time of day that goes with a day that was picked for them.
PICKED_TIMES = {"due_on": "", "due_at": "17:00", "starts_at": "09:00"}
#: Kept in Baton where the vendor has no such field.
LOCAL = (
    FormField("title", "Title"),
    FormField("note", "Note", "long"),
    FormField("priority", "Priority", "choice", choices=PRIORITY_CHOICES, default="0"),
    FormField("assignee", "Assignee", "choice"),
)


class VendorField(forms.CharField):
    """A field as the adapter describes it; all checking is left to the adapter."""

    def __init__(self, spec: FormField, *, local: bool) -> None:
        super().__init__(label=spec.label, required=False, help_text=spec.help)
        self.spec = spec
        self.local = local
        self.choices: Sequence[tuple[str, str]] = spec.choices

    #: Days that a button puts here: (its label, the day).
    picks: Sequence[tuple[str, date]] = ()

    @property
    def most(self) -> int:
        """Return how many characters the vendor takes, 0 where it says nothing."""
        return self.spec.max_length or 0

    @property
    def segmented(self) -> bool:
        """A few choices stand side by side, many in a list."""
        few = self.spec.kind == "choice" and 1 < len(self.choices) <= 4
        return few and self.spec.name not in COMMON


def quick_dates(specs: Mapping[str, FormField]) -> list[str]:
    """Return the dates that have quick choices: the due day, and what has to be named.

    Where a vendor has neither, it is the first of its dates.
    """
    offered = ("due_on", "due_at", "starts_at")
    there = [name for name in offered if name in specs]
    named = [name for name in there if name == "due_on" or specs[name].required]
    return named or there[:1]


def picks(today: date) -> list[tuple[str, date]]:
    """Return the days that are chosen by a button."""
    monday = today + timedelta(days=7 - today.weekday())
    days = [("Today", today), ("Tomorrow", today + timedelta(days=1))]
    return [*days, ("In 3 days", today + timedelta(days=3)), ("Next Monday", monday)]


def with_pick(source: QueryDict) -> QueryDict:
    """Return what was typed with the day of a pressed button in its field.

    A time that stands there stays; else it is the end of a working day, or the begin.
    """
    name, _, text = source.get("pick", "").partition(":")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return source
    if name not in PICKED_TIMES:
        return source
    picked = source.copy()
    old = source.get(name, "").partition("T")[2] or PICKED_TIMES[name]
    picked[name] = f"{day}T{old}" if old else str(day)
    return picked


class NewTaskForm(forms.Form):
    """What is typed, for one account and type; `notes` tell what was read into it.

    With `kept=True` the values are shown again as they are, without any judgement.
    """

    def __init__(
        self,
        account: ConnectedAccount,
        source: QueryDict,
        *,
        kept: bool,
        user: User,
        known: Sequence[ConnectedAccount] = (),
    ) -> None:
        """`known` are the team's accounts: the fields may have been another one's."""
        self.account = account
        self.adapter: VendorAdapter = account.adapter()
        self.types = [t for t in account.task_types.all() if t.active]
        #: The fields that were filled in belong to another account.
        self.switched = source.get("fields_of", str(account.pk)) != str(account.pk)
        self.type = self._type(source, kept=kept or self.switched)
        self.code = self.type.code if self.type else source.get("type_code", "")
        self.notes: list[str] = []
        #: Sentences on what was put in for the fields of another account.
        self.carried: list[str] = []
        source = self._carry(source, known) if kept and self.switched else source
        self.source, self.known = source, known
        initial = {key: source[key] for key in source} if kept else None
        if initial and self.switched and initial.get("priority") == "0":
            # Nobody chose this: the other vendor may begin with another one.
            del initial["priority"]
        super().__init__(None if kept else source, initial=initial)
        self._add_fields(user)
        people = assigning.assignees(account, at_vendor=self.at_vendor)
        self.sharing = SharingPart(account, source, people)
        for name in ("assignees", "spread_per_day"):
            self.fields[name] = forms.CharField(required=False)

    def _type(self, source: QueryDict, *, kept: bool) -> TaskType | None:
        """Return the type that was chosen; of another account one of its channel."""
        code = source.get("type_code", "")
        found = None
        if self.switched:
            old = source.get("fields_of", "")
            before = TaskType.objects.filter(
                account__team_id=self.account.team_id,
                account_id=int(old) if old.isdecimal() and len(old) < 19 else 0,
                code=code,
            ).first()
            alike = [t for t in self.types if before and t.channel == before.channel]
            found = alike[0] if alike else None
        elif code:
            found = find_type(self.account, self.adapter, code)
        if found is None and kept and self.types:
            return self.types[0]
        return found

    def _add_fields(self, user: User) -> None:
        self.fields["type_code"] = forms.CharField(required=False)
        specs = {spec.name: spec for spec in self.adapter.fields(self.code)}
        self.at_vendor = "assignee" in specs
        local = [spec for spec in LOCAL if spec.name not in specs]
        for spec in [*specs.values(), *local]:
            name = spec.name if spec.name in COMMON else f"o_{spec.name}"
            field = VendorField(spec, local=spec in local)
            if spec.name == "priority":
                field.choices = PRIORITY_CHOICES
            if spec.name == "assignee":
                people = assigning.assignees(self.account, at_vendor=self.at_vendor)
                field.choices = [("", "Nobody yet"), *people]
            self.fields[name] = field
            if spec.name in quick_dates(specs):
                field.picks = picks(self.account.team.today())
            if spec.default and name not in self.initial:
                self.initial[name] = spec.default
        if self.at_vendor:
            where = self.adapter.name
            what = "E-mail or id" if self.names_by_email else "Number"
            spec = FormField(
                "assignee_other",
                f"Somebody else: {what.lower()}",
                help=f"At {where}, for a person who is not in the list.",
            )
            self.fields["assignee_other"] = VendorField(spec, local=False)
            self._suggest(user)

    def _suggest(self, user: User) -> None:
        """Choose the person who writes the task where the vendor wants somebody."""
        if "assignee" in self.initial or self.is_bound:
            return
        person = assigning.vendor_user_of(self.account, user)
        if person is not None:
            self.initial["assignee"] = f"vendor:{person.pk}"

    def _carry(self, source: QueryDict, known: Sequence[ConnectedAccount]) -> QueryDict:
        """Return what was typed in the fields of another account for this one's."""
        before = next((a for a in known if str(a.pk) == source["fields_of"]), None)
        specs = {spec.name for spec in self.adapter.fields(self.code)}
        values, self.carried = carrying.carried_over(
            source,
            before=before,
            now=self.account,
            names=specs,
            at_vendor="assignee" in specs,
        )
        return values

    @property
    def hidden_values(self) -> list[tuple[str, str]]:
        """Return what was typed and has no field here: kept, and not sent."""
        return carrying.hidden(self.source, self.fields.keys())

    @property
    def losses(self) -> list[str]:
        """Return sentences on what was typed and will not be sent."""
        if not self.hidden_values:
            return []
        return carrying.losses(
            self.source,
            self.fields.keys(),
            vendor=self.adapter.name,
            labels=carrying.labels_of(self.known, self.source),
            preset=carrying.presets_of(self.known),
        )

    @property
    def names_by_email(self) -> bool:
        return self.account.vendor in assigning.NAMED_BY_EMAIL

    # -- parts of the page -------------------------------------------------------------

    @property
    def type_groups(self) -> list[tuple[str, list[TaskType]]]:
        """Return the types by channel where there are many, else in one group."""
        if len(self.types) <= 8:
            return [("", self.types)]
        groups: dict[str, list[TaskType]] = {}
        for task_type in self.types:
            groups.setdefault(task_type.channel, []).append(task_type)
        return list(groups.items())

    @property
    def kind_fields(self) -> list[forms.BoundField]:
        """What belongs to the type itself, such as the kind of a LinkedIn task."""
        return [self[n] for n in self._options() if self._spec(n).types]

    @property
    def option_fields(self) -> list[forms.BoundField]:
        return [self[n] for n in self._options() if not self._spec(n).types]

    @property
    def schedule_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in SCHEDULE if name in self.fields]

    def _options(self) -> list[str]:
        return [name for name in self.fields if name.startswith("o_")]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return (id of the field, sentence) of all errors, in the order of the page."""
        order = ["type_code", "title", "note", *self.fields]
        names = sorted(self.errors, key=lambda n: order.index(n) if n in order else 99)
        return [
            (f"id_{name}" if name in self.fields else "", str(message))
            for name in names
            for message in self.errors[name]
        ]

    @property
    def type_errors(self) -> list[str]:
        return [str(message) for message in self.errors.get("type_code", [])]

    def _spec(self, name: str) -> FormField:
        field = self.fields[name]
        assert isinstance(field, VendorField)  # noqa: S101 - `_options` names no other
        return field.spec

    @property
    def stays(self) -> str:
        """Return a sentence on what this vendor has no field for."""
        local = [
            field.label.lower()
            for field in self.fields.values()
            if isinstance(field, VendorField) and field.local and field.label
        ]
        if not local:
            return ""
        some = ", ".join(local[:-1]) + (" and " if local[1:] else "") + local[-1]
        stay = "it stays" if len(local) == 1 else "they stay"
        return f"{self.adapter.name} has no {some}: {stay} in Baton."

    # -- reading -----------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("starts_at", "due_at"):
            if cleaned.get(name):
                cleaned[name] = self._moment(name, cleaned[name])
        if cleaned.get("due_on"):
            cleaned["due_on"] = self._day(cleaned["due_on"])
        cleaned["person"] = self._person(cleaned)
        cleaned["sharing"] = self.sharing.read()
        for name, sentence in dict(self.sharing.errors).items():
            self.add_error(name, sentence)
        return cleaned

    def _moment(self, name: str, text: str) -> datetime | None:
        try:
            written = parse_datetime(text)
            if written is None or not 1900 <= written.year <= 9000:
                raise ValueError(text)
        except ValueError:
            self.add_error(name, "Write the day and time as 2026-07-16 09:00.")
            return None
        moment, note = moment_of(written, self.account.team.zone)
        self.notes += [note] if note else []
        return moment

    def _day(self, text: str) -> date | None:
        try:
            day = parse_date(text)
            if day is None or not 1900 <= day.year <= 9000:
                raise ValueError(text)
        except ValueError:
            self.add_error("due_on", "Write the day as 2026-07-16.")
            return None
        return day

    def _person(self, cleaned: dict[str, Any]) -> User | VendorUser | None:
        other, chosen = cleaned.get("assignee_other", ""), cleaned.get("assignee", "")
        if self.sharing.way == "turn":
            return None
        if self.sharing.way == "owner":
            return assigning.assignee_of(self.account, self.sharing.ownerless)
        if other:
            found = assigning.named(self.account, other, at_vendor=True)
            if found is None:
                what = "an e-mail address" if self.names_by_email else "a number"
                self.add_error("assignee_other", f"This is not {what}.")
            return found
        if not chosen:
            return None
        person = assigning.assignee_of(self.account, chosen)
        if person is None:
            self.add_error("assignee", "Choose somebody of the list.")
        return person

    def task_input(self) -> TaskInput:
        """Return what was written; what could not be read is left out."""
        values = getattr(self, "cleaned_data", {})
        priority = str(values.get("priority", ""))
        known = {code for code, _ in PRIORITY_CHOICES}
        options = {
            name[2:]: values[name] for name in self._options() if values.get(name)
        }
        return TaskInput(
            type_code=self.code,
            title=values.get("title", ""),
            note=values.get("note", "").replace("\r\n", "\n"),
            priority=Priority(int(priority)) if priority in known else Priority.NONE,
            starts_at=values.get("starts_at") or None,
            due_at=values.get("due_at") or None,
            due_on=values.get("due_on") or None,
            assignee=values.get("person"),
            options=options,
            sharing=values.get("sharing") or Sharing(),
            skip_open=self.data.get("open") == "leave",
        )

    def _nearest(self, name: str) -> str:
        """Return the field that stands for one this form has not."""
        if name not in ("due_at", "due_on"):
            return ""
        offered = ("due_at", "due_on", "starts_at")
        return next((n for n in offered if n in self.fields), "")

    def take_errors(self, plan: Plan) -> None:
        """Put the plan's errors beside their fields; keep one for each field."""
        for error in plan.errors:
            name = error.field if error.field in self.fields else f"o_{error.field}"
            if name not in self.fields:
                name = self._nearest(error.field)
            target = name if name in self.fields else None
            if target is None or target not in self.errors:
                self.add_error(target, error.message)
