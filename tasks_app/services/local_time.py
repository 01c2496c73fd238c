"""A time of day as somebody wrote it, in the team's zone, and the moment it means."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def moment_of(written: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    """Return the moment (UTC) of a time without a zone, and a sentence, mostly ''.

    A time that the clocks leave out in spring moves forward, which the sentence says;
    of a time that comes twice in autumn the first is taken. A time that carries its
    own offset keeps it.
    """
    if written.tzinfo is not None:
        return written.astimezone(UTC), ""
    moment = written.replace(tzinfo=zone, fold=0).astimezone(UTC)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    if shown == written:
        return moment, ""
    return moment, (
        f"{written:%H:%M} does not exist on {written.day} {written:%B %Y} in "
        f"{zone.key}: the clocks go forward. {shown:%H:%M} is used."
    )
