"""Run several programs as one: started together, restarted, stopped together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY = 0.2  # seconds
GRACE = 8.0  # seconds between asking a program to stop and killing it
QUICK_DEATH = 10.0  # seconds; who lives longer starts with a clean record
MOST_QUICK_DEATHS = 5
LONGEST_PAUSE = 5.0  # seconds between a death and the next start

#: Loaded before any fork: a forked child may not load libraries.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class Program:
    """One program to keep running, and how its current process fares."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = 0
    restart_at: float | None = None
    rest: bytes = b""  # output after the last line break

    @property
    def is_dead(self) -> bool:
        """Whether its process has ended. Until `end` its number stays taken."""
        if self.process is None or self.process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return self.process.poll() is not None
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, look) is not None

    def ask_to_stop(self) -> None:
        if self.process is not None and not self.is_dead:
            os.kill(self.process.pid, signal.SIGTERM)

    def end(self) -> int:
        """Kill what is left of it, all that it started too; return its exit code.

        Its group is killed before its number is given back to the system, so that
        nobody else's processes can be meant.
        """
        if self.process is None:
            return 0
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.process.returncode is None:
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


class Supervisor:
    """Keeps programs running until a signal asks to stop.

    `say` gets each line to print. On Linux the programs are told to stop even when
    this process is killed. Use it in the main thread: the kernel ties a child to the
    thread that started it.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        environment: Mapping[str, str] | None = None,
        grace: float = GRACE,
    ) -> None:
        self._say = say
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self.grace = grace
        self.programs: list[Program] = []
        self.signals: list[int] = []
        self.gave_up = False
        self._selector = selectors.DefaultSelector()

    @property
    def stopping(self) -> bool:
        return bool(self.signals) or self.gave_up

    def listen(self) -> None:
        """From now on Ctrl-C and its kin ask this supervisor to stop."""
        for number in STOP_SIGNALS:
            signal.signal(number, lambda received, _: self.signals.append(received))

    def say(self, line: str) -> None:
        """Print a line; a terminal that is gone is no reason to fail."""
        try:
            self._say(line)
        except OSError:
            self.signals.append(signal.SIGHUP)

    def start(self, name: str, argv: Sequence[str]) -> None:
        """Start a program and keep it running from now on."""
        program = Program(name, argv)
        self.programs.append(program)
        self._spawn(program)

    def wait_for(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        """Look after the programs until `ready`; False when it took too long."""
        end = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < end:
            self.look()
            if ready():
                return True
        return False

    def run(self) -> int:
        """Look after the programs until asked to stop; return the exit code."""
        while not self.stopping:
            self.look()
        self.stop()
        return 1 if self.gave_up else 0

    def look(self) -> None:
        """Print what the programs said, restart those that died; 0.2 s at most."""
        self._read(LOOK_EVERY)
        for program in self.programs:
            if program.process is None:
                if program.restart_at and time.monotonic() >= program.restart_at:
                    self._spawn(program)
            elif program.is_dead:
                self._bury(program)

    def stop(self) -> None:
        """Stop every program and all that it started; a second signal kills at once."""
        asked = len(self.signals)
        for program in self.programs:
            program.ask_to_stop()
        end = time.monotonic() + self.grace
        while time.monotonic() < end and len(self.signals) <= asked:
            if all(program.is_dead for program in self.programs):
                break
            self._read(LOOK_EVERY)
        for program in self.programs:
            program.end()
        self._read(0)

    def _spawn(self, program: Program) -> None:
        parent = os.getpid()

        def tie_to_parent() -> None:
            if _libc is not None:
                _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
                if os.getppid() != parent:
                    os._exit(1)

        program.process = subprocess.Popen(  # noqa: S603 - our own commands
            program.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            # A group of its own: a terminal's Ctrl-C reaches the supervisor alone.
            start_new_session=True,
            preexec_fn=tie_to_parent,
        )
        program.started = time.monotonic()
        program.restart_at = None
        stdout = program.process.stdout
        if stdout is not None:
            os.set_blocking(stdout.fileno(), False)
            self._selector.register(stdout, selectors.EVENT_READ, program)

    def _bury(self, program: Program) -> None:
        """Note a death; plan the next start, or give up."""
        self._read(0)
        # What it started may hold ports and locks that the next one needs.
        code = program.end()
        program.process = None
        lived = time.monotonic() - program.started
        program.quick_deaths = program.quick_deaths + 1 if lived < QUICK_DEATH else 1
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        if program.quick_deaths >= MOST_QUICK_DEATHS:
            self.gave_up = True
            self.say(
                f"The {program.name} stopped {program.quick_deaths} times within "
                f"seconds ({how}). Its last words stand above. Baton stops."
            )
            return
        pause = min(0.2 * 2**program.quick_deaths, LONGEST_PAUSE)
        program.restart_at = time.monotonic() + pause
        self.say(f"The {program.name} stopped ({how}). Starting it again.")

    def _read(self, seconds: float) -> None:
        """Print whole lines that the programs wrote, waiting `seconds` for some."""
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            program: Program = key.data
            try:
                chunk = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if not chunk:
                self._selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
            *lines, program.rest = (program.rest + chunk).split(b"\n")
            if not chunk and program.rest:
                lines, program.rest = [program.rest], b""
            for line in filter(bytes.strip, lines):
                self.say(f"{program.name:<9} | {line.decode(errors='replace')}")
