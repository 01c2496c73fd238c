"""Who may work on what in this process, so that no account takes all its threads.

Turns live in memory: a process that dies leaves none behind. That nothing is done twice
is the database's business (`states.claim`), not theirs.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_taken: Counter[tuple[str, int]] = Counter()

#: Turns of one account at once in one process: half of a worker's eight threads.
PUSH_TURNS = 4


@contextmanager
def turn(kind: str, account_id: int, *, most: int = 1) -> Iterator[bool]:
    """Take one of `most` turns of this kind for an account; yield whether there was."""
    key = (kind, account_id)
    with _lock:
        free = _taken[key] < most
        if free:
            _taken[key] += 1
    try:
        yield free
    finally:
        if free:
            with _lock:
                _taken[key] -= 1
                if not _taken[key]:
                    del _taken[key]
