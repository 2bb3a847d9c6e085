"""What a buyer owes by the readings that the seller itself reported: the published policy, worked out on the buyer's side.

Pure and exact. It is a check and no settlement: availability is taken as the seller states it, and what other dispatches
delivered at the same site and time is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flex_engine.quantities import exact, kwh, pence
from flex_engine.settle.delivery import MissingReadingError, PeriodDelivery, deliver
from flex_engine.settle.payment import pay
from flex_engine.settle.performance import PerformanceTable


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was ordered, in Wh by half hour, and how it is paid. `direction` is empty where nobody said it.

    `sold_whole`: the buyer pays what was sold, however much was delivered (a wholesale trade). `others_pence` is what the
    seller states beside energy: availability and its clawback.
    """

    direction: str
    instructed_wh: Mapping[datetime, int]
    price_gbp_per_kwh: Mapping[datetime, Decimal]
    penalty_gbp_per_kwh: Mapping[datetime, Decimal]
    cap_percent: int = 100
    table: PerformanceTable | None = None
    sold_whole: bool = False
    others_pence: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """Delivery by half hour, eligible energy in Wh and the amount in pence; or, where it cannot be worked out, why not."""

    lines: tuple[PeriodDelivery, ...] = ()
    eligible_wh: int | None = None
    amount_pence: int | None = None
    because: str = ""


Half = tuple[int | None, int | None]  # baseline and metered Wh


def check_delivery(agreed: Agreed, meters: Mapping[str, Mapping[datetime, Half]]) -> Checked:
    """The delivery that `meters` show against what was agreed. Each meter delivers at least nothing, as the policy has it."""
    if agreed.direction not in ("REDUCE", "INCREASE"):
        return Checked(because="Nobody said whether the order turns load down or up.")
    unpriced = [start for start in agreed.instructed_wh if start not in agreed.price_gbp_per_kwh]
    if not agreed.instructed_wh or unpriced:
        return Checked(because="The seller's terms do not name power and price of every half hour.")
    baseline, metered = together(agreed, meters)
    try:
        lines = deliver(
            instructed_wh=agreed.instructed_wh,
            baseline_wh=baseline,
            metered_wh=metered,
            direction=agreed.direction,  # type: ignore[arg-type]
            cap_percent=agreed.cap_percent,
        )
    except MissingReadingError as missing:
        return Checked(because=str(missing))
    eligible = sum(line.eligible_wh for line in lines)
    return Checked(tuple(lines), eligible, owed_pence(agreed, lines) + agreed.others_pence)


def together(
    agreed: Agreed, meters: Mapping[str, Mapping[datetime, Half]]
) -> tuple[dict[datetime, int], dict[datetime, int]]:
    """(baseline, metered) of all meters as one: each meter's delivery is cut at nothing before they are summed.

    A half hour that any of the meters lacks is left out, so that it is missed and not taken as zero.
    """
    baseline: dict[datetime, int] = {}
    metered: dict[datetime, int] = {}
    sign = 1 if agreed.direction == "REDUCE" else -1
    for start in agreed.instructed_wh:
        halves = [rows.get(start, (None, None)) for rows in meters.values()]
        known = [(first, second) for first, second in halves if first is not None and second is not None]
        if halves and len(known) == len(halves):
            baseline[start] = sum(first for first, _ in known)
            delivered = sum(max(0, sign * (first - second)) for first, second in known)
            metered[start] = baseline[start] - sign * delivered
    return baseline, metered


def owed_pence(agreed: Agreed, lines: list[PeriodDelivery]) -> int:
    """Payment for energy less the penalty; of a wholesale trade, what was sold at its price."""
    if agreed.sold_whole:
        with exact():
            return pence(
                sum((kwh(line.instructed_wh) * agreed.price_gbp_per_kwh[line.start] for line in lines), Decimal(0))
            )
    penalty = {line.start: agreed.penalty_gbp_per_kwh.get(line.start, Decimal(0)) for line in lines}
    return pay(
        lines, price_gbp_per_kwh=agreed.price_gbp_per_kwh, penalty_gbp_per_kwh=penalty, table=agreed.table
    ).amount_pence
