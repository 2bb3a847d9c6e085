"""The checker finds every fault put into a good plan on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flex_engine.optimise.checker import check, is_unbroken
from flex_engine.optimise.classes import load_of
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan, finished, solve
from tests.unit.flex_engine.optimise.queues import job, problem, promise


def good() -> tuple[Problem, Plan]:
    made = problem(
        [job("a", 0, 6, 2), job("b", 1.5, 5.5, 1.5, 20), job("c", 0, 6, 2.5, 5, preemptible=False)],
        [50, 20, 30, 90, 10, 60],
        limit=40,
        must_run=4,
        carbon=[100] * 6,
        commitments=[promise(4, 25)],
    )
    plan = solve(made)
    assert plan.status == "OPTIMAL"
    return made, plan


def moved(made: Problem, plan: Plan, **allocations: object) -> Plan:
    """The plan with other allocations and figures that agree with them: only the checker can tell."""
    return finished(made, plan.allocations | allocations, gap=0.0, solver="test")  # type: ignore[arg-type]


FAULTS: dict[str, tuple[Callable[[Problem, Plan], Plan], str]] = {
    "too little work": (lambda p, plan: moved(p, plan, a=((1, 1.0),)), "job a runs 1800.00 s of 3600"),
    "too much work": (lambda p, plan: moved(p, plan, a=((1, 1.0), (2, 1.0), (3, 1.0))), "job a runs 5400.00 s of 3600"),
    "nothing at all": (lambda p, plan: moved(p, plan, a=()), "job a runs 0.00 s"),
    "before its arrival": (lambda p, plan: moved(p, plan, b=((0, 0.5), (4, 1.0))), "job b runs 0.5000 of half hour 0"),
    "more than its window": (lambda p, plan: moved(p, plan, b=((1, 0.75), (4, 0.75))), "of half hour 1, where 0.5000 lies"),
    "after its deadline": (lambda p, plan: moved(p, plan, b=((4, 0.5), (5, 1.0))), "of half hour 5, where 0.5000 lies"),
    "outside the plan": (lambda p, plan: replace(plan, allocations=plan.allocations | {"a": ((1, 1.0), (9, 1.0))}), "job a runs outside the plan, in half hour 9"),
    "twice in one half hour": (lambda p, plan: moved(p, plan, a=((1, 1.0), (1, 1.0))), "job a has two shares in one half hour"),
    "more than all of it": (lambda p, plan: moved(p, plan, a=((1, 1.5), (2, 0.5))), "job a runs 1.5000 of half hour 1"),
    "backwards": (lambda p, plan: moved(p, plan, a=((0, 1.0), (1, -0.5), (2, 1.0), (3, 0.5))), "job a runs -0.5000"),
    "interrupted": (lambda p, plan: moved(p, plan, c=((0, 1.0), (1, 1.0), (3, 0.5))), "job c may not be interrupted, and is"),
    "slowed down inside": (lambda p, plan: moved(p, plan, c=((0, 1.0), (1, 0.5), (2, 1.0))), "job c may not be interrupted, and is"),
    "a stranger": (lambda p, plan: replace(plan, allocations=plan.allocations | {"x": ()}), "job x is not in the problem"),
    "cost": (lambda p, plan: replace(plan, cost_gbp=plan.cost_gbp - 0.01), "the cost claimed is"),
    "carbon": (lambda p, plan: replace(plan, carbon_kg=plan.carbon_kg * 0.9), "the carbon claimed is"),
    "load": (lambda p, plan: replace(plan, load_kw=(0.0,) * 6), "the load claimed is not that of the allocations"),
    "length": (lambda p, plan: replace(plan, load_kw=plan.load_kw[:-1]), "the load claimed is not that of the allocations"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_deliberate_fault_is_found(fault: str):
    made, plan = good()
    assert check(made, plan) == []
    spoil, sentence = FAULTS[fault]
    assert any(sentence in found for found in check(made, spoil(made, plan))), check(made, spoil(made, plan))


def test_limits_and_commitments_are_checked_apart():
    made, plan = good()
    crowded = moved(made, plan, a=((4, 1.0), (5, 1.0)), b=((4, 1.0), (5, 0.5)))
    assert any("order order-1 allows 25.000 kW" in found for found in check(made, crowded))
    tight = replace(made, site=replace(made.site, import_limit_kw=30.0))
    assert any("over the limit of 30 kW" in found for found in check(tight, crowded))


def test_a_watt_is_rounding_and_two_are_not():
    made = problem([job("a", 0, 1, 1, 10.0)], [50.0], limit=10.0)
    plan = solve(made)
    for over, faults in ((0.0009, 0), (0.002, 1)):
        small = replace(made, site=replace(made.site, import_limit_kw=10.0 - over))
        assert len(check(small, plan)) == faults


def test_unbroken_runs():
    assert is_unbroken([(3, 0.4), (4, 1.0), (5, 0.2)])
    assert is_unbroken([(3, 0.4)])
    assert not is_unbroken([(3, 0.4), (5, 1.0)])
    assert not is_unbroken([(3, 1.0), (4, 0.9), (5, 1.0)])


def test_the_load_is_that_of_all_jobs_and_the_must_run():
    made, plan = good()
    assert list(plan.load_kw) == pytest.approx(load_of(made, {"a": 10, "b": 20, "c": 5}, plan.allocations))
