"""Who may import whom: views, forms, jobs, commands, admin → services → models, vendors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "tasks_app"
NETWORK = {"httpx", "httpcore", "requests", "urllib.request", "socket", "http.client"}
OUTER = ("views", "forms", "admin", "jobs", "management", "filters", "urls")


def modules(folder: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each module below `folder` as (path, absolute names that it imports)."""
    target = APP / folder
    paths = sorted(target.rglob("*.py")) if target.is_dir() else [APP / f"{folder}.py"]
    for path in paths:
        if path.exists() and "migrations" not in path.parts:
            yield str(path.relative_to(ROOT)), set(imports(path))


def imports(path: Path) -> Iterator[str]:
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def under(name: str, *parents: str) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def offences(folder: str, *forbidden: str, but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path} imports {name}"
        for path, names in modules(folder)
        for name in sorted(names)
        if under(name, *forbidden) and not under(name, *but)
    ]


def inside(*folders: str) -> tuple[str, ...]:
    return tuple(f"tasks_app.{folder}" for folder in folders)


def test_the_imports_of_a_module_are_all_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.house.test_directions.ROOT", tmp_path)
    module = tmp_path / "tasks_app" / "vendors" / "x.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "import httpx\nfrom ..models import Task\ndef f():\n    from . import base\n"
    )

    assert set(imports(module)) == {
        "httpx",
        "tasks_app.models",
        "tasks_app.models.Task",
        "tasks_app.vendors",
        "tasks_app.vendors.base",
    }


def test_vendors_know_neither_django_nor_the_rest_of_baton():
    others = inside("models", "services", "practice", *OUTER)

    assert offences("vendors", "django", "celery", "config", *others) == []


def test_only_the_transport_opens_a_socket():
    users = {
        path
        for folder in ("vendors", "services", "models", *OUTER)
        for path, names in modules(folder)
        if any(under(name, *NETWORK) for name in names)
    }

    # The last two look at this machine's own ports.
    assert users == {
        "tasks_app/vendors/transport.py",
        "tasks_app/services/supervising.py",
        "tasks_app/management/commands/up.py",
    }


def test_models_call_nobody_above_them():
    assert offences("models", *inside("services", "practice", *OUTER)) == []


def test_services_call_nobody_above_them():
    # The one step back: a service may ring for a job, and only the doorbell does.
    rings = [
        offence
        for offence in offences("services", *inside(*OUTER))
        if not offence.startswith(
            "tasks_app/services/doorbell.py imports tasks_app.jobs"
        )
    ]

    assert rings == []


def test_jobs_and_commands_know_no_pages():
    pages = inside("views", "forms", "admin", "urls")

    assert offences("jobs", *pages) == []
    assert offences("management", *pages) == []


def test_practice_vendors_share_no_code_with_adapters():
    others = inside("models", "services", "vendors", *OUTER)

    assert offences("practice", "django", "celery", "config", *others) == []
    assert offences("vendors", *inside("practice")) == []


def test_only_the_demo_knows_the_practice_vendors():
    users = {
        path
        for folder in ("services", "models", *OUTER)
        for path, names in modules(folder)
        if any(under(name, *inside("practice")) for name in names)
    }

    assert users == {
        "tasks_app/services/demo.py",
        "tasks_app/management/commands/practice_vendors.py",
    }
