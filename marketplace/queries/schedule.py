"""A site's plan beside first come, first served: the chart, the totals, and when each job runs.

It reads the stored plan only. Why a job runs when it does was decided by the engine, and is not worked out again here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from flex_engine.timegrid import HALF_HOUR
from marketplace.models import Job, Plan, Site
from marketplace.queries.charts import Chart, Line, Lock, Pane
from marketplace.queries.exports import utc_text
from marketplace.queries.pages import SIZE, Page
from marketplace.queries.signals import band, grounds, issues_for
from marketplace.queries.sites import current_plan
from marketplace.queries.uploads import Assumption

HEADER = ("id", "tier", "run_start_utc", "run_end_utc_exclusive", "share_of_full_power", "energy_kwh", "deadline_utc")
SORTS = ("start", "deadline", "energy", "name")


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive half hours of one job at the same share of its full power."""

    start: datetime
    end: datetime
    share: float


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job of the plan. `moved` is how much later (or earlier) it starts than first come, first served would."""

    external_id: str
    tier: str
    runs: tuple[Run, ...]
    energy_kwh: float
    deadline: datetime | None
    margin: timedelta | None
    moved: timedelta | None


@dataclass(frozen=True, slots=True)
class Totals:
    """One schedule's cost and carbon over the horizon, both from forecast signals."""

    cost_gbp: float
    carbon_kg: float
    energy_kwh: float
    peak_kw: float


@dataclass(frozen=True, slots=True)
class PlanPage:
    """The schedule page. `refused` is the newest attempt when it is newer than the plan in force and did not solve.

    `ended` says that the plan in force covers no half hour ahead any more: the site runs without one.
    """

    plan: Plan | None
    refused: Plan | None
    chart: Chart | None
    planned: Totals | None
    fifo: Totals | None
    jobs: Page[PlannedJob]
    assumptions: tuple[Assumption, ...]
    replan_wanted: bool
    label: str
    ended: bool = False

    @property
    def saved_gbp(self) -> float:
        """Cost saved beside first come, first served."""
        return self.fifo.cost_gbp - self.planned.cost_gbp if self.fifo and self.planned else 0.0

    @property
    def saved_kg(self) -> float:
        """Carbon saved beside first come, first served."""
        return self.fifo.carbon_kg - self.planned.carbon_kg if self.fifo and self.planned else 0.0


def plan_page(site: Site, *, text: str, sort: str, number: int, now: datetime) -> PlanPage:
    """The plan in force, with page `number` of its jobs."""
    plan = current_plan(site)
    newest = Plan.objects.filter(site=site).order_by("-created_at", "-pk").first()
    refused = newest if newest is not None and newest.state != Plan.State.READY else None
    wanted = site.replan_requested_at is not None
    if plan is None:
        return PlanPage(None, refused, None, None, None, Page((), 1, 1, 0), (), wanted, "FORECAST")
    chart = plan_chart(plan, now)
    return PlanPage(
        plan=plan,
        refused=refused,
        chart=chart,
        planned=totals(plan.load_kw, plan.cost_gbp, plan.carbon_kg),
        fifo=totals(plan.fifo_load_kw, plan.fifo_cost_gbp, plan.fifo_carbon_kg),
        jobs=job_page(plan, text=text, sort=sort, number=number),
        assumptions=tuple(Assumption(a["name"], str(a["value"]), str(a["label"]), a["why"]) for a in plan.assumptions),
        replan_wanted=wanted,
        label=chart.label,
        ended=plan.start_at + plan.slots * HALF_HOUR <= now,
    )


def totals(load_kw: Sequence[float], cost_gbp: float, carbon_kg: float) -> Totals:
    """Cost and carbon of a schedule with its energy and peak."""
    return Totals(cost_gbp, carbon_kg, sum(load_kw) / 2, max(load_kw, default=0.0))


def plan_chart(plan: Plan, now: datetime) -> Chart:
    """Site power over price and carbon, on one axis."""
    limit = float(plan.site.import_limit_kw)
    power = Pane(
        "Site power",
        "kW",
        (
            Line("Planned", tuple(plan.load_kw), "planned", "FORECAST"),
            Line("First come, first served", tuple(plan.fifo_load_kw), "ghost", "FORECAST"),
            Line("Import limit", (limit,) * plan.slots, "limit", "ASSUMED"),
        ),
        locks=locks_of(plan),
    )
    issues = issues_for(plan.start_at, plan.created_at)
    behind = grounds(issues)
    bands = {s: band(issues.get(s), start=plan.start_at, slots=plan.slots) for s in ("price", "carbon_intensity")}
    price = Line("Price", tuple(plan.price_gbp_per_mwh), "price", behind.label)
    carbon = Line("Carbon intensity", tuple(plan.carbon_g_per_kwh), "carbon", behind.label)
    return Chart(
        id="plan",
        title="Planned site power beside first come, first served, with price and carbon intensity",
        start=plan.start_at,
        slots=plan.slots,
        panes=(
            power,
            Pane("Price", "GBP/MWh", (price,), *bands["price"]),
            Pane("Carbon intensity", "gCO₂e/kWh", (carbon,), *bands["carbon_intensity"]),
        ),
        now=now,
        sources=behind.sources or tuple(plan.signal_sources),
        label=behind.label,
    )


def locks_of(plan: Plan) -> tuple[Lock, ...]:
    """The plan's commitments, consecutive half hours under one limit, or over one, joined."""
    joined: list[Lock] = []
    for entry in sorted(plan.commitments, key=lambda c: c["start"]):
        slot = int((datetime.fromisoformat(entry["start"]) - plan.start_at) / HALF_HOUR)
        name = f"Order {entry['order'][:8]}"
        last = joined[-1] if joined else None
        below = "site_max_kw" in entry
        kw = entry["site_max_kw"] if below else entry["site_min_kw"]
        if last and (last.last, last.kw, last.below, last.name) == (slot, kw, below, name):
            joined[-1] = Lock(last.first, slot + 1, kw, name, below=below)
        else:
            joined.append(Lock(slot, slot + 1, kw, name, below=below))
    return tuple(joined)


def job_page(plan: Plan, *, text: str, sort: str, number: int) -> Page[PlannedJob]:
    """Page `number` of the plan's jobs whose id holds `text`."""
    ids = ordered_ids(plan, text=text, sort=sort)
    pages = max(1, -(-len(ids) // SIZE))
    number = min(max(1, number), pages)
    chosen = ids[(number - 1) * SIZE : number * SIZE]
    rows = {job.external_id: job for job in Job.objects.filter(site=plan.site, external_id__in=chosen)}
    return Page(tuple(planned_job(plan, name, rows.get(name)) for name in chosen), number, pages, len(ids))


def ordered_ids(plan: Plan, *, text: str, sort: str) -> list[str]:
    """Job ids of the plan that hold `text`, in the order of `sort`."""
    ids = [name for name in plan.allocations if text.lower() in name.lower()]
    if sort == "name":
        return sorted(ids)
    if sort in {"deadline", "energy"}:
        jobs = {job.external_id: job for job in Job.objects.filter(site=plan.site)}
        known = sorted(ids)
        if sort == "deadline":
            return sorted(known, key=lambda name: jobs[name].deadline_at.timestamp() if name in jobs else 0)
        return sorted(
            known, key=lambda name: -float(jobs[name].power_kw * jobs[name].duration_s) if name in jobs else 0
        )
    return sorted(ids, key=lambda name: (first_slot(plan.allocations[name]), name))


def first_slot(shares: Sequence[Sequence[float]]) -> float:
    """The slot a job starts in; a job without work sorts last."""
    return min((slot for slot, _ in shares), default=float("inf"))


def planned_job(plan: Plan, name: str, job: Job | None) -> PlannedJob:
    """One row: runs, energy, margin to the deadline and the move against first come, first served."""
    shares = plan.allocations[name]
    runs = runs_of(plan.start_at, shares)
    power = float(job.power_kw) if job else 0.0
    plain = first_slot(plan.fifo_allocations.get(name, []))
    own = first_slot(shares)
    both = own != float("inf") and plain != float("inf")
    return PlannedJob(
        external_id=name,
        tier=job.tier if job else "",
        runs=runs,
        energy_kwh=power * sum(share for _, share in shares) / 2,
        deadline=job.deadline_at if job else None,
        margin=job.deadline_at - finish_of(plan.start_at, shares, job.arrival_at) if job and runs else None,
        moved=(own - plain) * HALF_HOUR if both else None,
    )


def finish_of(start: datetime, shares: Sequence[Sequence[float]], arrival: datetime) -> datetime:
    """When the work can be done: its last half hour runs from its beginning, or from the job's arrival in it."""
    last, share = max((int(slot), share) for slot, share in shares)
    return max(start + last * HALF_HOUR, arrival) + share * HALF_HOUR


def runs_of(start: datetime, shares: Sequence[Sequence[float]]) -> tuple[Run, ...]:
    """Half hours of a job joined into runs of the same share.

    >>> from datetime import UTC
    >>> at = datetime(2024, 1, 2, tzinfo=UTC)
    >>> [(r.start.hour, r.end.hour, r.share) for r in runs_of(at, [[0, 1.0], [1, 1.0], [4, 0.5]])]
    [(0, 1, 1.0), (2, 2, 0.5)]
    """
    runs: list[Run] = []
    for slot, share in sorted((int(slot), round(share, 4)) for slot, share in shares):
        begin = start + slot * HALF_HOUR
        if runs and runs[-1].end == begin and runs[-1].share == share:
            runs[-1] = Run(runs[-1].start, begin + HALF_HOUR, share)
        else:
            runs.append(Run(begin, begin + HALF_HOUR, share))
    return tuple(runs)


def schedule_export(plan: Plan, *, text: str, sort: str) -> Iterator[list[object]]:
    """Every run of exactly the jobs the filters name, under HEADER."""
    jobs = {job.external_id: job for job in Job.objects.filter(site=plan.site)}
    for name in ordered_ids(plan, text=text, sort=sort):
        job = jobs.get(name)
        power = job.power_kw if job else Decimal(0)
        for run in runs_of(plan.start_at, plan.allocations[name]):
            hours = (run.end - run.start) / timedelta(hours=1)
            energy = float(power) * run.share * hours
            tier, deadline = (job.tier, utc_text(job.deadline_at)) if job else ("", "")
            yield [name, tier, utc_text(run.start), utc_text(run.end), run.share, f"{energy:.3f}", deadline]
