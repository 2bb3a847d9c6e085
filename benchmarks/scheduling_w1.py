"""W1: the four configurations of Let's Wait Awhile whose means its authors' simulator gives for GB 2020."""

from __future__ import annotations

from functools import partial

from benchmarks.scheduling_data import LWA_SEED, lwa
from benchmarks.scheduling_rows import Row, faults_of, peak_mb, timed
from flex_engine.optimise.peers.registry import policies
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan, solve

PUBLISHED = {  # gCO2e/kWh
    ("next workday", True): 196.24,
    ("next workday", False): 201.98,
    ("semi-weekly", True): 172.94,
    ("semi-weekly", False): 184.30,
}


def mean_g(problem: Problem, plan: Plan) -> float:
    """Mean intensity of the energy used, gCO2e/kWh."""
    return plan.carbon_kg * 1000 / sum(job.energy_kwh for job in problem.jobs)


def w1() -> list[Row]:
    """The planner and the paper's policy for each configuration, and running at once."""
    rows = []
    for (rule, pausing), published in PUBLISHED.items():
        problem, data = lwa(rule, preemptible=pausing)
        name = "wait awhile" if pausing else "wait awhile, uninterrupted"
        for who, scheduler in (("planner", solve), (name, policies()[name])):
            plan, wall, cpu = timed(partial(scheduler, problem))
            found, faults = mean_g(problem, plan), faults_of(problem, plan)
            what = f"{rule}, {'pausing' if pausing else 'whole'}: {who}, g/kWh"
            passed = round(found, 2) == published and faults == 0
            rows.append(
                Row("W1 LWA 3,387", what, found, "published", published, wall, cpu, faults, LWA_SEED, data, passed)
            )
    plan, wall, cpu = timed(partial(policies()["as soon as possible"], problem))
    rows.append(
        Row("W1 LWA 3,387", "at once, g/kWh", mean_g(problem, plan), "", None, wall, cpu, faults_of(problem, plan), LWA_SEED, data, True, peak_mb())
    )  # fmt: skip
    return rows
