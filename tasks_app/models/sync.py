"""Reading back: runs, what vendors told us unasked, and who is alive."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .accounts import ConnectedAccount
from .people import empty_dict


class SyncRun(models.Model):
    """One reading of an account, resumable after a crash in the middle of a page."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="sync_runs", db_index=False
    )
    #: Number of the time window, or a unique text for "Sync now": one run each.
    window = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempt_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    #: Fixed when the run first starts: nothing later counts as read.
    until = models.DateTimeField(null=True, blank=True)
    cursor = models.JSONField(default=empty_dict)
    calls = models.PositiveIntegerField(default=0)
    tasks_read = models.PositiveIntegerField(default=0)
    tasks_changed = models.PositiveIntegerField(default=0)
    #: Made at the vendor, and listed here since this run.
    tasks_brought_in = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "window"], name="one_sync_per_window"
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="running"),
                name="one_running_sync_per_account",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="sync_newest"),
            models.Index(fields=["account", "state", "id"], name="sync_unfinished"),
        ]

    def __str__(self) -> str:
        return f"Sync of {self.account_id} ({self.get_state_display()})"


class WebhookEvent(models.Model):
    """What a vendor posted to us. A hint, never a fact: stored, then looked up."""

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="webhook_events"
    )
    digest = models.CharField(max_length=64)
    body = models.TextField()
    #: How often the very same body came again, and when it came last.
    repeats = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "digest"], name="one_webhook_event_per_body"
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "id"],
                condition=Q(processed_at=None),
                name="webhook_waiting",
            ),
            models.Index(fields=["received_at"], name="webhook_age"),
        ]

    def __str__(self) -> str:
        return f"Webhook event {self.pk}"


class Heartbeat(models.Model):
    """When a process was last alive: one row per role and process."""

    class Role(models.TextChoices):
        WORKER = "worker", "Worker"
        SCHEDULER = "scheduler", "Scheduler"
        SWEEP = "sweep", "Sweep"

    role = models.CharField(max_length=10, choices=Role)
    name = models.CharField(max_length=120)
    beat_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "name"], name="one_heartbeat_each")
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.name}"


class AnswerShape(models.Model):
    """Which fields the answers to one kind of call usually have, learnt from them.

    `fields` holds, by place such as `items[].contact.id`, the `kind` of value, in how
    many of the `answers` it was `seen`, and the `drift` that it was flagged for.
    """

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="answer_shapes"
    )
    call = models.CharField(max_length=100)
    fields = models.JSONField(default=empty_dict)
    answers = models.PositiveIntegerField(default=0)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "call"], name="one_shape_per_call"
            )
        ]

    def __str__(self) -> str:
        return self.call


class Drift(models.Model):
    """Something a vendor answered that we do not know, kept and counted."""

    account = models.ForeignKey(ConnectedAccount, models.CASCADE, related_name="drifts")
    kind = models.CharField(max_length=30)
    detail = models.CharField(max_length=200)
    #: The answer without its values, as JSON; '' where it was a word alone.
    sample = models.TextField(blank=True)
    count = models.PositiveIntegerField(default=1)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    #: An administrator has looked at it: counted on, but not shown as news.
    fine = models.BooleanField("seen, fine", default=False)

    class Meta:
        ordering = ("fine", "-last_seen")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "detail"], name="one_drift_of_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"
