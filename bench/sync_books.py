"""Both sides of a sync campaign: Baton's rows and a practice vendor's own books.

What a vendor's state means here is written out anew from its documents, without a look
at the adapters: a misreading cannot cancel itself out.
"""

from __future__ import annotations

import random
import urllib.error
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bench.stage import Stage, make_people

ZONE = ZoneInfo("Europe/Berlin")
#: Days from today in which tasks lie, and how far "outside" is.
FIRST, LAST, FAR = -10, 30, 200
PORTION = 1000
#: Of a hundred tasks so many are finished from the start.
FINISHED = 5
#: What people do to an open task: our word -> the practice vendor's.
ACTIONS = {
    "complete": "completed",
    "cancel": "cancelled",
    "skip": "skipped",
    "no_show": "marked no show",
    "archive": "archived",
    "start": "started",
    "snooze": "snoozed",
    "reassign": "reassigned",
    "reschedule": "rescheduled",
    "far": "moved outside the window",
    "delete": "deleted",
}
ENDS = {
    "complete": "completed",
    "cancel": "cancelled",
    "skip": "skipped",
    "no_show": "no_show",
    "archive": "cancelled",
}
#: A vendor's state -> our status and the vendor's word for it.
MEANING = {
    "saleshandy": {
        "completed": ("completed", "completed"),
        "skipped": ("skipped", "skipped"),
        "snoozed": ("open", "snoozed"),
    },
    "leadsquared": {
        "open": ("open", "Incomplete"),
        "completed": ("completed", "Complete"),
    },
    "reply": {
        "open": ("open", "new"),
        "completed": ("completed", "finished"),
        "cancelled": ("cancelled", "cancelled"),
        "archived": ("cancelled", "archived"),
    },
    "ysuite": {
        "open": ("open", "0"),
        "in_progress": ("in_progress", "1"),
        "completed": ("completed", "2"),
        "cancelled": ("cancelled", "3"),
        "no_show": ("no_show", "4"),
    },
}
KINDS = {
    "saleshandy": "13",
    "leadsquared": "Meeting",
    "reply": "call",
    "ysuite": "Task",
}
#: Most rows that one answer of a list holds: documented, for LeadSquared as in the
#: documentation's example, for Saleshandy as documented of its other lists.
ROWS = {"saleshandy": 100, "leadsquared": 200, "reply": 1000, "ysuite": 100}
SHOWN = {"open": "0", "in_progress": "1"}


class Books:
    """An account, its tasks on both sides, and what must hold between them."""

    def __init__(self, stage: Stage, vendor: str, chance: random.Random) -> None:
        self.stage, self.vendor, self.chance = stage, vendor, chance
        #: What people at the vendor could still do something to: id -> open?
        self.living: dict[str, bool] = {}
        #: How tasks ended that somebody finished, at the last time.
        self.ended: dict[str, str] = {}

    # -- seeding -----------------------------------------------------------------------

    def open(self, count: int, finished: int = FINISHED) -> None:
        """Put `count` delivered tasks on both sides, some of them finished long ago."""
        from tasks_app.practice import VENDORS
        from tests.factories import make_team, make_vendor_user

        team = make_team(time_zone=ZONE.key)
        self.account = self.stage.account(
            self.vendor, team, rates=[[100_000, 1]], settings={"time_zone": ZONE.key}
        )
        self.account.vendor_users.all().delete()
        form = VENDORS[self.vendor].user_id_form
        self.users = [form.format(n=n) for n in range(1, 5)]
        # Baton knows three of the four people there.
        known = [
            make_vendor_user(self.account, external_id=key) for key in self.users[:3]
        ]
        self.actions = [
            name for name in ACTIONS if name in (*VENDORS[self.vendor].actions, "far")
        ]
        people = make_people(self.account, 50)
        links = dict(
            self.account.prospect_links.values_list("prospect_id", "external_id")
        )
        for start in range(0, count, PORTION):
            rows = [
                self.row(links[person.pk], number, finished)
                for number in range(start, min(start + PORTION, count))
                for person in [people[number % len(people)]]
            ]
            ids = self.control("POST", "plant", tasks=rows)["ids"]
            self.keep(rows, ids, people, known, start)
            for key, row in zip(ids, rows, strict=True):
                self.living[key] = row["state"] == "open"
                if not self.living[key]:
                    self.ended[key] = "completed"

    def row(self, prospect: str, number: int, finished: int) -> dict[str, Any]:
        """Return a task as the vendor keeps it."""
        start = self.moment(self.chance.randint(FIRST, LAST))
        end = start + timedelta(hours=1)
        done = number % 100 < finished
        made = datetime.now(UTC) - timedelta(days=20, seconds=-number % 86_400)
        row: dict[str, Any] = {
            "prospect": prospect,
            "owner": self.users[number % 3],
            "kind": KINDS[self.vendor],
            "state": "completed" if done else "open",
            "title": "Follow up",
            "note": "Call about the renewal",
            "created": stamp(made),
        }
        if done:
            row["finished"] = row["modified"] = stamp(made + timedelta(hours=1))
        if self.vendor == "saleshandy":
            row["due"] = start.astimezone(ZONE).date().isoformat()
        else:
            row |= {"starts": self.spell(start), "due": self.spell(end)}
        if self.vendor == "ysuite":
            row["extra"] = {"end": row["due"]}
        return row

    def moment(self, days: int) -> datetime:
        day = datetime.now(ZONE).date() + timedelta(days=days)
        clock = time(self.chance.randint(8, 17), self.chance.choice((0, 15, 30, 45)))
        return datetime.combine(day, clock, tzinfo=ZONE).astimezone(UTC)

    def spell(self, at: datetime) -> str:
        """Return a time in the vendor's own form."""
        if self.vendor == "ysuite":
            return at.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")
        form = (
            "%Y-%m-%d %H:%M:%S"
            if self.vendor == "leadsquared"
            else "%Y-%m-%dT%H:%M:%SZ"
        )
        return at.strftime(form)

    def keep(
        self, rows: list[Any], ids: list[str], people: list[Any], known: Any, start: int
    ) -> None:
        """Write the same tasks into Baton's database, as delivered long ago."""
        from tasks_app.models import Task
        from tests.factories import TYPES

        kind = self.account.task_types.get(code=TYPES[self.vendor])
        tasks = []
        for place, (row, key) in enumerate(zip(rows, ids, strict=True)):
            status, word = self.meaning(row)
            task = Task(
                team=self.account.team,
                account=self.account,
                prospect=people[(start + place) % len(people)],
                type=kind,
                channel=kind.channel,
                title="Follow up",
                vendor_user=known[self.users.index(row["owner"])],
                status=status,
                vendor_status=word,
                delivery=Task.Delivery.DELIVERED,
                external_id=key,
                created_at=datetime.fromisoformat(row["created"]),
                completed_at=datetime.fromisoformat(row["finished"])
                if status == "completed"
                else None,
                **self.dates(row),
            )
            task.fill_derived(self.account.team)
            tasks.append(task)
        Task.objects.bulk_create(tasks, batch_size=500)

    def control(self, verb: str, path: str, /, **body: Any) -> Any:
        return self.stage.control(self.vendor, verb, path, **body)

    def close(self) -> None:
        """Let no later campaign meet this account."""
        from django.utils import timezone

        self.account.deleted_at = timezone.now()
        self.account.save(update_fields=["deleted_at"])
        self.control("POST", "reset")

    # -- what people there do ----------------------------------------------------------

    def change(self, count: int) -> Counter[str]:
        """Change so many tasks at random; return how often what was done."""
        done: Counter[str] = Counter()
        keys = list(self.living)
        for _ in range(count):
            key = self.chance.choice(keys)
            if key not in self.living:
                continue
            done[self.change_one(key)] += 1
        return done

    def change_one(self, key: str) -> str:
        if not self.living[key]:
            self.act("reopen", key)
            self.living[key] = True
            return "reopened"
        action = self.chance.choice(self.actions)
        if action in ENDS:
            self.act(action, key)
            self.living[key] = False
            self.ended[key] = ENDS[action]
        elif action == "delete":
            self.act(action, key)
            del self.living[key]
        elif action == "reassign":
            self.act(action, key, user=self.chance.choice(self.users))
        elif action == "far":
            days = FAR + self.chance.randint(0, 30)
            self.act("reschedule", key, to=self.to(days))
        elif action in ("reschedule", "snooze"):
            self.act(action, key, to=self.to(self.chance.randint(FIRST + 2, LAST - 2)))
        else:
            self.act(action, key)
        return ACTIONS[action]

    def to(self, days: int) -> str:
        at = self.moment(days)
        if self.vendor == "ysuite":
            return at.astimezone(ZONE).replace(tzinfo=None).isoformat()
        return at.isoformat()

    def act(self, action: str, key: str, **more: str) -> None:
        try:
            self.control("POST", "act", action=action, ids=[key], **more)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{self.vendor}: {action}: {error.read()!r}") from error

    # -- cycles ------------------------------------------------------------------------

    def skip_window(self) -> None:
        """Take the time window in which a run would begin by itself."""
        from django.conf import settings
        from django.utils import timezone

        from tasks_app.models import SyncRun

        every = settings.SYNC_EVERY
        window = f"every-{every:g}-{int(timezone.now().timestamp() // every)}"
        SyncRun.objects.get_or_create(
            account=self.account, window=window, defaults={"state": SyncRun.State.DONE}
        )

    def ask(self) -> Any:
        """Ask for a reading; return its run."""
        from tasks_app.services.syncing import request_sync

        return request_sync(self.account)

    def unfinished(self) -> bool:
        """Return whether a reading is under way."""
        from tasks_app.models import SyncRun

        return SyncRun.objects.filter(
            account=self.account,
            state__in=[SyncRun.State.WAITING, SyncRun.State.RUNNING],
        ).exists()

    def calls(self) -> int:
        return int(self.control("GET", "state")["calls"])

    def least_calls(self) -> int:
        """Return the fewest calls that can show every open task of ours as it is now.

        By somebody who knows beforehand where each task is: whole pages of the cheapest
        lists, and one call for each task that no list shows any more.
        """
        ours = set(
            self.account.tasks.filter(status__in=("open", "in_progress")).values_list(
                "external_id", flat=True
            )
        )
        theirs = {str(row["id"]): row for row in self.control("GET", "tasks")}
        gone = len(ours - theirs.keys())
        rows = list(theirs.values())
        size = ROWS[self.vendor]
        if self.vendor == "reply":
            return pages(len(rows), size) + gone
        if self.vendor == "ysuite":
            holders = Counter(row["owner"] for row in rows)
            return sum(pages(count, size) for count in holders.values()) + gone
        since = self.since()
        ended = [row for row in rows if row["finished"] and row["state"] != "open"]
        fresh = [row for row in ended if row["modified"] > since]
        if self.vendor == "leadsquared":
            live = Counter(row["owner"] for row in rows if row["state"] == "open")
            done = Counter(row["owner"] for row in fresh)
            return gone + sum(
                pages(live[owner], size) + pages(done[owner], size) for owner in live
            )
        # One list of all statuses, or those of the open ones and each snoozed one alone.
        snoozed = [row for row in rows if row["state"] == "snoozed"]
        words = Counter(self.word(row) for row in rows if row["state"] == "open")
        news = Counter(row["state"] for row in fresh)
        finished = sum(pages(news[w], size) for w in ("completed", "skipped"))
        lists = sum(pages(count, size) for count in words.values()) + finished
        return gone + min(pages(len(rows), size), lists + len(snoozed))

    def since(self) -> str:
        self.account.refresh_from_db()
        mark = self.account.watermark or datetime(2000, 1, 1, tzinfo=UTC)
        return stamp(mark)

    # -- the reckoning -----------------------------------------------------------------

    def compare(self) -> list[str]:
        """Return a sentence for every task that is not the same on both sides.

        A task that was finished stays so here when it is deleted there later. Whether
        it was reopened in between, no list of any vendor tells.
        """
        theirs = {str(row["id"]): row for row in self.control("GET", "tasks")}
        wrong = []
        self.deleted_when_finished = 0
        tasks = self.account.tasks.select_related("vendor_user")
        for task in tasks.iterator(chunk_size=2000):
            row = theirs.get(task.external_id)
            have: dict[str, Any] = {
                "status": task.status,
                "word": task.vendor_status,
            }
            if row is None and self.ended.get(task.external_id) == task.status:
                self.deleted_when_finished += 1
                continue
            if row is None:
                want: dict[str, Any] = {"status": "removed", "word": "removed"}
            else:
                status, word = self.meaning(row)
                want = {"status": status, "word": word, "holder": row["owner"]}
                want |= self.dates(row)
                have["holder"] = task.vendor_user and task.vendor_user.external_id
                have |= {name: getattr(task, name) for name in self.dates(row)}
                if row["state"] == "snoozed" and task.due_on is not None:
                    # Put off within its day: a task without a time keeps its day.
                    same = task.due_on == want["due_at"].astimezone(ZONE).date()
                    have |= {"due_at": want["due_at"], "due_on": None} if same else {}
            if have != want:
                off = {k: (have[k], want[k]) for k in want if have[k] != want[k]}
                wrong.append(f"{task.external_id}: (ours, theirs) {off}")
        return wrong

    def meaning(self, row: dict[str, Any]) -> tuple[str, str]:
        """Return our status and the vendor's word for this task of the vendor's."""
        if self.vendor == "saleshandy" and row["state"] == "open":
            return "open", self.word(row)
        return MEANING[self.vendor][row["state"]]

    def word(self, row: dict[str, Any]) -> str:
        today = datetime.now(UTC).date().isoformat()
        if row["due"] == today:
            return "dueToday"
        return "upcoming" if row["due"] > today else "overdue"

    def dates(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the dates as Baton keeps them."""
        if self.vendor == "saleshandy":
            if row["state"] == "snoozed":
                until = datetime.fromisoformat(row["extra"]["snoozed_until"])
                return {"due_at": until, "due_on": None}
            return {"due_on": date.fromisoformat(row["due"]), "due_at": None}
        zone = ZONE if self.vendor == "ysuite" else UTC
        return {
            name: datetime.fromisoformat(row[key].replace("Z", "")).replace(tzinfo=zone)
            for name, key in (("starts_at", "starts"), ("due_at", "due"))
        }


def stamp(at: datetime) -> str:
    """Return a time as a vendor's books have it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def pages(count: int, size: int) -> int:
    return -(-count // size)
