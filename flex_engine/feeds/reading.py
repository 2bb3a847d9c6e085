"""What an answer of a publisher is read into: values that may be believed, and rows set aside with the reason.

Shared by every source. A row that is malformed, contradicts another, or says what the grid cannot do is set aside alone:
the rows beside it stand, and nothing is mended. It reaches no network and knows no publisher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flex_engine.grid.quality import LARGEST_STEP
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR

LONGEST_SAID = 200
OLDEST = datetime(2009, 1, 1, tzinfo=UTC)  # NESO's oldest half-hourly series begins here
FURTHEST = timedelta(days=20)  # ahead; the longest published forecast reaches 14 days
CLOCKS_APART = timedelta(minutes=5)  # a publisher's clock may be ahead of ours by so much


@dataclass(frozen=True, slots=True)
class Limit:
    """What a series can be at all, in its unit, and whether values of half hours ahead may be more than forecasts."""

    low: float
    high: float
    ahead: bool = False


# By family: the part of a series' name before its colon. Wider than anything seen, narrower than nonsense.
LIMITS: dict[str, Limit] = {
    "carbon_intensity": Limit(0, 1000),  # g/kWh; coal, the dirtiest fuel in the publisher's factors, is 937
    "carbon_intensity_published": Limit(0, 1000),
    "carbon_factor": Limit(0, 1500),
    "generation_share": Limit(0, 100),  # %
    "price": Limit(-6000, 6000),  # GBP/MWh; the value of lost load, which scarcity pricing reaches, and its mirror
    "imbalance_volume": Limit(-10_000, 10_000),  # MWh in a half hour: 20 GW
    "market_index_price": Limit(-6000, 6000),
    "market_index_volume": Limit(0, 50_000),  # MWh
    "generation": Limit(-10_000, 60_000),  # MW; exports and pumping are negative, peak demand is about 60 GW
    "generation_type": Limit(-10_000, 60_000),
    "demand_published": Limit(0, 80_000),
    "wind_published": Limit(0, 60_000),
    "embedded_wind_published": Limit(0, 30_000),
    "embedded_solar_published": Limit(0, 60_000),
    "frequency": Limit(45, 55),  # Hz; generators disconnect below 47 and above 52
    "retail_price": Limit(-2000, 2000, ahead=True),  # GBP/MWh; Agile is capped at 1 GBP/kWh
    "day_ahead_price_eur": Limit(
        -600, 6000, ahead=True
    ),  # EUR/MWh; the harmonised limits are -500 and 4000, then rising
    "cross_border_flow": Limit(0, 6000),  # MW; one direction a series
    "temperature_published": Limit(-40, 45),  # degrees Celsius; UK records are -27 and 40
    "wind_speed_published": Limit(0, 80),  # m/s
}


@dataclass(frozen=True, slots=True)
class Value:
    """One half hour of one series as one answer gave it.

    `issued_at` is set for forecasts only: the publisher's time of issue, or the fetch when the publisher gives none.
    """

    series: str
    start: datetime
    value: float
    unit: str
    label: Label
    issued_at: datetime | None = None

    @property
    def family(self) -> str:
        """The name before the colon."""
        return self.series.partition(":")[0]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row, or a whole answer, that was not believed: where it stood, what it said, and why not."""

    row: str
    said: str
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer gave. `notes` are sentences about what it lacks; nothing in them was repaired."""

    values: tuple[Value, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    notes: tuple[str, ...] = ()


Read = Callable[[Any], Iterable[Value]]
WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


def sift(rows: Iterable[Any], read: Read, *, now: datetime) -> Reading:
    """Read every row by itself; keep values that can be, once each, sorted by series and time.

    `read` turns a row into values and raises one of WRONG when it cannot. Rows may come in any order. The same row again
    is set aside and kept once; two rows that differ about one half hour are both set aside. A value that leaps away from
    its neighbour and not back again is believed with the next one (see leaps).
    """
    made: dict[int, tuple[Value, ...]] = {}
    said: dict[int, str] = {}
    aside: dict[int, str] = {}
    for index, row in enumerate(rows, start=1):
        try:
            values = tuple(read(row))
            for value in values:
                check(value, now)
        except WRONG as problem:
            aside[index] = quoted(f"it has no {problem}" if isinstance(problem, KeyError) else str(problem))
            said[index] = quoted(row)
            continue
        made[index], said[index] = values, quoted(row)
    aside |= contradictions(made)
    aside |= leaps({index: values for index, values in made.items() if index not in aside})
    kept = [value for index, values in made.items() if index not in aside for value in values]
    kept.sort(key=lambda value: (value.series, value.issued_at or OLDEST, value.start))
    return Reading(tuple(kept), tuple(SetAside(f"row {index}", said[index], aside[index]) for index in sorted(aside)))


def quoted(given: object) -> str:
    """What a publisher sent, short and printable: no control character of it reaches a page or a database."""
    return "".join(letter if letter.isprintable() else "·" for letter in str(given)[:LONGEST_SAID])


def check(value: Value, now: datetime) -> None:
    """Raise ValueError, in words, for a value the grid cannot have or a time it cannot be about."""
    limit = LIMITS[value.family]
    what = f"{value.family.replace('_', ' ')} {value.value:g} {value.unit}"
    if not limit.low <= value.value <= limit.high:  # also refuses NaN
        raise ValueError(f"{what} is not within {limit.low:g} to {limit.high:g}")
    if not OLDEST <= value.start <= now + FURTHEST:
        raise ValueError(f"{value.start:%Y-%m-%dT%H:%MZ} lies before 2009 or more than 20 days ahead")
    if value.issued_at is None and not limit.ahead and value.start >= now + CLOCKS_APART:
        raise ValueError(f"{what} is given as fact for {value.start:%Y-%m-%dT%H:%MZ}, which has not begun")
    if value.issued_at is not None and value.issued_at > now + CLOCKS_APART:
        raise ValueError(f"it says it was issued at {value.issued_at:%Y-%m-%dT%H:%MZ}, which is yet to come")


def contradictions(made: dict[int, tuple[Value, ...]]) -> dict[int, str]:
    """Rows that repeat or contradict another, with the reason."""
    rows: dict[tuple[str, datetime, datetime | None], list[tuple[int, float]]] = defaultdict(list)
    for index, values in made.items():
        for value in values:
            rows[value.series, value.start, value.issued_at].append((index, value.value))
    found: dict[int, str] = {}
    for (series, start, _), given in rows.items():
        first = given[0]
        if len({value for _, value in given}) > 1:
            words = " and ".join(f"{value:g} (row {index})" for index, value in given[:3])
            for index, _ in given:
                found[index] = f"{series} at {start:%Y-%m-%dT%H:%MZ} is given as {words}; none is believed"
        else:
            for index, _ in given[1:]:
                found.setdefault(index, f"it repeats row {first[0]}, which is kept")
    return found


def leaps(made: dict[int, tuple[Value, ...]]) -> dict[int, str]:
    """Rows whose value leaps further than LARGEST_STEP from the half hour before and is not confirmed by the one after."""
    found: dict[int, str] = {}
    series: dict[tuple[str, datetime | None], list[tuple[Value, int]]] = defaultdict(list)
    for index, values in made.items():
        for value in values:
            if value.family in LARGEST_STEP:
                series[value.series, value.issued_at].append((value, index))
    for rows in series.values():
        rows.sort(key=lambda pair: pair[0].start)
        limit, believed = LARGEST_STEP[rows[0][0].family], rows[0][0]
        for place, (value, index) in enumerate(rows[1:], start=2):
            after = rows[place] if place < len(rows) else None
            near = value.start - believed.start <= 2 * HALF_HOUR
            confirmed = after is not None and abs(after[0].value - value.value) <= limit
            if near and abs(value.value - believed.value) > limit and not confirmed:
                found[index] = (
                    f"{value.series} leaps from {believed.value:g} to {value.value:g} {value.unit} at "
                    f"{value.start:%Y-%m-%dT%H:%MZ}, and the half hour after does not confirm it"
                )
            else:
                believed = value
    return found
