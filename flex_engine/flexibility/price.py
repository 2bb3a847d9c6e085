"""What a turn-down or turn-up costs the site, and the price that covers it. Every number of the price is a line of arithmetic.

Opportunity cost = [V(q) - V(0)] / energy: V is the cheapest value, at the plan's own forecast prices and carbon price, of
everything from the window's start on, with and without the whole window turned down, or up, by q.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from flex_engine.flexibility.tail import tail_of
from flex_engine.optimise.checker import Checkable
from flex_engine.optimise.classes import Shares
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import finished
from flex_engine.settle.delivery import Direction

RATE = Decimal("0.0001")
PENNY = Decimal("0.01")
# Root mean square error of a like-day baseline with in-day adjustment on compute load, as a share of the load: 12 to 21 %
# over three one-year job traces (the like-day rule of P376 on 290 days without an event each).
BASELINE_ERROR = Decimal("0.20")
# Mean of the positive half of a normal error with standard deviation one: 1 / sqrt(2 pi).
MEAN_OVERSHOOT = Decimal("0.3989")
# Mean absolute error of our own price forecast one and two days ahead as a share of the mean price: 40 % and 39 % over 45
# issues from April 2023 to December 2024 on the GB system price.
PRICE_ERROR = Decimal("0.40")
MOST_SHORT = Decimal("0.50")
# A sliding scale can leave next to nothing of a price; below this share a price no longer says anything.
LEAST_PAID = Decimal("0.10")
# A shortfall makes the buyer buy the energy at the market's price; where that is nothing, a promise must still cost something.
LEAST_PENALTY = Decimal("0.0100")


@dataclass(frozen=True, slots=True)
class Pay:
    """How a product pays: `scale` is the share of the price by delivered and instructed Wh; `penalised`: a shortfall costs."""

    scale: Callable[[int, int], Decimal] | None = None
    penalised: bool = True

    def kept(self, short: Decimal) -> Decimal:
        """The share of the price left where `short` of what was called is not delivered."""
        delivered = 1 - short
        share = Decimal(1) if self.scale is None else self.scale(int(delivered * 10**6), 10**6)
        return max(LEAST_PAID, delivered * share)


PLAIN = Pay()


@dataclass(frozen=True, slots=True)
class Price:
    """Rates in GBP per kWh with four places, and the lines that lead to them."""

    utilisation_gbp_per_kwh: Decimal
    penalty_gbp_per_kwh: Decimal
    arithmetic: tuple[dict[str, str], ...]


def price_of(
    problem: Problem,
    plan: Checkable,
    *,
    first: int,
    last: int,
    quantity_kw: Decimal,
    extra_kw: Decimal = Decimal(0),
    pay: Pay = PLAIN,
    direction: Direction = "REDUCE",
) -> Price:
    """Price of `quantity_kw` in half hours [first, last), where `extra_kw` more has to be moved unpaid.

    Raises UnsolvedError when it cannot be scheduled.
    """
    tail = tail_of(problem, plan, first)
    _, without = tail.value_gbp()
    _, with_it = tail.value_gbp(kw=float(quantity_kw + extra_kw), length=last - first, direction=direction)
    money, carbon_kg = (b - a for a, b in zip(cost(problem, without), cost(problem, with_it), strict=True))
    energy = quantity_kw * Decimal(last - first) / 2
    extra = exact(money, PENNY)
    carbon = exact(carbon_kg * problem.carbon_price_gbp_per_tonne / 1000, PENNY)
    opportunity = max(Decimal(0), (extra + carbon) / energy).quantize(RATE, ROUND_CEILING)
    market = market_price(problem, first, last, direction)
    # What the baseline can be wrong about is the load of jobs it expects: for a turn-up that lies above the plan.
    raised = Decimal(0) if direction == "REDUCE" else extra_kw
    movable = raised + exact(sum(plan.load_kw[first:last]) / (last - first) - problem.site.must_run_kw, PENNY)
    short = min(MOST_SHORT, BASELINE_ERROR * MEAN_OVERSHOOT * movable / quantity_kw).quantize(RATE, ROUND_CEILING)
    forecast = (market * PRICE_ERROR).quantize(RATE, ROUND_CEILING)
    penalty = max(LEAST_PENALTY, market) if pay.penalised else Decimal(0).quantize(RATE)
    before = opportunity + forecast
    risk = ((before + penalty * short) / pay.kept(short) - before).quantize(RATE, ROUND_CEILING)
    price = before + risk
    lines = (
        line(
            "Energy bought later instead" if direction == "REDUCE" else "Energy bought in the window instead",
            extra,
            "GBP",
            "the cheapest re-planned schedule less the plan's, at forecast prices",
        ),
        line(
            "Carbon of the moved energy",
            carbon,
            "GBP",
            f"{carbon_kg:+.1f} kg CO2e at {problem.carbon_price_gbp_per_tonne:g} GBP/t",
        ),
        line("Opportunity cost", opportunity, "GBP/kWh", f"both, over {energy.normalize():f} kWh, rounded up"),
        line(
            "Price forecast error",
            forecast,
            "GBP/kWh",
            f"{PRICE_ERROR:.0%} of the window's forecast price of {market:f} GBP/kWh",
        ),
        line(
            "Risk of a shortfall",
            risk,
            "GBP/kWh",
            f"a like-day baseline is {BASELINE_ERROR:.0%} off on {movable.normalize():f} kW of jobs, so {short:.1%} of the energy {consequence(pay)}",
        ),
        line("Price", price, "GBP/kWh", "opportunity cost, forecast error and risk added"),
    )
    return Price(price, penalty, lines)


def market_price(problem: Problem, first: int, last: int, direction: Direction) -> Decimal:
    """The window's forecast price, GBP/kWh: what a buyer pays elsewhere for what is not delivered.

    Energy not saved is bought, and costs nothing below zero; energy not taken has to be placed, whichever the price's sign.
    """
    mean = exact(sum(problem.price_gbp_per_mwh[first:last]) / (last - first) / 1000, RATE)
    return max(Decimal(0), mean) if direction == "REDUCE" else abs(mean)


def consequence(pay: Pay) -> str:
    """What a shortfall costs under this pay, in words."""
    words = "goes unpaid" if pay.scale is None else "goes unpaid and the scale lowers the price of the rest"
    return f"{words} and bears the penalty" if pay.penalised else words


def cost(problem: Problem, schedule: dict[str, Shares]) -> tuple[float, float]:
    """(GBP of energy, kg of carbon) of a whole schedule."""
    made = finished(problem, schedule, gap=0.0, solver="price")
    return made.cost_gbp, made.carbon_kg


def exact(value: float, step: Decimal) -> Decimal:
    """A float as Decimal, half-even at `step`; minus nothing is nothing."""
    return Decimal(repr(float(value))).quantize(step, ROUND_HALF_EVEN) + 0


def line(item: str, value: Decimal | str, unit: str, why: str) -> dict[str, str]:
    """One line of the arithmetic."""
    return {"item": item, "value": value if isinstance(value, str) else f"{value:f}", "unit": unit, "why": why}
