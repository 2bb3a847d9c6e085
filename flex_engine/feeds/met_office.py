"""Weather at one place from the Met Office's Weather DataHub, site-specific: temperature and wind, hourly, two days ahead.

GET https://data.hub.api.metoffice.gov.uk/sitespecific/v0/point/hourly?latitude&longitude (key in the header `apikey`, 360
calls a day on the free plan; it replaced DataPoint, retired on 1 December 2025). GeoJSON; `modelRunDate` is the issue. An
hourly value stands for both half hours of its hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.feed import Ask, Feed, Key, Places
from flex_engine.feeds.http import FeedPayloadError
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import half_hour, moment, number, rows_of
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR

BASE_URL = "https://data.hub.api.metoffice.gov.uk/sitespecific/v0/point/hourly"
PUBLISHER, LICENCE = "Met Office Weather DataHub", "Met Office terms of your plan"
WEATHER = {
    "temperature_published": ("screenTemperature", "°C"),
    "wind_speed_published": ("windSpeed10m", "m/s"),
}


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """The newest forecast for the installation's place."""
    place = f"latitude={places.latitude:g}&longitude={places.longitude:g}"
    return [Ask(f"{BASE_URL}?{place}&dataSource=BD1", {"place": f"{places.latitude:g},{places.longitude:g}"})]


def read(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:
    """`temperature_published:LAT,LON` and `wind_speed_published:LAT,LON`, FORECAST. Hours before the run are dropped.

    Raises FeedPayloadError when it is not one GeoJSON feature with a model run and a time series.
    """
    features = rows_of(payload, "features", who=PUBLISHER)
    try:
        properties = features[0]["properties"]
        issued, rows = moment(properties, "modelRunDate"), rows_of(properties, "timeSeries", who=PUBLISHER)
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        raise FeedPayloadError(f"{PUBLISHER} answered without a forecast: {problem}") from problem

    def read_row(row: Any) -> Iterator[Value]:
        start = half_hour(row, "time")
        if start.minute:
            raise ValueError(f"time {row['time']} does not start an hour")
        made = {family: (number(row, field), unit) for family, (field, unit) in WEATHER.items()}
        for half in (start, start + HALF_HOUR):
            for family, (value, unit) in made.items():
                if half >= issued:
                    yield Value(f"{family}:{about.get('place', '')}", half, value, unit, Label.FORECAST, issued)

    return sift(rows, read_row, now=now)


FEEDS = (
    Feed(
        "met-office", "Weather forecast, two days", PUBLISHER, LICENCE, tuple(WEATHER), asks, read,
        stale_after=timedelta(hours=4), every=timedelta(hours=1), key=Key("CACO_MET_OFFICE_KEY", "header", "apikey"),
    ),
)  # fmt: skip
