"""The demo that a first start makes: a team, three people, four practice accounts."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from tasks_app.models import ConnectedAccount, Membership, Team
from tasks_app.practice import VENDORS
from tasks_app.vendors.errors import VendorError
from tasks_app.vendors.transport import Transport

from .accounts import check_connection, connect_account, read_types, read_users

TEAM = "Demo"
TIME_ZONE = "Europe/Berlin"


@dataclass(frozen=True)
class Person:
    """Somebody of the demo; the e-mail is a practice user's, where one matches."""

    username: str
    email: str
    first_name: str
    last_name: str
    role: str | None  # None: in no team, looks after the installation

    @property
    def does(self) -> str:
        return {"lead": "team lead", "rep": "rep"}.get(self.role or "", "administrator")


PEOPLE = (
    Person("lead", "lead@baton.example", "Mara", "Lind", Membership.Role.LEAD),
    Person("rep", "elin@baton.example", "Elin", "Berg", Membership.Role.REP),
    Person("admin", "admin@baton.example", "Sam", "Okoye", None),
)


@dataclass(frozen=True)
class SignIn:
    """How to sign in; `password` is None once the person has set another."""

    username: str
    password: str | None
    does: str


def prepare_demo(*, transport: Transport, ports: Sequence[int]) -> list[str]:
    """Make what is missing of the demo; return a sentence for each trouble.

    Made once: what somebody renames or removes later stays as they left it. Only the
    practice accounts' addresses follow `ports` (in the order of `VENDORS`) each time.
    The practice vendors must be running for their task types and users to be read.
    """
    kept = _Kept.read()
    if kept.made and User.objects.exists():
        follow_ports(ports)
        return []
    with transaction.atomic():
        team, _ = Team.objects.get_or_create(
            name=TEAM, defaults={"time_zone": TIME_ZONE}
        )
        for person in PEOPLE:
            _make_person(person, team, kept)
    kept.write()
    troubles = []
    for (slug, vendor), port in zip(VENDORS.items(), ports, strict=True):
        account, _ = connect_account(
            team=team,
            vendor=slug,
            name=f"Practice {vendor.label}",
            base_url=_address(port, vendor.prefix),
            credentials=vendor.credentials,
        )
        troubles += _read_what_it_offers(account, transport)
    if not troubles:
        kept.made = True
        kept.write()
    return troubles


def follow_ports(ports: Sequence[int]) -> None:
    """Point the practice accounts of this machine at these ports."""
    for (slug, vendor), port in zip(VENDORS.items(), ports, strict=True):
        for account in ConnectedAccount.objects.live().filter(
            vendor=slug, name=f"Practice {vendor.label}"
        ):
            address = _address(port, vendor.prefix)
            if (
                urlsplit(account.base_url).hostname == "127.0.0.1"
                and account.base_url != address
            ):
                # The same vendor behind another door: nothing to test again.
                account.base_url = address
                account.save(update_fields=["base_url"])


def sign_ins() -> list[SignIn]:
    """Return how the demo's people sign in, as far as they exist."""
    passwords = _Kept.read().passwords
    found = User.objects.in_bulk(
        [person.username for person in PEOPLE], field_name="username"
    )
    result = []
    for person in PEOPLE:
        if user := found.get(person.username):
            password = passwords.get(person.username)
            same = password is not None and user.check_password(password)
            result.append(
                SignIn(user.username, password if same else None, person.does)
            )
    return result


def renew_passwords() -> None:
    """Give the demo's people new passwords, kept where the old ones were."""
    kept = _Kept.read()
    for user in User.objects.filter(username__in=[p.username for p in PEOPLE]):
        kept.passwords[user.username] = _new_password()
        user.set_password(kept.passwords[user.username])
        user.save(update_fields=["password"])
    kept.write()


def _make_person(person: Person, team: Team, kept: _Kept) -> None:
    user, created = User.objects.get_or_create(
        username=person.username,
        defaults={
            "email": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "is_staff": person.role is None,
            "is_superuser": person.role is None,
        },
    )
    if created:
        kept.passwords[person.username] = _new_password()
        user.set_password(kept.passwords[person.username])
        user.save(update_fields=["password"])
    if person.role is not None:
        Membership.objects.get_or_create(
            team=team, user=user, defaults={"role": person.role}
        )


def _read_what_it_offers(account: ConnectedAccount, transport: Transport) -> list[str]:
    answer = check_connection(account, transport=transport)
    if not answer.ok:
        return [f"{account.name}: {answer.sentence}"]
    try:
        read_types(account, transport=transport)
        read_users(account, transport=transport)
    except VendorError as error:
        return [f"{account.name}: {error}"]
    return []


def _address(port: int, prefix: str) -> str:
    return f"http://127.0.0.1:{port}{prefix}"


def _new_password() -> str:
    return secrets.token_urlsafe(12)


@dataclass
class _Kept:
    """What `.data/demo.json` holds, readable by its owner alone."""

    passwords: dict[str, str]
    made: bool = False

    @staticmethod
    def path() -> Path:
        return Path(settings.DATA_DIR) / "demo.json"

    @classmethod
    def read(cls) -> _Kept:
        try:
            data: Any = json.loads(cls.path().read_text())
            return cls(dict(data["passwords"]), bool(data["made"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls({})

    def write(self) -> None:
        path = self.path()
        scratch = path.with_suffix(".new")
        scratch.unlink(missing_ok=True)
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"passwords": self.passwords, "made": self.made}, file)
        scratch.replace(path)
