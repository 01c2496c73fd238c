"""One action asked for on many tasks at once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .accounts import empty_list
from .people import Team, empty_dict


class ActionRun(models.Model):
    """Many tasks, one action. Worked off in portions; `position` is how far it is.

    `position` and `done` are written in the transaction that also puts the portion's
    pushes on their way: after a kill the next worker goes on behind them.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="action_runs")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    #: A word of `vendors.words.Action`, or "retry" for sending again.
    action = models.CharField(max_length=12)
    #: What was chosen for all of them, see `services.many.Wanted`.
    values = models.JSONField(default=empty_dict)
    task_ids = models.JSONField(default=empty_list)
    total = models.PositiveIntegerField(default=0)
    position = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    #: Sentence → {"count": how many, "tasks": ids of the first of them}.
    skipped = models.JSONField(default=empty_dict)
    #: From the form: a double click begins one run.
    form_token = models.UUIDField(unique=True)
    attempt_id = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    #: How often the portion behind `position` was begun and not brought to its end.
    tries = models.PositiveSmallIntegerField(default=0)
    #: Set when it was tried too often: nobody works on it until a person says so.
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_why = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=Q(ended_at=None, stopped_at=None),
                name="run_unfinished",
            ),
            models.Index(
                fields=["team", "-id"], condition=Q(ended_at=None), name="run_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} for {self.total} tasks"
