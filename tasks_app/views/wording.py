"""How our values are said: words, marks and relative times. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from tasks_app.models import Push, Task, Team
from tasks_app.vendors import ADAPTERS


@dataclass(frozen=True)
class Look:
    """What a state shows: `key` picks tone and mark, `title` explains on hover."""

    key: str
    label: str
    title: str = ""


@dataclass(frozen=True)
class When:
    """A time in words. `tone` is `late`, `today` or ''; `iso` is for `datetime`."""

    text: str
    title: str
    iso: str
    tone: str = ""

    @property
    def within(self) -> str:
        """Return the text as it stands within a sentence: "since yesterday 10:02"."""
        first = self.text.partition(" ")[0]
        if first in ("Today", "Yesterday", "Tomorrow"):
            return self.text[0].lower() + self.text[1:]
        return self.text


DELIVERY_TITLES = {
    "queued": "Waiting for its turn within the rate limit",
    "sending": "Being handed over now",
    "accepted": "The vendor took it and will name the task soon",
    "delivered": "The vendor confirmed it",
    "failed": "Not created: the vendor refused it",
    "needs_check": "No clear answer from the vendor; the task may exist",
    "withdrawn": "Taken back: it is not sent any more",
}
PAUSED = "Its batch is paused: it waits until that goes on or its due time passes"
CHANNELS = {
    "call": "Call",
    "email": "E-mail",
    "linkedin": "LinkedIn",
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "meeting": "Meeting",
    "todo": "To-do",
}
INITIALS = {"saleshandy": "SH", "leadsquared": "LS", "reply": "RE", "ysuite": "YS"}


def status_look(task: Task) -> Look:
    """Return how the work stands; past its end it looks overdue."""
    label = Task.Status(task.status).label
    says = f"the vendor says “{task.vendor_status}”" if task.vendor_status else ""
    if task.is_overdue:
        title = f"{label}, past its due time"
        return Look("overdue", "Overdue", f"{title}; {says}" if says else title)
    if says:
        return Look(task.status, label, f"{label}: {says}")
    return Look(
        task.status, label, f"{label}, as the vendor says" if task.as_of else ""
    )


def delivery_look(thing: Task | Push | str, team: Team | None = None) -> Look:
    """Return how far a task, a push or a state has travelled, for its badge."""
    if isinstance(thing, str):
        state, retry_at, error = thing, None, ""
    elif isinstance(thing, Task):
        state, retry_at, error = thing.delivery, thing.retry_at, thing.delivery_error
        if thing.is_held:
            return Look("queued", "Paused", PAUSED)
    else:
        waiting = thing.state == Push.State.QUEUED and thing.error
        state, error = thing.state, thing.error
        retry_at = thing.not_before if waiting else None
    if state == "retrying" or (state == Task.Delivery.QUEUED and retry_at):
        again = f" Trying again at {clock(retry_at, team)}." if retry_at else ""
        return Look("retrying", "Retrying", f"{error}{again}".strip())
    if state == Task.Delivery.CLAIMED:
        state = "sending"
    if isinstance(thing, Task) and thing.is_from_vendor and state == "delivered":
        vendor = vendor_look(thing.account.vendor).label
        title = f"Made in {vendor} and read from there, not sent from here"
        return Look("brought_in", "From the vendor", title)
    label = Task.Delivery(state).label
    return Look(state, label, error or DELIVERY_TITLES.get(state, ""))


def priority_look(value: int) -> Look:
    label = Task.Priority(value).label
    return Look(label.lower(), label)


def channel_look(value: str) -> Look:
    return Look(value if value in CHANNELS else "todo", CHANNELS.get(value, "To-do"))


def vendor_look(slug: str) -> Look:
    """`key` is the slug, `label` the vendor's name, `title` its two letters."""
    name = ADAPTERS[slug].name if slug in ADAPTERS else slug
    return Look(slug, name, INITIALS.get(slug, name[:2].upper()))


def zone_words(team: Team | None) -> str:
    """Return the name of the team's zone as people say it: "Berlin time"."""
    if team is None or team.time_zone.upper() in ("UTC", "ETC/UTC"):
        return "UTC"
    return team.time_zone.rsplit("/", 1)[-1].replace("_", " ") + " time"


def clock(at: datetime, team: Team | None) -> str:
    return f"{at.astimezone(team.zone) if team else at:%H:%M}"


def day_words(day: date, today: date) -> str:
    """Return "Today", "Tomorrow", "Yesterday", "Fri" or "24 Jul"."""
    away = (day - today).days
    if away in (-1, 0, 1):
        return ("Yesterday", "Today", "Tomorrow")[away + 1]
    if 1 < away < 7:
        return f"{day:%a}"
    return f"{day.day} {day:%b}" + ("" if day.year == today.year else f" {day.year}")


def late_words(end: datetime, now: datetime, team: Team) -> str:
    """Return how long ago this end was: "2 days late", "3 h late", "20 min late"."""
    days = (team.today(now) - team.today(end)).days
    if days > 0:
        return f"{days} day{'' if days == 1 else 's'} late"
    minutes = int((now - end).total_seconds() // 60)
    return f"{minutes // 60} h late" if minutes >= 60 else f"{max(minutes, 1)} min late"


def due_words(task: Task, team: Team, now: datetime) -> When | None:
    """Return when this task is due, in the team's zone; None without any date."""
    today = team.today(now)
    end = task.due_at or (None if task.due_on else task.starts_at)
    if end is not None:
        local = end.astimezone(team.zone)
        day, time = local.date(), f" {local:%H:%M}"
        title = f"{long_day(day)}, {local:%H:%M} {zone_words(team)}"
        iso = local.isoformat(timespec="minutes")
    elif task.due_on is not None:
        day, time, iso = task.due_on, "", task.due_on.isoformat()
        title = f"{long_day(day)}, any time"
    else:
        return None
    if task.due_at is None and task.due_on is None:
        title = f"Starts {title}"
    if task.status in Task.UNFINISHED and task.due_sort < now:
        return When(late_words(task.due_sort, now, team), title, iso, "late")
    return When(
        day_words(day, today) + time, title, iso, "today" if day == today else ""
    )


def clock_words(at: datetime, team: Team | None, now: datetime) -> When:
    """Return a moment by the clock, right also on a page that stays open: "10:02"."""
    local = at.astimezone(team.zone) if team else at
    today = now.astimezone(local.tzinfo).date()
    day = "" if local.date() == today else f"{day_words(local.date(), today)} "
    title = f"{long_day(local.date())}, {local:%H:%M:%S} {zone_words(team)}"
    return When(f"{day}{local:%H:%M}", title, local.isoformat(timespec="seconds"))


def moment_words(at: datetime, team: Team | None, now: datetime) -> When:
    """Return a moment, short: "2 min ago", "10:02", "13 Jul 10:02"."""
    by_clock = clock_words(at, team, now)
    seconds = (now - at).total_seconds()
    if 0 <= seconds < 60:
        return replace(by_clock, text="just now")
    if 0 <= seconds < 3600:
        return replace(by_clock, text=f"{int(seconds // 60)} min ago")
    return by_clock


def long_day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B} {day.year}"
