"""Make the demo and print how to sign in to it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from tasks_app.management.operator import OperatorCommand
from tasks_app.services.demo import SignIn, prepare_demo, renew_passwords, sign_ins
from tasks_app.services.transport import default_transport


class Command(OperatorCommand):
    help = (
        "Make the demo team, its people and its practice accounts, and print the "
        "sign-ins. The practice vendors must be running. Runs twice without harm."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new-passwords",
            action="store_true",
            help="give the demo's people new passwords",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.PRACTICE_VENDORS:
            raise CommandError(
                "The demo needs practice vendors, and they are switched off here "
                "(PRACTICE_VENDORS)."
            )
        ports = practice_ports()
        troubles = prepare_demo(transport=default_transport(), ports=ports)
        if options["new_passwords"]:
            renew_passwords()
        for line in sign_in_lines(sign_ins()):
            self.stdout.write(line)
        if troubles:
            raise CommandError(" ".join(troubles))


def practice_ports() -> list[int]:
    """Return the four ports of PRACTICE_PORTS; raise CommandError with a sentence."""
    try:
        ports = [int(port) for port in settings.PRACTICE_PORTS]
    except ValueError:
        ports = []
    if len(ports) != 4 or len(set(ports)) != 4 or not all(0 < p < 65536 for p in ports):
        raise CommandError(
            "PRACTICE_PORTS takes four different ports, for Saleshandy, LeadSquared, "
            "Reply and YSuite: make run PRACTICE_PORTS=8201,8202,8203,8204"
        )
    return ports


def sign_in_lines(people: list[SignIn]) -> list[str]:
    """Return one line for each person of the demo."""
    return [
        f"  {person.username:<6} {person.password or '(as you set it)':<18} "
        f"{person.does}"
        for person in people
    ]
