"""What is suspicious about a signal before anybody plans with it. It reports; it never mends and never refuses.

The rules are those a half-hourly GB series can be held to without a second source: age, flat lines and steps.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby

from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR

STALE_AFTER = timedelta(minutes=90)
FLAT_AFTER = timedelta(hours=6)

# Largest change between two half hours that is taken at its word, g/kWh. Of the 157,000 steps of GB 2016-2024 four are
# larger, on two days of 2016, and all four look like faults of the record. Prices spike by thousands when the margin is
# short, so a price step alone proves nothing and has no limit.
LARGEST_STEP = {"carbon_intensity": 100.0}


def findings(series: HalfHourly, *, now: datetime) -> list[str]:
    """Plain sentences, empty when nothing is suspicious."""
    return [*_stale(series, now), *_flat(series), *_steps(series)]


def _stale(series: HalfHourly, now: datetime) -> list[str]:
    age = now - series.end
    if age <= STALE_AFTER:
        return []
    return [f"{series.name} ends at {series.end:%Y-%m-%dT%H:%MZ}, {age // timedelta(minutes=1)} minutes ago."]


def _flat(series: HalfHourly) -> list[str]:
    found, index = [], 0
    for value, group in groupby(series.values):
        length = len(list(group))
        if length * HALF_HOUR > FLAT_AFTER:
            start = series.start + index * HALF_HOUR
            found.append(
                f"{series.name} stays at {value:g} {series.unit} for {length} half hours from {start:%Y-%m-%dT%H:%MZ}."
            )
        index += length
    return found


def _steps(series: HalfHourly) -> list[str]:
    limit = LARGEST_STEP.get(series.name)
    if limit is None:
        return []
    return [
        f"{series.name} steps from {before:g} to {after:g} {series.unit} at {series.start + index * HALF_HOUR:%Y-%m-%dT%H:%MZ}."
        for index, (before, after) in enumerate(zip(series.values, series.values[1:], strict=False), start=1)
        if abs(after - before) > limit
    ]
