"""How Baton starts in production: with its own keys or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
FROM_THE_SHELL = [
    "DEBUG",
    "ALLOWED_HOSTS",
    "SECRET_KEY",
    "CREDENTIAL_KEYS",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "PRACTICE_VENDORS",
    "DJANGO_SETTINGS_MODULE",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
]
KEYS = {
    "SECRET_KEY": "a-secret-of-more-than-fifty-characters-0123456789-abcdefghij",
    "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
}


def manage(*args: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process with these settings alone."""
    clean = {k: v for k, v in os.environ.items() if k not in FROM_THE_SHELL}
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env={**clean, "DATA_DIR": str(data), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_secret_key_stops_the_start_with_a_sentence(tmp_path):
    keys = {"CREDENTIAL_KEYS": KEYS["CREDENTIAL_KEYS"]}

    result = manage("check", data=tmp_path / "data", DEBUG="false", **keys)

    assert result.returncode == 1
    assert result.stderr.startswith("baton: SECRET_KEY is not set.")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "data" / "secret_key").exists()


def test_no_credential_key_stops_the_start_with_a_sentence(tmp_path):
    keys = {"SECRET_KEY": KEYS["SECRET_KEY"]}

    result = manage("check", data=tmp_path / "data", DEBUG="false", **keys)

    assert result.returncode == 1
    assert result.stderr.startswith("baton: CREDENTIAL_KEYS is not set.")
    assert not (tmp_path / "data" / "credential_key").exists()


def test_a_claim_shorter_than_its_call_is_warned_about(tmp_path):
    short = manage("check", data=tmp_path, LEASE="30", CALL_DEADLINE="25")
    enough = manage("check", data=tmp_path, LEASE="12", CALL_DEADLINE="3")

    assert "LEASE is 30" in short.stderr
    assert "it must be at least 50" in short.stderr
    assert "LEASE" not in enough.stderr


def test_another_host_alone_means_production(tmp_path):
    result = manage("check", data=tmp_path, ALLOWED_HOSTS="baton.example")

    assert result.returncode == 1
    assert "SECRET_KEY is not set" in result.stderr


def test_the_embedded_run_makes_its_own_keys_for_this_user_alone(tmp_path):
    result = manage("check", data=tmp_path / "data")

    assert result.returncode == 0, result.stderr
    for name in ("secret_key", "credential_key"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600


def test_django_finds_nothing_to_say_about_production(tmp_path):
    result = manage(
        *("check", "--deploy", "--fail-level", "WARNING"),
        data=tmp_path,
        DEBUG="false",
        ALLOWED_HOSTS="baton.example",
        **KEYS,
    )

    assert result.returncode == 0, result.stderr
    assert "no issues (0 silenced)" in result.stdout


def test_no_practice_vendors_in_production(tmp_path):
    result = manage("practice_vendors", data=tmp_path, DEBUG="false", **KEYS)

    assert result.returncode == 1
    assert "switched off" in result.stderr


def test_the_one_command_refuses_production_with_a_sentence(tmp_path):
    result = manage("up", data=tmp_path, DEBUG="false", **KEYS)

    assert result.returncode == 1
    assert "compose.yaml" in result.stderr
    assert "Traceback" not in result.stderr
