"""Templates of a team: a lead keeps a form under a name, everybody may use it."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tasks_app.models import Membership, TaskTemplate, Team

LONGEST_NAME = 80
#: More than anybody can find again.
MOST = 200


class NotKept(ValueError):
    """The template cannot be kept like this; the message says why."""


def templates_of(team: Team) -> QuerySet[TaskTemplate]:
    """Return the team's templates by name."""
    found = TaskTemplate.objects.filter(team=team, deleted_at=None)
    return found.select_related("created_by").order_by("name", "pk")


def clean_name(name: str) -> str:
    """Return the name on one line; raise `NotKept` for none or one too long."""
    name = " ".join(name.replace("\0", " ").split())
    if not name:
        raise NotKept("Give the template a name.")
    if len(name) > LONGEST_NAME:
        raise NotKept(f"A name has at most {LONGEST_NAME} characters.")
    return name


def save_template(
    member: Membership, *, name: str, values: Mapping[str, list[str]]
) -> TaskTemplate:
    """Keep these values under a name; raise `NotKept` with a sentence."""
    name = clean_name(name)
    known = templates_of(member.team)
    if known.count() >= MOST:
        raise NotKept(f"The team has {MOST} templates already. Delete one first.")
    template = TaskTemplate(
        team=member.team,
        name=name,
        values={field: list(found) for field, found in values.items()},
        created_by_id=member.user_id,
    )
    write(template)
    return template


def rename(template: TaskTemplate, name: str) -> None:
    """Give it another name; raise `NotKept` with a sentence."""
    template.name = clean_name(name)
    template.updated_at = timezone.now()
    write(template)


def write(template: TaskTemplate) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError:
        raise NotKept("The team has a template of this name already.") from None


def delete(template: TaskTemplate) -> None:
    """Put the template away; `take_back` undoes it."""
    template.deleted_at = timezone.now()
    template.save(update_fields=["deleted_at"])


def take_back(template: TaskTemplate) -> None:
    """Undo `delete`; raise `NotKept` where the name was given again meanwhile."""
    template.deleted_at = None
    write(template)
