"""Rate limits as a true sliding window."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

Limits = Sequence[tuple[int, float]]
"""Pairs of (calls, seconds); all of them hold at once."""


class SlidingWindow:
    """Admit at most so many calls in any window; refused calls do not count."""

    def __init__(self, limits: Limits | None) -> None:
        self.limits = [(int(calls), float(span)) for calls, span in limits or ()]
        longest = max((calls for calls, _ in self.limits), default=0)
        self._admitted: dict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=longest)
        )

    def wait(self, who: str, now: float) -> float:
        """Admit a call of `who` and return 0, or return the seconds until one fits."""
        if not self.limits:
            return 0.0
        times = self._admitted[who]
        wait = 0.0
        for calls, span in self.limits:
            if len(times) >= calls:
                wait = max(wait, times[-calls] + span - now)
        if wait <= 0:
            times.append(now)
            return 0.0
        return wait


def most_in_window(times: Iterable[float], seconds: float) -> int:
    """Return the most of `times` that fall into any window of `seconds`."""
    window: deque[float] = deque()
    most = 0
    for time in sorted(times):
        window.append(time)
        while time - window[0] >= seconds:
            window.popleft()
        most = max(most, len(window))
    return most
