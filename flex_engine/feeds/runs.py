"""From scattered half hours to unbroken series: what is missing is named, and filled only when asked and only if short.

Shared by every source. It reads nothing and reaches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from flex_engine.feeds.reading import Reading
from flex_engine.timegrid import HALF_HOUR

PUBLISHED_AFTER = timedelta(hours=1)  # of the end of a half hour; by then every publisher of ours has come that far
LONGEST_FILL = 2  # half hours; a longer gap hides a whole price spike, and a straight line would deny it


def spans(starts: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """Sorted half-hour starts joined into [start, end) spans."""
    joined: list[tuple[datetime, datetime]] = []
    for start in sorted(starts):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], start + HALF_HOUR)
        else:
            joined.append((start, start + HALF_HOUR))
    return joined


def describe(starts: Sequence[datetime], *, most: int = 5) -> str:
    """`3 half hours: 2024-01-02T09:00Z to 2024-01-02T10:30Z`; spans beyond `most` are counted."""
    found = spans(starts)
    words = [f"{start:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}" for start, end in found[:most]]
    more = f" and {len(found) - most} more gaps" if len(found) > most else ""
    return f"{len(starts)} half {'hour' if len(starts) == 1 else 'hours'}: {', '.join(words)}{more}"


def missing(values: Mapping[datetime, float], wanted: Sequence[datetime]) -> list[datetime]:
    """The wanted half hours that have no value."""
    return [start for start in wanted if start not in values]


def fill_short_gaps(values: Mapping[datetime, float], wanted: Sequence[datetime]) -> dict[datetime, float]:
    """Straight-line values for gaps of at most LONGEST_FILL half hours that have a value on both sides.

    Only the new values are returned: they are ESTIMATED and the caller must say so.
    """
    made: dict[datetime, float] = {}
    for start, end in spans(missing(values, wanted)):
        steps = round((end - start) / HALF_HOUR)
        before, after = values.get(start - HALF_HOUR), values.get(end)
        if steps <= LONGEST_FILL and before is not None and after is not None:
            for index in range(steps):
                made[start + index * HALF_HOUR] = before + (after - before) * (index + 1) / (steps + 1)
    return made


def noted(reading: Reading, wanted: Sequence[datetime], series: str, *, now: datetime) -> Reading:
    """`reading` with a sentence naming the wanted half hours that lack; nothing is filled in.

    Half hours that ended less than PUBLISHED_AFTER ago count only when a later one is there.
    """
    held = {value.start: value.value for value in reading.values if value.series == series}
    newest = max(held, default=now)
    gap = [t for t in missing(held, wanted) if t < newest and (held or t + HALF_HOUR + PUBLISHED_AFTER <= now)]
    if not gap:
        return reading
    note = f"The publisher has no {series.replace('_', ' ')} for {describe(gap)}."
    return Reading(reading.values, reading.set_aside, (*reading.notes, note))


def windows(start: datetime, end: datetime, *, longest: timedelta) -> list[tuple[datetime, datetime]]:
    """[start, end) cut into consecutive windows of at most `longest`."""
    cut: list[tuple[datetime, datetime]] = []
    while start < end:
        stop = min(start + longest, end)
        cut.append((start, stop))
        start = stop
    return cut
