"""The supervisor by itself, with small programs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks_app.services import supervising
from tasks_app.services.supervising import Supervisor, answers, port_is_free

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('here', flush=True); time.sleep(60)",
]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.05)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]):
    supervisor = Supervisor(said.append, grace=5)
    yield supervisor
    supervisor.grace = 0
    supervisor.stop()


def pid_of(supervisor: Supervisor) -> int:
    process = supervisor.programs[0].process
    assert process is not None
    return process.pid


def test_lines_carry_the_name_of_their_program(supervisor, said):
    supervisor.start("worker", SLEEP)

    assert supervisor.wait_for(lambda: bool(said), seconds=10)

    assert said == ["worker    | here"]


def test_a_killed_program_is_started_again(supervisor, said):
    supervisor.start("worker", SLEEP)
    first = pid_of(supervisor)
    os.kill(first, signal.SIGKILL)

    supervisor.wait_for(lambda: said.count("worker    | here") == 1, seconds=10)

    assert pid_of(supervisor) != first
    assert "The worker stopped (SIGKILL). Starting it again." in said


def test_gives_up_with_a_sentence_after_quick_deaths(supervisor, said, monkeypatch):
    monkeypatch.setattr(supervising, "LONGEST_PAUSE", 0.01)
    supervisor.start("web", [sys.executable, "-c", "print('no'); raise SystemExit(3)"])

    code = supervisor.run()

    assert code == 1
    assert said.count("web       | no") == 5
    assert said[-1].startswith("The web stopped 5 times within seconds (exit code 3).")


def test_a_stubborn_program_is_killed_after_the_grace(supervisor, said):
    supervisor.start("worker", STUBBORN)
    supervisor.wait_for(lambda: bool(said), seconds=10)
    pid = pid_of(supervisor)
    supervisor.grace = 0.5

    supervisor.stop()

    assert not alive(pid)


def test_a_second_signal_kills_at_once(supervisor, said):
    supervisor.start("worker", STUBBORN)
    supervisor.wait_for(lambda: bool(said), seconds=10)
    pid = pid_of(supervisor)
    supervisor.grace = 60
    monotonic = time.monotonic()
    read = supervisor._read

    def interrupted(seconds: float) -> None:
        supervisor.signals.append(signal.SIGINT)
        read(seconds)

    supervisor._read = interrupted
    supervisor.stop()

    assert time.monotonic() - monotonic < 5
    assert not alive(pid)


def test_what_a_program_started_goes_with_it(supervisor, said):
    parent = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    supervisor.start("web", [sys.executable, "-c", parent])
    supervisor.wait_for(lambda: bool(said), seconds=10)
    child = int(said[0].split("|")[1])

    supervisor.stop()

    wait_until(lambda: not alive(child))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties children")
def test_killing_the_supervisor_leaves_nothing_behind(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        from tasks_app.services.supervising import Supervisor
        supervisor = Supervisor(lambda line: print(line, flush=True))
        supervisor.start("worker", {SLEEP!r})
        print(supervisor.programs[0].process.pid, flush=True)
        supervisor.run()
        """)
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert process.stdout
    child = int(process.stdout.readline())
    assert alive(child)

    process.kill()
    process.wait()

    wait_until(lambda: not alive(child))


def test_a_port_in_use_is_noticed():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert not port_is_free("127.0.0.1", port)
        assert answers("127.0.0.1", port)

    assert port_is_free("127.0.0.1", port)
    assert not answers("127.0.0.1", port)
