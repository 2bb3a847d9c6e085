"""Plan a site's jobs: where the work is clean and cheap, on time, under the site's limits and under what was sold."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from flex_engine.compute.job import Job as EngineJob
from flex_engine.flexibility.envelope import envelope
from flex_engine.flexibility.standing import Kept, keeping
from flex_engine.optimise.fifo import fifo
from flex_engine.optimise.problem import Commitment, Problem, SiteLimits
from flex_engine.optimise.solve import Plan as EnginePlan
from flex_engine.optimise.solve import solve
from flex_engine.quantities import Label
from flex_engine.timegrid import ceil_half_hour, floor_half_hour
from marketplace import events, notify
from marketplace.models import ActivationPeriod, Forecast, Job, Offer, Plan, Site
from marketplace.rules.order_state import ActivationState
from marketplace.usecases.certify_offers import certify_offers, keep_standings
from marketplace.usecases.forecast_signals import forecast_signals
from marketplace.usecases.list_promises import list_promises
from marketplace.wire.left import hosts_at, needed

HALF_HOUR = timedelta(minutes=30)
HORIZON_SLOTS = 336


def plan_site(*, site: Site, now: datetime) -> Plan:
    """Solve and store a plan from the half hour that holds `now`. An infeasible solve leaves the plan before it in force.

    A plan that keeps what is sold deliverable is preferred; where there is none its reasons say so. The offers that it no
    longer proves shrink, or go off sale, in the same transaction.
    Work the plans before this one ran counts as done (label Assumed). Raises MarketError when signals are missing.
    """
    asked = site.replan_requested_at
    start = floor_half_hour(now)
    executed = executed_until(site, start)
    jobs, notes = jobs_to_plan(site, start=start, executed=executed)
    slots = slots_for(jobs, start)
    signals = {f.series: f for f in current_forecasts(start=start, slots=slots, now=now)}
    problem = Problem(
        jobs=tuple(jobs),
        site=SiteLimits(import_limit_kw=float(site.import_limit_kw), must_run_kw=float(site.must_run_kw)),
        start=start,
        slots=slots,
        price_gbp_per_mwh=window(signals["price"], start, slots),
        carbon_g_per_kwh=window(signals["carbon_intensity"], start, slots),
        carbon_price_gbp_per_tonne=float(site.carbon_price_gbp_per_tonne),
        commitments=tuple(dispatched_commitments(site, start)),
    )
    kept = keeping(problem, solve(problem), list_promises(site=site, now=now).sold)
    solved = kept.plan
    plan = row_of(site, problem, solved, executed=executed, signals=signals, notes=notes, now=now)
    plan.reasons = [*sold_words(kept), *plan.reasons]
    usable = plan.state == Plan.State.READY
    standings = certify_offers(site=site, problem=problem, plan=solved, now=now) if usable else []
    with transaction.atomic():
        plan.save()
        keep_standings(standings, site=site, plan=plan, now=now)
        Site.objects.filter(pk=site.pk, replan_requested_at=asked).update(replan_requested_at=None)
        events.append(
            type="plan.ready" if plan.state == Plan.State.READY else "plan.refused",
            subject=f"plan:{plan.pk}",
            payload={"site": site.slug, "jobs": len(jobs), "status": plan.status, "commitments": len(plan.commitments)},
            organisations=[site.organisation],
            now=now,
        )
        notify.changed(f"site:{site.slug}")
    return plan


def problem_of(plan: Plan) -> Problem:
    """The problem a stored plan solved, rebuilt from its row and the site's jobs, for offers drawn from that plan."""
    site = plan.site
    jobs, _ = jobs_to_plan(site, start=plan.start_at, executed=plan.executed_s, only=set(plan.allocations))
    return Problem(
        jobs=tuple(jobs),
        site=SiteLimits(import_limit_kw=float(site.import_limit_kw), must_run_kw=float(site.must_run_kw)),
        start=plan.start_at,
        slots=plan.slots,
        price_gbp_per_mwh=tuple(plan.price_gbp_per_mwh),
        carbon_g_per_kwh=tuple(plan.carbon_g_per_kwh),
        carbon_price_gbp_per_tonne=float(site.carbon_price_gbp_per_tonne),
        commitments=tuple(
            Commitment(
                order=c["order"],
                start=datetime.fromisoformat(c["start"]),
                site_max_kw=c.get("site_max_kw", math.inf),
                site_min_kw=c.get("site_min_kw", 0.0),
            )
            for c in plan.commitments
        ),
    )


def current_plan(site: Site) -> Plan | None:
    """The newest plan that can be worked to."""
    return Plan.objects.filter(site=site, state=Plan.State.READY).order_by("-created_at", "-pk").first()


def executed_until(site: Site, start: datetime) -> dict[str, float]:
    """Seconds of each job run before `start`, as the plan in force laid them out."""
    plan = current_plan(site)
    if plan is None:
        return {}
    done = dict(plan.executed_s)
    slots = int((start - plan.start_at) / HALF_HOUR)
    for job, shares in plan.allocations.items():
        ran = sum(share for slot, share in shares if slot < slots) * 1800
        if ran:
            done[job] = done.get(job, 0.0) + ran
    return done


def jobs_to_plan(
    site: Site, *, start: datetime, executed: dict[str, float], only: set[str] | None = None
) -> tuple[list[EngineJob], list[dict[str, str]]]:
    """Jobs with work left inside the horizon, with what is left of them, and notes on those left out."""
    end = start + HORIZON_SLOTS * HALF_HOUR
    jobs, late, beyond = [], 0, 0
    for row in Job.objects.filter(site=site, deadline_at__gt=start).order_by("pk"):
        left_s = row.duration_s - executed.get(row.external_id, 0.0)
        if left_s < 1 or (only is not None and row.external_id not in only):
            continue
        arrival = max(row.arrival_at, start)
        if min(row.deadline_at, end) - arrival < timedelta(seconds=left_s):
            late, beyond = late + (row.deadline_at <= end), beyond + (row.deadline_at > end)
            if only is None:
                continue
        started = executed.get(row.external_id, 0.0) > 0
        deadline = min(row.deadline_at, end)
        if started and not row.preemptible:
            deadline = min(
                deadline, max(ceil_half_hour(start + timedelta(seconds=left_s)), start + timedelta(seconds=left_s))
            )
        jobs.append(
            EngineJob(
                id=row.external_id,
                arrival=arrival,
                deadline=deadline,
                duration_s=round(left_s),
                power_kw=float(row.power_kw),
                preemptible=row.preemptible,
                tier=row.tier,
                cpus=float(row.cpus),
                gpus=float(row.gpus),
                power_label=Label(row.power_label),
                deadline_label=Label(row.deadline_label),
            )
        )
    notes = []
    if late:
        notes.append(
            note("jobs past help", late, "their work no longer fits before their deadline; they are not in this plan")
        )
    if beyond:
        notes.append(
            note("jobs beyond the horizon", beyond, "they cannot finish within seven days and wait for a later plan")
        )
    if executed:
        notes.append(
            note(
                "work done before this plan",
                f"{len(executed)} jobs",
                "taken from the plans in force, not from the cluster",
            )
        )
    return jobs, notes


def sold_words(kept: Kept) -> list[str]:
    """What a plan does about power that is sold and not called yet, where that made a difference."""
    if kept.held:
        return ["It is held to all that is sold and not called yet: a cheaper plan could not have delivered it."]
    if kept.broken is not None:
        why = " ".join(kept.broken.words)
        return [
            f"What is sold and not called yet cannot all be delivered, from {kept.broken.start:%Y-%m-%dT%H:%M}Z on. {why}"
        ]
    return []


def note(name: str, value: object, why: str) -> dict[str, str]:
    """One assumption line of a plan."""
    return {"name": name, "value": str(value), "label": str(Label.ASSUMED), "why": why}


def slots_for(jobs: list[EngineJob], start: datetime) -> int:
    """Half hours up to the last deadline, at least two days so that prices ahead can be seen, at most seven days."""
    last = max((job.deadline for job in jobs), default=start)
    return max(96, min(HORIZON_SLOTS, int((ceil_half_hour(last) - start) / HALF_HOUR)))


def current_forecasts(*, start: datetime, slots: int, now: datetime) -> list[Forecast]:
    """Forecasts issued for this half hour that cover the horizon; new ones when there are none."""
    found = []
    for name in ("carbon_intensity", "price"):
        newest = Forecast.objects.as_known(now).filter(series=name).first()
        if newest and newest.issued_at >= start and newest.start_at <= start and covers(newest, start, slots):
            found.append(newest)
    return found if len(found) == 2 else forecast_signals(start=start, slots=HORIZON_SLOTS, now=now)


def covers(forecast: Forecast, start: datetime, slots: int) -> bool:
    """Whether `forecast` holds [start, start + slots)."""
    return forecast.end_at >= start + slots * HALF_HOUR


def window(forecast: Forecast, start: datetime, slots: int) -> tuple[float, ...]:
    """The p50 values of `forecast` for [start, start + slots)."""
    first = int((start - forecast.start_at) / HALF_HOUR)
    return tuple(forecast.p50[first : first + slots])


def dispatched_commitments(site: Site, start: datetime) -> list[Commitment]:
    """Hard site limits of every accepted dispatch still ahead: the declared load less, or with, the power instructed."""
    rows = ActivationPeriod.objects.filter(
        activation__order__offer__site=site,
        activation__state__in=[ActivationState.ACCEPTED, ActivationState.IN_PROGRESS],
        start_at__gte=start,
    ).select_related("activation__order__offer")
    found: dict[tuple[datetime, str], list[ActivationPeriod]] = defaultdict(list)
    for row in rows.order_by("start_at", "pk"):
        found[row.start_at, row.activation.order.offer.direction].append(row)
    hosts = hosts_at(site.pk, [when for when, _ in found])
    return [commitment(when, way, instructed, hosts) for (when, way), instructed in found.items()]


def commitment(
    when: datetime, direction: str, rows: list[ActivationPeriod], hosts: Mapping[tuple[UUID, datetime], UUID]
) -> Commitment:
    """One half hour's limit: the lowest declared load less what its instructions need, co-delivered power once.

    Of turn-ups, the least to be drawn: the highest declared load with what they need.
    """
    kw: dict[UUID, Decimal] = defaultdict(Decimal)
    for row in rows:
        kw[row.activation.order_id] += row.requested_kw
    asked, order = needed(kw, when, hosts), str(rows[0].activation.order_id)
    if direction == Offer.Direction.TURN_DOWN:
        return Commitment(order, when, site_max_kw=float(min(row.declared_kw for row in rows) - asked))
    return Commitment(order, when, site_min_kw=float(max(row.declared_kw for row in rows) + asked))


def held(commitment: Commitment) -> dict[str, Any]:
    """A commitment as a plan stores it: the bound that it sets, and not the other."""
    bounds = {"site_max_kw": commitment.site_max_kw} if math.isfinite(commitment.site_max_kw) else {}
    bounds |= {"site_min_kw": commitment.site_min_kw} if commitment.site_min_kw > 0 else {}
    return {"order": commitment.order, "start": commitment.start.isoformat(), **bounds}


def row_of(
    site: Site,
    problem: Problem,
    solved: EnginePlan,
    *,
    executed: dict[str, float],
    signals: dict[str, Forecast],
    notes: list[dict[str, str]],
    now: datetime,
) -> Plan:
    """The unsaved row of a solve, with first-come-first-served beside it and the envelope it leaves."""
    plain = fifo(problem)
    usable = solved.status in {"OPTIMAL", "FEASIBLE"}
    room = envelope(problem, solved) if usable else None
    state = (
        Plan.State.READY if usable else Plan.State.INFEASIBLE if solved.status == "INFEASIBLE" else Plan.State.FAILED
    )
    return Plan(
        site=site,
        state=state,
        created_at=now,
        start_at=problem.start,
        slots=problem.slots,
        load_kw=[round(value, 4) for value in solved.load_kw],
        fifo_load_kw=[round(value, 4) for value in plain.load_kw],
        price_gbp_per_mwh=[round(value, 4) for value in problem.price_gbp_per_mwh],
        carbon_g_per_kwh=[round(value, 4) for value in problem.carbon_g_per_kwh],
        down_kw=[round(value, 4) for value in room.down_kw] if room else [],
        up_kw=[round(value, 4) for value in room.up_kw] if room else [],
        allocations={job: [list(pair) for pair in shares] for job, shares in solved.allocations.items()},
        fifo_allocations={job: [list(pair) for pair in shares] for job, shares in plain.allocations.items()},
        executed_s=executed,
        commitments=[held(one) for one in problem.commitments],
        cost_gbp=solved.cost_gbp if usable else 0,
        fifo_cost_gbp=plain.cost_gbp,
        carbon_kg=solved.carbon_kg if usable else 0,
        fifo_carbon_kg=plain.carbon_kg,
        solver=solved.solver,
        status=solved.status,
        gap=solved.gap,
        solve_s=solved.solve_s,
        reasons=list(solved.reasons),
        signal_sources=[
            f"{f.series}: {f.model} {f.model_version} issued {f.issued_at:%Y-%m-%dT%H:%MZ}" for f in signals.values()
        ],
        assumptions=notes,
    )
