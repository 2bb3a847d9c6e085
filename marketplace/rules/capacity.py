"""What a site can deliver in one settlement period when several offers cover it: what their certificates prove together.

Each certificate proves one thing: from a reference load, the site can go to a level and keep every deadline. Pure: power is
Decimal kW, a direction is REDUCE or INCREASE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Proof:
    """What one certificate says of one settlement period: `offered_kw` can be moved away from `reference_kw`."""

    reference_kw: Decimal
    offered_kw: Decimal


def deliverable_kw(proofs: Iterable[Proof], direction: str) -> Decimal:
    """How much may be sold in a period in all: from the reference nearest to the best proved level, to that level.

    Every order is measured from the reference of its own offer. Whichever it is, what is sold together ends no further out
    than one certificate proved. Nothing is deliverable where nothing is proved.

    >>> deliverable_kw([Proof(Decimal(1000), Decimal(400))], "REDUCE")
    Decimal('400')
    >>> deliverable_kw([Proof(Decimal(1000), Decimal(400)), Proof(Decimal(950), Decimal(300))], "REDUCE")
    Decimal('350')
    >>> deliverable_kw([Proof(Decimal(500), Decimal(100)), Proof(Decimal(550), Decimal(150))], "INCREASE")
    Decimal('150')
    """
    way = 1 if direction == "REDUCE" else -1
    found = [(way * one.reference_kw, way * one.reference_kw - one.offered_kw) for one in proofs]
    if not found:
        return Decimal(0)
    nearest, furthest = min(reference for reference, _ in found), min(level for _, level in found)
    return max(Decimal(0), nearest - furthest)


def covers(outer: Mapping[datetime, Proof], inner: Mapping[datetime, Proof], direction: str) -> bool:
    """Whether one certificate proves all that another does: at least its periods, and in each at least as far out.

    Two windows that merely overlap prove nothing together: work moved out of one may have been meant for the other.
    """
    way = 1 if direction == "REDUCE" else -1
    return all(
        start in outer
        and way * outer[start].reference_kw - outer[start].offered_kw <= way * one.reference_kw - one.offered_kw
        for start, one in inner.items()
    )
