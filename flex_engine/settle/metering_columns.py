"""What the header of a file of readings says: which column is which, and what every row means without being asked again.

Direction, unit, zone and edge of the periods stand in the header, in a column, or in what the sender said beside the file. Where none of
them says it, or two say different things, the file is refused: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from flex_engine.settle.metering import DIRECTIONS, MINUTES, MeteringFileError, Said
from flex_engine.settle.metering_values import NOT_ENERGY, WH_OF

T = TypeVar("T")
VALUE: Final = re.compile(
    r"(?:(import|export)_?)?(?:(?:value|energy|reading)_?)?(wh|kwh|mwh|[kmg]?var?h?|[kmg]?va|[kmg]?w)?"
)
TIME: Final = re.compile(r"(?:period_)?(start|end|time|timestamp|datetime)(?:_at)?(?:_(utc|local|london))?")
PLAIN: Final = {
    "date": "date", "settlement_date": "date", "day": "date",
    "period": "period", "settlement_period": "period", "sp": "period",
    "direction": "direction", "unit": "unit", "quality": "quality", "flag": "quality", "minutes": "minutes",
    "msid": "msid", "mpan": "msid", "mpan_core": "msid", "amsid": "msid",
}  # fmt: skip
ZONES: Final = {"utc": "UTC", "local": "LONDON", "london": "LONDON"}
EXAMPLE: Final = "Begin the file with a line such as: date,period,direction,unit,value"


@dataclass(frozen=True, slots=True)
class Timed:
    """A column of times: its place, its name, and the zone of its values."""

    place: int
    name: str
    zone: str


@dataclass(frozen=True, slots=True)
class Valued:
    """A column of energies: its place, its name, and direction and unit where the header or the sender says them."""

    place: int
    name: str
    direction: str
    unit: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each part of a row stands. Places are None where there is no such column."""

    values: tuple[Valued, ...]
    start: Timed | None
    end: Timed | None
    date: int | None
    period: int | None
    direction: int | None
    unit: int | None
    quality: int | None
    msid: int | None
    minutes_place: int | None
    minutes: int
    width: int
    ignored: tuple[str, ...]


def layout_of(header: Sequence[str], said: Said) -> Layout:
    """The layout of a file with `header`, read with what was said. Raises MeteringFileError naming what is not said."""
    check_said(said)
    names = ["_".join(name.strip().lower().split()) for name in header]
    places: dict[str, int] = {}
    values: list[Valued] = []
    times: dict[str, Timed] = {}
    ignored: list[str] = []
    for place, (name, written) in enumerate(zip(names, header, strict=True)):
        if name in PLAIN:
            once(places, PLAIN[name], place, written)
        elif found := TIME.fullmatch(name):
            once(
                times,
                edge_of(found.group(1), written, said),
                Timed(place, written, zone_of(found.group(2), written, said)),
                written,
            )
        elif name and (found := VALUE.fullmatch(name)):
            values.append(valued(place, written, found.group(1), found.group(2), said))
        else:
            ignored.append(written)
    check_named(header, values, times, places, said)
    if not {"date", "period"} <= set(places):  # one without the other says nothing
        ignored += [header[places.pop(name)] for name in ("date", "period") if name in places]
    return Layout(
        values=tuple(values),
        start=times.get("START"),
        end=times.get("END"),
        date=places.get("date"),
        period=places.get("period"),
        direction=places.get("direction"),
        unit=places.get("unit"),
        quality=places.get("quality"),
        msid=places.get("msid"),
        minutes_place=places.get("minutes"),
        minutes=said.minutes,
        width=len(header),
        ignored=tuple(ignored),
    )


def once(found: dict[str, T], key: str, value: T, written: str) -> None:
    """Put a column in. Raises MeteringFileError where another one says the same."""
    if key in found:
        raise MeteringFileError(f"Two columns of the header give the {key.lower()}; one is {written!r}. Leave one out.")
    found[key] = value


def edge_of(word: str, written: str, said: Said) -> str:
    """START or END for a column of times. Raises MeteringFileError where nobody says it."""
    if word in {"start", "end"}:
        return word.upper()
    if not said.edge:
        raise MeteringFileError(
            f"The column {written!r} does not say whether its times begin or end their periods. "
            "Call it start_utc or end_utc, or say it beside the file."
        )
    return said.edge


def zone_of(word: str | None, written: str, said: Said) -> str:
    """The zone of a column of times: what its name says, else what the sender says, else each value's own offset."""
    named = ZONES.get(word or "", "")
    if named and said.zone and named != said.zone:
        raise MeteringFileError(
            f"The column {written!r} says that its times are in {named}, and the form says {said.zone}. Let both say the same."
        )
    return named or said.zone or "OFFSET"


def valued(place: int, written: str, direction: str | None, unit: str | None, said: Said) -> Valued:
    """A column of energies. Raises MeteringFileError for power, and for a contradiction."""
    if unit in NOT_ENERGY or (unit and unit not in WH_OF):
        raise MeteringFileError(
            f"The column {written!r} holds {unit}, which is not active energy. Send Wh, kWh or MWh: kW times hours."
        )
    named = direction.upper() if direction else ""
    for what, here, beside in (("direction", named, said.direction), ("unit", unit or "", said.unit.lower())):
        if here and beside and here != beside:
            raise MeteringFileError(
                f"The column {written!r} and the form say a different {what}. Let both say the same."
            )
    return Valued(place, written, named or said.direction, unit or said.unit.lower())


def check_said(said: Said) -> None:
    """Raise MeteringFileError for a word that the sender may not say."""
    allowed = {
        "direction": (said.direction, ("", *DIRECTIONS)),
        "unit": (said.unit.lower(), ("", *WH_OF)),
        "zone": (said.zone, ("", "UTC", "OFFSET", "LONDON")),
        "edge": (said.edge, ("", "START", "END")),
        "minutes": (said.minutes, MINUTES),
    }
    for name, (value, words) in allowed.items():
        if value not in words:
            listed = ", ".join(str(word) for word in words if word)
            raise MeteringFileError(f"The {name} is {value!r}. Write one of {listed}.")


def check_named(
    header: Sequence[str], values: Sequence[Valued], times: dict[str, Timed], places: dict[str, int], said: Said
) -> None:
    """Raise MeteringFileError unless energy, time, direction and unit of every row are said once."""
    shown = ", ".join(name.strip() for name in header)[:120]
    if not values:
        raise MeteringFileError(f"No column of the header holds energy: {shown!r}. {EXAMPLE}")
    if not times and not {"date", "period"} <= set(places):
        raise MeteringFileError(f"The header has neither date and period nor a time: {shown!r}. {EXAMPLE}")
    if not times and said.minutes < 30:
        raise MeteringFileError(
            "Settlement periods last 30 minutes. For finer readings send a column start_utc or end_utc."
        )
    for what in ("direction", "unit"):
        bare = [one.name for one in values if not getattr(one, what)]
        if bare and what not in places:
            words = "IMPORT or EXPORT" if what == "direction" else "Wh, kWh or MWh"
            raise MeteringFileError(
                f"The {what} of {bare[0]!r} is not said. Add a column {what} with {words}, or say it beside the file."
            )
        if what in places and not bare:
            raise MeteringFileError(
                f"The {what} is said twice: in the column {what}, and in the name of {values[0].name!r} or beside the file. Say it once."
            )
    if len({one.direction for one in values}) < len(values):
        raise MeteringFileError("Two columns of the header hold energy of the same direction. Leave one out.")
