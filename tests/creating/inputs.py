"""A task that each vendor takes, and prospects it can be created for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tasks_app.models import ConnectedAccount, Prospect
from tasks_app.services.creating import TaskInput
from tests.factories import TYPES, make_link, make_prospect, make_vendor_user

START = datetime(2030, 7, 16, 7, tzinfo=UTC)
DUE = datetime(2030, 7, 16, 15, tzinfo=UTC)


def input_for(account: ConnectedAccount, **overrides: Any) -> TaskInput:
    """Return what a person would write for this account; all required fields are there."""
    values: dict[str, Any] = {
        "type_code": TYPES[account.vendor],
        "note": "Ask about the audit.",
    }
    if account.vendor == "saleshandy":
        values["due_on"] = DUE.date()
    else:
        values |= {"starts_at": START, "due_at": DUE}
    if account.vendor in ("leadsquared", "ysuite"):
        values["title"] = "Audit follow-up"
    if account.vendor == "leadsquared":
        values["assignee"] = make_vendor_user(account)
    return TaskInput(**{**values, **overrides})


def linked_prospects(
    account: ConnectedAccount, number: int, **overrides: Any
) -> list[Prospect]:
    """Return prospects who have an id in this account."""
    prospects = [make_prospect(account.team, **overrides) for _ in range(number)]
    for prospect in prospects:
        make_link(prospect, account)
    return prospects
