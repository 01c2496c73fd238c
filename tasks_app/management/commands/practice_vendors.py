"""Run the four practice vendors on this machine."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks_app.practice.run import PORTS, CannotStart, run


class Command(BaseCommand):
    help = "Run the four practice vendors in the foreground until Ctrl-C."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--ports",
            default=",".join(str(port) for port in PORTS),
            help="four ports: Saleshandy, LeadSquared, Reply, YSuite (%(default)s)",
        )
        parser.add_argument("--host", default="127.0.0.1", help="(%(default)s)")
        parser.add_argument("--data", help="SQLite file to keep the state in")
        parser.add_argument("--prospects", help="CSV file of the prospects they know")

    def handle(self, *args: Any, **options: Any) -> None:
        if not getattr(settings, "PRACTICE_VENDORS", False):
            raise CommandError("Practice vendors are switched off (PRACTICE_VENDORS).")
        try:
            ports = [int(port) for port in options["ports"].split(",")]
        except ValueError as error:
            raise CommandError("--ports takes numbers separated by commas.") from error
        try:
            run(
                ports,
                host=options["host"],
                data=options["data"],
                prospects=options["prospects"],
                say=self.say,
            )
        except CannotStart as error:
            raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
