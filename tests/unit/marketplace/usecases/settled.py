"""An activation that is over, with two months of readings: what settlement needs, and a second way to work it out.

The second way shares no code with flex_engine: exact fractions, its own calendar and its own rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from marketplace.models import Activation, Site
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, SECOND

# In January 2024 London keeps UTC; the only bank holidays in reach are Christmas, Boxing Day and New Year's Day.
HOLIDAYS = {date(2023, 12, 25), date(2023, 12, 26), date(2024, 1, 1)}
DAY = date(2024, 1, 16)


def usual_wh(start: datetime) -> int:
    """What the site draws in a half hour of an ordinary day: by time of day, weekday and week, never twice the same."""
    return 430_000 + 1_000 * start.hour + 700 * start.weekday() + 37 * start.isocalendar().week + start.minute


def history(days: int = 21) -> dict[datetime, int]:
    """Readings of the days before the event and of the event day up to the event's end: ten working days are enough."""
    first = datetime(2024, 1, 16, tzinfo=UTC) - timedelta(days=days)
    return {start: usual_wh(start) for start in (first + i * HALF_HOUR for i in range(days * 48 + 36))}


def over(site: Site, *, metered: Mapping[datetime, int], kw: str = "400") -> Activation:
    """A dispatch of `kw` in both half hours, with the usual readings except for `metered`."""
    activation = market.dispatched(market.confirmed(market.offer(site), kw=kw), market.instruction(kw))
    market.metered(site, history() | dict(metered))
    return activation


def baseline_wh(readings: Mapping[datetime, int], events: Sequence[date] = ()) -> dict[datetime, int]:
    """Like-day mean of the ten latest working days, with the flat in-day adjustment, straight from its definition."""
    back = (DAY - timedelta(days=n) for n in range(1, 61))
    days = [day for day in back if day.weekday() < 5 and day not in HOLIDAYS and day not in events][:10]

    def mean(start: datetime) -> Fraction:
        return Fraction(sum(readings[start.replace(year=d.year, month=d.month, day=d.day)] for d in days), 10)

    window = [FIRST - timedelta(hours=1) - n * HALF_HOUR for n in range(1, 7)]
    adjustment = round(sum(readings[start] - mean(start) for start in window) / 6)
    return {start: round(mean(start)) + adjustment for start in (FIRST, SECOND)}


def amounts_pence(
    readings: Mapping[datetime, int], *, instructed_wh: int, price: str = "0.25", penalty: str = "0.10"
) -> tuple[int, int]:
    """(payment, penalty) in pence: eligible and missing kWh times their rates, each rounded half to even once."""
    base = baseline_wh(readings)
    eligible = sum(min(instructed_wh, max(0, base[start] - readings[start])) for start in (FIRST, SECOND))
    missing = 2 * instructed_wh - eligible
    return round(Fraction(price) * eligible / 10), round(Fraction(penalty) * missing / 10)


__all__ = ["DAY", "END", "amounts_pence", "baseline_wh", "history", "over", "usual_wh"]
