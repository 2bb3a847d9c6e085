"""Reasons in words: which job, which half hour, which order, and how much is missing."""

from __future__ import annotations

from flex_engine.optimise.explain import admissible, held_by, must_run_too_high
from tests.unit.flex_engine.optimise.queues import job, problem, promise


def test_each_job_that_cannot_fit_is_named_with_what_is_missing():
    made = problem(
        [job("ok", 0, 4, 4), job("long", 0, 2, 2.5), job("gone", -4, -2, 1), job("big", 0, 4, 1, 90, preemptible=False)],
        [1.0] * 4, limit=100, must_run=20,
    )  # fmt: skip
    fitting, left_out, reasons = admissible(made)
    assert [one.id for one in fitting] == ["ok"]
    assert left_out == ["long", "gone", "big"]
    assert reasons == (
        "Job long needs 0.25 hours more than its window holds; move its deadline.",
        "Job gone needs 0.50 hours more than its window holds; move its deadline.",
        "Job big draws 90 kW, above the 80 kW beside the must-run load; raise the site limit.",
    )


def test_an_interruptible_job_above_the_limit_can_run_slower_and_stays():
    made = problem([job("a", 0, 4, 1, 200)], [1.0] * 4, limit=100)
    assert admissible(made)[1] == []


def test_a_must_run_load_above_a_limit_names_the_half_hour_and_the_order():
    assert must_run_too_high(problem([], [1.0] * 3, must_run=10, limit=10)) == ""
    said = must_run_too_high(problem([], [1.0] * 3, must_run=10, limit=50, commitments=[promise(1, 8.5, "A7")]))
    assert said == (
        "The must-run load of 10 kW is above the limit of 8.5 kW at 2026-03-02T00:30Z (order A7); "
        "lower it, or that limit."
    )


def test_only_orders_in_the_half_hours_asked_for_are_named():
    made = problem(
        [], [1.0] * 5, commitments=[promise(1, 8, "A"), promise(2, 8, "A"), promise(2, 7, "B"), promise(4, 7, "C")]
    )
    assert held_by(made, [0, 1, 2]) == "; order A limits 2 of them; order B limits 1 of them"
    assert held_by(made, [0]) == ""
