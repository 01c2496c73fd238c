"""Filters of the task list: the query string in, exactly the matching rows out.

The list, its counts, its paging and the export all go through `TaskFilter`, so that
they agree on the rows. A value that nobody knows matches nothing, and is named: what is
gone never makes a list longer. What is no filter at all is left out, and named, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property, reduce
from operator import or_
from urllib.parse import urlencode

from django.db.models import BigIntegerField, Case, F, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce
from django.http import QueryDict

from tasks_app.choices import (
    BESIDES,
    LABELS,
    MOST_VALUES,
    NAMES,
    RANGES,
    SORTS,
    Choices,
    split,
)
from tasks_app.filter_chips import Chip, chips_of
from tasks_app.models import NEVER, Prospect, Push, Task
from tasks_app.models.tasks import TaskQuerySet
from tasks_app.services.days import Days
from tasks_app.services.following import ACTING
from tasks_app.services.numbers import number_or_none

LONGEST_SEARCH = 200
#: Of a value that nobody knows so much is kept; longer than any that can be known.
LONGEST_VALUE = 250
#: More than there are holders whose names are known.
BEHIND = 10**12
DATES = tuple(name for ends in RANGES.values() for name in ends)
#: Kinds of choice that are a column of the task.
OWN_COLUMNS = {
    "status": "status",
    "channel": "channel",
    "account": "account_id",
    "vendor": "account_id",
    "type": "type_id",
    "batch": "batch_id",
    "origin": "origin",
    "prospect": "prospect_id",
}


class TaskFilter:
    """What an address of the task list asks for.

    `values` holds what is asked for and `unknown` what of it nobody knows here.
    `ignored` has a sentence for each thing that was not understood, `left_out` those
    without which more rows match.
    """

    def __init__(self, data: QueryDict, choices: Choices) -> None:
        self.choices = choices
        self.ignored: list[str] = []
        self.left_out: list[str] = []
        self.values: dict[str, list[str]] = {}
        self.unknown: dict[str, list[str]] = {}
        for name in LABELS:
            if name in data and (found := self._read(name, data)):
                self.values[name] = found
        for what, ends in RANGES.items():
            self._check_range(what, *ends)
        self.sort = self._read_sort(data.get("sort", "").strip())
        #: The saved view that the list was opened with, changed since or not.
        self.view = number_or_none(data.get("view", ""))
        for name in data:
            if name not in LABELS and name not in BESIDES:
                self._leave_out(f"“{name[:40]}” is not a filter. It is left out.")

    def _leave_out(self, sentence: str) -> None:
        self.ignored.append(sentence)
        self.left_out.append(sentence)

    def _read(self, name: str, data: QueryDict) -> list[str]:
        if name == "q":
            text = " ".join(data.get("q", "").replace("\0", " ").split())
            return [text[:LONGEST_SEARCH]] if text else []
        given = split(data, name)
        if not given:
            return []
        if name in DATES:
            return [self._read_day(name, text) for text in given[:1]]
        if len(given) > MOST_VALUES:
            self.ignored.append(
                f"{LABELS[name]} has {len(given):,} values. Those after the first "
                f"{MOST_VALUES} are left out."
            )
            given = given[:MOST_VALUES]
        known = self.choices.known(name)
        given = [value if value in known else value[:LONGEST_VALUE] for value in given]
        if unknown := [value for value in given if value not in known]:
            self.unknown[name] = unknown
            self.ignored.append(matches_nothing(LABELS[name], unknown))
        return given

    def _read_day(self, name: str, text: str) -> str:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or not 1970 <= day.year <= 9000:
            self.unknown[name] = [text[:LONGEST_VALUE]]
            self.ignored.append(
                f"{LABELS[name]} “{text[:40]}” is not a day such as 2026-07-15. "
                "Nothing matches it."
            )
            return text[:LONGEST_VALUE]
        return day.isoformat()

    def _check_range(self, what: str, begin: str, end: str) -> None:
        first, last = self._day(begin), self._day(end)
        if first and last and first > last:
            self.ignored.append(
                f"The {what} range ends before it begins. Nothing is in it."
            )

    def _read_sort(self, text: str) -> str:
        if text.removeprefix("-") in SORTS:
            return text
        if text:
            self.ignored.append(f"“{text[:40]}” is not a column to sort by.")
        return "due"

    def _day(self, name: str) -> date | None:
        """Return the day of one end of a range, None where none is known."""
        if name not in self.values or name in self.unknown:
            return None
        return date.fromisoformat(self.values[name][0])

    # -- which rows ----------------------------------------------------------------

    @cached_property
    def condition(self) -> Q:
        """Return what a row must meet: all kinds of choice, any value within a kind."""
        parts = Q()
        for name, given in self.values.items():
            gone = self.unknown.get(name, [])
            values = [value for value in given if value not in gone]
            if not values:
                return Q(pk__in=[])
            if name == "q":
                for word in values[0].casefold().split():
                    parts &= Q(search_text__contains=word)
            elif name in DATES:
                parts &= self._in_range(name)
            elif name == "tag":
                parts &= self._tagged(values)
            else:
                parts &= self._any(name, values)
        return parts

    def _any(self, name: str, values: list[str]) -> Q:
        """Return the condition that one of these is met: one IN wherever it can be.

        Joins and OR keep a database from walking along an index, so vendors and names
        of types become ids.
        """
        if name in ("vendor", "type"):
            choices = self.choices
            ids = choices.accounts_of if name == "vendor" else choices.types_of
            found = [pk for value in values for pk in ids.get(value, [])]
            return Q(**{f"{OWN_COLUMNS[name]}__in": found})
        if name == "action":
            return changed_so(values)
        if name in OWN_COLUMNS and "overdue" not in values:
            column = OWN_COLUMNS[name]
            many = len(values) > 1
            return Q(**{f"{column}__in": values} if many else {column: values[0]})
        return reduce(or_, (self._one(name, value) for value in values))

    def _one(self, name: str, value: str) -> Q:
        """Return the condition of one ticked value."""
        if name == "due":
            return self.days.due(value)
        if name == "status" and value == "overdue":
            return self.days.overdue
        if name == "delivery":
            return delivered_so(value)
        if name == "priority":
            return Q(priority=Task.Priority[value.upper()].value)
        if name == "assignee":
            return self._held_by(value)
        return Q(**{OWN_COLUMNS[name]: value})

    def _held_by(self, value: str) -> Q:
        if value == "none":
            return Q(assignee=None, vendor_user=None)
        if value == "elsewhere":
            return Q(assignee=None) & ~Q(vendor_user=None)
        return Q(assignee_id=self.choices.me if value == "me" else int(value))

    @property
    def days(self) -> Days:
        return Days(self.choices.team, self.choices.now)

    def _tagged(self, names: list[str]) -> Q:
        """Return the condition of a prospect who has any of these tags."""
        tags = [self.choices.tags[name] for name in names]
        tagged = Prospect.tags.through.objects.filter(tag_id__in=tags)
        return Q(prospect_id__in=tagged.values("prospect_id"))

    def _in_range(self, name: str) -> Q:
        day = self._day(name)
        assert day is not None  # noqa: S101 - kept only where it was read
        what, end = name.split("_")
        within = self.days.since if end == "from" else self.days.until
        if what == "due":
            return within(day)
        if what == "created":
            return within(day, "created_at")
        # Only what was done counts as completed, not what was skipped or taken back.
        return Q(status=Task.Status.COMPLETED) & within(day, "completed_at")

    def apply(self, tasks: TaskQuerySet) -> TaskQuerySet:
        """Return the matching rows of `tasks`, in no order yet."""
        return tasks.filter(self.condition)

    def ordered(self, tasks: TaskQuerySet) -> TaskQuerySet:
        """Return the rows in the chosen order, always the same one for equal rows."""
        column, down = self.sort.removeprefix("-"), self.sort.startswith("-")
        order = {
            "due": ["due_sort", "pk"],
            "title": ["title", "pk"],
            "priority": ["-priority", "due_sort", "pk"],
            "created": ["created_at", "pk"],
            "completed": ["place", "pk"],
            "account": ["place", "due_sort", "pk"],
            "assignee": ["place", "due_sort", "pk"],
        }.get(column)
        if column == "account":
            place = place_of_account(self.choices.accounts_by_name)
            tasks = tasks.annotate(place=place)
        if column == "assignee":
            tasks = tasks.annotate(place=place_of_holder(self.choices.holders))
        if column == "completed":
            # What is not completed comes last, on every database.
            tasks = tasks.annotate(place=Coalesce("completed_at", Value(NEVER)))
        if order is None:
            states = Task.Status if column == "status" else Task.Delivery
            tasks = tasks.annotate(place=place_in(column, [s.value for s in states]))
            order = ["place", "due_sort", "pk"]
        return tasks.order_by(*(turned(name) if down else name for name in order))

    # -- what the page shows ---------------------------------------------------------

    def query(self, **changes: str | list[str] | None) -> str:
        """Return the query string of this filter with some parts changed or dropped."""
        parts: dict[str, list[str]] = dict(self.values)
        if self.sort != "due":
            parts["sort"] = [self.sort]
        if self.view:
            parts["view"] = [str(self.view)]
        for name, value in changes.items():
            parts[name] = [value] if isinstance(value, str) else value or []
        pairs = []
        for name, values in parts.items():
            together = values if name in NAMES else [",".join(values)]
            pairs += [(name, value) for value in together if value]
        return urlencode(pairs, safe=",:")

    def has(self, name: str, value: str) -> bool:
        return value in self.values.get(name, [])

    @property
    def asked(self) -> str:
        """Return the query string of what is asked for alone, as a view keeps it."""
        return self.query(view=None)

    @property
    def sort_words(self) -> str:
        """Return how the list is sorted, '' where it is as always."""
        if self.sort == "due":
            return ""
        turned = ", turned round" if self.sort.startswith("-") else ""
        return SORTS[self.sort.removeprefix("-")] + turned

    @property
    def text(self) -> str:
        return self.values.get("q", [""])[0]

    @property
    def chips(self) -> list[Chip]:
        return list(chips_of(self.values, self.choices, self.query))


def matches_nothing(label: str, values: list[str]) -> str:
    """Return one sentence about values that nobody knows, which keep all rows away."""
    one = len(values) == 1
    return f"{not_known_head(label, values)} No task matches {'it' if one else 'them'}."


def not_known_head(label: str, values: list[str]) -> str:
    """Return which values nobody knows here, as one sentence."""
    if len(values) == 1:
        return f"{label} “{values[0][:40]}” is not known here."
    named = ", ".join(f"“{value[:40]}”" for value in values[:2])
    more = f" and {len(values) - 2} more" if len(values) > 2 else ""
    return f"{label} {named}{more} are not known here."


def changed_so(values: list[str]) -> Q:
    """Return the condition of how far what was last asked of a task is.

    That there is something is said once more: by this SQLite finds the partial index.
    """
    states = {"failed": [Push.State.FAILED.value], "waiting": list(ACTING)}
    asked = [state for value in values for state in states[value]]
    return ~Q(action_state="") & Q(action_state__in=asked)


def delivered_so(value: str) -> Q:
    """Return the condition of one word for how far a task has travelled."""
    state = Task.Delivery
    if value == "problems":
        return Q(delivery__in=[state.FAILED, state.NEEDS_CHECK])
    if value == "retrying":
        return Q(delivery=state.QUEUED) & ~Q(retry_at=None)
    if value == "queued":
        return Q(delivery=state.QUEUED, retry_at=None)
    if value == "sending":
        return Q(delivery__in=[state.CLAIMED, state.SENDING])
    if value == "delivered":
        # What was made at the vendor was never handed over: its badge says so, too.
        return Q(delivery=value, origin=Task.Origin.BATON)
    return Q(delivery=value)


def place_in(column: str, values: list[str]) -> Case:
    """Return the place of a row's word in the order that people expect."""
    cases = [When(**{column: v}, then=Value(i)) for i, v in enumerate(values)]
    return Case(*cases, default=Value(len(values)), output_field=IntegerField())


def place_of_account(accounts: Sequence[int]) -> Case:
    """Return the place of a row's account among these, which are all of its team."""
    cases = [When(account_id=pk, then=Value(i)) for i, pk in enumerate(accounts)]
    return Case(*cases, default=Value(len(cases)), output_field=IntegerField())


def place_of_holder(holders: Sequence[tuple[str, int]]) -> Case:
    """Return the place of a row's holder among these; nobody is the last.

    Holders who are not among them stand behind them, the tasks of each together.
    """
    places = {who: Value(place) for place, who in enumerate(holders)}
    ours = [
        (pk, place) for (kind, pk), place in places.items() if kind == "assignee_id"
    ]
    away = [
        (pk, place) for (kind, pk), place in places.items() if kind != "assignee_id"
    ]
    return Case(
        *(When(assignee_id=pk, then=place) for pk, place in ours),
        When(assignee__isnull=False, then=BEHIND + F("assignee_id")),
        *(When(vendor_user_id=pk, then=place) for pk, place in away),
        When(vendor_user__isnull=False, then=2 * BEHIND + F("vendor_user_id")),
        default=Value(3 * BEHIND),
        output_field=BigIntegerField(),
    )


def turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"
