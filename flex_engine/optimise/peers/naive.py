"""The linear programme as one would first write it: a variable for each job, a constraint for each job and half hour.

The same optimum as the planner's for interruptible work; it is here to show what the planner's form of it saves.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

import numpy as np

from flex_engine.optimise.classes import aggregate, disaggregate
from flex_engine.optimise.problem import Problem, window_of
from flex_engine.optimise.solve import Plan, finished


def naive(problem: Problem) -> Plan:
    """Solve by cvxpy, one variable a job. Raises ValueError when a job may not be interrupted, or there is no plan."""
    import cvxpy as cp

    if not all(job.preemptible for job in problem.jobs):
        raise ValueError("the naive model knows interruptible jobs only")
    begun = time.perf_counter()
    value, limits = problem.value_per_kwh(), problem.limits_kw()
    load: list[list[object]] = [[] for _ in range(problem.slots)]
    constraints, goal, variables = [], [], []
    for job in problem.jobs:
        window = window_of(problem, job, merge=False)
        x = cp.Variable(len(window.shares), nonneg=True)
        variables.append(x)
        constraints.append(cp.sum(x) == window.work)
        for i, share in enumerate(window.shares):
            constraints.append(x[i] <= share)
            load[window.first + i].append(job.power_kw * x[i])
            goal.append(job.power_kw * value[window.first + i] / 2 * x[i])
    for slot, terms in enumerate(load):
        if terms:
            constraints.append(cp.sum(cp.hstack(terms)) <= limits[slot] - problem.site.must_run_kw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cvxpy says that this is no way to write it; that is the point
        said = cp.Problem(cp.Minimize(cp.sum(cp.hstack(goal))), constraints)
        said.solve(solver=cp.HIGHS)
    if said.status != "optimal":
        raise ValueError(f"the naive model has no plan: {said.status}")
    one_each = [group for job in problem.jobs for group in aggregate(problem, [job], merge=False)]
    allocations = disaggregate(one_each, [np.asarray(x.value).tolist() for x in variables])
    plan = finished(problem, allocations, gap=0.0, solver="cvxpy, one variable a job")
    return replace(plan, solve_s=time.perf_counter() - begun)
