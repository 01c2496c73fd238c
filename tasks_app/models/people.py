"""Who works together: teams, memberships and what a person prefers."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone


def validate_time_zone(value: str) -> None:
    """Raise ValidationError unless `value` names an IANA time zone."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, IsADirectoryError):
        raise ValidationError(
            f"“{value}” is not a time zone. Use a name such as Europe/Berlin."
        ) from None


class Team(models.Model):
    name = models.CharField(max_length=100, unique=True)
    time_zone = models.CharField(
        max_length=64,
        default=settings.TIME_ZONE,
        validators=[validate_time_zone],
        help_text="Decides what today, overdue and a day without a time mean.",
    )
    #: The zone for which `Task.due_sort` of its tasks was reckoned last.
    sorted_in = models.CharField(max_length=64, blank=True, editable=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def today(self, now: datetime | None = None) -> date:
        """Return the team's day at `now` (aware; default: this moment)."""
        return (now or timezone.now()).astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """Return the moment this day begins in the team's zone, aware."""
        return datetime.combine(day, time.min, tzinfo=self.zone)

    def end_of(self, day: date) -> datetime:
        """Return the last microsecond of this day in the team's zone, aware."""
        # Counted in UTC: by the clock, an hour that comes twice would end it early.
        next_day = self.start_of(day + timedelta(days=1)).astimezone(UTC)
        return (next_day - timedelta(microseconds=1)).astimezone(self.zone)


class Membership(models.Model):
    class Role(models.TextChoices):
        REP = "rep", "Rep"
        LEAD = "lead", "Team lead"

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.REP)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="one_membership_each")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()}, {self.team})"

    @property
    def is_lead(self) -> bool:
        return self.role == self.Role.LEAD


def empty_dict() -> dict[str, Any]:
    return {}


class Preference(models.Model):
    """How one person likes the pages; the last team they worked in."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="preference"
    )
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True)
    theme = models.CharField(max_length=10, default="system")
    density = models.CharField(max_length=20, default="comfortable")
    single_keys = models.BooleanField(default=True)
    #: Of the task list, see `services.preferences.COLUMNS`; empty = the usual ones.
    columns = models.JSONField(default=list, blank=True)
    page_size = models.PositiveSmallIntegerField(default=50)

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


class SavedView(models.Model):
    """A named filter, private to its maker or shared with the team by a lead."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False)
    pinned = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["team", "owner", "name"], name="one_view_of_a_name_each"
            )
        ]

    def __str__(self) -> str:
        return self.name
