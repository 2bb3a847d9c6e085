"""One event settled over and over as its readings are revised, by the rules of runs and versions and by nothing else.

A history says when each reading became known and when somebody looked. Looks may be few, late or doubled: what a look finds
due is made by what was known on its day. This is the agent's way through a settlement without its database, to try on many
histories at once that the last statement depends on what was known and not on when it came or who looked. SIMULATED.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from flex_engine.settle.delivery import Direction, PeriodDelivery, deliver
from flex_engine.settle.payment import pay
from flex_engine.settle.versions import FIRST, Named, Reason, due_at, next_name, next_run


@dataclass(frozen=True, slots=True)
class Event:
    """What was sold and expected: Wh by half hour, GBP per kWh, and the settlement day whose calendar holds."""

    day: date
    instructed_wh: Mapping[datetime, int]
    baseline_wh: Mapping[datetime, int]
    price_gbp_per_kwh: Decimal
    penalty_gbp_per_kwh: Decimal
    direction: Direction = "REDUCE"


@dataclass(frozen=True, slots=True)
class Reading:
    """Metered Wh of one half hour, known from `known_at` on. Of two for a half hour the later known counts."""

    start: datetime
    wh: int
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What an event comes to: each half hour's delivery, and the money in pence."""

    lines: tuple[PeriodDelivery, ...]
    amount_pence: int


@dataclass(frozen=True, slots=True)
class Stated:
    """One statement: its name, its figures, what it changed in pence (None for the first), and what it knew until when."""

    name: Named
    reason: Reason
    figures: Figures
    delta_pence: int | None
    known_at: datetime


def replay(event: Event, readings: Sequence[Reading], looks: Sequence[datetime]) -> list[Stated]:
    """Every statement of the event, oldest first, when somebody looks at each of `looks`."""
    made: list[Stated] = []
    checked = datetime.min.replace(tzinfo=UTC)
    for now in sorted(looks):
        if not made and ready(event, readings, now):
            made.append(Stated(Named(FIRST, 1), "RUN_DUE", figures_of(event, readings, now), None, now))
            checked = now
        for run, due in due_runs(event, made, now):
            checked = max(due, made[-1].known_at)
            follow(event, readings, made, run, "RUN_DUE", checked)
        if made and next_run(made[-1].name.run):
            if any(checked < one.known_at <= now for one in readings):
                follow(event, readings, made, made[-1].name.run, "NEW_READINGS", now)
            checked = now
    return made


def due_runs(event: Event, made: Sequence[Stated], now: datetime) -> Iterator[tuple[str, datetime]]:
    """(run, when) of each run after the last one made that is due by `now`."""
    run = next_run(made[-1].name.run) if made else None
    while run is not None and due_at(event.day, run) <= now:
        yield run, due_at(event.day, run)
        run = next_run(run)


def follow(
    event: Event, readings: Sequence[Reading], made: list[Stated], run: str, reason: Reason, known_at: datetime
) -> None:
    """Add the statement that follows the last one, if there is anything to say."""
    stands, found = made[-1], figures_of(event, readings, known_at)
    name = next_name(stands.name, run, reason=reason, same=found == stands.figures)
    if name is not None:
        made.append(Stated(name, reason, found, found.amount_pence - stands.figures.amount_pence, known_at))


def ready(event: Event, readings: Sequence[Reading], now: datetime) -> bool:
    """Whether every half hour has a reading by `now`."""
    return event.instructed_wh.keys() <= {one.start for one in readings if one.known_at <= now}


def figures_of(event: Event, readings: Sequence[Reading], known_at: datetime) -> Figures:
    """What the event comes to by what was known at `known_at`."""
    known = sorted((one for one in readings if one.known_at <= known_at), key=lambda one: one.known_at)
    lines = deliver(
        instructed_wh=event.instructed_wh,
        baseline_wh=event.baseline_wh,
        metered_wh={one.start: one.wh for one in known},
        direction=event.direction,
    )
    price, penalty = event.price_gbp_per_kwh, event.penalty_gbp_per_kwh
    return Figures(tuple(lines), pay(lines, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty).amount_pence)


def arrivals(
    rng: Random, *, final_wh: Mapping[datetime, int], first: datetime, last: datetime, revisions: int
) -> list[Reading]:
    """Readings that come in any order within [first, last) and end with `final_wh`, after so many other values before.

    Every half hour has one reading at `first`, right or wrong, and its final value is known after all its others.
    """
    seconds = int((last - first).total_seconds())
    wrong = Counter(rng.choice(sorted(final_wh)) for _ in range(revisions))
    found = []
    for start, wh in final_wh.items():
        later = sorted(rng.sample(range(1, seconds), wrong[start])) if wrong[start] else []
        values = [max(0, wh + rng.randrange(-150_000, 150_000)) for _ in later] + [wh]
        for at, value in zip([0, *later], values, strict=True):
            found.append(Reading(start, value, first + timedelta(seconds=at)))
    rng.shuffle(found)
    return found
