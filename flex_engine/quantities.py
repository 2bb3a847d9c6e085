"""Labels and exact conversions between power, energy and money. Settlement uses integers and Decimal, never float."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum


class Label(StrEnum):
    """How a figure came about; shown beside it wherever it is shown."""

    MEASURED = "MEASURED"
    FORECAST = "FORECAST"
    ESTIMATED = "ESTIMATED"
    SIMULATED = "SIMULATED"
    ASSUMED = "ASSUMED"


def wh_from_kw(kw: Decimal, hours: Decimal = Decimal("0.5")) -> int:
    """Energy in whole Wh of `kw` held for `hours`, half-even.

    >>> wh_from_kw(Decimal("1200"))
    600000
    """
    return int((kw * 1000 * hours).to_integral_value(ROUND_HALF_EVEN))


def kwh(wh: int) -> Decimal:
    """Wh as kWh, exact."""
    return Decimal(wh) / 1000


def pence(gbp: Decimal) -> int:
    """Pounds as whole pence, half-even.

    >>> pence(Decimal("436.25")), pence(Decimal("0.125"))
    (43625, 12)
    """
    return int((gbp * 100).to_integral_value(ROUND_HALF_EVEN))


def gbp(pence: int) -> Decimal:
    """Pence as pounds with two places."""
    return (Decimal(pence) / 100).quantize(Decimal("0.01"))
