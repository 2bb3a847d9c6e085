"""What a tender may ask and what may be bid on it: pure, and every refusal is a sentence that names the value.

Times are aware UTC, power is Decimal kW, prices are Decimal GBP per kWh, or per MW and hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from flex_engine.settle.products import Product
from flex_engine.timegrid import HALF_HOUR, floor_half_hour
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import check_direction, check_window

TO_CLEAR = timedelta(minutes=10)  # between closing and the product's gate, to find the allocation and place the orders
LONGEST = 48  # half hours
PLACES = 4
MOST_PRICE = Decimal(10**5)
MOST_KW = Decimal(10**7)
# GSP groups of the BSC are letters from _A to _P without _I and _O.
GROUPS = tuple(f"_{letter}" for letter in "ABCDEFGHJKLMNP")


@dataclass(frozen=True, slots=True)
class Need:
    """A need as asked; `kw` by half hour covers [start, end)."""

    product: Product
    direction: str
    gsp_group: str
    kw: Mapping[datetime, Decimal]
    closes_at: datetime
    pricing: str
    ceiling: Decimal
    ceiling_availability: Decimal

    @property
    def start(self) -> datetime:
        """The first half hour."""
        return min(self.kw)

    @property
    def end(self) -> datetime:
        """The end of the last half hour."""
        return max(self.kw) + HALF_HOUR

    @property
    def last_closing(self) -> datetime:
        """The latest closing that leaves time to place orders before the product's gate."""
        return self.start - timedelta(seconds=self.product.gate_closure_s) - TO_CLEAR


@dataclass(frozen=True, slots=True)
class Asked:
    """A bid as asked, and the offer it is drawn from."""

    kw: Decimal
    least_kw: Decimal
    price: Decimal
    availability: Decimal
    offered_kw: Decimal
    product: str
    direction: str
    gsp_group: str
    gsp_zone: str
    start: datetime
    end: datetime


def spread(start: datetime, end: datetime, kw: Decimal) -> dict[datetime, Decimal]:
    """`kw` in every half hour of [start, end). Raises BAD_WINDOW for a window that is none."""
    if floor_half_hour(start) != start or floor_half_hour(end) != end or end <= start:
        raise MarketError(
            "BAD_WINDOW", f"{start:%Y-%m-%dT%H:%M}Z to {end:%Y-%m-%dT%H:%M}Z is not a window of half hours.",
            fix="Start and end on :00 or :30, the end after the start.",
        )  # fmt: skip
    count = int((end - start) / HALF_HOUR)
    if count > LONGEST:
        raise MarketError("BAD_WINDOW", f"The window has {count} half hours.", fix=f"Ask for at most {LONGEST}.")
    return {start + i * HALF_HOUR: kw for i in range(count)}


def by_half_hour(start: datetime, end: datetime, kw: Sequence[Decimal]) -> dict[datetime, Decimal]:
    """One power for all of [start, end), or one for each half hour. Raises BAD_WINDOW or BAD_QUANTITY."""
    made = spread(start, end, Decimal(0))
    if len(kw) not in {1, len(made)}:
        raise MarketError(
            "BAD_QUANTITY",
            f"{len(kw)} powers are given for a window of {len(made)} half hours.",
            fix=f"Give one for all of it, or {len(made)}.",
        )
    return dict(zip(made, kw if len(kw) > 1 else list(kw) * len(made), strict=True))


def check_need(need: Need, *, now: datetime) -> None:
    """Raise MarketError naming what of the need cannot be asked."""
    check_direction(need.product, need.direction)
    check_window(need.product, need.start, need.end)
    if need.gsp_group not in GROUPS:
        raise MarketError("BAD_ZONE", f"{need.gsp_group!r} is no GSP group.", fix=f"Write one of {', '.join(GROUPS)}.")
    for start, kw in sorted(need.kw.items()):
        check_kw(kw, f"The need at {start:%Y-%m-%dT%H:%M}Z", least=Decimal(0))
    if not any(need.kw.values()):
        raise MarketError("BAD_QUANTITY", "Nothing is needed in any half hour.", fix="Ask for some power.")
    if not now < need.closes_at <= need.last_closing:
        raise MarketError(
            "BAD_CLOSING",
            f"The tender would close at {need.closes_at:%Y-%m-%dT%H:%M}Z; it can close after {now:%Y-%m-%dT%H:%M}Z and until "
            f"{need.last_closing:%Y-%m-%dT%H:%M}Z, {int(TO_CLEAR.total_seconds() // 60)} minutes before the gate of "
            f"{need.product.name}.",
            fix="Close it within those times, or ask for a later window.",
        )
    check_price(need.ceiling, "The ceiling")
    check_price(need.ceiling_availability, "The ceiling for availability")
    if need.ceiling == 0:
        raise MarketError("BAD_PRICE", "The ceiling is 0.", fix="Say the most you pay for a kWh.")
    if need.product.pays_availability:
        if need.pricing == "PAY_AS_CLEAR":
            raise MarketError(
                "BAD_PRICING", f"{need.product.name} has two prices, and no single one clears it.", fix="Pay as bid."
            )
    elif need.ceiling_availability:
        raise MarketError(
            "BAD_PRICE", f"{need.product.name} pays utilisation only.", fix="Leave the ceiling for availability out."
        )


def check_bid(asked: Asked, need: Need, *, gsp_zone: str, now: datetime) -> None:
    """Raise MarketError naming why this cannot be bid on `need`."""
    if now >= need.closes_at:
        raise MarketError(
            "TENDER_CLOSED", f"The tender closed at {need.closes_at:%Y-%m-%dT%H:%M}Z.", fix="Look for one that is open."
        )
    if (asked.product, asked.direction) != (need.product.key, need.direction):
        raise MarketError(
            "BAD_PRODUCT",
            f"The tender buys {need.product.key} ({need.direction}); the offer is {asked.product} ({asked.direction}).",
            fix="Draft an offer of that product.",
        )
    if asked.gsp_group != need.gsp_group or (gsp_zone and asked.gsp_zone != gsp_zone):
        zone = f"{need.gsp_group} {gsp_zone}".strip()
        raise MarketError(
            "BAD_ZONE", f"The site lies in {asked.gsp_group} {asked.gsp_zone}; the tender is for {zone}.", fix="Bid with a site there."
        )  # fmt: skip
    if asked.start < need.start or asked.end > need.end:
        raise MarketError(
            "BAD_WINDOW",
            f"The offer's window does not lie within {need.start:%Y-%m-%dT%H:%M}Z to {need.end:%Y-%m-%dT%H:%M}Z.",
            fix="Draft an offer within the tender's window.",
        )
    check_kw(asked.kw, "The bid", least=need.product.minimum_kw)
    check_kw(asked.least_kw, "The least", least=Decimal(0))
    if asked.kw > asked.offered_kw:
        raise MarketError(
            "BAD_QUANTITY", f"{plain(asked.kw)} kW is bid; the offer proves {plain(asked.offered_kw)} kW.", fix="Bid less."
        )  # fmt: skip
    if asked.least_kw > asked.kw:
        raise MarketError(
            "BAD_LEAST", f"At least {plain(asked.least_kw)} kW of {plain(asked.kw)} kW cannot be taken.", fix="Ask for a smaller least."
        )  # fmt: skip
    check_within(asked.price, need.ceiling, "price", "GBP per kWh")
    check_within(asked.availability, need.ceiling_availability, "availability price", "GBP per MW and hour")


def check_within(price: Decimal, ceiling: Decimal, name: str, unit: str) -> None:
    """Raise BAD_PRICE for no price, or for one above the ceiling."""
    check_price(price, f"The {name}")
    if price > ceiling:
        raise MarketError(
            "BAD_PRICE", f"A {name} of {plain(price)} {unit} is above the ceiling of {plain(ceiling)}.", fix="Bid at most the ceiling."
        )  # fmt: skip


def check_kw(kw: Decimal, name: str, *, least: Decimal) -> None:
    """Raise BAD_QUANTITY for a power that is no number of whole watts from `least`."""
    if not kw.is_finite() or not least <= kw < MOST_KW or kw * 1000 != (kw * 1000).to_integral_value():
        raise MarketError(
            "BAD_QUANTITY", f"{name} is {kw} kW.", fix=f"Write kilowatts from {plain(least)}, to the watt at most."
        )


def check_price(price: Decimal, name: str) -> None:
    """Raise BAD_PRICE for what is no price from 0 with four places."""
    if not price.is_finite() or not 0 <= price < MOST_PRICE or price != round(price, PLACES):
        raise MarketError(
            "BAD_PRICE", f"{name} is {price}.", fix="Write a number from 0 with at most four places, such as 0.25."
        )


def plain(value: Decimal) -> str:
    """A number without trailing zeros.

    >>> plain(Decimal("400.000")), plain(Decimal("0.2500"))
    ('400', '0.25')
    """
    return f"{value.normalize():f}"
