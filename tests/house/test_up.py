"""`manage.py up`, as `make run` starts it: real processes, a data folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from .test_production import FROM_THE_SHELL, ROOT
from .test_supervising import alive, wait_until

pytestmark = [
    pytest.mark.worker,
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Up:
    """One run of the command; `lines` holds what it has printed so far."""

    def __init__(self, data: Path, port: int, practice: list[int]) -> None:
        clean = {k: v for k, v in os.environ.items() if k not in FROM_THE_SHELL}
        self.port = port
        self.output = data.parent / f"output-{port}-{time.monotonic_ns()}.txt"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env={
                **clean,
                "DATA_DIR": str(data),
                "PORT": str(port),
                "PRACTICE_PORTS": ",".join(map(str, practice)),
            },
            stdin=subprocess.DEVNULL,
            stdout=self.output.open("w"),
            stderr=subprocess.STDOUT,
        )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for_line(self, part: str, seconds: float = 60) -> None:
        wait_until(
            lambda: part in self.text or self.process.poll() is not None, seconds
        )
        assert part in self.text, self.text

    def family(self) -> dict[int, str]:
        """Return all processes below this one with their command lines."""
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                words = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            parents[int(folder.name)] = (int(stat[1]), words)
        found: dict[int, str] = {}
        wave = {self.process.pid}
        while wave:
            wave = {pid for pid, (parent, _) in parents.items() if parent in wave}
            found |= {pid: parents[pid][1] for pid in wave}
        return found

    def sign_ins(self) -> list[str]:
        return re.findall(r"(?m)^  (?:lead|rep|admin) +\S+ .*$", self.text)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[list[Up]]:
    started: list[Up] = []
    yield started
    for up in started:
        up.end()


def test_the_first_start_a_crash_ctrl_c_and_the_second_start(tmp_path, starts):
    web, *practice = free_ports(5)
    data = tmp_path / "data"
    up = Up(data, web, practice)
    starts.append(up)

    up.wait_for_line("Ctrl-C stops it.")

    assert f"Baton is ready at http://127.0.0.1:{web}/" in up.text
    assert len(up.sign_ins()) == 3
    assert (data / "demo.json").stat().st_mode & 0o777 == 0o600
    with urllib.request.urlopen(f"http://127.0.0.1:{web}/sign-in/", timeout=10) as page:
        assert page.status == 200
    assert "Traceback" not in up.text

    worker = next(pid for pid, words in up.family().items() if " worker " in words)
    os.kill(worker, signal.SIGKILL)
    up.wait_for_line("The worker stopped (SIGKILL). Starting it again.")
    wait_until(lambda: any(" worker " in words for words in up.family().values()))

    family = up.family()
    assert len(family) >= 5
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(15) == 0
    assert [pid for pid in family if alive(pid)] == []
    assert up.text.endswith("Baton has stopped.\n")

    # On other ports, with the same data.
    again = Up(data, *(lambda ports: (ports[0], ports[1:]))(free_ports(5)))
    starts.append(again)
    began = time.monotonic()
    again.wait_for_line("Ctrl-C stops it.")

    assert time.monotonic() - began < 30
    assert again.sign_ins() == up.sign_ins()

    family = again.family()
    again.process.kill()
    again.process.wait()
    wait_until(lambda: not [pid for pid in family if alive(pid)], 30)


def test_a_taken_port_is_named_with_the_way_out(tmp_path, starts):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = Up(tmp_path / "data", port, free_ports(4))
        starts.append(up)

        assert up.process.wait(30) == 1

    assert f"Port {port} is taken. Choose another: make run PORT={port + 1}" in up.text
    assert "Traceback" not in up.text


def test_a_taken_practice_port_is_named_too(tmp_path, starts):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        web, *practice = free_ports(4)
        port = taken.getsockname()[1]
        up = Up(tmp_path / "data", web, [*practice, port])
        starts.append(up)

        assert up.process.wait(30) == 1

    assert f"Port {port}, of a practice vendor, is taken." in up.text
    assert "make run PRACTICE_PORTS=" in up.text


@pytest.mark.parametrize("port", ["0", "70000", "http", "80 80"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(CommandError, match=f"“{port}” is not a port"):
        call_command("up", port=port)


def test_practice_ports_that_are_none_are_refused(settings):
    settings.PRACTICE_PORTS = ["8101", "8101", "8102", "8103"]

    with pytest.raises(CommandError, match="takes four different ports"):
        call_command("up")
