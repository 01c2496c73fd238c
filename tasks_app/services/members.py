"""The people of a team, and what everybody is called on pages and in histories."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from tasks_app.models import Team


def name_of(user: User) -> str:
    """Return the full name, the user name where there is none."""
    return user.get_full_name() or user.get_username()


def members_of(team: Team) -> QuerySet[User]:
    """Return who works in this team and can sign in, in no order."""
    return User.objects.filter(memberships__team=team, is_active=True)


def members_by_name(team: Team) -> list[User]:
    """Return the same by the names they are called."""
    return sorted(members_of(team), key=lambda user: name_of(user).casefold())
