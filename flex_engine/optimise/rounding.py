"""One start for each of very many jobs that may not be interrupted: chosen at the prices of capacity, largest jobs first.

The prices come from the dual. In rounds, jobs draw their start among those with room, the likelier the
cheaper it is at those prices; then the prices are worked out again for what is left. Drawing keeps jobs that are alike from
all taking the same half hours, and room is never taken twice, so what comes out keeps every limit. It knows no solver.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from flex_engine.compute.job import Job
from flex_engine.optimise.cheapest import run_from
from flex_engine.optimise.classes import JobClass, Shares
from flex_engine.optimise.dual import Dual, Floats, Ints, StartClasses, costs, window_classes
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.starts import fitting, moments_of

ROUNDS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 15 / 16, 1)  # of the jobs, placed by then
DRAWN_AT = 0.12  # temperature of the draw, and of the prices between rounds
STEPS_BETWEEN = 25
PASSES = 1  # of moving single jobs to where they cost less
MOST_EJECTED = 1000  # jobs moved aside for one without room, before giving up
MOST_ASKED = 60  # jobs in one half hour asked whether they have room elsewhere
SLIGHT = 1e-9
SEED = 0  # the same queue gives the same plan


@dataclass(frozen=True, slots=True)
class Rounded:
    """`allocations` of the uninterrupted jobs, None where some found no room; `bound` is GBP that no schedule of all jobs,
    interruptible ones included, costs less than."""

    allocations: dict[str, Shares] | None
    bound: float


@dataclass(slots=True)
class Board:
    """Who runs when: the start of each job (-1 for none), and the power still free."""

    starts: StartClasses
    row: Ints
    kw: Floats
    free: Floats
    at: Ints = field(init=False)
    begin: Floats = field(init=False)
    end: Floats = field(init=False)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.at = np.full(len(self.row), -1)
        self.begin, self.end = np.full((2, len(self.row)), -1.0)

    def span(self, job: int) -> slice:
        """Where the job's starts stand."""
        row = self.row[job]
        return slice(int(self.starts.edges[row]), int(self.starts.edges[row + 1]))

    def put(self, job: int, start: int) -> None:
        """Run the job from its `start`, or take it away where that is -1."""
        if self.at[job] >= 0:
            self.draw(job, 1.0)
        self.at[job] = start
        self.begin[job] = self.end[job] = -1.0
        if start >= 0:
            index = self.span(job).start + start
            self.begin[job], self.end[job] = self.starts.begin[index], self.starts.end[index]
            self.draw(job, -1.0)

    def draw(self, job: int, sign: float) -> None:
        """Give the power of the job back (1.0), or take it (-1.0)."""
        begin, end = float(self.begin[job]), float(self.end[job])
        if begin.is_integer() and end.is_integer():
            self.free[int(begin) : int(end)] += sign * self.kw[job]
            return
        for slot, share in run_from(begin, end - begin):
            self.free[slot] += sign * share * self.kw[job]

    def shares(self, job: int) -> Shares:
        """(half hour, share) pairs of a placed job."""
        return run_from(float(self.begin[job]), float(self.end[job] - self.begin[job]))

    def open(self, job: int) -> Floats:
        """0.0 for the job's starts with room, infinity for the others."""
        where = self.span(job)
        room = fitting(self.free, self.starts.begin[where], self.starts.end[where], float(self.kw[job]))
        return np.where(room, 0.0, np.inf)


def price_and_round(problem: Problem, rigid: Sequence[Job], classes: Sequence[JobClass]) -> Rounded:
    """Starts for `rigid` that keep every limit, and the bound, with interruptible `classes` priced beside them."""
    starts, row = start_classes(problem, rigid)
    if not starts.sizes.all():
        return Rounded(None, -math.inf)
    must_run = problem.site.must_run_kw
    dual = Dual(
        starts=starts,
        windows=window_classes(classes),
        value=np.asarray(problem.value_per_kwh()) * 0.5,
        room=np.asarray(problem.limits_kw()) - must_run,
        floor=np.asarray(problem.floors_kw()) - must_run,
    )
    prices, bound = dual.climb(dual.idle())
    board = Board(starts, row, np.array([job.power_kw for job in rigid]), dual.room.copy())
    if not fill(board, dual, prices, work=np.array([job.energy_kwh for job in rigid])):
        return Rounded(None, bound)
    if not classes and not len(dual.held):
        settle(board, costs(starts, dual.value))
    return Rounded({job.id: board.shares(index) for index, job in enumerate(rigid)}, bound)


def start_classes(problem: Problem, jobs: Sequence[Job]) -> tuple[StartClasses, Ints]:
    """(rows of jobs with the same starts and work, the row of each job)."""
    known: dict[tuple[float, int, float], int] = {}
    moments: list[Floats] = []
    works: list[float] = []
    power: list[float] = []
    row = np.zeros(len(jobs), dtype=int)
    for index, job in enumerate(jobs):
        begin, work = moments_of(problem, job), job.duration_s / 1800
        key = (float(begin[0]) if len(begin) else -1.0, len(begin), work)
        if key not in known:
            known[key] = len(moments)
            moments.append(begin)
            works.append(work)
            power.append(0.0)
        row[index] = known[key]
        power[row[index]] += job.power_kw
    sizes = np.array([len(begin) for begin in moments], dtype=int)
    begin = np.concatenate([np.zeros(0), *moments])
    edges = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    return StartClasses(begin, begin + np.repeat(works, sizes), edges, np.array(power)), row


def fill(board: Board, dual: Dual, prices: Floats, *, work: Floats) -> bool:
    """Place every job, those without a choice and then the largest first; False when somebody is left without room."""
    forced = board.starts.sizes[board.row] == 1
    order = np.lexsort((-work, ~forced))
    done, placed_kw = 0, np.zeros(len(board.starts.kw))
    stuck: list[int] = []
    left = dual
    for end in (math.ceil(part * len(order)) for part in ROUNDS):
        cost = costs(board.starts, left.key(prices))
        for job in order[done:end].tolist():
            where = board.span(job)
            drawn = cost[where] - DRAWN_AT * dual.unit * board.rng.gumbel(size=where.stop - where.start)
            drawn += board.open(job)
            best = int(np.argmin(drawn))
            if np.isfinite(drawn[best]):
                board.put(job, best)
            else:
                stuck.append(job)
            placed_kw[board.row[job]] += board.kw[job]
        done = end
        if done < len(order):
            left = dual.without(placed_kw, dual.room - board.free)
            prices, _ = left.climb(prices, temperatures=(DRAWN_AT,), steps=(STEPS_BETWEEN,))
    return all(eject(board, job, cost, work) for job in stuck)


def eject(board: Board, stuck: int, cost: Floats, work: Floats) -> bool:
    """Make room for a job by moving smaller ones that stand in its way; False when that does not end well."""
    waiting, tries = [stuck], 0
    while waiting and tries < MOST_EJECTED:
        tries += 1
        job = waiting.pop()
        choice = cost[board.span(job)] + board.open(job)
        if np.isfinite(choice.min()):
            board.put(job, int(np.argmin(choice)))
            continue
        board.put(job, least_in_the_way(board, job))
        waiting += moved_aside(board, job, cost, work)
        if any(board.free[slot] < -SLIGHT for slot, _ in board.shares(job)):
            return False
    return not waiting


def least_in_the_way(board: Board, job: int) -> int:
    """A start that takes little power from others; not always the same one, or two jobs would go in circles."""
    where = board.span(job)
    lack = np.maximum(0.0, board.kw[job] - board.free)
    key = np.concatenate([[0.0], np.cumsum(lack)])
    begin = np.floor(board.starts.begin[where]).astype(int)
    end = np.ceil(board.starts.end[where] - 1e-9).astype(int)
    return int(np.argmin((key[end] - key[begin]) * board.rng.uniform(1, 1.5, len(begin))))


def moved_aside(board: Board, job: int, cost: Floats, work: Floats) -> list[int]:
    """Clear what `job` takes from others: first jobs that have room elsewhere go there, then the smallest are taken away
    and returned."""
    out: list[int] = []
    for slot, _ in board.shares(job):
        if board.free[slot] >= -SLIGHT:
            continue
        here = np.flatnonzero((board.begin < slot + 1) & (board.end > slot) & (np.arange(len(work)) != job))
        here = board.rng.permutation(here)
        here = here[np.argsort(work[here], kind="stable")]
        for one in here[:MOST_ASKED].tolist():
            choice = cost[board.span(one)] + board.open(one)
            if board.free[slot] < -SLIGHT and np.isfinite(choice.min()):
                board.put(one, int(np.argmin(choice)))
        for one in here.tolist():
            if board.free[slot] >= -SLIGHT:
                break
            if board.begin[one] < slot + 1 and board.end[one] > slot:
                board.put(one, -1)
                out.append(one)
    return out


def settle(board: Board, cost: Floats) -> None:
    """Move single jobs to the cheapest start with room, as long as a pass finds any."""
    for _ in range(PASSES):
        moved = False
        for job in range(len(board.row)):
            old = int(board.at[job])
            mine = cost[board.span(job)]
            if mine[old] <= mine.min():
                continue
            board.put(job, -1)
            best = int(np.argmin(mine + board.open(job)))
            moved |= best != old
            board.put(job, best if mine[best] < mine[old] else old)
        if not moved:
            return
