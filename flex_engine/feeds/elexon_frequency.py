"""GB system frequency from Elexon: mean, lowest and highest of each half hour, Hz, from spot values every 15 seconds.

GET /system/frequency?from&to, at most 24 hours a call. A half hour counts when it is over and at least half of its 120
values came; otherwise it is noted and not kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from flex_engine.feeds.elexon import BASE_URL, LICENCE, PUBLISHER
from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import moment, number, rows_of
from flex_engine.feeds.runs import describe, windows
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR, floor_half_hour

LONGEST_WINDOW = timedelta(hours=24)
FEWEST = 60  # of 120 spot values


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """Windows of at most a day."""
    return [
        Ask(f"{BASE_URL}/system/frequency?from={first:%Y-%m-%dT%H:%M:%SZ}&to={last:%Y-%m-%dT%H:%M:%SZ}&format=json")
        for first, last in windows(floor_half_hour(since), floor_half_hour(now), longest=LONGEST_WINDOW)
    ]


def read(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`frequency:mean`, `frequency:lowest` and `frequency:highest`, MEASURED."""

    def read_row(row: Any) -> Iterator[Value]:
        yield Value("frequency:spot", moment(row, "measurementTime"), number(row, "frequency"), "Hz", Label.MEASURED)

    found = sift(rows_of(payload, "data", who="Elexon"), read_row, now=now)
    spots: dict[datetime, list[float]] = defaultdict(list)
    for value in found.values:
        spots[floor_half_hour(value.start)].append(value.value)
    values, thin = [], []
    for start, measured in sorted(spots.items()):
        if start + HALF_HOUR > now:
            continue
        if len(measured) < FEWEST:
            thin.append(start)
            continue
        for word, found_hz in (("mean", fmean(measured)), ("lowest", min(measured)), ("highest", max(measured))):
            values.append(Value(f"frequency:{word}", start, round(found_hz, 4), "Hz", Label.MEASURED))
    notes = (f"Fewer than {FEWEST} spot values came for {describe(thin)}.",) if thin else ()
    return Reading(tuple(values), found.set_aside, notes)


FEEDS = (
    Feed(
        "frequency", "System frequency", PUBLISHER, LICENCE, ("frequency",), asks, read, stale_after=timedelta(hours=2),
        back=timedelta(hours=6), overlap=timedelta(hours=2),
    ),
)  # fmt: skip
