"""A rolling back-test of forecasters: an origin a day, refitted every week, judged by how far ahead they looked.

At each origin a forecaster sees values of half hours that were over, and nothing else; the truth it is held against is read
from the record afterwards. Every member is judged on the same half hours. `skill` is against yesterday again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from flex_engine.grid.features import SLOTS_PER_DAY, Array, calendar
from flex_engine.grid.forecast import MeanProfile, Model, Ridge, SeasonalNaive, fit
from flex_engine.series import HalfHourly, MissingDataError
from flex_engine.timegrid import HALF_HOUR

HISTORY = timedelta(weeks=10)
REFIT = timedelta(days=7)
HORIZON = 2 * SLOTS_PER_DAY
SPANS = (0, 6, 12, 24, 48, 96)  # half hours ahead
NAIVE = "seasonal-naive-day"
LEAST_TRUTH = 1.0  # in the series' unit: a percentage of less says nothing
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class SpanScore:
    """One member over leads of [first, last) half hours. Errors are in the unit of the series.

    `mape` and `wape` are shares (MAPE over truths of at least one unit), `pinball` the mean loss of the 10, 50 and 90 %
    quantiles, `cover` the share of truths inside the 80 % band, `skill` one less the MAE over that of yesterday again.
    """

    model: str
    first: int
    last: int
    truths: int
    mae: float
    mape: float
    wape: float
    pinball: float
    cover: float
    skill: float


@dataclass(frozen=True, slots=True)
class Paths:
    """Forecasts of one member: an origin a row, a lead a column."""

    low: Array
    middle: Array
    high: Array


def members(horizon: int = HORIZON) -> tuple[Model, ...]:
    """Those that need nothing but the series itself."""
    return (
        SeasonalNaive(horizon=horizon),
        SeasonalNaive(7 * SLOTS_PER_DAY, horizon=horizon),
        MeanProfile(horizon),
        Ridge(horizon),
    )


def backtest(
    record: HalfHourly, start: datetime, end: datetime, *, models: Sequence[Model] | None = None, horizon: int = HORIZON
) -> list[SpanScore]:
    """Scores of every member, by SPANS, from daily origins in [start, end) at the clock time of `start`.

    `record` must reach ten weeks before `start` and `horizon` half hours past the last origin. Raises MissingDataError when
    it does not, ValueError when no origin lies between.
    """
    origins = [start + timedelta(days=day) for day in range((end - start) // timedelta(days=1))]
    if not origins:
        raise ValueError(f"no day lies between {start.isoformat()} and {end.isoformat()}")
    needed_start, needed_end = start - HISTORY, origins[-1] + horizon * HALF_HOUR
    if record.start > needed_start or record.end < needed_end:
        raise MissingDataError(
            f"{record.name} covers {record.start:%Y-%m-%d} to {record.end:%Y-%m-%d}; a back-test from {start:%Y-%m-%d} "
            f"needs {needed_start:%Y-%m-%dT%H:%MZ} to {needed_end:%Y-%m-%dT%H:%MZ}"
        )
    truth = np.stack([np.array(record.slice(at, at + horizon * HALF_HOUR).values) for at in origins])
    made = {model.name: forecasts(model, record, origins, horizon) for model in models or members(horizon)}
    naive = made.get(NAIVE) or forecasts(SeasonalNaive(horizon=horizon), record, origins, horizon)
    return [
        span_score(name, paths, naive, truth, first, last)
        for name, paths in made.items()
        for first, last in pairwise([edge for edge in SPANS if edge < horizon] + [horizon])
    ]


def forecasts(model: Model, record: HalfHourly, origins: Sequence[datetime], horizon: int) -> Paths:
    """Fitted anew at the first origin of each week, on the ten weeks before it; asked at each origin with the values before it."""
    rows: list[tuple[Array, Array, Array]] = []
    fitted, fitted_at = None, origins[0] - REFIT
    for at in origins:
        seen = record.slice(at - HISTORY, at)
        if at - fitted_at >= REFIT:
            fitted, fitted_at = fit(replace(model, horizon=horizon), seen), at
        if fitted is None:
            raise AssertionError("the first origin always fits")
        values = np.array(seen.values)
        columns = calendar(seen.start, values.size + horizon)
        path = fitted.predictor.paths(values, columns, np.array([values.size]), horizon)[0]
        rows.append((path + fitted.band.below, path, path + fitted.band.above))
    low, middle, high = (np.stack(part) for part in zip(*rows, strict=True))
    return Paths(low, middle, high)


def span_score(name: str, paths: Paths, naive: Paths, truth: Array, first: int, last: int) -> SpanScore:
    """Errors over leads of [first, last)."""
    span = slice(first, last)
    real, low, middle, high = (part[:, span] for part in (truth, paths.low, paths.middle, paths.high))
    error = np.abs(real - middle)
    large = np.abs(real) >= LEAST_TRUTH
    mae, naive_mae = float(error.mean()), float(np.abs(real - naive.middle[:, span]).mean())
    losses = [pinball(real, line, share) for line, share in zip((low, middle, high), QUANTILES, strict=True)]
    return SpanScore(
        model=name,
        first=first,
        last=last,
        truths=int(real.size),
        mae=mae,
        mape=float((error[large] / np.abs(real[large])).mean()) if large.any() else float("nan"),
        wape=mae / float(np.abs(real).mean()),
        pinball=float(np.mean(losses)),
        cover=float(((real >= low) & (real <= high)).mean()),
        skill=1 - mae / naive_mae if naive_mae else 0.0,
    )


def pinball(real: Array, line: Array, share: float) -> float:
    """Mean pinball (quantile) loss of `line` as the `share` quantile (Koenker and Bassett 1978)."""
    over = real - line
    return float(np.maximum(share * over, (share - 1) * over).mean())
