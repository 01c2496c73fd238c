"""The work: tasks, the batch they were created in, and their history."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tasks_app.vendors.words import Channel
from tasks_app.vendors.words import Priority as OurPriority
from tasks_app.vendors.words import Status as OurStatus

from .accounts import ConnectedAccount, TaskType, VendorUser, empty_list
from .people import Membership, Team, empty_dict
from .prospects import Prospect

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, User

#: Columns that filters of the list ask for, in an order that makes an index quick to
#: walk along: PostgreSQL finds a column at once only up to the first text and the first
#: null of a row, and steps over all that stands before any other. So `priority`, of two
#: bytes, stands behind a text whose place it would hide; `completed_at` is null only
#: where work is unfinished, which has an index of its own.
FILTERED = (
    *("account", "type", "created_at", "completed_at"),
    *("channel", "priority", "status", "delivery"),
    *("assignee", "vendor_user", "prospect", "batch"),
    *("origin", "retry_at"),
)


def besides(column: str) -> list[str]:
    """Return the columns to filter by for an index that begins with this one."""
    return [name for name in FILTERED if name != column]


#: Sorts tasks without any due date behind all others.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Batch(models.Model):
    """One press of "Create 42 tasks"."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="batches")
    account = models.ForeignKey(
        ConnectedAccount, models.PROTECT, related_name="batches"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    title = models.CharField(max_length=200)
    #: From the form: a double click, a reload or a retry creates one batch.
    form_token = models.UUIDField(default=uuid.uuid4, unique=True)
    #: Prospects named before sending as not sendable: [{"name", "email", "reason"}].
    left_out = models.JSONField(default=empty_list)
    created_at = models.DateTimeField(default=timezone.now)
    #: Since when nothing more of it is sent, None = it goes out. Its creates carry
    #: `Push.paused`, by which a claim passes them over.
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,  # nothing asks for it but the deletion of a person
    )

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = [
            models.Index(fields=["team", "-created_at", "-id"], name="batch_newest"),
            models.Index(
                fields=["team"],
                condition=Q(paused_at__isnull=False),
                name="batch_paused",
            ),
        ]

    def __str__(self) -> str:
        return f"Batch {self.pk}: {self.title}"


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user: AbstractBaseUser, team: Team) -> TaskQuerySet:
        """What this person may see of this team.

        A lead sees all of it, a rep own and unassigned tasks, anybody else nothing.
        """
        member = Membership.objects.filter(team=team, user_id=user.pk).first()
        return self.visible_to_member(member) if member else self.none()

    def visible_to_member(self, member: Membership) -> TaskQuerySet:
        """The same for somebody whose membership has been read for this request."""
        tasks = self.filter(team_id=member.team_id)
        if member.is_lead:
            return tasks
        return tasks.filter(
            Q(assignee_id=member.user_id) | Q(assignee=None, vendor_user=None)
        )

    def unfinished(self) -> TaskQuerySet:
        return self.filter(status__in=Task.UNFINISHED)

    def delivery_problems(self) -> TaskQuerySet:
        return self.filter(
            delivery__in=[Task.Delivery.FAILED, Task.Delivery.NEEDS_CHECK]
        )

    def only_read(self) -> TaskQuerySet:
        """Those made at the vendor to which nothing was ever done from here."""
        return self.filter(origin=Task.Origin.VENDOR, pushes=None)

    def for_list(self) -> TaskQuerySet:
        """With all that a row of a list shows, in five queries, none with credentials.

        What many rows share is read once for all of them. In one statement PostgreSQL
        would plan the joins for longer than it needs to find a page.
        """
        accounts = ConnectedAccount.objects.select_related("team").defer("credentials")
        return (
            self.select_related("prospect", "batch")
            .defer("batch__left_out")
            .prefetch_related(
                models.Prefetch("account", accounts),
                *("type", "assignee", "vendor_user"),
            )
        )


class Task(models.Model):
    """The work. `status` is how the work stands, `delivery` how far it has travelled."""

    class Status(models.TextChoices):
        OPEN = OurStatus.OPEN.value, "Open"
        IN_PROGRESS = OurStatus.IN_PROGRESS.value, "In progress"
        COMPLETED = OurStatus.COMPLETED.value, "Completed"
        SKIPPED = OurStatus.SKIPPED.value, "Skipped"
        CANCELLED = OurStatus.CANCELLED.value, "Cancelled"
        NO_SHOW = OurStatus.NO_SHOW.value, "No show"
        REMOVED = OurStatus.REMOVED.value, "Removed at the vendor"

    class Delivery(models.TextChoices):
        QUEUED = "queued", "Queued"
        CLAIMED = "claimed", "Sending"
        SENDING = "sending", "Sending"
        ACCEPTED = "accepted", "Accepted"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"
        NEEDS_CHECK = "needs_check", "Needs check"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Priority(models.IntegerChoices):
        URGENT = OurPriority.URGENT.value, "Urgent"
        HIGH = OurPriority.HIGH.value, "High"
        MEDIUM = OurPriority.MEDIUM.value, "Medium"
        LOW = OurPriority.LOW.value, "Low"
        NONE = OurPriority.NONE.value, "None"

    class Origin(models.TextChoices):
        BATON = "baton", "Baton"
        VENDOR = "vendor", "The vendor's own tool"

    UNFINISHED = (Status.OPEN.value, Status.IN_PROGRESS.value)
    #: Delivery states about which something is still done without anybody's help.
    MOVING = (
        Delivery.QUEUED.value,
        Delivery.CLAIMED.value,
        Delivery.SENDING.value,
        Delivery.ACCEPTED.value,
    )
    #: Delivery states in which nobody has anything to do any more.
    SETTLED = (
        Delivery.DELIVERED.value,
        Delivery.FAILED.value,
        Delivery.WITHDRAWN.value,
    )

    # Without an index of their own where one of those below begins with the column.
    team = models.ForeignKey(Team, models.CASCADE, related_name="tasks", db_index=False)
    account = models.ForeignKey(
        ConnectedAccount, models.PROTECT, related_name="tasks", db_index=False
    )
    batch = models.ForeignKey(
        Batch,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
        db_index=False,
    )
    prospect = models.ForeignKey(
        Prospect,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
        db_index=False,
    )
    type = models.ForeignKey(TaskType, models.PROTECT, related_name="tasks")
    channel = models.CharField(
        max_length=10, choices=[(channel.value, channel.value) for channel in Channel]
    )
    title = models.CharField(max_length=500)
    note = models.TextField(blank=True)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NONE)
    starts_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    #: When it is over: `due_at`, else the last moment of `due_on` in the team's zone,
    #: else NEVER. Everything about overdue and today goes by this one column.
    due_sort = models.DateTimeField(default=NEVER, editable=False)
    #: The person in Baton, and who holds it at the vendor. Mapped people have both.
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
        db_index=False,
    )
    vendor_user = models.ForeignKey(
        VendorUser,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
        db_index=False,  # SQLite would choose it for all that nobody has
    )
    #: Who a task made at the vendor is for, as the vendor says; `prospect` follows once
    #: somebody here has this id in the account.
    vendor_prospect_id = models.CharField(max_length=100, blank=True)
    vendor_prospect_name = models.CharField(max_length=200, blank=True)
    #: It came from a list that shows no text: the text is still to be asked for.
    text_unread = models.BooleanField(default=False)
    #: Vendor-specific values by option name, as the form took them.
    options = models.JSONField(default=empty_dict, blank=True)

    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    vendor_status = models.CharField(max_length=80, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    #: When the vendor was last seen to show this.
    as_of = models.DateTimeField(null=True, blank=True)
    #: The vendor's own time of its last change, where it has one.
    vendor_changed_at = models.DateTimeField(null=True, blank=True)

    #: A copy of the create push's state, its sentence and its next try.
    delivery = models.CharField(
        max_length=12, choices=Delivery, default=Delivery.QUEUED
    )
    delivery_error = models.TextField(blank=True)
    delivery_kind = models.CharField(max_length=30, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    external_id = models.CharField(max_length=100, blank=True)
    external_url = models.URLField(max_length=500, blank=True)

    #: The last thing a person asked to be done at the vendor (a `Push.Kind`), how far
    #: that is ('' = through) and, where it failed, why.
    action = models.CharField(max_length=12, blank=True)
    action_state = models.CharField(max_length=12, blank=True)
    action_error = models.TextField(blank=True)

    origin = models.CharField(max_length=10, choices=Origin, default=Origin.BATON)
    version = models.PositiveIntegerField(default=1)
    search_text = models.TextField(blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,  # nothing asks for it but the deletion of a person
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ("due_sort", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"],
                condition=~Q(external_id=""),
                name="one_task_per_vendor_id",
            ),
            models.CheckConstraint(
                condition=~Q(delivery="delivered") | ~Q(external_id=""),
                name="delivered_has_vendor_id",
            ),
        ]
        indexes = [
            # All that a list is filtered by: rows are counted and found in the list's
            # order without a look at the table, whatever the filters.
            models.Index(fields=["team", "due_sort", "id", *FILTERED], name="task_due"),
            models.Index(
                fields=["team", "status", "due_sort", "id"], name="task_status_due"
            ),
            # The same of one holder or nobody, and of each prospect that has a tag.
            models.Index(
                fields=["team", "assignee", "due_sort", "id", *besides("assignee")],
                name="task_assignee_due",
            ),
            models.Index(
                fields=["prospect", "team", "due_sort", "id", *besides("prospect")],
                name="task_prospect_due",
            ),
            models.Index(
                fields=["team", "delivery", "due_sort", "id"], name="task_delivery_due"
            ),
            models.Index(
                fields=["account", "status", "id"], name="task_account_status"
            ),
            # With the team, which a list names too: else SQLite would look for all
            # tasks of a person in each batch.
            models.Index(
                fields=[
                    *("team", "batch", "delivery", "id"),
                    *("retry_at", "assignee", "vendor_user"),
                ],
                name="task_batch_delivery",
            ),
            models.Index(fields=["team", "-created_at", "-id"], name="task_newest"),
            # Urgent ones are few and often asked for, whatever else is: past all the
            # others PostgreSQL walks four times as long.
            models.Index(
                fields=["team", "due_sort", "id", *besides("priority")],
                condition=Q(priority=4),
                name="task_urgent",
            ),
            # What still goes out, of which most rows are not: which batches, and whose.
            models.Index(
                fields=["team", "batch", "delivery", "assignee", "vendor_user"],
                # One by one, as they are asked for: SQLite does not compare lists.
                condition=(
                    Q(delivery="queued")
                    | Q(delivery="claimed")
                    | Q(delivery="sending")
                    | Q(delivery="accepted")
                ),
                name="task_moving",
            ),
            # What is on its way to the vendor or was refused there, of which most rows
            # are neither; in the list's order, or SQLite walks along all of the list.
            models.Index(
                fields=["team", "due_sort", "id", "action_state", *FILTERED],
                condition=~Q(action_state=""),
                name="task_action",
            ),
            models.Index(
                fields=["account", "due_sort"],
                condition=Q(text_unread=True),
                name="task_text_unread",
            ),
            # Made at the vendor, for somebody who is not linked yet.
            models.Index(
                fields=["account", "vendor_prospect_id"],
                condition=Q(origin="vendor", prospect=None) & ~Q(vendor_prospect_id=""),
                name="task_unlinked",
            ),
            # What is to be done, the work of a week by person, and what was done by day,
            # from these alone.
            models.Index(
                fields=["team", "due_sort", "id", *FILTERED],
                condition=Q(status__in=["open", "in_progress"]),
                name="task_unfinished_due",
            ),
            # Who has an open task of a kind already, asked for thousands at once.
            models.Index(
                fields=["prospect", "channel"],
                condition=Q(status__in=["open", "in_progress"]),
                name="task_open_of_prospect",
            ),
            models.Index(
                fields=[
                    *("team", "completed_at", "status"),
                    *("account", "assignee", "vendor_user"),
                ],
                condition=Q(completed_at__isnull=False),
                name="task_completed",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_overdue(self) -> bool:
        return self.status in self.UNFINISHED and self.due_sort < timezone.now()

    @property
    def is_from_vendor(self) -> bool:
        return self.origin == self.Origin.VENDOR

    @property
    def known_there_as(self) -> str:
        """Return who it is for in the vendor's words, '' where that is a prospect."""
        if self.prospect_id is not None:
            return ""
        if self.vendor_prospect_name or not self.vendor_prospect_id:
            return self.vendor_prospect_name
        return f"No. {self.vendor_prospect_id}"

    @property
    def is_retrying(self) -> bool:
        return self.delivery == self.Delivery.QUEUED and self.retry_at is not None

    @property
    def is_held(self) -> bool:
        """Whether it waits because its batch is paused; False where that was not read."""
        batch = self._state.fields_cache.get("batch")
        queued = self.delivery == self.Delivery.QUEUED
        return queued and batch is not None and batch.paused_at is not None

    def sort_by_due(self, team: Team) -> None:
        """Set `due_sort` by the dates there are."""
        if self.due_at is not None:
            self.due_sort = self.due_at
        elif self.due_on is not None:
            self.due_sort = team.end_of(self.due_on)
        elif self.starts_at is not None:
            self.due_sort = self.starts_at
        else:
            self.due_sort = NEVER

    def fill_derived(self, team: Team) -> None:
        """Set the columns that follow from others; bulk writers call it themselves."""
        self.sort_by_due(team)
        parts = [self.title, self.note, self.external_id]
        if self.prospect is not None:
            parts.append(self.prospect.search_text)
        else:
            parts += [self.vendor_prospect_name, self.vendor_prospect_id]
        self.search_text = " ".join(part for part in parts if part).casefold()


class TaskEvent(models.Model):
    """One line of a task's history."""

    class Source(models.TextChoices):
        PERSON = "person", "Person"
        PUSH = "push", "Delivery"
        SYNC = "sync", "Sync"
        WEBHOOK = "webhook", "Webhook"

    task = models.ForeignKey(Task, models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=10, choices=Source)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    #: What happened, in one word: created, delivery, status, due, assignee, note ...
    kind = models.CharField(max_length=30)
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.kind}: {self.old} → {self.new}"

    @classmethod
    def of_person(
        cls, task: Task, kind: str, old: object, new: object, *, by: User, at: datetime
    ) -> TaskEvent:
        """Return, not saved yet, that somebody changed something; None is said as ''."""
        old, new = ("" if value is None else str(value) for value in (old, new))
        source = cls.Source.PERSON
        return cls(
            task=task, at=at, source=source, actor=by, kind=kind, old=old, new=new
        )
