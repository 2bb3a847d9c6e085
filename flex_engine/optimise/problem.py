"""What is to be planned: jobs, a site's limits, prices and carbon on one half-hour grid. Plain data; no solver."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flex_engine.compute.job import Job
from flex_engine.timegrid import HALF_HOUR, ceil_half_hour, floor_half_hour

SLOT_S = 1800.0
DONE_S = 1e-3  # seconds of work that count as none: a tenth of what the checker overlooks


@dataclass(frozen=True, slots=True)
class SiteLimits:
    """kW at the meter: the connection's limit, and the load that always runs."""

    import_limit_kw: float
    must_run_kw: float


@dataclass(frozen=True, slots=True)
class Commitment:
    """A dispatched order, hard: in the half hour from `start` the site draws at most `site_max_kw`, at least `site_min_kw`.

    A turn-down sets the one and a turn-up the other; what is not set binds nothing. Raises ValueError for NaN.
    """

    order: str
    start: datetime
    site_max_kw: float = math.inf
    site_min_kw: float = 0.0

    def __post_init__(self) -> None:
        if math.isnan(self.site_max_kw) or not math.isfinite(self.site_min_kw):
            raise ValueError(
                f"order {self.order} at {self.start.isoformat()} sets site_max_kw {self.site_max_kw} and site_min_kw "
                f"{self.site_min_kw}; a most may be infinite, a least is a number"
            )


@dataclass(frozen=True, slots=True)
class Problem:
    """`slots` half hours from `start`. Prices GBP/MWh, carbon gCO2e/kWh, carbon price GBP/t.

    `money_weight` and `carbon_weight` are the user's choice between the two; both 1 adds emissions at the carbon price.
    Raises ValueError naming the field for lengths, NaN or limits that cannot be.
    """

    jobs: tuple[Job, ...]
    site: SiteLimits
    start: datetime
    slots: int
    price_gbp_per_mwh: tuple[float, ...]
    carbon_g_per_kwh: tuple[float, ...]
    carbon_price_gbp_per_tonne: float = 0.0
    commitments: tuple[Commitment, ...] = ()
    money_weight: float = 1.0
    carbon_weight: float = 1.0

    def __post_init__(self) -> None:
        if floor_half_hour(self.start) != self.start:
            raise ValueError(f"start {self.start.isoformat()} is not on the half hour")
        for name in ("price_gbp_per_mwh", "carbon_g_per_kwh"):
            values = getattr(self, name)
            if len(values) != self.slots:
                raise ValueError(f"{name} has {len(values)} values for {self.slots} half hours")
            for index, value in enumerate(values):
                if not math.isfinite(value):
                    raise ValueError(f"{name} is {value} at {self.time(index).isoformat()}")
        limit, must_run = self.site.import_limit_kw, self.site.must_run_kw
        if not (math.isfinite(limit) and math.isfinite(must_run) and must_run >= 0 and limit > 0):
            raise ValueError(
                f"import_limit_kw is {limit} and must_run_kw {must_run}; the one must be positive, the other not negative"
            )
        if len({job.id for job in self.jobs}) != len(self.jobs):
            raise ValueError("two jobs have the same id; each needs its own")

    def time(self, slot: int) -> datetime:
        """Start of half hour `slot`."""
        return self.start + slot * HALF_HOUR

    def slot_of(self, t: datetime) -> int:
        """Index of the half hour that holds `t`; may lie outside the grid."""
        return int((t - self.start) // HALF_HOUR)

    def limits_kw(self) -> tuple[float, ...]:
        """The most the site may draw in each half hour: its connection, lowered by commitments."""
        limits = [self.site.import_limit_kw] * self.slots
        for commitment in self.commitments:
            slot = self.slot_of(commitment.start)
            if 0 <= slot < self.slots:
                limits[slot] = min(limits[slot], commitment.site_max_kw)
        return tuple(limits)

    def floors_kw(self) -> tuple[float, ...]:
        """The least the site must draw in each half hour: nothing, raised by commitments to turn up."""
        floors = [0.0] * self.slots
        for commitment in self.commitments:
            slot = self.slot_of(commitment.start)
            if 0 <= slot < self.slots:
                floors[slot] = max(floors[slot], commitment.site_min_kw)
        return tuple(floors)

    def value_per_kwh(self) -> tuple[float, ...]:
        """What a kWh costs in each half hour, GBP: weighted energy price plus weighted carbon at its price."""
        carbon = self.carbon_price_gbp_per_tonne * self.carbon_weight / 1e6
        return tuple(
            self.money_weight * price / 1000 + carbon * grams
            for price, grams in zip(self.price_gbp_per_mwh, self.carbon_g_per_kwh, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Where a job may run: whole half hours [first, last) and the share of each it may use."""

    first: int
    shares: tuple[float, ...]
    work: float

    @property
    def room(self) -> float:
        """Half hours of running the window allows."""
        return sum(self.shares)


def window_of(problem: Problem, job: Job, *, merge: bool = True) -> Window:
    """The job's half hours inside the grid, with `work` in half hours at full power.

    With `merge`, arrival and deadline are moved inwards to whole half hours when the work still fits with a half hour to
    spare, so that many jobs share one window; otherwise the first and last half hour are usable in part, by the share
    inside the job's own window. Either way a plan never runs a job before its arrival or after its deadline.
    """
    end = problem.start + problem.slots * HALF_HOUR
    arrival, deadline = max(job.arrival, problem.start), min(job.deadline, end)
    inner = floor_half_hour(deadline) - ceil_half_hour(arrival)
    if merge and inner >= timedelta(seconds=job.duration_s) + HALF_HOUR:
        arrival, deadline = ceil_half_hour(arrival), floor_half_hour(deadline)
    first, last = problem.slot_of(arrival), problem.slot_of(ceil_half_hour(deadline))
    shares = [1.0] * max(0, last - first)
    if shares:  # only the outer half hours can lie partly outside the window
        shares[0] -= max(0.0, (arrival - problem.time(first)) / HALF_HOUR)
        shares[-1] -= max(0.0, (problem.time(last) - deadline) / HALF_HOUR)
        shares[0], shares[-1] = max(0.0, shares[0]), max(0.0, shares[-1])
    return Window(first, tuple(shares), job.duration_s / SLOT_S)


def remaining(problem: Problem, allocations: dict[str, tuple[tuple[int, float], ...]], *, slot: int) -> Problem:
    """The problem left when the plan in `allocations` has run up to half hour `slot`.

    Work done is taken off; a started job that may not be interrupted keeps its planned finish as its deadline.
    """
    start, jobs = problem.time(slot), []
    for job in problem.jobs:
        shares = allocations.get(job.id, ())
        left = job.duration_s - sum(share for at, share in shares if at < slot) * SLOT_S
        if left < DONE_S:
            continue
        started = left < job.duration_s - DONE_S
        deadline = job.deadline
        if started and not job.preemptible:
            deadline = min(deadline, problem.time(max(at for at, _ in shares) + 1))
        jobs.append(replace(job, arrival=max(job.arrival, start), deadline=deadline, duration_s=left))
    return replace(
        problem,
        jobs=tuple(jobs),
        start=start,
        slots=problem.slots - slot,
        price_gbp_per_mwh=problem.price_gbp_per_mwh[slot:],
        carbon_g_per_kwh=problem.carbon_g_per_kwh[slot:],
    )
