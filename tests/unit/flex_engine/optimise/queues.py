"""Small problems for the optimiser's tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from flex_engine.compute.job import Job
from flex_engine.optimise.problem import Commitment, Problem, SiteLimits

START = datetime(2026, 3, 2, tzinfo=UTC)
HALF = timedelta(minutes=30)


def job(
    name: str,
    first: float,
    last: float,
    work: float,
    kw: float = 10.0,
    *,
    preemptible: bool = True,
) -> Job:
    """A job of `work` half hours at `kw` in half hours [first, last), both counted from START."""
    return Job(
        id=name,
        arrival=START + first * HALF,
        deadline=START + last * HALF,
        duration_s=work * 1800,
        power_kw=kw,
        preemptible=preemptible,
    )


def problem(
    jobs: Sequence[Job],
    prices: Sequence[float],
    *,
    limit: float = 1000.0,
    must_run: float = 0.0,
    carbon: Sequence[float] | None = None,
    carbon_price: float = 0.0,
    commitments: Sequence[Commitment] = (),
) -> Problem:
    return Problem(
        jobs=tuple(jobs),
        site=SiteLimits(import_limit_kw=limit, must_run_kw=must_run),
        start=START,
        slots=len(prices),
        price_gbp_per_mwh=tuple(prices),
        carbon_g_per_kwh=tuple(carbon or [0.0] * len(prices)),
        carbon_price_gbp_per_tonne=carbon_price,
        commitments=tuple(commitments),
    )


def promise(slot: int, kw: float, order: str = "order-1") -> Commitment:
    return Commitment(order=order, start=START + slot * HALF, site_max_kw=kw)


@st.composite
def queues(draw: st.DrawFn, *, slots: int = 10, most: int = 5, rigid: bool = True) -> Problem:
    """Random feasible-looking queues: windows to the minute, work to the minute, prices that may be negative."""
    jobs = []
    for index in range(draw(st.integers(1, most))):
        arrival = draw(st.integers(0, (slots - 1) * 30 - 1))
        length = draw(st.integers(1, min(150, slots * 30 - arrival)))
        slack = draw(st.integers(0, slots * 30 - arrival - length))
        jobs.append(
            Job(
                id=f"j{index}",
                arrival=START + timedelta(minutes=arrival),
                deadline=START + timedelta(minutes=arrival + length + slack),
                duration_s=length * 60,
                power_kw=draw(st.integers(1, 50)) * 1.0,
                preemptible=draw(st.booleans()) if rigid else True,
            )
        )
    prices = [float(draw(st.integers(-50, 200))) for _ in range(slots)]
    carbon = [float(draw(st.integers(0, 300))) for _ in range(slots)]
    limit = float(draw(st.integers(20, 120)))
    return problem(jobs, prices, limit=limit, must_run=5.0, carbon=carbon, carbon_price=85.0)
