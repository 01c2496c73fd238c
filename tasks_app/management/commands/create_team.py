"""Make a team and bring people into it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from tasks_app.management.operator import OperatorCommand, add_list, flat
from tasks_app.services.teams import (
    create_team,
    mail_goes_to_the_console,
    send_set_password_link,
)


class Command(OperatorCommand):
    help = (
        "Make a team, or change the one of that name, and bring people into it. "
        "Who does not exist yet is made without a password and is sent a link to "
        "set one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the name of the team")
        parser.add_argument(
            "--time-zone",
            default="",
            metavar="TZ",
            help="decides what today means, such as Europe/Berlin",
        )
        add_list(parser, "--lead", "EMAIL", "a team lead")
        add_list(parser, "--rep", "EMAIL", "a rep")

    def handle(self, *args: Any, **options: Any) -> None:
        made = create_team(
            options["name"],
            time_zone=options["time_zone"],
            leads=flat(options["lead"]),
            reps=flat(options["rep"]),
        )
        did = "made" if made.created else "is up to date"
        people = made.team.memberships.count()
        members = "1 person" if people == 1 else f"{people} people"
        self.stdout.write(
            f"Team {made.team.name} {did}: {members}, {made.team.time_zone}."
        )
        unsent = []
        for user in made.invited:
            try:
                link = send_set_password_link(user)
            except (OSError, ValidationError):
                unsent.append(user.email)
                continue
            if mail_goes_to_the_console():
                self.stdout.write(f"Set-password link for {user.email}: {link}")
            else:
                self.stdout.write(f"A set-password link was sent to {user.email}.")
        if unsent:
            raise CommandError(
                f"No mail could be sent to {', '.join(unsent)}. Check EMAIL_URL and "
                "run this again: it sends the links anew."
            )
