"""Day-ahead prices of GB and its neighbours from RTE's éCO2mix, EUR/MWh by hour: a second look where no other is public.

XML: days (`donneesMarche date`) of areas (`type perimetre`) of hours (`valeur periode` 0 to 23, French clock time counted
from midnight). An hour stands for both of its halves; ND means that there is none. The address is that of the site's own
charts and documented nowhere, so this feed is asked only when it is named in CACO_FEEDS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.http import FeedPayloadError
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.xml import children
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR

BASE_URL = "https://eco2mix.rte-france.com/curves/getDonneesMarche"
PUBLISHER, LICENCE = "RTE éCO2mix", "terms of the site"
PARIS = ZoneInfo("Europe/Paris")
WANTED = frozenset({"GB", "FR", "BE", "NL"})
NONE = "ND"


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """Yesterday to tomorrow, in France."""
    today = now.astimezone(PARIS).date()
    first, last = today - timedelta(days=1), today + timedelta(days=1)
    return [Ask(f"{BASE_URL}?dateDeb={first:%d/%m/%Y}&dateFin={last:%d/%m/%Y}&mode=NORM")]


def read(payload: Element, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`day_ahead_price_eur:AREA` of GB, FR, BE and NL, MEASURED. Raises FeedPayloadError for another document."""
    days = children(payload, "donneesMarche")
    if payload.tag != "liste" or not days:
        raise FeedPayloadError(f"{PUBLISHER} answered without market data")
    rows = [
        (day.get("date", ""), area.get("perimetre", ""), hour.get("periode", ""), (hour.text or "").strip())
        for day in days
        for area in children(day, "type")
        if area.get("perimetre") in WANTED
        for hour in children(area, "valeur")
    ]
    return sift(rows, read_row, now=now)


def read_row(row: tuple[str, str, str, str]) -> Iterator[Value]:
    """One hour of one area. Raises ValueError for an hour that the day does not have."""
    day, area, hour, price = row
    if price == NONE:
        return
    made = date.fromisoformat(day)
    midnight, next_midnight = midnight_of(made), midnight_of(made + timedelta(days=1))
    start = midnight + int(hour) * timedelta(hours=1)
    if not midnight <= start < next_midnight:
        raise ValueError(f"hour {hour} is not one of {day}")
    for half in (start, start + HALF_HOUR):
        yield Value(f"day_ahead_price_eur:{area}", half, float(price), "EUR/MWh", Label.MEASURED)


def midnight_of(day: date) -> datetime:
    """UTC instant of midnight in France."""
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)


FEEDS = (
    Feed(
        "rte-prices", "Day-ahead prices, GB and neighbours", PUBLISHER, LICENCE, ("day_ahead_price_eur",), asks, read,
        stale_after=timedelta(days=2), every=timedelta(hours=3), body="xml", usual=False,
    ),
)  # fmt: skip
