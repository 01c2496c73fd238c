"""Connect a team to a vendor, or change how it is connected."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tasks_app.models import ConnectedAccount, Team
from tasks_app.vendors import VendorAdapter

from . import gate
from .account_entry import Entry, adapter_of, existing, read_entry
from .directory import write_types
from .doorbell import ring

logger = logging.getLogger(__name__)

State = ConnectedAccount.State


def connect_account(
    *,
    team: Team,
    vendor: str,
    name: str,
    base_url: str = "",
    credentials: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    rates: Sequence[Sequence[float]] | None = None,
    marker: bool | None = None,
    bring_in: bool | None = None,
    account: ConnectedAccount | None = None,
    by: AbstractBaseUser | None = None,
) -> tuple[ConnectedAccount, bool]:
    """Connect this team to a vendor, or change the account of that name.

    On a change what is left out stays: an empty `base_url` or key, a setting that is
    not named, `rates` and switches that are None. A setting given as '' goes back to
    its default, `rates` given as [] to the vendor's. `account` names the one to change,
    so that its name can change too. Return the account and whether it is new; raise
    ValidationError with a sentence for each field: `vendor`, `name`, `base_url`,
    `rate`, `credential_KEY`, `setting_KEY`.

    New keys and a new address count as untested, open the gate of an account that
    needed them, and ring for its queue.
    """
    adapter = adapter_of(vendor)
    with transaction.atomic():
        # Holding the team's row makes two people who add the same name take turns.
        team = Team.objects.select_for_update().get(pk=team.pk)
        found = existing(team, name.strip(), account)
        entry = read_entry(
            adapter, team, name.strip(), found, base_url, credentials, settings, rates
        )
        if found is None:
            made = _create(adapter, team, name.strip(), entry, marker, bring_in)
            logger.info("Account %s connected by %s", made.pk, who(by))
            return made, True
        _update(found, name.strip(), entry, marker, bring_in)
        logger.info("Account %s changed by %s", found.pk, who(by))
        return found, False


def _create(
    adapter: type[VendorAdapter],
    team: Team,
    name: str,
    entry: Entry,
    marker: bool | None,
    bring_in: bool | None,
) -> ConnectedAccount:
    account = ConnectedAccount.objects.create(
        team=team,
        vendor=adapter.slug,
        name=name,
        base_url=entry.base_url,
        credentials=entry.credentials,
        settings={key: value for key, value in entry.settings.items() if value},
        rates=entry.rates or [],
        reference_marker=adapter.marker_default if marker is None else marker,
        bring_in=bool(bring_in),
    )
    write_types(account, adapter.fixed_types or ())
    return account


def _update(
    account: ConnectedAccount,
    name: str,
    entry: Entry,
    marker: bool | None,
    bring_in: bool | None,
) -> None:
    before = (account.base_url, account.adapter().auth())
    changed = ["name", "base_url", "settings"]
    account.name = name
    account.base_url = entry.base_url
    merged = {**account.settings, **entry.settings}
    account.settings = {key: value for key, value in merged.items() if value}
    if entry.credentials:
        # Keys that nobody can read any more are left behind, never mixed with new ones.
        account.credentials = {**dict(account.credentials), **entry.credentials}
        changed.append("credentials")
    if entry.rates is not None:
        account.rates = entry.rates
        changed.append("rates")
    if marker is not None:
        account.reference_marker = marker
        changed.append("reference_marker")
    if bring_in is not None:
        account.bring_in = bring_in
        changed.append("bring_in")
    renewed = before != (account.base_url, account.adapter().auth())
    if renewed or entry.credentials:
        # An answer to the old key that is still under way says nothing about this one.
        account.credentials_version += 1
        changed.append("credentials_version")
    if renewed:
        account.checked_at = None
        changed.append("checked_at")
    account.save(update_fields=changed)
    write_types(account, account.adapter_class.fixed_types or ())
    if (renewed or entry.credentials) and account.state in (
        State.NEEDS_NEW_KEY,
        State.TROUBLE,
    ):
        gate.reopen(account)
    ring(account.pk)


def who(by: AbstractBaseUser | None) -> str:
    """Return whom a log line names: never more than a number."""
    return f"user {by.pk}" if by else "a command"
