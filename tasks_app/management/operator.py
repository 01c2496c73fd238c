"""What the commands for operators share: one clear line when something is wrong."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError, connections

from tasks_app.models import ConnectedAccount, Team

LONGEST_VALUE = 10_000  # characters


class OperatorCommand(BaseCommand):
    """A command that ends with exit code 0, or with 1 and one line on standard error.

    Called from code it raises `CommandError` with that line.
    """

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # Django's own parser prints its usage and ends with 2.
        parser.called_from_command_line = False
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            parser = self.create_parser(argv[0], argv[1])
            options = vars(parser.parse_args(argv[2:]))
            if options["verbosity"] < 2:
                # What goes on is told by the command's own lines.
                logging.disable(logging.WARNING)
            self.execute(*options.pop("args", ()), **options)
        except CommandError as error:
            self.stderr.write(" ".join(str(error).split()))
            sys.exit(error.returncode)
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")
            sys.exit(130)
        finally:
            connections.close_all()

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except (OperationalError, ProgrammingError) as error:
            if not is_unprepared(error):
                raise
            raise CommandError(
                "The database has no tables for this version. Run: manage.py migrate"
            ) from None


def is_unprepared(error: Exception) -> bool:
    """Return whether this database error says that tables or columns are missing."""
    text = str(error).lower()
    return any(
        sign in text for sign in ("no such table", "no such column", "does not exist")
    )


# -- values ----------------------------------------------------------------------------


class Values:
    """Reads `KEY=VALUE` arguments, where VALUE may be `@FILE` or `-`.

    Sentences name the key alone: the value may be a secret.
    """

    def __init__(self) -> None:
        self._stdin_taken = False

    def pairs(
        self, given: Sequence[Sequence[str]] | None, option: str
    ) -> dict[str, str]:
        """Return the values by key; raise `CommandError`."""
        found: dict[str, str] = {}
        for argument in flat(given):
            key, equals, value = argument.partition("=")
            key = key.strip()
            if not equals or not key.isidentifier():
                raise CommandError(
                    f"Write {option} KEY=VALUE, with a key such as rate."
                )
            if key in found:
                raise CommandError(f"{option} {key} is given twice.")
            found[key] = self.read(key, value)
        return found

    def read(self, key: str, value: str) -> str:
        if value == "-":
            if self._stdin_taken:
                raise CommandError("Only one value can be read from standard input.")
            self._stdin_taken = True
            return self._short(key, sys.stdin.read(LONGEST_VALUE + 1))
        if value.startswith("@"):
            try:
                with Path(value[1:]).open(encoding="utf-8") as file:
                    return self._short(key, file.read(LONGEST_VALUE + 1))
            except (OSError, UnicodeDecodeError, ValueError):
                raise CommandError(
                    f"The file for {key} could not be read: {value[1:]}"
                ) from None
        return value

    def _short(self, key: str, text: str) -> str:
        if len(text) > LONGEST_VALUE:
            raise CommandError(f"The value for {key} is far too long.")
        return text.removesuffix("\n").removesuffix("\r")


def flat(given: Sequence[Sequence[str]] | None) -> list[str]:
    """Return what an option took, which may stand several times or take several."""
    return [value for values in given or () for value in values]


def add_list(parser: CommandParser, name: str, metavar: str, text: str) -> None:
    """Add an option that may be repeated, and take several values each time."""
    parser.add_argument(name, action="append", nargs="+", metavar=metavar, help=text)


def seconds(text: str) -> float:
    """Return a positive number of seconds, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 31_536_000:
        raise argparse.ArgumentTypeError("a positive number of seconds is needed")
    return value


# -- teams and accounts ----------------------------------------------------------------


def team_named(name: str) -> Team:
    team = Team.objects.filter(name=name.strip()).first()
    if team is None:
        fail(f"There is no team “{name}”.", Team.objects.values_list("name", flat=True))
    return team


def accounts_named(name: str | None, team_name: str | None) -> list[ConnectedAccount]:
    """Return the account of this name, or all; raise `CommandError` if none is."""
    rows = ConnectedAccount.objects.live().select_related("team").order_by("name", "pk")
    if team_name:
        rows = rows.filter(team=team_named(team_name))
    if not name:
        return list(rows)
    found = list(rows.filter(name=name.strip()))
    if not found:
        fail(f"There is no account “{name}”.", rows.values_list("name", flat=True))
    if len(found) > 1:
        teams = ", ".join(account.team.name for account in found)
        raise CommandError(
            f"Several teams have an account “{name}”: {teams}. Name one with --team."
        )
    return found


def fail(sentence: str, names: Any) -> NoReturn:
    some = list(names[:10])
    known = f" There is: {', '.join(some)}." if some else ""
    raise CommandError(sentence + known)
