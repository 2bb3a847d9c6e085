"""Draft a turn-down or turn-up offer from a plan: the window, the power that is proved, and a price whose arithmetic is shown.

The quantity is what the certificate proves less a margin for what no schedule can prove (power estimates, late arrivals).
The price is what moving the load costs the site by re-solving its plan, plus the risk of being paid for less than was asked.
It knows no market, order or meter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from flex_engine.flexibility.certificate import MOVED, Certificate, certify
from flex_engine.flexibility.envelope import envelope
from flex_engine.flexibility.price import PLAIN, Pay, Price, line, price_of
from flex_engine.flexibility.reference import Meter, Reference, reference_of
from flex_engine.optimise.checker import Checkable
from flex_engine.optimise.problem import Commitment, Problem
from flex_engine.settle.delivery import Direction
from flex_engine.timegrid import HALF_HOUR, floor_half_hour

MARGIN = Decimal("0.10")  # kept back: single jobs' power is 12 to 22 % off, a site's sum of dozens of jobs a few %
LENGTH_SLOTS = 2  # of a window nobody named
CANDIDATES = 3  # windows certified before the best is chosen
WITHIN_SLOTS = 96  # a window nobody named starts within two days: forecasts further out say little
LEAST_KW = Decimal(1)


class NoOfferError(ValueError):
    """Nothing can be offered; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a buyer asks of an offer: the least kW, windows the product is bought in, how it is paid, down or up.

    `beside` is what the site has promised to others and must stay able to deliver.
    """

    least_kw: Decimal = LEAST_KW
    within: Callable[[datetime, datetime], bool] | None = None
    pay: Pay = PLAIN
    direction: Direction = "REDUCE"
    beside: tuple[Commitment, ...] = ()

    @property
    def moved(self) -> str:
        """`turned down` or `turned up`."""
        return MOVED[self.direction]

    def fits(self, start: datetime, end: datetime) -> bool:
        """Whether [start, end) is bought at all."""
        return self.within is None or self.within(start, end)


ANY = Wanted()


@dataclass(frozen=True, slots=True)
class OfferDraft:
    """A turn-down or turn-up of `quantity_kw` in every half hour of [start, end), ready to be stored. Prices are GBP per kWh.

    `reference_kw` is what it is measured from in each half hour: drawing at most reference less what is called, or at least
    reference and what is called, is what the certificate proves. `arithmetic` lines are {item, value, unit, why}; those in GBP/kWh before the last add up
    to the last, the price.
    """

    start: datetime
    end: datetime
    quantity_kw: Decimal
    reference_kw: tuple[Decimal, ...]
    utilisation_price_gbp_per_kwh: Decimal
    shortfall_penalty_gbp_per_kwh: Decimal
    arithmetic: tuple[dict[str, str], ...]
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Window:
    """A proved window, what it is measured from, and the whole kW left to sell."""

    certificate: Certificate
    reference: Reference

    @property
    def quantity_kw(self) -> Decimal:
        """What is proved less the margin, less what lies between plan and reference and earns nothing."""
        kept = self.certificate.quantity_kw * (1 - MARGIN) - self.reference.unpaid_kw
        return max(Decimal(0), kept).quantize(Decimal(1), ROUND_FLOOR)


def draft(
    problem: Problem,
    plan: Checkable,
    *,
    start: datetime | None,
    end: datetime | None,
    earliest: datetime,
    meter: Meter | None = None,
    wanted: Wanted = ANY,
) -> OfferDraft:
    """An offer for [start, end), or for the best hour that starts within two days of `earliest` when none is named.

    The best window is the one whose energy on sale is worth most at the plan's own price forecast, among the three that
    look best half hour by half hour. With `meter`, load above the expected baseline is not sold to be turned down, nor load
    under it to be turned up; `wanted` is what the product and its buyer ask. Raises NoOfferError in words when nothing can be offered.
    """
    problem = replace(problem, jobs=tuple(job for job in problem.jobs if job.id in plan.allocations))
    if start is None or end is None:
        window = best_window(problem, plan, meter, start=start, earliest=earliest, wanted=wanted)
    else:
        first, last = slots_of(problem, start, end, earliest)
        window = window_of(problem, plan, meter, first=first, last=last, wanted=wanted)
    certificate = window.certificate
    if not certificate.holds:
        raise NoOfferError(f"Nothing can be offered in this window: {'; '.join(certificate.reasons)}.")
    if window.quantity_kw < wanted.least_kw:
        unpaid, side = window.reference.unpaid_kw, "more" if wanted.direction == "REDUCE" else "less"
        apart = f", and the plan draws {unpaid.normalize():f} kW {side} than its baseline there" if unpaid else ""
        raise NoOfferError(
            f"Only {certificate.quantity_kw.normalize():f} kW can be {wanted.moved} from "
            f"{problem.time(certificate.first):%Y-%m-%dT%H:%M}Z with every deadline kept{apart}; "
            f"an offer needs {wanted.least_kw:f} kW after a margin of {MARGIN:.0%}."
        )
    price = price_of(
        problem,
        plan,
        first=certificate.first,
        last=certificate.last,
        quantity_kw=window.quantity_kw,
        extra_kw=window.reference.unpaid_kw,
        pay=wanted.pay,
        direction=wanted.direction,
    )
    return assemble(problem, window, price)


def window_of(
    problem: Problem, plan: Checkable, meter: Meter | None, *, first: int, last: int, wanted: Wanted
) -> Window:
    """Half hours [first, last), certified and referenced."""
    way = wanted.direction
    return Window(
        certify(problem, plan, first=first, last=last, direction=way, beside=wanted.beside),
        reference_of(problem, plan, meter, first=first, last=last, direction=way),
    )


def assemble(problem: Problem, window: Window, price: Price) -> OfferDraft:
    """The draft, with its quantity's arithmetic before its price's."""
    certificate, reference, quantity = window.certificate, window.reference, window.quantity_kw
    down = certificate.direction == "REDUCE"
    side = "above" if down else "below"
    hours = Decimal(certificate.last - certificate.first) / 2
    if reference.expected_kw is None:
        baseline = line("Baseline", "unknown", "kW", f"{reference.why}; the plan's load is the reference")
    else:
        shown = ", ".join(f"{kw:.1f}" for kw in reference.expected_kw)
        baseline = line(
            f"Planned {side} the baseline",
            reference.unpaid_kw,
            "kW",
            f"expected baseline {shown} kW, from {reference.why}",
        )
    lines = (
        line(
            "Turn-down proved" if down else "Turn-up proved",
            certificate.quantity_kw,
            "kW",
            "in every half hour of the window, every deadline kept",
        ),
        baseline,
        line(
            "Power offered",
            quantity,
            "kW",
            f"proved, less {MARGIN:.0%} kept back for power estimates and late arrivals, less what is planned {side} the baseline",
        ),
        line("Energy if all of it is dispatched", quantity * hours, "kWh", f"for {hours.normalize():f} hours"),
    )
    return OfferDraft(
        start=problem.time(certificate.first),
        end=problem.time(certificate.last),
        quantity_kw=quantity,
        reference_kw=reference.kw,
        utilisation_price_gbp_per_kwh=price.utilisation_gbp_per_kwh,
        shortfall_penalty_gbp_per_kwh=price.penalty_gbp_per_kwh,
        arithmetic=(*lines, *price.arithmetic),
        certificate=replace(certificate, margin=MARGIN, reference_kw=reference.kw),
    )


def slots_of(problem: Problem, start: datetime, end: datetime, earliest: datetime) -> tuple[int, int]:
    """Half hours of a named window. Raises NoOfferError when it is off the grid, too early or outside the plan."""
    for name, bound in (("start", start), ("end", end)):
        if floor_half_hour(bound) != bound:
            raise NoOfferError(
                f"The {name} {bound.isoformat()} is not on the half hour; write a time like 17:00 or 17:30."
            )
    first, last = problem.slot_of(start), problem.slot_of(end)
    if first >= last:
        raise NoOfferError(f"The window ends at {end:%Y-%m-%dT%H:%M}Z, which is not after its start.")
    if start < earliest:
        raise NoOfferError(f"The window must start at {earliest:%Y-%m-%dT%H:%M}Z or later.")
    if first < 0 or last > problem.slots:
        raise NoOfferError(
            f"The plan covers {problem.start:%Y-%m-%dT%H:%M}Z to {problem.time(problem.slots):%Y-%m-%dT%H:%M}Z; the window does not lie within."
        )
    return first, last


def best_window(
    problem: Problem,
    plan: Checkable,
    meter: Meter | None,
    *,
    start: datetime | None,
    earliest: datetime,
    wanted: Wanted = ANY,
) -> Window:
    """The window worth most among the most promising ones. Raises NoOfferError when no half hour has any room."""
    around = envelope(problem, plan)
    room = around.down_kw if wanted.direction == "REDUCE" else around.up_kw
    worth = worth_of(problem, wanted.direction)
    if start is None:
        begin = problem.slot_of(max(earliest, problem.start))
        firsts = range(begin, min(begin + WITHIN_SLOTS, problem.slots - LENGTH_SLOTS + 1))
    else:
        first, _ = slots_of(problem, start, start + LENGTH_SLOTS * HALF_HOUR, earliest)
        firsts = range(first, first + 1)
    promise: dict[int, float] = {}
    for first in firsts:
        if not wanted.fits(problem.time(first), problem.time(first + LENGTH_SLOTS)):
            continue
        least = min(room[first : first + LENGTH_SLOTS])
        if least > 0:
            last = first + LENGTH_SLOTS
            apart = reference_of(problem, plan, meter, first=first, last=last, direction=wanted.direction)
            promise[first] = (least - float(apart.unpaid_kw)) * mean(worth, first)
    chosen = spread(sorted(promise, key=lambda first: (-promise[first], first)), promise)
    found = [window_of(problem, plan, meter, first=first, last=first + LENGTH_SLOTS, wanted=wanted) for first in chosen]
    proved = [one for one in found if one.certificate.holds and one.quantity_kw >= wanted.least_kw]
    if not proved:
        raise NoOfferError(nothing_found(found, wanted))
    return max(
        proved, key=lambda one: (float(one.quantity_kw) * mean(worth, one.certificate.first), -one.certificate.first)
    )


def worth_of(problem: Problem, direction: Direction) -> list[float]:
    """What a MWh moved in each half hour is worth to rank windows by, GBP: its price, or how far it lies under the dearest.

    Where every half hour costs the same a turn-up is worth 1, so that power alone ranks.
    """
    prices = problem.price_gbp_per_mwh
    if direction == "REDUCE":
        return [max(0.0, price) for price in prices]
    return [1.0 + max(prices) - price for price in prices]


def nothing_found(found: Sequence[Window], wanted: Wanted = ANY) -> str:
    """Why no window can be offered."""
    down = wanted.direction == "REDUCE"
    if not found:
        bought = " that the product is bought in" if wanted.within else ""
        why = (
            "nothing runs then that could wait, or only load above the meter baseline, which nobody pays for"
            if down
            else "no later work could run then under the site's limits, or only load below the meter baseline, which nobody "
            "pays for"
        )
        return f"No hour within two days of the gate{bought} can be {wanted.moved} with every deadline kept: {why}."
    most = max(one.certificate.quantity_kw for one in found)
    return (
        f"The most promising hours allow {most.normalize():f} kW with every deadline kept; an offer needs "
        f"{wanted.least_kw:f} kW after a margin of {MARGIN:.0%} and what is planned {'above' if down else 'below'} the baseline."
    )


def mean(values: Sequence[float], first: int) -> float:
    """Mean over a window of LENGTH_SLOTS."""
    return sum(values[first : first + LENGTH_SLOTS]) / LENGTH_SLOTS


def spread(ranked: Sequence[int], promise: dict[int, float]) -> list[int]:
    """The best CANDIDATES starts that promise anything and whose windows do not overlap."""
    chosen: list[int] = []
    for first in ranked:
        if len(chosen) == CANDIDATES or promise[first] <= 0:
            break
        if all(abs(first - other) >= LENGTH_SLOTS for other in chosen):
            chosen.append(first)
    return chosen
