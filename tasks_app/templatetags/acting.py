"""What pages about asking for actions need: addresses, words, the toast's links."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django import template
from django.contrib.messages.storage.base import Message
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from tasks_app.models import Task
from tasks_app.services import prioritising
from tasks_app.vendors.words import Action
from tasks_app.views import task_acts, toasts, wording

from .baton import web_address

register = template.Library()
#: So long a new priority has its undo beside it.
UNDO_SHOWN = timedelta(minutes=1)
#: Characters of a note that an address carries, at up to nine each.
LONGEST_NOTE = 300


@register.simple_tag
def toast_links(message: Message) -> toasts.Links:
    return toasts.links_of(message)


@register.simple_tag
def acting_words(task: Task) -> str:
    return task_acts.short(task)


@dataclass(frozen=True)
class RowWords:
    """What a row of the list says more than once, and who it is for.

    `label` names task and prospect for those who do not see the row.
    """

    pk: str
    label: str
    who: str
    address: str
    acts: str


@register.simple_tag(takes_context=True)
def row_words(context: Context, task: Task) -> RowWords:
    who = company = ""
    if task.prospect is not None:
        who, company = str(task.prospect), task.prospect.company
    label = f"{task.title}, {who}" if who else task.title
    in_list = in_query(context.get("list_query"))
    return RowWords(
        pk=str(task.pk),
        label=label,
        who=f"{who} · {company}" if company else who or task.known_there_as,
        address=reverse("task-detail", args=[task.pk]) + in_list,
        acts=reverse("task-act", args=[task.pk]) + in_list,
    )


@lru_cache(maxsize=64)
def in_query(query: str | None) -> str:
    """Return the end of an address that names the list it is opened from."""
    return "" if query is None else f"?{urlencode({'in': query})}"


@register.simple_tag
def vendor_address(task: Task) -> str:
    """Return where this task is at its vendor, else where the vendor is, else ''."""
    return web_address(task.external_url) or task.account.adapter_class.home_url


@register.simple_tag
def task_address(task_id: int, in_list: str | None = None) -> str:
    """Return the task's page, with the list it is opened from."""
    return reverse("task-detail", args=[task_id]) + in_query(in_list)


@register.simple_tag
def act_address(
    task_id: int, in_list: str | None = None, action: str = "", next_page: str = ""
) -> str:
    """Return where an action's form is, or without one the list of actions."""
    parts = {"action": str(action), "in": in_list, "next": next_page}
    query = urlencode({k: v for k, v in parts.items() if v or (k == "in" and v == "")})
    address = reverse("task-act", args=[task_id])
    return f"{address}?{query}" if query else address


@register.simple_tag
def way_on(next_page: str = "", work_id: int | str = "") -> str:
    """Return the query of a link that leads on as a form does, '' for none."""
    parts = {"next": next_page, "work": work_id}
    query = urlencode({name: value for name, value in parts.items() if value})
    return f"?{query}" if query else ""


@register.simple_tag
def priority_address(task: Task, in_list: str | None = None) -> str:
    """Return where this task's priority is changed, '' where it cannot be."""
    if prioritising.why_not(task, task_acts.adapter_of(task.account)):
        return ""
    address = reverse("task-priority", args=[task.pk])
    return address if in_list is None else f"{address}?{urlencode({'in': in_list})}"


@register.simple_tag(takes_context=True)
def priority_undo(context: Context, task: Task) -> str:
    """Return where a priority that this person just gave is taken back, else ''.

    By the events that the page has read: in a side panel toasts are out of reach.
    """
    last = max(task.events.all(), key=lambda event: (event.at, event.pk), default=None)
    if last is None or last.kind != "priority" or last.new != str(task.priority):
        return ""
    if last.actor != context["request"].user or timezone.now() - last.at > UNDO_SHOWN:
        return ""
    names = [Task.Priority(int(text)).name.lower() for text in (last.old, last.new)]
    query = urlencode(dict(zip(("former", "given"), names, strict=True)))
    return f"{reverse('task-priority', args=[task.pk])}?{query}"


@register.simple_tag
def duplicate_address(task: Task) -> str:
    """Return the form for new tasks with what this one says, for other prospects.

    A long note stays behind: an address does not carry it.
    """
    parts: dict[str, str | int] = {
        "account": task.account_id,
        "type_code": task.type.code,
        "title": task.title,
        "note": task.note if len(task.note) <= LONGEST_NOTE else "",
    }
    query = urlencode({name: value for name, value in parts.items() if value})
    return f"{reverse('task-new')}?{query}"


@register.simple_tag
def note_act(acts: Iterable[task_acts.Act]) -> task_acts.Act | None:
    return next((act for act in acts or () if act.action == Action.NOTE), None)


@register.simple_tag(takes_context=True)
def moment_clock(context: Context, at: datetime) -> str:
    """Return a moment of the menu: "14:32" today, else "Thu 09:00"."""
    team = context["team"]
    local = at.astimezone(team.zone)
    today = team.today(timezone.now())
    clock = f"{local:%H:%M}"
    if local.date() == today:
        return clock
    return f"{wording.day_words(local.date(), today)} {clock}"
