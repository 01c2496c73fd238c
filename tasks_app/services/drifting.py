"""Drift watch: vendors change their answers without telling anybody.

Unknown words, new and missing fields and changed kinds of values are kept, counted and
shown to the administrator. Nothing breaks by them. Of each kind of call one answer a
minute is looked at, so watching costs next to nothing; what is usual in an account is
learnt from its own answers.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from tasks_app.models import AnswerShape, ConnectedAccount, Drift
from tasks_app.vendors.calls import VendorRequest, VendorResponse
from tasks_app.vendors.shapes import Shape, call_name, parent_of, redacted, shape_of

log = logging.getLogger(__name__)

#: Seconds between two answers of a kind that one process looks at.
EVERY = 60.0
#: Answers from which it is learnt what is usual, before anything counts as drift.
LEARNT_FROM = 5
#: Bounds on what one account may keep.
MOST_DRIFTS = 200
MOST_FIELDS = 600
LONGEST_SAMPLE = 2000

NEW, MISSING, CHANGED = "new field", "missing field", "changed field"

#: When this process looks at an answer of this account and call again.
_next: dict[tuple[int, str], float] = {}


def note_drift(account_id: int, kind: str, detail: str, sample: str = "") -> None:
    """Count something a vendor answered that we do not know."""
    detail = detail.replace("\0", "\N{REPLACEMENT CHARACTER}")[:200]
    now = timezone.now()
    rows = Drift.objects.filter(account_id=account_id, kind=kind, detail=detail)
    if rows.update(count=F("count") + 1, last_seen=now):
        return
    if Drift.objects.filter(account_id=account_id).count() < MOST_DRIFTS:
        Drift.objects.get_or_create(
            account_id=account_id,
            kind=kind,
            detail=detail,
            defaults={"sample": sample[:LONGEST_SAMPLE]},
        )


def watch(
    account: ConnectedAccount, request: VendorRequest, response: VendorResponse
) -> None:
    """Look at the shape of this answer, if one of its kind is due. Never raises."""
    if not 200 <= response.status_code < 300:
        return
    if not isinstance(response.body, dict | list):
        return
    call = call_name(request.method, request.path, request.query)
    now = time.monotonic()
    if now < _next.get((account.pk, call), 0.0):
        return
    _next[account.pk, call] = now + EVERY
    try:
        compare(account, call, response.body)
    except DatabaseError:
        log.warning("The drift watch skipped an answer.", exc_info=True)


def compare(account: ConnectedAccount, call: str, body: Any) -> int:
    """Compare an answer with what is usual for its call; return how many differences."""
    shape = shape_of(body)
    with transaction.atomic():
        AnswerShape.objects.get_or_create(account=account, call=call)
        usual = AnswerShape.objects.select_for_update().get(account=account, call=call)
        found = []
        if usual.answers >= LEARNT_FROM:
            found = differences(usual, shape)
        learn(usual, shape)
        usual.save(update_fields=["fields", "answers", "seen_at"])
    for kind, path, words in found:
        # The more telling end of a long place stays.
        place = path if len(path) <= 80 else f"…{path[-79:]}"
        sample = json.dumps(redacted(body), indent=1, ensure_ascii=False)
        note_drift(account.pk, kind, f"{call}: {place}, {words}", sample)
    return len(found)


def differences(usual: AnswerShape, shape: Shape) -> list[tuple[str, str, str]]:
    """Return (kind, place, words) of what is otherwise than usual.

    What was flagged once is flagged again for as long as it is so, to be counted.
    A place is missing only where it was always there, and what it stands in still is.
    """
    found = []
    for path, kind in shape.items():
        known = usual.fields.get(path)
        if known is None or known.get("drift") == NEW:
            found.append((NEW, path, kind))
        elif kind != "null" and (kind != known["kind"] or known.get("drift")):
            was = known.get("was", known["kind"])
            if was not in ("null", kind):
                found.append((CHANGED, path, f"{was} became {kind}"))
    for path, known in usual.fields.items():
        always = known["seen"] == usual.answers or known.get("drift") == MISSING
        within = parent_of(path)
        there = not within or shape.get(within) in ("object", "list")
        if path not in shape and always and there and not path.endswith("[]"):
            found.append((MISSING, path, f"was {known['kind']}"))
    return found


def learn(usual: AnswerShape, shape: Shape) -> None:
    """Add an answer to what is known of its call."""
    learnt = usual.answers >= LEARNT_FROM
    for path, known in usual.fields.items():
        if learnt and path not in shape and known["seen"] == usual.answers:
            within = parent_of(path)
            if not within or shape.get(within) in ("object", "list"):
                known["drift"] = MISSING
    for path, kind in shape.items():
        known = usual.fields.get(path)
        if known is None:
            if len(usual.fields) >= MOST_FIELDS:
                continue
            known = usual.fields[path] = {"kind": kind, "seen": 0}
            if learnt:
                known["drift"] = NEW
        elif kind not in ("null", known["kind"]):
            if learnt and known["kind"] != "null":
                known.setdefault("was", known["kind"])
                known.setdefault("drift", CHANGED)
            known["kind"] = kind
        known["seen"] += 1
    usual.answers += 1
    usual.seen_at = timezone.now()
