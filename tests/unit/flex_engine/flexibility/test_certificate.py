"""A certificate that holds: whichever half hours are called, however much of each, a schedule keeps every deadline."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.flexibility.certificate import certify
from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Commitment, Problem, remaining
from flex_engine.optimise.solve import Plan, finished, solve
from tests.unit.flex_engine.flexibility.test_envelope import planned
from tests.unit.flex_engine.optimise.queues import job, problem, promise, queues


def roomy() -> tuple[Problem, Plan]:
    """Cheap half hours 2 to 5 hold the work; dear ones after them could."""
    jobs = [job("a", 0, 10, 3, 10), job("b", 2, 10, 2, 20), job("c", 0, 10, 2, 5, preemptible=False)]
    made = problem(jobs, [80, 70, 10, 12, 11, 13, 60, 70, 80, 90], limit=60, must_run=4)
    return made, solve(made)


def test_the_proved_turn_down_of_a_plain_plan():
    made, plan = roomy()
    certificate = certify(made, plan, first=2, last=5)
    assert certificate.holds
    assert certificate.quantity_kw > 0
    assert len(certificate.schedules) == 3
    for kw, least in zip(certificate.declared_kw, certificate.site_bound_kw, strict=True):
        assert least == pytest.approx(kw - float(certificate.quantity_kw))
    assert "1 jobs that may not be interrupted stay where the plan has them." in certificate.reasons
    facts = json.loads(json.dumps(certificate.to_dict()))
    assert facts["holds"] is True
    assert facts["schedules_checked"] == 3


@settings(max_examples=40)
@given(queues(most=6), st.data())
def test_every_dispatch_the_offer_allows_can_be_met(made: Problem, data: st.DataObject):
    """Random subsets of the window at random power: the dispatch is planned anew and judged by the checker alone."""
    found = planned(made)
    if found is None:
        return
    made, plan = found
    first = data.draw(st.integers(0, 8))
    last = data.draw(st.integers(first + 1, min(10, first + 4)))
    certificate = certify(made, plan, first=first, last=last)
    if not certificate.holds:
        assert certificate.reasons
        return
    called = data.draw(st.sets(st.integers(first, last - 1), min_size=1))
    quantity = float(certificate.quantity_kw)
    dispatch = tuple(
        Commitment(
            "order", made.time(slot), plan.load_kw[slot] - quantity * data.draw(st.sampled_from([1.0, 0.5, 0.01]))
        )
        for slot in sorted(called)
    )
    begins = min(called)
    bound = replace(made, commitments=(*made.commitments, *dispatch))
    witness = finished(made, certificate.schedules[begins - first], gap=0.0, solver="witness")
    assert check(bound, witness) == [], "the stored schedule meets it"
    assert witness.load_kw[:begins] == pytest.approx(plan.load_kw[:begins], abs=1e-6), "and it is the plan until then"
    replanned = solve(remaining(bound, plan.allocations, slot=begins))
    assert replanned.status in {"OPTIMAL", "FEASIBLE"}, "and the planner finds one too"
    assert replanned.unplanned == ()


@settings(max_examples=25)
@given(queues(rigid=False), st.data())
def test_the_quantity_is_the_most_there_is(made: Problem, data: st.DataObject):
    """A hair more in the half hour that limits it, and no schedule is left: the bound is the optimum, not a guess."""
    found = planned(made)
    if found is None:
        return
    made, plan = found
    first = data.draw(st.integers(0, 8))
    last = data.draw(st.integers(first + 1, 10))
    certificate = certify(made, plan, first=first, last=last)
    reached = certificate.limits_by_start
    begins = first + reached.index(min(reached))
    over = tuple(
        Commitment("more", made.time(slot), plan.load_kw[slot] - min(reached) - 0.01) for slot in range(begins, last)
    )
    if min(commitment.site_max_kw for commitment in over) < made.site.must_run_kw:
        return
    more = replace(made, commitments=(*made.commitments, *over))
    assert solve(remaining(more, plan.allocations, slot=begins)).status == "INFEASIBLE"


def test_nothing_can_be_sold_that_the_plan_would_not_draw():
    made, plan = roomy()
    boast = replace(plan, load_kw=tuple(kw + 100 for kw in plan.load_kw))
    certificate = certify(made, boast, first=2, last=4)
    assert not certificate.holds
    assert "the plan declares" in certificate.reasons[0]
    assert certificate.to_dict()["holds"] is False


def test_idle_half_hours_have_nothing_to_turn_down():
    made, plan = roomy()
    idle = plan.load_kw.index(4.0)
    certificate = certify(made, plan, first=idle, last=idle + 1)
    assert not certificate.holds
    assert certificate.quantity_kw == 0
    assert "nothing can be turned down" in certificate.reasons[0]


def test_a_plan_that_breaks_its_own_promises_proves_nothing():
    made, plan = roomy()
    broken = finished(made, plan.allocations | {"a": ((2, 1.0), (3, 1.0))}, gap=0.0, solver="test")
    certificate = certify(made, broken, first=4, last=5)
    assert not certificate.holds or all(
        check(made, finished(made, s, gap=0.0, solver="t")) == [] for s in certificate.schedules
    )
    early = finished(made, plan.allocations | {"b": ((0, 1.0), (1, 1.0))}, gap=0.0, solver="test")
    certificate = certify(made, early, first=2, last=3)
    assert not certificate.holds
    assert any("job b runs 1.0000 of half hour 0" in reason for reason in certificate.reasons)


def test_jobs_the_plan_left_out_are_nobodys_promise():
    made, plan = roomy()
    more = replace(made, jobs=(*made.jobs, job("x", 0, 1, 5)))
    assert certify(more, plan, first=2, last=4).quantity_kw == certify(made, plan, first=2, last=4).quantity_kw


def test_earlier_promises_are_kept_too():
    made, plan = roomy()
    free = certify(made, plan, first=2, last=5).quantity_kw
    bound = replace(made, commitments=tuple(promise(slot, 6.0) for slot in range(5, 10)))
    held = certify(bound, plan, first=2, last=5)
    assert Decimal(0) < held.quantity_kw < free
    load = finished(bound, held.schedules[0], gap=0.0, solver="test").load_kw
    assert max(load[5:]) <= 6.001


def test_a_window_outside_the_plan_is_refused():
    made, plan = roomy()
    for first, last in ((-1, 2), (3, 3), (4, 3), (8, 11)):
        with pytest.raises(ValueError, match="do not lie within the plan's 10"):
            certify(made, plan, first=first, last=last)
