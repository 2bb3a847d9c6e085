"""What was sold stays deliverable through every re-plan and every order of calls; where it cannot, that is said in words."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.flexibility.certificate import BOUNDS, certify
from flex_engine.flexibility.standing import keeping, undeliverable
from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Commitment, Problem, remaining
from flex_engine.optimise.solve import Plan, solve
from flex_engine.settle.delivery import Direction
from tests.unit.flex_engine.flexibility.test_envelope import planned
from tests.unit.flex_engine.optimise.queues import job, problem, promise, queues

USABLE = {"OPTIMAL", "FEASIBLE"}
WAYS: tuple[Direction, ...] = ("REDUCE", "INCREASE")


def sold(
    made: Problem, plan: Plan, first: int, last: int, way: Direction, beside: tuple[Commitment, ...]
) -> tuple[Commitment, ...]:
    """Everything the certificate proves of a window, sold; nothing where it proves nothing."""
    found = certify(made, plan, first=first, last=last, direction=way, beside=beside)
    if not found.holds:
        return ()
    bounds = zip(range(first, last), found.site_bound_kw, strict=True)
    return tuple(Commitment(f"{way}{first}", made.time(slot), **{BOUNDS[way]: kw}) for slot, kw in bounds)


@settings(max_examples=10)
@given(queues(most=6), st.data())
def test_two_sales_stay_deliverable_whatever_is_called_and_however_prices_change(made: Problem, data: st.DataObject):
    found = planned(made)
    if found is None:
        return
    made, plan = found
    promised: tuple[Commitment, ...] = ()
    for first in data.draw(st.lists(st.integers(1, 8), min_size=2, max_size=2, unique=True)):
        last = data.draw(st.integers(first + 1, min(10, first + 2)))
        taken = {one.start for one in promised}
        if not taken & {made.time(slot) for slot in range(first, last)}:
            promised += sold(made, plan, first, last, data.draw(st.sampled_from(WAYS)), promised)
    if not promised:
        return
    assert undeliverable(made, plan, promised) is None, "a sale proved beside the other leaves both deliverable"
    for _ in range(2):  # time goes on, prices change, the site is planned anew, and something may be called
        step = data.draw(st.integers(0, 4))
        made = remaining(made, plan.allocations, slot=step)
        prices = data.draw(st.permutations(made.price_gbp_per_mwh))
        called = tuple(one for one in promised if one.start >= made.start and data.draw(st.booleans()))
        made = replace(made, price_gbp_per_mwh=tuple(prices), commitments=(*made.commitments, *called))
        ahead = [one for one in promised if one.start >= made.start]
        kept = keeping(made, solve(made), ahead)
        assert kept.plan.status in USABLE, kept.plan.reasons
        assert kept.broken is None, kept.broken
        assert check(made, kept.plan) == [], "every deadline and everything called"
        assert undeliverable(made, kept.plan, ahead) is None
        plan = kept.plan


def test_a_plan_that_would_lose_what_was_sold_is_held_to_it():
    """The work could run in half hours 0 to 2; sold is that half hour 1 draws nothing. Dear half hour 0 must be used."""
    made = problem([job("a", 0, 3, 2, 10)], [50.0, 10.0, 20.0])
    free = solve(made)
    assert free.load_kw == (0.0, 10.0, 10.0)
    kept = keeping(made, free, [promise(1, 0.0)])
    assert (kept.held, kept.broken) == (True, None)
    assert kept.plan.load_kw == (10.0, 0.0, 10.0)
    later = replace(
        made,
        jobs=(job("a", 0, 4, 2, 10),),
        slots=4,
        price_gbp_per_mwh=(50.0, 10.0, 20.0, 60.0),
        carbon_g_per_kwh=(0.0,) * 4,
    )
    easy = keeping(later, solve(later), [promise(1, 0.0)])
    assert easy.plan.load_kw == (0.0, 10.0, 10.0, 0.0), "it may run as is cheapest: half hours 2 and 3 are left"
    assert not easy.held


def test_what_cannot_be_kept_is_said_in_words():
    made = problem([job("a", 0, 3, 2, 10), job("b", 1, 2, 1, 10)], [50.0, 10.0, 20.0])
    free = solve(made)
    kept = keeping(made, free, [promise(1, 0.0, "SOLD")])
    assert kept.plan is free, "the plan stands: no deadline is given up for a sale"
    assert kept.broken is not None
    assert kept.broken.start == made.time(1)
    assert "order SOLD limits 1 of them" in " ".join(kept.broken.words)
    assert keeping(made, free, []).broken is None


def test_a_certificate_beside_another_promise_leaves_both():
    """10 kW of work can leave either half hour, not both."""
    made = problem([job("a", 0, 3, 2, 10)], [10.0, 10.0, 60.0])
    plan = solve(made)
    assert plan.load_kw == (10.0, 10.0, 0.0)
    alone = certify(made, plan, first=1, last=2)
    assert float(alone.quantity_kw) > 9.9
    beside = certify(made, plan, first=1, last=2, beside=[promise(0, 0.0, "other")])
    assert not beside.holds
    assert certify(made, plan, first=1, last=2, beside=[promise(0, 5.0, "other")]).quantity_kw < 5.1
    counted = certify(made, plan, first=1, last=2, reference_kw=[7.0])
    assert 6.9 < float(counted.quantity_kw) <= 7.0, "measured from 7 kW, the site still goes down to nothing"
