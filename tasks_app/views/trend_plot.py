"""The drawing of what was completed and due on each day. Pure functions of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks_app.services.today import TrendDay

WIDTH, HEIGHT, STEPS = 900, 160, 4
#: So many days have their names below.
NAMED = 5


@dataclass(frozen=True)
class Plot:
    """Paths for a drawing of WIDTH by HEIGHT; `scale` from the top down to 0."""

    days: Sequence[TrendDay]
    scale: list[int]
    line: str
    area: str
    due: str
    last: str
    said: str

    @property
    def grid(self) -> str:
        lines = (f"M0 {HEIGHT * step // STEPS}H{WIDTH}" for step in range(STEPS))
        return "".join(lines)

    @property
    def ticks(self) -> str:
        """Return a short stroke below each day, a longer one where a name stands."""
        step = WIDTH / max(len(self.days) - 1, 1)
        return "".join(
            f"M{round(step * place, 1):g} {HEIGHT}v{6 if mark else 3}"
            for place, mark in enumerate(self.marks)
        )

    @property
    def marks(self) -> list[TrendDay | None]:
        """Return each day whose name stands under the drawing, None for the others."""
        last = len(self.days) - 1
        named = {round(last * part / (NAMED - 1)) for part in range(NAMED)}
        return [day if place in named else None for place, day in enumerate(self.days)]


def top_of(most: int) -> int:
    """Return a round number that is at least `most` and can be cut in four."""
    unit = 1
    while True:
        for step in (1, 2, 5):
            if step * unit * STEPS >= most:
                return step * unit * STEPS
        unit *= 10


def plot(days: Sequence[TrendDay]) -> Plot:
    top = top_of(max((max(day.completed, day.due) for day in days), default=0))
    completed = points([day.completed for day in days], top)
    due = points([day.due for day in days], top)
    line = path(completed)
    x, y = completed[-1]
    done = sum(day.completed for day in days)
    return Plot(
        days=days,
        scale=[top * step // STEPS for step in range(STEPS, -1, -1)],
        line=line,
        area=f"{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}z",
        due=path(due),
        last=f"M{x:g} {y:g}h0",
        said=f"{done:,} tasks were completed in the last {len(days)} days and "
        f"{sum(day.due for day in days):,} were due; today {days[-1].completed:,} of "
        f"{days[-1].due:,}.",
    )


def points(numbers: Sequence[int], top: int) -> list[tuple[float, float]]:
    step = WIDTH / max(len(numbers) - 1, 1)
    return [
        (round(step * index, 1), round(HEIGHT * (1 - number / top), 1))
        for index, number in enumerate(numbers)
    ]


def path(at: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in at)
