"""What a site can still decide from one half hour on, when the plan was followed until then.

Jobs that may not be interrupted stay where the plan has them; the others may move anywhere inside their own windows.
Everything here is a linear programme, so its optimum is proved by the solver and checked apart by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flex_engine.optimise.checker import Checkable
from flex_engine.optimise.classes import JobClass, Shares, aggregate, disaggregate
from flex_engine.optimise.formulate import Formulation, Move, Solved
from flex_engine.optimise.problem import Problem, remaining
from flex_engine.optimise.solve import DONE
from flex_engine.settle.delivery import Direction


class UnsolvedError(RuntimeError):
    """The solver gave no schedule; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The problem from half hour `slot` on. `fixed_kw` is the load nobody may move, `declared_kw` the plan's, both from `slot`."""

    problem: Problem
    slot: int
    classes: tuple[JobClass, ...]
    before: dict[str, Shares]
    fixed: dict[str, Shares]
    fixed_kw: tuple[float, ...]
    declared_kw: tuple[float, ...]

    def most(
        self, first: int, last: int, reference_kw: Sequence[float], direction: Direction = "REDUCE"
    ) -> tuple[float, dict[str, Shares]]:
        """(largest constant kW under, or over, the reference in [first, last), a whole schedule that does it).

        Half hours are counted from `slot`, where `reference_kw` begins too.
        """
        solved = self.solve(move=Move(first, last, self.movable(reference_kw), direction))
        return max(0.0, solved.quantity), self.whole(solved)

    def value_gbp(
        self, *, kw: float = 0.0, length: int = 0, direction: Direction = "REDUCE"
    ) -> tuple[float, dict[str, Shares]]:
        """(value of the cheapest way on, a whole schedule of it) with `kw` under, or over, the plan in the first half hours."""
        limits, floors = list(self.problem.limits_kw()), list(self.problem.floors_kw())
        for slot in range(length):
            if direction == "REDUCE":
                limits[slot] = min(limits[slot], self.declared_kw[slot] - kw)
            else:
                floors[slot] = max(floors[slot], self.declared_kw[slot] + kw)
        solved = self.solve(limits=limits, floors=floors)
        return solved.objective, self.whole(solved)

    def solve(
        self,
        *,
        limits: Sequence[float] | None = None,
        floors: Sequence[float] | None = None,
        move: Move | None = None,
    ) -> Solved:
        """Solve by HiGHS. Raises UnsolvedError when there is no schedule."""
        room = self.movable(self.problem.limits_kw() if limits is None else limits)
        model = Formulation(
            classes=self.classes,
            starts=[],
            jobs=0,
            value=self.problem.value_per_kwh(),
            room_kw=room,
            floor_kw=self.movable(self.problem.floors_kw() if floors is None else floors),
        )
        solved = model.solve(move=move)
        if solved.status not in DONE:
            raise UnsolvedError(f"the solver stopped with {solved.status} from half hour {self.slot} on")
        return solved

    def movable(self, total_kw: Sequence[float]) -> list[float]:
        """What of a site power is left for the jobs that may move."""
        return [total - fixed for total, fixed in zip(total_kw, self.fixed_kw, strict=True)]

    def whole(self, solved: Solved) -> dict[str, Shares]:
        """The schedule from the plan's first half hour on: as planned before `slot`, as solved from then on."""
        after = disaggregate(self.classes, solved.profiles or [])
        found = {job: shares for job, shares in self.before.items() if shares}
        for job, shares in after.items():
            moved = tuple((self.slot + slot, share) for slot, share in shares)
            found[job] = (*self.before.get(job, ()), *moved)
        return found | self.fixed


def tail_of(problem: Problem, plan: Checkable, slot: int) -> Tail:
    """The tail of `plan` from half hour `slot`; `problem` holds exactly the plan's jobs."""
    rigid = {job.id: job.power_kw for job in problem.jobs if not job.preemptible}
    fixed = {job: shares for job, shares in plan.allocations.items() if job in rigid}
    load = [problem.site.must_run_kw] * problem.slots
    for job, shares in fixed.items():
        for at, share in shares:
            load[at] += rigid[job] * share
    soft = {job: shares for job, shares in plan.allocations.items() if job not in rigid}
    left = remaining(problem, plan.allocations, slot=slot)
    movable = replace(left, jobs=tuple(job for job in left.jobs if job.preemptible))
    return Tail(
        problem=movable,
        slot=slot,
        classes=tuple(aggregate(movable, movable.jobs, merge=False)),
        before={job: tuple(pair for pair in shares if pair[0] < slot) for job, shares in soft.items()},
        fixed=fixed,
        fixed_kw=tuple(load[slot:]),
        declared_kw=tuple(plan.load_kw[slot:]),
    )
