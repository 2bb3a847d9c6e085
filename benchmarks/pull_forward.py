"""Is load that the scheduler moves into the adjustment window found, and is a site that did not left alone?

    .venv/bin/python -m benchmarks.pull_forward --cases 1000

Plays days (flex_engine/simulate/pull_forward.py) until there are that many with a pull-forward that matters and that many
without any, and prints how many of each raised an alarm, and the finds by size. A pull-forward matters when what it
credits too much is at least a tenth of what was sold. About three plans a day, 0.1 s each.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from datetime import date

from flex_engine.settle.pull_forward import WindowFinding, judge_window, window_rule
from flex_engine.simulate.pull_forward import Day, play

MATTERS = 0.10
BANDS = (0.0, 0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.50)


def judged(day: Day) -> WindowFinding:
    """What settlement finds, told neither the plan nor the truth."""
    rule = window_rule(day=date(2026, 1, 15))
    return judge_window(
        day.window, controls=day.controls, sold_at=day.sold_at, event_periods=day.event_periods, rule=rule
    )


def band_of(share: float) -> float:
    """The band that a pulled share of the sale falls into, by its lower end."""
    return max(low for low in BANDS if low <= share)


def guilty_days(cases: int, seed: int) -> tuple[int, int, Counter[tuple[float, bool]]]:
    """(found, days that mattered, alarms by band) of unguarded days."""
    found = mattered = 0
    bands: Counter[tuple[float, bool]] = Counter()
    for one in itertools.count(seed):
        day = play(one, guarded=False)
        if day is None or day.pulled_kwh <= 1:
            continue
        alarm = judged(day).alarm
        bands[band_of(day.pulled_kwh / day.sold_kwh), alarm] += 1
        if day.pulled_kwh >= MATTERS * day.sold_kwh:
            mattered, found = mattered + 1, found + alarm
        if mattered == cases:
            break
    return found, mattered, bands


def honest_days(cases: int, seed: int) -> tuple[int, int]:
    """(false alarms, days) of guarded days, on which the window was held to the schedule."""
    alarms = days = 0
    for one in itertools.count(seed):
        day = play(one, guarded=True)
        if day is None:
            continue
        days, alarms = days + 1, alarms + judged(day).alarm
        if days == cases:
            break
    return alarms, days


def main() -> None:
    """Plays the days and prints both rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000, help="days of each kind")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    asked = parser.parse_args()
    found, mattered, bands = guilty_days(asked.cases, asked.seed)
    print(f"pull-forwards of at least {MATTERS:.0%} of the sale: {found} of {mattered} found ({found / mattered:.2%})")
    for low in BANDS:
        days = bands[low, True] + bands[low, False]
        if days:
            print(f"  from {low:>4.0%} of the sale: {bands[low, True]:>4} of {days:>4} found")
    alarms, days = honest_days(asked.cases, asked.seed)
    print(f"days on which nothing was pulled: {alarms} of {days} raised a false alarm ({alarms / days:.2%})")


if __name__ == "__main__":
    main()
