"""Point forecasts on plain arrays: the last day or week again, the mean day, and a ridge regression on anomalies.

A predictor is trained on values before one moment and then asked for paths from any number of origins; the path from an
origin uses values[:origin] alone. This room knows no dates, units or bands: forecast.py adds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from flex_engine.grid.features import LOOKBACK, SLOTS_PER_DAY, Array, Index, block_means

CLIMATE_SLOTS = 8 * 7 * SLOTS_PER_DAY  # the mean day is that of eight weeks: longer ones carry the wrong season
MEMORY_SLOTS = 26 * 7 * SLOTS_PER_DAY  # a year of anomalies is no better than half a year (GB 2024) and costs twice
# Ridge penalties per row, in units of a column's mean square, tuned on 2022 and 2023. The further the lead, the fewer
# independent weather episodes it has been seen through, so its weights are held closer to nothing; and a short history
# is held as if it had FULL_ROWS rows (eight weeks of hourly origins), or it would learn its own accidents.
CALENDAR_PENALTY = 0.01
PENALTY = 0.1
PENALTY_A_DAY = 0.2
FULL_ROWS = 8 * 7 * 24


class Predictor(Protocol):
    """Trained on the past; gives one path of `slots` values for each origin."""

    def paths(self, values: Array, calendar: Array, origins: Index, slots: int) -> Array:
        """Row i is the forecast of values[origins[i] : origins[i] + slots], made from values[: origins[i]]."""
        ...


@dataclass(frozen=True, slots=True)
class Repeat:
    """The last `period` half hours, over and over."""

    period: int

    def paths(self, values: Array, calendar: Array, origins: Index, slots: int) -> Array:  # noqa: ARG002
        """See Predictor."""
        return values[origins[:, None] - self.period + np.arange(slots)[None, :] % self.period]


@dataclass(frozen=True, slots=True)
class MeanDay:
    """The mean of each half hour of the day over up to eight weeks before the origin."""

    def paths(self, values: Array, calendar: Array, origins: Index, slots: int) -> Array:  # noqa: ARG002
        """See Predictor."""
        rows = []
        for origin in origins:
            days = min(int(origin), CLIMATE_SLOTS) // SLOTS_PER_DAY
            day = values[origin - days * SLOTS_PER_DAY : origin].reshape(days, SLOTS_PER_DAY).mean(axis=0)
            rows.append(np.resize(day, slots))
        return np.stack(rows)


@dataclass(frozen=True, slots=True)
class AnomalyRidge:
    """Calendar mean plus, for each lead, a linear map of the anomalies of the last four days.

    Two ridge regressions in closed form. The first explains the series by its calendar over the last eight weeks; the
    second maps block means of what is left to what is left `lead` half hours later, one column a lead (direct
    multi-horizon: errors of one step never feed the next). Far ahead the weights shrink and the
    calendar stays.
    """

    level: float
    calendar_mean: Array
    calendar_weights: Array
    scale: Array
    weights: Array

    def paths(self, values: Array, calendar: Array, origins: Index, slots: int) -> Array:
        """See Predictor. Raises ValueError for more slots than it was trained for."""
        if slots > self.weights.shape[1]:
            raise ValueError(f"trained for {self.weights.shape[1]} half hours ahead, asked for {slots}")
        expected = self.level + (calendar - self.calendar_mean) @ self.calendar_weights
        anomalies = values - expected[: values.size]
        known = block_means(anomalies, origins) / self.scale
        ahead = known @ self.weights[:, :slots]
        return ahead + expected[origins[:, None] + np.arange(slots)[None, :]]


def train_ridge(values: Array, calendar: Array, horizon: int) -> AnomalyRidge:
    """Fit AnomalyRidge to `values`, for leads up to `horizon` half hours.

    Raises ValueError when there is no row whose furthest target is known.
    """
    if values.size < LOOKBACK + horizon + 1:
        raise ValueError(f"{values.size} values are too few to learn {horizon} half hours ahead")
    values, calendar = values[-MEMORY_SLOTS:], calendar[: values.size][-MEMORY_SLOTS:]
    recent = calendar[-CLIMATE_SLOTS:]
    level, middle = float(values[-CLIMATE_SLOTS:].mean()), recent.mean(axis=0)
    shape = _solve(recent - middle, values[-CLIMATE_SLOTS:] - level, CALENDAR_PENALTY * len(recent))
    anomalies = values - level - (calendar - middle) @ shape
    origins = np.arange(LOOKBACK, values.size, 2)  # hourly origins lose nothing and halve the work
    features = block_means(anomalies, origins)
    scale = np.sqrt((features**2).mean(axis=0)) + 1e-9
    features = features / scale
    weights = np.empty((features.shape[1], horizon))
    for first in range(0, horizon, SLOTS_PER_DAY):
        # a day of leads is solved together; rows whose target is not yet known are left out
        leads = np.arange(first, min(first + SLOTS_PER_DAY, horizon))
        rows = origins + leads[-1] < values.size
        penalty = (PENALTY + PENALTY_A_DAY * first / SLOTS_PER_DAY) * max(int(rows.sum()), FULL_ROWS)
        weights[:, leads] = _solve(features[rows], anomalies[origins[rows][:, None] + leads[None, :]], penalty)
    return AnomalyRidge(level, middle, shape, scale, weights)


def _solve(x: Array, y: Array, penalty: float) -> Array:
    return np.asarray(np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y), dtype=np.float64)
