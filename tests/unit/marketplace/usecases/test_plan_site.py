"""A plan keeps every deadline, the site's limit and what was sold; when it cannot, it says why and the old one stays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.models import Job, Offer, Plan, Site
from marketplace.rules.errors import MarketError
from marketplace.usecases.draft_offer import draft_offer
from marketplace.usecases.plan_site import current_plan, executed_until, plan_site, problem_of
from marketplace.usecases.publish_offer import publish_offer
from tests.unit.marketplace.usecases import market, planned
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, NOW, PLANNED, instruction

TOLERANCE_KW = 0.01


@pytest.fixture
def busy(site):
    """The site with a queue and signals, and room for every job but not for all at once."""
    planned.known_signals()
    planned.queue(site)
    Site.objects.update(import_limit_kw=Decimal(800), replan_requested_at=NOW)
    site.refresh_from_db()
    return site


def work_by_job(plan):
    """Seconds of full-power work the plan gives each job, with its first and last half hour."""
    return {
        job: (sum(share for _, share in shares) * 1800, min(shares)[0], max(shares)[0])
        for job, shares in plan.allocations.items()
    }


def test_every_job_gets_its_work_between_arrival_and_deadline(busy):
    plan = plan_site(site=busy, now=NOW)
    assert (plan.state, plan.start_at, plan.slots) == ("READY", PLANNED, 96)
    work = work_by_job(plan)
    for job in Job.objects.all():
        seconds, first, last = work[job.external_id]
        assert seconds == pytest.approx(job.duration_s, abs=1)
        assert PLANNED + first * HALF_HOUR >= job.arrival_at - HALF_HOUR
        assert PLANNED + last * HALF_HOUR < job.deadline_at


def test_the_load_is_that_of_the_jobs_and_under_the_limit(busy):
    plan = plan_site(site=busy, now=NOW)
    powers = dict(Job.objects.values_list("external_id", "power_kw"))
    load = [float(busy.must_run_kw)] * plan.slots
    for job, shares in plan.allocations.items():
        for slot, share in shares:
            load[slot] += float(powers[job]) * share
    assert plan.load_kw == pytest.approx(load, abs=TOLERANCE_KW)
    assert max(plan.load_kw) <= 800 + TOLERANCE_KW


def test_the_objective_is_no_worse_than_first_come_first_served(busy):
    plan = plan_site(site=busy, now=NOW)
    price = float(busy.carbon_price_gbp_per_tonne) / 1000
    assert plan.cost_gbp + price * plan.carbon_kg <= plan.fifo_cost_gbp + price * plan.fifo_carbon_kg + 0.01


def test_planning_answers_the_request_and_leaves_an_event(busy):
    plan = plan_site(site=busy, now=NOW)
    assert Site.objects.get().replan_requested_at is None
    assert events_of(f"plan:{plan.pk}") == ["plan.ready"]


def test_a_request_that_came_in_while_solving_stays_open(busy, monkeypatch):
    """Otherwise what changed during a solve would never be planned."""
    stale = Site.objects.get()
    Site.objects.update(replan_requested_at=NOW + timedelta(seconds=1))
    plan_site(site=stale, now=NOW)
    assert Site.objects.get().replan_requested_at == NOW + timedelta(seconds=1)


def test_without_signals_there_is_no_plan_and_the_request_stays_open(site):
    planned.queue(site)
    Site.objects.update(replan_requested_at=NOW)
    site.refresh_from_db()
    with pytest.raises(MarketError) as caught:
        plan_site(site=site, now=NOW)
    assert caught.value.code == "SIGNALS_MISSING"
    assert (Plan.objects.count(), Site.objects.get().replan_requested_at) == (0, NOW)


def test_an_impossible_queue_says_why_and_the_plan_before_it_stays_in_force(busy):
    good = plan_site(site=busy, now=NOW)
    for number in range(9):
        planned.job(busy, f"rush-{number}", deadline_at=PLANNED + timedelta(hours=2, minutes=30))
    bad = plan_site(site=busy, now=NOW)
    assert bad.state == "INFEASIBLE"
    assert bad.reasons
    assert current_plan(busy).pk == good.pk
    assert events_of(f"plan:{bad.pk}") == ["plan.refused"]


def test_an_empty_queue_is_planned_as_must_run_alone(site):
    planned.known_signals()
    plan = plan_site(site=site, now=NOW)
    assert plan.state == "READY"
    assert plan.load_kw == pytest.approx([300.0] * 96)


def test_a_job_past_help_is_left_out_and_named(busy):
    planned.job(busy, "too-late", deadline_at=PLANNED + timedelta(minutes=30), duration_s=3600)
    plan = plan_site(site=busy, now=NOW)
    assert plan.state == "READY"
    assert "too-late" not in plan.allocations
    assert any("past help" in note["name"] for note in plan.assumptions)


def test_work_done_under_the_plan_before_counts_as_done(busy):
    first = plan_site(site=busy, now=NOW)
    later = NOW + timedelta(hours=4)
    done = executed_until(busy, PLANNED + 8 * HALF_HOUR)
    assert done, "something ran in the first four hours"
    second = plan_site(site=busy, now=later)
    assert second.start_at == PLANNED + 8 * HALF_HOUR
    work = work_by_job(second)
    for job in Job.objects.all():
        rest = work.get(job.external_id, (0.0,))[0]
        assert rest + done.get(job.external_id, 0.0) == pytest.approx(job.duration_s, abs=1.5)
    assert first.pk != second.pk


def test_a_stored_plan_can_be_turned_back_into_the_problem_it_solved(busy):
    plan = plan_site(site=busy, now=NOW)
    problem = problem_of(plan)
    assert {job.id for job in problem.jobs} == set(plan.allocations)
    assert (problem.start, problem.slots) == (plan.start_at, plan.slots)
    assert list(problem.price_gbp_per_mwh) == plan.price_gbp_per_mwh


def test_after_a_dispatch_the_plan_keeps_the_sold_limit_and_every_deadline(busy):
    """The whole promise: what was proved when it was drafted holds when it is called."""
    plan_site(site=busy, now=NOW)
    offer = draft_offer(site=busy, start=FIRST, end=END, now=NOW)
    sold = publish_offer(offer=offer, user=None, accept_back_test=True, now=NOW)
    kw = str(sold.periods.first().offered_kw)
    activation = market.dispatched(market.confirmed(sold, kw=kw), instruction(kw))
    later = NOW + timedelta(minutes=20)
    replan = plan_site(site=busy, now=later)
    assert replan.state == "READY"
    assert len(replan.commitments) == 2
    for row in activation.periods.all():
        slot = int((row.start_at - replan.start_at) / HALF_HOUR)
        assert replan.load_kw[slot] <= float(row.declared_kw - row.requested_kw) + TOLERANCE_KW
    for job in Job.objects.all():
        rest = work_by_job(replan).get(job.external_id, (0.0,))[0]
        assert rest + replan.executed_s.get(job.external_id, 0.0) == pytest.approx(job.duration_s, abs=1.5)


def test_what_nobody_dispatched_is_no_limit(busy):
    plan_site(site=busy, now=NOW)
    market.confirmed(market.offer(busy, kw="100"), kw="100")
    assert plan_site(site=busy, now=NOW).commitments == []
    assert Offer.objects.count() == 1
