"""Print a new key for CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet

from tasks_app.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = (
        "Print a new key for CREDENTIAL_KEYS. To change keys, put the new one in "
        "front of the old one, restart, run rotate_credentials, then take the old "
        "one away."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(Fernet.generate_key().decode())
