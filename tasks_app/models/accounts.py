"""A team's connections to vendors, and what each account offers."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tasks_app.vendors import ADAPTERS, VendorAdapter
from tasks_app.vendors.drafts import AccountConfig
from tasks_app.vendors.words import Channel

from .fields import EncryptedJSONField
from .people import Team, empty_dict


def empty_list() -> list[Any]:
    return []


def new_hook_token() -> str:
    return secrets.token_urlsafe(24)


class AccountQuerySet(models.QuerySet["ConnectedAccount"]):
    def live(self) -> AccountQuerySet:
        return self.filter(deleted_at=None)

    def of_team(self, team: Team) -> AccountQuerySet:
        return self.live().filter(team=team)

    def open_gate(self, now: datetime) -> AccountQuerySet:
        """Accounts whose queue may move at `now`."""
        return self.live().filter(
            Q(held_until=None) | Q(held_until__lte=now),
            state__in=[
                ConnectedAccount.State.CONNECTED,
                ConnectedAccount.State.TROUBLE,
            ],
        )


class ConnectedAccount(models.Model):
    """A team's connection to one vendor; several per vendor are normal."""

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        NEEDS_NEW_KEY = "needs_new_key", "Needs a new key"
        PAUSED = "paused", "Paused"
        TROUBLE = "trouble", "Trouble"

    class HookState(models.TextChoices):
        ON = "on", "On"
        OFF = "off", "Switched off there"
        GONE = "gone", "Removed there"
        NONE = "none", "None set up"

    team = models.ForeignKey(Team, models.PROTECT, related_name="accounts")
    vendor = models.CharField(
        max_length=20, choices=[(slug, cls.name) for slug, cls in ADAPTERS.items()]
    )
    name = models.CharField(max_length=100)
    base_url = models.URLField("base URL", max_length=300)
    credentials = EncryptedJSONField(default=dict, editable=False)
    credentials_version = models.PositiveIntegerField(default=1, editable=False)
    settings = models.JSONField(default=empty_dict, blank=True)
    #: [[calls, seconds], ...]; every one holds in any sliding window.
    rates = models.JSONField(default=empty_list, blank=True)
    state = models.CharField(
        max_length=20, choices=State, default=State.CONNECTED, editable=False
    )
    state_reason = models.TextField(blank=True, editable=False)
    state_since = models.DateTimeField(default=timezone.now, editable=False)
    paused_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    #: When the vendor last accepted the key; None = never seen.
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: The vendor asked for quiet until then (429), or the breaker is open.
    held_until = models.DateTimeField(null=True, blank=True, editable=False)
    held_reason = models.TextField(blank=True, editable=False)
    #: The part of `held_until` that the vendor itself asked for: no success ends it.
    asked_until = models.DateTimeField(null=True, blank=True, editable=False)
    #: Busy without saying for how long: answers of that kind in a row, the share of its
    #: rate that was left to the account then, and what it may climb back to at first.
    busy_count = models.PositiveSmallIntegerField(default=0, editable=False)
    slowed_at = models.DateTimeField(null=True, blank=True, editable=False)
    slowed_to = models.FloatField(default=1.0, editable=False)
    slowed_most = models.FloatField(default=1.0, editable=False)
    #: When a refused key is tried next by a read; None = a person has to act.
    try_key_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: Unreachable or erring calls in a row, and since when.
    trouble_count = models.PositiveIntegerField(default=0, editable=False)
    trouble_since = models.DateTimeField(null=True, blank=True, editable=False)
    #: After an outage the rate climbs back from here.
    ramp_from = models.DateTimeField(null=True, blank=True, editable=False)
    reference_marker = models.BooleanField(
        default=False,
        help_text="Puts a short code such as [bt-7f3aq2kz] at the end of a text that "
        "the vendor shows back, so that a task can be recognised beyond doubt.",
    )
    bring_in = models.BooleanField(
        "bring in tasks made at the vendor",
        default=False,
        help_text="Lists tasks that reps, sequences or other tools created there, too: "
        "all that are open, and what was closed in the last 7 days. They are marked, and "
        "can be acted on like the others. Switched off later, those listed stay and no "
        "new ones come.",
    )
    synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: Upper bound of the last complete reading: the next one starts here.
    watermark = models.DateTimeField(null=True, blank=True, editable=False)
    types_read_at = models.DateTimeField(null=True, blank=True, editable=False)
    users_read_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: A task was refused then: the list of types may have changed.
    types_doubted_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: When both were last asked for, and why that failed, '' where it did not.
    directory_tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    directory_error = models.TextField(blank=True, editable=False)
    hook_token = models.CharField(
        max_length=64, default=new_hook_token, unique=True, editable=False
    )
    #: The secret before that one, taken until then, so that no post is missed while
    #: the vendor is told the new one.
    old_hook_token = models.CharField(max_length=64, blank=True, editable=False)
    old_hook_until = models.DateTimeField(null=True, blank=True, editable=False)
    #: What the vendor said when it was asked about our webhook, '' = never asked.
    hook_state = models.CharField(
        max_length=10, choices=HookState, blank=True, editable=False
    )
    hook_since = models.DateTimeField(null=True, blank=True, editable=False)
    hook_checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"],
                condition=Q(deleted_at=None),
                name="one_account_of_a_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_vendor_display()})"

    @property
    def adapter_class(self) -> type[VendorAdapter]:
        return ADAPTERS[self.vendor]

    def adapter(self) -> VendorAdapter:
        """Return the adapter for this account, with its keys."""
        values = {key: str(value) for key, value in self.settings.items()}
        values.setdefault("time_zone", "")
        values["time_zone"] = values["time_zone"] or self.team.time_zone
        if self.vendor == "leadsquared":
            values["status_webhook_url"] = self.hook_url
        return self.adapter_class(
            AccountConfig(self.base_url, dict(self.credentials), values)
        )

    @property
    def hook_url(self) -> str:
        """The secret URL for this vendor's webhooks; '' where it could not reach it."""
        if not django_settings.PUBLIC_URL or self.pk is None:
            return ""
        return f"{django_settings.PUBLIC_URL}/hooks/{self.pk}/{self.hook_token}/"

    def hook_tokens(self, now: datetime | None = None) -> list[str]:
        """Return the secrets that are taken now: this one, and for a while the last."""
        until = self.old_hook_until
        if until is None or until <= (now or timezone.now()):
            return [self.hook_token]
        return [self.hook_token, self.old_hook_token]

    @property
    def is_connected(self) -> bool:
        """True only when the vendor has accepted this key and nothing said otherwise."""
        return self.state == self.State.CONNECTED and self.checked_at is not None

    @property
    def has_credentials(self) -> bool:
        return all(
            self.credentials.get(k) for k, _ in self.adapter_class.credential_fields
        )

    def effective_rates(self) -> list[tuple[int, float]]:
        """Return the limits in force as (calls, seconds)."""
        pairs = self.rates or self.adapter_class.default_rates
        return [(int(calls), float(seconds)) for calls, seconds in pairs]


class AccountPace(models.Model):
    """The pacing row of one account: what the limiter knows, shared by all processes.

    `log` holds the times of the last calls (epoch seconds, oldest first) for limits of
    few calls, `buckets` counts per slice of time for limits of many.
    """

    account = models.OneToOneField(
        ConnectedAccount, models.CASCADE, primary_key=True, related_name="pace"
    )
    log = models.JSONField(default=empty_list)
    buckets = models.JSONField(default=empty_dict)

    def __str__(self) -> str:
        return f"Pace of {self.account_id}"


class VendorUser(models.Model):
    """A person at the vendor who can hold tasks."""

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="vendor_users"
    )
    external_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="vendor_users",
        help_text="The person in Baton; found by e-mail, or chosen here.",
    )
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("name", "email", "external_id")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"],
                condition=~Q(external_id=""),
                name="one_vendor_user_per_id",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email or f"No. {self.external_id}"


class TaskType(models.Model):
    """A type of task this account offers: a fixed list, or read from the vendor."""

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="task_types"
    )
    code = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    channel = models.CharField(
        max_length=10,
        choices=[(channel.value, channel.value) for channel in Channel],
        default=Channel.TODO.value,
    )
    fields = models.JSONField(default=empty_dict, blank=True)
    active = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "name")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "code"], name="one_task_type_per_code"
            )
        ]

    def __str__(self) -> str:
        return self.name
