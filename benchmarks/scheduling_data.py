"""The workloads of benchmarks.scheduling, from the reference data: the papers' own queues on the papers' own signals.

All are problems for the planner in carbon alone: 1,000 GBP a tonne and no energy price, so that a kWh at 1 g costs 0.1 p.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from flex_engine.compute.job import Job
from flex_engine.optimise.problem import Problem, SiteLimits
from flex_engine.timegrid import HALF_HOUR

FOLDER = Path(os.environ.get("CACO_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
CARBON_PRICE = 1000.0
WIDE = 1e9  # kW that nobody reaches
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def hash_of(*arrays: Sequence[float] | Ints | Floats) -> str:
    """Twelve digits that change when any number does."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype=float).tobytes())
    return digest.hexdigest()[:12]


@cache
def table(name: str) -> tuple[tuple[str, ...], ...]:
    """Rows of a CSV of the reference data, without its heading."""
    with gzip.open(FOLDER / name, "rt") as file:
        return tuple(tuple(row) for row in csv.reader(file))[1:]


def queue(
    start: datetime, first: Ints, work: Ints, last: Ints, kw: Floats, *, preemptible: bool, tiers: Sequence[str] = ()
) -> tuple[Job, ...]:
    """Jobs from half hours [first, last) of a plan that begins at `start`."""
    return tuple(
        Job(
            id=f"{index:06d}",
            arrival=start + int(a) * HALF_HOUR,
            deadline=start + int(d) * HALF_HOUR,
            duration_s=float(p) * 1800,
            power_kw=float(k),
            preemptible=preemptible,
            tier=tiers[index] if len(tiers) else "BATCH",
        )
        for index, (a, p, d, k) in enumerate(zip(first, work, last, kw, strict=True))
    )


def problem(jobs: tuple[Job, ...], start: datetime, carbon: Floats, limit_kw: float) -> Problem:
    """Carbon alone, under one limit."""
    return Problem(
        jobs=jobs,
        site=SiteLimits(import_limit_kw=limit_kw, must_run_kw=0.0),
        start=start,
        slots=len(carbon),
        price_gbp_per_mwh=(0.0,) * len(carbon),
        carbon_g_per_kwh=tuple(carbon.tolist()),
        carbon_price_gbp_per_tonne=CARBON_PRICE,
    )


# W1: Let's Wait Awhile, scenario II: 3,387 jobs of 4 to 90 hours that arrive on workdays of 2020, 09:00 to 17:00.
YEAR = datetime(2020, 1, 1, tzinfo=UTC)
LWA_JOBS, LWA_SEED = 3387, 0


def lwa_carbon() -> Floats:
    """The paper's own GB series from 2020-01-01, half-hourly."""
    rows = table("gb_ci_lwa2020_halfhourly_entsoe_ipcc.csv.gz")
    return np.array([float(value) for moment, value in rows if moment >= "2020-01-01"])


def lwa_queue() -> tuple[Ints, Ints]:
    """(arrival, work) in half hours. Drawn in the paper's order from its seed: jobs a workday by one multinomial, sorted
    arrivals day by day, then all durations."""
    rng = np.random.default_rng(LWA_SEED)
    days = [day for day in range(366) if (YEAR + timedelta(days=day)).weekday() < 5]
    counts = rng.multinomial(LWA_JOBS, [1 / len(days)] * len(days))
    arrivals = [
        day * 48 + np.sort(rng.choice(np.arange(18, 34), size=count)) for day, count in zip(days, counts, strict=True)
    ]
    return np.concatenate(arrivals), rng.choice(np.arange(8, 180), size=LWA_JOBS)


def lwa_deadline(ends: int, rule: str) -> int:
    """When a job that would end at half hour `ends` must be done: the next working morning at nine if that is out of hours,
    or the next Monday or Thursday morning at nine; as the paper looks ahead, with the half hour that begins then."""
    at = YEAR + ends * HALF_HOUR
    nine = at.replace(hour=9, minute=0)
    minutes = at.hour * 60 + at.minute
    days = 0
    if rule == "next workday":
        if at.weekday() < 5 and 540 <= minutes <= 1020:
            return ends + 1
        days = 2 if at.weekday() == 5 else 1 if at.weekday() == 6 or minutes > 1020 else 0
    elif rule == "semi-weekly":
        since_monday = at.weekday() * 1440 + minutes
        thursday = 540 < since_monday <= 3 * 1440 + 540
        days = ((3 if thursday else 0) - at.weekday()) % 7
    return int((nine + timedelta(days=days) - YEAR) / HALF_HOUR) + 1


def lwa(rule: str, *, preemptible: bool) -> tuple[Problem, str]:
    """(problem, data hash) of one of the paper's four configurations; the site has room for everything."""
    carbon = lwa_carbon()
    first, work = lwa_queue()
    last = np.array([lwa_deadline(int(end), rule) for end in first + work])
    jobs = queue(YEAR, first, work, last, np.ones(len(first)), preemptible=preemptible)
    return problem(jobs, YEAR, carbon, WIDE), hash_of(carbon, first, work, last)


# W2: GAIA's thousand jobs of Alibaba PAI on GB carbon from 2022-10-26 16:00, in slots of five minutes. One slot is a half hour
# of the plan: time is stretched by six, which changes no share of anything.
FIVE_MINUTES = 6
GAIA_START = datetime(2022, 10, 26, 16, tzinfo=UTC)
GAIA_DAY = 288


def gaia(limit_kw: float) -> tuple[Problem, str]:
    """(problem, data hash): jobs under two hours may wait six hours, the others a day; one kW a CPU."""
    hours = [float(row[1]) for row in table("gb_bench_hourly_2021_2024_joined.csv.gz") if row[0] >= f"{GAIA_START}"]
    rows = np.array([[float(cell) for cell in row] for row in table("gaia_pai_1k_seconds.csv.gz")])
    first = np.floor(rows[:, 0] / 300).astype(int)
    work = np.maximum(1, np.round(rows[:, 1] / 300)).astype(int)
    short = rows[:, 1] < 7200
    last = first + work + np.where(short, 72, 288)
    carbon = np.repeat(hours[: 1 + last.max() // 12], 12)
    tiers = ["SHORT" if one else "LONG" for one in short]
    jobs = queue(GAIA_START, first, work, last, rows[:, 2], preemptible=True, tiers=tiers)
    return problem(jobs, GAIA_START, carbon, limit_kw), hash_of(carbon, first, work, last, rows[:, 2])


# W3: weeks of N jobs drawn from the 100,000 of Alibaba PAI, on a GB week.
WEEK_START = datetime(2022, 3, 7, tzinfo=UTC)
WEEK = 336


def pai_week(
    count: int, *, seed: int = 1, share_of_peak: float = 1.0, preemptible: bool = True, whole: bool = True
) -> tuple[Problem, str]:
    """(problem, data hash) of `count` jobs, the year's arrivals folded into one week; a job of at most two hours may wait six
    hours, the others a day; the limit is a share of the peak when all run at once. `whole` rounds work to half hours."""
    trace = pyarrow.parquet.read_table(FOLDER / "trace_jobs_pai_100k.parquet")
    arrivals, hours, cpus = (trace[name].to_numpy() for name in ("arrival_h", "length_h", "cpus"))
    drawn = np.random.default_rng(seed).choice(len(hours), count, replace=count > len(hours))
    work = np.clip(hours[drawn] * 2, 1 / 60, WEEK - 1)
    slots = np.maximum(1, np.round(work) if whole else np.ceil(work)).astype(int)
    first = np.minimum(np.floor((arrivals[drawn] % 168) * 2).astype(int), WEEK - slots)
    last = np.minimum(WEEK, first + slots + np.where(hours[drawn] <= 2, 12, 48))
    kw = cpus[drawn].astype(float)
    steps = np.bincount(first, kw, WEEK + 1) - np.bincount(first + slots, kw, WEEK + 1)
    limit = share_of_peak * float(np.cumsum(steps).max())
    rows = [float(row[1]) for row in table("gb_bench_hourly_2021_2024_joined.csv.gz") if row[0] >= f"{WEEK_START}"]
    carbon = np.repeat(rows[: WEEK // 2], 2)
    done = slots.astype(float) if whole else np.round(work * 1800) / 1800
    jobs = queue(WEEK_START, first, done, last, kw, preemptible=preemptible)
    return problem(jobs, WEEK_START, carbon, limit), hash_of(carbon, first, done, last, kw)
