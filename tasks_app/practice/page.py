"""The control page of a practice vendor: plain HTML, no scripts, everything escaped."""

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .dials import KINDS

if TYPE_CHECKING:
    from .server import PracticeServer

ROWS = 50
BUTTONS = {"complete": "Complete", "cancel": "Cancel", "delete": "Delete"}
STATE_WORDS = {"in_progress": "in progress", "no_show": "no show"}


def render(server: "PracticeServer", query: dict[str, str]) -> str:
    """The whole page; `q` and `page` of the query choose the tasks shown."""
    words = query.get("q", "").strip()
    number = int(query.get("page", "1")) if query.get("page", "1").isdecimal() else 1
    total = server.count_tasks(words)
    last = max(1, -(-total // ROWS))
    number = min(max(number, 1), last)
    tasks = server.tasks(words, ROWS, (number - 1) * ROWS, "seq DESC")
    place = {"q": words, "page": str(number)}
    state = server.state()
    label = escape(server.app.label)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PRACTICE — {label}</title>
<link rel="stylesheet" href="/_practice/practice.css">
</head>
<body>
<header>
<h1><span class="badge">PRACTICE</span> {label}</h1>
<p>Not the real {label}: a practice vendor on this machine. Nothing here reaches
a customer. Address for an account: <code>{escape(server.base_url)}</code></p>
</header>
<main>
{executed(state)}
{figures(state)}
{dials(state, place)}
<section aria-labelledby="tasks">
<h2 id="tasks">Tasks</h2>
<form class="bar" method="get" action="/" role="search">
<label>Search <input type="search" name="q" value="{escape(words)}"></label>
<button>Search</button>
</form>
{task_table(server, tasks, place)}
{pager(words, number, last, total)}
</section>
</main>
</body>
</html>
"""


def executed(state: dict[str, Any]) -> str:
    if not state["executed"]:
        return ""
    return (
        '<p class="alarm" role="alert">EXECUTED: somebody called execute. At the real'
        " vendor a message would have gone out.</p>"
    )


def figures(state: dict[str, Any]) -> str:
    limit = "none"
    if state["rate_limit"]:
        limit = ", ".join(f"{n} in {span:g} s" for n, span in state["rate_limit"])
    pairs = {
        "Tasks": state["tasks"],
        "Calls": state["calls"],
        "Refused with 429": state["refused"],
        "Limit": limit,
    }
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in pairs.items()
    )
    return f'<dl class="figures">{cells}</dl>'


def dials(state: dict[str, Any], place: dict[str, str]) -> str:
    rows = "".join(dial_row(dial, place) for dial in state["dials"])
    table = '<p class="quiet">No dial is set: the vendor behaves.</p>'
    if rows:
        table = (
            '<div class="scroll"><table><thead><tr><th>Trouble</th><th>Chance</th>'
            "<th>Left</th><th>Seconds</th><th>Only for</th><th>Met so far</th>"
            f'<th><span class="hidden">Action</span></th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    options = "".join(
        f'<option value="{kind}">{escape(text)}</option>'
        for kind, text in KINDS.items()
    )
    return f"""<section aria-labelledby="dials">
<h2 id="dials">Failure dials</h2>
{table}
<form class="bar" method="post" action="/_practice/page/dial">
{hidden(place)}
<label>Trouble <select name="kind">{options}</select></label>
<label>Chance in % <input name="percent" type="number" min="0" max="100" value="100">
</label>
<label>Next requests <input name="next" type="number" min="1" placeholder="all"></label>
<label>Seconds <input name="seconds" type="number" min="0" step="any"></label>
<label>Only paths starting with <input name="path" placeholder="any"></label>
<button>Set dial</button>
</form>
</section>"""


def dial_row(dial: dict[str, Any], place: dict[str, str]) -> str:
    left = "all" if dial["next"] is None else dial["next"]
    only = f"{dial['method']} {dial['path']}".strip() or "everything"
    cells = (
        dial["label"],
        f"{dial['probability']:.0%}",
        left,
        f"{dial['seconds']:g}",
        only,
        dial["fired"],
    )
    shown = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
    return (
        f'<tr>{shown}<td><form method="post" action="/_practice/page/undial">'
        f'{hidden({**place, "id": str(dial["id"])})}<button aria-label="Remove dial '
        f'{escape(dial["label"])}">Remove</button></form></td></tr>'
    )


def task_table(
    server: "PracticeServer", tasks: list[dict[str, Any]], place: dict[str, str]
) -> str:
    if not tasks:
        return '<p class="quiet">No tasks here.</p>'
    rows = "".join(task_row(server, task, place) for task in tasks)
    heads = ("Task", "Prospect", "Holder", "When", "Status", "Created")
    cells = "".join(f"<th>{head}</th>" for head in heads)
    return (
        f'<div class="scroll"><table><thead><tr>{cells}<th><span class="hidden">Actions'
        f"</span></th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def task_row(
    server: "PracticeServer", task: dict[str, Any], place: dict[str, str]
) -> str:
    directory = server.app.directory
    person = directory.person(task["prospect"]) if task["prospect"] else None
    user = directory.user(task["owner"])
    text = task["title"] or task["note"] or task["id"]
    state = str(task["state"])
    buttons = "".join(
        f'<button name="action" value="{action}" aria-label="{word} {escape(text)}">'
        f"{word}</button>"
        for action, word in BUTTONS.items()
        if action in server.app.actions
        and (action == "delete" or state in ("open", "in_progress", "snoozed"))
    )
    fields = hidden({**place, "id": task["id"]})
    return (
        f"<tr><td><strong>{escape(text[:160])}</strong><small>{escape(task['id'])}"
        f"</small></td><td>{escape(person.name if person else '')}"
        f"<small>{escape(task['prospect'])}</small></td>"
        f"<td>{escape(user.name if user else task['owner'])}</td>"
        f'<td class="time">{escape(clock(task["starts"] or task["due"]))}</td>'
        f'<td><span class="state state-{escape(state)}">'
        f"{escape(STATE_WORDS.get(state, state))}</span></td>"
        f'<td class="time">{escape(clock(task["created"]))}</td>'
        f'<td><form class="actions" method="post" action="/_practice/page/act">'
        f"{fields}{buttons}</form></td></tr>"
    )


def clock(text: str) -> str:
    """A day, or a day and a time to the minute."""
    return text[:16].replace("T", " ")


def pager(words: str, number: int, last: int, total: int) -> str:
    def link(target: int, text: str) -> str:
        if not 1 <= target <= last:
            return ""
        address = escape(urlencode({"q": words, "page": target}))
        return f'<a href="/?{address}">{text}</a>'

    return (
        f'<nav class="bar" aria-label="Pages">{link(number - 1, "Newer")}'
        f"<span>Page {number} of {last}, {total} tasks</span>"
        f"{link(number + 1, 'Older')}</nav>"
    )


def hidden(fields: dict[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
