"""Settings for the tests: the same code, nothing that leaves this machine."""

from __future__ import annotations

import os
import tempfile

# The tests choose their own surroundings, whatever this shell is set up for.
for name in ("DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "CREDENTIAL_KEYS", "EMAIL_URL"):
    os.environ.pop(name, None)
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="baton-test-"))

from .base import *  # noqa: E402, F403
from .base import DATA_DIR, DATABASES  # noqa: E402

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
AXES_ENABLED = False
# A file, so that other processes (a worker, a browser's server) see it too.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
