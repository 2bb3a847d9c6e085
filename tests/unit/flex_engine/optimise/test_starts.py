"""Jobs that may not be interrupted: every start they can have and no other."""

from __future__ import annotations

import doctest

import pytest

from flex_engine.optimise import starts
from flex_engine.optimise.starts import place, starts_of
from tests.unit.flex_engine.optimise.queues import job, problem

FLAT = [50.0] * 8


def found(*, first: float, last: float, work: float) -> list[tuple[int, tuple[float, ...]]]:
    made = job("a", first, last, work, preemptible=False)
    return [(s.first, tuple(round(x, 6) for x in s.shares)) for s in starts_of(problem([made], FLAT), 0, made)]


@pytest.mark.parametrize(
    ("first", "last", "work", "expected"),
    [
        (0, 3, 2, [(0, (1, 1)), (1, (1, 1))]),
        (0.5, 3, 2, [(0, (0.5, 1, 0.5)), (1, (1, 1))]),
        (0.5, 2.5, 2, [(0, (0.5, 1, 0.5))]),
        (0.25, 0.75, 0.5, [(0, (0.5,))]),
        (0, 0.5, 0.5, [(0, (0.5,))]),
        (0, 0.5, 0.25, [(0, (0.25,))]),
        (0.5, 1.5, 0.25, [(0, (0.25,)), (1, (0.25,))]),
        (6.5, 12, 1.5, [(6, (0.5, 1))]),
        (-2, 3, 2.5, [(0, (1, 1, 0.5))]),
        (0, 3, 3.5, []),
    ],
)
def test_every_start(first: float, last: float, work: float, expected: list[tuple[int, tuple[float, ...]]]):
    assert found(first=first, last=last, work=work) == expected


def test_the_largest_job_chooses_first_and_full_half_hours_are_not_offered_twice():
    small, large = job("s", 0, 4, 1, 5, preemptible=False), job("l", 0, 4, 1, 10, preemptible=False)
    made = problem([small, large], [50, 10, 20, 60])
    options = [s for i, one in enumerate((small, large)) for s in starts_of(made, i, one)]
    chosen = place(options, [small, large], [50, 10, 20, 60], [12.0] * 4)
    assert isinstance(chosen, list)
    assert {(s.job, s.first) for s in chosen} == {(1, 1), (0, 2)}
    assert place(options, [small, large], [50, 10, 20, 60], [4.0] * 4) == large, "the one without room is named"


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(starts).failed == 0
