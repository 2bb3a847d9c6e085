"""Baselines from the hour beside the event: the level metered just before it, or a line from before it to after it.

They follow the day closely and are the least noisy on compute load, but they see no further: load moved into the hour
before raises them, and rebound in the hour after raises the line. Both are therefore checked for pull-forward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flex_engine.quantities import divide
from flex_engine.settle.baseline import Baseline, event_of, readings_for
from flex_engine.timegrid import HALF_HOUR

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class NearEventParameters:
    """Half hours metered before the event and after it, and the gap left on either side."""

    before_periods: int = 2
    after_periods: int = 2
    gap_periods: int = 0


def meter_before(
    *,
    readings: Mapping[datetime, int],
    periods: Sequence[datetime],
    parameters: NearEventParameters = NearEventParameters(),
    method: str = "meter-before-meter-after-v1",
) -> Baseline:
    """Meter before, meter after: the mean of the half hours just before the event stands for what follows.

    Flat, rounded half to even. Raises BaselineError naming missing readings. Source: PJM and UFTP practice.
    """
    starts, _, _ = event_of(periods)
    window = before(starts[0], parameters)
    metered = readings_for(readings, window, "The meter-before baseline")
    level = dict.fromkeys(starts, divide(sum(metered), len(metered)))
    return Baseline(method=method, periods=level, unadjusted=level, window=window)


def before_after(
    *,
    readings: Mapping[datetime, int],
    periods: Sequence[datetime],
    parameters: NearEventParameters = NearEventParameters(),
    method: str = "before-after-v1",
) -> Baseline:
    """A straight line between the mean metered before the event and the mean after it, read at each period's middle.

    Each value is rounded half to even, once. Raises BaselineError naming missing readings.
    """
    starts, _, _ = event_of(periods)
    ahead = before(starts[0], parameters)
    end = starts[-1] + (1 + parameters.gap_periods) * HALF_HOUR
    behind = tuple(end + i * HALF_HOUR for i in range(parameters.after_periods))
    early = readings_for(readings, ahead, "The before-after baseline")
    late = readings_for(readings, behind, "The before-after baseline")
    # In quarter hours between the middles of the two windows, so that all is whole: x of the way, of span.
    first = ahead[0] + len(ahead) * QUARTER
    last = behind[0] + len(behind) * QUARTER
    span = (last - first) // QUARTER
    line = {}
    for start in starts:
        x = (start + QUARTER - first) // QUARTER
        line[start] = divide(
            sum(early) * len(late) * (span - x) + sum(late) * len(early) * x, len(early) * len(late) * span
        )
    return Baseline(method=method, periods=line, unadjusted=line, window=(*ahead, *behind))


def before(first: datetime, parameters: NearEventParameters) -> tuple[datetime, ...]:
    """Starts of the half hours metered before an event that begins at `first`."""
    end = first - parameters.gap_periods * HALF_HOUR
    return tuple(end - back * HALF_HOUR for back in range(parameters.before_periods, 0, -1))
