"""What people do to one prospect: edit it, give it an id at an account, opt it out."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Case, Q, QuerySet, Value, When

from tasks_app.models import (
    NEVER,
    ConnectedAccount,
    Prospect,
    ProspectLink,
    Tag,
    Task,
    Team,
)
from tasks_app.models.tasks import TaskQuerySet

from .foreign import link_prospects
from .matching import chunks
from .prospect_cells import clean_external_id


class IdTaken(Exception):
    """Somebody else has this id at the account; the message is a sentence."""


class EmailTaken(Exception):
    """Another prospect of the team has this e-mail."""


def open_first(tasks: TaskQuerySet) -> TaskQuerySet:
    """Return one prospect's tasks: open ones by when they are due, then the newest."""
    is_open = Q(status__in=Task.UNFINISHED)
    return tasks.alias(
        closed=Case(When(is_open, then=Value(0)), default=Value(1)),
        open_due=Case(When(is_open, then="due_sort"), default=Value(NEVER)),
    ).order_by("closed", "open_due", "-created_at", "-pk")


def save_prospect(prospect: Prospect, tags: Iterable[str] | None = None) -> None:
    """Save a prospect, its tags if given, and what its tasks are found by.

    Raises EmailTaken where another prospect of the team was given the same e-mail
    between the check of a form and now.
    """
    try:
        with transaction.atomic():
            prospect.save()
            if tags is not None:
                prospect.tags.set(tags_named(prospect.team, tags))
            refresh_task_texts([prospect.pk])
    except IntegrityError:
        raise EmailTaken("Another prospect of this team has this e-mail.") from None


def tags_of(team: Team) -> QuerySet[Tag]:
    # The oldest last: it stays where two differ by their letters' case alone.
    return team.tags.order_by("-pk")


def tags_named(team: Team, names: Iterable[str]) -> list[Tag]:
    """Return the team's tags of these names in any case, new ones made."""
    known = {tag.name.casefold(): tag for tag in tags_of(team)}
    tags = []
    for name in names:
        key = name.casefold()
        if key not in known:
            known[key], _ = Tag.objects.get_or_create(team=team, name=name)
        tags.append(known[key])
    return tags


def set_external_id(prospect: Prospect, account: ConnectedAccount, typed: str) -> None:
    """Give the prospect this id at the account, in place of the one it has there.

    Raises BadCell where the vendor has no such ids, IdTaken where somebody else has it.
    """
    external_id = clean_external_id(typed, account.vendor)
    if not external_id:
        remove_external_id(prospect, account)
        return
    taken = ProspectLink.objects.filter(account=account, external_id=external_id)
    owner = taken.exclude(prospect=prospect).select_related("prospect").first()
    if owner is not None:
        raise IdTaken(
            f"{owner.prospect} has this id at {account.name} already. Remove it there "
            "first."
        )
    try:
        with transaction.atomic():
            ProspectLink.objects.update_or_create(
                prospect=prospect,
                account=account,
                defaults={"external_id": external_id},
            )
            link_prospects(Task.objects.filter(account=account))
    except IntegrityError:
        raise IdTaken(f"Somebody else has this id at {account.name} already.") from None


def remove_external_id(prospect: Prospect, account: ConnectedAccount) -> None:
    """Forget the id; tasks that were delivered keep theirs."""
    ProspectLink.objects.filter(prospect=prospect, account=account).delete()


def set_do_not_contact(prospect: Prospect, *, value: bool) -> None:
    prospect.do_not_contact = value
    prospect.save(update_fields=["do_not_contact", "updated_at"])


def refresh_task_texts(prospect_pks: list[int]) -> None:
    """Let the tasks of these prospects be found by the names they have now."""
    for part in chunks(prospect_pks):
        tasks = Task.objects.filter(prospect_id__in=part).select_related(
            "prospect", "team"
        )
        changed = []
        for task in tasks.iterator(chunk_size=1000):
            text = task.search_text
            task.fill_derived(task.team)
            if task.search_text != text:
                changed.append(task)
        Task.objects.bulk_update(changed, ["search_text"], batch_size=100)
