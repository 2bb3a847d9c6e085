"""Forecasts from NESO's data portal (CKAN): demand 2 to 14 days ahead, day-ahead wind, embedded wind and sun, MW.

GET https://api.neso.energy/api/3/action/datastore_search?resource_id&limit&sort (no key, NESO Open Data Licence, two calls a
minute). Each dataset writes its times in its own way, and only what is certain is read:

- `GDATETIME` and `Datetime_GMT` are GMT without saying so; `CTIME` is the London clock (1430 beside 13:30 in July);
- `Datetime` of the demand forecast history is the London clock at the end of the period: date and period are read instead;
- day-ahead wind of one known winter answer names 23:00 GMT as settlement period 1, which begins at 00:00: such rows
  contradict themselves and are set aside, so that this feed is asked only when it is named in CACO_FEEDS;
- times of issue carry no zone. They are read as GMT, the later of the two readings, so that nothing seems known too early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.http import FeedPayloadError
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import bare_utc, number, rows_of, settlement
from flex_engine.quantities import Label
from flex_engine.timegrid import LONDON, floor_half_hour

BASE_URL = "https://api.neso.energy/api/3/action/datastore_search"
PUBLISHER, LICENCE = "NESO data portal", "NESO Open Data Licence"
DEMAND_AHEAD = "7c0411cd-2714-4bb5-a408-adb065edf34d"
DEMAND_HISTORY = "08e41551-80f8-4e28-a416-ea473a695db9"
WIND_DAY_AHEAD = "b2f03146-f05d-4824-a663-3a4f36090c71"
EMBEDDED = "db6c038f-98af-4570-ab60-24d71ebd0ae5"
MOST_ROWS = 1000  # 14 days hold 672

RowReader = Callable[[Any, datetime], Iterator[Value]]


def asks_of(resource: str) -> Callable[[datetime, datetime, Places], list[Ask]]:
    """One call for everything the resource holds."""

    def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
        return [Ask(f"{BASE_URL}?resource_id={resource}&limit={MOST_ROWS}", {"resource": resource})]

    return asks


def reader(read_row: RowReader) -> Callable[[Any, Mapping[str, str], datetime], Reading]:
    """Reads CKAN's envelope, then each record. Raises FeedPayloadError without records: empty replies happen."""

    def read(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
        if isinstance(payload, dict) and payload.get("success") is False:
            raise FeedPayloadError(f"{PUBLISHER} says that the search failed: {str(payload.get('error'))[:100]}")
        records = rows_of(payload, "result", "records", who=PUBLISHER)
        if not records:
            raise FeedPayloadError(f"{PUBLISHER} answered without a single record")
        return sift(records, lambda row: read_row(row, now), now=now)

    return read


def demand_row(row: Any, now: datetime) -> Iterator[Value]:
    """Demand 2 to 14 days ahead, issued when fetched: the live dataset names no issue."""
    start = whole(bare_utc(row, "GDATETIME"))
    local, clock = start.astimezone(LONDON), row["CTIME"]
    if clock != local.hour * 100 + local.minute:
        raise ValueError(f"CTIME {clock!r} is not {local:%H%M}, the London clock at {start:%Y-%m-%dT%H:%MZ}")
    if start >= now:
        yield Value("demand_published", start, number(row, "NATIONALDEMAND"), "MW", Label.FORECAST, now)


def demand_history_row(row: Any, now: datetime) -> Iterator[Value]:  # noqa: ARG001
    """Day-ahead demand forecasts of the past with their time of publication."""
    start, issued = settlement(row, "Date", "Settlement_Period"), bare_utc(row, "Publish_Datetime")
    if issued >= start:
        raise ValueError(f"it was published at {row['Publish_Datetime']}, after its period had begun")
    yield Value("demand_published", start, number(row, "Demand_Forecast"), "MW", Label.FORECAST, issued)


def wind_row(row: Any, now: datetime) -> Iterator[Value]:
    """Day-ahead wind: the history with its Forecast_Timestamp, the live dataset issued when fetched."""
    start = whole(bare_utc(row, "Datetime_GMT"))
    if settlement(row, "Date", "Settlement_period") != start:
        raise ValueError(f"{row['Datetime_GMT']} GMT is not period {row['Settlement_period']} of {row['Date']}")
    issued = bare_utc(row, "Forecast_Timestamp") if "Forecast_Timestamp" in row else now
    power = number(row, "Incentive_forecast")
    if "Forecast_Timestamp" in row or start >= now:
        yield Value("wind_published", start, power, "MW", Label.FORECAST, issued)


def embedded_row(row: Any, now: datetime) -> Iterator[Value]:
    """Embedded wind and sun up to 14 days ahead, issued when fetched."""
    start = settlement(row, "SETTLEMENT_DATE", "SETTLEMENT_PERIOD")
    powers = {"wind": number(row, "EMBEDDED_WIND_FORECAST"), "solar": number(row, "EMBEDDED_SOLAR_FORECAST")}
    if start >= now:
        for word, power in powers.items():
            yield Value(f"embedded_{word}_published", start, power, "MW", Label.FORECAST, now)


def whole(moment: datetime) -> datetime:
    """`moment` itself. Raises ValueError off the half hour."""
    if floor_half_hour(moment) != moment:
        raise ValueError(f"{moment:%Y-%m-%dT%H:%M:%SZ} does not start a half hour")
    return moment


def _feed(name: str, title: str, families: tuple[str, ...], resource: str, row: RowReader, hours: int) -> Feed:
    return Feed(
        name, title, PUBLISHER, LICENCE, families, asks_of(resource), reader(row),
        stale_after=timedelta(hours=hours), every=timedelta(hours=2),
    )  # fmt: skip


FEEDS = (
    _feed("neso-demand", "Demand forecast, 2 to 14 days", ("demand_published",), DEMAND_AHEAD, demand_row, 30),
    _feed(
        "neso-embedded",
        "Embedded wind and solar forecast, 14 days",
        ("embedded_wind_published", "embedded_solar_published"),
        EMBEDDED,
        embedded_row,
        8,
    ),
    replace(
        _feed("neso-wind", "Wind forecast, day ahead", ("wind_published",), WIND_DAY_AHEAD, wind_row, 30),
        usual=False,
    ),
    replace(
        _feed(
            "neso-demand-history",
            "Demand forecasts of the past",
            ("demand_published",),
            DEMAND_HISTORY,
            demand_history_row,
            30,
        ),
        usual=False,
    ),
)
