"""Whose prospects they are: an export names an owner by e-mail or by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from django.contrib.auth.models import User

from tasks_app.models import VendorUser

T = TypeVar("T")


def user_keys(user: User) -> set[str]:
    """Return what an export may call this person, in lower case."""
    words = (user.email, user.get_full_name(), user.get_username())
    return {word.strip().casefold() for word in words if word.strip()}


def vendor_user_keys(person: VendorUser) -> set[str]:
    words = (person.email, person.name, person.external_id)
    return {word.strip().casefold() for word in words if word.strip()}


def by_key(people: Iterable[T], keys: Mapping[int, set[str]]) -> dict[str, T]:
    """Return the people by what they are called; a key of two people names nobody.

    `keys` are those of each of `people`, by its place.
    """
    found: dict[str, list[T]] = {}
    for place, person in enumerate(people):
        for key in keys[place]:
            found.setdefault(key, []).append(person)
    return {key: some[0] for key, some in found.items() if len(some) == 1}


def members_by_key(members: Iterable[User]) -> dict[str, User]:
    """Return these people by what an export may call them."""
    members = list(members)
    return by_key(members, {n: user_keys(user) for n, user in enumerate(members)})
