"""Is the allocation of a tender the cheapest, and how long does finding it take?

    .venv/bin/python -m benchmarks.tenders --tenders 500 --bids 40

Random needs of eight half hours with bids of one to eight of them, half of them divisible, a quarter with a least, a quarter
in one piece. Each is allocated in whole numbers (marketplace.rules.allocation) and by HiGHS as a mixed integer programme in
floating point; the two costs have to agree to a millionth.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from marketplace.rules.allocation import PER_KWH, BidIn, allocate

SLOTS = 8
CEILING = 3500  # 0.0001 GBP per kWh
NEAR = 1e-6
FIRST = datetime(2026, 1, 15, 9, tzinfo=UTC)


def random_tender(rng: random.Random, bids: int) -> tuple[list[int], list[BidIn]]:
    """(need in watts by half hour, bids in whole kilowatts)."""
    needed = [rng.randint(500, 2000) * 1000 for _ in range(SLOTS)]
    made = []
    for number in range(bids):
        first = rng.randint(0, SLOTS - 2)
        last = rng.choice([SLOTS, rng.randint(first + 1, SLOTS)])
        most = rng.randint(20, 400) * 1000
        least = rng.choice([0, 0, most // 2, most])
        received = FIRST + timedelta(minutes=number)
        made.append(BidIn(f"b{number:03}", received, first, last, least, most, rng.randint(800, 4000)))
    return needed, made


def by_highs(needed: Sequence[int], bids: Sequence[BidIn], ceiling: int) -> float:
    """The least cost by HiGHS: watts of each bid, whether it is on, and unmet watts."""
    n, slots = len(bids), len(needed)
    cost = np.array([float(one.cost_per_watt) for one in bids] + [0.0] * n + [float(ceiling * PER_KWH)] * slots)
    cover = np.zeros((slots, 2 * n + slots))
    upper, lower = np.zeros((n, 2 * n + slots)), np.zeros((n, 2 * n + slots))
    for i, one in enumerate(bids):
        cover[one.first : one.last, i] = 1
        upper[i, i], upper[i, n + i] = 1, -one.most_w
        lower[i, i], lower[i, n + i] = 1, -one.least_w
    cover[np.arange(slots), 2 * n + np.arange(slots)] = 1
    found = milp(
        cost,
        constraints=[
            LinearConstraint(cover, np.array(needed, float), np.inf),
            LinearConstraint(upper, -np.inf, 0),
            LinearConstraint(lower, 0, np.inf),
        ],
        integrality=np.array([0] * n + [1] * n + [0] * slots),
        bounds=Bounds(0, np.array([one.most_w for one in bids] + [1] * n + [max(needed)] * slots, float)),
        options={"mip_rel_gap": 0},
    )
    if not found.success:
        raise RuntimeError(f"HiGHS stopped: {found.message}")
    return float(found.fun)


def main() -> int:
    """Allocate `--tenders` random tenders and print what came out; 1 where any costs more than HiGHS found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenders", type=int, default=500)
    parser.add_argument("--bids", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    seconds, nodes, unproved, dearer = [], [], 0, 0
    for _ in range(given.tenders):
        needed, bids = random_tender(rng, given.bids)
        begun = perf_counter()
        made = allocate(needed, bids, ceiling=CEILING)
        seconds.append(perf_counter() - begun)
        nodes.append(made.nodes)
        unproved += not made.proved
        other = by_highs(needed, bids, CEILING)
        dearer += abs(made.cost - other) > NEAR * other
    seconds.sort()
    print(f"{given.tenders} tenders of {given.bids} bids: {unproved} not proved, {dearer} of another cost than HiGHS")
    print(f"nodes: {sorted(nodes)[len(nodes) // 2]} median, {max(nodes)} most")
    print(
        f"seconds: {seconds[len(seconds) // 2]:.3f} median, {seconds[int(0.95 * len(seconds))]:.3f} p95, {seconds[-1]:.3f} most"
    )
    return 1 if dearer else 0


if __name__ == "__main__":
    sys.exit(main())
