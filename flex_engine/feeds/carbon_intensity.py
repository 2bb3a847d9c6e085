"""National carbon intensity and generation mix of GB electricity from NESO's Carbon Intensity API.

https://api.carbonintensity.org.uk (no key, CC BY 4.0, UTC half hours, at most 14 days a call;
github.com/carbon-intensity/api-definitions). What it does that its pages do not say:

- The first block returned is the one that ends at `from`; blocks outside the window asked for are dropped here.
- `actual` stands half an hour early: over 2023 its changes follow metered gas generation best when moved 30 minutes later
  (correlation 0.72 against 0.49 unmoved). It is moved here, and only half hours that are over are taken.
- `actual` is null for hours, and 200 may carry `{}` or an empty list. Neither is a value; nothing is filled in.
- `forecast` beside an `actual` is the last one issued before real time, not a day-ahead one: it is never taken. Forecasts
  come from fw48h alone, with the moment they were fetched as their issue. fw48h may hold fewer than 96 half hours.
- `index` (low, moderate, ...) changes its bounds every year and is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import half_hour, number, rows_of, text
from flex_engine.feeds.runs import noted, windows
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, half_hours

BASE_URL = "https://api.carbonintensity.org.uk"
PUBLISHER, LICENCE = "NESO Carbon Intensity API", "CC BY 4.0"
LONGEST_WINDOW = timedelta(days=14)
ACTUAL_STANDS_EARLY = HALF_HOUR
G, SHARE = "gCO2e/kWh", "%"
TWO_DAYS = 96  # half hours that fw48h promises
WHOLE_MIX = (99.0, 101.0)  # %; recorded mixes add up to 99.8 to 100.2


def stamp(moment: datetime) -> str:
    """A time as this API writes it."""
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def asks_actual(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """Windows of at most 14 days, moved by ACTUAL_STANDS_EARLY so that they hold the half hours meant."""
    return [
        Ask(f"{BASE_URL}/intensity/{stamp(first)}/{stamp(last)}", {"from": stamp(first), "to": stamp(last)})
        for first, last in windows(
            floor_half_hour(since) - ACTUAL_STANDS_EARLY, floor_half_hour(now), longest=LONGEST_WINDOW
        )
    ]


def read_actual(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:
    """`carbon_intensity`, MEASURED (the publisher's own outturn estimate). Raises FeedPayloadError without a data list."""
    first, last = datetime.fromisoformat(about["from"]), datetime.fromisoformat(about["to"])

    def read(row: Any) -> Iterator[Value]:
        label, given = block_start(row), row["intensity"]
        start = label + ACTUAL_STANDS_EARLY
        if not first <= label < last or given["actual"] is None or start + HALF_HOUR > now:
            return
        yield Value("carbon_intensity", start, number(given, "actual"), G, Label.MEASURED)

    wanted = half_hours(first + ACTUAL_STANDS_EARLY, last + ACTUAL_STANDS_EARLY)
    return noted(sift(rows_of(payload, "data", who=PUBLISHER), read, now=now), wanted, "carbon_intensity", now=now)


def asks_forecast(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """The next two days, as they are forecast now."""
    return [Ask(f"{BASE_URL}/intensity/{stamp(floor_half_hour(now))}/fw48h")]


def read_forecast(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`carbon_intensity_published`, FORECAST, issued when fetched. Half hours that have begun are dropped."""

    def read(row: Any) -> Iterator[Value]:
        start = block_start(row)
        if start >= now:
            value = number(row["intensity"], "forecast")
            yield Value("carbon_intensity_published", start, value, G, Label.FORECAST, now)

    return shorter(sift(rows_of(payload, "data", who=PUBLISHER), read, now=now), TWO_DAYS - 1)


def asks_mix(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """Windows of at most 14 days."""
    return [
        Ask(f"{BASE_URL}/generation/{stamp(first)}/{stamp(last)}", {"from": stamp(first), "to": stamp(last)})
        for first, last in windows(floor_half_hour(since), floor_half_hour(now), longest=LONGEST_WINDOW)
    ]


def read_mix(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:
    """`generation_share:FUEL`, % of generation, ESTIMATED: embedded wind and sun in it are modelled.

    A block whose shares do not add up to 99 to 101 % is set aside.
    """
    first, last = datetime.fromisoformat(about["from"]), datetime.fromisoformat(about["to"])

    def read(row: Any) -> Iterator[Value]:
        start = block_start(row)
        mix = {text(part, "fuel"): number(part, "perc") for part in row["generationmix"]}
        if not WHOLE_MIX[0] <= sum(mix.values()) <= WHOLE_MIX[1] or len(mix) != len(row["generationmix"]):
            raise ValueError(f"the generation mix adds up to {sum(mix.values()):g} %, not to 100")
        if first <= start < last and start + HALF_HOUR <= now:
            for fuel, share in mix.items():
                yield Value(f"generation_share:{fuel}", start, share, SHARE, Label.ESTIMATED)

    return sift(rows_of(payload, "data", who=PUBLISHER), read, now=now)


def asks_factors(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """The factors in force."""
    return [Ask(f"{BASE_URL}/intensity/factors")]


def read_factors(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:  # noqa: ARG001
    """`carbon_factor:FUEL`, g/kWh, ESTIMATED, as they stand in the half hour of the fetch."""

    def read(row: Any) -> Iterator[Value]:
        for fuel in row:
            factor = number(row, fuel)
            yield Value(f"carbon_factor:{fuel[:40]}", floor_half_hour(now), factor, G, Label.ESTIMATED)

    return sift(rows_of(payload, "data", who=PUBLISHER), read, now=now)


def block_start(row: Any) -> datetime:
    """When a block begins. Raises ValueError unless it lasts one half hour."""
    start, end = half_hour(row, "from"), half_hour(row, "to")
    if end - start != HALF_HOUR:
        raise ValueError(f"from {row['from']} to {row['to']} is not one half hour")
    return start


def shorter(reading: Reading, promised: int) -> Reading:
    """With a note when fewer half hours came than were promised."""
    held = len({value.start for value in reading.values})
    if held >= promised:
        return reading
    note = f"{held} of {promised} half hours were published."
    return Reading(reading.values, reading.set_aside, (*reading.notes, note))


FEEDS = (
    Feed(
        "carbon-intensity", "Carbon intensity, national", PUBLISHER, LICENCE, ("carbon_intensity",),
        asks_actual, read_actual, stale_after=timedelta(hours=2), every=timedelta(minutes=10), back=LONGEST_WINDOW,
        remark="national actual, moved +30 min",
    ),
    Feed(
        "carbon-forecast", "Carbon intensity forecast, national, 48 h", PUBLISHER, LICENCE,
        ("carbon_intensity_published",), asks_forecast, read_forecast, stale_after=timedelta(hours=2),
    ),
    Feed(
        "generation-mix", "Generation mix, national", PUBLISHER, LICENCE, ("generation_share",),
        asks_mix, read_mix, stale_after=timedelta(hours=3),
    ),
    Feed(
        "carbon-factors", "Carbon factors by fuel", PUBLISHER, LICENCE, ("carbon_factor",),
        asks_factors, read_factors, stale_after=timedelta(days=3), every=timedelta(days=1),
    ),
)  # fmt: skip
