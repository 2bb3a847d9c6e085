"""A delivery as the buyer's own record has it: the seller's readings, what they come to, and where the seller says otherwise.

The figures are worked out anew from readings and terms; a difference is said in a sentence and decides nothing by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flex_engine.settle.performance import performance_table
from flex_engine.timegrid import settlement_period
from marketplace.models import Purchase, PurchaseReading, PurchaseSettlement
from marketplace.queries.catalogue import optional_column
from marketplace.queries.sentences import kwh, money
from marketplace.rules.delivery_check import Agreed, Checked, Half, check_delivery
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import product_on
from marketplace.wire.delivery import bounded, mapping, objects, read_deliveries
from marketplace.wire.purchase import product_of

BY_ENERGY = frozenset({"USAGE", "PENALTY"})
SHARES = "Where other dispatches ran at the same site and time, the seller counts a share, which is not known here."


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One half hour of one meter as the seller told it last, energy in Wh; `before` counts what it told of it earlier."""

    instruction_id: str
    meter_id: str
    start: datetime
    baseline_wh: int | None
    metered_wh: int | None
    methodology: str
    source: str
    told_at: datetime
    known_at: datetime
    before: int


@dataclass(frozen=True, slots=True)
class DeliveryCheck:
    """What the readings come to beside what the seller settled. `differences` and `problems` are sentences.

    `because` says why nothing could be worked out; `note` what was taken as the seller states it.
    """

    settlement_id: str
    eligible_wh: int | None
    amount_pence: int | None
    settled_eligible_wh: int | None
    settled_pence: int | None
    because: str
    note: str
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool | None:
        """Whether the seller's settlement is what its readings come to; None while one of them is missing."""
        if self.because or self.settled_pence is None:
            return None
        return not self.differences


@dataclass(frozen=True, slots=True)
class Delivery:
    """The record of one purchase: its readings in force, in order of time, and the check. `unreadable` are sentences."""

    rows: tuple[ReadingRow, ...]
    check: DeliveryCheck | None
    unreadable: tuple[str, ...]

    @property
    def revised(self) -> int:
        """How many half hours the seller told more than once."""
        return sum(1 for row in self.rows if row.before)


def delivery_of(purchase: Purchase, contract: Mapping[str, Any], settlement: PurchaseSettlement | None) -> Delivery:
    """The record, and what it comes to; `contract` is the seller's newest, exact, and `settlement` the one that stands."""
    rows = rows_in_force(purchase.readings.order_by("told_at", "known_at", "pk"))
    check = checked(purchase, contract, rows, settlement) if any(row.metered_wh is not None for row in rows) else None
    return Delivery(rows, check, tuple(read_deliveries(contract)[1]))


def rows_in_force(readings: Sequence[PurchaseReading] | Any) -> tuple[ReadingRow, ...]:
    """What was told last of each half hour and meter; `readings` are in the order in which they were told."""
    told: dict[tuple[datetime, str, str], list[PurchaseReading]] = defaultdict(list)
    for row in readings:
        told[row.start_at, row.meter_id, row.instruction_id].append(row)
    return tuple(reading_row(rows[-1], len(rows) - 1) for _, rows in sorted(told.items(), key=lambda item: item[0]))


def reading_row(row: PurchaseReading, before: int) -> ReadingRow:
    """A stored reading as pages and programs get it."""
    return ReadingRow(
        instruction_id=row.instruction_id,
        meter_id=row.meter_id,
        start=row.start_at,
        baseline_wh=row.baseline_wh,
        metered_wh=row.metered_wh,
        methodology=row.methodology,
        source=row.source,
        told_at=row.told_at,
        known_at=row.known_at,
        before=before,
    )


def checked(
    purchase: Purchase,
    contract: Mapping[str, Any],
    rows: Sequence[ReadingRow],
    settlement: PurchaseSettlement | None,
) -> DeliveryCheck:
    """The readings against the terms, and against the settlement that stands, if there is one."""
    agreed, note = agreed_of(purchase, contract)
    if len({row.instruction_id for row in rows}) > 1:
        found = Checked(because="The seller reports several dispatches, and its settlement is of one of them.")
    else:
        found = check_delivery(agreed, by_meter(rows))
    stated_wh = settlement.eligible_wh if settlement else None
    stated_pence = settlement.amount_pence if settlement else None
    return DeliveryCheck(
        settlement_id=settlement.settlement_id if settlement else "",
        eligible_wh=found.eligible_wh,
        amount_pence=found.amount_pence,
        settled_eligible_wh=stated_wh,
        settled_pence=stated_pence,
        because=found.because,
        note=note,
        differences=differences(found, stated_wh, stated_pence),
    )


def by_meter(rows: Sequence[ReadingRow]) -> dict[str, dict[datetime, Half]]:
    """{meter: {half hour: (baseline Wh, metered Wh)}}."""
    meters: dict[str, dict[datetime, Half]] = defaultdict(dict)
    for row in rows:
        meters[row.meter_id][row.start] = (row.baseline_wh, row.metered_wh)
    return meters


def differences(found: Checked, stated_wh: int | None, stated_pence: int | None) -> tuple[str, ...]:
    """Where the seller's settlement is not what its own readings come to, in sentences with their signs."""
    said = []
    if None not in (found.eligible_wh, stated_wh) and found.eligible_wh != stated_wh:
        said.append(f"The seller counts {kwh(stated_wh)}; its readings come to {kwh(found.eligible_wh)} eligible.")
    if found.amount_pence is not None and stated_pence is not None and found.amount_pence != stated_pence:
        more = stated_pence - found.amount_pence
        side = "more" if more > 0 else "less"
        said.append(
            f"The seller settled {money(stated_pence)}, {money(abs(more))} {side} than the {money(found.amount_pence)} "
            "that its own readings come to by the terms."
        )
    return tuple(said)


def agreed_of(purchase: Purchase, contract: Mapping[str, Any]) -> tuple[Agreed, str]:
    """What was agreed, from the seller's own terms, and what about it had to be taken as the seller states it."""
    commitment = next(iter(objects(contract.get("commitments"))), {})
    inputs = objects(mapping(mapping(commitment.get("offer")).get("offerAttributes")).get("inputs"))
    terms = next((mapping(one.get("inputs")) for one in inputs if one.get("role") == "seller"), {})
    ordered = optional_column(commitment.get("commitmentAttributes"), "CAPACITY_OFFERED")
    others = stated_beside(contract)
    beside = sum(others.values())
    agreed = Agreed(
        direction=purchase.direction,
        instructed_wh={start: int(kw * 500) for start, kw in ordered.items()},
        price_gbp_per_kwh=optional_column(terms.get("price"), "PRICE"),
        penalty_gbp_per_kwh=optional_column(terms.get("price"), "SHORTFALL_PENALTY"),
        others_pence=beside,
    )
    named = " and ".join(sorted({kind.replace("_", " ").lower() for kind in others}))
    taken = f"{money(beside)} of {named} is taken as the seller states it. " if others else ""
    adapted, note = under_product(agreed, str(product_of(contract).get("key", "")))
    return adapted, f"{taken}{note}".strip()


def under_product(agreed: Agreed, key: str) -> tuple[Agreed, str]:
    """The terms under the product's own table, cap and penalty rule; by the published policy where it is not known here."""
    if not key or not agreed.instructed_wh:
        return agreed, SHARES
    start = min(agreed.instructed_wh)
    try:
        sold_as = product_on(key, start)
    except MarketError:
        return agreed, f"The product {key[:40]} is not known here; the published policy is used. {SHARES}"
    return Agreed(
        direction=agreed.direction,
        instructed_wh=agreed.instructed_wh,
        price_gbp_per_kwh=agreed.price_gbp_per_kwh,
        penalty_gbp_per_kwh=agreed.penalty_gbp_per_kwh if sold_as.penalty_rule == "DEFICIENCY_PRICE" else {},
        cap_percent=sold_as.cap_percent,
        table=performance_table(sold_as.performance_table, day=settlement_period(start)[0]),
        sold_whole=sold_as.regulatory_basis == "P415_VTP",
        others_pence=agreed.others_pence,
    ), SHARES


def stated_beside(contract: Mapping[str, Any]) -> dict[str, int]:
    """What the settled price holds beside energy, in pence by its kind: availability, clawback, what rounding carried over."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in objects(contract.get("consideration"))[:1]:
        for part in objects(mapping(line.get("considerationAttributes")).get("components")):
            value = bounded(part.get("value"))
            if str(part.get("type")) not in BY_ENERGY and value is not None:
                found[str(part.get("type"))[:40]] += value
    return {kind: round(value * 100) for kind, value in found.items()}
