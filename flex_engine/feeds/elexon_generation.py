"""What generated GB's electricity, MW by half hour, from Elexon: metered by fuel, and by type with sun and embedded wind.

GET /datasets/FUELHH (mean MW of each half hour by fuel; interconnectors and pumping are negative when they take) and
GET /generation/actual/per-type (at most seven days; rows hold a list of types).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.elexon import BASE_URL, LICENCE, PUBLISHER, settlement_days, stated_start
from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import half_hour, number, rows_of, text
from flex_engine.feeds.runs import windows
from flex_engine.quantities import Label
from flex_engine.timegrid import floor_half_hour, settlement_period

LONGEST_WINDOW = timedelta(days=7)


def asks_fuel(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """One call a settlement day; publish times and settlement dates may not be mixed in one call."""
    return [
        Ask(
            f"{BASE_URL}/datasets/FUELHH?settlementDateFrom={day}&settlementDateTo={day}&format=json", {"day": f"{day}"}
        )
        for day in settlement_days(since, now)
    ]


def read_fuel(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`generation:FUEL`, MW, MEASURED. Raises FeedPayloadError without a data list."""

    def read_row(row: Any) -> Iterator[Value]:
        fuel = text(row, "fuelType", longest=12)
        yield Value(f"generation:{fuel}", stated_start(row), number(row, "generation"), "MW", Label.MEASURED)

    return sift(rows_of(payload, "data", who="Elexon"), read_row, now=now)


def asks_type(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """Windows of at most seven days."""
    return [
        Ask(f"{BASE_URL}/generation/actual/per-type?from={first:%Y-%m-%dT%H:%MZ}&to={last:%Y-%m-%dT%H:%MZ}&format=json")
        for first, last in windows(floor_half_hour(since), floor_half_hour(now), longest=LONGEST_WINDOW)
    ]


def read_type(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`generation_type:TYPE`, MW, MEASURED. A half hour that names a type twice, or another period, is set aside."""

    def read_row(row: Any) -> Iterator[Value]:
        start = half_hour(row, "startTime")
        if settlement_period(start)[1] != row["settlementPeriod"]:
            raise ValueError(f"{row['startTime']} is not in settlement period {row['settlementPeriod']}")
        given = [(text(part, "psrType"), number(part, "quantity")) for part in row["data"]]
        if len(dict(given)) != len(given):
            raise ValueError("it names a type twice")
        for kind, quantity in given:
            yield Value(f"generation_type:{kind}", start, quantity, "MW", Label.MEASURED)

    return sift(rows_of(payload, "data", who="Elexon"), read_row, now=now)


FEEDS = (
    Feed(
        "fuel-mix", "Generation by fuel, metered", PUBLISHER, LICENCE, ("generation",), asks_fuel, read_fuel,
        stale_after=timedelta(hours=2),
    ),
    Feed(
        "generation-types", "Generation by type, with solar", PUBLISHER, LICENCE, ("generation_type",), asks_type, read_type,
        stale_after=timedelta(days=1), every=timedelta(hours=3), overlap=timedelta(days=2),
    ),
)  # fmt: skip
