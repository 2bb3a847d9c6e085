"""Made-up days of trading in which every view agrees: the test bed of reconciliation. simulate.day_faults spoils them.

What is sold is told in files, and the simulated counterparties carry it on to what is held and what is settled. Everything
follows from the seed. Each unit sells one block of half hours on one day, some on a day of a clock change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from flex_engine.settle.position import Position, notify_by, read, render
from flex_engine.settle.reconcile_views import Accepted, Notified, Place, Settled, Traded, Views
from flex_engine.simulate.counterparties import Filed
from flex_engine.simulate.counterparties_ecvaa import Book, Ecvaa
from flex_engine.simulate.counterparties_saa import Saa
from flex_engine.simulate.counterparties_svaa import DeliveredVolume, Svaa
from flex_engine.timegrid import HALF_HOUR, day_start

# Ordinary days and both clock changes of two years.
DAYS = (date(2025, 1, 8), date(2025, 3, 30), date(2025, 7, 16), date(2025, 10, 26), date(2026, 2, 17), date(2026, 3, 29), date(2026, 10, 25))  # fmt: skip
RUN = "SF"


@dataclass
class Story:
    """One unit's day as it unfolds; faults change it on the way. `lost` are periods that the counterparty's report leaves
    out, `unread` those without a meter reading; without `names_periods` all it says is the SVAA's acceptance of the unit."""

    unit: str
    trades: list[Traded]
    files: list[Filed]
    excepted: frozenset[str] = frozenset()
    lost: frozenset[datetime] = frozenset()
    unread: frozenset[datetime] = frozenset()
    names_periods: bool = True
    settled: Callable[[list[Settled]], list[Settled]] = list


def clean(unit: str, random: Random) -> Story:
    """A day of one unit: a block of 3 to 8 half hours sold in one or two trades, each notified in good time."""
    day = random.choice(DAYS)
    first = day_start(day) + random.randrange(4, 30) * HALF_HOUR
    starts = [first + slot * HALF_HOUR for slot in range(random.randrange(3, 9))]
    way = random.choice((1, 1, -1))
    trades = []
    for number in range(random.randrange(1, 3)):
        trades += [Traded(f"{unit}-{number}", unit, one, way * random.randrange(1_000, 900_000, 250)) for one in starts]
    files = []
    for start in starts:
        total = sum(trade.position_wh for trade in trades if trade.start == start)
        early = timedelta(minutes=random.randrange(0, 600))
        files.append(filed(Position(unit, start, 1, total), notify_by(start) - early))
    return Story(unit, trades, files)


def filed(position: Position, at: datetime) -> Filed:
    """A position as a file under its own name."""
    return Filed(position.key, render(position), at)


def views_of(stories: Sequence[Story], *, seed: int) -> tuple[Views, datetime]:
    """What the four hold of these days, long after, and the moment they are looked at."""
    as_of = max(trade.start for story in stories for trade in story.trades) + timedelta(days=60)
    parts = [view_of(story, seed) for story in stories]
    traded = tuple(trade for story in stories for trade in story.trades)
    views = Views(
        traded,
        tuple(one for part in parts for one in part[0]),
        tuple(one for part in parts for one in part[1]),
        tuple(one for part in parts for one in part[2]),
        accepted_at=as_of,
        settled_due={(trade.unit, trade.start): as_of for trade in traded},
    )
    return views, as_of


def view_of(story: Story, seed: int) -> tuple[list[Notified], list[Accepted], list[Settled]]:
    """Notified, accepted and settled of one story, as the counterparties carry it on."""
    book = Ecvaa(frozenset({story.unit}), seed, refused_keys=story.excepted).book(story.files)
    reasons = {one.key: one.reason for one in book.exceptions}
    notified = []
    for file in story.files:
        told = read(file.raw)
        notified.append(Notified(file.key, told.unit, told.start, told.revision, told.position_wh, file.at, reasons.get(file.key, "")))  # fmt: skip
    return notified, accepted_of(story, book), story.settled(settled_of(story, book, seed))


def accepted_of(story: Story, book: Book) -> list[Accepted]:
    """The counterparty's report: a row a period it holds, or the unit's name alone."""
    if not story.names_periods:
        day = [DeliveredVolume(one.unit, one.start, one.position_wh) for one in book.held.values()]
        return [Accepted(one.unit, one.start) for one in Svaa(frozenset({story.unit})).answer(day)]
    held = [one for one in book.held.values() if one.start not in story.lost]
    return [Accepted(one.unit, one.start, one.position_wh) for one in held]


def settled_of(story: Story, book: Book, seed: int) -> list[Settled]:
    """The lines of the run, spread over the trades that were sold; what nobody sold stands under the unit's own name."""
    metered: dict[Place, int] = {place: 500_000 for place in book.held if place[1] not in story.unread}
    lines = []
    for row in Saa(seed).report(RUN, book.held, metered, Decimal("87.21")):
        sold = {one.ref: one.position_wh for one in story.trades if one.start == row.start} or {story.unit: 0}
        first = next(iter(sold))
        sold[first] += row.position_wh - sum(sold.values())
        for ref, part in sold.items():
            lines.append(Settled(ref, row.unit, row.start, part, row.run, status=row.status, price_run=row.price_run))
    return lines
