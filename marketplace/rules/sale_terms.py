"""What a seller may ask of an order beside its price: a person's yes, and a fee for cancelling late.

Pure: the caller passes every time and amount. Money is whole pence, power Decimal kW, prices Decimal GBP per kWh.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from marketplace.rules.errors import MarketError


def fee_pence(quote_pence: int, percent: Decimal) -> int:
    """What cancelling late costs: a share of the quote, rounded half to even to the penny once.

    >>> fee_pence(10_000, Decimal("12.5")), fee_pence(25, Decimal(10)), fee_pence(10_000, Decimal(0))
    (1250, 2, 0)
    """
    return int((Decimal(quote_pence) * percent / 100).to_integral_value(ROUND_HALF_EVEN))


def fee_due(*, confirmed: bool, now: datetime, free_until: datetime | None, fee: int) -> int:
    """What cancelling at `now` costs, in pence. Only a confirmed order owes anything, and only from `free_until` on."""
    return fee if confirmed and free_until is not None and now >= free_until else 0


def why_approval(*, most_kw: Decimal, price: Decimal, above_kw: Decimal | None, floor: Decimal | None) -> str:
    """Why an order waits for the seller's yes, in a sentence; empty when it does not."""
    if above_kw is not None and most_kw > above_kw:
        return f"{most_kw.normalize():f} kW is more than the {above_kw.normalize():f} kW sold without asking."
    if floor is not None and price < floor:
        return f"£{price:f}/kWh is below the floor of £{floor:f}/kWh."
    return ""


def counter(asked: Mapping[datetime, Decimal], left: Mapping[datetime, Decimal]) -> dict[datetime, Decimal]:
    """The most of `asked` that is left: in each half hour what was asked for, or what is left if that is less.

    Raises MarketError BIZ_QUANTITY_UNAVAILABLE where a half hour has nothing left, so that no order has a hole.
    """
    found = {start: min(kw, left.get(start, Decimal(0))) for start, kw in asked.items()}
    for start, kw in sorted(found.items()):
        if kw <= 0:
            raise MarketError(
                "BIZ_QUANTITY_UNAVAILABLE",
                f"Nothing is left for {start:%Y-%m-%dT%H:%M}Z.",
                fix="Leave that half hour out, or choose another offer.",
                details={"available_kw": "0", "start": f"{start:%Y-%m-%dT%H:%M:%SZ}"},
            )
    return found
