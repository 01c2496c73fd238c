"""What the list of tasks shows of a work that was begun."""

from __future__ import annotations

from django import template
from django.template import Context

from tasks_app.models import Work
from tasks_app.services import working

register = template.Library()


@register.simple_tag(takes_context=True)
def unfinished_work(context: Context) -> Work | None:
    """Return what this person can go on with, None for nothing."""
    request = context.get("request")
    team = getattr(request, "team", None)
    if request is None or team is None:
        return None
    return working.latest(request.user, team)


@register.filter
def dialled(phone: str) -> str:
    """Return a number as a telephone takes it: digits, and a plus in front."""
    plus = "+" if phone.strip().startswith("+") else ""
    return plus + "".join(c for c in phone if c.isascii() and c.isdigit())
