"""Connect a team to a vendor."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from tasks_app.management.operator import (
    OperatorCommand,
    Values,
    add_list,
    team_named,
)
from tasks_app.models import ConnectedAccount
from tasks_app.services.account_settings import (
    parse_rates,
    parse_switch,
    settings_of,
    vendor_of,
)
from tasks_app.services.accounts import connect_account, read_types
from tasks_app.services.pacing import Saturated
from tasks_app.services.transport import default_transport
from tasks_app.vendors import ADAPTERS
from tasks_app.vendors.errors import VendorError


class Command(OperatorCommand):
    help = (
        "Connect a team to a vendor, or change the account of that name. "
        "A value @FILE is read from that file, and - from standard input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("vendor", metavar="VENDOR", help=", ".join(ADAPTERS))
        parser.add_argument("name", metavar="NAME", help="the name of the account")
        parser.add_argument("--team", required=True, help="the name of the team")
        parser.add_argument(
            "--base-url", default="", metavar="URL", help="the vendor's own if left out"
        )
        add_list(
            parser,
            "--credential",
            "KEY=VALUE",
            "api_key (saleshandy, reply), access_key and secret_key (leadsquared, "
            "ysuite)",
        )
        add_list(
            parser,
            "--setting",
            "KEY=VALUE",
            "rate=25/5 (calls/seconds), time_zone, marker=on|off, bring_in=yes|no, "
            "dialect=integers|words and act_as (reply), bulk_from and keys_in "
            "(leadsquared)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        team = team_named(options["team"])
        values = Values()
        credentials = values.pairs(options["credential"], "--credential")
        settings = values.pairs(options["setting"], "--setting")
        try:
            rate = settings.pop("rate", None)
            rates = None if rate is None else parse_rates(rate)
            marker = _switch(settings, "marker")
            bring_in = _switch(settings, "bring_in")
            _check_names(options["vendor"], settings)
        except ValueError as error:
            raise CommandError(str(error)) from None
        account, created = connect_account(
            team=team,
            vendor=options["vendor"],
            name=options["name"],
            base_url=options["base_url"],
            credentials=credentials,
            settings=settings,
            rates=rates,
            marker=marker,
            bring_in=bring_in,
        )
        self.stdout.write(_saved(account, created))
        if account.adapter_class.fixed_types is None and not account.types_read_at:
            self._read_types(account)

    def _read_types(self, account: ConnectedAccount) -> None:
        """Read the account's own types, without which no task can be written."""
        try:
            count = read_types(account, transport=default_transport())
        except (VendorError, Saturated) as error:
            self.stdout.write(
                f"Its task types are not read yet: {error} "
                f'Read them with: manage.py sync --account "{account.name}"'
            )
            return
        types = "1 task type" if count == 1 else f"{count} task types"
        self.stdout.write(f"{types} read.")


def _switch(settings: dict[str, str], name: str) -> bool | None:
    text = settings.pop(name, None)
    try:
        return None if text is None else parse_switch(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _check_names(vendor: str, settings: dict[str, str]) -> None:
    """Raise ValueError with all the names that there are."""
    known = [field.name for field in settings_of(vendor_of(vendor))]
    for name in settings:
        if name not in known:
            names = ", ".join(["rate", *known, "marker", "bring_in"])
            raise ValueError(
                f"{vendor_of(vendor).name} has no setting “{name}”. It has: {names}."
            )


def _saved(account: ConnectedAccount, created: bool) -> str:
    limits = " and ".join(
        f"{calls} calls in {seconds:g} s"
        for calls, seconds in account.effective_rates()
    )
    did = "saved" if created else "changed"
    tested = "" if account.checked_at else " Not tested yet."
    return (
        f"{account.name} {did}: {account.adapter_class.name} at {account.base_url}, "
        f"{limits}.{tested}"
    )
