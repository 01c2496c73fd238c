"""Send what waits, here and now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from tasks_app.management.operator import OperatorCommand, accounts_named, seconds
from tasks_app.services.foreground import push_accounts
from tasks_app.services.transport import default_transport


class Command(OperatorCommand):
    help = (
        "Send the tasks that are due, without the worker, within each account's rate. "
        "Prints one line for each account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="NAME", help="only this account")
        parser.add_argument("--team", metavar="TEAM", help="only this team's accounts")
        parser.add_argument(
            "--until-empty",
            action="store_true",
            help="go on until nothing is queued, under way or looked up any more",
        )
        parser.add_argument(
            "--timeout", type=seconds, metavar="SECONDS", help="stop after so long"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = accounts_named(options["account"], options["team"])
        if not accounts:
            self.stdout.write("No account is connected.")
            return
        outcomes = push_accounts(
            accounts,
            transport=default_transport(),
            until_empty=options["until_empty"],
            timeout=options["timeout"],
        )
        for outcome in outcomes:
            self.stdout.write(str(outcome))
        stuck = [
            f"{outcome.account.name} {outcome.trouble}: {outcome.waiting} waiting, "
            f"{outcome.needs_check} needs check."
            for outcome in outcomes
            if outcome.trouble
        ]
        if stuck:
            raise CommandError(" ".join(stuck))
