"""GB system price (the imbalance price) from Elexon's Insights Solution, GBP/MWh.

One endpoint: GET https://data.elexon.co.uk/bmrs/api/v1/balancing/settlement/system-prices/{settlementDate} (no key; BMRS
data licence: "Contains BMRS data © Elexon Limited copyright and database right"). One settlement day a call, local days
of 46, 48 or 50 periods. Since P305 (2015) buy and sell price are one; a row where they differ is refused, not averaged.

The answer is the latest settlement run and does not say which: a price changes at later runs, so
`as_of` matters and a later run is a later value, not a correction of this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import requests

from flex_engine.feeds.http import FeedPayloadError, get_json
from flex_engine.feeds.runs import missing, spans, unbroken
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from flex_engine.timegrid import half_hours, period_start, settlement_period

BASE_URL = "https://data.elexon.co.uk/bmrs/api/v1"
SOURCE = "Elexon Insights, system price, latest run"
COURTESY_S = 0.5  # between calls; no limit is published and a maintained client keeps to two a second


def fetch(
    session: requests.Session,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> HalfHourly:
    """System price in [start, end) as far as it is published: the answer may end earlier, never begin later or hold a gap.

    MEASURED. Raises FeedGapError naming the half hours when the first is not published or a gap has values after it;
    other FeedErrors as http.py says; ValueError off the grid.
    """
    found = fetch_runs(session, start, end, now, pause=pause)
    return unbroken(found, start, end, what="system price")


def fetch_runs(
    session: requests.Session,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> list[HalfHourly]:
    """Every unbroken run of published prices in [start, end), oldest first; empty when nothing is published."""
    wanted = half_hours(start, end)
    values: dict[datetime, float] = {}
    for index, day in enumerate(_days(wanted)):
        if index:
            pause(COURTESY_S)
        url = f"{BASE_URL}/balancing/settlement/system-prices/{day.isoformat()}?format=json"
        values |= parse(get_json(session, url), day=day)
    held = set(wanted) - set(missing(values, wanted))
    return [
        HalfHourly(
            "price", first, tuple(values[t] for t in half_hours(first, last)), "GBP/MWh", SOURCE, Label.MEASURED, now
        )
        for first, last in spans(held)
    ]


def parse(payload: Any, *, day: date) -> dict[datetime, float]:
    """Price by UTC start of its settlement period, for settlement day `day`.

    Raises FeedPayloadError when the shape is not the documented one, a row is of another day, a period the day does not
    have, twice the same period, or a startTime that contradicts its period.
    """
    rows = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(rows, list):
        raise FeedPayloadError(f"Elexon answered without a data list: {str(payload)[:100]}")
    values: dict[datetime, float] = {}
    for row in rows:
        start, price = _row(row, day)
        if start in values:
            raise FeedPayloadError(f"Elexon gives settlement period {row['settlementPeriod']} of {day} twice")
        values[start] = price
    return values


def _row(row: Any, day: date) -> tuple[datetime, float]:
    try:
        if row["settlementDate"] != day.isoformat():
            raise ValueError(f"it is of {row['settlementDate']}, not {day}")
        start = period_start(day, row["settlementPeriod"])
        if datetime.fromisoformat(row["startTime"]) != start:
            raise ValueError(f"period {row['settlementPeriod']} starts {start:%Y-%m-%dT%H:%MZ}, not {row['startTime']}")
        sell, buy = row["systemSellPrice"], row["systemBuyPrice"]
        if isinstance(sell, bool) or not isinstance(sell, int | float):
            raise ValueError(f"systemSellPrice {sell!r} is not a number")
        if sell != buy:
            raise ValueError(f"sell price {sell} and buy price {buy} differ; there is one imbalance price since 2015")
    except (KeyError, TypeError, ValueError) as problem:
        raise FeedPayloadError(f"Elexon row {str(row)[:120]} is not a system price: {problem}") from problem
    return start, float(sell)


def _days(wanted: list[datetime]) -> list[date]:
    if not wanted:
        return []
    first, last = settlement_period(wanted[0])[0], settlement_period(wanted[-1])[0]
    return [first + timedelta(days=index) for index in range((last - first).days + 1)]
