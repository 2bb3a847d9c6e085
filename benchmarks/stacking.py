"""Does the stacking ledger let nothing through that it must not, and refuse nothing that it could take?

    .venv/bin/python -m benchmarks.stacking --sets 100000

Each random set is a site of ten half hours with a random capability, on a random day of the matrix. Wishes of random
services come in and rows are given back, one after the other. Each answer of the interval sweep (marketplace.rules.stacking)
is held against brute force, which knows the three sentences of a sound ledger and nothing else: it tries every form and every
row to stand beside in every half hour, and goes through all pairs of rows of the whole ledger after every step.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import perf_counter

from flex_engine.timegrid import HALF_HOUR
from marketplace.rules.errors import MarketError
from marketplace.rules.stacking import Form, Piece, Row, Wish, forms, most, place, released

SLOTS, STEPS = 10, 16
DAYS = [datetime(2025, 7, 1, tzinfo=UTC), datetime(2026, 3, 31, 20, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)]
SERVICES = ["CAPACITY_MARKET", "DNO_OPERATIONAL", "NESO_RESERVE", "P444_BM", *["DNO_SCHEDULED", "NESO_DFS"] * 6]


def half_hours_of(rows: Sequence[Row]) -> set[datetime]:
    """Every half hour that any row holds."""
    found = set()
    for row in rows:
        start = row.start
        while start < row.end:
            found.add(start)
            start += HALF_HOUR
    return found


def day_by_hand(start: datetime) -> date:
    """The London day of a half hour, without the engine's calendar: all DAYS are in summers, an hour ahead of UTC."""
    return (start + timedelta(hours=1)).date()


def sound_at(start: datetime, rows: Sequence[Row], capability: Mapping[datetime, Decimal]) -> bool:
    """The three sentences, at one half hour, straight from their words."""
    here = [row for row in rows if row.start <= start < row.end]
    by_key = {row.key: row for row in here}
    day = day_by_hand(start)
    if sum(row.kw for row in here if row.form != Form.CO_DELIVERY) > capability.get(start, Decimal(0)):
        return False
    for row in here:
        if row.form != Form.CO_DELIVERY:
            continue
        host = by_key.get(row.beside)  # type: ignore[arg-type]
        if host is None or host.form == Form.CO_DELIVERY or host.direction != row.direction:
            return False
        if Form.CO_DELIVERY not in forms(row.service, host.service, day):
            return False
        if sum(other.kw for other in here if other.beside == host.key) > host.kw:
            return False
    for one, other in itertools.combinations(here, 2):
        if one.beside == other.key or other.beside == one.key:
            continue
        if one.direction != other.direction or Form.SPLITTING not in forms(one.service, other.service, day):
            return False
    return True


def has_a_place(wish: Wish, held: Sequence[Row], capability: Mapping[datetime, Decimal]) -> bool:
    """Whether every half hour of the wish can take some form beside some row and leave the ledger sound."""
    for start, kw in wish.kw.items():
        alone = Row(-1, start, start + HALF_HOUR, kw, wish.service, wish.direction)
        tried = [alone, *(replace(alone, form=Form.CO_DELIVERY, beside=row.key) for row in held)]
        if not any(sound_at(start, [*held, one], capability) for one in tried):
            return False
    return True


def room_of(held: Sequence[Row], capability: Mapping[datetime, Decimal]) -> dict[datetime, Decimal]:
    """What is left beyond the rows that take power of their own."""
    own = [row for row in held if row.form != Form.CO_DELIVERY]
    return {
        start: kw - sum((row.kw for row in own if row.start <= start < row.end), Decimal(0))
        for start, kw in capability.items()
    }


def most_is_right(wish: Wish, held: Sequence[Row], capability: Mapping[datetime, Decimal]) -> bool:
    """Whether what is said to be left in the wish's first half hour can be had, and one kW more cannot."""
    start = min(wish.kw)
    active = [row for row in held if row.start <= start < row.end]
    told = most(wish, start, active, room_of(held, capability)[start])
    fits, over = (replace(wish, kw={start: kw}) for kw in (told, told + 1))
    return (told <= 0 or has_a_place(fits, held, capability)) and not has_a_place(over, held, capability)


def a_wish(rng: random.Random, first: datetime) -> Wish:
    """A random one: up to five half hours in a row, its power sometimes changing on the way."""
    length = rng.randint(1, 5)
    begin = rng.randint(0, SLOTS - length)
    level, kw = rng.randint(1, 5), {}
    for slot in range(begin, begin + length):
        level = rng.randint(1, 5) if rng.random() < 0.2 else level
        kw[first + slot * HALF_HOUR] = Decimal(level)
    return Wish(kw, rng.choice(SERVICES), "INCREASE" if rng.random() < 0.08 else "REDUCE")


def one_set(seed: int) -> Counter[str]:
    """Run one random set. Counts what was placed, refused and given back, and every disagreement with brute force."""
    rng = random.Random(seed)
    first = rng.choice(DAYS)
    level = rng.randint(2, 8)
    capability = {first + slot * HALF_HOUR: Decimal(level + rng.randint(-1, 1)) for slot in range(SLOTS)}
    held: tuple[Row, ...] = ()
    told: Counter[str] = Counter()
    keys = itertools.count(1)
    for _ in range(STEPS):
        if held and rng.random() < 0.25:
            held = released(held, rng.choice(held).key)
            told["given back"] += 1
        else:
            wish = a_wish(rng, first)
            possible = has_a_place(wish, held, capability)
            told["wrong most"] += not most_is_right(wish, held, capability)
            try:
                pieces = place(wish, held=held, room=room_of(held, capability))
            except MarketError:
                told["refused"] += 1
                told["falsely refused"] += possible
                continue
            told["placed"] += 1
            told["co-delivered"] += any(piece.form == Form.CO_DELIVERY for piece in pieces)
            told["incomplete"] += {
                start: piece.kw for piece in pieces for start in half_hours_of([as_row(piece, wish, 0)])
            } != dict(wish.kw)
            held = (*held, *(as_row(piece, wish, next(keys)) for piece in pieces))
        told["unsound"] += not all(sound_at(start, held, capability) for start in half_hours_of(held))
    return told


def as_row(piece: Piece, wish: Wish, key: int) -> Row:
    """A placed piece as a row of the ledger."""
    return Row(key, piece.start, piece.end, piece.kw, wish.service, wish.direction, piece.form, piece.beside)


WRONG = ("unsound", "falsely refused", "incomplete", "wrong most")


def main() -> int:
    """Print what was counted; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    told: Counter[str] = Counter()
    begun = perf_counter()
    for number in range(asked.sets):
        told += one_set(asked.seed + number)
    print(f"{asked.sets} sets from seed {asked.seed} in {perf_counter() - begun:.0f} s")
    for name in ("placed", "co-delivered", "refused", "given back", *WRONG):
        print(f"  {name:16} {told[name]}")
    return int(any(told[name] for name in WRONG))


if __name__ == "__main__":
    sys.exit(main())
