"""What was kept of new tasks, as their page offers it: drafts and templates."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.http import QueryDict
from django.utils import timezone

from tasks_app.forms.drafts import is_blank, page_id, version_of
from tasks_app.models import FormDraft, Membership, TaskTemplate
from tasks_app.services.form_drafts import drafts_of
from tasks_app.services.task_templates import templates_of

DRAFTS = 5
TEMPLATES = 20
RECENT = timedelta(hours=12)


@dataclass
class Kept:
    """One's drafts and the team's templates, beside the form with this token."""

    member: Membership
    source: QueryDict
    token: uuid.UUID
    opened: FormDraft | None = None

    @cached_property
    def page_id(self) -> uuid.UUID:
        return page_id(self.source)

    @property
    def version(self) -> int:
        return version_of(self.source)

    @cached_property
    def drafts(self) -> list[FormDraft]:
        """Return the newest drafts but this one."""
        return list(drafts_of(self.member).exclude(form_token=self.token)[:DRAFTS])

    @property
    def templates(self) -> list[TaskTemplate]:
        return list(templates_of(self.member.team).defer("values")[:TEMPLATES])

    @property
    def left_behind(self) -> FormDraft | None:
        """Return the draft of today that somebody who begins anew may look for."""
        if not self.drafts or not is_blank(self.source) or self.opened:
            return None
        newest = self.drafts[0]
        return newest if timezone.now() - newest.updated_at < RECENT else None
