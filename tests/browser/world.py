"""A team in the middle of its week: something of everything that pages can show."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle

from django.contrib.auth.models import User
from django.utils import timezone

from tasks_app.models import (
    Batch,
    ConnectedAccount,
    Exchange,
    FormDraft,
    Heartbeat,
    Prospect,
    Push,
    SavedView,
    SyncRun,
    Tag,
    Task,
    TaskEvent,
    TaskTemplate,
    Team,
)
from tasks_app.services import pausing
from tests.factories import (
    EXTERNAL_IDS,
    make_account,
    make_batch,
    make_link,
    make_prospect,
    make_push,
    make_task,
    make_team,
    make_user,
    make_vendor_user,
)

PEOPLE = (
    ("Rasmus", "van der Berg", "Head of Purchasing", "Kestrel Diagnostics"),
    ("María-José", "Fontaine", "VP Sales", "Larkspur Health"),
    ("Anouk", "O'Brien", "Head of IT", "Halden & Vale"),
    ("Łukasz", "Żółkiewski", "Plant Manager", "Tidal Works"),
    ("Ngozi", "Adeyemi", "Chief of Staff", "Umbra Logistics"),
    ("美咲", "山本", "Director", "Oakridge KK"),
    ("Ada", "Lindqvist-Papadopoulos", "Managing Director", "Sørensen & Sønner A/S"),
    ("Tom", "Reed", "", "Blue Fen"),
)
ACCOUNTS = {
    "saleshandy": "Outbound EU",
    "leadsquared": "Enterprise CRM",
    "reply": "Reply SDR pool",
    "ysuite": "Partner desk",
}
TITLES = (
    "Call about the renewal",
    "Send the security questionnaire",
    "Quarterly review",
    "Follow up on the pilot, and ask who signs now that Ms. Adeyemi has moved to legal",
    "Invite to the site visit",
)
DELIVERIES = (
    ("delivered", "", ""),
    ("delivered", "", ""),
    ("delivered", "", ""),
    ("queued", "", ""),
    ("sending", "", ""),
    ("failed", "refused", "{vendor} does not know this prospect any more."),
    (
        "needs_check",
        "unknown",
        "No answer within 25 s. The task may exist in {vendor}.",
    ),
    ("withdrawn", "", ""),
)
STATUSES = ("open", "open", "in_progress", "completed", "cancelled", "no_show", "open")
SENT = {"taskNote": "Ask about the audit.", "taskType": "13"}


@dataclass
class World:
    """What pages are shown with."""

    team: Team
    lead: User
    rep: User
    accounts: list[ConnectedAccount]
    batches: list[Batch]
    tasks: list[Task]
    prospects: list[Prospect]
    view: SavedView
    made_there: Task | None = None
    stopped: Task | None = None

    def task_in(self, delivery: str) -> Task:
        return next(task for task in self.tasks if task.delivery == delivery)


def make_world(name: str = "Inside sales", tasks: int = 72) -> World:
    """Return a furnished team; everybody's password is that of the factories."""
    now = timezone.now()
    team = make_team(name=name, time_zone="Europe/Berlin")
    lead = make_user(team, "lead", username="mara", first_name="Mara", last_name="Lind")
    rep = make_user(team, "rep", username="elin", first_name="Elin", last_name="Berg")
    accounts = [
        make_account(vendor, team=team, name=name, rates=[])
        for vendor, name in ACCOUNTS.items()
    ]
    for account in accounts:
        ConnectedAccount.objects.filter(pk=account.pk).update(
            checked_at=now - timedelta(days=2), synced_at=now - timedelta(minutes=3)
        )
        make_vendor_user(account, name="Elin Berg", email=rep.email, user=rep)
        SyncRun.objects.create(
            account=account,
            window="1",
            state="done",
            tasks_read=120,
            tasks_changed=4,
            began_at=now - timedelta(minutes=4),
            ended_at=now - timedelta(minutes=3),
        )
    ConnectedAccount.objects.filter(pk=accounts[3].pk).update(
        state="needs_new_key",
        state_reason="YSuite rejects this key.",
        state_since=now - timedelta(hours=2),
    )
    prospects = [
        make_prospect(
            team,
            first_name=first,
            last_name=last,
            title=title,
            company=company,
            email=f"p{number}@{'sehr-langer-name.' * (number % 3)}kestrel.example",
            owner=("", rep.email, "Mara Lind", "jonas@former.example")[number % 4],
        )
        for number, (first, last, title, company) in zip(
            range(24), cycle(PEOPLE), strict=False
        )
    ]
    tags = [Tag.objects.create(team=team, name=n) for n in ("renewal", "trade fair")]
    for number, prospect in enumerate(prospects):
        prospect.tags.set(tags[: number % 3])
    for prospect in prospects:
        for account in accounts:
            make_link(prospect, account)
    batches = [make_batch(a, title=t) for a, t in zip(accounts, TITLES, strict=False)]
    for batch in batches:
        batch.created_by = lead
        batch.left_out = [
            {
                "prospect_id": prospects[0].pk,
                "name": "Tom Reed",
                "email": "tom@blue-fen.example",
                "reason": "Asked not to be contacted.",
            }
        ]
        batch.save()
    FormDraft.objects.create(
        team=team,
        owner=lead,
        title="Ask about the renewal, and who signs this year",
        people="12 prospects",
        values={"note": ["Ask about the renewal"]},
    )
    TaskTemplate.objects.create(
        team=team,
        name="Renewal call",
        created_by=lead,
        values={"title": ["Renewal"], "note": ["Hi {{firstName}}, it is that time."]},
    )
    view = SavedView.objects.create(
        team=team,
        owner=lead,
        name="Renewals, urgent",
        query="status=open,in_progress&priority=urgent",
        shared=True,
    )
    world = World(team, lead, rep, accounts, batches, [], prospects, view)
    for number in range(tasks):
        world.tasks.append(add_task(world, number, now))
    add_others(world, now)
    pausing.pause(world.batches[2], by=lead)
    beat(now)
    return world


def add_others(world: World, now: datetime) -> None:
    """Add a task that was made at the vendor, and one whose type is gone there."""
    there = world.accounts[1]
    world.made_there = make_task(
        account=there,
        prospect=None,
        vendor_prospect_id="7e5b7380-4295-4af2-9706-000000000042",
        vendor_prospect_name="Ines Carvalho",
        vendor_user=there.vendor_users.first(),
        assignee=world.rep,
        title="Call back about the trial",
        note="She asked for Thursday.",
        due_at=now + timedelta(hours=3),
        origin=Task.Origin.VENDOR,
        delivery="delivered",
        external_id="7e5b7380-4295-4af2-9706-000000000043",
        vendor_status="Incomplete",
        as_of=now - timedelta(minutes=3),
    )
    TaskEvent.objects.create(task=world.made_there, source="sync", kind="brought_in")
    gone = there.task_types.create(
        code="Site visit", name="Site visit", channel="meeting", active=False
    )
    sentence = (
        "LeadSquared no longer has the task type “Site visit”. Nothing was sent. "
        "Choose another type and send it again."
    )
    for prospect in world.prospects[:3]:
        world.stopped = make_task(
            account=there,
            prospect=prospect,
            type=gone,
            title="Visit the plant",
            due_at=now + timedelta(days=2),
            delivery="failed",
            delivery_kind="type_gone",
            delivery_error=sentence,
        )
        make_push(
            task=world.stopped, state="failed", error_kind="type_gone", error=sentence
        )


def beat(now: datetime) -> None:
    """Let worker and scheduler have been alive just now."""
    for role in Heartbeat.Role.values:
        Heartbeat.objects.update_or_create(
            role=role, name="here", defaults={"beat_at": now}
        )


def add_task(world: World, number: int, now: datetime) -> Task:
    """Return one more task: `number` decides what it is like."""
    batch = world.batches[number % len(world.batches)]
    account = batch.account
    delivery, kind, sentence = DELIVERIES[(number // 4) % len(DELIVERIES)]
    external_id = EXTERNAL_IDS[account.vendor](9000 + number)
    sentence = sentence.format(vendor=account.get_vendor_display())
    due = now + timedelta(hours=9 * (number - 20))
    status = STATUSES[number % len(STATUSES)] if delivery == "delivered" else "open"
    task = make_task(
        account=account,
        batch=batch,
        prospect=world.prospects[number % len(world.prospects)],
        title=TITLES[number % len(TITLES)],
        note="Bring the figures of the third quarter.\nAsk who signs.",
        priority=number % 5,
        status=status,
        completed_at=now - timedelta(days=number % 12)
        if status == "completed"
        else None,
        vendor_status="PENDING" if delivery == "delivered" else "",
        as_of=now - timedelta(minutes=3) if delivery == "delivered" else None,
        delivery=delivery,
        delivery_kind=kind,
        delivery_error=sentence,
        external_id=external_id if delivery == "delivered" else "",
        assignee=world.rep if number % 3 else None,
        created_by=world.lead,
        **({"due_on": due.date()} if number % 4 == 0 else {"due_at": due}),
    )
    push = make_push(
        task=task,
        state=delivery,
        external_id=task.external_id,
        error_kind=kind,
        error=sentence,
        tries=1,
        sent_at=now - timedelta(minutes=12),
        ask_person=delivery == "needs_check",
        look_at=now if delivery == "needs_check" else None,
        **(
            {"attempt_id": uuid.uuid4(), "lease_until": now + timedelta(hours=1)}
            if delivery == "sending"
            else {}
        ),
    )
    TaskEvent.objects.create(
        task=task, source="person", actor=world.lead, kind="created", new=batch.title
    )
    if delivery not in ("queued", "withdrawn"):
        add_exchange(push, delivery, sentence, now)
    return task


def add_exchange(push: Push, delivery: str, error: str, now: datetime) -> None:
    """Record the call that was made for this push."""
    outcomes = {"failed": "refused", "needs_check": "unknown", "sending": "begun"}
    exchange = Exchange.objects.create(
        account=push.account,
        purpose="create",
        method="POST",
        path="/tasks/create",
        request_body=SENT,
        status_code={"delivered": 201, "failed": 400}.get(delivery),
        response_body='{"id": 1}' if delivery == "delivered" else "",
        outcome=outcomes.get(delivery, "done"),
        error=error,
        began_at=now - timedelta(minutes=12),
        ended_at=None if delivery == "sending" else now - timedelta(minutes=12),
    )
    exchange.pushes.add(push)
