"""National carbon intensity of GB electricity from NESO's Carbon Intensity API, gCO2e/kWh.

One endpoint: GET https://api.carbonintensity.org.uk/intensity/{from}/{to} (no key, CC BY 4.0, UTC half hours, at most 14
days a call; github.com/carbon-intensity/api-definitions). What it does that its pages do not say:

- The first block returned is the one that ends at `from`; blocks outside the window asked for are dropped here.
- `actual` stands half an hour early: over 2023 its changes follow metered gas generation best when moved 30 minutes later
  (correlation 0.72 against 0.49 unmoved). It is moved here, and only half hours that are over by `now` are returned.
- `actual` is null for hours, and 200 may carry `{}` or an empty list. Neither is a value; nothing is filled in.
- `forecast` in the past is the last one issued before real time, not a day-ahead one: never train on it as if it were.
- `index` (low, moderate, ...) changes its bounds every year and is ignored.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import requests

from flex_engine.feeds.http import FeedPayloadError, get_json
from flex_engine.feeds.runs import missing, spans, unbroken, windows
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR, half_hours

BASE_URL = "https://api.carbonintensity.org.uk"
LONGEST_WINDOW = timedelta(days=14)
ACTUAL_STANDS_EARLY = HALF_HOUR
HIGHEST = 1000.0  # g/kWh; coal, the dirtiest fuel in the publisher's factors, is 937

Quantity = Literal["actual", "forecast"]


def fetch(
    session: requests.Session, start: datetime, end: datetime, now: datetime, *, quantity: Quantity = "actual"
) -> HalfHourly:
    """Intensity in [start, end) as far as it is published: the answer may end earlier, never begin later or hold a gap.

    `actual` is MEASURED (the publisher's own outturn estimate from metered generation), `forecast` is FORECAST. Raises
    FeedGapError naming the half hours when the first is not published or a gap has values after it; other FeedErrors as
    http.py says; ValueError off the grid.
    """
    found = fetch_runs(session, start, end, now, quantity=quantity)
    return unbroken(found, start, end, what=f"national carbon intensity ({quantity})")


def fetch_runs(
    session: requests.Session, start: datetime, end: datetime, now: datetime, *, quantity: Quantity = "actual"
) -> list[HalfHourly]:
    """Every unbroken run of published values in [start, end), oldest first; empty when nothing is published."""
    wanted = half_hours(start, end)
    shift = ACTUAL_STANDS_EARLY if quantity == "actual" else timedelta(0)
    values: dict[datetime, float] = {}
    for first, last in windows(start - shift, end - shift, longest=LONGEST_WINDOW):
        url = f"{BASE_URL}/intensity/{first:%Y-%m-%dT%H:%MZ}/{last:%Y-%m-%dT%H:%MZ}"
        values |= {label + shift: value for label, value in parse(get_json(session, url), quantity=quantity).items()}
    if quantity == "actual":
        values = {moment: value for moment, value in values.items() if moment + HALF_HOUR <= now}
    held = set(wanted) - set(missing(values, wanted))
    return [
        HalfHourly(
            name="carbon_intensity",
            start=first,
            values=tuple(values[moment] for moment in half_hours(first, last)),
            unit="gCO2e/kWh",
            source=f"NESO Carbon Intensity API, national {quantity}{', moved +30 min' if shift else ''}",
            label=Label.MEASURED if quantity == "actual" else Label.FORECAST,
            as_of=now,
        )
        for first, last in spans(held)
    ]


def parse(payload: Any, *, quantity: Quantity) -> dict[datetime, float]:
    """Value by the start the publisher labels it with; null values are left out.

    Raises FeedPayloadError when the payload is not the national shape
    {"data": [{"from", "to", "intensity": {"forecast", "actual", "index"}}]}.
    """
    rows = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(rows, list):
        raise FeedPayloadError(f"Carbon Intensity API answered without a data list: {str(payload)[:100]}")
    values: dict[datetime, float] = {}
    for row in rows:
        start, value = _block(row, quantity)
        if value is None:
            continue
        if values.get(start, value) != value:
            raise FeedPayloadError(
                f"Carbon Intensity API gives {values[start]} and {value} for {start:%Y-%m-%dT%H:%MZ}"
            )
        values[start] = value
    return values


def _block(row: Any, quantity: Quantity) -> tuple[datetime, float | None]:
    try:
        start, end = datetime.fromisoformat(row["from"]), datetime.fromisoformat(row["to"])
        value = row["intensity"][quantity]
        if end - start != HALF_HOUR or half_hours(start, end) != [start]:
            raise ValueError("not one half hour in UTC")
        if value is None:
            return start, None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= HIGHEST:
            raise ValueError(f"{quantity} {value!r} is not within 0 to {HIGHEST:g} g/kWh")
    except (KeyError, TypeError, ValueError) as problem:
        raise FeedPayloadError(
            f"Carbon Intensity API block {str(row)[:120]} is not a national half hour: {problem}"
        ) from problem
    return start, float(value)
