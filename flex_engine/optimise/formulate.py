"""The only room with cvxpy: the plan as sparse matrices, solved by HiGHS.

Variables are shares of half hours: x for each class and half hour of its window, and a 0/1 choice of start for each job
that may not be interrupted. Every constraint is named in `Formulation`. It decides nothing about what to do with a status.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
import scipy.sparse as sp

from flex_engine.optimise.classes import JobClass


@dataclass(frozen=True, slots=True)
class Start:
    """One way to run a job without interruption: its shares by half hour from `first`, and its power."""

    job: int
    first: int
    shares: tuple[float, ...]
    power_kw: float


@dataclass(frozen=True, slots=True)
class Solved:
    """What the solver said. `profiles` per class, `chosen` index of the start per job, `bound` the best possible objective."""

    status: str
    objective: float
    bound: float | None
    profiles: list[list[float]]
    chosen: list[int]
    short: list[float]
    excess: list[float]
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
            [np.arange(g.window.first, g.window.first + n) for g, n in zip(self.classes, self.sizes, strict=True)]
            or [[]]
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
        upper = np.concatenate([np.asarray(g.window.shares) for g in self.classes]) if self.classes else np.zeros(0)
        if not len(upper) and not self.starts:
            return self.idle(turn_down)
        x = cp.Variable(len(upper), bounds=[np.zeros(len(upper)), upper]) if len(upper) else None
        s = None
        if self.starts:
            s = cp.Variable(len(self.starts), boolean=True) if whole else cp.Variable(len(self.starts), bounds=[0, 1])
        short = cp.Variable(len(self.classes), nonneg=True) if elastic == "work" and self.classes else None
        excess = cp.Variable(len(self.room), nonneg=True) if elastic == "capacity" else None
        flexible = sum(
            (m @ v for m, v in ((self.load_x, x), (self.load_s, s)) if v is not None), np.zeros(len(self.room))
        )
        limits = []
        if x is not None:
            limits.append(self.work @ x + (short if short is not None else 0) == self.need)
        if s is not None:
            limits.append(self.once @ s == 1)
        limits.append(flexible <= self.room + (excess if excess is not None else 0))
        goal: Any = self.value @ flexible if x is not None or s is not None else cp.Constant(0.0)
        quantity = None
        if turn_down is not None:
            first, last, reference = turn_down
            quantity = cp.Variable(nonneg=True)
            limits.append(flexible[first:last] + quantity <= np.asarray(reference)[first:last])
            goal = -quantity
        if short is not None:
            goal = cp.sum(cp.multiply(np.array([g.power_kw for g in self.classes]), short))
        if excess is not None:
            goal = cp.sum(excess)
        return self.run(
            cp.Problem(cp.Minimize(goal), limits),
            x=x,
            s=s,
            short=short,
            excess=excess,
            quantity=quantity,
            time_limit_s=time_limit_s,
        )

    def idle(self, turn_down: tuple[int, int, Sequence[float]] | None) -> Solved:
        """No work at all: nothing to decide, and the turn-down is what the reference holds."""
        reference = turn_down[2][turn_down[0] : turn_down[1]] if turn_down else [0.0]
        feasible = bool((self.room >= -1e-9).all())
        status = "optimal" if feasible else "infeasible"
        return Solved(status, 0.0, 0.0, [], [], [], [], quantity=max(0.0, min(reference)))

    def run(
        self, problem: Any, *, x: Any, s: Any, short: Any, excess: Any, quantity: Any, time_limit_s: float
    ) -> Solved:
        """Call HiGHS and unpack what it said."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cvxpy warns of inaccuracy; the independent checker is what judges a plan
            try:
                problem.solve(solver=cp.HIGHS, time_limit=time_limit_s)
            except cp.SolverError as failure:
                return Solved(f"solver_error: {failure}", 0.0, None, [], [], [], [])
        if (x is not None and x.value is None) or (s is not None and s.value is None):
            return Solved(str(problem.status), 0.0, None, [], [], [], [])
        values = x.value if x is not None else np.zeros(0)
        profiles = [values[a:b].tolist() for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]
        chosen = []
        if s is not None:
            weight = self.once.multiply(s.value[None, :]).tocsr()
            chosen = [
                int(weight.getrow(row).indices[np.argmax(weight.getrow(row).data)]) for row in range(self.once.shape[0])
            ]
        info = getattr(problem.solver_stats, "extra_stats", None)
        bound = (
            getattr(info, "mip_dual_bound", None)
            if s is not None and len(s.attributes) and s.attributes.get("boolean")
            else None
        )
        return Solved(
            status=str(problem.status),
            objective=float(problem.value),
            bound=float(bound) if bound is not None and np.isfinite(bound) else None,
            profiles=profiles,
            chosen=chosen,
            short=short.value.tolist() if short is not None else [],
            excess=excess.value.tolist() if excess is not None else [],
            quantity=float(quantity.value) if quantity is not None else 0.0,
        )
