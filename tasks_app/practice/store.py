"""What a practice vendor remembers: one SQLite database, on disk or in memory.

The four vendors may share one file; each reads and writes only its own rows. Nothing
here takes `lock` itself: whoever calls a store holds it.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

Filter = tuple[str, Sequence[Any]]
"""A condition in SQL with ? for each value."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS task (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, id TEXT NOT NULL,
    prospect TEXT, owner TEXT, kind TEXT, state TEXT, title TEXT, note TEXT,
    priority INTEGER, starts TEXT, due TEXT, created TEXT, modified TEXT,
    finished TEXT, search TEXT, extra TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS task_id ON task (vendor, id);
CREATE INDEX IF NOT EXISTS task_prospect ON task (vendor, prospect, starts);
CREATE INDEX IF NOT EXISTS task_owner ON task (vendor, owner, created);
CREATE INDEX IF NOT EXISTS task_state ON task (vendor, state, starts);
CREATE INDEX IF NOT EXISTS task_starts ON task (vendor, starts);
CREATE INDEX IF NOT EXISTS task_due ON task (vendor, due);
CREATE INDEX IF NOT EXISTS task_order ON task (vendor);
CREATE INDEX IF NOT EXISTS task_search ON task (vendor, search);
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, at REAL, request TEXT,
    event TEXT, task TEXT, prospect TEXT, detail TEXT);
CREATE INDEX IF NOT EXISTS ledger_event ON ledger (vendor, event);
CREATE TABLE IF NOT EXISTS call (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, at REAL, request TEXT,
    method TEXT, path TEXT, query TEXT, user TEXT, status INTEGER, fault TEXT,
    refused INTEGER);
CREATE INDEX IF NOT EXISTS call_vendor ON call (vendor, refused);
CREATE TABLE IF NOT EXISTS document (
    vendor TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, data TEXT,
    PRIMARY KEY (vendor, kind, id)) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Task:
    """One task at the vendor.

    `state` is one word for all vendors (open, in_progress, completed, skipped, snoozed,
    cancelled, no_show, archived, detached). `starts` and `due` are text in the vendor's
    own form, the other times ISO 8601 in UTC; `extra` holds what only one vendor has.
    """

    id: str
    prospect: str = ""
    owner: str = ""
    kind: str = ""
    state: str = "open"
    title: str = ""
    note: str = ""
    priority: int = 0
    starts: str = ""
    due: str = ""
    created: str = ""
    modified: str = ""
    finished: str = ""
    search: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """All fields, for the control API."""
        return asdict(self)


_file_locks: dict[str, Any] = {}
COLUMNS = tuple(column.name for column in fields(Task))
_NAMES = ", ".join(COLUMNS)
_INSERT = f"INSERT INTO task (vendor, {_NAMES}) VALUES (?{', ?' * len(COLUMNS)})"  # noqa: S608
_UPDATE = f"UPDATE task SET {' = ?, '.join(COLUMNS)} = ? WHERE vendor = ? AND id = ?"  # noqa: S608


class Store:
    """The rows of one vendor. `path` None keeps everything in memory."""

    def __init__(self, vendor: str, path: str | Path | None = None) -> None:
        self.vendor = vendor
        self.lock = threading.RLock()
        if path is not None:
            Path(path).touch(mode=0o600)
            # Stores on one file take turns here: SQLite's own waiting is slower.
            self.lock = _file_locks.setdefault(str(Path(path).resolve()), self.lock)
        self._db = sqlite3.connect(
            str(path or ":memory:"),
            isolation_level=None,
            check_same_thread=False,
            timeout=30,
            cached_statements=256,
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all writes inside, or none of them."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Tasks

    def add(self, task: Task) -> None:
        self._db.execute(_INSERT, (self.vendor, *_values(task)))

    def save(self, task: Task) -> None:
        self._db.execute(_UPDATE, (*_values(task), self.vendor, task.id))

    def delete(self, task_id: str) -> None:
        self._db.execute(
            "DELETE FROM task WHERE vendor = ? AND id = ?", (self.vendor, task_id)
        )

    def get(self, task_id: str) -> Task | None:
        found = self.select([("id = ?", (task_id,))], limit=1)
        return found[0] if found else None

    def select(
        self,
        filters: Sequence[Filter] = (),
        *,
        order: str = "seq DESC",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Task]:
        """Return the tasks that meet all filters; `limit` -1 means all of them."""
        where, values = self._where(filters)
        if filters:
            # A plain seq would tempt SQLite to walk all tasks in order instead.
            order = order.replace("seq", "+seq")
        # Conditions and order are written in this package; values are bound. Choosing
        # the rows before reading them keeps far pages of long lists quick.
        sql = f"SELECT seq AS s FROM task{where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        sql = (
            f"SELECT {_NAMES} FROM ({sql}) CROSS JOIN task ON seq = s ORDER BY {order}"  # noqa: S608
        )
        rows = self._db.execute(sql, (*values, limit, offset))
        return [read_task(row) for row in rows]

    def count(self, filters: Sequence[Filter] = ()) -> int:
        where, values = self._where(filters)
        sql = f"SELECT count(*) FROM task{where}"  # noqa: S608
        return int(self._db.execute(sql, values).fetchone()[0])

    def text_filter(self, words: str) -> Filter:
        """The tasks whose text contains `words`, in any case."""
        # Through its own narrow index: still a walk over all texts, but a short one.
        found = (
            "SELECT seq FROM task INDEXED BY task_search"
            " WHERE vendor = ? AND instr(search, ?) > 0"
        )
        return f"seq IN ({found})", (self.vendor, words.lower())

    def highest_number(self) -> int:
        """The highest numeric task id ever given out, 0 when there was none."""
        sql = "SELECT max(CAST(task AS INTEGER)) FROM ledger WHERE vendor = ?"
        return int(self._db.execute(sql, (self.vendor,)).fetchone()[0] or 0)

    def _where(self, filters: Sequence[Filter]) -> tuple[str, list[Any]]:
        values: list[Any] = [self.vendor]
        conditions = ["vendor = ?"]
        for condition, bound in filters:
            conditions.append(condition)
            values.extend(bound)
        return " WHERE " + " AND ".join(conditions), values

    # Ledger and calls

    def enter(
        self, at: float, request: str, event: str, task: str, prospect: str, detail: Any
    ) -> None:
        """Write one line of the ledger: what was done, when, by which request."""
        self._db.execute(
            "INSERT INTO ledger (vendor, at, request, event, task, prospect, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self.vendor, at, request, event, task, prospect, json.dumps(detail)),
        )

    def ledger(self, event: str = "") -> list[dict[str, Any]]:
        """Return the lines of the ledger in order; of one event when it is named."""
        rows = self._rows(
            "SELECT at, request, event, task, prospect, detail FROM ledger"
            " WHERE vendor = ? AND ? IN ('', event) ORDER BY seq",
            (self.vendor, event),
        )
        for row in rows:
            row.update(json.loads(row.pop("detail")))
        return rows

    def record_call(self, *values: Any) -> None:
        """Record at, request, method, path, query, user, status, fault, refused."""
        self._db.execute(
            "INSERT INTO call (vendor, at, request, method, path, query, user, status,"
            " fault, refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.vendor, *values),
        )

    def calls(self) -> list[dict[str, Any]]:
        """Return every call in order of its recording; `at` is the arrival."""
        return self._rows(
            "SELECT at, request, method, path, query, user, status, fault, refused"
            " FROM call WHERE vendor = ? ORDER BY seq",
            (self.vendor,),
        )

    def call_counts(self) -> dict[str, int]:
        """How many calls arrived, and how many of them the rate limit refused."""
        sql = "SELECT count(*), coalesce(sum(refused), 0) FROM call WHERE vendor = ?"
        calls, refused = self._db.execute(sql, (self.vendor,)).fetchone()
        return {"calls": int(calls), "refused": int(refused)}

    def has_event(self, event: str) -> bool:
        sql = "SELECT 1 FROM ledger WHERE vendor = ? AND event = ? LIMIT 1"
        return self._db.execute(sql, (self.vendor, event)).fetchone() is not None

    def _rows(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        cursor = self._db.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    # Documents: webhooks, seeded people, background requests

    def put(self, kind: str, key: str, data: dict[str, Any]) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?)",
            (self.vendor, kind, key, json.dumps(data)),
        )

    def find(self, kind: str, key: str) -> dict[str, Any] | None:
        sql = "SELECT data FROM document WHERE vendor = ? AND kind = ? AND id = ?"
        row = self._db.execute(sql, (self.vendor, kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def documents(self, kind: str) -> list[dict[str, Any]]:
        sql = "SELECT data FROM document WHERE vendor = ? AND kind = ? ORDER BY id"
        rows = self._db.execute(sql, (self.vendor, kind))
        return [json.loads(row[0]) for row in rows]

    def clear(self) -> None:
        """Forget tasks, ledger, calls, webhooks and background requests."""
        for table in ("task", "ledger", "call"):
            self._db.execute(f"DELETE FROM {table} WHERE vendor = ?", (self.vendor,))  # noqa: S608
        self._db.execute(
            "DELETE FROM document WHERE vendor = ? AND kind IN ('webhook', 'request')",
            (self.vendor,),
        )


def _values(task: Task) -> list[Any]:
    values = [getattr(task, name) for name in COLUMNS]
    values[-1] = json.dumps(task.extra)
    return values


def read_task(row: Sequence[Any]) -> Task:
    """The task of a row with the columns in the order of `COLUMNS`."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["extra"] = json.loads(values["extra"])
    return Task(**values)
