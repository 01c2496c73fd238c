"""The state machine of a push: the one place where `Push.state` is written.

Every change is a conditional UPDATE that names the states (and, where an attempt is
under way, the attempt) it expects. Whoever comes second changes no row and is told so
by what comes back. A create push's state is copied to `Task.delivery` in the same
transaction; `claimed` is not copied, because nothing has left yet. A create that is
withdrawn ends its task's work with it: what is never sent is nobody's to do.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from tasks_app.models import ConnectedAccount, Push, Task, TaskEvent

from . import gate
from .statements import Statement, together

State = Push.State

#: From each state, where a push may go.
TRANSITIONS: dict[str, frozenset[str]] = {
    State.QUEUED: frozenset({State.CLAIMED, State.WITHDRAWN, State.FAILED}),
    State.CLAIMED: frozenset({State.SENDING, State.QUEUED, State.FAILED}),
    State.SENDING: frozenset(
        {State.DELIVERED, State.ACCEPTED, State.QUEUED, State.FAILED, State.NEEDS_CHECK}
    ),
    State.ACCEPTED: frozenset({State.DELIVERED, State.FAILED, State.NEEDS_CHECK}),
    State.NEEDS_CHECK: frozenset(
        {
            State.DELIVERED,
            State.ACCEPTED,
            State.FAILED,
            State.QUEUED,
        }
    ),
    State.FAILED: frozenset({State.QUEUED, State.WITHDRAWN}),
    State.DELIVERED: frozenset(),
    State.WITHDRAWN: frozenset(),
}

#: An answer to the attempt that is under way may also come after its lease was over.
ANSWERABLE = (State.SENDING, State.NEEDS_CHECK)

# A few of ours, so that one statement stays below SQLite's limit of variables.
ROWS_PER_STATEMENT = 500


@dataclass(frozen=True)
class Change:
    """What becomes of one push. Empty texts leave the column as it is, except the two
    error columns, which always take what is given. Times are aware, None clears."""

    push_id: int
    to: str
    external_id: str = ""
    external_url: str = ""
    request_number: str = ""
    error_kind: str = ""
    error: str = ""
    not_before: datetime | None = None
    look_at: datetime | None = None
    ask_person: bool = False


@dataclass(frozen=True)
class Moved:
    """A push that did change."""

    push_id: int
    task_id: int
    kind: str


def check_table(sources: Iterable[str], to: str) -> None:
    """Raise ValueError if the table does not allow one of these steps."""
    for source in sources:
        if to not in TRANSITIONS[source]:
            raise ValueError(f"A push never goes from {source} to {to}.")


def claim(
    account_id: int,
    *,
    limit: int,
    lease: timedelta,
    group_key: str | None = None,
    call_limit: int | None = None,
    now: datetime | None = None,
) -> tuple[uuid.UUID, list[int]]:
    """Claim up to `limit` due pushes of an account: `queued` → `claimed`.

    Urgent ones first, then the longest waiting. `group_key` and `call_limit` (when the
    former is not None) restrict it to pushes that may share a call. An action waits
    until the task's create and its earlier actions are through. What is paused with its
    batch is passed over. What was in the hands of
    a process that died is claimed alone, so that it takes no others with it if it is to
    blame. Return the attempt id and the ids claimed, in order; another process never
    gets the same ones.
    """
    now = now or timezone.now()
    attempt = uuid.uuid4()
    conditions: list[str] = []
    values: list[Any] = []
    if group_key is not None:
        conditions.append("AND q.group_key = %s AND COALESCE(q.call_limit, 0) = %s")
        values += [group_key, call_limit or 0]
    skip = "FOR UPDATE OF q SKIP LOCKED" if connection.vendor == "postgresql" else ""
    # MATERIALIZED: PostgreSQL may run a plain subquery with LIMIT more than once.
    sql = f"""
        WITH due AS MATERIALIZED (
            SELECT q.id, q.lane, q.crash_count FROM baton_push q
             WHERE q.account_id = %s AND q.state = 'queued' AND NOT q.paused
               AND q.not_before <= %s
                   {" ".join(conditions)}
               AND (q.kind = 'create' OR NOT EXISTS (
                    SELECT 1 FROM baton_push e
                     WHERE e.task_id = q.task_id AND e.id < q.id
                       AND e.state NOT IN ('delivered', 'failed', 'withdrawn')))
             ORDER BY q.lane, q.id LIMIT %s {skip}),
        head AS (SELECT id, crash_count FROM due ORDER BY lane, id LIMIT 1)
        UPDATE baton_push
           SET state = 'claimed', attempt_id = %s, lease_until = %s, updated_at = %s
         WHERE state = 'queued' AND id IN (
               SELECT due.id FROM due, head
                WHERE due.id = head.id OR due.crash_count + head.crash_count = 0)
        RETURNING id
    """  # noqa: S608 - only our own words are put into the text
    field = Push._meta.get_field("attempt_id")
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            [
                account_id,
                adapt(now),
                *values,
                limit,
                field.get_db_prep_value(attempt, connection),
                adapt(now + lease),
                adapt(now),
            ],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return attempt, sorted(ids)


def start_sending(
    push_ids: Sequence[int],
    *,
    attempt: uuid.UUID,
    lease: timedelta,
    account: ConnectedAccount | None = None,
) -> list[int]:
    """Commit the intent to send: `claimed` → `sending`. Return the ids still ours.

    Call it inside the transaction that also stores the Exchange; after its commit the
    bytes may leave. A claim whose lease is over is not ours any more, and what was paused
    after it was claimed does not leave. With `account` none does while its gate is shut
    for the key in hand.
    """
    check_table([State.CLAIMED], State.SENDING)
    now = timezone.now()
    number = Push._meta.get_field("attempt_id").get_db_prep_value(attempt, connection)
    ids = ", ".join(["%s"] * len(push_ids))
    is_open, gate_values = gate.open_sql(account) if account else ("1 = 1", [])
    start = f"""
        UPDATE baton_push
           SET state = 'sending', lease_until = %s, sent_at = %s,
               look_at = NULL, absent_reads = 0, left_at = NULL,
               tries = tries + 1, updated_at = %s
         WHERE id IN ({ids}) AND state = 'claimed' AND attempt_id = %s
           AND lease_until > %s AND NOT paused AND {is_open}
        RETURNING id
    """  # noqa: S608 - only our own words are put into the text
    start_values = [adapt(now + lease), adapt(now), adapt(now), *push_ids, number]
    # A copy that is taken back says nothing of the task beside it.
    tell = f"""
        UPDATE baton_task AS t
           SET delivery = CASE WHEN p.kind = 'create' THEN 'sending'
                               ELSE t.delivery END,
               retry_at = CASE WHEN p.kind = 'create' THEN NULL ELSE t.retry_at END,
               action_state = CASE WHEN p.kind = 'create' THEN t.action_state
                                   ELSE 'sending' END,
               updated_at = %s
          FROM baton_push AS p
         WHERE p.id IN ({ids}) AND p.state = 'sending' AND p.attempt_id = %s
           AND p.kind <> 'copy' AND t.id = p.task_id
    """  # noqa: S608 - only our own words are put into the text
    started, _ = together(
        (start, [*start_values, adapt(now), *gate_values]),
        (tell, [adapt(now), *push_ids, number]),
    )
    return sorted(row[0] for row in started)


def change(
    changes: Sequence[Change],
    *,
    sources: Sequence[str],
    attempt: uuid.UUID | None = None,
    expired_by: datetime | None = None,
    source: str = TaskEvent.Source.PUSH,
    actor_id: int | None = None,
    note: str = "",
    events: bool = True,
    before: Sequence[Statement] = (),
) -> list[Moved]:
    """Make these changes where the push is in one of `sources`, and of this attempt or
    with a lease that was over by `expired_by` where these are given.

    Return those that were made. Tasks, their delivery and their history follow in the
    same transaction, which begins with the statements `before`. Raise ValueError for a
    step that the table does not know, and IntegrityError where a vendor's id already
    belongs to another task.
    """
    moved: list[Moved] = []
    if not changes and not before:
        return moved
    for to in {item.to for item in changes}:
        check_table([s for s in sources if s != to], to)
    # All or nothing together with what the caller does: no savepoint is needed.
    with transaction.atomic(savepoint=False):
        by_id = {item.push_id: item for item in changes}
        statements = [
            _updated_pushes(
                changes[start : start + ROWS_PER_STATEMENT],
                sources,
                attempt,
                expired_by,
            )
            for start in range(0, len(changes), ROWS_PER_STATEMENT)
        ]
        for rows in together(*before, *statements)[len(before) :]:
            moved += [Moved(*row) for row in rows]
        made = [(by_id[m.push_id], m) for m in moved]
        for start in range(0, len(made), ROWS_PER_STATEMENT):
            some = made[start : start + ROWS_PER_STATEMENT]
            follow = _updated_tasks(some) + _ended_work(some)
            if events:
                follow += _history(some, source, actor_id, note)
            if follow:
                together(*follow)
        _update_actions([(item, m) for item, m in made if m.kind != Push.Kind.CREATE])
    return moved


def _updated_pushes(
    changes: Sequence[Change],
    sources: Sequence[str],
    attempt: uuid.UUID | None,
    expired_by: datetime | None,
) -> Statement:
    """Return what makes these changes; its rows are what moved."""
    now = adapt(timezone.now())
    rows, values = [], []
    for item in changes:
        rows.append("(%s, %s, %s, %s, %s, %s, %s, %s, %s)")
        values += [
            item.push_id,
            item.to,
            item.external_id,
            item.request_number,
            item.error_kind,
            item.error,
            adapt(item.not_before),
            adapt(item.look_at),
            item.ask_person,
        ]
    moment = "timestamptz" if connection.vendor == "postgresql" else "text"
    flag = "boolean" if connection.vendor == "postgresql" else "integer"
    states = ", ".join(["%s"] * len(sources))
    guard = "AND p.attempt_id = %s" if attempt else ""
    guard += " AND p.lease_until < %s" if expired_by else ""
    sql = f"""
        UPDATE baton_push AS p
           SET state = v.column2,
               external_id = CASE WHEN v.column3 = '' THEN p.external_id
                                  ELSE v.column3 END,
               request_number = CASE WHEN v.column4 = '' THEN p.request_number
                                     ELSE v.column4 END,
               error_kind = v.column5, error = v.column6,
               not_before = COALESCE(CAST(v.column7 AS {moment}), p.not_before),
               look_at = CAST(v.column8 AS {moment}),
               ask_person = CAST(v.column9 AS {flag}),
               lease_until = NULL, updated_at = %s
          FROM (VALUES {", ".join(rows)}) AS v
         WHERE p.id = CAST(v.column1 AS bigint) AND p.state IN ({states}) {guard}
        RETURNING id, task_id, kind
    """  # noqa: S608 - only our own words are put into the text
    params = [now, *values, *sources]
    if attempt:
        field = Push._meta.get_field("attempt_id")
        params.append(field.get_db_prep_value(attempt, connection))
    if expired_by:
        params.append(adapt(expired_by))
    return sql, params


def _updated_tasks(made: Sequence[tuple[Change, Moved]]) -> list[Statement]:
    """Return what copies creates' states to their tasks, if any."""
    now = adapt(timezone.now())
    rows, values = [], []
    for item, moved in made:
        if item.to == State.CLAIMED or moved.kind != Push.Kind.CREATE:
            continue
        retry_at = item.not_before if item.to == State.QUEUED else None
        rows.append("(%s, %s, %s, %s, %s, %s, %s)")
        values += [
            moved.task_id,
            item.to,
            item.external_id,
            item.external_url,
            item.error_kind,
            item.error,
            adapt(retry_at),
        ]
    if not rows:
        return []
    moment = "timestamptz" if connection.vendor == "postgresql" else "text"
    sql = f"""
        UPDATE baton_task AS t
           SET delivery = v.column2,
               external_id = CASE WHEN v.column3 = '' THEN t.external_id
                                  ELSE v.column3 END,
               external_url = CASE WHEN v.column4 = '' THEN t.external_url
                                   ELSE v.column4 END,
               delivery_kind = v.column5, delivery_error = v.column6,
               retry_at = CAST(v.column7 AS {moment}), updated_at = %s
          FROM (VALUES {", ".join(rows)}) AS v
         WHERE t.id = CAST(v.column1 AS bigint)
    """  # noqa: S608 - only our own words are put into the text
    return [(sql, [now, *values])]


def _ended_work(made: Sequence[tuple[Change, Moved]]) -> list[Statement]:
    """Return what ends the work on tasks whose creates were withdrawn, if any.

    Work that somebody has done meanwhile stays done. What was asked for at the vendor
    ends: it waited for a task that never comes.
    """
    tasks = [
        moved.task_id
        for item, moved in made
        if item.to == State.WITHDRAWN and moved.kind == Push.Kind.CREATE
    ]
    if not tasks:
        return []
    now = adapt(timezone.now())
    ids = ", ".join(["%s"] * len(tasks))
    work = f"""
        UPDATE baton_task
           SET status = CASE WHEN status IN ('open', 'in_progress')
                             THEN 'cancelled' ELSE status END,
               action_state = '', action_error = '', version = version + 1, updated_at = %s
         WHERE id IN ({ids})
    """  # noqa: S608 - only placeholders are put into the text
    actions = f"""
        UPDATE baton_push SET state = 'withdrawn', updated_at = %s
         WHERE task_id IN ({ids}) AND kind NOT IN ('create', 'copy')
           AND state = 'queued'
    """  # noqa: S608 - only placeholders are put into the text
    return [(work, [now, *tasks]), (actions, [now, *tasks])]


def _update_actions(made: Sequence[tuple[Change, Moved]]) -> None:
    """Copy actions' states to their tasks; one that is through leaves no trace."""
    for item, moved in made:
        through = item.to in (State.DELIVERED, State.WITHDRAWN)
        Task.objects.filter(pk=moved.task_id, action=moved.kind).update(
            action_state="" if through else item.to,
            action_error="" if through else item.error,
            updated_at=timezone.now(),
        )


def _history(
    made: Sequence[tuple[Change, Moved]], source: str, actor_id: int | None, note: str
) -> list[Statement]:
    """Return what writes a line into the history of each of these tasks."""
    now = adapt(timezone.now())
    values: list[Any] = []
    for item, moved in made:
        kind = "delivery" if moved.kind == Push.Kind.CREATE else moved.kind
        line = note or item.error
        values += [moved.task_id, now, source, actor_id, kind, item.to, line]
    rows = ", ".join(["(%s, %s, %s, %s, %s, '', %s, %s)"] * len(made))
    sql = f"""
        INSERT INTO baton_taskevent
               (task_id, at, source, actor_id, kind, old, new, note) VALUES {rows}
    """  # noqa: S608 - only placeholders
    return [(sql, values)]


def postpone_looks(
    push_ids: Sequence[int], *, due_by: datetime, until: datetime
) -> list[int]:
    """Put the due looks of these pushes off; return the ids whose look was still due."""
    if not push_ids:
        return []
    ids = ", ".join(["%s"] * len(push_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE baton_push SET look_at = %s
                 WHERE id IN ({ids}) AND look_at <= %s
                   AND state IN ('needs_check', 'accepted')
             RETURNING id""",  # noqa: S608 - only placeholders are put into the text
            [adapt(until), *push_ids, adapt(due_by)],
        )
        return sorted(row[0] for row in cursor.fetchall())


def expired(now: datetime) -> tuple[list[int], list[int]]:
    """Return the ids of claims and of sends whose lease is over, oldest first."""
    rows = (
        Push.objects.filter(
            state__in=[State.CLAIMED, State.SENDING], lease_until__lt=now
        )
        .order_by("lease_until")
        .values_list("pk", "state")[:1000]
    )
    claimed = [pk for pk, state in rows if state == State.CLAIMED]
    sending = [pk for pk, state in rows if state == State.SENDING]
    return claimed, sending


def adapt(moment: datetime | None) -> Any:
    """Return a time as this database takes it in plain SQL."""
    if moment is None:
        return None
    return connection.ops.adapt_datetimefield_value(moment)
