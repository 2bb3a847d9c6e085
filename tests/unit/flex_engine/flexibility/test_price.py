"""The price adds up, line by line, from a re-solve anybody can repeat."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.flexibility.certificate import certify
from flex_engine.flexibility.price import LEAST_PENALTY, RATE, Pay, price_of
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import solve
from flex_engine.settle.performance import performance_table
from tests.unit.flex_engine.flexibility.test_envelope import planned
from tests.unit.flex_engine.optimise.queues import job, problem, queues


def amounts(lines: tuple[dict[str, str], ...]) -> dict[str, Decimal]:
    return {line["item"]: Decimal(line["value"]) for line in lines}


def test_moving_work_to_a_dearer_half_hour_costs_the_difference():
    made = problem([job("a", 0, 3, 1, 100)], [50, 150, 250], carbon=[100, 300, 300], carbon_price=100.0)
    price = price_of(made, solve(made), first=0, last=1, quantity_kw=Decimal(40))
    lines = amounts(price.arithmetic)
    assert lines["Energy bought later instead"] == Decimal("2.00"), "20 kWh at 100 GBP/MWh more"
    assert lines["Carbon of the moved energy"] == Decimal("0.40"), "20 kWh at 200 g more, at 100 GBP/t"
    assert lines["Opportunity cost"] == Decimal("0.1200")
    assert lines["Price forecast error"] == Decimal("0.0200"), "40 % of 0.05 GBP/kWh"
    # 20 % of 100 kW off, 0.3989 of it on the wrong side, over 40 kW
    short = (Decimal("0.20") * Decimal("0.3989") * 100 / 40).quantize(RATE, ROUND_CEILING)
    risk = ((Decimal("0.1400") + Decimal("0.05") * short) / (1 - short) - Decimal("0.1400")).quantize(
        RATE, ROUND_CEILING
    )
    assert lines["Risk of a shortfall"] == risk
    assert price.utilisation_gbp_per_kwh == Decimal("0.1400") + risk
    assert price.penalty_gbp_per_kwh == Decimal("0.0500")


def test_a_scale_that_takes_more_of_the_price_raises_it_and_no_penalty_lowers_it():
    made = problem([job("a", 0, 3, 1, 100)], [50, 150, 250])
    asked = {"first": 0, "last": 1, "quantity_kw": Decimal(80)}
    table = performance_table("SSEN_TRANSITION_UTILISATION", day=date(2026, 1, 15))
    plain, unpenalised, scaled = (
        price_of(made, solve(made), **asked, pay=pay)
        for pay in (Pay(), Pay(penalised=False), Pay(table.scale, penalised=False))
    )
    assert unpenalised.penalty_gbp_per_kwh == 0
    assert unpenalised.utilisation_gbp_per_kwh < plain.utilisation_gbp_per_kwh
    # 20 % of 100 kW off, 0.3989 of it on the wrong side, over 80 kW: 9.98 % short, so 90.02 % at a scale of 80.04 %.
    before = amounts(scaled.arithmetic)["Opportunity cost"] + amounts(scaled.arithmetic)["Price forecast error"]
    paid = Decimal("0.9002") * Decimal("0.8004")
    assert abs(scaled.utilisation_gbp_per_kwh - before / paid) < Decimal("0.0002")
    assert "the scale lowers the price" in scaled.arithmetic[-2]["why"]


@settings(max_examples=30)
@given(queues(most=6), st.data())
def test_the_lines_add_up_and_cover_the_cost(made: Problem, data: st.DataObject):
    found = planned(made)
    if found is None:
        return
    made, plan = found
    first = data.draw(st.integers(0, 8))
    last = data.draw(st.integers(first + 1, 10))
    certificate = certify(made, plan, first=first, last=last)
    quantity = certificate.quantity_kw
    if not certificate.holds or quantity < 1:
        return
    price = price_of(made, plan, first=first, last=last, quantity_kw=quantity)
    lines = amounts(price.arithmetic)
    rates = [Decimal(line["value"]) for line in price.arithmetic if line["unit"] == "GBP/kWh"]
    assert sum(rates[:-1]) == rates[-1] == price.utilisation_gbp_per_kwh
    assert all(rate >= 0 and rate == rate.quantize(RATE) for rate in rates)
    assert price.penalty_gbp_per_kwh >= LEAST_PENALTY
    energy = quantity * (last - first) / 2
    spent = lines["Energy bought later instead"] + lines["Carbon of the moved energy"]
    assert spent >= Decimal("-0.02"), "a turn-down never makes the rest cheaper (two figures rounded to pennies)"
    assert lines["Opportunity cost"] * energy >= spent


def test_a_free_turn_down_still_has_a_price_for_its_risk():
    made = problem([job("a", 0, 4, 1, 100)], [50.0] * 4)
    plan = solve(made)
    slot = plan.allocations["a"][0][0]
    if slot == 3:
        pytest.fail("equal prices must leave room after the first half hours for this test")
    price = price_of(made, plan, first=slot, last=slot + 1, quantity_kw=Decimal(50))
    assert amounts(price.arithmetic)["Opportunity cost"] == 0
    assert price.utilisation_gbp_per_kwh > 0
