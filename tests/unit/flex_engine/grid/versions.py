"""A made-up store of versions: a series that follows wind and demand, published forecasts, and corrections that come later."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from flex_engine.grid.features import Array, Index
from flex_engine.grid.rows import COVARIATES, Store
from flex_engine.grid.vintages import SPAN, Vintages, slot

SLOTS_PER_DAY = 48
START = datetime(2024, 1, 1, tzinfo=UTC)
FIRST = slot(START)
NINE = 18  # half hours after midnight


def half_hours(days: int) -> Index:
    return FIRST + np.arange(days * SLOTS_PER_DAY, dtype=np.int64)


def decisions(days: int, *, first: int = 9) -> Index:
    """Nine in the morning of each day from day `first` on, while a whole day after it is left."""
    return FIRST + NINE + SLOTS_PER_DAY * np.arange(first, days - 2, dtype=np.int64)


def store(days: int, *, seed: int = 1) -> tuple[Store, Array]:
    """Day-ahead forecasts are issued at eight in the morning for the next day; truth follows them with a little noise."""
    rng = np.random.default_rng(seed)
    slots = half_hours(days)
    daily = np.sin(2 * np.pi * (slots % SLOTS_PER_DAY) / SLOTS_PER_DAY)
    wind = 9000 + 4000 * np.repeat(rng.standard_normal(days), SLOTS_PER_DAY).clip(-2, 2)
    power = {
        "demand": 30000 - 5000 * daily,
        "wind": wind,
        "embedded_wind": wind / 5,
        "solar": 2000 * np.maximum(-daily, 0),
    }
    issue = ((slots - FIRST) // SLOTS_PER_DAY - 1) * SLOTS_PER_DAY + FIRST + NINE - 2
    truth = 250 - wind / 90 - 20 * daily + 5 * rng.standard_normal(slots.size)
    covariates = {name: Vintages.of(name, "MW", slots, issue * 30, power[name]) for name in COVARIATES}
    return Store(Vintages.of("carbon_intensity", "gCO2e/kWh", slots, (slots + 1) * 30, truth), covariates), truth


def later(one: Vintages, targets: Index, known: Index, value: float) -> Vintages:
    """The same series with one more version of each target, known at `known`."""
    keys = np.concatenate([one.keys, targets * SPAN + known])
    values = np.concatenate([one.values, np.full(targets.size, value)])
    return Vintages.of(one.name, one.unit, keys // SPAN, keys % SPAN, values)
