"""Encrypt all saved keys with the first key of CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from tasks_app.management.operator import OperatorCommand
from tasks_app.services.rotating import rotate_credentials


class Command(OperatorCommand):
    help = "Encrypt all saved keys with the first key of CREDENTIAL_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = rotate_credentials()
        accounts = "1 account is" if done == 1 else f"{done} accounts are"
        self.stdout.write(
            f"{accounts} encrypted with the first key of CREDENTIAL_KEYS."
        )
        if unreadable:
            names = ", ".join(
                f"{account.name} ({account.team})" for account in unreadable
            )
            raise CommandError(
                f"No key in CREDENTIAL_KEYS opens the credentials of: {names}. Add the "
                "key they were saved with, or enter them again."
            )
