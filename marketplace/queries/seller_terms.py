"""What a seller's contract says to its buyer beside price and power: how long the quote holds, what cancelling costs, who decides.

The contract comes from other people's machines: what it does not say, or says unreadably, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketplace.models import Purchase
from marketplace.queries.catalogue import cancellation_of, optional_column, time_of

OPEN = frozenset({Purchase.State.QUOTED, Purchase.State.INITIALISED})


@dataclass(frozen=True, slots=True)
class SellerTerms:
    """`countered_kw` is the least quoted in a half hour, where that is less than was asked for. `note` is what the seller
    adds: to a step that waits for it, or to a dispatch that it did not take.
    """

    cancellation: str
    open_until: datetime | None
    countered_kw: Decimal | None
    note: str


def seller_terms_of(purchase: Purchase, contract: Mapping[str, Any], *, waiting: bool) -> SellerTerms:
    """The terms in the seller's last contract."""
    commitments = contract.get("commitments")
    commitment = mapping(commitments[0]) if isinstance(commitments, list) and commitments else {}
    offer = mapping(commitment.get("offer"))
    inputs = mapping(offer.get("offerAttributes")).get("inputs")
    entries = [mapping(entry) for entry in inputs] if isinstance(inputs, list) else []
    sellers = next((mapping(entry.get("inputs")) for entry in entries if entry.get("role") == "seller"), {})
    quoted = optional_column(commitment.get("commitmentAttributes"), "CAPACITY_OFFERED").values()
    least = min(quoted, default=purchase.requested_kw)
    validity = mapping(offer.get("validity")).get("endDate") if purchase.state in OPEN else None
    note = mapping(contract.get("descriptor")).get("shortDesc", "") if waiting else refused_dispatch(contract)
    return SellerTerms(
        cancellation=cancellation_of(sellers),
        open_until=time_of(validity),
        countered_kw=least if least < purchase.requested_kw else None,
        note=str(note)[:300],
    )


def refused_dispatch(contract: Mapping[str, Any]) -> str:
    """Why the seller did not take, or took back, the newest dispatch; empty when it did neither."""
    entries = contract.get("performance")
    status = mapping(mapping(entries[-1]).get("status")) if isinstance(entries, list) and entries else {}
    return str(status.get("shortDesc", "")) if status.get("code") == "ACTIVATION_REJECTED" else ""


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}
