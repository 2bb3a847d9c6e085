"""Is the final cash the same whatever came when, and whoever looked? Events settled from II to RF in many arrival orders.

    .venv/bin/python -m benchmarks.settlement_replay --events 10000 --orders 20

The level is the pure one: the rules of runs and versions, delivery and payment of flex_engine, without a database; a test
holds the database's way to the same statements. An event is six half hours. In each order its readings come at other
moments, with other wrong values before the right ones, and the looks that settle it are few, late or doubled. All end with
the same knowledge before RF's day. Compared are the last amount of each order, and the first amount with all its deltas.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from flex_engine.settle.versions import due_at
from flex_engine.simulate.settlement_replay import Event, Reading, arrivals, figures_of, replay
from flex_engine.timegrid import HALF_HOUR, period_start

FIRST_DAY = date(2025, 1, 6)
PERIODS = 6


@dataclass
class Tally:
    """What was made over all events and orders."""

    events: int = 0
    statements: int = 0
    corrections: int = 0
    wrong: int = 0


def event_of(rng: Random) -> tuple[Event, dict[datetime, int]]:
    """An event of six half hours from 16:00 on a day of two years, and what its meter shows in the end."""
    day = FIRST_DAY + timedelta(days=rng.randrange(700))
    starts = [period_start(day, 33) + n * HALF_HOUR for n in range(PERIODS)]
    baseline = {start: rng.randrange(500_000, 700_000) for start in starts}
    instructed = dict.fromkeys(starts, rng.randrange(50_000, 300_000))
    final = {start: max(0, baseline[start] - rng.randrange(0, instructed[start] * 5 // 4)) for start in starts}
    price, penalty = (Decimal(rng.randrange(1, 5_000)).scaleb(-4) for _ in range(2))
    return Event(day, instructed, baseline, price, penalty), final


def orders_of(
    rng: Random, event: Event, final: dict[datetime, int], count: int
) -> Iterator[tuple[list[Reading], list[datetime]]]:
    """So many ways for the same knowledge to come, and to be looked at."""
    end, closed = max(event.instructed_wh) + HALF_HOUR, due_at(event.day, "RF")
    span = int((closed - end).total_seconds())
    for _ in range(count):
        readings = arrivals(rng, final_wh=final, first=end, last=closed, revisions=rng.randrange(6))
        looks = [end + timedelta(seconds=rng.randrange(span)) for _ in range(rng.randrange(9))]
        yield readings, [*looks, *looks[:2], closed + timedelta(days=rng.randrange(30))]


def play(seed: int, *, orders: int, tally: Tally) -> None:
    """One event in so many orders."""
    rng = Random(seed)
    event, final = event_of(rng)
    closed = due_at(event.day, "RF")
    (direct,) = {figures_of(event, [Reading(start, wh, closed) for start, wh in final.items()], closed).amount_pence}
    tally.events += 1
    for readings, looks in orders_of(rng, event, final, orders):
        made = replay(event, readings, looks)
        summed = made[0].figures.amount_pence + sum(one.delta_pence or 0 for one in made[1:])
        tally.statements += len(made)
        tally.corrections += sum(one.reason == "NEW_READINGS" for one in made)
        tally.wrong += not (made[-1].name.run == "RF" and made[-1].figures.amount_pence == summed == direct)


def main() -> None:
    """Print what was made and how many orders ended with other cash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    tally, began = Tally(), time.perf_counter()
    for number in range(asked.events):
        play(asked.seed * 10**9 + number, orders=asked.orders, tally=tally)
    took = time.perf_counter() - began
    played = asked.events * asked.orders
    print(f"{asked.events:,} events, {asked.orders} arrival orders each, seed {asked.seed}, {took:.0f} s")
    print(f"statements: {tally.statements:,}, of which corrections within a run: {tally.corrections:,}")
    print(f"orders that end with other cash, or whose deltas do not sum to it: {tally.wrong:,} of {played:,}")
    if tally.wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
