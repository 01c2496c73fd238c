"""Drafts of the form for new tasks: saved as typed, private, gone with their batch."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from tasks_app.models import Batch, FormDraft, Membership

#: So many one person can keep; the oldest go first.
MOST = 50
#: A discarded draft can be taken back for so long.
UNDO_FOR = timedelta(days=1)


class AlreadyCreated(Exception):
    """The form was sent: its batch exists."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(f"These tasks were created already: {batch}.")
        self.batch = batch


class ChangedElsewhere(Exception):
    """Another page saved this draft after this page had read it."""


@dataclass(frozen=True)
class Typed:
    """What a form holds: `values` by field, and what a list says about it.

    `page` is the open page it was typed into, `version` the one this page began with.
    """

    token: uuid.UUID
    values: Mapping[str, list[str]]
    title: str
    people: str
    page: uuid.UUID
    version: int = 0


def drafts_of(membership: Membership) -> QuerySet[FormDraft]:
    """Return one's own drafts in this team, the newest first, without their values.

    A draft whose batch exists is none any more, whoever was faster.
    """
    sent = Batch.objects.filter(form_token=OuterRef("form_token"))
    return every_draft(membership).filter(~Exists(sent), discarded_at=None)


def every_draft(membership: Membership) -> QuerySet[FormDraft]:
    """Return one's own drafts in this team, discarded ones too."""
    mine = FormDraft.objects.filter(
        team_id=membership.team_id, owner_id=membership.user_id
    )
    return mine.defer("values").order_by("-updated_at", "-pk")


def keep(membership: Membership, typed: Typed, *, apart: bool = False) -> FormDraft:
    """Save the draft of this form and return it.

    What another page saved meanwhile is never overwritten: `ChangedElsewhere`, or with
    `apart` a draft of its own. So for a form that was sent: `AlreadyCreated`, or a
    draft of its own.
    """
    sent = Batch.objects.filter(team_id=membership.team_id, form_token=typed.token)
    if batch := sent.first():
        if not apart:
            raise AlreadyCreated(batch)
        typed = replace(typed, token=uuid.uuid4(), version=0)
    try:
        with transaction.atomic():
            draft = keep_once(membership, typed, apart=apart)
    except IntegrityError:
        # The same form saved itself at the same moment: now it is there.
        with transaction.atomic():
            draft = keep_once(membership, typed, apart=apart)
    tidy(membership)
    return draft


def keep_once(membership: Membership, typed: Typed, *, apart: bool) -> FormDraft:
    mine = every_draft(membership).select_for_update()
    draft = mine.filter(form_token=typed.token).first()
    if draft and typed.page != draft.page and typed.version != draft.version:
        if not apart:
            raise ChangedElsewhere
        draft = None
        token = uuid.uuid4()
    elif draft is None and FormDraft.objects.filter(form_token=typed.token).exists():
        token = uuid.uuid4()  # somebody else's: never theirs to overwrite
    else:
        token = typed.token
    now = timezone.now()
    if draft is None:
        draft = FormDraft(
            team_id=membership.team_id,
            owner_id=membership.user_id,
            form_token=token,
            created_at=now,
            version=0,
        )
    draft.values = {name: list(values) for name, values in typed.values.items()}
    draft.title, draft.people = typed.title[:200], typed.people[:200]
    draft.page = typed.page
    draft.version += 1
    draft.updated_at = now
    draft.discarded_at = None
    draft.save()
    return draft


def tidy(membership: Membership) -> None:
    """Forget what was discarded long ago, and the oldest of too many."""
    mine = every_draft(membership)
    mine.filter(discarded_at__lt=timezone.now() - UNDO_FOR).delete()
    many = list(mine.values_list("pk", flat=True)[MOST : MOST + 100])
    if many:
        FormDraft.objects.filter(pk__in=many).delete()


def discard(draft: FormDraft) -> None:
    """Put the draft away; `take_back` undoes it within a day."""
    draft.discarded_at = timezone.now()
    draft.save(update_fields=["discarded_at"])


def take_back(draft: FormDraft) -> None:
    draft.discarded_at = None
    draft.save(update_fields=["discarded_at"])
