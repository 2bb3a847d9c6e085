"""What a claim against a statement is worth: the part in dispute as stated, as claimed, and the difference in pence.

Pure and exact; the caller passes lines and rates. It values a claim by the order's rates so that the money at stake can be
shown. What is paid is never taken from here: an amendment is worked out from its inputs like every statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flex_engine.settle.delivery import PeriodDelivery
from flex_engine.settle.payment import pay
from marketplace.rules.dispute import ClaimUnit
from marketplace.rules.errors import MarketError

MOST_PENCE = 10**12


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a statement that is disputed. `pence` is what it comes to: the amount, or its lines at the order's rates."""

    lines: tuple[PeriodDelivery, ...]
    pence: int
    price_gbp_per_kwh: Decimal
    penalty_gbp_per_kwh: Decimal

    @property
    def eligible_wh(self) -> int:
        """Energy counted for payment."""
        return sum(line.eligible_wh for line in self.lines)

    @property
    def most_wh(self) -> int:
        """The most that can be counted: what was instructed, or what was counted where a cap allowed more."""
        return sum(max(line.instructed_wh, line.eligible_wh) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Claim:
    """A valued claim: what the statement says, what is claimed, both in `unit`, and the difference in pence (signed)."""

    unit: ClaimUnit
    stated: int
    claimed: int
    difference_pence: int


def worth_pence(lines: Sequence[PeriodDelivery], *, price: Decimal, penalty: Decimal) -> int:
    """What some lines come to at the order's rates: payment less penalty, each rounded half to even once."""
    return pay(lines, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty).amount_pence


def value_claim(part: Part, *, unit: ClaimUnit, claimed: int) -> Claim:
    """The claim, valued. Raises MarketError BAD_CLAIM for one that says what the statement says, or that cannot be."""
    if unit == ClaimUnit.PENCE:
        if abs(claimed) > MOST_PENCE:
            refuse(claimed, "that is no amount of pence.", "Write what the disputed part should come to, in pence.")
        stated, difference = part.pence, claimed - part.pence
    else:
        if not part.lines:
            refuse(claimed, "the statement settles no energy.", "Claim an amount of money instead.")
        if not 0 <= claimed <= part.most_wh:
            refuse(claimed, f"between 0 and {part.most_wh} Wh can be counted there.", "Write eligible energy in Wh.")
        stated = part.eligible_wh
        difference = energy_difference_pence(part, claimed)
    if claimed == stated:
        refuse(claimed, "the statement says the same.", "Say what it should be instead.")
    return Claim(ClaimUnit(unit), stated, claimed, difference)


def energy_difference_pence(part: Part, claimed_wh: int) -> int:
    """The money that counting `claimed_wh` would move: eligible energy at the price, shortfall at the penalty."""
    stated = PeriodDelivery(
        part.lines[0].start,
        sum(line.instructed_wh for line in part.lines),
        0,
        0,
        part.eligible_wh,
        part.eligible_wh,
        sum(line.shortfall_wh for line in part.lines),
    )
    short = max(0, stated.shortfall_wh - (claimed_wh - stated.eligible_wh))
    claimed = PeriodDelivery(stated.start, stated.instructed_wh, 0, 0, claimed_wh, claimed_wh, short)
    rates = {"price": part.price_gbp_per_kwh, "penalty": part.penalty_gbp_per_kwh}
    return worth_pence([claimed], **rates) - worth_pence([stated], **rates)


def refuse(claimed: int, problem: str, fix: str) -> None:
    """Raise the one error every bad claim gives."""
    raise MarketError(
        "BAD_CLAIM", f"claimed_value is {claimed}: {problem}", fix=fix, details={"column": "claimed_value"}
    )
