"""Forecasts of a half-hourly series with an 80 % band, from nothing but its own past and the calendar.

The moment of issue is the end of the history given: a forecaster sees no other value, and refuses to forecast
a half hour its history already holds. It knows no feed, no clock and no plan. Which model speaks is decided by its errors on the
history itself, and every issue says which model, which version and a digest of what went in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Protocol, Self

import numpy as np

from flex_engine.grid import calibration
from flex_engine.grid.features import LOOKBACK, SLOTS_PER_DAY, Array, calendar
from flex_engine.grid.predictors import MeanDay, Predictor, Repeat, train_ridge
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR

HORIZON = 9 * SLOTS_PER_DAY  # seven days to plan, and up to two days that the newest value may be late
SCORED = 7 * SLOTS_PER_DAY  # leads over which models are compared
HELD_OUT_AT_MOST = 8 * 7 * SLOTS_PER_DAY
ROOM_TO_ROLL = 3 * SLOTS_PER_DAY  # origins that see the truth at the furthest lead: 13 at one every 5.5 hours
RIDGE_ROWS = 7 * SLOTS_PER_DAY  # the least span of origins a ridge is trained on at its furthest lead


class ShortHistoryError(ValueError):
    """The history is too short for this model at this horizon; the message says how long it must be."""


@dataclass(frozen=True, slots=True)
class QuantileForecast:
    """Half-hourly p10, p50 and p90 from `start`; `p50` is the central path, the band is meant to hold 80 % of truths.

    `issued_at` is the end of the history used: nothing later went in. `inputs_digest` is the SHA-256 of model, version
    and history values.
    """

    series: str
    issued_at: datetime
    start: datetime
    p10: tuple[float, ...]
    p50: tuple[float, ...]
    p90: tuple[float, ...]
    unit: str
    model: str
    model_version: str
    inputs_digest: str
    sources: tuple[str, ...]

    def central(self, label: Label = Label.FORECAST) -> HalfHourly:
        """The central path as a series; pass SIMULATED when the history was simulated."""
        source = f"{self.model} {self.model_version}"
        return HalfHourly(self.series, self.start, self.p50, self.unit, source, label, self.issued_at)


class Forecaster(Protocol):
    """Fitted on a history, then asked for the half hours after it."""

    @property
    def name(self) -> str:
        """Stable name of the model, stored with each issue."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same history would give other numbers."""
        ...

    def fit(self, history: HalfHourly) -> Self:
        """A fitted copy. Raises ShortHistoryError."""
        ...

    def predict(self, *, start: datetime, slots: int) -> QuantileForecast:
        """`slots` half hours from `start`, which is at or after the end of the history. Raises ValueError."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained predictor with the history and calendar it was trained on, its band and its score."""

    history: HalfHourly
    columns: Array
    predictor: Predictor
    band: calibration.Band
    score: calibration.Score


@dataclass(frozen=True, slots=True)
class SeasonalNaive:
    """The last `period` half hours again: 48 for yesterday, 336 for last week. The model to beat."""

    period: int = SLOTS_PER_DAY
    horizon: int = HORIZON
    fitted: Fitted | None = None

    version = "1"

    @property
    def name(self) -> str:
        """seasonal-naive-day, or -week."""
        return {SLOTS_PER_DAY: "seasonal-naive-day", 7 * SLOTS_PER_DAY: "seasonal-naive-week"}.get(
            self.period, f"seasonal-naive-{self.period}"
        )

    @property
    def needs(self) -> int:
        """Half hours of history it is trained on at the least."""
        return self.period

    def train(self, values: Array, columns: Array, horizon: int) -> Predictor:  # noqa: ARG002
        """Nothing to learn."""
        return Repeat(self.period)

    def fit(self, history: HalfHourly) -> SeasonalNaive:
        """See Forecaster."""
        return replace(self, fitted=fit(self, history))

    def predict(self, *, start: datetime, slots: int) -> QuantileForecast:
        """See Forecaster."""
        return issue(self, self.fitted, start, slots)


@dataclass(frozen=True, slots=True)
class MeanProfile:
    """The mean of each half hour of the day over the last eight weeks: hard to beat some days ahead."""

    horizon: int = HORIZON
    fitted: Fitted | None = None

    name = "mean-profile"
    version = "1"
    needs = SLOTS_PER_DAY

    def train(self, values: Array, columns: Array, horizon: int) -> Predictor:  # noqa: ARG002
        """Nothing to learn."""
        return MeanDay()

    def fit(self, history: HalfHourly) -> MeanProfile:
        """See Forecaster."""
        return replace(self, fitted=fit(self, history))

    def predict(self, *, start: datetime, slots: int) -> QuantileForecast:
        """See Forecaster."""
        return issue(self, self.fitted, start, slots)


@dataclass(frozen=True, slots=True)
class Ridge:
    """Calendar mean plus a linear map of the last four days' anomalies to each lead (predictors.AnomalyRidge)."""

    horizon: int = HORIZON
    fitted: Fitted | None = None

    name = "ridge"
    version = "1"

    @property
    def needs(self) -> int:
        """Half hours of history it is trained on at the least."""
        return LOOKBACK + self.horizon + RIDGE_ROWS

    def train(self, values: Array, columns: Array, horizon: int) -> Predictor:
        """Two closed-form regressions."""
        return train_ridge(values, columns, horizon)

    def fit(self, history: HalfHourly) -> Ridge:
        """See Forecaster."""
        return replace(self, fitted=fit(self, history))

    def predict(self, *, start: datetime, slots: int) -> QuantileForecast:
        """See Forecaster."""
        return issue(self, self.fitted, start, slots)


Model = SeasonalNaive | MeanProfile | Ridge


@dataclass(frozen=True, slots=True)
class Choice:
    """The fitted model with the smallest held-out error, the scores of all, and why those left out were left out."""

    forecaster: Model
    scores: tuple[calibration.Score, ...]
    left_out: tuple[str, ...]

    @property
    def reason(self) -> str:
        """One sentence a person can check."""
        best, others = self.scores[0], self.scores[1:]
        beaten = ", ".join(f"{score.model} {score.mae:.2f}" for score in others)
        text = f"{best.model} had the smallest mean error, {best.mae:.2f}, over {best.origins} held-out origins"
        return f"{text}{f' (against {beaten})' if beaten else ''}."

    def predict(self, *, start: datetime, slots: int) -> QuantileForecast:
        """The chosen model's forecast."""
        return self.forecaster.predict(start=start, slots=slots)

    def facts(self) -> dict[str, Any]:
        """JSON-safe: model, version, reason, scores, left out."""
        return {
            "model": self.forecaster.name,
            "version": self.forecaster.version,
            "reason": self.reason,
            "scores": [asdict(score) | {"mae_by_span": list(score.mae_by_span)} for score in self.scores],
            "left_out": list(self.left_out),
        }


def best_available(history: HalfHourly, *, horizon: int = HORIZON, models: Sequence[Model] | None = None) -> Choice:
    """Fit every model the history is long enough for and choose by rolling-origin error on the history itself.

    All are scored from the same origins, so the comparison is fair; ties go to the simpler model, listed first. With
    less than about 34 days only the naive models and the mean profile can speak; below 12 days none can, and
    ShortHistoryError says so.
    """
    offered = models or (
        SeasonalNaive(horizon=horizon),
        SeasonalNaive(7 * SLOTS_PER_DAY, horizon=horizon),
        MeanProfile(horizon),
        Ridge(horizon),
    )
    first = first_origin(len(history.values), horizon)
    able = [model for model in offered if model.needs <= first]
    left_out = tuple(
        f"{model.name}: needs {days(model.needs - first)} more days of history"
        for model in offered
        if model.needs > first
    )
    if not able:
        shortest = min(model.needs for model in offered) + horizon + ROOM_TO_ROLL
        raise ShortHistoryError(
            f"{history.name} has {days(len(history.values))} days of history; a forecast needs {days(shortest)}."
        )
    columns = calendar(history.start, len(history.values) + horizon)
    fitted = [replace(model, fitted=fit(model, history, first=first, columns=columns)) for model in able]
    ranked = sorted(fitted, key=lambda model: score_of(model).mae)
    return Choice(ranked[0], tuple(score_of(model) for model in ranked), left_out)


def first_origin(length: int, horizon: int) -> int:
    """Where holding out begins.

    After two fifths of the history, or as soon as a ridge can be trained if that is later: a band from five weeks
    of eight held five truths in a hundred more than one from three (GB 2022 and 2023). Earlier when the furthest lead would have too few truths.
    """
    trained = max(length * 2 // 5, LOOKBACK + horizon + RIDGE_ROWS)
    return max(min(trained, length - horizon - ROOM_TO_ROLL), length - HELD_OUT_AT_MOST)


def fit(model: Model, history: HalfHourly, *, first: int | None = None, columns: Array | None = None) -> Fitted:
    """Hold out, band, score; then train on everything. Raises ShortHistoryError."""
    values = np.array(history.values, dtype=np.float64)
    start = first_origin(values.size, model.horizon) if first is None else first
    if start < model.needs:
        raise ShortHistoryError(
            f"{model.name} needs {days(model.needs + model.horizon + ROOM_TO_ROLL)} days of {history.name} to forecast "
            f"{days(model.horizon)} days ahead; the history has {days(values.size)}."
        )
    known = calendar(history.start, values.size + model.horizon) if columns is None else columns
    held = calibration.roll(model.train, values, known, model.horizon, first=start)
    score = calibration.score(held, model=model.name, horizon=min(SCORED, model.horizon))
    return Fitted(
        history=history,
        columns=known,
        predictor=model.train(values, known, model.horizon),
        band=calibration.band(held, horizon=model.horizon),
        score=score,
    )


def score_of(model: Model) -> calibration.Score:
    """The score of a fitted model. Raises ValueError before fit."""
    if model.fitted is None:
        raise ValueError(f"{model.name} is not fitted; call fit(history) first")
    return model.fitted.score


def issue(model: Model, fitted: Fitted | None, start: datetime, slots: int) -> QuantileForecast:
    """The path of `fitted` from the end of its history, cut to [start, start + slots), with its band."""
    if fitted is None:
        raise ValueError(f"{model.name} is not fitted; call fit(history) first")
    history = fitted.history
    skipped = (start - history.end) // HALF_HOUR
    if start != history.end + skipped * HALF_HOUR:
        raise ValueError(f"start {start.isoformat()} is not on the half hour")
    if skipped < 0:
        raise ValueError(f"the history already holds {start.isoformat()}: slice it to the moment of issue first")
    if slots < 1 or skipped + slots > model.horizon:
        raise ValueError(
            f"{slots} half hours from {start.isoformat()} do not lie within the {model.horizon} half hours "
            f"after {history.end.isoformat()}"
        )
    values = np.array(history.values, dtype=np.float64)
    leads = slice(skipped, skipped + slots)
    path = fitted.predictor.paths(values, fitted.columns, np.array([values.size]), model.horizon)[0]
    # intensities are of burnt fuel and cannot be negative; prices can
    floor = 0.0 if history.unit.startswith("gCO2") else -np.inf
    lines = (path + fitted.band.below, path, path + fitted.band.above)
    low, middle, high = (np.maximum(line[leads], floor) for line in lines)
    return QuantileForecast(
        series=history.name,
        issued_at=history.end,
        start=start,
        p10=tuple(low.tolist()),
        p50=tuple(middle.tolist()),
        p90=tuple(high.tolist()),
        unit=history.unit,
        model=model.name,
        model_version=model.version,
        inputs_digest=digest(model, history),
        sources=(history.source,),
    )


def digest(model: Model, history: HalfHourly) -> str:
    """SHA-256 over the model's name and version and the history's name, start, unit and values (big-endian doubles)."""
    head = "\n".join((model.name, model.version, history.name, history.start.isoformat(), history.unit, ""))
    return hashlib.sha256(head.encode() + np.array(history.values, dtype=">f8").tobytes()).hexdigest()


def days(slots: int) -> int:
    """Whole days that hold `slots` half hours."""
    return -(-slots // SLOTS_PER_DAY)
