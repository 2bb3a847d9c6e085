"""The planner against the published policies, the naive model and the proven optimum, on the papers' own workloads.

    .venv/bin/python -m benchmarks.scheduling --quick
    .venv/bin/python -m benchmarks.scheduling --full

W1 is Let's Wait Awhile's scenario II on GB 2020, W2 GAIA's thousand jobs on GB in five-minute slots, W3 weeks of 1,000 to
100,000 jobs. Each row prints its value, what it is held against, their ratio, seconds (wall, and processor time of this process
alone), the peak memory of the process that made it, seed and data hash. Every plan is judged again by the independent checker;
faults are counted, and a plan of ours with any fails. Each workload runs in a process of its own. Exit code 1 if a row fails.
Needs the reference data (CACO_SHARED); seconds depend on what else the machine does, so the load is printed too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.scheduling_rows import Row, heading
from benchmarks.scheduling_w1 import w1
from benchmarks.scheduling_w2 import w2
from benchmarks.scheduling_w3 import naive_row, w3, w3_rigid

Group = tuple[Callable[..., list[Row]], dict[str, Any]]
QUICK: list[Group] = [
    (w1, {}),
    (w2, {}),
    (w3, {"count": 1000}),
    (naive_row, {"count": 100}),
    (w3, {"count": 10_000}),
    (w3_rigid, {"count": 10_000}),
]
FULL: list[Group] = [
    (w1, {}),
    (w2, {"rolling": True}),
    (w3, {"count": 1000}),
    (naive_row, {"count": 1000}),
    (w3, {"count": 10_000}),
    (w3, {"count": 10_000, "whole": False}),
    (w3, {"count": 100_000}),
    (w3_rigid, {"count": 10_000}),
    (w3_rigid, {"count": 100_000}),
]


def main() -> int:
    """Print every row; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--quick", action="store_true", help="under 90 s on a quiet machine")
    size.add_argument(
        "--full",
        action="store_true",
        help="with 100,000 jobs, the naive model at 1,000 and planning again on every arrival",
    )
    parser.add_argument("--only", default="", help="only workloads whose name holds this, as w2")
    asked = parser.parse_args()
    failed, begun = 0, time.perf_counter()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n{heading()}", flush=True)
    for group, arguments in QUICK if asked.quick else FULL:
        if asked.only in group.__name__:
            failed += alone(group, arguments)
    print(f"{failed} failed; {time.perf_counter() - begun:.0f} s; load {os.getloadavg()[0]:.1f}")
    return int(failed > 0)


def alone(group: Callable[..., list[Row]], arguments: dict[str, Any]) -> int:
    """Run one workload in a process of its own, so that its peak memory is its own; the number of rows that failed."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        rows: list[Row] = pool.apply(group, (), arguments)
    for row in rows:
        print(row.line(), flush=True)
    return sum(not row.passed for row in rows)


if __name__ == "__main__":
    sys.exit(main())
