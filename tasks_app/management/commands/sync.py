"""Read accounts back, here and now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from tasks_app.management.operator import OperatorCommand, accounts_named, seconds
from tasks_app.services.foreground import sync_now
from tasks_app.services.transport import default_transport


class Command(OperatorCommand):
    help = (
        "Read statuses back from the vendors, and task types and people where that is "
        "a day ago, without the worker. Prints one line for each account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", metavar="NAME", help="only this account")
        parser.add_argument("--team", metavar="TEAM", help="only this team's accounts")
        parser.add_argument(
            "--timeout",
            type=seconds,
            metavar="SECONDS",
            help="stop waiting for an account after so long",
        )

        parser.add_argument(
            "--people-and-types",
            action="store_true",
            help="read people and task types again, however fresh they are",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = accounts_named(options["account"], options["team"])
        if not accounts:
            self.stdout.write("No account is connected.")
            return
        failed = []
        for account in accounts:
            reading = sync_now(
                account,
                transport=default_transport(),
                timeout=options["timeout"],
                all_of_it=options["people_and_types"],
            )
            if reading.error:
                failed.append(str(reading))
            else:
                self.stdout.write(str(reading))
        if failed:
            raise CommandError(" ".join(failed))
