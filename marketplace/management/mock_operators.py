"""How a mock grid operator buys: as a distribution network in its zone, or as the system operator to fill a requirement.

Pure: it reads what a catalogue offered and says what to order. The two are made up after what is published of UK Power
Networks' Operational Utilisation and of NESO's Demand Flexibility Service; neither is connected to the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from beckn.client.deal import Choice, DealError, instant


@dataclass(frozen=True, slots=True)
class Manner:
    """One operator. `minimum_kw` is the least it buys of an offer; `fills` says whether it adds offers up to its need."""

    title: str
    product: str
    mechanism: str
    areas: tuple[str, ...]
    minimum_kw: Decimal
    fills: bool


MANNERS = {
    "ukpn": Manner("UK Power Networks (mock)", "Operational Utilisation", "DSO_FLEX", ("EPN", "LPN", "SPN"), Decimal(10), False),
    "neso": Manner("NESO (mock)", "Demand Flexibility Service", "DFS", (), Decimal(100), True),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Award:
    """So many kW of one offer."""

    choice: Choice
    kw: Decimal


def expression(manner: Manner, *, direction: str, zone: str) -> str:
    """The JSONPath of what the operator looks for: its direction, its licence areas, and one grid supply point if named."""
    wanted = [f"@.resourceAttributes.direction == '{direction}'"]
    if manner.areas:
        areas = " || ".join(f"@.resourceAttributes.licenceArea == '{area}'" for area in manner.areas)
        wanted.append(f"({areas})")
    if zone:
        wanted.append(f"@.resourceAttributes.gridZone == 'GSP:{zone}'")
    return f"$.catalogs[*].resources[?({' && '.join(wanted)})]"


def award(
    found: Sequence[Choice],
    manner: Manner,
    *,
    need_kw: Decimal,
    ceiling_gbp_per_kwh: Decimal | None,
    window: tuple[datetime, datetime] | None,
    offer_id: str = "",
) -> tuple[Award, ...]:
    """What to order, cheapest first. Raises DealError, with what was on offer, where the need cannot be met whole."""
    fits = [
        one
        for one in sorted(found, key=lambda one: (one.price, one.start, str(one.offer["id"])))
        if offer_id in ("", one.offer["id"])
        and (ceiling_gbp_per_kwh is None or one.price <= ceiling_gbp_per_kwh)
        and (window is None or (window[0] <= one.start and one.end <= window[1]))
    ]
    if not manner.fills:
        fits = [one for one in fits if one.kw >= need_kw][:1]
    awards, left = [], need_kw
    for one in fits:
        # A rest below the least that is bought of an offer is rounded up to it, where the offer has that much.
        kw = min(one.kw, max(left, min(manner.minimum_kw, need_kw)))
        if left > 0 and kw >= min(manner.minimum_kw, need_kw):
            awards.append(Award(one, kw))
            left -= kw
    if left > 0:
        listed = "; ".join(
            f"{one.offer['id']}: {one.kw} kW from {instant(one.start)} at {one.price.normalize():f} GBP/kWh"
            for one in found[:5]
        )
        wanted = f"{need_kw} kW for {manner.product}"
        raise DealError(f"{wanted} cannot be met from the {len(found)} offers found{f' ({listed})' if listed else ''}")
    return tuple(awards)
