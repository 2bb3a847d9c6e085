"""All policies under one name each, beside the planner: a problem in, a plan out. For benchmarks and comparisons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flex_engine.optimise.fifo import fifo
from flex_engine.optimise.peers.dispatch import dispatch
from flex_engine.optimise.peers.naive import naive
from flex_engine.optimise.peers.pausing import DAY, threshold, wait_awhile
from flex_engine.optimise.peers.rolling import rolling
from flex_engine.optimise.peers.starting import carbon_time, lowest_slot, lowest_window, wait_awhile_uninterrupted
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan, solve

Scheduler = Callable[[Problem], Plan]


def policies(*, day: int = DAY) -> dict[str, Scheduler]:
    """The published policies by name, fastest first. `day` is how many half hours of the plan make 24 hours.

    >>> list(policies())[:3]
    ['as soon as possible', 'lowest slot', 'carbon-time']
    """
    published = {
        "lowest slot": lowest_slot,
        "carbon-time": carbon_time,
        "lowest window": lowest_window,
        "wait awhile, uninterrupted": wait_awhile_uninterrupted,
        "threshold": threshold(day),
        "wait awhile": wait_awhile,
    }
    found: dict[str, Scheduler] = {"as soon as possible": fifo}
    for name, policy in published.items():
        found[name] = partial(dispatch, policy=policy, name=name)
    return found


def schedulers(*, day: int = DAY) -> dict[str, Scheduler]:
    """Everything that makes a plan of a problem: the policies, planning again on each arrival, the naive model, ours."""
    return policies(day=day) | {"rolling, no reserve": rolling, "naive cvxpy": naive, "planner": solve}
