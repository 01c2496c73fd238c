"""Nobody but `services/states.py` moves a push: the code is searched for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = "tasks_app/services/states.py"
STATES = {
    "queued",
    "claimed",
    "sending",
    "accepted",
    "needs_check",
    "delivered",
    "failed",
    "withdrawn",
}
#: (file, text): places that were looked at and may stay. New rows need none: a push
#: begins as queued by default, whatever creates it.
REVIEWED = {
    ("tasks_app/services/many.py", "Task("),  # one that is never saved
    # Made at the vendor: it has no push, and its id proves that it is there.
    ("tasks_app/services/bringing.py", "Task("),
}
#: The state of some other class.
OTHER_CLASS = re.compile(r"\b(?!Push\b|Task\b)[A-Z]\w+\.State\.")
#: Objects with a `state` of their own, by the names they go by.
OTHERS = re.compile(
    r"account|conn|run|gate|remote|migration|hook|heartbeat|beat|mine|^rows$|taken|left|"
    r"self|page|task\.status",
    re.I,
)
WRITERS = {"update", "create", "get_or_create", "update_or_create", "bulk_update"}


def files() -> list[Path]:
    found = [*ROOT.glob("tasks_app/**/*.py"), *ROOT.glob("config/**/*.py")]
    return [
        path
        for path in found
        if "migrations" not in path.parts and "practice" not in path.parts
    ]


def is_push_state(node: ast.expr) -> bool:
    """Return whether this value is, or may be, a state of a push."""
    text = ast.unparse(node)
    if isinstance(node, ast.Constant):
        return node.value in STATES
    named = re.search(r"(?:\b(\w+)\.)?(?:State|Delivery)\.(\w+)", text)
    return named is not None and named[2].lower() in STATES


def writes(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of what writes a push's state or a task's delivery."""
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if not isinstance(target, ast.Attribute):
                    continue
                holder = ast.unparse(target.value)
                value = ast.unparse(node.value) if node.value else ""
                if target.attr == "delivery" or (
                    target.attr == "state"
                    and not OTHERS.search(holder)
                    and not OTHER_CLASS.search(value)
                ):
                    yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call):
            yield from written_by_call(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.lower()
            if re.search(
                r"\b(update|insert\s+into|delete\s+from)\s+baton_push\b", text
            ):
                yield node.lineno, node.value.strip().splitlines()[0]
            if re.search(r"update\s+baton_task\b", text) and "delivery" in text:
                yield node.lineno, node.value.strip().splitlines()[0]


def written_by_call(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    plain = node.func.id if isinstance(node.func, ast.Name) else ""
    for keyword in node.keywords:
        if name in WRITERS and keyword.arg == "delivery":
            yield node.lineno, ast.unparse(node)
        if name in WRITERS and keyword.arg == "state" and is_push_state(keyword.value):
            yield node.lineno, ast.unparse(node)
        if plain in ("Push", "Task") and keyword.arg in ("state", "delivery"):
            yield node.lineno, f"{plain}("
    if name == "setattr" or plain == "setattr":
        field = node.args[1] if len(node.args) > 1 else None
        if isinstance(field, ast.Constant) and field.value in ("state", "delivery"):
            yield node.lineno, ast.unparse(node)
    if name in ("bulk_update", "save"):
        named = [
            item.value
            for argument in [*node.args, *(k.value for k in node.keywords)]
            if isinstance(argument, ast.List | ast.Tuple)
            for item in argument.elts
            if isinstance(item, ast.Constant)
        ]
        if "delivery" in named:
            yield node.lineno, ast.unparse(node)


def test_only_the_state_machine_moves_a_push():
    found = {
        (str(path.relative_to(ROOT)), line, text)
        for path in files()
        if str(path.relative_to(ROOT)) != HOME
        for line, text in writes(path)
    }
    unknown = {
        (name, line, text)
        for name, line, text in found
        if not any(name == file and part in text for file, part in REVIEWED)
    }
    assert unknown == set()


def test_the_state_machine_itself_is_found_by_the_search():
    assert len(list(writes(ROOT / HOME))) >= 4


@pytest.mark.parametrize(
    "line",
    [
        "push.state = 'queued'",
        "task.delivery = Task.Delivery.FAILED",
        "Push.objects.filter(pk=1).update(state=Push.State.QUEUED)",
        "rows.update(state=State.DELIVERED, error='')",
        "Task.objects.update(delivery=value)",
        "Push(task=task, state='sending')",
        "setattr(push, 'state', value)",
        "Task.objects.bulk_update(tasks, ['delivery', 'title'])",
        "cursor.execute('UPDATE baton_push SET lane = 0')",
        "cursor.execute('update baton_task set delivery = %s', [x])",
    ],
)
def test_a_direct_write_would_be_found(tmp_path, line):
    path = tmp_path / "sinner.py"
    path.write_text(line)
    assert len(list(writes(path))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "account.state = 'paused'",
        "row.state = ProspectImport.State.DONE",
        "ConnectedAccount.objects.update(state=State.PAUSED)",
        "SyncRun.objects.filter(pk=1).update(state=SyncRun.State.DONE)",
        "Push.objects.filter(state=Push.State.QUEUED).update(lane=0)",
        "cursor.execute('SELECT state FROM baton_push')",
    ],
)
def test_other_states_are_left_alone(tmp_path, line):
    path = tmp_path / "honest.py"
    path.write_text(line)
    assert list(writes(path)) == []
