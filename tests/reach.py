"""Say whether the services of the second test run answer: exit code 0 or 1."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import psycopg
import redis

DATABASE_OF_EVERY_SERVER = "postgres"


def trouble_with(url: str) -> str:
    """Return a sentence when nothing answers at `url`, else ''."""
    parts = urlsplit(url)
    try:
        if parts.scheme.startswith("redis"):
            redis.Redis.from_url(url, socket_connect_timeout=2).ping()
        else:
            server = parts._replace(
                scheme="postgresql", path=f"/{DATABASE_OF_EVERY_SERVER}"
            )
            psycopg.connect(server.geturl(), connect_timeout=2).close()
    except (psycopg.Error, redis.RedisError) as error:
        reason = str(error).strip().splitlines()[-1]
        return f"{parts.scheme} at {parts.hostname}:{parts.port}: {reason}"
    return ""


if __name__ == "__main__":
    troubles = [sentence for url in sys.argv[1:] if (sentence := trouble_with(url))]
    for sentence in troubles:
        print(sentence, file=sys.stderr)
    sys.exit(bool(troubles))
