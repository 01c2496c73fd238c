"""What needs somebody this morning: one line each, with the one button that helps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from django.urls import reverse

from tasks_app.models import ConnectedAccount
from tasks_app.services import members
from tasks_app.services.account_health import AccountHealth
from tasks_app.services.action_runs import MOST as MOST_IN_RUN
from tasks_app.services.counting import MOST, count_words
from tasks_app.services.health import Health
from tasks_app.services.mending import MENDABLE
from tasks_app.services.today import LATE_DAYS, Failure, Load, last_lying_day
from tasks_app.vendors.words import Action

from .batch_words import run_row
from .process_words import process_words
from .today_facts import COUNTERS, Facts, name_of
from .wording import clock_words

State = ConnectedAccount.State
#: So many people with work left lying get a line of their own.
MOST_PEOPLE = 3


@dataclass(frozen=True)
class Line:
    """`post` makes the button a form with these values; `key` stays the same.

    `rows` is where the line's tasks are seen, where the button does more than that.
    """

    key: str
    tone: str
    icon: str
    head: str
    text: str
    label: str
    url: str
    post: dict[str, str] = field(default_factory=dict)
    is_form: bool = False
    rows: str = ""


def lines(facts: Facts, processes: Health) -> list[Line]:
    """Return everything that needs somebody, the most pressing first."""
    found = [line for health in facts.healths if (line := key_line(health, facts))]
    found += process_lines(processes, facts)
    found += paused_lines(facts)
    found += run_lines(facts)
    found += check_lines(facts) if facts.is_lead else own_check_lines(facts)
    found += failure_lines(facts)
    found += refused_lines(facts)
    found += lying_lines(facts)
    found += unassigned_lines(facts)
    found += [line for health in facts.healths if (line := late_line(health, facts))]
    return found


def tasks(number: int, what: str = "task") -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def wait(number: int) -> str:
    if not number:
        return "No task waits for it just now."
    verb = "waits" if number == 1 else "wait"
    return f"{tasks(number, 'queued task')} {verb}, safe in the queue,"


def key_line(health: AccountHealth, facts: Facts) -> Line | None:
    """Return the line of an account whose queue stands still, None if it moves."""
    account = health.account
    vendor = account.get_vendor_display()
    url = reverse("account-detail", args=[account.pk])
    key = f"account-{account.pk}"
    since = clock_words(account.state_since, facts.days.team, facts.days.now).within
    if account.state == State.NEEDS_NEW_KEY:
        head = f"{vendor} rejects the key of {account.name} since {since}"
        text = wait(health.queued)
        if health.queued:
            text += " until an administrator enters a new key."
        return Line(key, "red", "key-round", head, text, "See account", url)
    if account.state == State.TROUBLE:
        text = f"{account.state_reason} {wait(health.queued)}"
        text = text.removesuffix(",").strip()
        text += "" if text.endswith(".") else "."
        head = f"{account.name} ({vendor}) is in trouble since {since}"
        return Line(key, "amber", "triangle-alert", head, text, "See account", url)
    if account.state == State.PAUSED and health.queued:
        head = f"{account.name} ({vendor}) is paused since {since}"
        text = f"{wait(health.queued)} until it is resumed."
        return Line(key, "gray", "pause", head, text, "See account", url)
    return None


def process_lines(processes: Health, facts: Facts) -> Iterator[Line]:
    """Yield a line for whoever is late: worker, scheduler or both."""
    words = process_words(processes, facts.days.team, facts.days.now)
    if words is None:
        return
    text = f"{words.text} Tell your administrator."
    url = f"{reverse('today')}?who={facts.who}"
    yield Line("processes", "amber", "activity", words.head, text, "Look again", url)


def paused_lines(facts: Facts) -> Iterator[Line]:
    """Yield a line for each batch that somebody paused and that still has to go out."""
    for batch, number in facts.paused:
        who = batch.paused_by
        by = f" by {members.name_of(who)}" if who else ""
        since = said(batch.paused_at, facts) if batch.paused_at else ""
        head = f"“{batch.title}” is paused{by} since {since}"
        text = f"{wait(number)} until somebody resumes the batch."
        url = reverse("batch-detail", args=[batch.pk])
        key = f"batch-{batch.pk}"
        yield Line(key, "gray", "pause", head, text, "See batch", url)


def run_lines(facts: Facts) -> Iterator[Line]:
    """Yield a line for each action on many tasks that stopped until somebody says so."""
    for run in facts.stopped:
        row = run_row(run)
        head = f"{row.verb} {tasks(run.total)}: {row.said[:1].lower()}{row.said[1:]}"
        url = reverse("action-run", args=[run.pk])
        text = f"{run.stopped_why} The rest waits until somebody lets it go on."
        yield Line(f"run-{run.pk}", "red", "circle-alert", head, text, "See run", url)


def said(at: datetime, facts: Facts) -> str:
    return clock_words(at, facts.days.team, facts.days.now).within


def check_lines(facts: Facts) -> Iterator[Line]:
    """Yield the line of what a lead has to settle, whosever tasks it is."""
    found = facts.checks
    if not found.total:
        return
    kinds = (
        (found.creates, "task"),
        (found.changes, "change"),
        (found.copies, "second"),
    )
    what = listed(
        tasks(n, word) if word != "second" else copies(n) for n, word in kinds if n
    )
    head = f"{what} need{'s' if found.total == 1 else ''} a check"
    if facts.who == "me":
        head += " in the whole team"
    places = by_account(found.by_account, facts)
    text = f"{places} may exist already. Look there before anything is sent again."
    if found.copies == found.total:
        text = f"{places}: the vendor holds two of one task. Say which of them stays."
    elif found.total > found.creates:
        text = f"{places}: it is not clear what the vendor has. Look there and say so."
    label = f"Resolve {found.total:,}"
    url = reverse("needs-check")
    yield Line("check", "violet", "dl-needs_check", head, text, label, url)


def own_check_lines(facts: Facts) -> Iterator[Line]:
    """Yield the same for somebody who sees such tasks and may not settle them."""
    number = facts.counts["unclear"]
    if number:
        head = f"{capped(number)} need{'s' if number == 1 else ''} a check"
        text = (
            "The vendor gave no clear answer. A team lead looks there and settles it."
        )
        url = facts.list_url(COUNTERS["unclear"])
        label = f"See {count_words(number)}"
        yield Line("check", "violet", "dl-needs_check", head, text, label, url)


def refused_lines(facts: Facts) -> Iterator[Line]:
    """Yield the line of changes that a vendor refused or never took."""
    number = sum(facts.refused.values())
    if not number:
        return
    vendors = {facts.vendors[pk] for pk in facts.refused if pk in facts.vendors}
    where = f" at {vendors.pop()}" if len(vendors) == 1 else ""
    head = f"{tasks(number, 'change')} failed{where}"
    they = "The task stands" if number == 1 else "The tasks stand"
    text = f"{by_account(facts.refused, facts)}. {they} as the vendor has them."
    text = text.replace("has them", "has it") if number == 1 else text
    url = facts.list_url("action=failed")
    yield Line("refused", "red", "circle-slash", head, text, f"See {number:,}", url)


def by_account(numbers: Mapping[int, int], facts: Facts) -> str:
    """Return "2 in Growth and 1 in Renewals", the most first."""
    most_first = sorted(
        (-number, facts.account_name(pk)) for pk, number in numbers.items()
    )
    return listed(f"{-number:,} in {name}" for number, name in most_first)


def listed(parts: Iterable[str]) -> str:
    """Return "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def copies(number: int) -> str:
    return "1 second copy" if number == 1 else f"{number:,} second copies"


def capped(number: int) -> str:
    return f"{count_words(number)} task{'' if number == 1 else 's'}"


def failure_lines(facts: Facts) -> Iterator[Line]:
    shown = 0
    for failure in facts.failures:
        shown += failure.number
        yield failure_line(failure, facts)
    rest = facts.failed - shown
    # Beyond MOST nobody has counted: then it is not said how many more.
    unknown = facts.failed > MOST and facts.failures
    if rest > 0 or unknown:
        yield Line(
            "failed-rest",
            "red",
            "dl-failed",
            "More tasks failed" if unknown else f"{tasks(rest, 'more task')} failed",
            "For other reasons.",
            f"See all {count_words(facts.failed)}",
            facts.list_url("delivery=failed"),
        )


def failure_line(failure: Failure, facts: Facts) -> Line:
    number = failure.number
    account = facts.account_name(failure.account_id)
    head = f"{tasks(number)} for {account} failed"
    text = failure.sentence or "No reason was given."
    key = f"failed-{failure.task}"
    rows = reverse("today-failed", args=[failure.task])
    if facts.who == "me":
        rows += "?who=me"
    if number == 1:
        rows = reverse("task-detail", args=[failure.task])
    line = partial(Line, key, "red", "dl-failed", head, text)
    if failure.worth_retrying and facts.is_lead:
        post = cause_of(failure.account_id, failure.kind, failure.sentence, facts.who)
        url = reverse("today-retry")
        return line(f"Retry {number:,}", url, post, is_form=True, rows=rows)
    if failure.kind in MENDABLE and facts.is_lead:
        url = reverse("task-mend", args=[failure.task])
        return line(f"Mend {number:,}", url, rows=rows)
    return line("See" if number == 1 else f"See {number:,}", rows)


def cause_of(account_id: int, kind: str, sentence: str, who: str) -> dict[str, str]:
    """Return what a form names a line of failures by."""
    return {"account": str(account_id), "kind": kind, "cause": sentence, "who": who}


def act_line(line: Line, action: str, query: str, number: int) -> Line:
    """Return this line with a button that opens the dialog for all these tasks.

    What is more than one run takes is only shown.
    """
    if number > MOST_IN_RUN:
        return replace(line, label=f"See {number:,}")
    post = {"action": action, "query": query, "all": "1", "count": str(number)}
    url, label = reverse("task-bulk"), f"{line.label} {number:,}"
    return replace(line, label=label, url=url, post=post, is_form=True, rows=line.url)


def lying_lines(facts: Facts) -> Iterator[Line]:
    """Yield a line for who has most that is days late."""
    behind = [load for load in facts.loads if load.lying and load.key != "none"]
    behind.sort(key=lambda load: (-load.lying, load.key))
    until = last_lying_day(facts.days).isoformat()
    for load in behind[:MOST_PEOPLE]:
        query = f"status=overdue&assignee={load.key}&due_to={until}"
        mine = load.person is not None and load.person.pk == facts.me
        has = "You have" if mine else f"{name_of(load)} has"
        head = f"{has} {tasks(load.lying)} more than {LATE_DAYS} days late"
        text = f"Of {tasks(load.overdue)} overdue in all."
        url = facts.list_url(query, whose=False)
        key = f"lying-{load.key}"
        line = Line(key, "amber", "clock", head, text, "Reschedule", url)
        yield act_line(line, Action.RESCHEDULE, query, load.lying)


def unassigned_lines(facts: Facts) -> Iterator[Line]:
    nobody: Load | None = next((x for x in facts.loads if x.key == "none"), None)
    if not nobody or not nobody.total:
        return
    parts = [
        f"{count:,} {words}"
        for count, words in (
            (nobody.overdue, "overdue"),
            (nobody.today, "due today"),
            (nobody.later, "due later this week"),
        )
        if count
    ]
    number = nobody.total
    head = (
        f"{tasks(number)} until Sunday {'has' if number == 1 else 'have'} no assignee"
    )
    until = facts.days.sunday.isoformat()
    query = f"status=open,in_progress&assignee=none&due_to={until}"
    url = facts.list_url(query, whose=False)
    text = f"{', '.join(parts)}."
    line = Line("unassigned", "gray", "user", head, text, "Assign", url)
    yield act_line(line, Action.REASSIGN, query, number)


def late_line(health: AccountHealth, facts: Facts) -> Line | None:
    """Return the line of an account whose statuses are old, None where they are not."""
    account = health.account
    if not health.sync_late or account.state == State.NEEDS_NEW_KEY:
        return None
    head = f"The statuses of {account.name} were never read"
    if account.synced_at is not None:
        since = said(account.synced_at, facts)
        head = f"The statuses of {account.name} are from {since}"
    text = "Tasks may have been finished there since. Sync is tried again by itself."
    if health.run is not None and health.run.error:
        text = f"The last reading: {health.run.error}"
    if health.reading:
        text = f"{text} A new reading was asked for."
    url = reverse("account-sync", args=[account.pk])
    return Line(
        f"late-{account.pk}",
        "amber",
        "refresh-cw",
        head,
        text,
        "Sync now",
        url,
        {"next": "today"},
        is_form=True,
    )
