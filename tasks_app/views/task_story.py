"""What one task's page tells: its way to the vendor, its history, every call."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from tasks_app.models import Exchange, Push, Task, TaskEvent, Team
from tasks_app.services import holding
from tasks_app.services.members import name_of
from tasks_app.vendors.drafts import AccountConfig
from tasks_app.views.wording import DELIVERY_TITLES, clock, day_words

State = Task.Delivery
#: Characters of a body that a page shows.
SHOWN = 6000


@dataclass(frozen=True)
class Leg:
    """One stage of the way. `at` or `note` stands below it."""

    name: str
    at: datetime | None = None
    note: str = ""
    done: bool = False
    now: bool = False
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the history. `icon` names one of our own marks."""

    head: str
    at: datetime
    text: str = ""
    icon: str = "st-open"
    tone: str = "gray"


@dataclass(frozen=True)
class Call:
    """One HTTP call as proof; bodies are '' where this person may not read them."""

    exchange: Exchange
    milliseconds: int | None
    shared: int
    request: str
    answer: str
    hidden: bool

    @property
    def tone(self) -> str:
        return {"done": "green", "begun": "blue", "unknown": "violet"}.get(
            self.exchange.outcome, "red"
        )


def create_push(task: Task) -> Push | None:
    """Return the push that creates this task, the live one if there are several."""
    pushes = [push for push in task.pushes.all() if push.kind == Push.Kind.CREATE]
    return max(pushes, key=lambda p: (p.state != State.WITHDRAWN, p.pk), default=None)


def delivery_head(task: Task) -> str:
    """Return the heading over the way to the vendor."""
    vendor = task.account.get_vendor_display()
    if task.origin == Task.Origin.VENDOR:
        return f"Made in {vendor}"
    return {
        State.QUEUED: f"Waiting to be sent to {vendor}",
        State.CLAIMED: f"Being handed to {vendor}",
        State.SENDING: f"Being handed to {vendor}",
        State.ACCEPTED: f"Taken by {vendor}, not named yet",
        State.DELIVERED: f"Delivered to {vendor}",
        State.FAILED: f"Not created in {vendor}",
        State.NEEDS_CHECK: f"Not clear whether it is in {vendor}",
        State.WITHDRAWN: "Withdrawn",
    }[State(task.delivery)]


def delivery_sentence(task: Task, push: Push | None, team: Team) -> str:
    """Return what happened, what it means and what comes next."""
    account, state = task.account, State(task.delivery)
    said = task.delivery_error or (push.error if push else "")
    if state == State.QUEUED:
        if account.state in (account.State.PAUSED, account.State.NEEDS_NEW_KEY):
            return (
                f"{account.name}: {account.get_state_display().lower()}. Its queue "
                "stands still; this task is safe in it."
            )
        if task.is_held:
            return (
                "Its batch is paused. "
                "It waits until that goes on or its due time passes."
            )
        if task.retry_at:
            return f"{said} Next try at {clock(task.retry_at, team)}.".strip()
        return "It goes out when its turn comes within the rate limit."
    if state == State.ACCEPTED and push:
        return f"Request {push.request_number}. Baton reads the task's own id back."
    if state == State.NEEDS_CHECK:
        looks = push is None or not (push.ask_person or push.left_at)
        asked = "Baton is looking for it." if looks else "A person has to decide."
        return f"{said} {asked} It is never sent again by itself.".strip()
    if task.is_from_vendor:
        return "Baton reads it from there. What you do to it here is done there."
    if state == State.DELIVERED:
        return ""
    return said or DELIVERY_TITLES.get(state, "")


def legs(task: Task, push: Push | None) -> list[Leg]:
    """Return the stages from being written to being read back."""
    vendor = task.account.get_vendor_display()
    state = State(task.delivery)
    arrived = next(
        (e.at for e in task.events.all() if e.new == State.DELIVERED), task.as_of
    )
    tries = push.tries if push else 0
    tried = "" if not tries else "1 try" if tries == 1 else f"{tries} tries"
    there = state == State.DELIVERED
    if state == State.FAILED and push is not None and not tries:
        tried = "not sent"
    beyond = (State.ACCEPTED, State.NEEDS_CHECK, State.FAILED)
    out = bool(there or state in beyond or tries)
    tones = {State.FAILED: "red", State.NEEDS_CHECK: "violet", State.ACCEPTED: "blue"}
    return [
        Leg("Created", task.created_at, done=True),
        Leg("Queued", done=out, now=not out, note="" if out else "waiting"),
        Leg(
            "Sent",
            note=tried,
            done=there,
            now=out and not there,
            tone=tones.get(state, "amber" if task.retry_at else "accent"),
        ),
        Leg(f"In {vendor}", arrived if there else None, done=there),
        Leg("Read back", task.as_of, now=there and task.as_of is not None),
    ]


DELIVERY_LINES = {
    State.QUEUED: ("Back in the queue", "dl-queued", "gray"),
    State.CLAIMED: ("Taken up by a worker", "dl-sending", "blue"),
    State.SENDING: ("Sent to {vendor}", "dl-sending", "blue"),
    State.ACCEPTED: ("Taken by {vendor}", "dl-accepted", "blue"),
    State.DELIVERED: ("Delivered to {vendor}", "dl-delivered", "green"),
    State.FAILED: ("Not created in {vendor}", "dl-failed", "red"),
    State.NEEDS_CHECK: ("Not clear whether it arrived", "dl-needs_check", "violet"),
    State.WITHDRAWN: ("Taken back", "dl-withdrawn", "gray"),
}


PAUSES = {"paused": "Paused with its batch", "resumed": "Resumed with its batch"}


def history(task: Task, team: Team) -> list[Line]:
    """Return the events in words, the newest first."""
    events = list(reversed(task.events.all()))
    numbers = [n for e in events if e.kind == holding.KIND for n in (e.old, e.new)]
    people = holding.names_of(numbers, team)
    return [line_of(event, task, team, people) for event in events]


def line_of(
    event: TaskEvent, task: Task, team: Team, people: Mapping[str, str]
) -> Line:
    vendor = task.account.get_vendor_display()
    who = name_of(event.actor) if event.actor else ""
    by = f" by {who}" if who else ""
    if event.kind == "created":
        text = event.note or (f"In the batch “{event.new}”." if event.new else "")
        return Line(f"Created{by}", event.at, text, "st-open")
    if event.kind in PAUSES:
        return Line(f"{PAUSES[event.kind]}{by}", event.at, "", "dl-queued")
    if event.kind == "brought_in":
        text = "Made there, and listed here since then."
        return Line(f"Brought in from {vendor}", event.at, text, "dl-brought_in")
    if event.kind == "prospect":
        text = f"{vendor} calls them {event.old}." if event.old else ""
        return Line(f"Linked to {event.new}", event.at, text, "ch-nobody")
    if event.kind == "delivery" and event.new in State.values:
        head, icon, tone = DELIVERY_LINES[State(event.new)]
        return Line(head.format(vendor=vendor) + by, event.at, event.note, icon, tone)
    if event.kind == Push.Kind.COPY and event.new not in State.values:
        head = f"A second copy in {vendor}" + (by if not event.new else "")
        return Line(head, event.at, event.note, "dl-failed", "red")
    if event.kind in Push.Kind.values and event.new == "asked":
        what = Push.Kind(event.kind).label
        return Line(f"{what}: asked for{by}", event.at, event.note, "st-open", "blue")
    if event.kind in Push.Kind.values and event.new in State.values:
        what = Push.Kind(event.kind).label
        word = State(event.new).label.lower()
        _, icon, tone = DELIVERY_LINES[State(event.new)]
        return Line(f"{what}: {word}{by}", event.at, event.note, icon, tone)
    old, new = said(event.kind, event.old, team), said(event.kind, event.new, team)
    if event.kind == holding.KIND:
        old, new = people[event.old] or "nobody", people[event.new] or "nobody"
    where = f" in {vendor}" if event.source == TaskEvent.Source.SYNC else by
    kind = "assignee" if event.kind == holding.KIND else event.kind
    what = kind.replace("_", " ").capitalize()
    change = f"{old or 'none'} to {new or 'none'}" if old or new else ""
    head = f"{what} changed{where}" + (f": {change}" if change else "")
    icon = f"st-{event.new}" if event.kind == "status" else "dl-retrying"
    return Line(head, event.at, event.note, icon, "blue")


def said(kind: str, value: str, team: Team) -> str:
    """Return a stored value as people say it."""
    if kind == "status" and value in Task.Status.values:
        return Task.Status(value).label
    if kind == "priority" and value.isdecimal() and int(value) in Task.Priority.values:
        return Task.Priority(int(value)).label
    try:
        if len(value) > 10 and (at := parse_datetime(value)) and at.tzinfo:
            local = at.astimezone(team.zone)
            return f"{day_words(local.date(), team.today())} {local:%H:%M}"
        if day := parse_date(value):
            return day_words(day, team.today())
    except ValueError:
        pass
    return value if len(value) <= 120 else f"{value[:117]}…"


def options_of(task: Task) -> list[tuple[str, str]]:
    """Return what was chosen beyond the common fields, by its label at this vendor."""
    account = task.account
    config = AccountConfig(account.base_url, {}, account.settings)  # no keys are needed
    fields = account.adapter_class(config).fields(task.type.code)
    labels = {field.name: field for field in fields}
    shown = []
    for name, value in task.options.items():
        if value in (None, "", [], {}):
            continue
        field = labels.get(name)
        words = dict(field.choices) if field else {}
        values = value if isinstance(value, list) else [value]
        text = ", ".join(str(words.get(str(one), one)) for one in values)
        shown.append((field.label if field else name, text[:300]))
    return shown


def calls_of(task: Task) -> QuerySet[Exchange]:
    """Return the calls made for this task, oldest first, each with how many it carried."""
    through = Exchange.pushes.through.objects.filter(push__task=task)
    mine = Exchange.objects.filter(pk__in=through.values("exchange_id"))
    return mine.annotate(shared=Count("pushes"))


def proof(exchanges: Iterable[Exchange], *, sees_all: bool) -> list[Call]:
    """Return the calls for the page. Who does not see every task of the team gets no
    bodies of calls that carried other tasks, too."""
    return [call_of(exchange, sees_all) for exchange in exchanges]


def call_of(exchange: Exchange, sees_all: bool) -> Call:
    shared = getattr(exchange, "shared", 1)
    hidden = shared > 1 and not sees_all
    took = exchange.ended_at - exchange.began_at if exchange.ended_at else None
    return Call(
        exchange=exchange,
        milliseconds=round(took.total_seconds() * 1000) if took else None,
        shared=shared,
        request="" if hidden else pretty(exchange.request_body),
        answer="" if hidden else pretty_text(exchange.response_body),
        hidden=hidden,
    )


def pretty(body: object) -> str:
    """Return a JSON value over several lines, cut where it is very long."""
    if body is None:
        return ""
    return cut(json.dumps(body, indent=2, ensure_ascii=False))


def pretty_text(text: str) -> str:
    try:
        return pretty(json.loads(text))
    except ValueError:
        return cut(text)


def cut(text: str) -> str:
    return (
        text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… ({len(text):,} characters)"
    )
