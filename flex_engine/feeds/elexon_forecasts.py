"""Day-ahead demand and wind forecasts of the system operator, MW, as Elexon publishes them with their time of issue.

GET /forecast/demand/day-ahead (half-hourly, today and tomorrow) and GET /forecast/generation/wind (hourly, eight issues a
day). An hour of wind stands for both of its half hours. Each row carries its own publishTime: rows of one answer may be of
different issues, and each is kept under its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.elexon import BASE_URL, LICENCE, PUBLISHER, stated_start
from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import half_hour, moment, number, rows_of
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR


def asks_demand(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """The latest national forecast."""
    return [Ask(f"{BASE_URL}/forecast/demand/day-ahead?format=json")]


def read_demand(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`demand_published`, FORECAST: national demand, without stations' own use and interconnector exports."""

    def read_row(row: Any) -> Iterator[Value]:
        start, issued = stated_start(row), moment(row, "publishTime")
        if row.get("boundary", "N") == "N":  # zones are left out
            yield Value("demand_published", start, number(row, "nationalDemand"), "MW", Label.FORECAST, issued)

    return sift(rows_of(payload, "data", who="Elexon"), read_row, now=now)


def asks_wind(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """The latest forecast."""
    return [Ask(f"{BASE_URL}/forecast/generation/wind?format=json")]


def read_wind(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`wind_published`, FORECAST: wind farms with operational metering. Raises FeedPayloadError without a data list."""

    def read_row(row: Any) -> Iterator[Value]:
        start, issued, power = half_hour(row, "startTime"), moment(row, "publishTime"), number(row, "generation")
        if start.minute:
            raise ValueError(f"startTime {row['startTime']} does not start an hour")
        for half in (start, start + HALF_HOUR):
            yield Value("wind_published", half, power, "MW", Label.FORECAST, issued)

    return sift(rows_of(payload, "data", who="Elexon"), read_row, now=now)


FEEDS = (
    Feed(
        "demand-forecast", "Demand forecast, day ahead", PUBLISHER, LICENCE, ("demand_published",), asks_demand, read_demand,
        stale_after=timedelta(hours=3),
    ),
    Feed(
        "wind-forecast", "Wind forecast", PUBLISHER, LICENCE, ("wind_published",), asks_wind, read_wind,
        stale_after=timedelta(hours=9), every=timedelta(hours=1),
    ),
)  # fmt: skip
