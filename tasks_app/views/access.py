"""Who may open a view. Each view carries exactly one of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


def member_required(view: View) -> View:
    """Let in members of a team; others are told that they belong to none (403)."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.membership:  # type: ignore[attr-defined]
            raise PermissionDenied("You do not belong to a team yet.")
        return view(request, *args, **kwargs)

    checked.access = "member"  # type: ignore[attr-defined]
    return checked


def lead_required(view: View) -> View:
    """Let in leads of the team they work in (403 for anybody else)."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        membership = request.membership  # type: ignore[attr-defined]
        if not membership or not membership.is_lead:
            raise PermissionDenied("Only a team lead can do this.")
        return view(request, *args, **kwargs)

    checked.access = "lead"  # type: ignore[attr-defined]
    return checked
