"""Lists that somebody works through, one task at a time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from django.conf import settings
from django.db import models
from django.utils import timezone

from .accounts import empty_list
from .people import Team, empty_dict


class Work(models.Model):
    """One press of "Start": these tasks in this order, and what became of each.

    Private, and no more than a list of numbers: what of it may be seen is asked for
    again at every step.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="works")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="works",
        db_index=False,  # `work_newest` begins with it
    )
    #: The list it was started from. With `picked` its rows were chosen one by one.
    query = models.TextField(blank=True)
    picked = models.BooleanField(default=False)
    task_ids = models.JSONField(default=empty_list)
    #: What matched beyond these, in order; it is taken in portion by portion.
    rest = models.JSONField(default=empty_list)
    #: How many matched, and whether there were more than anybody counted.
    total = models.PositiveIntegerField(default=0)
    beyond = models.BooleanField(default=False)
    #: Id of a task → [what was done with it, the push that carries it or None].
    did = models.JSONField(default=empty_dict)
    #: Finished, handed on or taken back elsewhere.
    gone = models.JSONField(default=empty_list)
    #: Of both, what is still to be told: gone meanwhile, or refused by a vendor.
    untold = models.JSONField(default=empty_list)
    #: Refused ones that were told.
    refused = models.JSONField(default=empty_list)
    #: The task that was looked at last, and how many wait for their turn.
    place = models.BigIntegerField(null=True, blank=True)
    left = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-touched_at", "-pk")
        indexes = [
            models.Index(
                fields=["owner", "team", "-touched_at", "-id"], name="work_newest"
            ),
            models.Index(fields=["touched_at"], name="work_old"),
        ]

    def __str__(self) -> str:
        return f"{len(self.task_ids)} tasks to work through"

    @cached_property
    def places(self) -> dict[int, int]:
        """Return the place of each task, from 0."""
        return {pk: place for place, pk in enumerate(self.task_ids)}

    @property
    def left_ids(self) -> list[int]:
        gone = set(self.gone)
        return [
            pk for pk in self.task_ids if str(pk) not in self.did and pk not in gone
        ]

    def word_of(self, task_id: int) -> str:
        """Return what was done with a task, '' for nothing yet."""
        return str(self.did.get(str(task_id), [""])[0])

    @property
    def push_ids(self) -> list[int]:
        return [push for _, push in self.did.values() if push]

    def after(self, task_id: int | None) -> int | None:
        """Return the next one that is left behind this one, else None."""
        place = self.places.get(task_id, -1) if task_id else -1
        return first_of(self.task_ids[place + 1 :], set(self.left_ids))

    def before(self, task_id: int) -> int | None:
        """Return the one before that is not gone, done or not."""
        ids = self.task_ids[: self.places.get(task_id, 0)]
        return first_of(reversed(ids), set(ids).difference(self.gone))

    def to_go_on_with(self) -> int | None:
        """Return where it was left, else what is next behind it, else before it."""
        left = self.left_ids
        if self.place in left:
            return self.place
        return self.after(self.place) or next(iter(left), None)


def first_of(ids: Iterable[int], among: set[int]) -> int | None:
    return next((pk for pk in ids if pk in among), None)
