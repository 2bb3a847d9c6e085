"""When an order may be quoted, confirmed and dispatched: the market's rules on times and quantities.

Pure: the caller passes every time and quantity. Times are aware UTC, power is Decimal kW.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from marketplace.rules.errors import MarketError


def check_gate(*, now: datetime, gate_closure_at: datetime) -> None:
    """Raise BIZ_FULFILLMENT_UNAVAILABLE at and after gate closure."""
    if now >= gate_closure_at:
        raise MarketError(
            "BIZ_FULFILLMENT_UNAVAILABLE",
            f"The gate for this offer closed at {gate_closure_at:%Y-%m-%dT%H:%M}Z.",
            fix="Search again: an offer with a later gate closure may be on sale.",
        )


def check_power(asked: Mapping[datetime, Decimal]) -> None:
    """Raise BIZ_QUANTITY_UNAVAILABLE unless each power is a number of whole watts above zero: less is neither metered nor stored."""
    for start, kw in asked.items():
        if not kw.is_finite() or kw <= 0 or kw * 1000 != (kw * 1000).to_integral_value():
            raise MarketError(
                "BIZ_QUANTITY_UNAVAILABLE",
                f"{kw} kW is asked for {start:%Y-%m-%dT%H:%M}Z.",
                fix="Ask for more than 0 kW, in whole watts.",
            )


def check_room(*, asked: Mapping[datetime, Decimal], left: Mapping[datetime, Decimal]) -> None:
    """Raise BIZ_QUANTITY_UNAVAILABLE unless every settlement period asked for has room, naming the tightest one."""
    if not asked:
        raise MarketError("BIZ_QUANTITY_UNAVAILABLE", "The order names no settlement period.", fix="Name at least one.")
    tightest = min(asked, key=lambda start: left.get(start, Decimal(0)) - asked[start])
    room = left.get(tightest, Decimal(0))
    if asked[tightest] > room:
        raise MarketError(
            "BIZ_QUANTITY_UNAVAILABLE",
            f"{asked[tightest].normalize():f} kW is asked for {tightest:%Y-%m-%dT%H:%M}Z, where {room.normalize():f} kW is left.",
            fix=f"Order at most {room.normalize():f} kW, or choose another offer.",
            details={"available_kw": f"{room.normalize():f}", "start": f"{tightest:%Y-%m-%dT%H:%M:%SZ}"},
        )


def check_price(*, quoted_pence: int, agreed_pence: int | None, now: datetime, expires_at: datetime) -> None:
    """Raise BIZ_QUOTE_EXPIRED_OR_CHANGED unless the buyer confirms the quoted amount, to the penny, in time."""
    if now >= expires_at:
        raise MarketError(
            "BIZ_QUOTE_EXPIRED_OR_CHANGED",
            f"The quote expired at {expires_at:%Y-%m-%dT%H:%M:%S}Z.",
            fix="Select the offer again for a new quote.",
        )
    if agreed_pence is not None and agreed_pence != quoted_pence:
        raise MarketError(
            "BIZ_QUOTE_EXPIRED_OR_CHANGED",
            f"The order confirms {agreed_pence} p, the quote is {quoted_pence} p.",
            fix="Confirm the amount of the last quote, to the penny.",
        )


def check_instruction(
    *, requested: Mapping[datetime, Decimal], ordered: Mapping[datetime, Decimal], now: datetime, notice: timedelta
) -> None:
    """Raise MarketError unless a dispatch stays inside what was ordered and gives the agreed notice."""
    if not requested:
        raise MarketError(
            "BIZ_INVALID_UPDATE_TARGET", "The dispatch names no settlement period.", fix="Send a setpoint."
        )
    check_power(requested)
    for start, kw in sorted(requested.items()):
        if start not in ordered:
            raise MarketError(
                "BIZ_INVALID_UPDATE_TARGET",
                f"The dispatch names {start:%Y-%m-%dT%H:%M}Z, which the order does not hold.",
                fix="Dispatch only settlement periods of the order.",
            )
        if kw > ordered[start]:
            raise MarketError(
                "BIZ_QUANTITY_UNAVAILABLE",
                f"The dispatch asks {kw.normalize():f} kW at {start:%Y-%m-%dT%H:%M}Z; the order holds {ordered[start].normalize():f} kW.",
                fix="Ask for at most the ordered power.",
            )
    first = min(requested)
    if now + notice > first:
        raise MarketError(
            "BIZ_FULFILLMENT_UNAVAILABLE",
            f"A dispatch for {first:%Y-%m-%dT%H:%M}Z needs {int(notice.total_seconds() // 60)} minutes of notice.",
            fix=f"The last moment was {first - notice:%Y-%m-%dT%H:%M:%S}Z.",
        )


def check_events_per_day(*, day_counts: Iterable[int], limit: int) -> None:
    """Raise POL_NP_CAPACITY_EXCEEDED when any settlement day would hold more than `limit` activations."""
    if any(count >= limit for count in day_counts):
        raise MarketError(
            "POL_NP_CAPACITY_EXCEEDED",
            f"The offer allows {limit} activation(s) a day, and that many are already accepted.",
            fix="Dispatch on another day.",
        )
