"""What must follow for the optimum when a problem is changed in a known way, whatever the optimum is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan, solve
from tests.unit.flex_engine.optimise.queues import queues

USABLE = {"OPTIMAL", "FEASIBLE"}


def cost(made: Problem, plan: Plan) -> float:
    """What the planner makes small, GBP."""
    return sum(v * kw / 2 for v, kw in zip(made.value_per_kwh(), plan.load_kw, strict=True))


@settings(max_examples=8, deadline=None)
@given(queues(most=4), st.sampled_from([0.5, 3.0]), st.integers(1, 200))
def test_scaled_shifted_looser_and_roomier_problems(made: Problem, factor: float, more: int):
    made = replace(made, price_gbp_per_mwh=(0.0,) * made.slots)
    base = solve(made)
    if base.status not in USABLE or base.unplanned:
        return
    before, near = cost(made, base), 1e-4 * max(0.01, abs(cost(made, base))) + 1e-6

    scaled = replace(made, carbon_g_per_kwh=tuple(g * factor for g in made.carbon_g_per_kwh))
    assert cost(scaled, solve(scaled)) == pytest.approx(factor * before, abs=3 * near)

    shifted = replace(made, carbon_g_per_kwh=tuple(g + more for g in made.carbon_g_per_kwh))
    energy_kwh = sum(base.load_kw) / 2
    added = more * made.carbon_price_gbp_per_tonne / 1e6 * energy_kwh
    assert cost(shifted, solve(shifted)) == pytest.approx(before + added, abs=near + 1e-4 * added)

    later = tuple(replace(job, deadline=job.deadline + timedelta(minutes=more)) for job in made.jobs)
    assert cost(made, solve(replace(made, jobs=later))) <= before + near

    roomier = replace(made, site=replace(made.site, import_limit_kw=made.site.import_limit_kw + more))
    assert cost(made, solve(roomier)) <= before + near


@settings(max_examples=8, deadline=None)
@given(queues(most=3, rigid=False), st.integers(2, 3))
def test_a_job_split_into_equal_parts_of_its_power_costs_the_same(made: Problem, parts: int):
    base = solve(made)
    if base.status not in USABLE or base.unplanned:
        return
    pieces = tuple(
        replace(job, id=f"{job.id}.{part}", power_kw=job.power_kw / parts) for job in made.jobs for part in range(parts)
    )
    assert cost(made, solve(replace(made, jobs=pieces))) == pytest.approx(cost(made, base), rel=1e-6, abs=1e-7)
