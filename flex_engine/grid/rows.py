"""What a forecaster of carbon intensity may know when it decides: one row a decision, one set of columns a lead.

Every value in a row comes out of `Vintages.as_known` with the row's own decision, so that no row can look ahead, whatever is
in the store. Truths for training come with the same care: `truths` gives only what was known when the training happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from flex_engine.grid.features import BLOCKS, SLOTS_PER_DAY, Array, Index
from flex_engine.grid.vintages import EPOCH, SLOT_MINUTES, Vintages
from flex_engine.timegrid import HALF_HOUR, LONDON, is_working_day

DEMAND, WIND, EMBEDDED_WIND, SOLAR = "demand", "wind", "embedded_wind", "solar"
COVARIATES = (DEMAND, WIND, EMBEDDED_WIND, SOLAR)
SCALE_MW = 1e4  # covariates are counted in 10 GW, so that their squares stay near one
NEIGHBOUR = 4  # half hours on either side whose forecasts also enter: stations start before a peak and stop after it
YEAR_SLOTS = 365.25 * SLOTS_PER_DAY
WEEK = 7 * SLOTS_PER_DAY


class LookAheadError(ValueError):
    """A row was asked for something that its decision comes before."""


@dataclass(frozen=True, slots=True)
class Store:
    """The series to forecast, as it was known, and the published forecasts it leans on, by name (COVARIATES), in MW."""

    history: Vintages
    covariates: Mapping[str, Vintages]

    def __post_init__(self) -> None:
        absent = [name for name in COVARIATES if name not in self.covariates]
        if absent:
            raise ValueError(f"covariates lack {', '.join(absent)}")


@dataclass(frozen=True, slots=True)
class Power:
    """What was expected of the grid for some half hours, as known at a decision, in 10 GW; `share` is that of wind and sun."""

    demand: Array
    wind: Array
    solar: Array
    share: Array


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for `decisions` (half hours since 1970; each decides at its start). `shared` are the columns of every lead."""

    store: Store
    decisions: Index
    horizon: int
    ahead: Power
    shared: Array

    @classmethod
    def at(cls, store: Store, decisions: Index, horizon: int) -> Rows:
        """Everything that was known at each decision about itself and the `horizon` half hours after it."""
        leads = np.arange(horizon)
        ahead = power(store, decisions, decisions[:, None] + leads[None, :])
        return cls(store, decisions, horizon, ahead, shared_columns(store, decisions))

    def of(self, lead: int) -> Array:
        """The columns for the half hour that begins `lead` half hours after each decision. NaN where nothing was known.

        Raises LookAheadError for a lead before the decision or past the horizon.
        """
        if not 0 <= lead < self.horizon:
            raise LookAheadError(f"lead {lead} is not one of 0 to {self.horizon - 1}")
        targets, minutes = self.decisions + lead, self.decisions * SLOT_MINUTES
        days = 1 + lead // SLOTS_PER_DAY  # the newest same half hour of the day that is over at the decision
        lags = [
            self.store.history.as_known(minutes, targets - lag)
            for lag in (days * SLOTS_PER_DAY, (days + 1) * SLOTS_PER_DAY, WEEK)
        ]
        before, after = max(lead - NEIGHBOUR, 0), min(lead + NEIGHBOUR, self.horizon - 1)
        it = self.ahead
        demand, wind, solar, share = (part[:, lead] for part in (it.demand, it.wind, it.solar, it.share))
        around = [part[:, beside] for beside in (before, after) for part in (it.demand, it.wind, it.share)]
        columns = [*lags, demand, wind, solar, share, demand**2, wind**2, share**2, *around, resting(targets)]
        return np.concatenate([self.shared, np.stack(columns, axis=1)], axis=1)


def power(store: Store, decisions: Index, targets: Index) -> Power:
    """The published forecasts for `targets` (a row a decision) as known at each decision."""
    minutes = (decisions * SLOT_MINUTES)[:, None]
    demand, wind, embedded, solar = (
        store.covariates[name].as_known(minutes, targets) / SCALE_MW for name in COVARIATES
    )
    used = demand + embedded + solar  # national demand is counted without what embedded plant meets
    share = (wind + embedded + solar) / np.where(used > 0, used, np.nan)
    return Power(demand, wind + embedded, solar, share)


def shared_columns(store: Store, decisions: Index) -> Array:
    """Recent levels of the series and of what was expected of the grid beside them, and where in the year it is."""
    minutes = (decisions * SLOT_MINUTES)[:, None]
    reach = max(far for _, far in BLOCKS)
    past = decisions[:, None] - 1 - np.arange(reach)[None, :]  # column i is i + 1 half hours back
    values = store.history.as_known(minutes, past)
    expected = power(store, decisions, past[:, :SLOTS_PER_DAY])
    year = decisions / YEAR_SLOTS
    columns = [values[:, near:far].mean(axis=1) for near, far in BLOCKS]
    columns += [expected.share[:, 0], expected.share[:, 0] ** 2, values[:, :SLOTS_PER_DAY].mean(axis=1)]
    columns += [known_mean(part) for part in (expected.share, expected.demand, expected.wind)]
    columns += [year, np.sin(2 * np.pi * year), np.cos(2 * np.pi * year)]
    return np.stack(columns, axis=1)


def known_mean(values: Array) -> Array:
    """The mean of what is known in each row; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def truths(store: Store, decisions: Index, lead: int, *, at: int) -> Array:
    """What came to be `lead` half hours after each decision, as known at half hour `at`; NaN where it was not yet."""
    return store.history.as_known(np.full(decisions.shape, at * SLOT_MINUTES), decisions + lead)


def resting(targets: Index) -> Array:
    """1 for a half hour of a weekend or bank holiday in London, else 0."""
    return np.array([rests(int(target)) for target in targets])


@lru_cache(maxsize=1 << 17)  # three years of half hours, asked for again at every lead
def rests(target: int) -> float:
    """1 when half hour `target` (since 1970) lies on a weekend or bank holiday in London, else 0."""
    return float(not is_working_day((EPOCH + target * HALF_HOUR).astimezone(LONDON).date()))
