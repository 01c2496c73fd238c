"""The short form of `bench/chaos`: real processes are killed at random while tasks flow.

The vendors' own ledgers are held against what Baton says of every single task.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from .conftest import ROOT, Redis

pytestmark = [pytest.mark.worker, pytest.mark.xdist_group("processes")]

LINE = re.compile(
    r"^\w+ +(?P<vendor>[a-z]+) +(?P<tasks>\d+) +(?P<delivered>\d+) +(?P<lost>\d+)"
    r" +(?P<repeated>\d+) +(?P<false>\d+) +(?P<asked>\d+) +(?P<failed>\d+)",
    re.M,
)


def test_random_kills_lose_nothing_and_repeat_nothing(own_redis: Redis):
    database = connection.vendor
    env = {
        **os.environ,
        "TEST_DATABASE_URL": os.environ.get("DATABASE_URL", ""),
        "TEST_BROKER_URL": own_redis.url,
    }
    # What this test was started with is not what the campaign runs on.
    for name in ("DATA_DIR", "DATABASE_URL", "CELERY_BROKER_URL", "PUBLIC_URL"):
        env.pop(name, None)

    done = subprocess.run(
        [sys.executable, "-m", "bench.chaos", "--short", "--databases", database],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    said = f"{done.stdout}\n{done.stderr}"
    rows = [match.groupdict() for match in LINE.finditer(done.stdout)]
    assert len(rows) == 4, said
    for row in rows:
        assert (row["lost"], row["repeated"], row["false"]) == ("0", "0", "0"), said
        assert (row["asked"], row["failed"]) == ("0", "0"), said
        assert row["delivered"] == row["tasks"] == "60", said
    assert re.search(r"^12 kills", done.stdout, re.M), said
    assert done.returncode == 0, said
    assert (database == "postgresql") == settings.HAS_BROKER
