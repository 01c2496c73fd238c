"""How an account's health is said. Pure functions of what was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from tasks_app.models import ConnectedAccount, SyncRun, Team
from tasks_app.services.account_health import AccountHealth, Hour

from .wording import clock_words

State = ConnectedAccount.State

#: By `AccountHealth.word`: what the badge says, its tone and its icon.
BADGES = {
    "well": ("Connected", "green", "check"),
    "limit": ("At its limit", "amber", "gauge"),
    "held": ("Waiting for the vendor", "amber", "hourglass"),
    "slowed": ("Slowed down", "amber", "gauge"),
    "late": ("Sync is late", "amber", "refresh-cw"),
    "untested": ("Not tested yet", "gray", "circle-dashed"),
    "needs_new_key": ("Needs a new key", "red", "key-round"),
    "paused": ("Paused", "gray", "pause"),
    "trouble": ("Trouble", "amber", "triangle-alert"),
}
#: The drawing of 24 hours: a bar is 3 wide every 4, the whole 32 high.
BAR_STEP, BAR_HEIGHT = 4, 32


@dataclass(frozen=True)
class Banner:
    tone: str
    head: str
    text: str
    #: '' = the one of the account's badge.
    icon: str = ""


@dataclass(frozen=True)
class Bar:
    x: int
    y: int
    height: int
    tone: str = ""


@dataclass(frozen=True)
class Card:
    """One account as its card shows it."""

    health: AccountHealth
    badge: str
    tone: str
    icon: str
    banner: Banner | None
    window: str
    queue: str
    sync: str
    key: str
    bars: list[Bar]

    @property
    def account(self) -> ConnectedAccount:
        return self.health.account


def cards(healths: list[AccountHealth], team: Team) -> list[Card]:
    now = timezone.now()
    return [card(health, team, now) for health in healths]


def card(health: AccountHealth, team: Team, now: datetime) -> Card:
    label, tone, icon = BADGES[health.word]
    return Card(
        health,
        label,
        tone,
        icon,
        banner(health, team, now),
        window_words(health.budget.seconds),
        queue_words(health, team, now),
        sync_words(health),
        key_words(health),
        bars(health.hours),
    )


def banner(health: AccountHealth, team: Team, now: datetime) -> Banner | None:
    """Return what somebody has to know about this account's gate, None if nothing."""
    account = health.account
    vendor = account.adapter_class.name
    since = clock_words(account.state_since, team, now).within
    safe = tasks_words(health.queued)
    if account.state == State.NEEDS_NEW_KEY:
        text = f"{safe} when an administrator enters a new one. Nothing is lost."
        if account.try_key_at:
            text += " Baton tries the old one every 15 minutes, in case it works again."
        return Banner("red", f"{vendor} rejects the key since {since}", text)
    if account.state == State.PAUSED:
        text = f"{account.state_reason} {safe} when it is resumed.".strip()
        return Banner("gray", f"Paused since {since}", text)
    if account.state == State.TROUBLE:
        text = f"{account.state_reason} {safe} once {vendor} answers again.".strip()
        return Banner("amber", f"In trouble since {since}", text)
    if health.held_until:
        until = clock_words(health.held_until, team, now).within
        text = f"{account.held_reason} {safe} from then on.".strip()
        if health.slowed:
            text += f" {slow_words(health)}"
        return Banner("amber", f"Waits until {until}", text)
    if health.slowed and account.slowed_at:
        head = f"Slowed down since {clock_words(account.slowed_at, team, now).within}"
        return Banner("amber", head, f"{vendor} was busy. {slow_words(health)}")
    if account.hook_state in SILENT and account.hook_since:
        seen = clock_words(account.hook_since, team, now).within
        head = f"{vendor} stopped sending updates, seen {seen}"
        return Banner("amber", head, silent_words(account), "bell-off")
    return None


#: States of a webhook that ought to post and does not.
SILENT = (ConnectedAccount.HookState.OFF, ConnectedAccount.HookState.GONE)


def silent_words(account: ConnectedAccount) -> str:
    """Return what a webhook that posts no more means and who mends it."""
    vendor = account.adapter_class.name
    minutes = max(1, round(settings.SYNC_EVERY / 60))
    every = f"{minutes} minutes" if minutes > 1 else "minute"
    gone = account.hook_state == ConnectedAccount.HookState.GONE
    mend = "sets it up again" if gone else "switches it on again"
    what = "removed" if gone else "switched off"
    return (
        f"Its webhook is {what} there. Statuses are read every {every} instead, so "
        f"nothing is lost. An administrator {mend} in {vendor}."
    )


def hook_words(account: ConnectedAccount) -> str:
    """Return how this account's vendor tells of changes."""
    vendor, state = account.adapter_class.name, account.hook_state
    if not account.adapter_class.lists_hooks:
        return f"{vendor} sends none about tasks. They come with each reading."
    if not account.hook_url:
        return "None: PUBLIC_URL is not set. They come with each reading."
    return {
        "on": f"{vendor} sends them, asked every hour.",
        "off": f"Switched off in {vendor}. They come with each reading.",
        "gone": f"Removed in {vendor}. They come with each reading.",
        "none": "No webhook is set up. They come with each reading.",
    }.get(state, "They come with each reading.")


def slow_words(health: AccountHealth) -> str:
    """Return at which pace an account goes on that its vendor was too busy for."""
    share = max(1, round(100 * health.share))
    return (
        f"It named no time, so Baton goes on at {share} % of the allowed rate and climbs "
        "by 5 % a minute."
    )


def tasks_words(queued: int) -> str:
    if not queued:
        return "The queue is empty; new tasks go out"
    if queued == 1:
        return "1 task is safe in the queue and goes out"
    return f"{queued} tasks are safe in the queue and go out"


def window_words(seconds: float) -> str:
    """Return "per minute", "per hour", "per 5 s"."""
    named = {
        1.0: "per second",
        60.0: "per minute",
        3600.0: "per hour",
        86400.0: "per day",
    }
    return named.get(float(seconds), f"per {seconds:g} s")


def span_words(seconds: float) -> str:
    """Return a time as people say it: "8 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return (
        f"{minutes // 60} h {minutes % 60} min"
        if minutes % 60
        else f"{minutes // 60} h"
    )


def queue_words(health: AccountHealth, team: Team, now: datetime) -> str:
    if health.account.state == State.NEEDS_NEW_KEY and health.queued:
        return "Waiting for the key"
    if health.account.state == State.PAUSED and health.queued:
        return "Paused"
    if health.account.state == State.TROUBLE and health.queued:
        held = health.held_until
        if held is None:
            return f"Waiting for {health.account.adapter_class.name}"
        return f"Next try at {clock_words(held, team, now).within}"
    if health.queued and health.next_at and health.next_at > now:
        return f"Next try at {clock_words(health.next_at, team, now).within}"
    if health.queued:
        return f"Empty in about {span_words(health.empty_in)}"
    if health.paused:
        return f"{health.paused:,} more wait for a paused batch"
    if health.under_way:
        return f"{health.under_way} under way"
    return "Empty"


def sync_words(health: AccountHealth) -> str:
    if health.run is not None and health.run.state == SyncRun.State.RUNNING:
        return f"Being read now{progress(health.run)}"
    if health.reading:
        return "Read as soon as it can be"
    if health.run is not None and health.run.error:
        return health.run.error
    return "Late" if health.sync_late else ""


def progress(run: SyncRun) -> str:
    """Return how far a reading has come: ": 1,200 tasks in 13 calls"."""
    if not run.calls:
        return ""
    tasks = "1 task" if run.tasks_read == 1 else f"{run.tasks_read:,} tasks"
    calls = "1 call" if run.calls == 1 else f"{run.calls:,} calls"
    return f": {tasks} in {calls} so far"


def key_words(health: AccountHealth) -> str:
    if health.account.state == State.NEEDS_NEW_KEY:
        return "Rejected since"
    return "Accepted" if health.account.checked_at else "An administrator can test it"


def bars(hours: list[Hour]) -> list[Bar]:
    """Return the drawing of these hours: failed below in red, delivered on top."""
    most = max((hour.delivered + hour.failed for hour in hours), default=0) or 1
    drawn = []
    for index, hour in enumerate(hours):
        failed = height(hour.failed, most)
        delivered = height(hour.delivered, most)
        if not failed + delivered:
            delivered = 1
        x = index * BAR_STEP
        drawn.append(Bar(x, BAR_HEIGHT - failed - delivered, delivered))
        if failed:
            drawn.append(Bar(x, BAR_HEIGHT - failed, failed, "red"))
    return drawn


def height(count: int, most: int) -> int:
    return max(2, round(count / most * (BAR_HEIGHT - 2))) if count else 0
