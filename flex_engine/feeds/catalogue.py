"""Every feed there is, by name. The order is the one they are collected in: what plans rest on comes first."""

from __future__ import annotations

from collections.abc import Iterable

from flex_engine.feeds import (
    carbon_intensity,
    carbon_regions,
    elexon,
    elexon_forecasts,
    elexon_frequency,
    elexon_generation,
    elexon_market,
    entsoe,
    met_office,
    neso,
    octopus,
    rte,
)
from flex_engine.feeds.feed import Feed

SOURCES = (
    carbon_intensity,
    elexon,
    carbon_regions,
    elexon_market,
    elexon_generation,
    elexon_forecasts,
    elexon_frequency,
    neso,
    octopus,
    met_office,
    entsoe,
    rte,
)
FEEDS: dict[str, Feed] = {feed.name: feed for source in SOURCES for feed in source.FEEDS}


class UnknownFeedError(LookupError):
    """There is no feed of that name; the message lists those there are."""


def chosen(names: Iterable[str]) -> tuple[Feed, ...]:
    """The feeds named, or all usual ones when none is. Raises UnknownFeedError."""
    wanted = [name for name in names if name]
    unknown = [name for name in wanted if name not in FEEDS]
    if unknown:
        raise UnknownFeedError(f"There is no feed {unknown[0]!r}. There are {', '.join(FEEDS)}.")
    return tuple(feed for feed in FEEDS.values() if feed.name in wanted or (not wanted and feed.usual))
