"""Forms for new tasks that are not sent yet: unfinished ones, and those kept to reuse."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .people import Team, empty_dict


class FormDraft(models.Model):
    """A form for new tasks as somebody left it. Private, and kept whatever it holds."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="form_drafts")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="form_drafts"
    )
    #: The form's token: the batch that is created with it ends the draft.
    form_token = models.UUIDField(default=uuid.uuid4, unique=True)
    #: {name of the field: [its values]}, as typed.
    values = models.JSONField(default=empty_dict)
    #: What a list shows: its title, and whom it is for.
    title = models.CharField(max_length=200, blank=True)
    people = models.CharField(max_length=200, blank=True)
    #: Which open page saved it last, and how often it was saved: two tabs with the
    #: same draft do not overwrite each other.
    page = models.UUIDField(default=uuid.uuid4)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    discarded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-updated_at", "-pk")
        indexes = [
            models.Index(
                fields=["owner", "team", "-updated_at", "-id"], name="draft_newest"
            )
        ]

    def __str__(self) -> str:
        return self.title or "Draft without a title"


class TaskTemplate(models.Model):
    """What a team writes again and again: the form without prospects and dates."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="task_templates")
    name = models.CharField(max_length=80)
    values = models.JSONField(default=empty_dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"],
                condition=Q(deleted_at=None),
                name="one_template_of_a_name",
            )
        ]

    def __str__(self) -> str:
        return self.name
