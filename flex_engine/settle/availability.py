"""What is paid for standing ready, and what is taken back for not delivering: availability, clawback, end of contract.

Power is Decimal MW, prices Decimal GBP per MW and hour. The per-kWh penalty on a shortfall is payment's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from flex_engine.quantities import exact
from flex_engine.settle.payment import Component, component
from flex_engine.settle.performance import PerformanceTable

HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class AvailabilityWindow:
    """Power held ready over `half_hours` from `start`, at a price; `available` is False where none of it was there."""

    start: datetime
    half_hours: int
    power_mw: Decimal
    price_gbp_per_mw_h: Decimal
    available: bool = True

    @property
    def mw_h(self) -> Decimal:
        """Power by hours that was there, exact."""
        with exact():
            return self.power_mw * self.half_hours * HALF if self.available else Decimal(0)

    @property
    def fee_gbp(self) -> Decimal:
        """The fee before scaling, exact."""
        with exact():
            return self.mw_h * self.price_gbp_per_mw_h


def availability(
    windows: Sequence[AvailabilityWindow],
    *,
    table: PerformanceTable,
    delivered_wh: int,
    instructed_wh: int,
    missed: Collection[datetime] = (),
) -> list[Component]:
    """AVAILABILITY of all windows, scaled, and a CLAWBACK of the scaled fee of those whose instruction was `missed`.

    `delivered_wh` of `instructed_wh` is the record that scales the fee (SSEN: the previous month's); where nothing was
    instructed then, the fee is paid in full. `missed` names windows by start. A window that was not available earns
    nothing. Each line is rounded once. Raises ValueError for a missed window that is not among `windows`.
    """
    unknown = set(missed) - {window.start for window in windows}
    if unknown:
        raise ValueError(f"No availability window starts at {min(unknown):%Y-%m-%dT%H:%M}Z.")
    scale = table.scale(delivered_wh, instructed_wh) if instructed_wh else Decimal(1)
    with exact():
        fee = sum((window.fee_gbp for window in windows), Decimal(0)) * scale
        lost = sum((window.fee_gbp for window in windows if window.start in missed), Decimal(0)) * scale
        mw_h = sum((window.mw_h for window in windows), Decimal(0))
        missed_mw_h = sum((window.mw_h for window in windows if window.start in missed), Decimal(0))
    facts = {
        "scale": f"{scale:f}",
        "record_delivered_wh": str(delivered_wh),
        "record_instructed_wh": str(instructed_wh),
    }
    held = f"{mw_h.normalize():f} MW h available, paid at {scale:.2%}"
    lines = [component("AVAILABILITY", held, fee, basis={"mw_h": f"{mw_h.normalize():f}", **facts})]
    if lost:
        taken = {"mw_h": f"{missed_mw_h.normalize():f}", **facts}
        lines.append(component("CLAWBACK", f"{len(set(missed))} instruction(s) missed", -lost, basis=taken))
    return lines


@dataclass(frozen=True, slots=True)
class TerminationRule:
    """A contract may be ended after `failures` failed events within `days`."""

    failures: int
    days: int


def may_terminate(rule: TerminationRule, *, failed_on: Collection[date], day: date) -> bool:
    """Whether the failures in the `rule.days` that end with `day` reach the rule."""
    since = day - timedelta(days=rule.days)
    return sum(since < one <= day for one in failed_on) >= rule.failures
