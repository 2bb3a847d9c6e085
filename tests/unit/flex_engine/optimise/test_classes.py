"""Merging alike jobs changes nothing: same cost, each job its own work."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.optimise.classes import aggregate, disaggregate, load_of, tidy
from flex_engine.optimise.formulate import Formulation
from flex_engine.optimise.problem import Window
from tests.unit.flex_engine.optimise.queues import job, problem


def test_alike_jobs_become_one_class_with_their_summed_power():
    made = problem([], [1.0] * 8)
    jobs = [job("a", 0, 6, 2, 10), job("b", 0, 6, 2, 30), job("c", 0, 6, 3, 10), job("d", 0.1, 6.9, 2, 5)]
    classes = aggregate(made, jobs)
    assert [(c.jobs, c.power_kw) for c in classes] == [(("a", "b"), 40), (("c",), 10), (("d",), 5)]
    assert [c.jobs for c in aggregate(made, [*jobs, job("e", 0.2, 6.8, 2, 5)])][-1] == ("d", "e"), (
        "merged on whole half hours"
    )
    assert [c.jobs for c in aggregate(made, [*jobs, job("e", 0.2, 6.8, 2, 5)], merge=False)][-1] == ("e",)


def test_each_job_gets_its_class_profile():
    made = problem([], [1.0] * 4)
    classes = aggregate(made, [job("a", 0, 4, 2, 10), job("b", 0, 4, 2, 30)])
    assert disaggregate(classes, [[1.0, 0.0, 0.25, 0.75]]) == dict.fromkeys("ab", ((0, 1.0), (2, 0.25), (3, 0.75)))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 7), st.floats(0.05, 1), st.integers(1, 20)), min_size=1, max_size=6),
       st.lists(st.integers(0, 9), min_size=12, max_size=12), st.floats(0.3, 1.0))  # fmt: skip
def test_work_of_any_length_falls_into_classes_of_whole_half_hours_without_changing_the_optimum(
    drawn: list[tuple[int, int, float, int]], prices: list[int], tightness: float
):
    jobs = [
        job(f"j{i}", first, first + length, max(0.1, round(length * part, 2)), kw)
        for i, (first, length, part, kw) in enumerate(drawn)
    ]
    made = problem(jobs, [float(p) for p in prices])
    one_each = [group for one in jobs for group in aggregate(made, [one], merge=False)]
    merged = aggregate(made, jobs)
    assert all(float(group.window.work).is_integer() for group in merged)
    room = tightness * max(sum(one.power_kw for one in jobs), 1.0)
    apart, together = (
        Formulation(classes=classes, starts=[], jobs=0, value=made.value_per_kwh(), room_kw=[room] * 12).solve()
        for classes in (one_each, merged)
    )
    assert apart.status == together.status
    if apart.profiles is None or together.profiles is None:
        return
    assert together.objective == pytest.approx(apart.objective, rel=1e-6, abs=1e-9)
    shares = disaggregate(merged, together.profiles)
    for one in jobs:
        assert sum(share for _, share in shares[one.id]) * 1800 == pytest.approx(one.duration_s, abs=1e-3)
        assert all(0 < share <= 1 + 1e-9 for _, share in shares[one.id])
    load = load_of(made, {one.id: one.power_kw for one in jobs}, shares)
    assert max(load) <= room + 1e-6
    assert sum(v * kw / 2 for v, kw in zip(made.value_per_kwh(), load, strict=True)) == pytest.approx(
        together.objective, rel=1e-6, abs=1e-9
    )


windows = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@settings(max_examples=60)
@given(windows, st.floats(0, 1), st.randoms(use_true_random=False))
def test_a_solvers_residue_is_put_where_there_is_room(shares: list[float], part: float, random):
    work = sum(shares) * part
    exact = [share * part for share in shares]
    noisy = [value + random.uniform(-1e-6, 1e-6) for value in exact]
    made = tidy(Window(3, tuple(shares), work), noisy)
    assert sum(value for _, value in made) == pytest.approx(work, abs=1e-8)
    for slot, value in made:
        assert 0 < value <= shares[slot - 3]
        assert value == pytest.approx(exact[slot - 3], abs=2e-5)
