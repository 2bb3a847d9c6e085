"""A row of benchmarks.scheduling, and the clock that fills in its seconds."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flex_engine.optimise.checker import check
from flex_engine.optimise.problem import Problem
from flex_engine.optimise.solve import Plan

T = TypeVar("T")
COLUMNS = (
    ("workload", 13),
    ("what", 52),
    ("value", 12),
    ("held against", 29),
    ("ratio", 8),
    ("wall s", 8),
    ("cpu s", 8),
    ("rss MB", 7),
    ("faults", 7),
    ("seed", 5),
    ("data", 13),
)


@dataclass(frozen=True)
class Row:
    """One line. `value` and `peer` are in the unit that `what` names; `faults` those the checker found; `passed` the verdict."""

    workload: str
    what: str
    value: float
    peer_name: str
    peer: float | None
    wall_s: float
    cpu_s: float
    faults: int
    seed: int | None
    data: str
    passed: bool
    rss_mb: float = 0.0

    def line(self) -> str:
        """The row as text."""
        ratio = f"{self.value / self.peer:.4f}" if self.peer else ""
        peer = f"{self.peer_name} {self.peer:.2f}" if self.peer is not None else self.peer_name
        cells = (
            self.workload,
            self.what,
            f"{self.value:.4f}",
            peer,
            ratio,
            f"{self.wall_s:.3f}",
            f"{self.cpu_s:.3f}",
            f"{self.rss_mb:.0f}",
            str(self.faults),
            "" if self.seed is None else str(self.seed),
            self.data,
        )
        told = " ".join(cell.ljust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True))
        return told + ("" if self.passed else " FAILED")


def heading() -> str:
    """The names of the columns."""
    return " ".join(name.ljust(width) for name, width in COLUMNS)


def peak_mb() -> float:
    """The most memory this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """(result, wall seconds, processor seconds)."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return made, time.perf_counter() - wall, time.process_time() - cpu


def faults_of(problem: Problem, plan: Plan) -> int:
    """How many faults the independent checker finds."""
    return len(check(problem, plan))
