"""The outbox: what is to be done at a vendor, and every call that was made for it.

`Push.state` is written by `services/states.py` alone.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from .accounts import ConnectedAccount
from .people import empty_dict
from .tasks import Task


class PushQuerySet(models.QuerySet["Push"]):
    def in_line(self) -> PushQuerySet:
        """Return what waits in a queue for nothing but its time and its turn.

        Not what is paused with its batch, nor an action while the task's create or an
        earlier action is not through. `services.states.claim` says the same in SQL.
        """
        earlier = Push.objects.filter(task=OuterRef("task"), pk__lt=OuterRef("pk"))
        blocked = Exists(earlier.exclude(state__in=Task.SETTLED))
        return self.filter(state=Push.State.QUEUED, paused=False).filter(
            Q(kind=Push.Kind.CREATE) | ~blocked
        )

    def sendable(self, now: datetime) -> PushQuerySet:
        """Return what could be claimed at this moment."""
        return self.in_line().filter(not_before__lte=now)


class Push(models.Model):
    """One thing to do at the vendor for one task."""

    class Kind(models.TextChoices):
        CREATE = "create", "Create"
        COMPLETE = "complete", "Complete"
        SKIP = "skip", "Skip"
        CANCEL = "cancel", "Take back"
        SNOOZE = "snooze", "Snooze"
        RESCHEDULE = "reschedule", "Reschedule"
        REASSIGN = "reassign", "Reassign"
        NOTE = "note", "Update note"
        #: Done to a second copy at the vendor, never to the task itself.
        COPY = "copy", "Take the copy back"

    State = Task.Delivery

    class Lane(models.IntegerChoices):
        URGENT = 0, "Urgent"
        NORMAL = 5, "Normal"

    # Without an index of its own: others begin with it.
    account = models.ForeignKey(
        ConnectedAccount, models.PROTECT, related_name="pushes", db_index=False
    )
    task = models.ForeignKey(Task, models.CASCADE, related_name="pushes")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.CREATE)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.NORMAL)
    #: Equal for pushes that may share one call; '' = alone.
    group_key = models.CharField(max_length=64, blank=True)
    #: At most so many in one call, after a call was refused as a whole; None = no limit.
    call_limit = models.PositiveSmallIntegerField(null=True, blank=True)
    #: The reference text at the vendor, without brackets; '' = none is sent.
    marker = models.CharField(max_length=20, blank=True)
    #: For actions: what `vendors.drafts.ActionDraft.values` needs, as JSON.
    values = models.JSONField(default=empty_dict, blank=True)

    attempt_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(default=timezone.now)
    #: The batch is paused: nobody claims or sends it. Kept in every state but the last,
    #: so that what comes back to the queue meanwhile waits there, too.
    paused = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    #: Calls made; leases lost while sending; sent again after a proved absence.
    tries = models.PositiveIntegerField(default=0)
    crash_count = models.PositiveSmallIntegerField(default=0)
    resends = models.PositiveSmallIntegerField(default=0)
    #: For `needs_check` and `accepted`: when to look next, complete looks that found
    #: nothing, and whether only a person can settle it.
    look_at = models.DateTimeField(null=True, blank=True)
    absent_reads = models.PositiveSmallIntegerField(default=0)
    ask_person = models.BooleanField(default=False)
    left_at = models.DateTimeField(null=True, blank=True)
    #: Sent once more after an unclear answer: when to look next whether the first one
    #: arrived after all. None = nobody looks.
    watch_at = models.DateTimeField(null=True, blank=True)

    request_number = models.CharField(max_length=100, blank=True)
    external_id = models.CharField(max_length=100, blank=True)
    error_kind = models.CharField(max_length=30, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = PushQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(kind="create") & ~Q(state="withdrawn"),
                name="one_live_create_per_task",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["claimed", "sending"])
                | Q(attempt_id__isnull=False, lease_until__isnull=False),
                name="claim_has_attempt_and_expiry",
            ),
            models.CheckConstraint(
                condition=~Q(kind="create", state="delivered")
                | ~Q(external_id="")
                | ~Q(request_number=""),
                name="delivered_create_has_proof",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | ~Q(request_number=""),
                name="accepted_has_request_number",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "lane", "id"],
                condition=Q(state="queued", paused=False),
                name="push_queue",
            ),
            models.Index(
                fields=["account", "not_before"],
                condition=Q(state="queued", paused=False),
                name="push_due",
            ),
            # A claim has a lease, nothing else has: said so that SQLite sees it, too.
            models.Index(
                fields=["lease_until"],
                condition=Q(lease_until__isnull=False),
                name="push_leases",
            ),
            # Whole, because SQLite takes no partial index for several states.
            models.Index(fields=["account", "state", "look_at"], name="push_looks"),
            models.Index(
                fields=["account", "watch_at"],
                condition=Q(watch_at__isnull=False),
                name="push_watched",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.task_id}: {self.get_state_display()}"

    @property
    def since(self) -> datetime:
        """When it was last sent, or made if it never was."""
        return self.sent_at or self.created_at

    def is_late(self, now: datetime) -> bool:
        """Return whether the task's due time has passed while this waited to be sent."""
        waiting = self.state in (self.State.QUEUED, self.State.CLAIMED)
        return waiting and self.created_at < self.task.due_sort < now

    @property
    def target_id(self) -> str:
        """The id at the vendor of what this is done to; '' while there is none."""
        return str(self.values.get("copy") or self.task.external_id)


class TaskCopy(models.Model):
    """A second task that the vendor made of one of ours, until somebody settled it."""

    class Outcome(models.TextChoices):
        TAKEN_BACK = "taken_back", "Taken back"
        LEFT = "left", "Left there"
        GONE = "gone", "Gone at the vendor"

    account = models.ForeignKey(ConnectedAccount, models.CASCADE, related_name="copies")
    task = models.ForeignKey(Task, models.CASCADE, related_name="copies")
    external_id = models.CharField(max_length=100)
    url = models.CharField(max_length=500, blank=True)
    found_at = models.DateTimeField(default=timezone.now)
    #: What takes it back, once somebody asked for that.
    push = models.ForeignKey(
        Push, models.SET_NULL, null=True, blank=True, related_name="copies"
    )
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        ordering = ("pk",)
        verbose_name = "second copy"
        verbose_name_plural = "second copies"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"], name="one_row_per_copy"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", settled_at=None)
                | (~Q(outcome="") & Q(settled_at__isnull=False)),
                name="settled_copy_has_outcome",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account"], condition=Q(outcome=""), name="copy_unsettled"
            )
        ]

    def __str__(self) -> str:
        return f"{self.external_id} beside {self.task_id}"

    @property
    def is_leaving(self) -> bool:
        """Whether it is being taken back just now."""
        return self.push is not None and self.push.state not in Task.SETTLED


class Exchange(models.Model):
    """One HTTP call to a vendor. Bodies hold no secrets; kept for 90 days."""

    class Outcome(models.TextChoices):
        BEGUN = "begun", "Begun"
        DONE = "done", "Answered"
        NOTHING = "nothing", "Nothing happened"
        UNKNOWN = "unknown", "Outcome unknown"
        REFUSED = "refused", "Refused"
        ACCOUNT = "account", "Account trouble"

    account = models.ForeignKey(
        ConnectedAccount, models.CASCADE, related_name="exchanges"
    )
    attempt_id = models.UUIDField(default=uuid.uuid4)
    purpose = models.CharField(max_length=20)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    request_body = models.JSONField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.TextField(blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.BEGUN)
    error = models.TextField(blank=True)
    credentials_version = models.PositiveIntegerField(default=1)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    pushes: models.ManyToManyField[Push, Any] = models.ManyToManyField(
        Push, related_name="exchanges", blank=True
    )

    class Meta:
        ordering = ("began_at", "pk")
        indexes = [
            models.Index(fields=["account", "-began_at"], name="exchange_newest"),
            models.Index(fields=["began_at"], name="exchange_age"),
            models.Index(fields=["attempt_id"], name="exchange_attempt"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
