"""The same change for many prospects: a tag more or less, another owner."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tasks_app.models import Prospect, Tag, Team

from .matching import chunks

#: More at once would only be noticed as a mistake after the fact.
MOST = 20_000


def add_tag(team: Team, ids: Sequence[int], name: str) -> int:
    """Give these prospects of the team a tag, new or known in any letter case.

    Return how many did not have it before.
    """
    known = team.tags.filter(name__iexact=name).order_by("pk").first()
    through = Prospect.tags.through
    with transaction.atomic():
        tag = known or Tag.objects.create(team=team, name=name)
        before = through.objects.filter(tag=tag).count()
        for part in chunks(ids):
            there = Prospect.objects.of_team(team).filter(pk__in=part)
            rows = [
                through(prospect_id=pk, tag_id=tag.pk)
                for pk in there.values_list("pk", flat=True)
            ]
            through.objects.bulk_create(rows, ignore_conflicts=True)
        return through.objects.filter(tag=tag).count() - before


def remove_tag(team: Team, ids: Sequence[int], tag: Tag) -> int:
    """Take a tag off these prospects of the team; return how many had it."""
    through = Prospect.tags.through
    taken = 0
    with transaction.atomic():
        for part in chunks(ids):
            rows = through.objects.filter(tag=tag, tag__team=team)
            taken += rows.filter(prospect_id__in=part).delete()[0]
    return taken


def set_owner(team: Team, ids: Sequence[int], owner: User | None) -> int:
    """Make these prospects of the team somebody's, or nobody's; return how many changed.

    It is written as an export writes it: the e-mail, else the name.
    """
    word = ""
    if owner is not None:
        word = owner.email or owner.get_full_name() or owner.get_username()
    key = word.strip().casefold()[:254]
    changed = 0
    with transaction.atomic():
        for part in chunks(ids):
            rows = Prospect.objects.of_team(team).filter(pk__in=part)
            changed += rows.exclude(owner_key=key).update(
                owner=word, owner_key=key, updated_at=timezone.now()
            )
    return changed
