"""Settings for the tests: the same code, nothing that leaves this machine."""

from __future__ import annotations

import os
import tempfile

# The tests choose their own surroundings, whatever this shell is set up for.
for name in ("DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "CREDENTIAL_KEYS", "EMAIL_URL"):
    os.environ.pop(name, None)
# Each process of a run that goes side by side has its own folder; what it starts shares it.
runner = os.environ.get("PYTEST_XDIST_WORKER", "")
if "DATA_DIR" not in os.environ or os.environ.get("BATON_TEST_RUNNER", "") != runner:
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="baton-test-")
    os.environ["BATON_TEST_RUNNER"] = runner

from .base import *  # noqa: E402, F403
from .base import DATA_DIR, DATABASES  # noqa: E402

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
AXES_ENABLED = False
# A file, so that other processes (a worker, a browser's server) see it too.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
