"""Do all ways to plan agree, on problems small enough to try every schedule there is?

    .venv/bin/python -m benchmarks.optimisers --problems 5000

Each random problem has up to four jobs of one kilowatt on six half hours under a limit of whole kilowatts, so that some best
schedule runs whole half hours and brute force can find it. Held against it: the planner, its windows merged, its linear
relaxation, prices and rounding with their bound, the limits ignored, and the naive model. Prints what was counted, and exits
with 1 if anything disagreed.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter

from flex_engine.compute.job import Job
from flex_engine.optimise.cheapest import bound_gbp
from flex_engine.optimise.checker import check
from flex_engine.optimise.classes import aggregate
from flex_engine.optimise.peers.naive import naive
from flex_engine.optimise.problem import Problem, SiteLimits
from flex_engine.optimise.solve import NoPlanError, Plan, priced, solve, solve_fitting
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 3, 2, tzinfo=UTC)
SLOTS = 6
SAME = 1e-7
FOUND = {"OPTIMAL", "FEASIBLE"}


def a_problem(rng: random.Random) -> Problem:
    """A random one; prices are whole and often equal, and may be negative."""
    jobs = []
    for index in range(rng.randint(1, 4)):
        first = rng.randint(0, SLOTS - 1)
        last = rng.randint(first + 1, SLOTS)
        jobs.append(
            Job(
                id=f"j{index}",
                arrival=START + first * HALF_HOUR,
                deadline=START + last * HALF_HOUR,
                duration_s=1800 * rng.randint(1, last - first),
                power_kw=1.0,
                preemptible=rng.random() < 0.5,
            )
        )
    return Problem(
        jobs=tuple(jobs),
        site=SiteLimits(import_limit_kw=float(rng.randint(1, 3)), must_run_kw=0.0),
        start=START,
        slots=SLOTS,
        price_gbp_per_mwh=tuple(float(rng.randint(-2, 9) * 10) for _ in range(SLOTS)),
        carbon_g_per_kwh=(0.0,) * SLOTS,
    )


def ways(problem: Problem, job: Job) -> Iterator[tuple[int, ...]]:
    """Every set of whole half hours that does the job."""
    first, last = problem.slot_of(job.arrival), problem.slot_of(job.deadline)
    work = round(job.duration_s / 1800)
    if job.preemptible:
        yield from itertools.combinations(range(first, last), work)
    else:
        yield from (tuple(range(at, at + work)) for at in range(first, last - work + 1))


def brute_force(problem: Problem) -> float | None:
    """The least cost in GBP of any schedule; None when there is none."""
    limit, best = int(problem.site.import_limit_kw), None
    value = [price / 2000 for price in problem.price_gbp_per_mwh]
    for chosen in itertools.product(*(ways(problem, job) for job in problem.jobs)):
        load = Counter(itertools.chain.from_iterable(chosen))
        if max(load.values()) <= limit:
            cost = sum(value[slot] * kw for slot, kw in load.items())
            best = cost if best is None else min(best, cost)
    return best


def wrong_in(problem: Problem, best: float | None) -> list[str]:
    """Names of what disagrees with brute force."""
    soft = [job for job in problem.jobs if job.preemptible]
    rigid = [job for job in problem.jobs if not job.preemptible]
    plan = solve(problem)
    wrong = []
    if (plan.status in FOUND) != (best is not None) or plan.status == "FAILED":
        wrong.append("planner: feasible or not")
    if best is None:
        return wrong
    wrong += ["planner: cost"] if abs(plan.cost_gbp - best) > SAME else []
    wrong += ["planner: faults"] if check(problem, plan) else []
    wrong += ["limits ignored: bound"] if bound_gbp(problem) > best + SAME else []
    try:
        merged = solve_fitting(problem, merge=True, time_limit_s=30)
        wrong += judged("merged", problem, merged, best, exact=True)
    except NoPlanError:
        wrong.append("merged: no plan")
    if rigid:
        fast = priced(problem, aggregate(problem, soft, merge=False), rigid, merge=False, time_limit_s=30)
        wrong += judged("priced", problem, fast, best, exact=False) if fast else []
    if not rigid:
        wrong += ["naive: cost"] if abs(naive(problem).cost_gbp - best) > SAME else []
    return wrong


def judged(name: str, problem: Problem, plan: Plan, best: float, *, exact: bool) -> list[str]:
    """Faults, a cost below what is possible, or a gap that the plan does not keep."""
    wrong = [f"{name}: faults"] if check(problem, plan) else []
    wrong += [f"{name}: cheaper than anything"] if plan.cost_gbp < best - SAME else []
    wrong += [f"{name}: cost"] if exact and plan.cost_gbp > best + SAME else []
    told = (plan.gap or 0.0) * max(1e-9, abs(plan.cost_gbp))
    return wrong + ([f"{name}: gap"] if plan.cost_gbp - best > told + SAME else [])


def campaign(problems: int, seed: int) -> Counter[str]:
    """Counts of feasible and infeasible problems, and of each disagreement."""
    told: Counter[str] = Counter()
    for number in range(problems):
        problem = a_problem(random.Random(seed + number))
        best = brute_force(problem)
        told["infeasible" if best is None else "feasible"] += 1
        for name in wrong_in(problem, best):
            told[f"WRONG {name}"] += 1
            print(f"seed {seed + number}: {name}")
    return told


def main() -> int:
    """Print the counts; 1 if anything disagreed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun = perf_counter()
    told = campaign(asked.problems, asked.seed)
    print(f"{asked.problems} problems from seed {asked.seed} in {perf_counter() - begun:.0f} s")
    for name, count in sorted(told.items()):
        print(f"  {name:40} {count}")
    return int(any(name.startswith("WRONG") for name in told))


if __name__ == "__main__":
    sys.exit(main())
