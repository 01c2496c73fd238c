"""Harmless reads that decide whether an account may go on; never a create."""

from __future__ import annotations

from django.utils import timezone

from tasks_app.models import ConnectedAccount
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.transport import Transport

from . import doorbell, gate
from .pacing import Saturated
from .talking import converse
from .turns import turn


def probe(account: ConnectedAccount, *, transport: Transport) -> bool:
    """Ask the vendor something harmless; return whether it answered as it should.

    The account's gate learns of the answer either way. One probe at a time per process.
    """
    with turn("probe", account.pk) as free:
        if not free:
            return False
        try:
            converse(
                account,
                account.adapter().test_connection(),
                transport=transport,
                purpose="probe",
            )
        except (VendorError, Saturated):
            return False
    return True


def try_key(account_id: int, *, transport: Transport) -> bool:
    """Try a refused key once more when that is due; return whether it works again.

    Whoever comes first does it, whatever the number of processes. A key that works
    opens the gate: the vendor has taken its refusal back.
    """
    now = timezone.now()
    due = ConnectedAccount.objects.live().filter(
        pk=account_id,
        state=ConnectedAccount.State.NEEDS_NEW_KEY,
        try_key_at__lte=now,
    )
    if not due.update(try_key_at=now + gate.TRY_KEY_EVERY):
        return False
    account = ConnectedAccount.objects.select_related("team").get(pk=account_id)
    if not account.has_credentials or not probe(account, transport=transport):
        return False
    if not gate.note_key_works(account):
        return False
    doorbell.ring(account_id)
    return True
