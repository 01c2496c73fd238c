"""A model field for secrets: encrypted at rest, readable only with the right key."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class UnreadableSecret(Exception):
    """No key in CREDENTIAL_KEYS opens this value."""


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise ImproperlyConfigured(
            "CREDENTIAL_KEYS holds a value that is not a key. "
            "Make one with: python manage.py make_credential_key"
        ) from None


def box() -> MultiFernet:
    """Return the key ring: the first key encrypts, all of them decrypt."""
    return _box(tuple(settings.CREDENTIAL_KEYS))


class EncryptedJSONField(models.TextField):  # type: ignore[type-arg]
    """A JSON value kept as one Fernet token. It cannot be searched or filtered."""

    # For the type checker: what is set and read is the value, not its text.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return value
        return box().encrypt(json.dumps(value).encode()).decode()

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value in (None, ""):
            return {}
        try:
            return json.loads(box().decrypt(value.encode()))
        except InvalidToken:
            return Unreadable()

    def to_python(self, value: Any) -> Any:
        return value

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise TypeError("An encrypted field cannot be searched.")
        return super().get_lookup(lookup_name)


class Unreadable(dict[str, Any]):
    """Stands for a value that no key opens: empty, never written back by itself."""

    def __bool__(self) -> bool:
        return False
