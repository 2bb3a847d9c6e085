"""Octopus Agile: what a half hour costs on a tariff that follows the day-ahead market, GBP/MWh without VAT.

GET https://api.octopus.energy/v1/products/{product}/electricity-tariffs/E-1R-{product}-{region}/standard-unit-rates/ (no
key). Newest first, pence per kWh; tomorrow's rates come between 16:00 and 20:00 in London. It is a retail price: a capped formula
on the wholesale price with a peak charge from 16:00 to 19:00. It is known ahead, and so no forecast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import half_hour, number, rows_of
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR, floor_half_hour

BASE_URL = "https://api.octopus.energy/v1/products"
PUBLISHER, LICENCE = "Octopus Energy", "public API, no licence stated"
PAGE = 1500  # the largest page it gives
AHEAD = timedelta(days=2)
GBP_PER_MWH = 10.0  # of one penny per kWh


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:
    """One page: from `since` to two days ahead, at most 21 days back."""
    first = max(floor_half_hour(since), floor_half_hour(now) - timedelta(days=21))
    last = floor_half_hour(now) + AHEAD
    tariff = f"E-1R-{places.agile_product}-{places.agile_region}"
    url = f"{BASE_URL}/{places.agile_product}/electricity-tariffs/{tariff}/standard-unit-rates/"
    window = f"period_from={first:%Y-%m-%dT%H:%MZ}&period_to={last:%Y-%m-%dT%H:%MZ}&page_size={PAGE}"
    return [Ask(f"{url}?{window}", {"region": places.agile_region})]


def read(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:
    """`retail_price:agile-REGION`, GBP/MWh, MEASURED: a published rate. Raises FeedPayloadError without results.

    A rate for longer than a half hour is set aside: it is no Agile rate.
    """

    def read_row(row: Any) -> Iterator[Value]:
        start = half_hour(row, "valid_from")
        if half_hour(row, "valid_to") != start + HALF_HOUR:
            raise ValueError(f"it is valid from {row['valid_from']} to {row['valid_to']}, not for one half hour")
        price = round(number(row, "value_exc_vat") * GBP_PER_MWH, 6)
        yield Value(f"retail_price:agile-{about.get('region', '?')}", start, price, "GBP/MWh", Label.MEASURED)

    found = sift(rows_of(payload, "results", who=PUBLISHER), read_row, now=now)
    notes = ("There are more pages than the one that was read.",) if payload.get("next") else ()
    return Reading(found.values, found.set_aside, notes)


FEEDS = (
    Feed(
        "octopus-agile", "Octopus Agile rates", PUBLISHER, LICENCE, ("retail_price",), asks, read,
        stale_after=timedelta(hours=2), every=timedelta(hours=1), back=timedelta(days=7),
    ),
)  # fmt: skip
