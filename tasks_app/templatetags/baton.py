"""How our values look on a page: one place, used by `templates/components/`."""

from __future__ import annotations

import zlib
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.template import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tasks_app.choices import LABELS, RANGES
from tasks_app.models import ConnectedAccount, Push, Task
from tasks_app.services.counting import count_words
from tasks_app.views import wording

register = template.Library()
FILTER_MENU = (
    "status",
    "due",
    "priority",
    "delivery",
    "action",
    "assignee",
    "account",
    "vendor",
    "channel",
    "type",
    "tag",
    "prospect",
    "origin",
    "batch",
    "created",
    "completed",
)
register.filter("status_look", wording.status_look)
register.filter("priority_look", wording.priority_look)
register.filter("channel_look", wording.channel_look)
register.filter("vendor_look", wording.vendor_look)
register.filter("count_words", count_words)


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"


# Marks in rows of lists and options of the filter menu: few different ones, so each is
# rendered once and kept.


def mark(which: str, **values: Hashable) -> SafeString:
    render = render_mark.__wrapped__ if settings.DEBUG else render_mark
    return render(which, tuple(values.items()))


@lru_cache(maxsize=4096)
def render_mark(which: str, values: tuple[tuple[str, Hashable], ...]) -> SafeString:
    return render_to_string(f"components/marks/{which}.html", dict(values))


@register.simple_tag
def status_mark(task: Task) -> SafeString:
    return mark("status", look=wording.status_look(task))


@register.simple_tag(takes_context=True)
def delivery_mark(context: Context, thing: Task | Push | str) -> SafeString:
    look = wording.delivery_look(thing, context.get("team") or None)
    return mark("delivery", look=look)


@register.simple_tag
def priority_mark(value: int) -> SafeString:
    return mark("priority", look=wording.priority_look(value))


@register.simple_tag
def channel_mark(value: str, bare: bool = False) -> SafeString:
    return mark("channel", look=wording.channel_look(value), bare=bool(bare))


@register.simple_tag
def vendor_mark(
    account: ConnectedAccount | None, slug: str = "", size: str = ""
) -> SafeString:
    """Show an account with its vendor's letters, or the letters alone."""
    look = wording.vendor_look(account.vendor if account else slug)
    return mark("vendor", look=look, name=account.name if account else "", size=size)


@register.simple_tag
def avatar(person: Any, size: str = "", plain: bool = False) -> SafeString:
    """Show a person's letters on their own quiet colour."""
    colour = 0 if plain else hue(person)
    return mark("avatar", letters=initials(person), hue=colour, size=size)


@register.simple_tag
def person_mark(person: Any, short: bool = False, nobody: str = "") -> SafeString:
    """Show who holds something, by the first name where `short`."""
    name = name_of(person) if person else ""
    first = getattr(person, "first_name", "") if short else ""
    return mark(
        "person",
        name=name,
        said=first or name or nobody or "Unassigned",
        letters=initials(person) if person else "",
        hue=hue(person) if person else 0,
    )


@register.simple_tag(takes_context=True)
def due_mark(context: Context, task: Task) -> SafeString:
    """Show when a task is due: written here, because a list has fifty different ones."""
    due = due_words(context, task)
    if due is None:
        return format_html('<span class="none">{}</span>', "No date")
    return format_html(
        '<time class="due{}" datetime="{}" title="{}">{}</time>',
        f" due--{due.tone}" if due.tone else "",
        *(due.iso, due.title, due.text),
    )


@register.simple_tag(takes_context=True)
def delivery_look(context: Context, thing: Task | Push | str) -> wording.Look:
    return wording.delivery_look(thing, context.get("team") or None)


@register.simple_tag(takes_context=True)
def due_words(context: Context, task: Task) -> wording.When | None:
    return wording.due_words(task, context["team"], timezone.now())


@register.simple_tag(takes_context=True)
def moment_words(context: Context, at: datetime) -> wording.When:
    return wording.moment_words(at, context.get("team") or None, timezone.now())


@register.simple_tag(takes_context=True)
def clock_words(context: Context, at: datetime) -> wording.When:
    return wording.clock_words(at, context.get("team") or None, timezone.now())


@register.simple_tag(takes_context=True)
def zone_words(context: Context) -> str:
    return wording.zone_words(context.get("team") or None)


def name_of(person: Any) -> str:
    """Return what a user, a vendor's user or a prospect is called."""
    full = getattr(person, "full_name", None) or getattr(person, "get_full_name", None)
    name = full() if callable(full) else full
    return str(name or person)


register.filter("name_of", name_of)


@register.filter
def initials(person: Any) -> str:
    """Return one or two letters for an avatar."""
    words = name_of(person).split("@")[0].replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@register.filter
def hue(person: Any) -> int:
    """Return 1 to 6, always the same for the same person."""
    return zlib.crc32(name_of(person).encode()) % 6 + 1


@register.filter
def web_address(url: str) -> str:
    """Return a vendor's link if a browser may follow it, else ''."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("https", "http") and parts.netloc else ""


@dataclass(frozen=True)
class SortLink:
    href: str
    direction: str  # ascending, descending or '' where the list is sorted otherwise


@register.simple_tag(takes_context=True)
def sort_link(context: Context, column: str) -> SortLink:
    """Return where a column's heading leads, and how the list is sorted by it now."""
    now: str = context["filter"].sort
    turned = f"-{column}" if now == column else column
    direction = {column: "ascending", f"-{column}": "descending"}.get(now, "")
    query = context["filter"].query(sort=None if turned == "due" else turned)
    return SortLink(reverse("task-list") + (f"?{query}" if query else ""), direction)


@dataclass(frozen=True)
class Ticked:
    value: str
    label: str
    on: bool


@dataclass(frozen=True)
class FilterGroup:
    """`days` holds the name, label and value of the first and last day of a range, and
    what stands there instead of a day."""

    name: str
    label: str
    values: list[Ticked]
    days: list[tuple[str, str, str, str]]


@register.simple_tag(takes_context=True)
def filter_groups(context: Context) -> list[FilterGroup]:
    """Return what the filter menu offers, with what is ticked.

    What is ticked and not offered any more is among it: the form sends all of it, and
    what it would leave out made the list longer.
    """
    task_filter, choices = context["filter"], context["choices"]
    groups = []
    for name in FILTER_MENU:
        labels = dict(choices.labels(name)) if name in LABELS else {}
        if name in LABELS:
            known = choices.known(name)
            for value in task_filter.values.get(name, []):
                labels.setdefault(value, known.get(value, f"“{value[:40]}”"))
        ticked = task_filter.has
        values = [Ticked(v, label, ticked(name, v)) for v, label in labels.items()]
        days = [
            (
                end,
                word,
                task_filter.values.get(end, [""])[0],
                task_filter.unknown.get(end, [""])[0],
            )
            for end, word in zip(RANGES.get(name, ()), ("From", "To"), strict=False)
        ]
        if values or days:
            label = LABELS.get(name, name.capitalize())
            groups.append(FilterGroup(name, label, values, days))
    return groups


@register.simple_tag
def filter_options(group: FilterGroup, first: bool) -> SafeString:
    """Show what can be ticked of a group; in the `first` one it begins in focus."""
    options = [
        mark(
            "option",
            name=group.name,
            value=each.value,
            label=each.label,
            on=each.on,
            first=first and place == 0,
        )
        for place, each in enumerate(group.values)
    ]
    return format_html_join("", "{}", ([option] for option in options))


@register.simple_tag
def minutes_of(wait: timedelta) -> str:
    minutes = max(1, round(wait.total_seconds() / 60))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


@register.simple_tag
def clock_after(wait: timedelta) -> str:
    """Return the clock time after this wait, rounded up, with its zone."""
    end = timezone.localtime(timezone.now() + wait) + timedelta(minutes=1)
    return f"{end:%H:%M} {end.tzname()}"


@register.simple_tag
def page_numbers(page: Page[Any]) -> list[int | str]:
    """Return the page numbers to show, with … for those left out."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=2))


@register.simple_tag
def page_styles() -> list[str]:
    """Return the static paths of the areas' own style sheets."""
    return find_page_styles.__wrapped__() if settings.DEBUG else find_page_styles()


@lru_cache(maxsize=1)
def find_page_styles() -> list[str]:
    folder = Path(settings.STATICFILES_DIRS[0]) / "css" / "pages"
    return [f"css/pages/{path.name}" for path in sorted(folder.glob("*.css"))]
