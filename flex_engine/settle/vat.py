"""VAT on an amount, kept apart from it: net, VAT and gross are three figures. Rates are dated rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flex_engine.quantities import divide
from flex_engine.settle.effective import in_force, rows_of


@dataclass(frozen=True, slots=True)
class Invoice:
    """Pence; gross = net + VAT."""

    net_pence: int
    vat_rate: Decimal
    vat_pence: int
    gross_pence: int


def invoice(net_pence: int, *, day: date, rate: str = "STANDARD") -> Invoice:
    """VAT on `net_pence` at the rate in force on `day`, half-even to the penny. Raises NothingInForceError.

    >>> invoice(54125, day=date(2026, 1, 15)).vat_pence
    10825
    """
    share = Decimal(in_force(rows_of("vat"), rate, day).values["rate"])
    numerator, denominator = share.as_integer_ratio()
    vat = divide(net_pence * numerator, denominator)
    return Invoice(net_pence, share, vat, net_pence + vat)
