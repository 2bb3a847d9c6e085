"""Made-up signals, jobs and meter readings from a seed, for demonstrations and tests without data.

Everything is labelled SIMULATED and says so in its source. The same seed gives the same numbers; no clock is read. The
shapes are those of Great Britain around 2024 (a mean of about 130 g/kWh and 70 GBP/MWh, an evening peak, windy spells of
a day or two, now and then a negative price) and prove nothing about it: measure savings on real data only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from flex_engine.compute.job import Job
from flex_engine.quantities import Label, wh_from_kw
from flex_engine.series import HalfHourly
from flex_engine.timegrid import HALF_HOUR, LONDON, half_hours

WIND_MEMORY_SLOTS = 60.0  # half hours over which a windy spell decays to 1/e: 30 h
CARBON_MEAN, CARBON_WIND, CARBON_FLOOR = 130.0, 45.0, 20.0  # g/kWh
PRICE_MEAN, PRICE_WIND, PRICE_NOISE = 70.0, 22.0, 9.0  # GBP/MWh


@dataclass(frozen=True, slots=True)
class SimulatedReadings:
    """Import at the site meter in whole Wh, one (start, Wh) a half hour."""

    readings: tuple[tuple[datetime, int], ...]
    source: str
    label: Label = Label.SIMULATED


def signals(start: datetime, slots: int, seed: int) -> dict[str, HalfHourly]:
    """`carbon_intensity` (gCO2e/kWh) and `price` (GBP/MWh) for `slots` half hours from `start`.

    `as_of` is `start`: the whole path is known from the beginning, as in a play. Raises ValueError off the half hour.

    >>> from datetime import UTC
    >>> made = signals(datetime(2026, 1, 5, tzinfo=UTC), 48, seed=1)
    >>> made["price"].label, len(made["carbon_intensity"].values)
    (<Label.SIMULATED: 'SIMULATED'>, 48)
    """
    rng = np.random.default_rng(seed)
    grid = half_hours(start, start + slots * HALF_HOUR)
    local = [moment.astimezone(LONDON) for moment in grid]
    hour = np.array([moment.hour + moment.minute / 60 for moment in local])
    weekend = np.array([moment.weekday() >= 5 for moment in local], dtype=np.float64)
    # demand: low at four in the morning, a shoulder through the day, a peak at half past five in the evening
    demand = -np.cos(2 * np.pi * (hour - 4) / 24) + 1.1 * np.exp(-(((hour - 17.5) / 2.0) ** 2)) - 0.5 * weekend
    wind = _red_noise(rng, slots)
    carbon = np.maximum(CARBON_MEAN + 22 * demand - CARBON_WIND * wind, CARBON_FLOOR)
    price = PRICE_MEAN + 16 * demand - PRICE_WIND * wind + PRICE_NOISE * rng.standard_t(4, slots)
    source = f"synthetic, seed {seed}"
    lines = (("carbon_intensity", carbon.round(1), "gCO2e/kWh"), ("price", price.round(2), "GBP/MWh"))
    return {
        name: HalfHourly(name, start, tuple(values.tolist()), unit, source, Label.SIMULATED, start)
        for name, values, unit in lines
    }


def jobs(start: datetime, days: int, count: int, seed: int) -> list[Job]:
    """`count` deferrable jobs arriving over `days` days from `start`, in order of arrival.

    Arrivals follow office hours, durations are log-normal (median one hour, at most twelve), powers 5 to 120 kW, and each
    deadline leaves 4 to 36 hours of slack. One job in ten cannot be interrupted.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(24)
    weights = 0.3 + np.exp(-(((hours - 13) / 4.5) ** 2))
    chosen_hours = rng.choice(hours, size=count, p=weights / weights.sum())
    minutes = np.sort(rng.integers(0, max(days, 1), count) * 1440 + chosen_hours * 60 + rng.integers(0, 60, count))
    made = []
    for index, minute in enumerate(minutes.tolist(), start=1):
        duration_s = int(np.clip(rng.lognormal(np.log(3600), 0.9), 900, 12 * 3600)) // 60 * 60
        arrival = start + timedelta(minutes=minute)
        slack = timedelta(minutes=int(rng.integers(4 * 60, 36 * 60)))
        made.append(
            Job(
                id=f"sim-{seed}-{index:04d}",
                arrival=arrival,
                deadline=arrival + timedelta(seconds=duration_s) + slack,
                duration_s=duration_s,
                power_kw=round(float(rng.uniform(5, 120)), 1),
                preemptible=bool(rng.random() >= 0.1),
                power_label=Label.SIMULATED,
                deadline_label=Label.SIMULATED,
            )
        )
    return made


def meter(start: datetime, load_kw: Sequence[float], seed: int, *, noise_share: float = 0.01) -> SimulatedReadings:
    """Readings of a site whose mean load in each half hour is `load_kw`, off by a normal error of `noise_share` of it.

    Never negative. Raises ValueError for a load that is negative or not a number, or a start off the half hour.
    """
    rng = np.random.default_rng(seed)
    grid = half_hours(start, start + len(load_kw) * HALF_HOUR)
    load = np.array(load_kw, dtype=np.float64)
    if not np.all(np.isfinite(load) & (load >= 0)):
        raise ValueError("load_kw must hold finite numbers of at least 0")
    noisy = np.maximum(load * (1 + noise_share * rng.standard_normal(load.size)), 0.0)
    energies = [wh_from_kw(Decimal(repr(kw))) for kw in noisy.tolist()]
    return SimulatedReadings(tuple(zip(grid, energies, strict=True)), f"synthetic meter, seed {seed}")


def _red_noise(rng: np.random.Generator, slots: int) -> np.ndarray:
    """Unit-variance first-order autoregressive noise: how wind comes and goes."""
    keep = float(np.exp(-1 / WIND_MEMORY_SLOTS))
    shocks = rng.standard_normal(slots) * np.sqrt(1 - keep**2)
    path = np.empty(slots)
    level = float(rng.standard_normal())
    for index in range(slots):
        level = keep * level + float(shocks[index])
        path[index] = level
    return path
