"""The money of a purchase as the seller wrote it: the components of its price, and the settlement that stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from marketplace.models import PurchaseSettlement
from marketplace.wire.delivery import mapping, objects
from marketplace.wire.purchase import exact


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One component of the price as the seller wrote it."""

    type: str
    description: str
    pence: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the seller says it settled, and where its proof stands."""

    id: str
    run: str
    amount_pence: int | None
    delivered_kwh: Decimal | None
    eligible_kwh: Decimal | None
    shortfall_kwh: Decimal | None
    proof: tuple[tuple[str, str], ...]
    proof_state: str


def price_lines(contract: Mapping[str, Any]) -> tuple[PriceLine, ...]:
    """The components of the price, in pence."""
    attributes = mapping(next(iter(objects(contract.get("consideration"))), {}).get("considerationAttributes"))
    lines = attributes.get("components")
    return tuple(
        PriceLine(str(line.get("type", "")), str(line.get("description", "")), as_pence(line.get("value")) or 0)
        for line in (lines if isinstance(lines, list) else [])
        if isinstance(line, Mapping)
    )


def as_pence(value: Any) -> int | None:
    """Pounds on the wire as whole pence, or None when they are not an amount."""
    amount = as_decimal(value)
    return None if amount is None else round(amount * 100)


def as_decimal(value: Any) -> Decimal | None:
    """A number on the wire, or None."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def settlement_of(standing: PurchaseSettlement | None, contract: Mapping[str, Any]) -> Settlement | None:
    """The settlement that stands in the buyer's record; of a purchase from before there was one, the contract's last entry."""
    told = contract.get("settlements")
    entries = [exact(standing.entry)] if standing else told if isinstance(told, list) else []
    if not entries:
        return None
    entry = mapping(entries[-1])
    attributes = mapping(entry.get("settlementAttributes"))
    trail = mapping(attributes.get("auditTrail"))
    return Settlement(
        id=str(entry.get("id", "")),
        run=str(attributes.get("run", "")),
        amount_pence=as_pence(mapping(attributes.get("amount")).get("value")),
        delivered_kwh=as_decimal(attributes.get("deliveredKwh")),
        eligible_kwh=as_decimal(attributes.get("eligibleKwh")),
        shortfall_kwh=as_decimal(attributes.get("shortfallKwh")),
        proof=tuple((str(key), str(value)) for key, value in trail.items() if key != "state"),
        proof_state=str(trail.get("state", "")),
    )
