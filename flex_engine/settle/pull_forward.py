"""Was load moved into the window that a baseline is adjusted by? The meter is held against what was declared before the sale.

A scheduler that conserves energy and may work ahead of an event lifts the in-day adjustment by itself: E Wh pulled into a
window of W periods are credited E x H / W more over an event of H. A like-day baseline cannot see it, but a schedule
declared before the sale can. How far meter and schedule usually lie apart is taken from days without an event. This room
knows schedules and readings as integers, and nothing of plans or jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from math import isqrt

from flex_engine.quantities import divide
from flex_engine.settle.baseline import Baseline
from flex_engine.settle.delivery import Direction, check_known
from flex_engine.settle.effective import in_force, rows_of

MILLION = 10**6


class NoFindingError(ValueError):
    """The window cannot be judged; the message says what is missing. That is no acquittal."""


@dataclass(frozen=True, slots=True)
class DeclaredWindow:
    """Declared and metered energy in Wh of the same half hours of one day, and when it was declared (UTC).

    Raises ValueError where nothing was declared or a half hour has no reading.
    """

    declared_wh: Mapping[datetime, int]
    metered_wh: Mapping[datetime, int]
    declared_at: datetime

    def __post_init__(self) -> None:
        if sum(self.declared_wh.values()) <= 0:
            raise ValueError("The schedule declares no energy in the window.")
        check_known(self.declared_wh, reading=self.metered_wh)

    @property
    def uplift_wh(self) -> int:
        """Metered less declared energy."""
        return sum(self.metered_wh[start] - wh for start, wh in self.declared_wh.items())

    @property
    def uplift_millionths(self) -> int:
        """The uplift as a share of the declared energy, in millionths, half-even."""
        return divide(self.uplift_wh * MILLION, sum(self.declared_wh.values()))


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How many control days are needed, how many spreads are too far, and the share that is never worth an alarm."""

    controls: int
    spreads: Decimal
    least: Decimal


@dataclass(frozen=True, slots=True)
class WindowFinding:
    """Shares are of the declared energy, to six places, signed so that positive favours the seller.

    `alarm`: the uplift exceeds `limit`. `over_credit_wh` is what the adjustment then credits too much, over all periods.
    """

    uplift_wh: int
    uplift: Decimal
    usual: Decimal
    limit: Decimal
    over_credit_wh: int
    controls: int
    alarm: bool

    def sentence(self) -> str:
        """The finding in words, for a statement."""
        compared = f"{self.uplift:+.1%} of the schedule, where up to {self.limit:+.1%} is usual on {self.controls} days"
        if not self.alarm:
            return f"The window before the event was as declared: {compared}."
        return f"Load was moved into the window before the event: {compared}. It would credit {self.over_credit_wh} Wh too much."


def window_rule(*, day: date) -> WindowRule:
    """The rule in force on settlement day `day`."""
    values = in_force(rows_of("pull_forward"), "WINDOW", day).values
    return WindowRule(values["controls"], Decimal(values["spreads"]), Decimal(values["least"]))


def judge_window(
    window: DeclaredWindow,
    *,
    controls: Sequence[DeclaredWindow],
    sold_at: datetime,
    event_periods: int,
    rule: WindowRule,
    direction: Direction = "REDUCE",
) -> WindowFinding:
    """Whether the meter lies further above the declared schedule than on days without an event.

    The limit is the controls' mean plus `spreads` standard deviations of a new day. For INCREASE, below counts as above.
    Raises NoFindingError when the schedule was declared after the sale or there are too few controls.
    """
    if window.declared_at > sold_at:
        raise NoFindingError(
            f"The schedule was declared at {window.declared_at:%Y-%m-%dT%H:%M}Z, after the sale at {sold_at:%Y-%m-%dT%H:%M}Z."
        )
    if len(controls) < max(2, rule.controls):
        raise NoFindingError(f"{len(controls)} days without an event have a schedule; {rule.controls} are needed.")
    sign = 1 if direction == "REDUCE" else -1
    usual, limit = limits([sign * one.uplift_millionths for one in controls], rule)
    uplift = sign * window.uplift_millionths
    return WindowFinding(
        uplift_wh=sign * window.uplift_wh,
        uplift=millionths(uplift),
        usual=millionths(usual),
        limit=millionths(limit),
        over_credit_wh=max(0, divide(sign * window.uplift_wh * event_periods, len(window.declared_wh))),
        controls=len(controls),
        alarm=uplift > limit,
    )


def limits(controls: Sequence[int], rule: WindowRule) -> tuple[int, int]:
    """(mean, limit) of the controls' uplifts, in millionths; the spread of a new day has their own and their mean's."""
    count, whole = len(controls), sum(controls)
    # (n sum of squares - square of sum) / (n (n - 1)) x (n + 1) / n, with its root taken in thousandths of a millionth
    scatter = (count * sum(one * one for one in controls) - whole * whole) * (count + 1) * MILLION
    spread = isqrt(scatter // (count * count * (count - 1)))
    spreads, least = rule.spreads.as_integer_ratio(), rule.least.as_integer_ratio()
    above = max(divide(spread * spreads[0], 1000 * spreads[1]), divide(least[0] * MILLION, least[1]))
    usual = divide(whole, count)
    return usual, usual + above


def millionths(value: int) -> Decimal:
    """`value` millionths."""
    return Decimal(value).scaleb(-6)


def without_uplift(baseline: Baseline, *, direction: Direction = "REDUCE") -> Baseline:
    """The baseline without an adjustment in the seller's favour: how an event with an alarm is settled.

    An adjustment against the seller stays. Cut it to what the site can draw afterwards, not before. Source: settle at the lower of the baseline with and without adjustment.
    """
    favours = baseline.adjustment_wh > 0 if direction == "REDUCE" else baseline.adjustment_wh < 0
    if baseline.clipped:
        raise ValueError("The baseline was already cut to what the site can draw; judge the window first.")
    if not favours:
        return baseline
    return replace(baseline, periods=dict(baseline.unadjusted), adjustment_wh=0)
