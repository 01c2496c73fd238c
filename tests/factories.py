"""Valid rows for tests; a test names only what it is about."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from tasks_app.models import (
    Batch,
    ConnectedAccount,
    Membership,
    Prospect,
    ProspectLink,
    Push,
    Task,
    TaskType,
    Team,
    VendorUser,
)
from tasks_app.vendors import ADAPTERS

count = itertools.count(1)

CREDENTIALS = {
    "saleshandy": {"api_key": "key-saleshandy"},
    "leadsquared": {"access_key": "access-lsq", "secret_key": "secret-lsq"},
    "reply": {"api_key": "key-reply"},
    "ysuite": {"access_key": "access-ys", "secret_key": "secret-ys"},
}
EXTERNAL_IDS = {
    "saleshandy": lambda n: f"Pr{n:08d}",
    "leadsquared": lambda n: f"7e5b7380-4295-4af2-9706-{n:012d}",
    "reply": lambda n: str(100000 + n),
    "ysuite": lambda n: str(2000 + n),
}
TYPES = {"saleshandy": "13", "leadsquared": "Meeting", "reply": "2", "ysuite": "task"}


def make_team(**overrides: Any) -> Team:
    return Team.objects.create(**{"name": f"Team {next(count)}", **overrides})


def make_user(team: Team | None = None, role: str = "lead", **overrides: Any) -> User:
    """A person with the password "baton-test-pass", a member of `team` if given."""
    name = overrides.pop("username", f"person{next(count)}")
    user = User(username=name, email=f"{name}@baton.example", **overrides)
    user.set_password("baton-test-pass")
    user.save()
    if team is not None:
        Membership.objects.create(team=team, user=user, role=role)
    return user


def client_of(user: User) -> Client:
    """A browser without a window, in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def make_account(vendor: str = "saleshandy", **overrides: Any) -> ConnectedAccount:
    """A connected account with its fixed task types (one "Meeting" at LeadSquared)."""
    team = overrides.pop("team", None) or make_team()
    adapter = ADAPTERS[vendor]
    account = ConnectedAccount.objects.create(
        **{
            "team": team,
            "vendor": vendor,
            "name": f"{adapter.name} {next(count)}",
            "base_url": adapter.base_urls[0][0],
            "credentials": CREDENTIALS[vendor],
            "rates": [[100000, 1]],
            **overrides,
        }
    )
    types = [(t.code, t.name, t.channel.value) for t in adapter.fixed_types or ()]
    for code, name, channel in types or [("Meeting", "Meeting", "meeting")]:
        TaskType.objects.create(account=account, code=code, name=name, channel=channel)
    return account


def make_prospect(team: Team | None = None, **overrides: Any) -> Prospect:
    number = next(count)
    return Prospect.objects.create(
        **{
            "team": team or make_team(),
            "first_name": "Ada",
            "last_name": f"Okafor{number}",
            "company": "Halden Freight",
            "email": f"ada{number}@halden.example",
            **overrides,
        }
    )


def make_link(prospect: Prospect, account: ConnectedAccount) -> ProspectLink:
    return ProspectLink.objects.create(
        prospect=prospect,
        account=account,
        external_id=EXTERNAL_IDS[account.vendor](next(count)),
    )


def make_vendor_user(account: ConnectedAccount, **overrides: Any) -> VendorUser:
    number = next(count)
    return VendorUser.objects.create(
        **{
            "account": account,
            "external_id": str(number),
            "name": f"Rep {number}",
            "email": f"rep{number}@baton.example",
            **overrides,
        }
    )


def make_task(**overrides: Any) -> Task:
    """A task for a linked prospect; give `account`, `prospect` or any field."""
    account = overrides.pop("account", None) or make_account()
    if "prospect" not in overrides:
        overrides["prospect"] = make_prospect(account.team)
        make_link(overrides["prospect"], account)
    kind = overrides.pop("type", None) or account.task_types.get(
        code=TYPES[account.vendor]
    )
    task = Task(
        **{
            "team": account.team,
            "account": account,
            "type": kind,
            "channel": kind.channel,
            "title": "Follow up on the proposal",
            **overrides,
        }
    )
    task.fill_derived(account.team)
    task.save()
    return task


def make_push(**overrides: Any) -> Push:
    """A queued create push; `task` or `account` may be given."""
    task = overrides.pop("task", None)
    if task is None:
        account = overrides.pop("account", None)
        task = make_task(**({"account": account} if account else {}))
    return Push.objects.create(**{"task": task, "account": task.account, **overrides})


def make_batch(account: ConnectedAccount, **overrides: Any) -> Batch:
    return Batch.objects.create(
        **{"team": account.team, "account": account, "title": "Batch", **overrides}
    )
