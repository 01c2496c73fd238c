"""Failure dials: which trouble meets which request. What it does is in `faults.py`."""

import itertools
import random
from dataclasses import asdict, dataclass, field
from typing import Any

from .wire import Request

KINDS = {
    "slow": "Answer late",
    "429": "Too many requests",
    "500": "Internal error",
    "502": "Bad gateway",
    "503": "Unavailable",
    "hang": "No answer, nothing done",
    "hang_after": "No answer, but done",
    "reset": "Connection reset, nothing done",
    "lost_answer": "Connection reset, but done",
    "late": "Connection reset, done later",
    "truncated": "Answer cut off",
    "garbage": "200 with broken JSON",
    "html": "200 with a web page",
    "empty": "200 with nothing",
    "drip": "Answer byte by byte",
    "giant": "Answer of 50 MB",
    "redirect": "Redirect to another host",
    "wrong_key": "Key revoked",
    "missing_results": "Results left out",
    "repeated_results": "Results repeated",
    "reordered_results": "Results in another order",
    "foreign_results": "Results of somebody else",
    "partial_refusal": "Each n-th prospect refused",
}
RESULT_KINDS = frozenset(kind for kind in KINDS if kind.endswith("_results"))
DONE_FIRST = frozenset(
    {
        "hang_after",
        "lost_answer",
        "truncated",
        "garbage",
        "html",
        "empty",
        "drip",
        "giant",
    }
)
SECONDS = {"slow": 1.0, "hang": 60.0, "hang_after": 60.0, "late": 5.0, "drip": 0.5}


@dataclass
class Dial:
    """One kind of trouble and whom it meets.

    probability  0..1 for each request it fits
    next         fire this many times, then go; None: until removed
    method, path only this method; only paths that start so
    seconds      slow: delay; hang: how long; late: until done; drip: for each byte
    done         whether the vendor does the work first; None: as usual for the kind
    retry_after  429 and 503: a number of seconds, "date:30" for a date 30 s ahead, any
                 other text as it stands, None for no header
    status, location   of a redirect
    size         giant: bytes in all (50 MB); truncated: bytes kept (half of them)
    count        how many results are left out, repeated or added; -1 for all
    every        partial_refusal: refuse each n-th prospect
    variant      giant: "gzip"; truncated: "quiet" (with a matching Content-Length);
                 repeated_results: "same", "refused" (the other verdict) or "second_id";
                 foreign_results: "unknown" or "shared" (one task id for two prospects)
    """

    kind: str
    probability: float = 1.0
    next: int | None = None
    method: str = ""
    path: str = ""
    seconds: float | None = None
    done: bool | None = None
    retry_after: int | float | str | None = None
    status: int = 307
    location: str = "http://elsewhere.example/"
    size: int | None = None
    count: int = 1
    every: int = 3
    variant: str = ""
    fired: int = 0
    id: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no dial {self.kind!r}; use {', '.join(KINDS)}.")
        if not 0 <= self.probability <= 1:
            raise ValueError("A probability lies between 0 and 1.")
        if self.next is not None and self.next < 1:
            raise ValueError("next is at least 1.")
        if self.seconds is None:
            self.seconds = SECONDS.get(self.kind, 0.0)
        if self.done is None:
            self.done = self.kind in DONE_FIRST

    @property
    def pause(self) -> float:
        return self.seconds or 0.0

    def fits(self, request: Request) -> bool:
        return (not self.method or self.method.upper() == request.method) and (
            request.path.startswith(self.path)
        )

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "label": KINDS[self.kind]}


@dataclass
class Trouble:
    """What meets one request: a delay, at most one fault, and bent results."""

    delay: float = 0.0
    fault: Dial | None = None
    results: list[Dial] = field(default_factory=list)
    refuse_every: int = 0


class Dials:
    """The dials of one server, with their own seeded randomness."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.active: list[Dial] = []
        self._ids = itertools.count(1)

    def set(self, dial: Dial) -> Dial:
        """Set a dial; it takes the place of one of the same kind, method and path."""
        key = (dial.kind, dial.method, dial.path)
        self.active = [d for d in self.active if (d.kind, d.method, d.path) != key]
        dial.id = next(self._ids)
        self.active.append(dial)
        return dial

    def remove(self, dial_id: int) -> None:
        self.active = [dial for dial in self.active if dial.id != dial_id]

    def clear(self) -> None:
        self.active = []

    def pick(self, request: Request) -> Trouble | None:
        """Draw for this request; None when nothing happens, as with no dials set."""
        if not self.active:
            return None
        trouble = Trouble()
        for dial in list(self.active):
            is_fault = dial.kind not in RESULT_KINDS | {"slow", "partial_refusal"}
            if not dial.fits(request) or (is_fault and trouble.fault):
                continue
            if dial.probability < 1 and self.random.random() >= dial.probability:
                continue
            self._count(dial)
            if dial.kind == "slow":
                trouble.delay += dial.pause
            elif dial.kind == "partial_refusal":
                trouble.refuse_every = dial.every
            elif dial.kind in RESULT_KINDS:
                trouble.results.append(dial)
            else:
                trouble.fault = dial
        return trouble

    def _count(self, dial: Dial) -> None:
        dial.fired += 1
        if dial.next is not None:
            dial.next -= 1
            if dial.next <= 0:
                self.remove(dial.id)
