"""The same change for many prospects: a tag more or less, another owner."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tasks_app.models import Prospect, Tag, Team

from .matching import chunks
from .members import members_by_name
from .owners import members_by_key
from .prospects import tags_named

#: More at once would only be noticed as a mistake after the fact.
MOST = 20_000


def add_tag(team: Team, ids: Sequence[int], name: str) -> int:
    """Give these prospects of the team a tag, new or known in any letter case.

    Return how many did not have it before.
    """
    through = Prospect.tags.through
    with transaction.atomic():
        [tag] = tags_named(team, [name])
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
    word = word_for(team, owner) if owner is not None else ""
    key = word.strip().casefold()[:254]
    changed = 0
    with transaction.atomic():
        for part in chunks(ids):
            rows = Prospect.objects.of_team(team).filter(pk__in=part)
            changed += rows.exclude(owner_key=key).update(
                owner=word, owner_key=key, updated_at=timezone.now()
            )
    return changed


def word_for(team: Team, owner: User) -> str:
    """Return the first of e-mail, name and user name that names nobody else here.

    Where each names another one, too, the first that is there.
    """
    words = (owner.email, owner.get_full_name(), owner.get_username())
    there = [word for word in words if word.strip()]
    named = members_by_key(members_by_name(team))
    alone = (word for word in there if named.get(word.strip().casefold()) == owner)
    return next(alone, there[0])
