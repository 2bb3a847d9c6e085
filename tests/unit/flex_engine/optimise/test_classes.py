"""Merging alike jobs changes nothing: same cost, each job its own work."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.optimise.classes import aggregate, disaggregate, tidy
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
