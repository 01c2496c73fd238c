"""The rules of the list's filters once more, in plain Python, over random tasks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from django.http import QueryDict

from tasks_app.choices import RANGES, Choices
from tasks_app.models import Membership, Task, Team
from tasks_app.services.following import ACTING
from tests.factories import (
    make_account,
    make_batch,
    make_prospect,
    make_task,
    make_user,
    make_vendor_user,
)

#: A Wednesday, 22:30 UTC: in Auckland it is Thursday already.
NOW = datetime(2026, 7, 15, 22, 30, tzinfo=UTC)
#: What is searched for.
TEXTS = ("call", "écrire zoë", "vale")
TAGS = ("Fair, Berlin", "VIP", "Ask later")
Matches = Callable[[str, Task], bool]


def local_day(at: datetime | None, team: Team) -> date | None:
    return at.astimezone(team.zone).date() if at else None


def day_of(task: Task, team: Team) -> date | None:
    at = task.due_at or (None if task.due_on else task.starts_at)
    return at.astimezone(team.zone).date() if at else task.due_on


def is_late(task: Task, team: Team) -> bool:
    if task.status not in ("open", "in_progress"):
        return False
    at = task.due_at or (None if task.due_on else task.starts_at)
    if at:
        return at < NOW
    return bool(task.due_on and task.due_on < NOW.astimezone(team.zone).date())


def due_is(value: str, task: Task, team: Team) -> bool:
    day, today = day_of(task, team), NOW.astimezone(team.zone).date()
    if value == "overdue":
        return is_late(task, team)
    if value == "none" or day is None:
        return value == "none" and day is None
    away = (day - today).days
    weekday = today.weekday()
    return {
        "today": away == 0,
        "tomorrow": away == 1,
        "week": -weekday <= away <= 6 - weekday,
        "next7": 0 <= away < 7,
    }[value]


def delivery_is(value: str, task: Task) -> bool:
    words = {
        "problems": task.delivery in ("failed", "needs_check"),
        "retrying": task.delivery == "queued" and task.retry_at is not None,
        "queued": task.delivery == "queued" and task.retry_at is None,
        "sending": task.delivery in ("claimed", "sending"),
        "delivered": task.delivery == "delivered" and task.origin == "baton",
    }
    return words.get(value, task.delivery == value)


def changed_is(value: str, task: Task) -> bool:
    failed = task.action_state == "failed"
    return failed if value == "failed" else bool(task.action_state) and not failed


def plainly(team: Team, me: int) -> dict[str, Matches]:
    """Return for each filter how one value of it matches one task."""
    tags = {
        prospect.pk: {tag.name for tag in prospect.tags.all()}
        for prospect in team.prospects.all()
    }
    return {
        "status": lambda v, t: is_late(t, team) if v == "overdue" else t.status == v,
        "priority": lambda v, t: t.get_priority_display().lower() == v,
        "due": lambda v, t: due_is(v, t, team),
        "delivery": lambda v, t: delivery_is(v, t),
        "channel": lambda v, t: t.channel == v,
        "account": lambda v, t: str(t.account_id) == v,
        "vendor": lambda v, t: t.account.vendor == v,
        "type": lambda v, t: t.type.name == v,
        "batch": lambda v, t: str(t.batch_id) == v,
        "origin": lambda v, t: t.origin == v,
        "assignee": lambda v, t: {
            "me": t.assignee_id == me,
            "none": t.assignee_id is None and t.vendor_user_id is None,
            "elsewhere": t.assignee_id is None and t.vendor_user_id is not None,
        }.get(v, str(t.assignee_id) == v),
        "action": lambda v, t: changed_is(v, t),
        "prospect": lambda v, t: str(t.prospect_id) == v,
        "tag": lambda v, t: v in tags[t.prospect_id],
        "q": lambda v, t: all(word in text_of(t) for word in v.split()),
        **ranges(team),
    }


def text_of(task: Task) -> str:
    who = task.prospect
    parts = [task.title, task.note, task.external_id]
    parts += [who.first_name, who.last_name, who.company, who.email] if who else []
    return " ".join(parts).casefold()


def ranges(team: Team) -> dict[str, Matches]:
    """Return how the first and the last day of each range match."""

    def day(what: str, task: Task) -> date | None:
        if what == "due":
            return day_of(task, team)
        if what == "created":
            return local_day(task.created_at, team)
        return (
            local_day(task.completed_at, team) if task.status == "completed" else None
        )

    found: dict[str, Matches] = {}
    for what, (begin, end) in RANGES.items():
        found[begin] = lambda v, t, what=what: bool(
            (on := day(what, t)) and on >= date.fromisoformat(v)
        )
        found[end] = lambda v, t, what=what: bool(
            (on := day(what, t)) and on <= date.fromisoformat(v)
        )
    return found


def values_of(name: str, choices: Choices) -> list[str]:
    """Return the values of one filter that are tried."""
    if name == "q":
        return list(TEXTS)
    for begin, end in RANGES.values():
        if name == begin:
            return [(choices.today - timedelta(days=n)).isoformat() for n in (2, 7)]
        if name == end:
            return [(choices.today + timedelta(days=n)).isoformat() for n in (3, -1)]
    return list(choices.known(name))


def naming(tasks: Iterable[Task]) -> QueryDict:
    """Return an address that names what is known only where it is named."""
    tasks = list(tasks)
    who = {str(t.prospect_id) for t in tasks}
    holders = {str(t.assignee_id) for t in tasks if t.assignee_id}
    query = f"prospect={','.join(sorted(who))}&assignee={','.join(sorted(holders))}"
    return QueryDict(query)


def random_tasks(team: Team, count: int, seed: int = 7) -> list[Task]:
    """Make tasks of all kinds; one holder has left, one account is disconnected."""
    chance = random.Random(seed)
    accounts = [
        make_account(vendor, team=team)
        for vendor in ("saleshandy", "leadsquared", "reply", "ysuite", "saleshandy")
    ]
    people = [m.user for m in Membership.objects.filter(team=team)]
    people += [make_user(team, "rep"), make_user()]
    accounts[-1].deleted_at = NOW
    accounts[-1].save(update_fields=["deleted_at"])
    prospects = [
        make_prospect(team, first_name=first, company=company)
        for first, company in (("Zoë", "Aster & Vale"), ("Tom", "Kestrel"), ("Ida", ""))
    ]
    tags = [team.tags.create(name=name) for name in TAGS]
    prospects[0].tags.set(tags[:2])
    prospects[1].tags.set(tags[1:])
    batches = [make_batch(account) for account in accounts]
    holders = [make_vendor_user(account) for account in accounts]
    today = NOW.astimezone(team.zone).date()
    tasks = []
    for number in range(count):
        place = chance.randrange(len(accounts))
        account = accounts[place]
        day = today + timedelta(days=chance.randint(-9, 9))
        hours = timedelta(hours=chance.uniform(0, 24))
        due = chance.choice(
            [
                {},
                {"due_on": day},
                {"due_at": team.start_of(day) + hours},
                {"starts_at": team.start_of(day) + hours},
                {"starts_at": NOW, "due_on": day},
            ]
        )
        delivery = chance.choice(Task.Delivery.values)
        status = chance.choice([*Task.Status.values, "completed", "completed"])
        past = [NOW - timedelta(hours=chance.uniform(0, 200)) for _ in range(2)]
        over = status not in Task.UNFINISHED and chance.random() < 0.9
        tasks.append(
            make_task(
                account=account,
                prospect=chance.choice(prospects),
                type=chance.choice(list(account.task_types.all())),
                batch=chance.choice([None, batches[place]]),
                title=chance.choice(["Call back", "Ring up", "Écrire à Zoë"]),
                status=status,
                created_at=past[0],
                completed_at=past[1] if over else None,
                priority=chance.choice(Task.Priority.values),
                assignee=chance.choice([None, *people]),
                vendor_user=chance.choice([None, holders[place]]),
                delivery=delivery,
                external_id=f"x{number}" if delivery == "delivered" else "",
                origin=chance.choice(Task.Origin.values)
                if delivery == "delivered"
                else "baton",
                action_state=chance.choice(["", "failed", *ACTING]),
                retry_at=chance.choice([None, NOW]) if delivery == "queued" else None,
                **due,
            )
        )
    return tasks
