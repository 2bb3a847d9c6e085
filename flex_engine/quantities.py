"""Labels and exact conversions between power, energy and money. Settlement uses integers and Decimal, never float."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Decimal, Inexact, localcontext
from enum import StrEnum


class Label(StrEnum):
    """How a figure came about; shown beside it wherever it is shown."""

    MEASURED = "MEASURED"
    FORECAST = "FORECAST"
    ESTIMATED = "ESTIMATED"
    SIMULATED = "SIMULATED"
    ASSUMED = "ASSUMED"
    AGREED = "AGREED"


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


def mwh(wh: int) -> Decimal:
    """Wh as MWh, exact."""
    return Decimal(wh).scaleb(-6)


def divide(total: int, count: int) -> int:
    """total / count to the nearest integer, half to even, without floats. `count` is positive.

    >>> divide(5, 2), divide(7, 2), divide(-5, 2)
    (2, 4, -2)
    """
    quotient, rest = divmod(total, count)
    if 2 * rest > count or (2 * rest == count and quotient % 2):
        quotient += 1
    return quotient


def share(part: int, whole: int, places: int = 6) -> Decimal:
    """part / whole to `places` decimal places, half to even. `whole` is positive.

    >>> share(2, 3), share(-1, 8, places=2)
    (Decimal('0.666667'), Decimal('-0.12'))
    """
    return Decimal(divide(part * 10**places, whole)).scaleb(-places)


@contextmanager
def exact() -> Iterator[None]:
    """Decimal arithmetic inside raises decimal.Inexact where it would lose a digit; only `pence` and `share` round."""
    with localcontext() as context:
        context.prec = 60
        context.traps[Inexact] = True
        yield


def sva_from_cva(energy: int) -> int:
    """CVA counts export as positive, SVA import. Energy crosses that border here and nowhere else; its own inverse.

    Source: SVA and CVA Data Catalogues.
    """
    return -energy
