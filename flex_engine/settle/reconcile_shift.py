"""Notifications that name another period than was sold: a block that moved as a whole, or one half hour that did.

An hour's shift is what a wrong clock change looks like, and half an hour's a count from 0. A move is only called one where
the volumes fit: anything else is a missing notification and a superfluous one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import datetime

from flex_engine.settle.reconcile_views import Cause, Difference, Place
from flex_engine.settle.reconcile_words import at
from flex_engine.timegrid import HALF_HOUR

SHIFTS = (2, -2, 1, -1)


def wrong_periods(
    *,
    sold: Mapping[Place, int],
    told: Mapping[Place, Sequence[int]],
    due: Callable[[Place], bool],
    cancelled: Set[Place],
) -> dict[Place, Difference]:
    """The places that a shift explains, each with its difference. `told` holds every position sent for a place."""
    found: dict[Place, Difference] = {}
    for block in blocks(sold):
        missing = [place for place in block if place not in told and due(place)]
        if not missing:
            continue
        moved = next((shift for shift in SHIFTS if fits(block, shift, sold, told)), None)
        if moved is not None:
            found |= dict(explained(block, moved, sold, told, cancelled))
            continue
        for place in missing:
            for shift in SHIFTS:
                there = moved_by(place, shift)
                if taken(there, sold[place], sold, told, cancelled):
                    found[place] = difference(place, shift, sold[place], None)
                    found[there] = difference(place, shift, sold.get(there, 0), sold[place], seen_at=there)
                    break
    return found


def blocks(sold: Mapping[Place, int]) -> Iterator[list[Place]]:
    """Runs of adjacent sold half hours of one unit."""
    block: list[Place] = []
    for place in sorted(sold):
        if block and place != moved_by(block[-1], 1):
            yield block
            block = []
        block.append(place)
    if block:
        yield block


def fits(block: Sequence[Place], shift: int, sold: Mapping[Place, int], told: Mapping[Place, Sequence[int]]) -> bool:
    """Whether exactly the block's volumes were told `shift` half hours on, and nothing else within the block."""
    there = {moved_by(place, shift): sold[place] for place in block}
    as_told = all(list(told.get(place, ())) == [volume] for place, volume in there.items())
    return as_told and all(place in there for place in block if place in told)


def explained(
    block: Sequence[Place],
    shift: int,
    sold: Mapping[Place, int],
    told: Mapping[Place, Sequence[int]],
    cancelled: Set[Place],
) -> Iterator[tuple[Place, Difference]]:
    """Each place at which a moved block shows: those left empty, those filled, and those with a neighbour's volume."""
    for place in block:
        if place not in told or list(told[place]) != [sold[place]]:
            yield place, difference(place, shift, sold[place], sum(told[place]) if place in told else None)
        there = moved_by(place, shift)
        if there not in sold and there not in cancelled:
            yield there, difference(place, shift, 0, sold[place], seen_at=there)


def taken(
    there: Place, volume: int, sold: Mapping[Place, int], told: Mapping[Place, Sequence[int]], cancelled: Set[Place]
) -> bool:
    """Whether a file too many stands at `there` that has just this volume."""
    sent = list(told.get(there, ()))
    too_many = len(sent) > 1 if there in sold else len(sent) == 1
    return too_many and volume in sent and there not in cancelled


def moved_by(place: Place, half_hours: int) -> Place:
    """The place some half hours on."""
    return place[0], place[1] + half_hours * HALF_HOUR


def difference(
    place: Place, shift: int, expected: int, found: int | None, *, seen_at: Place | None = None
) -> Difference:
    """The finding, told from where the volume belongs."""
    way = "late" if shift > 0 else "early"
    why = ", as after a clock change that was not followed" if abs(shift) == 2 else ""
    where: tuple[str, datetime] = seen_at or place
    says = f"What was sold for {at(place)} was notified {abs(shift) * 30} minutes too {way}{why}."
    return Difference(Cause.NOTIFIED_WRONG_PERIOD, "TRADED_NOTIFIED", *where, says, expected, found)
