"""A turn-down is measured from the plan or the meter baseline, whichever is lower: no load is sold that nobody credits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from flex_engine.flexibility.certificate import certify
from flex_engine.flexibility.offer import MARGIN, NoOfferError, draft
from flex_engine.flexibility.reference import Meter, reference_of
from flex_engine.optimise.problem import Commitment, Problem, SiteLimits, remaining
from flex_engine.optimise.solve import Plan, solve
from flex_engine.quantities import wh_from_kw
from flex_engine.settle.declared import Nomination
from flex_engine.settle.delivery import deliver
from flex_engine.settle.like_day import like_day_mean
from flex_engine.simulate import synthetic
from flex_engine.timegrid import half_hours
from tests.unit.flex_engine.optimise.queues import HALF, START, job, problem

FIRST, LAST = 16, 18


def busy(*, kw: float = 200.0) -> tuple[Problem, Plan]:
    """Six quiet hours, then two cheap hours of work that could also run later."""
    jobs = [job("w", 16, 40, 4, kw), *(job(f"f{i}", i, i + 1, 1, 50.0) for i in range(16))]
    made = problem(jobs, [90.0] * 16 + [10.0] * 4 + [60.0] * 20, must_run=100, limit=1000)
    return made, solve(made)


def history(load_kw: float, *, days: int = 62) -> dict:
    return dict.fromkeys(half_hours(START - timedelta(days=days), START), round(load_kw * 500))


def test_without_readings_the_plan_is_the_reference_and_it_says_so():
    made, plan = busy()
    found = reference_of(made, plan, None, first=FIRST, last=LAST)
    assert (found.kw, found.expected_kw, found.unpaid_kw) == ((Decimal("300.000"),) * 2, None, Decimal(0))
    assert found.why == "no meter readings were given"
    short = reference_of(made, plan, Meter(history(150, days=5)), first=FIRST, last=LAST)
    assert short.expected_kw is None
    assert "needs 10 working days" in short.why


def test_the_in_day_adjustment_uses_the_plan_for_readings_not_taken_yet():
    made, plan = busy()
    found = reference_of(made, plan, Meter(history(150)), first=FIRST, last=LAST)
    assert found.expected_kw == (Decimal(150), Decimal(150)), "the plan draws 150 kW in the hours before, as always"
    assert (found.kw, found.unpaid_kw) == ((Decimal(150), Decimal(150)), Decimal("150.000"))
    lower = reference_of(made, plan, Meter(history(400)), first=FIRST, last=LAST)
    assert lower.expected_kw == (Decimal(150), Decimal(150)), "400 kW on other days, 250 kW less today"


def test_readings_taken_already_count_before_the_plan():
    made, plan = busy()
    today = {made.time(slot): 60_000 for slot in range(8, 14)}
    found = reference_of(made, plan, Meter(history(150) | today), first=FIRST, last=LAST)
    assert found.expected_kw == (Decimal(120), Decimal(120)), "metered 30 kW under the plan in the adjustment window"


def test_a_plan_below_its_baseline_is_its_own_reference():
    made, plan = busy()
    before = history(150)
    same_hours = {moment: 400_000 for moment in before if 8 <= moment.hour < 10}
    found = reference_of(made, plan, Meter(before | same_hours), first=FIRST, last=LAST)
    assert found.expected_kw == (Decimal(800), Decimal(800))
    assert (found.kw, found.unpaid_kw) == ((Decimal("300.000"),) * 2, Decimal(0))


def test_load_above_the_baseline_is_not_sold():
    made, plan = busy()
    whole = draft(made, plan, start=made.time(FIRST), end=made.time(LAST), earliest=START)
    assert whole.quantity_kw == 179, "199.999 kW proved, a tenth kept back"
    metered = draft(made, plan, start=made.time(FIRST), end=made.time(LAST), earliest=START, meter=Meter(history(150)))
    assert metered.quantity_kw == 29
    assert metered.reference_kw == (Decimal(150), Decimal(150))
    assert metered.certificate.to_dict()["reference_kw"] == ["150", "150"]
    above = next(line for line in metered.arithmetic if line["item"] == "Planned above the baseline")
    assert above["value"] == "150.000"
    low = history(150) | {made.time(slot): 60_000 for slot in range(8, 14)}
    with pytest.raises(NoOfferError, match=r"draws 180 kW more than its baseline"):
        draft(made, plan, start=made.time(FIRST), end=made.time(LAST), earliest=START, meter=Meter(low))


@pytest.mark.parametrize("seed", range(1, 5))
def test_an_offer_measured_from_its_reference_is_credited_in_full(seed: int):
    """Plan, sell, dispatch, re-plan, meter and settle: with the plan followed exactly the baseline credits what was sold."""
    signals = synthetic.signals(START, 144, seed)
    jobs = [one for one in synthetic.jobs(START, 2, 80, seed) if one.deadline <= START + timedelta(days=3)]
    made = Problem(
        jobs=tuple(jobs), site=SiteLimits(import_limit_kw=1500, must_run_kw=300), start=START, slots=144,
        price_gbp_per_mwh=signals["price"].values, carbon_g_per_kwh=signals["carbon_intensity"].values,
    )  # fmt: skip
    plan = solve(made)
    week = {(START + i * HALF).time(): plan.load_kw[i % 48 + 48] for i in range(48)}
    meter = {moment: wh_from_kw(Decimal(repr(week[moment.time()]))) for moment in history(1.0)}
    offer = draft(made, plan, start=None, end=None, earliest=START + 9 * HALF, meter=Meter(meter))
    first, last = made.slot_of(offer.start), made.slot_of(offer.end)
    limits = tuple(
        Commitment("o", made.time(slot), float(reference - offer.quantity_kw))
        for slot, reference in zip(range(first, last), offer.reference_kw, strict=True)
    )
    again = solve(remaining(replace(made, commitments=limits), plan.allocations, slot=first))
    assert again.status in {"OPTIMAL", "FEASIBLE"}
    assert again.unplanned == ()
    assert limits[0].site_max_kw >= plan.load_kw[first] - float(offer.certificate.quantity_kw * (1 - MARGIN)) - 0.01
    drawn = [*plan.load_kw[:first], *again.load_kw]
    metered = meter | {made.time(slot): wh_from_kw(Decimal(repr(drawn[slot]))) for slot in range(last)}
    starts = [made.time(slot) for slot in range(first, last)]
    lines = deliver(
        instructed_wh=dict.fromkeys(starts, wh_from_kw(offer.quantity_kw)),
        baseline_wh=like_day_mean(readings=metered, periods=starts).periods,
        metered_wh={start: metered[start] for start in starts},
        direction="REDUCE",
    )
    assert all(line.shortfall_wh <= 2 for line in lines), "at most the rounding of a Wh"


def test_the_proof_covers_the_reference():
    made, plan = busy()
    offer = draft(made, plan, start=made.time(FIRST), end=made.time(LAST), earliest=START, meter=Meter(history(160)))
    proved = certify(made, plan, first=FIRST, last=LAST)
    for reference, least in zip(offer.reference_kw, proved.site_bound_kw, strict=True):
        assert float(reference - offer.quantity_kw) >= least


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("like-day-mean-unadjusted-v1", [150, 150]),
        ("before-after-v1", ["206.25", "243.75"]),  # 3/8 and 5/8 of the way from 150 kW before to 300 kW after
        ("meter-before-meter-after-v1", [150, 150]),
        ("zero-v1", [0, 0]),
        ("nominated-v1", [180, 190]),
    ],
)
def test_the_reference_is_the_baseline_the_offer_will_be_settled_by(method, expected):
    """The plan draws 150 kW in the hour before and 300 kW in the hour after, all that the near-event methods look at."""
    made, plan = busy()
    periods = {made.time(slot): wh for slot, wh in ((FIRST, 90_000), (FIRST + 1, 95_000))}
    nominated = Nomination(periods, START - timedelta(days=1, hours=1))
    found = reference_of(made, plan, Meter(history(150), method=method, nomination=nominated), first=FIRST, last=LAST)
    assert found.expected_kw == tuple(map(Decimal, expected)), found.why
    assert ("like days" in found.why) == method.startswith("like-day")
