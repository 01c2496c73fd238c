"""What the forms for actions read and ask alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from tasks_app.models import Team
from tasks_app.services import snoozing
from tasks_app.services.local_time import moment_of

#: What a person may write.
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

    @property
    def moments(self) -> list[snoozing.Moment]:
        return snoozing.moments(self.team, timezone.now())

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


def reason_field(help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label="Reason",
        required=False,
        max_length=LONGEST_REASON,
        error_messages={"max_length": f"Use {LONGEST_REASON} characters at most."},
        widget=forms.TextInput(attrs={"list": "reasons", "autocomplete": "off"}),
        help_text=help_text,
    )


def own_time_field() -> forms.CharField:
    return forms.CharField(
        label="Own time",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
