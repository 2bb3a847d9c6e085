"""How wrong are the baselines on compute load? The no-event back-test of every method on a year of a real job trace.

    .venv/bin/python -m benchmarks.baselines --trace ../shared/data/trace_jobs_pai_100k.parquet

The trace (arrival_h, length_h, cpus) becomes a site of 2 MW: 0.7 MW idle and 1.3 MW times its cores in use, whose 99th
percentile is full. Every day's 16:00 to 19:00 in London is settled as if it had been an event and nothing had been done.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from flex_engine.settle.back_test import BackTest, back_test
from flex_engine.settle.registry import methods
from flex_engine.timegrid import half_hours

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 365
IDLE_KW, BUSY_KW = 700.0, 1300.0
FIRST_PERIOD, PERIODS = 33, 6
FIRST_DAY = 65  # sixty days of history before it


def readings_of(trace: Path) -> dict[datetime, int]:
    """Import of the site in Wh by half hour."""
    table = pq.read_table(trace)
    arrival, length, cores = (np.asarray(table[name], dtype=np.float64) for name in ("arrival_h", "length_h", "cpus"))
    # core-hours up to each half hour, from the integral of each job's ramp
    grid = np.arange(2 * 24 * DAYS + 1) / 2
    order_in, order_out = np.argsort(arrival), np.argsort(arrival + length)
    edges = ramps(grid, arrival[order_in], cores[order_in]) - ramps(
        grid, (arrival + length)[order_out], cores[order_out]
    )
    used = np.diff(edges) * 2
    share = np.minimum(used / np.quantile(used, 0.99), 1.0)
    energy = np.rint((IDLE_KW + BUSY_KW * share) * 500).astype(int)
    return dict(zip(half_hours(START, START + timedelta(days=DAYS)), energy.tolist(), strict=True))


def ramps(grid: np.ndarray, starts: np.ndarray, cores: np.ndarray) -> np.ndarray:
    """Sum over jobs of cores x hours since start, at each moment of `grid`; `starts` ascend."""
    begun = np.searchsorted(starts, grid)
    total, moments = np.concatenate([[0.0], cores.cumsum()]), np.concatenate([[0.0], (cores * starts).cumsum()])
    return total[begun] * grid - moments[begun]


def year_of(method: str, readings: dict[datetime, int]) -> BackTest:
    """The back-test of one method over the year."""
    first = START.date()
    days = [first + timedelta(days=one) for one in range(FIRST_DAY, DAYS)]
    last: date = days[-1] + timedelta(days=1)
    return back_test(
        method=method, readings=readings, days=days, first_period=FIRST_PERIOD, periods=PERIODS, next_day=last
    )


def main() -> None:
    """Prints one line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", type=Path, required=True)
    readings = readings_of(parser.parse_args().trace)
    print(f"{'method':<30} {'days':>5} {'bias':>8} {'RRMSE':>8} {'phantom MWh an event':>22}")
    for entry in methods():
        if entry.id in {"nominated-v1", "zero-v1"}:
            continue  # said beforehand: no history says anything about them
        made = year_of(entry.id, readings)
        print(f"{entry.id:<30} {made.days:>5} {made.bias:>8.1%} {made.rrmse:>8.1%} {made.phantom_mwh:>22.3f}")


if __name__ == "__main__":
    main()
