"""Grid signals as a person asks for them: what is it now, how fresh is it, what band does the forecast carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flex_engine.timegrid import HALF_HOUR, floor_half_hour
from marketplace.models import Forecast, SignalPoint
from marketplace.queries.figures import Figure

SERIES = {"carbon_intensity": "Carbon intensity", "price": "Price"}
UNITS = {"carbon_intensity": "gCO₂e/kWh", "price": "GBP/MWh"}
PLACES = {"carbon_intensity": 0, "price": 2}
# Prices and intensities are published within the hour; two hours without a value means that a feed is down.
STALE_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Feed:
    """How fresh one series is: the end of its last known half hour, and where it came from."""

    series: str
    name: str
    state: str
    until: datetime | None
    source: str
    label: str
    age: timedelta | None


@dataclass(frozen=True, slots=True)
class Grounds:
    """The forecasts behind a plan: their label together, and each one's model, issue and history in words."""

    label: str
    sources: tuple[str, ...]


def signals_now(now: datetime) -> dict[str, Figure | None]:
    """Of each series the value of the half hour that holds `now`: as published, or as last forecast, or None."""
    slot = floor_half_hour(now)
    rows = SignalPoint.objects.as_known(now).filter(series__in=SERIES, start_at=slot)
    known = {row.series: row for row in rows}  # the one known last comes last
    return {
        series: (
            Figure(row.value, UNITS[series], row.label, row.source, row.known_at, places=PLACES[series])
            if (row := known.get(series))
            else forecast_now(series, slot, now)
        )
        for series in SERIES
    }


def forecast_now(series: str, slot: datetime, now: datetime) -> Figure | None:
    """The value of half hour `slot` as last forecast by `now`."""
    issue = newest_forecast(series, covering=slot, at=now)
    if issue is None:
        return None
    index = int((slot - issue.start_at) / HALF_HOUR)
    return Figure(
        issue.p50[index],
        UNITS[series],
        issue.label,
        f"{issue.model} {issue.model_version}",
        issue.issued_at,
        places=PLACES[series],
        low=issue.p10[index] if issue.p10 else None,
        high=issue.p90[index] if issue.p90 else None,
    )


def newest_forecast(series: str, *, covering: datetime, at: datetime) -> Forecast | None:
    """The newest issue known at `at` that holds the half hour `covering`."""
    rows = Forecast.objects.as_known(at).filter(series=series)
    return rows.holding(covering, covering + HALF_HOUR).first()


def issues_for(start: datetime, at: datetime) -> dict[str, Forecast]:
    """The forecasts that a plan from `start`, made at `at`, rests on, by series."""
    found = {series: newest_forecast(series, covering=start, at=at) for series in SERIES}
    return {series: issue for series, issue in found.items() if issue is not None}


def band(issue: Forecast | None, *, start: datetime, slots: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(P10, P90) of `issue` over [start, start + slots), or two empty tuples when it does not hold them all."""
    if issue is None:
        return (), ()
    first = int((start - issue.start_at) / HALF_HOUR)
    low, high = tuple(issue.p10[first : first + slots]), tuple(issue.p90[first : first + slots])
    return (low, high) if len(low) == slots else ((), ())


def grounds(issues: Mapping[str, Forecast]) -> Grounds:
    """These forecasts in words; together they are simulated as soon as one of them is."""
    return Grounds(
        label="SIMULATED" if any(issue.label == "SIMULATED" for issue in issues.values()) else "FORECAST",
        sources=tuple(
            f"{SERIES[series]}: {issue.model} {issue.model_version}, issued {issue.issued_at:%Y-%m-%dT%H:%MZ}, "
            f"learnt from {', '.join(issue.sources)}"
            for series, issue in issues.items()
        ),
    )


def feeds(now: datetime) -> list[Feed]:
    """The freshness of every series."""
    return [feed(series, now) for series in SERIES]


def feed(series: str, now: datetime) -> Feed:
    """The freshness of one series at `now`."""
    last = SignalPoint.objects.as_known(now).filter(series=series).last()
    if last is None:
        return Feed(series, SERIES[series], "MISSING", None, "", "", None)
    until = last.start_at + HALF_HOUR
    age = max(now - until, timedelta(0))
    state = "FRESH" if age <= STALE_AFTER else "STALE"
    return Feed(series, SERIES[series], state, until, last.source, last.label, age)
