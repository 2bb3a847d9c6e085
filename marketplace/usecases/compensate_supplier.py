"""What the supplier is compensated for a dispatch, beside the statement: mutualised under P415, direct under P444.

The pot of all suppliers pays a mutualised compensation and the seller nothing; the auditor is shown it. A direct one is
the seller's debit. Where no reference price is held for a day, the line says so: it is never taken as zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flex_engine.quantities import exact, mwh
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.products import Product
from flex_engine.settle.settlement_calendar import run_of_price
from flex_engine.settle.wholesale import compensation_kind, compensation_line, reference_price
from flex_engine.timegrid import day_start, settlement_period
from marketplace.models import SignalPoint, published_dates
from marketplace.usecases.price_delivery import decimal_of

SERIES = "supplier_reference_price"  # GBP/MWh, one value a settlement day, kept at its first half hour
BASES = ("P415_VTP", "P444_BM")


def compensate_supplier(*, moved_wh: Mapping[datetime, int], product: Product, now: datetime) -> list[dict[str, Any]]:
    """One JSON-safe line for each settlement day, by the price known at `now`; none where the basis moves no volume.

    `moved_wh` is the signed deviation by half hour, positive for less import. Pence are whole; supplier + pot + seller = 0.
    """
    if product.regulatory_basis not in BASES:
        return []
    volumes: dict[date, int] = {}
    for start, wh in moved_wh.items():
        day, _ = settlement_period(start)
        volumes[day] = volumes.get(day, 0) + wh
    return [line_of(product.regulatory_basis, day, wh, now=now) for day, wh in sorted(volumes.items())]


def line_of(basis: str, day: date, moved_wh: int, *, now: datetime) -> dict[str, Any]:
    """One day's line."""
    volume = mwh(moved_wh)
    line: dict[str, Any] = {"day": day.isoformat(), "basis": basis, "volume_mwh": f"{volume:f}"}
    try:
        kind = compensation_kind(basis, day=day)
        price, told = price_of(day, now=now)
    except NothingInForceError as unknown:
        return line | {"absent": str(unknown)}
    with exact():
        paid = compensation_line(kind, volume, volume * price)
    return line | {
        "kind": kind,
        "scrp_gbp_per_mwh": f"{price:f}",
        **told,
        "supplier_pence": paid.supplier_pence,
        "pot_pence": paid.pot_pence,
        "seller_pence": paid.seller_pence,
    }


def price_of(day: date, *, now: datetime) -> tuple[Decimal, dict[str, str]]:
    """The price of a day and its source, run and when it was known: stored by `now`, or the dated rows, which have only a source.

    Raises NothingInForceError.
    """
    stored = SignalPoint.objects.filter(series=SERIES, start_at=day_start(day), known_at__lte=now)
    newest = stored.order_by("known_at", "pk").last()
    if newest is not None:
        run = run_of_price(day, newest.known_at, published=published_dates(day, known_at=now))
        return decimal_of(newest), {"source": newest.source, "known_at": newest.known_at.isoformat(), "price_run": run}
    return reference_price(day=day), {"source": "dated rows of the project"}
