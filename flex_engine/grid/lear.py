"""A LEAR-like forecaster: one weighted ridge regression for each lead, from published demand, wind and sun forecasts.

After the LASSO-estimated autoregressive models of electricity price forecasting (Uniejewski et al. 2016; Lago et al. 2021),
with ridge instead of lasso: half-hourly carbon intensity decided at one hour of the day, from recent levels, the same half
hour of days before, and what was published about the hours to come. It speaks as far ahead as those forecasts reach.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from flex_engine.grid import calibration
from flex_engine.grid.features import SLOTS_PER_DAY, Array, Index
from flex_engine.grid.forecast import QuantileForecast, ShortHistoryError
from flex_engine.grid.rows import COVARIATES, Rows, Store, truths
from flex_engine.grid.vintages import Vintages, slot
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR

HORIZON = 76  # half hours: from nine in the morning to eleven in the evening of the next day, in UTC
MEMORY_DAYS = 3 * 365
HALF_LIFE_DAYS = 180.0  # of a row's weight; with the penalty tuned on 2023, 2024 untouched
PENALTY = 0.003  # of a standardised column, per unit of weight
FEWEST_ROWS = 120
HELD_OUT_DAYS = 60


@dataclass(frozen=True, slots=True)
class LearPredictor:
    """For each lead: means and scales of the columns, a level and weights. Lead i is row i."""

    middle: Array
    scale: Array
    level: Array
    weights: Array

    def paths(self, store: Store, decisions: Index) -> Array:
        """Row i is the forecast of the half hours from decisions[i] on, from what was known then; NaN where too little was."""
        rows = Rows.at(store, decisions, self.level.size)
        columns = [
            self.level[lead] + ((rows.of(lead) - self.middle[lead]) / self.scale[lead]) @ self.weights[lead]
            for lead in range(self.level.size)
        ]
        return np.stack(columns, axis=1)


def train(store: Store, decisions: Index, *, at: int, horizon: int = HORIZON) -> LearPredictor:
    """Fit every lead on `decisions`, with truths known at half hour `at` alone.

    Raises ShortHistoryError when a lead has fewer than FEWEST_ROWS complete rows.
    """
    chosen = decisions[(decisions < at) & (decisions >= at - MEMORY_DAYS * SLOTS_PER_DAY)]
    rows = Rows.at(store, chosen, horizon)
    weight = 0.5 ** ((at - chosen) / SLOTS_PER_DAY / HALF_LIFE_DAYS)
    solved = []
    for lead in range(horizon):
        x, y = rows.of(lead), truths(store, chosen, lead, at=at)
        whole = np.isfinite(x).all(axis=1) & np.isfinite(y)
        if whole.sum() < FEWEST_ROWS:
            raise ShortHistoryError(
                f"{store.history.name} has {int(whole.sum())} whole days for lead {lead}; {FEWEST_ROWS} are needed."
            )
        solved.append(weighted_ridge(x[whole], y[whole], weight[whole]))
    middle, scale, level, weights = (np.stack(part) for part in zip(*solved, strict=True))
    return LearPredictor(middle, scale, level, weights)


def weighted_ridge(x: Array, y: Array, weight: Array) -> tuple[Array, Array, Array, Array]:
    """(means, scales, level, weights) of a ridge regression on standardised columns."""
    middle = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - middle) ** 2, axis=0, weights=weight)) + 1e-9
    level = np.average(y, weights=weight)
    standard = (x - middle) / scale
    gram = standard.T @ (standard * weight[:, None]) + PENALTY * weight.sum() * np.eye(x.shape[1])
    return middle, scale, np.asarray(level), np.linalg.solve(gram, standard.T @ (weight * (y - level)))


@dataclass(frozen=True, slots=True)
class Lear:
    """The forecaster. It decides daily at the hour its history ends; `covariates` are published forecasts in MW by name."""

    covariates: Mapping[str, Vintages]
    horizon: int = HORIZON
    history: HalfHourly | None = None
    predictor: LearPredictor | None = None
    band: calibration.Band | None = None
    score: calibration.Score | None = None

    name = "lear"
    version = "1"

    def fit(self, history: HalfHourly) -> Lear:
        """A fitted copy, with a band from the last HELD_OUT_DAYS, which it was not trained on before. See Forecaster."""
        store = Store(Vintages.of_history(history), self.covariates)
        first, end = slot(history.start), slot(history.end)
        days = (end - first) // SLOTS_PER_DAY
        if days < FEWEST_ROWS + HELD_OUT_DAYS:
            raise ShortHistoryError(
                f"lear needs {FEWEST_ROWS + HELD_OUT_DAYS} days of {history.name}; the history has {days}."
            )
        decisions = np.arange(end - days * SLOTS_PER_DAY, end, SLOTS_PER_DAY, dtype=np.int64)
        held = hold_out(store, decisions, end, self.horizon)
        return replace(
            self,
            history=history,
            predictor=train(store, decisions, at=end, horizon=self.horizon),
            band=calibration.band(held, horizon=self.horizon),
            score=calibration.score(held, model=self.name, horizon=self.horizon),
        )

    def predict(self, *, start: datetime, slots: int) -> QuantileForecast:
        """See Forecaster. Raises ValueError outside its horizon, and where published forecasts do not reach."""
        if self.history is None or self.predictor is None or self.band is None:
            raise ValueError("lear is not fitted; call fit(history) first")
        skipped = (start - self.history.end) // HALF_HOUR
        if (
            start != self.history.end + skipped * HALF_HOUR
            or skipped < 0
            or skipped + slots > self.horizon
            or slots < 1
        ):
            raise ValueError(
                f"{slots} half hours from {start.isoformat()} do not lie within the {self.horizon} half hours after "
                f"{self.history.end.isoformat()}"
            )
        store = Store(Vintages.of_history(self.history), self.covariates)
        path = self.predictor.paths(store, np.array([slot(self.history.end)], dtype=np.int64))[0]
        leads = slice(skipped, skipped + slots)
        low, middle, high = (
            np.maximum(line[leads], 0.0) for line in (path + self.band.below, path, path + self.band.above)
        )
        if not np.isfinite(middle).all():
            raise ValueError(f"no published forecast reaches all of {slots} half hours from {start.isoformat()}")
        return QuantileForecast(
            series=self.history.name,
            issued_at=self.history.end,
            start=start,
            p10=tuple(low.tolist()),
            p50=tuple(middle.tolist()),
            p90=tuple(high.tolist()),
            unit=self.history.unit,
            model=self.name,
            model_version=self.version,
            inputs_digest=self.digest(),
            sources=(self.history.source, *(self.covariates[name].name for name in COVARIATES)),
        )

    def digest(self) -> str:
        """SHA-256 over model, version, history and every version of a covariate that was known at the decision."""
        history = self.history
        if history is None:
            raise ValueError("lear is not fitted; call fit(history) first")
        found = hashlib.sha256(f"{self.name}\n{self.version}\n{history.name}\n{history.start.isoformat()}\n".encode())
        found.update(np.array(history.values, dtype=">f8").tobytes())
        for name in COVARIATES:
            keys, values = self.covariates[name].known_by(slot(history.end))
            found.update(name.encode() + keys.astype(">i8").tobytes() + values.astype(">f8").tobytes())
        return found.hexdigest()


def hold_out(store: Store, decisions: Index, end: int, horizon: int) -> calibration.HeldOut:
    """Errors of a predictor trained HELD_OUT_DAYS before `end` on the decisions since then."""
    split = end - HELD_OUT_DAYS * SLOTS_PER_DAY
    later = decisions[decisions >= split]
    paths = train(store, decisions, at=split, horizon=horizon).paths(store, later)
    known = np.stack([truths(store, later, lead, at=end) for lead in range(horizon)], axis=1)
    return calibration.HeldOut(later, known - paths, known)
