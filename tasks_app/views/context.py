"""What every page's frame shows."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from tasks_app.models import (
    ConnectedAccount,
    Membership,
    Preference,
    Team,
)
from tasks_app.services import health
from tasks_app.services.account_health import worrying_accounts
from tasks_app.services.glance import Glance, glance
from tasks_app.services.preferences import preference_of

from .middleware import TeamRequest
from .process_words import ProcessWords, QueueWords, process_words, queue_words
from .saved_view_links import ViewLink, view_links

THEMES = ("light", "dark", "system")


class Shell:
    """The frame around a page. Each part is read when a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.team: Team | None = getattr(request, "team", None)
        self.membership: Membership | None = getattr(request, "membership", None)

    @property
    def theme(self) -> str:
        """Return `light`, `dark` or `system`, as this browser was told."""
        chosen = self.request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else "system"

    @cached_property
    def preference(self) -> Preference:
        """Return how this person likes the pages."""
        return preference(self.request)

    @property
    def area(self) -> str:
        """Return the first word of the URL's name: task, batch, prospect ..."""
        match = self.request.resolver_match
        return (match.url_name or "").split("-")[0] if match else ""

    @property
    def other_teams(self) -> list[Team]:
        mine: list[Membership] = getattr(self.request, "memberships", [])
        return [m.team for m in mine if self.team and m.team_id != self.team.pk]

    @cached_property
    def glance(self) -> Glance | None:
        """Return what is counted beside the links, by one statement."""
        if not self.membership:
            return None
        known: int | None = getattr(self.request, "unfinished", None)
        return glance(self.membership, known)

    @property
    def needs_check(self) -> int:
        """Return how many pushes and second copies a person may have to settle."""
        return self.glance.to_settle if self.glance else 0

    @cached_property
    def queue(self) -> QueueWords | None:
        """Return the line about the queue, None while it is empty."""
        if not self.glance or not self.glance.queue:
            return None
        late = self.processes.worker_late
        still = [a.name for a in self.troubled if vars(a)["waits"]]
        return queue_words(self.glance.queue, late, still, self.glance.paused)

    @cached_property
    def processes(self) -> health.Health:
        return processes_of(self.request)

    @cached_property
    def saved_views(self) -> list[ViewLink]:
        """Return the pinned views with their counts."""
        if not self.membership:
            return []
        request = cast(TeamRequest, self.request)
        return view_links(request, self.membership, pinned_only=True)

    @cached_property
    def late(self) -> ProcessWords | None:
        """Return which of worker and scheduler is late, None while both are well."""
        return process_words(self.processes, self.team, timezone.now())

    @cached_property
    def worrying(self) -> list[ConnectedAccount]:
        """Return the accounts of the two properties below, read together."""
        member = self.membership
        return worrying_accounts(member, timezone.now()) if member else []

    @property
    def troubled(self) -> list[ConnectedAccount]:
        """Return the team's accounts whose queue does not move as it should."""
        moving = ConnectedAccount.State.CONNECTED
        return [account for account in self.worrying if account.state != moving]

    @property
    def troubled_words(self) -> str:
        number = len(self.troubled)
        return f"{number} need{'s' if number == 1 else ''} attention"

    @property
    def outdated(self) -> list[ConnectedAccount]:
        """Return the team's accounts whose statuses are old, the oldest first."""
        moving = ConnectedAccount.State.CONNECTED
        old = [account for account in self.worrying if account.state == moving]
        return sorted(old, key=lambda account: account.synced_at or account.created_at)


def preference(request: HttpRequest) -> Preference:
    """Return how this person likes the pages, read once for each page."""
    kept: Preference | None = getattr(request, "_preference", None)
    if kept is None:
        kept = preference_of(request.user)  # type: ignore[arg-type]
        request._preference = kept  # type: ignore[attr-defined]
    return kept


def processes_of(request: HttpRequest) -> health.Health:
    """Return how worker and scheduler stand, read once for each page."""
    kept: health.Health | None = getattr(request, "_processes", None)
    if kept is None:
        kept = health.processes()
        request._processes = kept  # type: ignore[attr-defined]
    return kept


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the team and role for the frame; no query unless a template asks."""
    return {
        "team": getattr(request, "team", None),
        "membership": getattr(request, "membership", None),
        "shell": Shell(request),
    }
