"""The only room with cvxpy: the plan as sparse matrices, solved by HiGHS.

Variables are shares of half hours: x for each class and half hour of its window, and a 0/1 choice of start for each job
that may not be interrupted. The constraints are named in `Formulation.constraints`: capacity, floor, work, once and move.
It decides nothing about what to do with a status.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from flex_engine.optimise.classes import JobClass
from flex_engine.settle.delivery import Direction

FEASIBLE = 2  # HiGHS's kSolutionStatusFeasible
DEAREST = 100.0  # what the dearest half hour is scaled to inside HiGHS, whose tolerances are absolute


@dataclass(frozen=True, slots=True)
class Start:
    """One way to run a job without interruption: its shares by half hour from `first`, and its power."""

    job: int
    first: int
    shares: tuple[float, ...]
    power_kw: float


@dataclass(frozen=True, slots=True)
class Move:
    """A constant power under (REDUCE) or over (INCREASE) `reference_kw` in half hours [first, last), as large as can be.

    `reference_kw` is in the load of jobs, like room_kw, and has one value for every half hour of the plan.
    """

    first: int
    last: int
    reference_kw: Sequence[float]
    direction: Direction = "REDUCE"

    @property
    def within_kw(self) -> np.ndarray:
        """The reference of the half hours moved."""
        return np.asarray(self.reference_kw, dtype=float)[self.first : self.last]

    def idle_kw(self) -> float:
        """The most there is where no job runs at all."""
        way = 1.0 if self.direction == "REDUCE" else -1.0
        return max(0.0, float((way * self.within_kw).min()))


@dataclass(frozen=True, slots=True)
class Slack:
    """What an elastic version may break, at a price: work left out by class, kW over limits, kW under floors."""

    short: Any = None
    excess: Any = None
    lack: Any = None


@dataclass(frozen=True, slots=True)
class Solved:
    """What the solver said. `profiles` per class and `chosen` index of the start per job; None and empty without a schedule.

    `bound` is the best possible objective of an integer programme, `prices` what a kW more load would cost in each half
    hour beyond its energy (GBP): what it takes from the limit less what it gives to the floor. `short` half hours of work
    left out by class, `excess` kW over the limits, `lack` kW under the floors, `quantity` the kW moved.
    """

    status: str
    objective: float
    bound: float | None
    profiles: list[list[float]] | None = None
    chosen: list[int] = field(default_factory=list)
    prices: list[float] = field(default_factory=list)
    short: list[float] = field(default_factory=list)
    excess: list[float] = field(default_factory=list)
    lack: list[float] = field(default_factory=list)
    quantity: float = 0.0


@dataclass(frozen=True, slots=True)
class Built:
    """A problem as cvxpy holds it: the parameters, the variables and the named constraints."""

    problem: Any
    value: Any
    room: Any
    x: Any
    s: Any
    slack: Slack
    quantity: Any
    named: dict[str, Any]


class Formulation:
    """min value . load  subject to  work, capacity, floors and one start a job; elastic versions add priced slack.

    `room_kw` and `floor_kw` bound the load of jobs in each half hour; no floor where it is None.
    """

    def __init__(
        self,
        *,
        classes: Sequence[JobClass],
        starts: Sequence[Start],
        jobs: int,
        value: Sequence[float],
        room_kw: Sequence[float],
        floor_kw: Sequence[float] | None = None,
    ) -> None:
        self.classes, self.starts = classes, starts
        self.sizes = [len(group.window.shares) for group in classes]
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)]).astype(int)
        self.room = np.asarray(room_kw, dtype=float)
        self.floor = np.zeros(len(room_kw)) if floor_kw is None else np.asarray(floor_kw, dtype=float)
        self.held = np.flatnonzero(self.floor > 0)  # the half hours with a floor to keep
        self.value = np.asarray(value, dtype=float) * 0.5  # GBP per kW held for half an hour
        self.load_x, self.work, self.need = self.class_matrices(len(room_kw))
        self.load_s, self.once = self.start_matrices(len(room_kw), jobs)
        self.kept: Built | None = None

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
        move: Move | None = None,
        time_limit_s: float = 30.0,
    ) -> Solved:
        """Solve. `whole` False relaxes starts to fractions; `elastic` is "work" or "capacity" (which lets floors go too);
        `move` makes its power as large as it can be instead of minimising cost."""
        if not self.offsets[-1] and not self.starts:
            return self.idle(move, elastic)
        integer = whole and bool(self.starts)
        if elastic or move is not None or integer:
            built = self.built(whole, elastic, move)
        else:
            built = self.kept = self.kept or self.built(whole, "", None)
            built.value.value, built.room.value = self.value, self.room
        scale = 0 if move is not None or elastic else self.scale()
        said = run(built.problem, time_limit_s=time_limit_s, scale=scale)
        if not said.found:
            return Solved(said.status, 0.0, None)
        return Solved(
            status=said.status,
            objective=said.objective,
            bound=said.bound if integer else None,
            profiles=self.profiles(built.x),
            chosen=self.chosen(built.s),
            prices=self.prices(built.named),
            short=listed(built.slack.short),
            excess=listed(built.slack.excess),
            lack=self.spread(built.slack.lack),
            quantity=float(built.quantity.value) if built.quantity is not None else 0.0,
        )

    def reprice(self, *, value: Sequence[float] | None = None, room_kw: Sequence[float] | None = None) -> None:
        """Other prices (GBP/kWh) or limits for the same work. The linear programme solved before is kept, so that the next
        solve compiles nothing and begins from its solution; floors stay as they are."""
        if value is not None:
            self.value = np.asarray(value, dtype=float) * 0.5
        if room_kw is not None:
            self.room = np.asarray(room_kw, dtype=float)

    def built(self, whole: bool, elastic: str, move: Move | None) -> Built:
        """The problem in cvxpy's terms; prices and limits are parameters, the rest is data."""
        import cvxpy as cp  # takes over a second: when something is solved, not when a worker starts

        x, s = self.variables(whole)
        value, room = cp.Parameter(len(self.room), value=self.value), cp.Parameter(len(self.room), value=self.room)
        load: Any = np.zeros(len(self.room))
        for matrix, variable in ((self.load_x, x), (self.load_s, s)):
            load = load + matrix @ variable if variable is not None else load
        slack = self.slack(elastic)
        quantity: Any = cp.Variable(nonneg=True) if move is not None else None
        named = self.constraints(load, room, x, s, slack)
        if move is not None:
            inside, wanted = load[move.first : move.last], move.within_kw
            named["move"] = inside + quantity <= wanted if move.direction == "REDUCE" else inside - quantity >= wanted
        goal = -quantity if move is not None else self.goal(value @ load, slack)
        problem = cp.Problem(cp.Minimize(goal), list(named.values()))
        return Built(problem, value, room, x, s, slack, quantity, named)

    def slack(self, elastic: str) -> Slack:
        """The variables that let a constraint go."""
        import cvxpy as cp

        if elastic == "work" and self.classes:
            return Slack(short=cp.Variable(len(self.classes), nonneg=True))
        if elastic == "capacity":
            lack = cp.Variable(len(self.held), nonneg=True) if len(self.held) else None
            return Slack(excess=cp.Variable(len(self.room), nonneg=True), lack=lack)
        return Slack()

    def constraints(self, load: Any, room: Any, x: Any, s: Any, slack: Slack) -> dict[str, Any]:
        """capacity: the load stays under the room; floor: it reaches what a turn-up promised; work: each class is done;
        once: each uninterrupted job has one start."""
        named = {"capacity": load <= (room if slack.excess is None else room + slack.excess)}
        if len(self.held):
            reached = load[self.held] if slack.lack is None else load[self.held] + slack.lack
            named["floor"] = reached >= self.floor[self.held]
        if x is not None:
            named["work"] = self.work @ x + (0 if slack.short is None else slack.short) == self.need
        if s is not None:
            named["once"] = self.once @ s == 1
        return named

    def goal(self, cost: Any, slack: Slack) -> Any:
        """What is made small: the value of the load, or what an elastic version breaks."""
        import cvxpy as cp

        if slack.short is not None:
            return cp.sum(cp.multiply(np.array([group.power_kw for group in self.classes]), slack.short))
        if slack.excess is not None:
            return cp.sum(slack.excess) + (0 if slack.lack is None else cp.sum(slack.lack))
        return cost

    def prices(self, named: dict[str, Any]) -> list[float]:
        """The duals of the limits less those of the floors."""
        above = listed(named["capacity"].dual_value)
        below = self.spread(named["floor"].dual_value) if "floor" in named else []
        return [most - least for most, least in zip(above, below, strict=True)] if above and below else above

    def spread(self, values: Any) -> list[float]:
        """Values of the half hours with a floor, as one for every half hour; empty where there are none."""
        found = listed(values)
        if not found:
            return []
        whole = np.zeros(len(self.room))
        whole[self.held] = found
        return whole.tolist()

    def scale(self) -> int:
        """The power of two that brings the dearest half hour near DEAREST."""
        dearest = float(np.abs(self.value).max(initial=0.0))
        return round(math.log2(DEAREST / dearest)) if dearest > 1e-12 else 0

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

    def idle(self, move: Move | None, elastic: str) -> Solved:
        """No work at all: nothing to decide, and what can be moved is what the reference holds."""
        if elastic == "capacity" and not self.once.shape[0]:
            over, under = np.maximum(0.0, -self.room), np.maximum(0.0, self.floor)
            return Solved("optimal", float((over + under).sum()), None, excess=listed(over), lack=listed(under))
        if self.once.shape[0] or (self.room < -1e-9).any() or (self.floor > 1e-9).any():
            return Solved("infeasible", 0.0, None)
        nothing: list[list[float]] = [[] for _ in self.classes]
        quantity = 0.0 if move is None else move.idle_kw()
        return Solved("optimal", 0.0, None, nothing, prices=[0.0] * len(self.room), quantity=quantity)

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


def run(problem: Any, *, time_limit_s: float, scale: int = 0) -> Said:
    """Call HiGHS, for a linear programme on 2**scale times the objective and without presolve: that finds nothing in windows
    and doubles the time, and at prices near nothing the simplex method takes three times the steps."""
    import cvxpy as cp

    linear = {"presolve": "off", "user_objective_scale": scale}
    options = {} if problem.is_mixed_integer() else linear  # HiGHS reports a scaled bound of an integer programme
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cvxpy warns of inaccuracy; the independent checker is what judges a plan
        try:
            problem.solve(solver=cp.HIGHS, canon_backend="COO", time_limit=time_limit_s, **options)
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
