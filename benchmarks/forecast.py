"""How wrong is a forecast of GB carbon intensity, decided at 09:00 UTC for the rest of today and for tomorrow?

    .venv/bin/python -m benchmarks.forecast --data ../shared/data --year 2024

LEAR leans on NESO's day-ahead forecasts of demand, wind and sun as they were issued (08:00 to 08:30 UTC), is trained anew each
month on what was known then, and was tuned on 2023; the others know the series alone and are fitted anew each week. All are
judged on the same days: those whose published forecasts and truths are whole. A half hour of carbon intensity counts as known
from its end, which is half an hour to an hour earlier than it is published.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from flex_engine.feeds.file import read_signals
from flex_engine.grid import calibration
from flex_engine.grid.features import SLOTS_PER_DAY, Array, Index
from flex_engine.grid.lear import HORIZON, hold_out, train
from flex_engine.grid.rows import COVARIATES, Store
from flex_engine.grid.vintages import EPOCH, Vintages, slot
from flex_engine.series import HalfHourly
from flex_engine.simulate.backtest import NAIVE, Paths, forecasts, members, pinball
from flex_engine.timegrid import HALF_HOUR

ISSUES, SIGNALS = "gb_neso_dayahead_forecasts_hh_2021_2024.parquet", "gb_joined_hh_2016_2024.parquet"
COLUMNS = dict(zip(COVARIATES, ("demand_fc_mw", "wind_fc_mw", "emb_wind_fc_mw", "emb_solar_fc_mw"), strict=True))
FIRST_DAY = datetime(2021, 1, 11, 9, tzinfo=UTC)
TODAY, TOMORROW = slice(0, 28), slice(30, HORIZON)  # 09:00 to 23:00, and 00:00 to 23:00 of the next day
HALF_HOUR_US, MINUTE_US = 1_800_000_000, 60_000_000


def issues(file: Path) -> dict[str, Vintages]:
    """NESO's day-ahead forecasts with their times of issue."""
    table = pq.read_table(file)
    targets = table["ts_utc"].cast("int64").to_numpy() // HALF_HOUR_US
    known = -(-table["issue_ts_utc"].cast("int64").to_numpy() // MINUTE_US)
    made = {}
    for name, column in COLUMNS.items():
        values = table[column].to_numpy().astype(np.float64)
        whole = np.isfinite(values)
        made[name] = Vintages.of(f"NESO {column}", "MW", targets[whole], known[whole], values[whole])
    return made


def lear(store: Store, origins: list[datetime]) -> Paths:
    """LEAR's paths with its band, trained anew at the first origin of each month."""
    days = (origins[-1] - FIRST_DAY) // timedelta(days=1) + 1
    decisions: Index = slot(FIRST_DAY) + SLOTS_PER_DAY * np.arange(days, dtype=np.int64)
    rows: list[tuple[Array, Array, Array]] = []
    for _, month in groupby(origins, key=lambda at: (at.year, at.month)):
        asked = np.array([slot(at) for at in month], dtype=np.int64)
        first = int(asked[0])
        before = decisions[decisions < first]
        band = calibration.band(hold_out(store, before, first, HORIZON), horizon=HORIZON)
        paths = train(store, before, at=first).paths(store, asked)
        rows.append((paths + band.below, paths, paths + band.above))
    low, middle, high = (np.concatenate(part) for part in zip(*rows, strict=True))
    return Paths(low, middle, high)


def show(name: str, paths: Paths, truth: Array, naive: Paths) -> None:
    """One line: errors of today and tomorrow, and how sure it is that tomorrow's are smaller than those of yesterday again."""
    real = truth[:, TOMORROW]
    error = np.abs(truth - paths.middle)
    tomorrow = error[:, TOMORROW]
    losses = [
        pinball(real, line[:, TOMORROW], share)
        for line, share in ((paths.low, 0.1), (paths.middle, 0.5), (paths.high, 0.9))
    ]
    cover = ((real >= paths.low[:, TOMORROW]) & (real <= paths.high[:, TOMORROW])).mean()
    better = np.abs(truth - naive.middle)[:, TOMORROW].mean(axis=1) - tomorrow.mean(axis=1)
    sure = better.mean() / (better.std(ddof=1) / np.sqrt(better.size)) if better.any() else float("nan")
    print(
        f"{name:20}{error[:, TODAY].mean():8.2f}{tomorrow.mean():10.2f}{(tomorrow / real).mean():7.1%}"
        f"{tomorrow.mean() / real.mean():7.1%}{np.sqrt((tomorrow**2).mean()):8.2f}{np.mean(losses):9.2f}{cover:7.1%}{sure:7.1f}"
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--year", type=int, default=2024)
    asked = options.parse_args()
    start = datetime(asked.year, 1, 1, 9, tzinfo=UTC)
    origins = [
        start + timedelta(days=day) for day in range((datetime(asked.year, 12, 30, tzinfo=UTC) - start).days + 1)
    ]
    first = FIRST_DAY - timedelta(days=10)
    read = read_signals(
        asked.data / SIGNALS, first, origins[-1] + HORIZON * HALF_HOUR, fill_gaps=True, wanted=["carbon_intensity"]
    )
    record: HalfHourly = read.series["carbon_intensity"]
    store = Store(Vintages.of_history(record), issues(asked.data / ISSUES))
    begun = time.perf_counter()
    made = {"lear": lear(store, origins)}
    took = time.perf_counter() - begun
    made |= {model.name: forecasts(model, record, origins, HORIZON) for model in members(HORIZON)}
    truth = np.stack([np.array(record.slice(at, at + HORIZON * HALF_HOUR).values) for at in origins])
    whole = np.isfinite(made["lear"].middle).all(axis=1)
    print(f"{int(whole.sum())} of {len(origins)} days of {asked.year}; lear took {took:.1f} s for 12 trainings")
    print(
        f"{'g/kWh':20}{'today':>8}{'tomorrow':>10}{'MAPE':>7}{'WAPE':>7}{'RMSE':>8}{'pinball':>9}{'cover':>7}{'t':>7}"
    )
    naive = Paths(*(part[whole] for part in (made[NAIVE].low, made[NAIVE].middle, made[NAIVE].high)))
    for name, paths in made.items():
        show(name, Paths(paths.low[whole], paths.middle[whole], paths.high[whole]), truth[whole], naive)
    print(
        f"tomorrow is 00:00 to 23:00 UTC, decided at 09:00; data to {EPOCH + int(slot(origins[-1])) * HALF_HOUR:%Y-%m-%d}"
    )


if __name__ == "__main__":
    main()
