"""A simulated supplier: the recipient of compensation, who works out what is owed and queries what was paid otherwise.

Under P415 a pot pays, under P444 the seller; the supplier sees the same volume times the reference price in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from flex_engine.quantities import exact, mwh, pence
from flex_engine.simulate.counterparties import LABEL


@dataclass(frozen=True, slots=True)
class Remittance:
    """What one period paid the supplier, in pence; the volume is signed Wh."""

    supplier: str
    unit: str
    start: datetime
    day: date
    volume_wh: int
    paid_pence: int


@dataclass(frozen=True, slots=True)
class PaymentQuery:
    """What the supplier does not agree with. Positive `owed_pence` is still to come to them."""

    kind: Literal["UNDERPAID", "OVERPAID", "PAID_TWICE", "NOT_OURS", "NO_PRICE"]
    unit: str
    start: datetime
    owed_pence: int
    label: str = LABEL


@dataclass(frozen=True, slots=True)
class Supplier:
    """`units` are those at whose sites it supplies; `reference_gbp_per_mwh` the published price by settlement day."""

    name: str
    units: frozenset[str]
    reference_gbp_per_mwh: Mapping[date, Decimal]

    def queries(self, paid: Sequence[Remittance]) -> tuple[PaymentQuery, ...]:
        """Everything that is not as it should be, by unit and time; nothing when all of it is right."""
        times = Counter((one.unit, one.start) for one in paid)
        seen: set[tuple[str, datetime]] = set()
        found = []
        for one in sorted(paid, key=lambda one: (one.unit, one.start)):
            place = (one.unit, one.start)
            if times[place] > 1 and place in seen:
                found.append(PaymentQuery("PAID_TWICE", one.unit, one.start, -one.paid_pence))
                continue
            seen.add(place)
            query = self.query(one)
            if query is not None:
                found.append(query)
        return tuple(found)

    def query(self, one: Remittance) -> PaymentQuery | None:
        """What is wrong with one payment, or None."""
        if one.supplier != self.name or one.unit not in self.units:
            return PaymentQuery("NOT_OURS", one.unit, one.start, -one.paid_pence)
        price = self.reference_gbp_per_mwh.get(one.day)
        if price is None:
            return PaymentQuery("NO_PRICE", one.unit, one.start, 0)
        with exact():
            owed = pence(mwh(one.volume_wh) * price) - one.paid_pence
        if owed == 0:
            return None
        return PaymentQuery("UNDERPAID" if owed > 0 else "OVERPAID", one.unit, one.start, owed)
