"""W2: GAIA's thousand jobs under no limit and under 60, 48 (the peak when all run at once) and 40 CPUs."""

from __future__ import annotations

from functools import partial

from benchmarks.scheduling_data import GAIA_DAY, WIDE, gaia, pai_week
from benchmarks.scheduling_rows import Row, faults_of, peak_mb, timed
from flex_engine.optimise.peers.registry import policies, schedulers
from flex_engine.optimise.solve import solve

OPTIMA = {WIDE: 28.77, 60.0: 27.71, 48.0: 25.98, 40.0: 24.20}  # % saved, by min-cost flow
PUBLISHED = {  # % saved with no limit, by GAIA's own simulator on the same series
    "lowest slot": 16.3,
    "carbon-time": 19.2,
    "lowest window": 20.5,
    "wait awhile, uninterrupted": 24.4,
    "threshold": 20.1,
    "wait awhile": 28.8,
}
PRACTICAL = ("lowest slot", "carbon-time", "lowest window", "threshold")  # those that need not know a job's length
ADVANTAGE = 1.25


def w2(*, rolling: bool = False) -> list[Row]:
    """Each policy and the planner under each limit. Saved is against running at once without a limit."""
    solve(pai_week(10, share_of_peak=0.6)[0])  # loads cvxpy
    wide, data = gaia(WIDE)
    at_once = policies()["as soon as possible"](wide).carbon_kg
    rows = []
    for limit, optimum in OPTIMA.items():
        problem, _ = gaia(limit)
        cap = "no limit" if limit == WIDE else f"{limit:.0f} CPUs"
        chosen = policies(day=GAIA_DAY)
        if rolling and limit == 48.0:
            chosen |= {"rolling, no reserve": schedulers()["rolling, no reserve"]}
        best = 0.0
        for name, scheduler in chosen.items():
            plan, wall, cpu = timed(partial(scheduler, problem))
            saved, faults = 100 * (1 - plan.carbon_kg / at_once), len(plan.unplanned)
            published = PUBLISHED.get(name) if limit == WIDE else None
            best = max(best, saved) if name in PRACTICAL and not faults else best
            held = "published" if published else "late jobs as faults"
            near = published is None or abs(saved - published) < 0.2
            rows.append(
                Row(f"W2 {cap}", f"{name}, % saved", saved, held, published, wall, cpu, faults, None, data, near)
            )
        plan, wall, cpu = timed(partial(solve, problem))
        saved, faults = 100 * (1 - plan.carbon_kg / at_once), faults_of(problem, plan)
        exact = round(saved, 2) == optimum and not faults and plan.gap == 0.0
        rows.append(
            Row(f"W2 {cap}", "planner, % saved", saved, "optimum", optimum, wall, cpu, faults, None, data, exact)
        )
        if limit == 48.0:
            passed = saved >= ADVANTAGE * best
            rows.append(Row(f"W2 {cap}", "planner, % saved", saved, "best practical, on time", best, wall, cpu, faults, None, data, passed, peak_mb()))  # fmt: skip
    return rows
