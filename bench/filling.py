"""Tables full of tasks as years of work leave them: made by chance, the same for a seed.

A few teams of very different size, most work long finished, batches from one task to
two thousand, people and accounts that have much more than others.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, models
from django.utils import timezone

from tasks_app.models import (
    NEVER,
    Batch,
    ConnectedAccount,
    Membership,
    Prospect,
    ProspectLink,
    SavedView,
    SyncRun,
    Tag,
    Task,
    TaskType,
    Team,
    VendorUser,
)
from tasks_app.vendors import ADAPTERS
from tests.factories import CREDENTIALS

from .tables import Rows, adapted_text, insert_select


def listed(text: str, between: str | None = None) -> list[str]:
    return text.split(between)


DAYS = 3 * 365
#: Share of all tasks by team; the first is the one whose pages are opened.
TEAMS = (0.40, 0.20, 0.12, 0.09, 0.07, 0.05, 0.04, 0.03)
REPS = (24, 14, 10, 8, 6, 5, 4, 3)
ACCOUNTS = ("saleshandy", "leadsquared", "reply", "ysuite", "reply", "leadsquared")
LARGEST_BATCH = 2000
TAGS = listed(
    "Hot,Cold,Renewal,Trial,Partner,Webinar,Fair 2025,Inbound,Churned,VIP", ","
)
FIRST = listed(
    "Ada Ben Cleo Dan Eva Femi Gia Hugo Ines Jon Kira Liam Mona Nils Ola Pia Quinn Rosa "
    "Sven Tara Uma Vera Wim Xenia Yara Zoë"
)
LAST = listed(
    "Okafor Brandt Costa Dubois Eriksen Fischer Garcia Haas Ivanov Jansen Kaya Lopez "
    "Meyer Novak Olsen Petrov Quist Rossi Silva Tanaka Ueda Vogel Weber Xu Yilmaz Zhang"
)
COMPANIES = listed(
    "Halden Nordic Atlas Blue River Summit Pioneer Harbor Maple Vertex Orion Delta"
)
KINDS = listed("Freight Foods Robotics Health Energy Media Tools Travel Labs Capital")
TITLES = listed(
    "Follow up on the proposal,Call about the renewal,Send the price list,Ask for a "
    "reference,Say thanks for the visit,Plan the workshop,Check in after the trial,"
    "Confirm the meeting,Share the case study,Win back",
    ",",
)
NOTES = (
    "They asked for a discount on two years.",
    "Decision in the next board meeting; be short and bring figures.",
    "Met at the fair. Wants to see the integration with their warehouse first.",
    "",
)


def fill(tasks: int, seed: int) -> None:
    """Make so many tasks, a tenth as many prospects, and all that belongs to them."""
    chance = random.Random(f"{seed}-{tasks}")
    now = timezone.now().replace(microsecond=0)
    people = Rows(Prospect)
    batches = Rows(Batch)
    writers: dict[type[models.Model], Rows] = {
        Prospect: people,
        ProspectLink: Rows(ProspectLink, after=[people]),
        Batch: batches,
        Task: Rows(Task, after=[people, batches]),
    }
    tagged = Rows(Prospect.tags.through, after=[people])
    for place, share in enumerate(TEAMS):
        world = TeamOfBench(place, chance, now)
        world.fill(round(tasks * share), writers, tagged)
    for writer in (*writers.values(), tagged):
        writer.write()
    follow(now)
    settle()


class TeamOfBench:
    """One team with its people, accounts, prospects, batches and tasks."""

    def __init__(self, place: int, chance: random.Random, now: datetime) -> None:
        self.chance, self.now = chance, now
        self.team = Team.objects.create(name=f"Team {place}", time_zone="Europe/Berlin")
        self.people = [
            person(self.team, f"t{place}-{number}", "rep" if number else "lead")
            for number in range(REPS[place] + 1)
        ]
        vendors = ACCOUNTS if place == 0 else ACCOUNTS[:3]
        self.accounts = [account(self.team, v, n) for n, v in enumerate(vendors)]
        self.types = {
            a.pk: list(TaskType.objects.filter(account=a).order_by("pk"))
            for a in self.accounts
        }
        self.holders = {
            a.pk: {
                user.pk: VendorUser.objects.create(
                    account=a, external_id=f"u{user.pk}", name=user.username, user=user
                ).pk
                for user in self.people
            }
            for a in self.accounts
        }
        self.strangers = {
            a.pk: VendorUser.objects.create(account=a, external_id="x", name="Else").pk
            for a in self.accounts
        }
        self.tags = [Tag.objects.create(team=self.team, name=name).pk for name in TAGS]
        lead = self.people[0]
        for name, query in (
            ("Urgent", "status=open,in_progress&priority=urgent"),
            ("Failed", "delivery=failed"),
        ):
            SavedView.objects.create(
                team=self.team, owner=lead, name=name, query=query, shared=True
            )

    def fill(
        self, tasks: int, writers: dict[type[models.Model], Rows], tagged: Rows
    ) -> None:
        people = [
            self.prospect(number, writers, tagged)
            for number in range(max(1, tasks // 10))
        ]
        made = 0
        while made < tasks:
            size = min(self.batch_size(), tasks - made)
            self.batch(size, people, writers)
            made += size

    def prospect(
        self, number: int, writers: dict[type[models.Model], Rows], tagged: Rows
    ) -> tuple[int, str]:
        """Add a prospect; return its id and what it is found by."""
        pick = self.chance.choice
        first, last = pick(FIRST), f"{pick(LAST)}{number}"
        company = f"{pick(COMPANIES)} {pick(KINDS)}"
        email = f"{first}.{last}@{company.replace(' ', '')}.example".lower()
        text = f"{first} {last} {company} {email}".casefold()
        pk = writers[Prospect].add(
            team_id=self.team.pk,
            first_name=first,
            last_name=last,
            company=company,
            email=email,
            email_key=email,
            search_text=text,
            do_not_contact=self.chance.random() < 0.02,
            updated_at=self.now,
        )
        for place in skewed_sample(self.chance, len(TAGS), most=3):
            tagged.add(prospect_id=pk, tag_id=self.tags[place])
        chosen = self.chance.sample(self.accounts, 2)
        for each in chosen:
            writers[ProspectLink].add(
                prospect_id=pk, account_id=each.pk, external_id=f"p{pk}"
            )
        return pk, text

    def batch_size(self) -> int:
        luck = self.chance.random()
        if luck < 0.55:
            return 1
        if luck < 0.85:
            return self.chance.randint(2, 20)
        if luck < 0.985:
            return self.chance.randint(20, 200)
        return self.chance.randint(200, LARGEST_BATCH)

    def batch(
        self,
        size: int,
        people: list[tuple[int, str]],
        writers: dict[type[models.Model], Rows],
    ) -> None:
        chance = self.chance
        at = self.now - timedelta(seconds=chance.randint(0, DAYS * 86400))
        where = self.accounts[skewed(chance, len(self.accounts))]
        kinds = self.types[where.pk]
        kind = kinds[skewed(chance, len(kinds))]
        title = chance.choice(TITLES)
        lead = self.people[0]
        pk = writers[Batch].add(
            team_id=self.team.pk,
            account_id=where.pk,
            created_by_id=lead.pk,
            title=title,
            form_token=f"{chance.getrandbits(128):032x}",
            created_at=at,
        )
        note = chance.choice(NOTES)
        priority = chance.choices((0, 1, 2, 3, 4), (40, 10, 30, 15, 5))[0]
        ahead = chance.randint(0, 21)
        for number in range(size):
            who, text = chance.choice(people)
            due = at + timedelta(days=ahead, seconds=chance.randint(0, 8 * 3600))
            values = self.standing(at, due, where)
            external_id = values.get("external_id", "")
            writers[Task].add(
                team_id=self.team.pk,
                account_id=where.pk,
                batch_id=pk,
                prospect_id=who,
                type_id=kind.pk,
                channel=kind.channel,
                title=title,
                note=note,
                priority=priority if number % 5 else chance.randint(0, 4),
                created_by_id=lead.pk,
                created_at=at,
                updated_at=at,
                search_text=" ".join((title, note, external_id, text)).casefold(),
                **values,
            )

    def standing(
        self, at: datetime, due: datetime, where: ConnectedAccount
    ) -> dict[str, Any]:
        """Return the dates, the holder, the status and the delivery of one task."""
        chance = self.chance
        values: dict[str, Any] = {"due_at": due, "due_sort": due}
        luck = chance.random()
        if luck < 0.1:
            day = due.date()
            end = end_of(self.team, day)
            values = {"due_on": day, "due_sort": end, "due_at": None}
        elif luck < 0.13:
            values = {"due_at": None, "due_sort": NEVER}
        luck = chance.random()
        if luck < 0.85:
            user = self.people[skewed(chance, len(self.people))]
            values["assignee_id"] = user.pk
            values["vendor_user_id"] = self.holders[where.pk][user.pk]
        elif luck < 0.92:
            values["vendor_user_id"] = self.strangers[where.pk]
        late = (self.now - due).days
        left = 0.9 if late < 0 else 0.1 if late < 60 else 0.002
        if chance.random() < left:
            values["status"] = "open" if chance.random() < 0.95 else "in_progress"
        else:
            words = ("completed", "skipped", "cancelled", "no_show", "removed")
            values["status"] = chance.choices(words, (80, 8, 5, 4, 3))[0]
            done = min(self.now, due + timedelta(hours=chance.randint(-20, 40)))
            values["completed_at"] = max(at, done)
        return values | self.delivery(at)

    def delivery(self, at: datetime) -> dict[str, Any]:
        luck = self.chance.random()
        if self.now - at < timedelta(hours=3):
            return {"delivery": "queued", "completed_at": None, "status": "open"}
        if luck < 0.005:
            words = ("too_late", "Its due time passed before it could be sent.")
            if luck < 0.003:
                words = ("rejected", "The prospect is not known there.")
            return {
                "delivery": "failed",
                "delivery_kind": words[0],
                "delivery_error": words[1],
            }
        if luck < 0.0055:
            return {"delivery": "needs_check"}
        if luck < 0.015:
            return {"delivery": "withdrawn", "status": "cancelled"}
        return {
            "delivery": "delivered",
            "external_id": f"v{self.chance.getrandbits(60):x}",
            "as_of": self.now,
        }


@cache
def end_of(team: Team, day: date) -> datetime:
    return team.end_of(day)


def skewed(chance: random.Random, count: int) -> int:
    """Return a place below `count`, the first ones much more often than the last."""
    return min(int(chance.expovariate(4) * count), count - 1)


def skewed_sample(chance: random.Random, count: int, most: int) -> set[int]:
    return {skewed(chance, count) for _ in range(chance.randint(0, most))}


def person(team: Team, name: str, role: str) -> User:
    user = User.objects.create(
        username=name,
        first_name=name.title(),
        last_name="Bench",
        email=f"{name}@baton.example",
        is_staff=role == "lead",
        is_superuser=role == "lead",
    )
    Membership.objects.create(team=team, user=user, role=role)
    return user


def account(team: Team, vendor: str, number: int) -> ConnectedAccount:
    adapter = ADAPTERS[vendor]
    made = ConnectedAccount.objects.create(
        team=team,
        vendor=vendor,
        name=f"{adapter.name} {number}",
        base_url=adapter.base_urls[0][0],
        credentials=CREDENTIALS[vendor],
        checked_at=timezone.now(),
        synced_at=timezone.now(),
    )
    types = [(t.code, t.name, t.channel.value) for t in adapter.fixed_types or ()]
    for code, name, channel in types or [
        ("Meeting", "Meeting", "meeting"),
        ("Phone", "Phone call", "call"),
        ("Demo", "Demo", "todo"),
    ]:
        TaskType.objects.create(account=made, code=code, name=name, channel=channel)
    return made


# -- what follows from tasks, written by the database itself -------------------------------


def follow(now: datetime) -> None:
    """Give every task its push and its history, and accounts their readings."""
    from tasks_app.models import Exchange, Push, TaskEvent

    push = {
        "account_id": "account_id",
        "task_id": "id",
        "state": "delivery",
        "external_id": "external_id",
        "not_before": "created_at",
        "created_at": "created_at",
        "updated_at": "created_at",
        "sent_at": "created_at",
        "look_at": "CASE WHEN delivery = 'needs_check' THEN created_at END",
        "ask_person": "CASE WHEN delivery = 'needs_check' THEN true ELSE false END",
        "group_key": "'group'",
        "tries": "CASE WHEN delivery = 'queued' THEN 0 ELSE 1 END",
    }
    insert_select(Push, push, "baton_task")
    for kind in ("created", "delivery"):
        event = {
            "task_id": "id",
            "at": "created_at",
            "source": "'person'" if kind == "created" else "'push'",
            "kind": f"'{kind}'",
            "new": "delivery" if kind == "delivery" else "''",
        }
        insert_select(TaskEvent, event, "baton_task")
    young = adapted_text(now - timedelta(days=90))
    call = {
        "id": "id",
        "account_id": "account_id",
        "began_at": "created_at",
        "ended_at": "created_at",
        "method": "'POST'",
        "path": "'/tasks'",
        "purpose": "'create'",
        "outcome": "'done'",
        "response_body": "'{}'",
        "status_code": "200",
    }
    recent = f"baton_push WHERE created_at > '{young}' AND state <> 'queued'"
    insert_select(Exchange, call, recent)
    through = Exchange.pushes.through
    insert_select(through, {"exchange_id": "id", "push_id": "id"}, recent)
    runs = Rows(SyncRun)
    for each in ConnectedAccount.objects.order_by("pk"):
        for number in range(2000):
            at = now - timedelta(minutes=5 * number)
            runs.add(
                account_id=each.pk, window=f"w{number}", state="done", created_at=at
            )
    runs.write()


def settle() -> None:
    """Let sequences go on behind the rows, and the planner know what there is."""
    if connection.vendor != "postgresql":
        return  # as Baton leaves it: nobody tells SQLite what there is
    with connection.cursor() as cursor:
        for model in (Prospect, ProspectLink, Batch, Task, SyncRun):
            table = model._meta.db_table
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
                f"(SELECT COALESCE(MAX(id), 1) FROM {table}))"
            )
        cursor.execute("VACUUM ANALYZE")
