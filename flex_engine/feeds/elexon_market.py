"""GB market index price (GBP/MWh) and its volume (MWh) from Elexon: what short-term trades cost, half hour by half hour.

GET /balancing/pricing/market-index?from&to. Two providers answer; N2EXMIDP has been price 0, volume 0 for years, so that a
plain mean halves the price. The index is the volume-weighted mean of rows with a volume; a half hour without one has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.elexon import BASE_URL, LICENCE, PUBLISHER, stated_start
from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import number, rows_of, text
from flex_engine.feeds.runs import windows
from flex_engine.quantities import Label
from flex_engine.timegrid import floor_half_hour

LONGEST_WINDOW = timedelta(days=7)
PRICE, VOLUME = "market_index_price", "market_index_volume"


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """Windows of at most seven days."""
    return [
        Ask(
            f"{BASE_URL}/balancing/pricing/market-index?from={first:%Y-%m-%dT%H:%MZ}&to={last:%Y-%m-%dT%H:%MZ}&format=json"
        )
        for first, last in windows(floor_half_hour(since), floor_half_hour(now), longest=LONGEST_WINDOW)
    ]


def read(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`market_index_price` and `market_index_volume`, MEASURED. Raises FeedPayloadError without a data list."""

    def read_row(row: Any) -> Iterator[Value]:
        start, provider = stated_start(row), text(row, "dataProvider", longest=20)
        price, volume = number(row, "price"), number(row, "volume")
        if volume:
            yield Value(f"{PRICE}:{provider}", start, price, "GBP/MWh", Label.MEASURED)
            yield Value(f"{VOLUME}:{provider}", start, volume, "MWh", Label.MEASURED)

    found = sift(rows_of(payload, "data", who="Elexon"), read_row, now=now)
    return Reading(tuple(weighted(found.values)), found.set_aside, found.notes)


def weighted(values: tuple[Value, ...]) -> Iterator[Value]:
    """One price and one volume a half hour, over all providers."""
    prices: dict[tuple[datetime, str], float] = {}
    volumes: dict[datetime, dict[str, float]] = defaultdict(dict)
    for value in values:
        provider = value.series.partition(":")[2]
        if value.family == PRICE:
            prices[value.start, provider] = value.value
        else:
            volumes[value.start][provider] = value.value
    for start, by_provider in sorted(volumes.items()):
        volume = sum(by_provider.values())
        price = sum(prices[start, provider] * share for provider, share in by_provider.items()) / volume
        yield Value(PRICE, start, round(price, 5), "GBP/MWh", Label.MEASURED)
        yield Value(VOLUME, start, round(volume, 5), "MWh", Label.MEASURED)


FEEDS = (
    Feed(
        "market-index",
        "Market index price",
        PUBLISHER,
        LICENCE,
        (PRICE, VOLUME),
        asks,
        read,
        stale_after=timedelta(hours=3),
    ),
)
