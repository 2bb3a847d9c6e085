"""What a product allows an offer, and what an order at its prices is quoted: pure, with every refusal in a sentence.

Products are rows of flex_engine.settle.products; this room turns what they say into market errors and exact pence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flex_engine.quantities import exact, pence
from flex_engine.settle.availability import AvailabilityWindow
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.products import Product, product, products
from flex_engine.timegrid import floor_half_hour, settlement_period
from marketplace.rules.errors import MarketError

DEFAULT = "OPERATIONAL_UTILISATION"
# The scheme a dispatch belongs to, by what the product rests on.
MECHANISMS = {"P415_VTP": "P415", "DNO_FSA": "DSO_FLEX", "NESO_DFS": "DFS"}


@dataclass(frozen=True, slots=True)
class Quote:
    """Whole pence for everything ordered, fully dispatched: each part is rounded once, half to even."""

    usage_pence: int
    availability_pence: int

    @property
    def pence(self) -> int:
        """Both."""
        return self.usage_pence + self.availability_pence


def product_on(key: str, moment: datetime) -> Product:
    """The product on the settlement day of `moment`. Raises MarketError BAD_PRODUCT naming those that are in force."""
    day, _ = settlement_period(floor_half_hour(moment))
    try:
        return product(key, day)
    except NothingInForceError as unknown:
        names = ", ".join(one.key for one in products(day))
        raise MarketError("BAD_PRODUCT", f"{key!r} is no product on {day}.", fix=f"Choose one of {names}.") from unknown


def check_direction(found: Product, direction: str) -> None:
    """Raise BAD_DIRECTION unless the product is bought in `direction`."""
    if direction not in found.directions:
        words = {"REDUCE": "turn-down", "INCREASE": "turn-up"}
        bought = " and ".join(words[one] for one in found.directions)
        raise MarketError(
            "BAD_DIRECTION",
            f"{found.name} is bought as {bought}, not as {words.get(direction, direction)}.",
            fix="Choose another direction or another product.",
        )


def check_window(found: Product, start: datetime, end: datetime) -> None:
    """Raise BAD_WINDOW unless [start, end) lies within the times the product is bought in."""
    if found.window is not None and not found.window.covers(start, end):
        raise MarketError(
            "BAD_WINDOW",
            f"{found.name} is bought {found.window}; {start:%Y-%m-%dT%H:%M}Z to {end:%Y-%m-%dT%H:%M}Z does not lie within.",
            fix="Choose a window within those times, or another product.",
        )


def check_size(found: Product, kw: Decimal) -> None:
    """Raise BIZ_QUANTITY_UNAVAILABLE for less power than the product is bought in."""
    if kw < found.minimum_kw:
        raise MarketError(
            "BIZ_QUANTITY_UNAVAILABLE",
            f"{kw.normalize():f} kW is less than the {found.minimum_kw:f} kW that {found.name} is bought in.",
            fix=f"Offer at least {found.minimum_kw:f} kW, or choose another product.",
        )


def availability_price(found: Product, asked: Decimal | None) -> Decimal:
    """GBP per MW and hour: what the seller asks, or the product's reference. Raises BAD_AVAILABILITY_PRICE."""
    if asked is None:
        return found.reference_availability_gbp_per_mw_h or Decimal(0)
    if asked < 0 or (asked > 0 and not found.pays_availability):
        raise MarketError(
            "BAD_AVAILABILITY_PRICE",
            f"An availability price of {asked:f} GBP per MW and hour is asked; {found.name} pays "
            f"{'none below zero' if found.pays_availability else 'utilisation only'}.",
            fix="Leave the availability price out, or choose a product that pays availability.",
        )
    return asked


def mechanism_of(found: Product) -> str:
    """The scheme that a dispatch of the product belongs to, as FlexActivation names it."""
    return MECHANISMS.get(found.regulatory_basis, "NONE")


def quote(
    asked: Mapping[datetime, Decimal], *, utilisation_gbp_per_kwh: Decimal, availability_gbp_per_mw_h: Decimal
) -> Quote:
    """What `asked` kW by half hour costs when all of it is held ready and dispatched.

    >>> from datetime import UTC
    >>> kw = {datetime(2026, 1, 15, 17, tzinfo=UTC): Decimal(500)}
    >>> quote(kw, utilisation_gbp_per_kwh=Decimal("0.25"), availability_gbp_per_mw_h=Decimal("21.40"))
    Quote(usage_pence=6250, availability_pence=535)
    """
    with exact():
        usage = sum(asked.values(), Decimal(0)) / 2 * utilisation_gbp_per_kwh
        held = [AvailabilityWindow(start, 1, kw / 1000, availability_gbp_per_mw_h) for start, kw in asked.items()]
        ready = sum((window.fee_gbp for window in held), Decimal(0))
    return Quote(pence(usage), pence(ready))
