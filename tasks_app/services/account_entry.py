"""What was entered to connect or change an account, read as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction

from tasks_app.models import ConnectedAccount, Team
from tasks_app.vendors import VendorAdapter

from .account_settings import (
    Rates,
    parse_base_url,
    parse_credential,
    parse_rates,
    parse_setting,
    vendor_of,
    write_rates,
)


@dataclass
class Entry:
    """What was entered, parsed; `errors` by field name."""

    credentials: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    base_url: str = ""
    rates: Rates | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, name: str, sentence: object) -> None:
        self.errors.setdefault(name, []).append(str(sentence))


def check_entry(
    *,
    team: Team,
    vendor: str,
    name: str,
    base_url: str = "",
    credentials: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    rates: Sequence[Sequence[float]] | None = None,
    account: ConnectedAccount | None = None,
) -> None:
    """Raise the ValidationError that `connect_account` would; change nothing."""
    with transaction.atomic():
        found = existing(team, name.strip(), account)
        read_entry(
            adapter_of(vendor),
            team,
            name.strip(),
            found,
            base_url,
            credentials,
            settings,
            rates,
        )


def adapter_of(vendor: str) -> type[VendorAdapter]:
    """Return the adapter class; raise ValidationError for an unknown vendor."""
    try:
        return vendor_of(vendor)
    except ValueError as error:
        raise ValidationError({"vendor": [str(error)]}) from None


def read_entry(
    adapter: type[VendorAdapter],
    team: Team,
    name: str,
    found: ConnectedAccount | None,
    base_url: str,
    credentials: Mapping[str, str] | None,
    settings: Mapping[str, str] | None,
    rates: Sequence[Sequence[float]] | None,
) -> Entry:
    """Return what was entered; raise ValidationError with every mistake by field."""
    entry = _parsed(adapter, found, base_url, credentials or {}, settings or {}, rates)
    _check_name(entry, team, name, found)
    if found and found.vendor != adapter.slug:
        entry.refuse(
            "vendor",
            f"“{found.name}” is connected to {found.adapter_class.name}. "
            f"Give the {adapter.name} account another name.",
        )
    if entry.errors:
        raise ValidationError(entry.errors)
    return entry


def existing(
    team: Team, name: str, account: ConnectedAccount | None
) -> ConnectedAccount | None:
    """Return the account to change, locked: the given one or the one of this name."""
    rows = ConnectedAccount.objects.of_team(team).select_for_update()
    rows = rows.filter(pk=account.pk) if account else rows.filter(name=name)
    return rows.first()


def _check_name(
    entry: Entry, team: Team, name: str, account: ConnectedAccount | None
) -> None:
    if not name:
        entry.refuse("name", "Give the account a name.")
    elif len(name) > 100 or not name.isprintable():
        entry.refuse("name", "A name has 100 printable characters at most.")
    others = ConnectedAccount.objects.of_team(team).filter(name=name)
    if account and others.exclude(pk=account.pk).exists():
        entry.refuse("name", f"This team already has an account named “{name}”.")


def _parsed(
    adapter: type[VendorAdapter],
    account: ConnectedAccount | None,
    base_url: str,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    rates: Sequence[Sequence[float]] | None,
) -> Entry:
    entry = Entry(base_url=account.base_url if account else "")
    try:
        if base_url.strip() or account is None:
            entry.base_url = parse_base_url(adapter, base_url)
    except ValueError as error:
        entry.refuse("base_url", error)
    for key, text in credentials.items():
        try:
            if value := parse_credential(adapter, key, text):
                entry.credentials[key] = value
        except ValueError as error:
            entry.refuse(f"credential_{key}", error)
    kept = account.credentials if account else {}
    for key, label in adapter.credential_fields:
        if f"credential_{key}" in entry.errors:
            continue
        if not entry.credentials.get(key) and not kept.get(key):
            entry.refuse(
                f"credential_{key}",
                f"{adapter.name} needs the {label.lower()} ({key}).",
            )
    for key, text in settings.items():
        try:
            entry.settings[key] = parse_setting(adapter, key, text)
        except ValueError as error:
            entry.refuse(f"setting_{key}", error)
    if rates is not None:
        try:
            entry.rates = parse_rates(write_rates(rates))
        except (ValueError, TypeError) as error:
            entry.refuse("rate", error)
    return entry
