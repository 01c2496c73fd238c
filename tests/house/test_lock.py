"""What is committed names no machine and no package index."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
# Put together here, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:work|root|Users|home)" + r"/\w")
INDEX_HOSTS = re.compile("py" + r"pi\.|file" + r"\.pythonhosted|files\." + "python")
BINARY = {".png", ".ico", ".woff2"}


def committed_files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if names.returncode:
        pytest.skip("This copy of Baton is not a clone.")
    paths = [ROOT / name for name in names.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in committed_files():
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_address(name):
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_and_hashes_every_package(name):
    text = (ROOT / name).read_text().replace("\\\n", " ")

    lines = [line for line in text.splitlines() if line and not line.startswith(" ")]

    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", line), line
        assert "--hash=sha256:" in line, line


def test_the_run_lock_is_part_of_the_dev_lock():
    pins = [
        dict(re.findall(r"(?m)^([a-z0-9._-]+)\S*?==(\S+)", (ROOT / name).read_text()))
        for name in LOCKS
    ]

    assert pins[0].items() <= pins[1].items()


def test_no_file_names_a_path_of_one_machine():
    assert lines_with(MACHINE_PATHS) == []


def test_no_file_names_a_package_index():
    assert lines_with(INDEX_HOSTS) == []
