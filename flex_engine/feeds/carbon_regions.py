"""Regional carbon intensity forecasts from NESO's Carbon Intensity API, by distribution area.

Regions 1 to 14 are distribution areas (10, 13 and 14 those of UK Power Networks), 15 to 17 countries; lists also carry 18,
which is GB and left out here. Regional data have no `actual`: carbon of a region cannot be settled from them. The same
forecast comes in three shapes, and one reader takes them all:

- /regional/intensity/{from}/...: a list of blocks, each with a list of regions;
- /regional/regionid/13: a list of one region that holds its own list of blocks;
- /regional/intensity/{from}/.../regionid/13: an object, one region with its list of blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.carbon_intensity import BASE_URL, LICENCE, PUBLISHER, G, block_start, stamp
from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.http import FeedPayloadError
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import number
from flex_engine.quantities import Label
from flex_engine.timegrid import floor_half_hour

LAST_REGION = 17
GREAT_BRITAIN = 18


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """The next two days of each region wanted: one call each, a few kB, where the whole list is 2.8 MB."""
    return [
        Ask(
            f"{BASE_URL}/regional/intensity/{stamp(floor_half_hour(now))}/fw48h/regionid/{region}",
            {"region": str(region)},
        )
        for region in places.regions
    ]


def read(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:
    """`carbon_intensity_published:REGION`, FORECAST, issued when fetched. Half hours that have begun are dropped.

    Raises FeedPayloadError for another shape. A region that was not asked for is set aside.
    """
    asked = about.get("region", "")

    def read_one(row: tuple[Any, Any]) -> Iterator[Value]:
        region, block = row
        start, forecast = block_start(block), number(block["intensity"], "forecast")
        if isinstance(region, bool) or not isinstance(region, int) or not 1 <= region <= GREAT_BRITAIN:
            raise ValueError(f"regionid {region!r} is not one of 1 to {GREAT_BRITAIN}")
        if asked and str(region) != asked:
            raise ValueError(f"it is of region {region}, and {asked} was asked for")
        if region <= LAST_REGION and start >= now:
            yield Value(f"carbon_intensity_published:{region}", start, forecast, G, Label.FORECAST, now)

    return sift(regions(payload), read_one, now=now)


def regions(payload: Any) -> list[tuple[Any, Any]]:
    """(region, block) of every half hour, whichever of the three shapes it comes in."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        raise FeedPayloadError(f"{PUBLISHER} answered without regional data: {str(payload)[:100]}")
    found: list[tuple[Any, Any]] = []
    for part in data:
        inner = part if isinstance(part, dict) else {}
        if isinstance(inner.get("regions"), list):
            for one in inner["regions"]:
                block = inner | one if isinstance(one, dict) else one
                found.append((one.get("regionid") if isinstance(one, dict) else None, block))
        elif isinstance(inner.get("data"), list):
            found.extend((inner.get("regionid"), block) for block in inner["data"])
        else:
            found.append((None, part))
    return found


FEEDS = (
    Feed(
        "carbon-regions", "Carbon intensity forecast, regions, 48 h", PUBLISHER, LICENCE,
        ("carbon_intensity_published",), asks, read, stale_after=timedelta(hours=2),
    ),
)  # fmt: skip
