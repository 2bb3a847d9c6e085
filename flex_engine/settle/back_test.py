"""How wrong a baseline is for one site: every day without an event is settled as if it had had one, and nothing was done.

What comes out of it is bias, relative error, and the phantom energy the site would be paid for doing nothing. It also
counts the clean days left before like-day baselines fall back on event days. It knows no prices; limits are dated rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isqrt

from flex_engine.quantities import share
from flex_engine.settle.baseline import Baseline, BaselineError
from flex_engine.settle.declared import Nomination
from flex_engine.settle.delivery import Direction
from flex_engine.settle.effective import in_force, rows_of
from flex_engine.settle.like_day import clean_days_left
from flex_engine.settle.registry import work_out
from flex_engine.timegrid import HALF_HOUR, period_start

PLACES = 6


@dataclass(frozen=True, slots=True)
class BackTest:
    """The errors of one method at one site. Shares are of the energy really drawn, to six places.

    `bias` > 0: the baseline is too high. `phantom_mwh` is paid volume per event for doing nothing. `untested` days had no
    reading or no baseline; `clean_days_left` is for the day after the last one.
    """

    method: str
    days: int
    untested: int
    bias: Decimal
    rrmse: Decimal
    phantom_mwh: Decimal
    clean_days_left: int


def back_test(
    *,
    method: str,
    readings: Mapping[datetime, int],
    days: Sequence[date],
    first_period: int,
    periods: int,
    next_day: date,
    event_days: Collection[date] = (),
    nominations: Mapping[date, Nomination] | None = None,
    direction: Direction = "REDUCE",
) -> BackTest:
    """Settle each of `days` without an event as an event of `periods` from `first_period` in which nothing was done.

    Event days are left out. Raises BaselineError when no day can be tested, with the first reason.
    """
    errors: list[tuple[int, int]] = []
    reasons: list[str] = []
    tested = 0
    for day in days:
        if day in event_days:
            continue
        starts = [period_start(day, first_period) + i * HALF_HOUR for i in range(periods)]
        try:
            made = made_blind(method, readings, starts, event_days, (nominations or {}).get(day))
        except BaselineError as why:
            reasons.append(str(why))
            continue
        errors += [(made.periods[start], readings[start]) for start in starts]
        tested += 1
    if not tested:
        raise BaselineError(f"No day could be tested. {reasons[0] if reasons else 'Every day had an event.'}")
    left = clean_days_left(next_day, readings=readings, event_days=event_days)
    return BackTest(method, tested, len(reasons), *figures(errors, tested, direction), left)


def made_blind(
    method: str,
    readings: Mapping[datetime, int],
    starts: Sequence[datetime],
    event_days: Collection[date],
    nomination: Nomination | None,
) -> Baseline:
    """The baseline of `starts` made without their own readings. Raises BaselineError where one of those is missing."""
    gone = [start for start in starts if start not in readings]
    if gone:
        raise BaselineError(f"There is no reading for {gone[0]:%Y-%m-%dT%H:%M}Z.")
    blind = _Without(readings, frozenset(starts))
    return work_out(method, readings=blind, periods=starts, event_days=event_days, nomination=nomination)


class _Without(Mapping[datetime, int]):
    """Readings that hide some periods, without copying a year of them for each day."""

    def __init__(self, readings: Mapping[datetime, int], hidden: frozenset[datetime]) -> None:
        self._readings, self._hidden = readings, hidden

    def __getitem__(self, start: datetime) -> int:
        if start in self._hidden:
            raise KeyError(start)
        return self._readings[start]

    def __contains__(self, start: object) -> bool:
        return start in self._readings and start not in self._hidden

    def __iter__(self) -> Iterator[datetime]:
        return (start for start in self._readings if start not in self._hidden)

    def __len__(self) -> int:
        return len(self._readings) - len(self._hidden & self._readings.keys())


def figures(errors: Sequence[tuple[int, int]], events: int, direction: Direction) -> tuple[Decimal, Decimal, Decimal]:
    """(bias, RRMSE, phantom MWh an event) of (baseline, metered) pairs in Wh. Raises BaselineError for a site without load."""
    drawn = sum(metered for _, metered in errors)
    if drawn <= 0:
        raise BaselineError("The site drew nothing in the periods tested, so no share of it can be given.")
    over = sum(baseline - metered for baseline, metered in errors)
    squares = sum((baseline - metered) ** 2 for baseline, metered in errors)
    root = isqrt(
        len(errors) * squares * 10 ** (2 * PLACES)
    )  # n times the root mean square error, in millionths of a Wh
    sign = 1 if direction == "REDUCE" else -1
    phantom = sum(max(0, sign * (baseline - metered)) for baseline, metered in errors)
    return share(over, drawn), share(root, drawn * 10**PLACES), share(phantom, events * 10**6)


def faults(result: BackTest, *, day: date, event_mwh: Decimal | None = None) -> list[str]:
    """What speaks against offering with this method on `day`, in plain sentences; empty when nothing does."""
    limits = in_force(rows_of("back_test_limits"), "OFFER", day).values
    found = []
    if result.days < limits["days"]:
        found.append(f"Only {result.days} days could be tested; {limits['days']} are needed.")
    for name, value in (("bias", abs(result.bias)), ("rrmse", result.rrmse)):
        if value > Decimal(limits[name]):
            found.append(
                f"The {name} of {result.method} is {value:.1%}; at most {Decimal(limits[name]):.0%} is allowed."
            )
    if event_mwh is not None and result.phantom_mwh > event_mwh * Decimal(limits["phantom_share"]):
        found.append(
            f"Doing nothing would be paid {result.phantom_mwh:.3f} MWh an event, of {event_mwh:.3f} MWh offered; "
            f"at most {Decimal(limits['phantom_share']):.0%} is allowed."
        )
    if result.clean_days_left < 0:
        found.append(f"{-result.clean_days_left} event day(s) would enter the baseline: too few clean days are left.")
    return found
