"""What a forecaster may look at: the calendar of the half hour forecast, and values before the moment of issue.

The calendar follows London clock time, because demand does; it is known for ever ahead. Everything taken from the
series itself is a mean over half hours that ended at or before the origin, so no feature can look ahead.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from flex_engine.timegrid import HALF_HOUR, LONDON, is_working_day

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SLOTS_PER_DAY = 48
HARMONICS = 4  # daily shape down to six hours; three or six change the 2024 error by less than 0.1 g
NON_WORKING_HARMONICS = 2

# Half hours before the origin over which the anomaly is averaged: fine near the origin, coarse four days back, because
# a weather front keeps its mark on the grid for one to three days. (first, last) counts back from the origin.
BLOCKS = ((0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 48), (48, 96), (96, 192))
LOOKBACK = BLOCKS[-1][1]


def calendar(start: datetime, slots: int) -> Array:
    """One row a half hour from `start`: non-working day, daily harmonics, and the first harmonics on non-working days.

    Hours are London clock hours and bank holidays those of England and Wales, so a clock change moves the daily shape
    with the people.
    """
    local = [(start + index * HALF_HOUR).astimezone(LONDON) for index in range(slots)]
    rest = {day: not is_working_day(day) for day in {moment.date() for moment in local}}
    clock = np.array([moment.hour * 2 + moment.minute // 30 for moment in local], dtype=np.float64)
    resting = np.array([rest[moment.date()] for moment in local], dtype=np.float64)
    columns = [resting]
    for harmonic in range(1, HARMONICS + 1):
        angle = 2 * np.pi * harmonic * clock / SLOTS_PER_DAY
        columns += [np.sin(angle), np.cos(angle)]
        if harmonic <= NON_WORKING_HARMONICS:
            columns += [np.sin(angle) * resting, np.cos(angle) * resting]
    return np.stack(columns, axis=1) if slots else np.empty((0, 1 + 2 * HARMONICS + 2 * NON_WORKING_HARMONICS))


def block_means(values: Array, origins: Index) -> Array:
    """One row an origin: the mean of `values` over each of BLOCKS before it, from values[:origin] alone.

    Raises ValueError for an origin with less than LOOKBACK values before it.
    """
    first, last = np.min(origins, initial=LOOKBACK), np.max(origins, initial=values.size)
    if first < LOOKBACK or last > values.size:
        raise ValueError(f"origins must lie in {LOOKBACK}..{values.size}, not {first}..{last}")
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.stack([(total[origins - near] - total[origins - far]) / (far - near) for near, far in BLOCKS], axis=1)
