"""The only room with cvxpy: the plan as sparse matrices, solved by HiGHS.

Variables are shares of half hours: x for each class and half hour of its window, and a 0/1 choice of start for each job
that may not be interrupted. Every constraint is named in `Formulation`. It decides nothing about what to do with a status.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from flex_engine.optimise.classes import JobClass

FEASIBLE = 2  # HiGHS's kSolutionStatusFeasible


@dataclass(frozen=True, slots=True)
class Start:
    """One way to run a job without interruption: its shares by half hour from `first`, and its power."""

    job: int
    first: int
    shares: tuple[float, ...]
    power_kw: float


@dataclass(frozen=True, slots=True)
class Solved:
    """What the solver said. `profiles` per class and `chosen` index of the start per job; None and empty without a schedule.

    `bound` is the best possible objective of an integer programme, `prices` what a kW more in each half hour would save
    (GBP), `short` half hours of work left out by class, `excess` kW over the limits, `quantity` the turn-down in kW.
    """

    status: str
    objective: float
    bound: float | None
    profiles: list[list[float]] | None = None
    chosen: list[int] = field(default_factory=list)
    prices: list[float] = field(default_factory=list)
    short: list[float] = field(default_factory=list)
    excess: list[float] = field(default_factory=list)
    quantity: float = 0.0


class Formulation:
    """min value . load  subject to  work, capacity and one-start; elastic versions add priced slack to work or capacity."""

    def __init__(
        self,
        *,
        classes: Sequence[JobClass],
        starts: Sequence[Start],
        jobs: int,
        value: Sequence[float],
        room_kw: Sequence[float],
    ) -> None:
        self.classes, self.starts = classes, starts
        self.sizes = [len(group.window.shares) for group in classes]
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)]).astype(int)
        self.room = np.asarray(room_kw, dtype=float)
        self.value = np.asarray(value, dtype=float) * 0.5  # GBP per kW held for half an hour
        self.load_x, self.work, self.need = self.class_matrices(len(room_kw))
        self.load_s, self.once = self.start_matrices(len(room_kw), jobs)

    def class_matrices(self, slots: int) -> tuple[sp.csr_matrix, sp.csr_matrix, np.ndarray]:
        """(load by half hour, work by class, work needed) over the class variables."""
        columns = np.arange(self.offsets[-1])
        rows = np.concatenate(
            [np.zeros(0)]
            + [np.arange(g.window.first, g.window.first + n) for g, n in zip(self.classes, self.sizes, strict=True)]
        )
        owner = np.repeat(np.arange(len(self.classes)), self.sizes)
        power = np.repeat([g.power_kw for g in self.classes] or [0.0], self.sizes or [0])
        load = sp.csr_matrix((power, (rows.astype(int), columns)), shape=(slots, len(columns)))
        work = sp.csr_matrix((np.ones(len(columns)), (owner, columns)), shape=(len(self.classes), len(columns)))
        return load, work, np.array([g.window.work for g in self.classes])

    def start_matrices(self, slots: int, jobs: int) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """(load by half hour, starts by job) over the start variables."""
        rows, columns, values = [], [], []
        for index, start in enumerate(self.starts):
            for offset, share in enumerate(start.shares):
                rows.append(start.first + offset)
                columns.append(index)
                values.append(share * start.power_kw)
        load = sp.csr_matrix((values, (rows, columns)), shape=(slots, len(self.starts)))
        owner = [start.job for start in self.starts]
        once = sp.csr_matrix((np.ones(len(owner)), (owner, range(len(owner)))), shape=(jobs, len(owner)))
        return load, once

    def solve(
        self,
        *,
        whole: bool = True,
        elastic: str = "",
        turn_down: tuple[int, int, Sequence[float]] | None = None,
        time_limit_s: float = 30.0,
    ) -> Solved:
        """Solve. `whole` False relaxes starts to fractions; `elastic` is "work" or "capacity"; `turn_down` = (first, last,
        reference kW) maximises a constant power under the reference in those half hours instead of minimising cost."""
        import cvxpy as cp  # takes over a second: when something is solved, not when a worker starts

        if not self.offsets[-1] and not self.starts:
            return self.idle(turn_down)
        x, s = self.variables(whole)
        load: Any = np.zeros(len(self.room))
        for matrix, variable in ((self.load_x, x), (self.load_s, s)):
            load = load + matrix @ variable if variable is not None else load
        short = cp.Variable(len(self.classes), nonneg=True) if elastic == "work" and self.classes else None
        excess = cp.Variable(len(self.room), nonneg=True) if elastic == "capacity" else None
        quantity: Any = cp.Variable(nonneg=True) if turn_down is not None else None
        capacity = load <= (self.room if excess is None else self.room + excess)
        limits = [capacity]
        if x is not None:
            limits.append(self.work @ x + (0 if short is None else short) == self.need)
        if s is not None:
            limits.append(self.once @ s == 1)
        goal = self.value @ load
        if turn_down is not None:
            first, last, reference = turn_down
            limits.append(load[first:last] + quantity <= np.asarray(reference)[first:last])
            goal = -quantity
        elif short is not None:
            goal = cp.sum(cp.multiply(np.array([group.power_kw for group in self.classes]), short))
        elif excess is not None:
            goal = cp.sum(excess)
        said = run(cp.Problem(cp.Minimize(goal), limits), time_limit_s=time_limit_s)
        if not said.found:
            return Solved(said.status, 0.0, None)
        return Solved(
            status=said.status,
            objective=said.objective,
            bound=said.bound if s is not None and whole else None,
            profiles=self.profiles(x),
            chosen=self.chosen(s),
            prices=listed(capacity.dual_value),
            short=listed(short),
            excess=listed(excess),
            quantity=float(quantity.value) if quantity is not None else 0.0,
        )

    def variables(self, whole: bool) -> tuple[Any, Any]:
        """(shares of class half hours within their windows, choices of start); None where there is nothing to decide."""
        import cvxpy as cp

        x = s = None
        if self.offsets[-1]:
            upper = np.concatenate([np.asarray(group.window.shares) for group in self.classes])
            x = cp.Variable(len(upper), bounds=[np.zeros(len(upper)), upper])
        if self.starts:
            s = cp.Variable(len(self.starts), boolean=True) if whole else cp.Variable(len(self.starts), bounds=[0, 1])
        return x, s

    def idle(self, turn_down: tuple[int, int, Sequence[float]] | None) -> Solved:
        """No work at all: nothing to decide, and the turn-down is what the reference holds."""
        if self.once.shape[0] or (self.room < -1e-9).any():
            return Solved("infeasible", 0.0, None)
        reference = turn_down[2][turn_down[0] : turn_down[1]] if turn_down else [0.0]
        nothing: list[list[float]] = [[] for _ in self.classes]
        return Solved("optimal", 0.0, None, nothing, prices=[0.0] * len(self.room), quantity=max(0.0, min(reference)))

    def profiles(self, x: Any) -> list[list[float]]:
        """Shares by class."""
        values = x.value if x is not None else np.zeros(0)
        return [values[a:b].tolist() for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]

    def chosen(self, s: Any) -> list[int]:
        """Index of the likeliest start of each job."""
        if s is None:
            return []
        # starts stand in order of their jobs, so each job's are one slice
        edges = np.searchsorted([start.job for start in self.starts], range(self.once.shape[0] + 1)).tolist()
        return [first + int(np.argmax(s.value[first:last])) for first, last in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Said:
    """HiGHS's verdict. `found` is whether the variables hold a feasible solution: a limit can stop it without one."""

    status: str
    found: bool = False
    objective: float = 0.0
    bound: float | None = None


def run(problem: Any, *, time_limit_s: float) -> Said:
    """Call HiGHS."""
    import cvxpy as cp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cvxpy warns of inaccuracy; the independent checker is what judges a plan
        try:
            problem.solve(solver=cp.HIGHS, time_limit=time_limit_s)
        except cp.SolverError as failure:
            return Said(f"solver_error: {failure}")
    info = getattr(problem.solver_stats, "extra_stats", None)
    feasible = getattr(info, "primal_solution_status", FEASIBLE) == FEASIBLE
    if not feasible or problem.value is None or any(one.value is None for one in problem.variables()):
        return Said(str(problem.status))
    bound = getattr(info, "mip_dual_bound", None)
    return Said(
        status=str(problem.status),
        found=True,
        objective=float(problem.value),
        bound=float(bound) if bound is not None and np.isfinite(bound) else None,
    )


def listed(values: Any) -> list[float]:
    """A vector, a variable's value or nothing, as a list."""
    values = getattr(values, "value", values)
    return [] if values is None else np.atleast_1d(np.asarray(values, dtype=float)).tolist()
