"""Is a day of half-hourly readings sound? Count, gaps, flat lines, steps and flags, as findings in sentences.

A finding judges nothing: a meter that stands still and a site that does look alike. Times are UTC, energy is whole Wh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from flex_engine.timegrid import HALF_HOUR, day_start, half_hours, settlement_period

FLAT_AFTER: Final = timedelta(hours=6)


class Known(NamedTuple):
    """What is known of a half hour: Wh, and the quality flag it came with."""

    wh: int
    quality: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at, with a short code."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class DayQuality:
    """A settlement day: how many periods it has, how many are over and how many of those are known, and what was found."""

    day: date
    periods: int
    due: int
    known: int
    findings: tuple[Finding, ...]


def day_quality(day: date, readings: Mapping[datetime, Known], *, limit_wh: int, until: datetime) -> DayQuality:
    """The quality of `day`. `readings` may reach before it, which shows flat lines and steps over midnight.

    `limit_wh` is the most the site takes in half an hour; half hours that end after `until` are not looked for.
    """
    starts = half_hours(day_start(day), day_start(day + timedelta(days=1)))
    due = [start for start in starts if start + HALF_HOUR <= until]
    missing = [start for start in due if start not in readings]
    findings = [
        *gaps(missing),
        *flat_lines(starts, readings),
        *steps(starts, readings, limit_wh),
        *above(starts, readings, limit_wh),
        *flags(starts, readings),
    ]
    return DayQuality(day, len(starts), len(due), len(due) - len(missing), tuple(findings))


def spelled(starts: Sequence[datetime]) -> str:
    """Settlement periods of one day in a row as 35 or 35 to 38."""
    first, last = (settlement_period(start)[1] for start in (starts[0], starts[-1]))
    return f"period {first}" if first == last else f"periods {first} to {last}"


def gaps(missing: Sequence[datetime]) -> list[Finding]:
    """Periods without a reading, those in a row together."""
    found = []
    for _, group in groupby(enumerate(missing), key=lambda pair: pair[1] - pair[0] * HALF_HOUR):
        run = [start for _, start in group]
        found.append(Finding("GAP", f"No reading for {spelled(run)}."))
    return found


def flat_lines(starts: Sequence[datetime], readings: Mapping[datetime, Known]) -> list[Finding]:
    """The same energy for more than six hours, up to or within the day, also where it began the day before."""
    found = []
    begin = starts[0] - FLAT_AFTER
    span = half_hours(begin, starts[-1] + HALF_HOUR)
    for wh, group in groupby(span, key=lambda start: readings[start].wh if start in readings else None):
        run = list(group)
        if wh is not None and len(run) * HALF_HOUR > FLAT_AFTER and run[-1] >= starts[0]:
            words = (
                f"{wh:,} Wh in each of {len(run)} half hours from {run[0]:%Y-%m-%dT%H:%M}Z: does the meter stand still?"
            )
            found.append(Finding("FLAT", words))
    return found


def steps(starts: Sequence[datetime], readings: Mapping[datetime, Known], limit_wh: int) -> list[Finding]:
    """Changes from one half hour to the next that are larger than what the site takes."""
    found = []
    for before, after in pairwise([starts[0] - HALF_HOUR, *starts]):
        if before in readings and after in readings and abs(readings[after].wh - readings[before].wh) > limit_wh:
            words = f"From {readings[before].wh:,} to {readings[after].wh:,} Wh at {spelled([after])}: more than the site takes."
            found.append(Finding("STEP", words))
    return found


def above(starts: Sequence[datetime], readings: Mapping[datetime, Known], limit_wh: int) -> list[Finding]:
    """Half hours above the site's limit."""
    over = [start for start in starts if start in readings and readings[start].wh > limit_wh]
    if not over:
        return []
    most = max(readings[start].wh for start in over)
    return [Finding("LIMIT", f"{len(over)} above the site's {limit_wh:,} Wh in half an hour, up to {most:,} Wh.")]


def flags(starts: Sequence[datetime], readings: Mapping[datetime, Known]) -> list[Finding]:
    """How many readings came as estimated or suspect."""
    found = []
    for flag in ("ESTIMATED", "SUSPECT"):
        count = sum(1 for start in starts if start in readings and readings[start].quality == flag)
        if count:
            found.append(
                Finding(flag, f"{count} of the day's readings {'is' if count == 1 else 'are'} {flag.lower()}.")
            )
    return found
