"""A wholesale sale of deviation volume (P415): contract cash, imbalance at the system price, compensation of the supplier.

Volumes are signed integer Wh, prices Decimal GBP per MWh; a period is never floored, capped or made absolute: long is
positive. P415 compensation is mutualised (a pot of all suppliers pays, the seller nothing), P444's is direct (the seller
pays). The two are worked out side by side, for the difference is the point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from flex_engine.quantities import exact, mwh, pence
from flex_engine.settle.effective import in_force, rows_of

Kind = Literal["MUTUALISED", "DIRECT"]


@dataclass(frozen=True, slots=True)
class WholesaleLine:
    """One settlement period, exact GBP: sold, delivered and imbalance in MWh, and what each is worth."""

    start: datetime
    sold_mwh: Decimal
    delivered_mwh: Decimal
    imbalance_mwh: Decimal
    contract_gbp: Decimal
    imbalance_gbp: Decimal
    compensation_gbp: Decimal | None


@dataclass(frozen=True, slots=True)
class CompensationLine:
    """Compensation of the supplier in pence, by who pays. supplier + pot + seller = 0."""

    kind: Kind
    volume_mwh: Decimal
    supplier_pence: int
    pot_pence: int
    seller_pence: int


@dataclass(frozen=True, slots=True)
class WholesaleCash:
    """seller = contract + imbalance + the seller's compensation, each rounded once to pence.

    `compensation` is None where its price is not known; the seller's cash is then without it.
    """

    lines: tuple[WholesaleLine, ...]
    contract_pence: int
    imbalance_pence: int
    compensation: CompensationLine | None
    seller_pence: int


def settle_wholesale(
    *,
    sold_wh: Mapping[datetime, int],
    delivered_wh: Mapping[datetime, int],
    contract_gbp_per_mwh: Decimal,
    system_gbp_per_mwh: Mapping[datetime, Decimal],
    scrp_gbp_per_mwh: Mapping[datetime, Decimal] | None,
    kind: Kind,
) -> WholesaleCash:
    """The seller's cash of one sale. `delivered_wh` is the signed deviation that was moved to the seller's account.

    Raises KeyError for a sold period without a volume or a price: none is taken to be zero.
    """
    scrp = scrp_gbp_per_mwh
    with exact():
        lines = tuple(
            line_of(start, sold, delivered_wh[start], contract_gbp_per_mwh, system_gbp_per_mwh[start], None if scrp is None else scrp[start])
            for start, sold in sorted(sold_wh.items())
        )  # fmt: skip
        contract = pence(sum((line.contract_gbp for line in lines), Decimal(0)))
        imbalance = pence(sum((line.imbalance_gbp for line in lines), Decimal(0)))
        volume = sum((line.delivered_mwh for line in lines), Decimal(0))
        known = [line.compensation_gbp for line in lines if line.compensation_gbp is not None]
        paid = compensation_line(kind, volume, sum(known, Decimal(0))) if scrp is not None else None
    return WholesaleCash(lines, contract, imbalance, paid, contract + imbalance + (paid.seller_pence if paid else 0))


def line_of(
    start: datetime, sold: int, delivered: int, contract: Decimal, system: Decimal, scrp: Decimal | None
) -> WholesaleLine:
    """One period: the imbalance is what was delivered less what was sold, long positive."""
    return WholesaleLine(
        start=start,
        sold_mwh=mwh(sold),
        delivered_mwh=mwh(delivered),
        imbalance_mwh=mwh(delivered - sold),
        contract_gbp=mwh(sold) * contract,
        imbalance_gbp=mwh(delivered - sold) * system,
        compensation_gbp=None if scrp is None else mwh(delivered) * scrp,
    )


def compensation_line(kind: Kind, volume_mwh: Decimal, amount_gbp: Decimal) -> CompensationLine:
    """The supplier's credit, on the account of whoever pays it.

    >>> compensation_line("DIRECT", Decimal(10), Decimal(10) * Decimal("98.53")).seller_pence
    -98530
    """
    if kind not in ("MUTUALISED", "DIRECT"):
        raise ValueError(f"kind is {kind!r}; write MUTUALISED or DIRECT")
    credit = pence(amount_gbp)
    mutual = kind == "MUTUALISED"
    return CompensationLine(kind, volume_mwh, credit, -credit if mutual else 0, 0 if mutual else -credit)


def compensation_kind(basis: str, *, day: date) -> Kind:
    """Who compensates the supplier on settlement day `day` under a regulatory basis. Raises NothingInForceError.

    >>> compensation_kind("P415_VTP", day=date(2025, 1, 8))
    'MUTUALISED'
    """
    kind: Kind = in_force(rows_of("compensation"), basis, day).values["kind"]
    return kind


def reference_price(*, day: date) -> Decimal:
    """The Supplier Compensation Reference Price in GBP/MWh published for `day`. Raises NothingInForceError: not guessed."""
    return Decimal(in_force(rows_of("supplier_reference_price"), "SCRP", day).values["gbp_per_mwh"])


def mutualise(pot_pence: int, final_demand_wh: Mapping[str, int]) -> dict[str, int]:
    """Spread a pot over suppliers by Final Demand, in whole pence that sum to it: largest remainders first, then names.

    Raises ValueError where nobody has demand, or somebody's is negative.
    """
    whole = sum(final_demand_wh.values())
    if whole <= 0 or min(final_demand_wh.values()) < 0:
        raise ValueError("Final Demand must not be negative, and somebody must have some.")
    shares = {name: divmod(abs(pot_pence) * wh, whole) for name, wh in final_demand_wh.items()}
    spread = {name: floor for name, (floor, _) in shares.items()}
    for name in ranked(shares)[: abs(pot_pence) - sum(spread.values())]:
        spread[name] += 1
    return {name: value if pot_pence >= 0 else -value for name, value in spread.items()}


def ranked(shares: Mapping[str, tuple[int, int]]) -> Sequence[str]:
    """Names by remainder, largest first, equal ones by name."""
    return sorted(shares, key=lambda name: (-shares[name][1], name))
