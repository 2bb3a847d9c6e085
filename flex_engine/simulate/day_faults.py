"""24 kinds of fault for made-up trading days, each put in where it would arise and with the cause it must be given.

A fault answers the half hours at which it shows. The counterparties carry it on: a file that is never sent is never held and
never settled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from flex_engine.settle.position import Position, notify_by, read
from flex_engine.settle.reconcile_views import Cause, Settled
from flex_engine.settle.settlement_calendar import gate_closure
from flex_engine.simulate.traded_days import Story, filed
from flex_engine.timegrid import HALF_HOUR


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault: the cause it must be given, and how it comes into a story. `spoil` answers the places it touches."""

    name: str
    cause: Cause
    spoil: Callable[[Story, Random], Sequence[datetime]]


def at_random(story: Story, random: Random) -> int:
    """The number of a file."""
    return random.randrange(len(story.files))


def retold(story: Story, number: int, change: Callable[[Position], Position], at: datetime | None = None) -> datetime:
    """Put another content, or another moment, into file `number`; its period as it was sold."""
    before = read(story.files[number].raw)
    story.files[number] = filed(change(before), at or story.files[number].at)
    return before.start


def missing(story: Story, random: Random) -> list[datetime]:
    """A file that was never sent."""
    return [read(story.files.pop(at_random(story, random)).raw).start]


def late(story: Story, random: Random) -> list[datetime]:
    """A file sent in the last five minutes."""
    number = at_random(story, random)
    start = read(story.files[number].raw).start
    at = notify_by(start) + timedelta(seconds=random.randrange(1, 299))
    return [retold(story, number, lambda one: one, at)]


def late_for_the_gate(story: Story, random: Random) -> list[datetime]:
    """A file sent after the gate, which the counterparty will not take."""
    number = at_random(story, random)
    at = gate_closure(read(story.files[number].raw).start) + timedelta(minutes=random.randrange(0, 50))
    return [retold(story, number, lambda one: one, at)]


def shifted(half_hours: int) -> Callable[[Story, Random], list[datetime]]:
    """The whole block told for `half_hours` later."""

    def spoil(story: Story, _: Random) -> list[datetime]:
        move = half_hours * HALF_HOUR
        sold = {read(file.raw).start: read(file.raw).position_wh for file in story.files}
        for number in range(len(story.files)):
            retold(
                story, number, lambda one: replace(one, start=one.start + move), story.files[number].at - 2 * HALF_HOUR
            )
        told = {start + move: volume for start, volume in sold.items()}
        return sorted(one for one in sold.keys() | told.keys() if sold.get(one) != told.get(one))

    return spoil


def one_shifted(story: Story, _: Random) -> list[datetime]:
    """The first half hour told for an hour earlier than the block begins."""
    start = retold(
        story, 0, lambda one: replace(one, start=one.start - 2 * HALF_HOUR), story.files[0].at - 2 * HALF_HOUR
    )
    return [start - 2 * HALF_HOUR, start]


def wrong_volume(story: Story, random: Random) -> list[datetime]:
    """A volume off by a little."""
    off = random.choice((-1, 1)) * random.randrange(1, 900)
    return [retold(story, at_random(story, random), lambda one: replace(one, position_wh=one.position_wh + off))]


def in_mw(story: Story, random: Random) -> list[datetime]:
    """MW where MWh belong."""
    return [retold(story, at_random(story, random), lambda one: replace(one, position_wh=2 * one.position_wh))]


def sign(story: Story, random: Random) -> list[datetime]:
    """The sign turned round."""
    return [retold(story, at_random(story, random), lambda one: replace(one, position_wh=-one.position_wh))]


def duplicate(story: Story, random: Random) -> list[datetime]:
    """A file sent again under another name."""
    file = story.files[at_random(story, random)]
    story.files.append(replace(file, key=f"{file.key}-again"))
    return [read(file.raw).start]


def not_traded(story: Story, random: Random) -> list[datetime]:
    """A file about a half hour far from anything sold."""
    start = max(trade.start for trade in story.trades) + 12 * HALF_HOUR
    story.files.append(filed(Position(story.unit, start, 1, random.randrange(1_000, 90_000)), notify_by(start)))
    return [start]


def exception(story: Story, random: Random) -> list[datetime]:
    """A file that came back and was left at that."""
    file = story.files[at_random(story, random)]
    story.excepted = frozenset({file.key})
    return [read(file.raw).start]


def unit_only(story: Story, _: Random) -> list[datetime]:
    """An acceptance that names the unit and no period."""
    story.names_periods = False
    return sorted({trade.start for trade in story.trades})


def not_held(story: Story, random: Random) -> list[datetime]:
    """A period that is not in the counterparty's report."""
    start = random.choice(story.trades).start
    story.lost = frozenset({start})
    return [start]


def unread(story: Story, random: Random) -> list[datetime]:
    """A half hour the meter says nothing of."""
    start = random.choice(story.trades).start
    story.unread = frozenset({start})
    return [start]


def cancelled(story: Story, _: Random) -> list[datetime]:
    """A sale that was cancelled and went on as if it had not been."""
    story.trades[:] = [replace(trade, cancelled=True) for trade in story.trades]
    return sorted({trade.start for trade in story.trades})


def in_a_line(change: Callable[[Settled, Random], list[Settled]]) -> Callable[[Story, Random], list[datetime]]:
    """One line of the statement changed."""

    def spoil(story: Story, random: Random) -> list[datetime]:
        wanted = random.choice(story.trades)

        def changed(lines: list[Settled]) -> list[Settled]:
            mine = [(one.ref, one.start) == (wanted.ref, wanted.start) for one in lines]
            return [
                new for one, hit in zip(lines, mine, strict=True) for new in (change(one, random) if hit else [one])
            ]

        before = story.settled
        story.settled = lambda lines: changed(before(lines))
        return [wanted.start]

    return spoil


def in_a_period(change: Callable[[Settled], list[Settled]]) -> Callable[[Story, Random], list[datetime]]:
    """Every line of one half hour changed."""

    def spoil(story: Story, random: Random) -> list[datetime]:
        start = random.choice(story.trades).start
        before = story.settled
        story.settled = lambda lines: [
            new for one in before(lines) for new in (change(one) if one.start == start else [one])
        ]
        return [start]

    return spoil


FAULTS = (
    Fault("missing notification", Cause.NOTIFICATION_MISSING, missing),
    Fault("late notification", Cause.NOTIFICATION_LATE, late),
    Fault("notification after the gate", Cause.NOTIFICATION_LATE, late_for_the_gate),
    Fault("block notified an hour late (clock change)", Cause.NOTIFIED_WRONG_PERIOD, shifted(2)),
    Fault("block notified an hour early (clock change)", Cause.NOTIFIED_WRONG_PERIOD, shifted(-2)),
    Fault("block notified a period late", Cause.NOTIFIED_WRONG_PERIOD, shifted(1)),
    Fault("one half hour notified for another", Cause.NOTIFIED_WRONG_PERIOD, one_shifted),
    Fault("wrong volume notified", Cause.VOLUME_WRONG, wrong_volume),
    Fault("MW notified for MWh", Cause.MW_FOR_MWH, in_mw),
    Fault("sign flipped in a notification", Cause.SIGN_FLIPPED, sign),
    Fault("duplicate notification", Cause.NOTIFICATION_DUPLICATE, duplicate),
    Fault("notified without a trade", Cause.NOTIFIED_NOT_TRADED, not_traded),
    Fault("exception not resubmitted", Cause.EXCEPTION_NOT_RESUBMITTED, exception),
    Fault("accepted unit only", Cause.ACCEPTED_UNIT_ONLY, unit_only),
    Fault("not held by the counterparty", Cause.NOT_HELD, not_held),
    Fault("traded after cancellation", Cause.TRADED_AFTER_CANCELLATION, cancelled),
    Fault("metering gap", Cause.METER_GAP, unread),
    Fault(
        "stale run used",
        Cause.STALE_RUN,
        in_a_line(lambda one, _: [replace(one, run="II", price_run="II", replaced_by="SF version 1")]),
    ),
    Fault("price of another run", Cause.PRICE_RUN_MISMATCH, in_a_line(lambda one, _: [replace(one, price_run="II")])),
    Fault("period counted twice", Cause.PERIOD_DOUBLE_COUNTED, in_a_line(lambda one, _: [one, one])),
    Fault("period left out of the statement", Cause.SETTLEMENT_MISSING, in_a_period(lambda _: [])),
    Fault(
        "wrong volume settled",
        Cause.VOLUME_WRONG,
        in_a_line(lambda one, chance: [replace(one, position_wh=one.position_wh + chance.randrange(1, 900))]),
    ),
    Fault(
        "sign flipped in a statement",
        Cause.SIGN_FLIPPED,
        in_a_period(lambda one: [replace(one, position_wh=-one.position_wh)]),
    ),
    Fault(
        "MW settled for MWh", Cause.MW_FOR_MWH, in_a_period(lambda one: [replace(one, position_wh=2 * one.position_wh)])
    ),
)
