"""Starting and stopping: the command, its sentences, its HTTP."""

import ast
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tasks_app import practice
from tasks_app.practice import PracticeServer
from tasks_app.practice.run import CannotStart, start_all

from .client import AUTH, create

PACKAGE = Path(practice.__file__).parent
RUN = "from tasks_app.practice.run import run; run((0, 0, 0, 0))"


def test_shares_no_code_with_the_rest() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1, path
            for name in names:
                assert name.partition(".")[0] in sys.stdlib_module_names, path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_runs_all_four_until_a_signal(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", RUN],
        cwd=PACKAGE.parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]

    address = lines[0].split()[2].removesuffix("/v1")
    page = urllib.request.urlopen(address, timeout=5).read()
    process.send_signal(number)

    assert b"PRACTICE" in page
    assert [line.split()[1] for line in lines] == [
        "Saleshandy",
        "LeadSquared",
        "Reply",
        "YSuite",
    ]
    assert process.wait(timeout=5) == 0


def test_says_which_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(CannotStart, match=f"Port {port} on 127.0.0.1 is not free"):
            start_all((0, 0, port, 0))


@pytest.mark.parametrize(
    "options", [{"ports": (1, 2)}, {"prospects": "no.csv"}, {"data": "/no/such/x.db"}]
)
def test_says_what_is_wrong_with_the_options(options: dict[str, object]) -> None:
    given = {"ports": (0, 0, 0, 0), **options}

    with pytest.raises(CannotStart):
        start_all(**given)


def test_the_command_refuses_unless_switched_on(settings: object) -> None:
    settings.PRACTICE_VENDORS = False  # type: ignore[attr-defined]

    with pytest.raises(CommandError, match="switched off"):
        call_command("practice_vendors")


@pytest.mark.parametrize("ports", ["a,b", "1"])
def test_the_command_explains_bad_ports(settings: object, ports: str) -> None:
    settings.PRACTICE_VENDORS = True  # type: ignore[attr-defined]

    with pytest.raises(CommandError, match="ports"):
        call_command("practice_vendors", ports=ports)


def test_keys_can_be_set() -> None:
    with practice.start("ysuite", credentials={"secret_key": "other"}) as server:
        assert create(server).status == 401


def test_many_run_side_by_side() -> None:
    with practice.start("ysuite") as one, practice.start("ysuite") as other:
        create(one)

        assert (len(one.tasks()), len(other.tasks())) == (1, 0)


def raw(server: PracticeServer, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return answer


def test_keeps_connections_alive(saleshandy: PracticeServer) -> None:
    request = (
        b"GET /v1/tasks HTTP/1.1\r\nHost: x\r\nX-API-Key: "
        + AUTH["saleshandy"]["x-api-key"].encode()
        + b"\r\n\r\n"
    )

    answer = raw(saleshandy, request * 3)

    assert answer.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    "data, status",
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST /v1/tasks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /v1/tasks HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"GET /v1/tasks/x HTTP/1.0\r\n\r\n", b"400"),
    ],
)
def test_refuses_broken_http(
    saleshandy: PracticeServer, data: bytes, status: bytes
) -> None:
    assert raw(saleshandy, data).startswith(b"HTTP/1.1 " + status)


def test_every_answer_is_labelled(any_vendor: PracticeServer) -> None:
    assert create(any_vendor).headers["x-practice"] == "not a real vendor"
