"""What the embedded run needs and nobody set: a data folder and two keys of its own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def data_dir(path: Path) -> Path:
    """Return the folder for the database and keys, made private to this user."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def kept_secret(path: Path, make: str) -> str:
    """Return the secret in this file; on the first start make it, readable by us only.

    `make` is `fernet` or `text`. Two processes that start together end up with the
    same secret: whoever creates the file first has made it.
    """
    value = (
        Fernet.generate_key().decode()
        if make == "fernet"
        else secrets.token_urlsafe(50)
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        for _ in range(50):
            if text := path.read_text().strip():
                return text
        raise
    with os.fdopen(handle, "w") as file:
        file.write(value)
    return value
