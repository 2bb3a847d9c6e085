"""A turn-up that is proved can be drawn: as much as a linear programme of its own finds, with no deadline missed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from flex_engine.flexibility.certificate import certify
from flex_engine.flexibility.envelope import envelope
from flex_engine.flexibility.offer import MARGIN, NoOfferError, Wanted, draft
from flex_engine.flexibility.price import LEAST_PENALTY, RATE, price_of
from flex_engine.flexibility.reference import Meter, reference_of
from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Commitment, Problem, SiteLimits, remaining
from flex_engine.optimise.solve import Plan, finished, solve
from flex_engine.quantities import wh_from_kw
from flex_engine.settle.delivery import deliver
from flex_engine.settle.like_day import like_day_mean
from flex_engine.simulate import synthetic
from tests.unit.flex_engine.flexibility.test_envelope import planned
from tests.unit.flex_engine.flexibility.test_reference import history
from tests.unit.flex_engine.optimise.queues import HALF, START, job, problem, promise, queues

UP = Wanted(direction="INCREASE")
TOLERANCE_KW = 0.003  # the certificate's watt of rounding, and the solver's


def drawn(slot: int, kw: float, order: str = "order-1") -> Commitment:
    return Commitment(order=order, start=START + slot * HALF, site_min_kw=kw)


def later() -> tuple[Problem, Plan]:
    """Work that waits for cheap half hours 6 to 9 and could run from 2 on, under a limit of 60 kW."""
    jobs = [job("a", 0, 10, 3, 10), job("b", 2, 10, 2, 20), job("c", 0, 10, 2, 5, preemptible=False)]
    made = problem(jobs, [80, 70, 60, 62, 61, 63, 10, 12, 11, 13], limit=60, must_run=4)
    return made, solve(made)


def most_by_hand(made: Problem, plan: Plan, begins: int, last: int) -> float:
    """The most constant kW over the plan in [begins, last): one variable a job and half hour, from the raw problem."""
    soft = [one for one in made.jobs if one.preemptible]
    slots = range(begins, made.slots)
    usable = [
        [max(0.0, (min(one.deadline, made.time(t + 1)) - max(one.arrival, made.time(t))) / HALF) for t in slots]
        for one in soft
    ]
    fixed = np.full(made.slots, made.site.must_run_kw)
    for one in made.jobs:
        for slot, share in plan.allocations[one.id]:
            fixed[slot] += 0.0 if one.preemptible else one.power_kw * share
    count, width = len(soft), len(slots)
    load = np.zeros((width, count * width + 1))
    work, needed = np.zeros((count, count * width + 1)), []
    for index, one in enumerate(soft):
        work[index, index * width : (index + 1) * width] = 1.0
        needed.append(one.duration_s / 1800 - sum(share for at, share in plan.allocations[one.id] if at < begins))
        load[range(width), range(index * width, (index + 1) * width)] = one.power_kw
    inside = last - begins
    raised = np.hstack([-load[:inside, :-1], np.ones((inside, 1))])
    found = linprog(
        c=[0.0] * (count * width) + [-1.0],
        A_ub=np.vstack([load, raised]),
        b_ub=np.concatenate(
            [np.asarray(made.limits_kw())[begins:] - fixed[begins:], (fixed - plan.load_kw)[begins:last]]
        ),
        A_eq=work if count else None,
        b_eq=needed if count else None,
        bounds=[(0.0, share) for row in usable for share in row] + [(0.0, None)],
    )
    assert found.status == 0, found.message
    return float(found.x[-1])


@settings(max_examples=15)
@given(queues(most=6), st.data())
def test_the_certified_turn_up_is_the_most_there_is_and_no_deadline_is_missed(made: Problem, data: st.DataObject):
    found = planned(made)
    if found is None:
        return
    made, plan = found
    first = data.draw(st.integers(0, 8))
    last = data.draw(st.integers(first + 1, min(10, first + 4)))
    certificate = certify(made, plan, first=first, last=last, direction="INCREASE")
    most = min(most_by_hand(made, plan, begins, last) for begins in range(first, last))
    quantity = float(certificate.quantity_kw)
    assert quantity <= most + TOLERANCE_KW
    assert quantity >= most - TOLERANCE_KW, "and nothing that could be sold is held back"
    assert certificate.holds == (quantity > 0)
    if not certificate.holds:
        return
    called = data.draw(st.sets(st.integers(first, last - 1), min_size=1))
    dispatch = tuple(
        drawn(slot, plan.load_kw[slot] + quantity * data.draw(st.sampled_from([1.0, 0.5, 0.01])))
        for slot in sorted(called)
    )
    begins = min(called)
    bound = replace(made, commitments=(*made.commitments, *dispatch))
    witness = finished(made, certificate.schedules[begins - first], gap=0.0, solver="witness")
    assert check(bound, witness) == [], "the stored schedule meets any part of it, every deadline kept"
    assert witness.load_kw[:begins] == pytest.approx(plan.load_kw[:begins], abs=1e-6), "and it is the plan until then"
    replanned = solve(remaining(bound, plan.allocations, slot=begins))
    assert replanned.status in {"OPTIMAL", "FEASIBLE"}, "and the planner finds one too"
    assert replanned.unplanned == ()


@settings(max_examples=8)
@given(queues(rigid=False), st.data())
def test_a_kilowatt_more_than_is_proved_cannot_be_drawn(made: Problem, data: st.DataObject):
    found = planned(made)
    if found is None:
        return
    made, plan = found
    first = data.draw(st.integers(0, 8))
    last = data.draw(st.integers(first + 1, 10))
    reached = certify(made, plan, first=first, last=last, direction="INCREASE").limits_by_start
    begins = first + reached.index(min(reached))
    over = tuple(drawn(slot, plan.load_kw[slot] + min(reached) + 1.0) for slot in range(begins, last))
    more = replace(made, commitments=(*made.commitments, *over))
    refused = solve(remaining(more, plan.allocations, slot=begins))
    assert refused.status == "INFEASIBLE"
    assert any("order-1" in reason for reason in refused.reasons), refused.reasons


def test_the_proof_in_words_and_figures():
    made, plan = later()
    certificate = certify(made, plan, first=3, last=5, direction="INCREASE")
    assert certificate.holds
    assert certificate.quantity_kw == Decimal("29.999"), "both interruptible jobs at full power, less a watt"
    for kw, least in zip(certificate.declared_kw, certificate.site_bound_kw, strict=True):
        assert least == pytest.approx(kw + float(certificate.quantity_kw))
    facts = json.loads(json.dumps(certificate.to_dict()))
    assert facts["direction"] == "INCREASE"
    assert facts["site_min_kw"] == [33.999, 33.999]
    assert "site_max_kw" not in facts
    assert "29.999 kW more than planned" in certificate.reasons[0]
    full = certify(made, plan, first=2, last=10, direction="INCREASE")
    assert full.reasons == ("nothing can be turned up in every half hour of the window with every deadline kept",)


def test_a_limit_and_another_turn_up_are_kept():
    made, plan = later()
    tight = replace(made, site=SiteLimits(import_limit_kw=max(plan.load_kw), must_run_kw=4))
    assert certify(tight, plan, first=2, last=4, direction="INCREASE").quantity_kw <= Decimal(repr(max(plan.load_kw)))
    owed = replace(made, commitments=(drawn(8, 34.0, "OWED"),))
    again = solve(owed)
    assert again.load_kw[8] >= 34.0 - 1e-3
    kept = certify(owed, again, first=2, last=5, direction="INCREASE")
    assert all(check(owed, finished(owed, one, gap=0.0, solver="t")) == [] for one in kept.schedules)
    assert kept.quantity_kw < certify(made, solve(made), first=2, last=5, direction="INCREASE").quantity_kw


@settings(max_examples=8)
@given(queues(rigid=False), st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.3, 1.0]))
def test_the_envelope_leaves_what_a_turn_up_promised(made: Problem, slot: int, held: int, share: float):
    """With part of a half hour's load promised, what may be turned down and up is a bound the certificate confirms."""
    found = planned(made)
    if found is None:
        return
    made, plan = found
    bound = replace(made, commitments=(drawn(held, 5.0 + (plan.load_kw[held] - 5.0) * share),))
    room = envelope(bound, plan)
    down = certify(bound, plan, first=slot, last=slot + 1).limits_by_start
    up = certify(bound, plan, first=slot, last=slot + 1, direction="INCREASE").limits_by_start
    assert room.down_kw[slot] <= down[0] + TOLERANCE_KW
    assert room.up_kw[slot] <= up[0] + TOLERANCE_KW
    if slot == held and share == 1.0:
        assert room.down_kw[slot] == pytest.approx(0.0, abs=1e-6)


def test_without_work_nothing_can_be_turned_up_and_a_promise_to_is_impossible():
    empty = problem([], [10.0] * 4, must_run=5)
    plan = solve(empty)
    assert certify(empty, plan, first=1, last=2, direction="INCREASE").quantity_kw == 0
    owed = solve(replace(empty, commitments=(drawn(1, 9.0, "B2"),)))
    assert owed.status == "INFEASIBLE"
    said = " ".join(owed.reasons)
    assert "There is not enough work" in said
    assert "order B2" in said


def test_reasons_say_how_much_less_would_do():
    made = problem([job("a", 1, 2, 0.5, 10), job("b", 2, 3, 0.5, 10)], [1.0] * 4, limit=50)
    refused = solve(replace(made, commitments=(drawn(1, 8.0, "X"), drawn(2, 8.0, "X"))))
    assert refused.status == "INFEASIBLE"
    assert refused.reasons == (
        "There is not enough work that could run when the site must draw more.",
        "With up to 3.0 kW less promised in 2 half hours (most at 2026-03-02T00:30Z) everything fits; order X asks for 2 of them.",
    )
    above = solve(replace(made, commitments=(drawn(1, 80.0, "X"), promise(1, 60.0, "Y"))))
    assert above.reasons == (
        "The 80 kW that the site must draw at 2026-03-02T00:30Z (order X) are above its limit of 50 kW; raise that limit.",
    )


def test_many_uninterrupted_jobs_are_placed_where_a_turn_up_needs_them():
    """Above the number chosen exactly, jobs are placed one by one at prices that count the floor."""
    jobs = [job(f"j{i}", 0, 12, 1, 1.0, preemptible=False) for i in range(220)]
    made = problem(jobs, [50.0, 10.0] * 6, limit=120, commitments=(drawn(4, 90.0), drawn(6, 60.0)))
    plan = solve(made)
    assert plan.status in {"OPTIMAL", "FEASIBLE"}, plan.reasons
    assert plan.load_kw[4] >= 90 - 1e-3
    assert plan.load_kw[6] >= 60 - 1e-3


def test_the_checker_sees_a_broken_promise():
    made, plan = later()
    faults = check(replace(made, commitments=(drawn(3, plan.load_kw[3] + 1, "Q"),)), plan)
    assert faults == [f"half hour 3 draws {plan.load_kw[3]:.3f} kW; order Q asks for {plan.load_kw[3] + 1:.3f} kW"]
    with pytest.raises(ValueError, match=r"order Q at .* sets site_max_kw nan"):
        Commitment("Q", START, float("nan"))


def test_it_is_measured_from_the_higher_of_plan_and_baseline():
    made, plan = later()
    calm = dict.fromkeys(history(1.0), 12000)
    found = reference_of(made, plan, Meter(calm, method="zero-v1"), first=3, last=5, direction="INCREASE")
    assert (found.kw, found.unpaid_kw) == ((Decimal("4.000"),) * 2, Decimal(0)), "the plan lies above nothing"
    before = Meter(calm, method="like-day-mean-unadjusted-v1")
    found = reference_of(made, plan, before, first=3, last=5, direction="INCREASE")
    assert (found.kw, found.unpaid_kw) == ((Decimal(24),) * 2, Decimal("20.000"))
    high = Meter(dict.fromkeys(calm, 90000), method="like-day-mean-unadjusted-v1")
    found = reference_of(made, plan, high, first=3, last=5, direction="INCREASE")
    assert found.kw == (Decimal("60.000"),) * 2, "a baseline above the connection is cut to it, as settlement does"


def test_load_below_the_baseline_is_raised_unpaid():
    made, plan = later()
    asked = {"start": made.time(3), "end": made.time(5), "earliest": START, "wanted": UP}
    whole = draft(made, plan, **asked)
    assert whole.quantity_kw == 26, "29.999 kW proved, a tenth kept back"
    metered = draft(made, plan, **asked, meter=Meter(history(14.0), method="like-day-mean-unadjusted-v1"))
    assert metered.quantity_kw == 16
    below = next(line for line in metered.arithmetic if line["item"] == "Planned below the baseline")
    assert below["value"] == "10.000"
    assert metered.arithmetic[0]["item"] == "Turn-up proved"
    with pytest.raises(NoOfferError, match=r"can be turned up .* draws 30 kW less than its baseline"):
        draft(made, plan, **asked, meter=Meter(history(34.0), method="like-day-mean-unadjusted-v1"))
    with pytest.raises(NoOfferError, match=r"can be turned up with every deadline kept: no later work"):
        draft(made, plan, start=None, end=None, earliest=made.time(9), wanted=UP)


def test_the_price_is_what_running_earlier_costs():
    """10 kW for half an hour bought at 60 instead of 10 GBP/MWh: 0.25 GBP over 5 kWh."""
    made = problem([job("a", 0, 4, 1, 10)], [60.0, 60.0, 60.0, 10.0])
    price = price_of(made, solve(made), first=1, last=2, quantity_kw=Decimal(10), direction="INCREASE")
    amounts = {line["item"]: line["value"] for line in price.arithmetic}
    assert amounts["Energy bought in the window instead"] == "0.25"
    assert amounts["Opportunity cost"] == "0.0500"
    assert amounts["Price forecast error"] == "0.0240", "40 % of 0.06"
    assert price.penalty_gbp_per_kwh == Decimal("0.0600")
    rates = [Decimal(line["value"]) for line in price.arithmetic if line["unit"] == "GBP/kWh"]
    assert sum(rates[:-1]) == rates[-1] == price.utilisation_gbp_per_kwh == price.utilisation_gbp_per_kwh.quantize(RATE)
    below = replace(made, price_gbp_per_mwh=(60.0, -40.0, -40.0, -50.0))
    sunk = price_of(below, solve(below), first=1, last=2, quantity_kw=Decimal(10), direction="INCREASE")
    assert sunk.penalty_gbp_per_kwh == Decimal("0.0400") > LEAST_PENALTY


def test_a_turn_up_measured_from_its_reference_is_credited_in_full():
    """Plan, sell the best hour, dispatch, re-plan, meter and settle: the baseline credits what was sold."""
    seed = 3
    signals = synthetic.signals(START, 144, seed)
    jobs = [one for one in synthetic.jobs(START, 2, 80, seed) if one.deadline <= START + timedelta(days=3)]
    made = Problem(
        jobs=tuple(jobs), site=SiteLimits(import_limit_kw=1500, must_run_kw=300), start=START, slots=144,
        price_gbp_per_mwh=signals["price"].values, carbon_g_per_kwh=signals["carbon_intensity"].values,
    )  # fmt: skip
    plan = solve(made)
    week = {(START + i * HALF).time(): plan.load_kw[i % 48 + 48] for i in range(48)}
    meter = {moment: wh_from_kw(Decimal(repr(week[moment.time()]))) for moment in history(1.0)}
    offer = draft(made, plan, start=None, end=None, earliest=START + 9 * HALF, meter=Meter(meter), wanted=UP)
    first, last = made.slot_of(offer.start), made.slot_of(offer.end)
    floors = tuple(
        Commitment("o", made.time(slot), site_min_kw=float(reference + offer.quantity_kw))
        for slot, reference in zip(range(first, last), offer.reference_kw, strict=True)
    )
    again = solve(remaining(replace(made, commitments=floors), plan.allocations, slot=first))
    assert again.status in {"OPTIMAL", "FEASIBLE"}, again.reasons
    assert again.unplanned == ()
    assert floors[0].site_min_kw <= plan.load_kw[first] + float(offer.certificate.quantity_kw * (1 - MARGIN)) + 0.01
    metered = meter | {
        made.time(slot): wh_from_kw(Decimal(repr(kw)))
        for slot, kw in enumerate([*plan.load_kw[:first], *again.load_kw])
    }
    starts = [made.time(slot) for slot in range(first, last)]
    lines = deliver(
        instructed_wh=dict.fromkeys(starts, wh_from_kw(offer.quantity_kw)),
        baseline_wh=like_day_mean(readings=metered, periods=starts).periods,
        metered_wh={start: metered[start] for start in starts},
        direction="INCREASE",
    )
    assert all(line.shortfall_wh <= 2 for line in lines), "at most the rounding of a Wh"
