"""What an allocation means for each bid: its price, and why it was not taken, in a sentence.

Pure: bids and allocation are those of rules.allocation, prices are Decimal GBP per kWh.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from marketplace.rules.allocation import Allocation, BidIn

AS_CLEAR = "PAY_AS_CLEAR"
UNIT = 10_000  # prices in an allocation are 0.0001 GBP


def clearing_price(bids: Sequence[BidIn], made: Allocation, pricing: str) -> Decimal | None:
    """The uniform price, that of the last bid taken in order of price; None where bids are paid as bid, or none is taken."""
    taken = [bid.price for bid in bids if bid.id in made.taken_w]
    return Decimal(max(taken)) / UNIT if taken and pricing == AS_CLEAR else None


def why_not(bid: BidIn, bids: Sequence[BidIn], made: Allocation) -> str:
    """Why `bid` was left out of an allocation it might have been in."""
    price = f"{Decimal(bid.price) / UNIT:.4f} GBP per kWh"
    beside = [
        one for one in bids if one.id in made.taken_w and one.first < bid.last and bid.first < one.last
    ]  # what stands in the same half hours
    unmet = any(made.unmet_w[bid.first : bid.last])
    if not beside:
        return (
            f"Its least of {bid.least_w / 1000:g} kW would cost more than the need there is worth at the ceiling."
            if bid.least_w > 1
            else "Nothing is needed in its half hours that is worth its price at the ceiling."
        )
    dearest = max(beside, key=lambda one: (one.price, one.received, one.id))
    if bid.price > dearest.price and not unmet:
        return f"The need was met at up to {Decimal(dearest.price) / UNIT:.4f} GBP per kWh; it asked {price}."
    if bid.least_w > 1:
        return (
            f"It asked {price}, but at least {bid.least_w / 1000:g} kW of it had to be taken, and every allocation with it "
            "costs more than the one chosen."
        )
    if bid.price == dearest.price:
        return f"It asked {price}, as the last bid taken did, which was placed earlier."
    return f"It asked {price}; other bids met the need in its half hours for less in all."
