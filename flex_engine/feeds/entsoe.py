"""Physical flows between GB and its neighbours, MW, and day-ahead prices of bidding zones, EUR/MWh, from ENTSO-E.

GET https://web-api.tp.entsoe.eu/api?documentType&in_Domain&out_Domain&periodStart&periodEnd (token in `securityToken`; XML).
GB's own day-ahead price left the platform in 2021, flows with its neighbours remain. Power flows from `out_Domain` into
`in_Domain`; resolutions of 15, 30 and 60 minutes come, and are brought to half hours: an hour stands for both of its halves,
quarters are averaged when both are there. On curve A03 a position left out repeats the one before; on A01 it is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import fmean
from xml.etree.ElementTree import Element

from flex_engine.feeds.feed import Ask, Feed, Key, Places
from flex_engine.feeds.http import FeedPayloadError
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.runs import windows
from flex_engine.feeds.xml import child, children, local, word
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, utc

BASE_URL = "https://web-api.tp.entsoe.eu/api"
PUBLISHER, LICENCE = "ENTSO-E Transparency Platform", "ENTSO-E terms"
ZONES = {
    "10YGB----------A": "GB",
    "10YFR-RTE------C": "FR",
    "10YBE----------2": "BE",
    "10YNL----------L": "NL",
    "10YNO-2--------T": "NO2",
    "10YDK-1--------W": "DK1",
    "10YIE-1001A00010": "IE",
}
GB = "10YGB----------A"
STEPS = {"PT15M": timedelta(minutes=15), "PT30M": HALF_HOUR, "PT60M": timedelta(hours=1)}
LONGEST_WINDOW = timedelta(days=7)
MOST_POINTS = 4 * 24 * 400  # in one Period: a year of quarters is the most the platform gives


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """Flows both ways between GB and each neighbour."""
    return [
        Ask(
            f"{BASE_URL}?documentType=A11&in_Domain={into}&out_Domain={out}"
            f"&periodStart={first:%Y%m%d%H%M}&periodEnd={last:%Y%m%d%H%M}"
        )
        for zone in ZONES
        if zone != GB
        for into, out in ((GB, zone), (zone, GB))
        for first, last in windows(floor_half_hour(since), floor_half_hour(now), longest=LONGEST_WINDOW)
    ]


def read(payload: Element, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`cross_border_flow:OUT>IN`, MW, or `day_ahead_price_eur:ZONE`, EUR/MWh; MEASURED.

    An acknowledgement (no data for the question) is a note. Raises FeedPayloadError for any other document.
    """
    kind = local(payload.tag)
    if kind == "Acknowledgement_MarketDocument":
        said = next((one.text or "" for one in payload.iter() if local(one.tag) == "text"), "no reason given")
        return Reading(notes=(f"{PUBLISHER} has nothing for one question: {said.strip()[:150]}",))
    if kind != "Publication_MarketDocument":
        raise FeedPayloadError(f"{PUBLISHER} answered with a {kind[:60]}")
    pairs = [(series, period) for series in children(payload, "TimeSeries") for period in children(series, "Period")]
    found = sift(pairs, lambda pair: points(*pair), now=now)
    return replace(found, values=tuple(halves(found.values)))


def points(series: Element, period: Element) -> Iterator[Value]:
    """Each point of a period at its own resolution. Raises KeyError or ValueError for what is not documented."""
    name, field, unit = quantity(series)
    start, end = (utc(datetime.fromisoformat(word(child(period, "timeInterval"), bound))) for bound in ("start", "end"))
    resolution = word(period, "resolution")
    if resolution not in STEPS:
        raise ValueError(f"resolution {resolution[:20]} is not one of {', '.join(STEPS)}")
    step = STEPS[resolution]
    slots = (end - start) // step
    if start + slots * step != end or not 0 < slots <= MOST_POINTS:
        raise ValueError(f"{start:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ} is not a number of {resolution}")
    given: dict[int, float] = {}
    for point in children(period, "Point"):
        position, value = int(word(point, "position")), float(word(point, field))
        if not 1 <= position <= slots or position in given:
            raise ValueError(f"position {position} is not one of 1 to {slots}, each once")
        given[position] = value
    repeats, last = word(series, "curveType") == "A03", None
    for position in range(1, slots + 1):
        last = given.get(position, last if repeats else None)
        if last is not None:
            for half in range(max(1, step // HALF_HOUR)):
                yield Value(name, start + (position - 1) * step + half * HALF_HOUR, last, unit, Label.MEASURED)


def quantity(series: Element) -> tuple[str, str, str]:
    """(series name, field of a point, unit) of a TimeSeries, by what it measures."""
    into = zone(word(series, "in_Domain.mRID"))
    if children(series, "currency_Unit.name"):
        currency, measure = word(series, "currency_Unit.name"), word(series, "price_Measure_Unit.name")
        if (currency, measure) != ("EUR", "MWH"):
            raise ValueError(f"a price in {currency[:5]} per {measure[:5]} is not one in EUR per MWH")
        return f"day_ahead_price_eur:{into}", "price.amount", "EUR/MWh"
    if word(series, "quantity_Measure_Unit.name") != "MAW":
        raise ValueError(f"a flow in {word(series, 'quantity_Measure_Unit.name')[:5]} is not one in MAW (MW)")
    return f"cross_border_flow:{zone(word(series, 'out_Domain.mRID'))}>{into}", "quantity", "MW"


def zone(code: str) -> str:
    """A bidding zone's short name. Raises ValueError for one that is not GB or a neighbour."""
    if code not in ZONES:
        raise ValueError(f"zone {code[:20]} is neither GB nor one of its neighbours")
    return ZONES[code]


def halves(values: tuple[Value, ...]) -> Iterator[Value]:
    """Quarter hours averaged two by two; half hours as they are. A quarter without its twin is dropped."""
    groups: dict[tuple[str, datetime], list[Value]] = defaultdict(list)
    quarters = {value.series for value in values if value.start.minute % 30}
    for value in values:
        groups[value.series, floor_half_hour(value.start)].append(value)
    for (series, start), group in groups.items():
        if series not in quarters or len(group) == 2:
            yield replace(group[0], start=start, value=fmean(one.value for one in group))


FEEDS = (
    Feed(
        "entsoe-flows", "Flows between GB and its neighbours", PUBLISHER, LICENCE, ("cross_border_flow",), asks, read,
        stale_after=timedelta(hours=6), every=timedelta(hours=1), body="xml",
        key=Key("CACO_ENTSOE_KEY", "query", "securityToken"),
    ),
)  # fmt: skip
