"""The README names every setting and every command there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
#: Characters in a line of text.
WIDTH = 100


def settings_read() -> set[str]:
    """Return the names of all environment variables that the settings ask for."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / "config/settings/base.py").read_text())):
        match node:
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]):
                asked = ast.unparse(func)
                if asked in ("env", "needed") or asked.startswith("env."):
                    names.add(name)
    return names


def test_the_readme_lists_every_setting():
    listed = set(re.findall(r"(?m)^\| `([A-Z_]+)` \|", README))

    assert settings_read() - listed == set()
    assert listed - settings_read() == {"PORT"}  # read by `manage.py up`


def test_the_readme_names_every_command():
    folder = ROOT / "tasks_app" / "management" / "commands"
    commands = {path.stem for path in folder.glob("*.py")} - {"__init__"}

    assert {name for name in commands if name not in README} == set()


def test_the_papers_lines_are_short():
    """Except tables and what is to be typed, which cannot be broken."""
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = re.sub(r"(?ms)^```.*?^```$", "", (ROOT / name).read_text())
        lines = [line for line in text.splitlines() if line[:1] not in ("|", " ")]
        lines += re.findall(r"(?m)^  +[^ ].*", text) if name == "CHANGELOG.md" else []

        assert [line for line in lines if len(line) > WIDTH] == [], name


def test_the_readme_s_files_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_target_of_make_that_the_papers_name_exists():
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    papers = README + (ROOT / "CONTRIBUTING.md").read_text()

    named = set(re.findall(r"\bmake ([a-z-]+)\b", papers)) - {"are"}

    assert named - targets == set()
