"""Reads what `create_tasks` is given about who gets the tasks, and on which days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from tasks_app.models import ConnectedAccount, VendorUser
from tasks_app.services import assigning
from tasks_app.services.plans import Plan, Sharing, TaskInput
from tasks_app.services.spreading import MOST_PER_DAY, Spread
from tasks_app.vendors.offers import FormField


def shared(
    account: ConnectedAccount,
    given: TaskInput,
    options: Mapping[str, Any],
    fields: Mapping[str, FormField],
) -> TaskInput:
    """Return what was given with who gets the tasks, and how many on a day."""
    text = (options["assignee"] or "").strip()
    spread = spread_of(options["spread"])
    if text.casefold() == "owner":
        return replace(given, sharing=Sharing("owner", spread=spread))
    people = [
        person_named(account, name.strip(), fields)
        for name in text.split(",")
        if name.strip()
    ]
    if len(people) > 1:
        return replace(given, sharing=Sharing("turn", tuple(people), spread=spread))
    assignee = people[0] if people else None
    return replace(given, assignee=assignee, sharing=Sharing(spread=spread))


def person_named(
    account: ConnectedAccount, text: str, fields: Mapping[str, FormField]
) -> User | VendorUser:
    found = assigning.named(account, text, at_vendor="assignee" in fields)
    if found is None:
        raise CommandError(
            f"--assignee: nobody is known as “{text}” at {account.name}."
        )
    return found


def spread_of(text: str | None) -> Spread | None:
    """Return what `50/day` or `20/day/person` means; raise `CommandError`."""
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,5})\s*/\s*day(\s*/\s*person)?", text.strip(), re.I)
    if found is None or not 1 <= int(found[1]) <= MOST_PER_DAY:
        raise CommandError(f"--spread: “{text}” is not of the form 50/day.")
    return Spread(int(found[1]), each=bool(found[2]))


def share_lines(plan: Plan) -> list[str]:
    """Return who gets how many, on which day; nothing where all is the same."""
    shares = plan.shares
    if shares is None or not shares.is_worth_showing:
        return []
    lines = []
    for day, numbers, _ in shares.rows:
        when = f"{day}: " if day and shares.days else ""
        some = [
            f"{name} {number}"
            for (name, _), number in zip(shares.people, numbers, strict=True)
            if number
        ]
        lines.append(f"Share: {when}{', '.join(some)}")
    return lines
