"""Prices of capacity: a bound below every plan, and a climb that comes near the best of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from flex_engine.optimise.classes import aggregate
from flex_engine.optimise.dual import Dual, window_classes
from flex_engine.optimise.formulate import Formulation
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.rounding import start_classes
from flex_engine.optimise.solve import solve
from flex_engine.optimise.starts import starts_of
from tests.unit.flex_engine.optimise.queues import job, problem, promise, queues

USABLE = {"OPTIMAL", "FEASIBLE"}


def dual_of(made: Problem) -> tuple[Dual, Formulation]:
    """The dual and the linear programme of one problem; every job must fit its window."""
    rigid = [job for job in made.jobs if not job.preemptible]
    classes = aggregate(made, [job for job in made.jobs if job.preemptible], merge=False)
    starts, _ = start_classes(made, rigid)
    room = np.asarray(made.limits_kw()) - made.site.must_run_kw
    floor = np.asarray(made.floors_kw()) - made.site.must_run_kw
    model = Formulation(
        classes=classes,
        starts=[start for index, job in enumerate(rigid) for start in starts_of(made, index, job)],
        jobs=len(rigid),
        value=made.value_per_kwh(),
        room_kw=room.tolist(),
        floor_kw=floor.tolist(),
    )
    return Dual(starts, window_classes(classes), np.asarray(made.value_per_kwh()) * 0.5, room, floor), model


@settings(max_examples=6, deadline=None)
@given(queues(), st.lists(st.floats(0, 0.2), min_size=11, max_size=11), st.integers(0, 9), st.floats(0, 1))
def test_no_prices_bound_above_the_optimum_and_the_climb_comes_near_it(made: Problem, drawn, slot: int, part: float):
    floored = replace(made, commitments=(replace(promise(slot, 1e9), site_min_kw=5 + 10 * part),))
    for one in (made, floored):
        dual, model = dual_of(one)
        relaxed = model.solve(whole=False)
        if relaxed.status != "optimal":
            continue
        assert dual.bound(np.asarray(drawn)[: len(dual.idle())]) <= relaxed.objective + 1e-7
        _, bound = dual.climb(dual.idle())
        assert bound <= relaxed.objective + 1e-7
        assert bound == pytest.approx(relaxed.objective, rel=0.01, abs=0.02)
        plan = solve(one)
        if plan.status in USABLE and not plan.unplanned:
            energy = sum(v * kw / 2 for v, kw in zip(one.value_per_kwh(), plan.load_kw, strict=True))
            idle = sum(v * one.site.must_run_kw / 2 for v in one.value_per_kwh())
            assert bound <= energy - idle + 1e-6


@settings(max_examples=5, deadline=None)
@given(queues(), st.lists(st.floats(0, 0.1), min_size=10, max_size=10), st.floats(0.5, 8))
def test_the_slope_is_that_of_the_smoothed_bound(made: Problem, prices: list[float], temperature: float):
    dual, _ = dual_of(made)
    at = temperature * dual.unit
    scale = max(1.0, float(dual.starts.kw.sum() + dual.windows.kw.sum()))
    error = check_grad(
        lambda p: dual.smooth(p, at)[0], lambda p: dual.smooth(p, at)[1], np.asarray(prices), epsilon=1e-7
    )
    assert error / scale < 1e-3


@settings(max_examples=5, deadline=None)
@given(queues())
def test_a_cold_bound_is_the_softened_one_of_no_temperature(made: Problem):
    dual, _ = dual_of(made)
    assert dual.smooth(dual.idle(), 1e-9)[0] == pytest.approx(dual.bound(dual.idle()), abs=1e-5)


def test_what_is_placed_is_out_of_the_dual_and_its_room_taken():
    made = problem(
        [job("a", 0, 4, 2, 3, preemptible=False), job("b", 0, 5, 2, 4, preemptible=False)], [1.0] * 6, limit=9
    )
    dual, _ = dual_of(made)
    left = dual.without(np.array([3.0, 0.0]), np.array([3.0, 3, 0, 0, 0, 0]))
    assert left.starts.kw.tolist() == [4.0]
    assert left.starts.begin.tolist() == [0, 1, 2, 3]
    assert left.room.tolist() == [6, 6, 9, 9, 9, 9]
