"""How fast is settlement? Orders of 48 half hours, by arrays of whole numbers and by the rooms one order at a time.

    .venv/bin/python -m benchmarks.settle --orders 10000

Made-up orders from a seed: sold power, baseline and meter of sites up to 2 MW, prices up to £1 per kWh, some beside another
dispatch, both directions. One record is one half hour of one order, from meter and baseline to its part of the payment.
Both ways settle the same orders, and every energy and every penny is compared.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from flex_engine.settle.bulk import RATE, Orders, Settled, settle_many
from flex_engine.settle.delivery import PeriodDelivery, deliver
from flex_engine.settle.payment import Payment, pay
from flex_engine.settle.performance import PerformanceTable, performance_table
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, tzinfo=UTC)
PERIODS = 48
DAY = date(2026, 1, 15)


def orders_of(count: int, *, periods: int = PERIODS, seed: int = 1) -> Orders:
    """So many orders from a seed."""
    rng = np.random.default_rng(seed)
    shape = (count, periods)
    baseline = rng.integers(300_000, 1_000_000, shape)
    instructed = rng.integers(5_000, 250_000, shape)
    reduce = rng.random(count) < 0.7
    moved = (instructed * rng.integers(0, 130, shape)) // 100
    metered = baseline + np.where(reduce[:, None], -moved, moved)
    others = np.where(rng.random(shape) < 0.1, rng.integers(1, 100_000, shape), 0)
    price, penalty = rng.integers(500, RATE, count), rng.integers(0, RATE // 2, count)
    return Orders(instructed, baseline, metered, price, penalty, reduce, others)


def one_by_one(orders: Orders, *, table: PerformanceTable) -> list[tuple[list[PeriodDelivery], Payment]]:
    """The same by deliver and pay, an order at a time."""
    starts = [START + n * HALF_HOUR for n in range(orders.instructed_wh.shape[1])]
    energy = (orders.instructed_wh, orders.baseline_wh, orders.metered_wh, orders.others_wh)
    found = []
    for number in range(len(orders.price)):
        instructed, baseline, metered, others = (
            dict(zip(starts, [] if rows is None else rows[number].tolist(), strict=True)) for rows in energy
        )
        lines = deliver(
            instructed_wh=instructed,
            baseline_wh=baseline,
            metered_wh=metered,
            others_wh=others,
            direction="REDUCE" if orders.reduce[number] else "INCREASE",
            cap_percent=table.cap_percent,
        )
        price, penalty = (Decimal(int(rate[number])) / RATE for rate in (orders.price, orders.penalty))
        found.append((lines, pay(lines, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty, table=table)))
    return found


def differences(settled: Settled, rooms: list[tuple[list[PeriodDelivery], Payment]]) -> int:
    """How many orders differ in any energy or amount."""
    wrong = 0
    for number, (lines, money) in enumerate(rooms):
        energy = all(
            getattr(settled, name)[number].tolist() == [getattr(line, name) for line in lines]
            for name in ("delivered_wh", "eligible_wh", "shortfall_wh")
        )
        amounts = (int(settled.payment_pence[number]), int(settled.penalty_pence[number]))
        wrong += not (energy and amounts == (money.payment_pence, money.penalty_pence))
    return wrong


def main() -> None:
    """Print records a second both ways, their ratio, and whether they agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", default="SSEN_TRANSITION_UTILISATION")
    asked = parser.parse_args()
    orders, table = orders_of(asked.orders, seed=asked.seed), performance_table(asked.table, day=DAY)
    records = asked.orders * PERIODS
    began = time.perf_counter()
    settled = settle_many(orders, table=table, cap_percent=table.cap_percent)
    arrays_s = time.perf_counter() - began
    began = time.perf_counter()
    rooms = one_by_one(orders, table=table)
    rooms_s = time.perf_counter() - began
    wrong = differences(settled, rooms)
    print(f"{asked.orders:,} orders x {PERIODS} half hours, table {table.id}, seed {asked.seed}")
    print(f"by arrays:    {records / arrays_s:14,.0f} records/s ({arrays_s:.3f} s)")
    print(f"one by one:   {records / rooms_s:14,.0f} records/s ({rooms_s:.3f} s)")
    print(f"ratio:        {rooms_s / arrays_s:14.1f}")
    print(f"orders that differ in a Wh or a penny: {wrong} of {asked.orders:,}")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
