"""Many schedulers at once: python -m tests.endtoend.schedulers 10

Imports once, then forks that many real schedulers; ends with them when it is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(count: int) -> None:
    from config.celery import app

    app.finalize()
    for _ in range(count):
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
            app.Beat(loglevel="WARNING", schedule=None, pidfile=None).run()
            os._exit(0)
    print(f"{count} schedulers ready.", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]))
