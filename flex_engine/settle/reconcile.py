"""Reconciliation of what was traded, notified, accepted and settled, half hour by half hour: each difference with its cause.

The views are compared as a chain, and a difference is blamed where it arises: what follows from it further down is not told
again. A view that is not due yet differs from nothing. Pure; the moment (`as_of`) is an argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flex_engine.settle.position import notify_by
from flex_engine.settle.reconcile_shift import wrong_periods
from flex_engine.settle.reconcile_views import (
    Accepted,
    Cause,
    Difference,
    Leg,
    Notified,
    Place,
    Row,
    Settled,
    Traded,
    Views,
)
from flex_engine.settle.reconcile_words import at, mwh_text
from flex_engine.settle.settlement_calendar import gate_closure


@dataclass
class Here:
    """Everything the views hold about one place."""

    traded: list[Traded] = field(default_factory=list)
    notified: list[Notified] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)

    @property
    def live_wh(self) -> int | None:
        """Sold and not cancelled; None where nothing ever was sold."""
        return sum(one.position_wh for one in self.traded if not one.cancelled) if self.traded else None

    @property
    def latest(self) -> Notified | None:
        """The last revision that was sent."""
        return max(self.notified, key=lambda one: (one.revision, one.sent_at, one.key), default=None)

    @property
    def told_wh(self) -> int | None:
        """The position last told, whatever was made of it."""
        return self.latest.position_wh if self.latest else None

    @property
    def valid(self) -> Notified | None:
        """The last revision without an exception."""
        sent = [one for one in self.notified if not one.exception]
        return max(sent, key=lambda one: (one.revision, one.sent_at, one.key), default=None)

    @property
    def held_wh(self) -> int | None:
        """What the counterparty holds."""
        known = [one.position_wh for one in self.accepted if one.position_wh is not None]
        return sum(known) if known else None

    @property
    def settled_wh(self) -> int | None:
        """What the lines settle, each trade once."""
        return sum({one.ref: one.position_wh for one in self.settled}.values()) if self.settled else None


def reconcile(views: Views, *, as_of: datetime) -> tuple[Row, ...]:
    """One row a place that any view knows, by unit and time, with its differences as they can be known at `as_of`."""
    places = gathered(views, as_of)
    shifted = wrong_periods(
        sold={place: here.live_wh for place, here in places.items() if here.live_wh},
        told={place: [one.position_wh for one in here.notified] for place, here in places.items() if here.notified},
        due=lambda place: as_of >= notify_by(place[1]),
        cancelled={place for place, here in places.items() if here.traded and not here.live_wh},
    )
    units = {one.unit for one in views.accepted if one.start is None}
    rows = []
    for place, here in sorted(places.items()):
        first = [shifted[place]] if place in shifted else list(told_differences(place, here, as_of))
        found = [*first]
        if views.accepted_at is not None and views.accepted_at >= gate_closure(place[1]):
            found += held_differences(place, here, unit_only=place[0] in units)
        due = None if views.settled_due is None else views.settled_due.get(place)
        is_due = due is not None and as_of >= due
        found += settled_differences(place, here, known=found, is_due=is_due, is_metered=place not in views.unmetered)
        rows.append(Row(*place, here.live_wh, here.told_wh, here.held_wh, here.settled_wh, tuple(found)))
    return tuple(rows)


def differences(rows: Sequence[Row]) -> tuple[Difference, ...]:
    """Every difference of `rows`, in their order."""
    return tuple(one for row in rows for one in row.differences)


def gathered(views: Views, as_of: datetime) -> dict[Place, Here]:
    """The views by place; what was sent after `as_of` is not known yet."""
    places: dict[Place, Here] = defaultdict(Here)
    for trade in views.traded:
        places[trade.unit, trade.start].traded.append(trade)
    for note in views.notified:
        if note.sent_at <= as_of:
            places[note.unit, note.start].notified.append(note)
    for held in views.accepted:
        if held.start is not None:
            places[held.unit, held.start].accepted.append(held)
    for line in views.settled:
        places[line.unit, line.start].settled.append(line)
    return dict(places)


def told_differences(place: Place, here: Here, as_of: datetime) -> Iterator[Difference]:
    """Traded against notified."""
    make = maker("TRADED_NOTIFIED", place)
    sold, latest, by = here.live_wh or 0, here.latest, notify_by(place[1])
    if latest is None:
        if sold and as_of >= by:
            says = f"{mwh_text(sold)} was sold for {at(place)}, and no notification was sent by {by:%H:%M} UTC."
            yield make(Cause.NOTIFICATION_MISSING, says, sold, None)
        return
    if not sold and latest.position_wh:
        yield unsold(make, place, here, latest)
        return
    told = [one for one in here.notified if one.revision == latest.revision]
    if len(told) > 1:
        says = f"Revision {latest.revision} of {at(place)} was sent {len(told)} times, as {', '.join(sorted(one.key for one in told))}."
        yield make(Cause.NOTIFICATION_DUPLICATE, says, sold, latest.position_wh)
    if latest.sent_at > by and sold:
        says = f"{at(place)} was notified at {latest.sent_at:%H:%M:%S} UTC; the last moment was {by:%H:%M} UTC."
        yield make(Cause.NOTIFICATION_LATE, says, sold, latest.position_wh)
    if latest.exception and latest.sent_at < gate_closure(place[1]):  # after it, the exception follows from being late
        says = f"The notification of {at(place)} came back ({latest.exception}) and was not sent again."
        yield make(Cause.EXCEPTION_NOT_RESUBMITTED, says, sold, None)
    yield from volume(make, place, "sold", sold, "notified", latest.position_wh)


def unsold(make: Made, place: Place, here: Here, latest: Notified) -> Difference:
    """A position was told that nothing sold stands behind."""
    told = latest.position_wh
    if here.traded:
        says = f"The trade of {at(place)} was cancelled, and its {mwh_text(told)} is still notified."
        return make(Cause.TRADED_AFTER_CANCELLATION, says, 0, told)
    says = f"{mwh_text(told)} was notified for {at(place)}, for which nothing was sold."
    return make(Cause.NOTIFIED_NOT_TRADED, says, 0, told)


def held_differences(place: Place, here: Here, *, unit_only: bool) -> Iterator[Difference]:
    """Notified against what the counterparty holds."""
    make = maker("NOTIFIED_ACCEPTED", place)
    told, held = (here.valid.position_wh if here.valid else 0), here.held_wh
    if held is None:
        if told and unit_only:
            says = f"The counterparty accepted {place[0]} and named no period: {at(place)} is not known to be accepted."
            yield make(Cause.ACCEPTED_UNIT_ONLY, says, told, None)
        elif told:
            yield make(Cause.NOT_HELD, f"{at(place)} was notified, and the counterparty does not hold it.", told, None)
        return
    if not told:
        if held:
            says = f"The counterparty holds {mwh_text(held)} for {at(place)}, which was not notified."
            yield make(Cause.HELD_NOT_NOTIFIED, says, 0, held)
        return
    yield from volume(make, place, "notified", told, "held", held)


def settled_differences(
    place: Place, here: Here, *, known: Sequence[Difference], is_due: bool, is_metered: bool
) -> Iterator[Difference]:
    """What is held, or sold where nothing is known to be held, against the statement."""
    make = maker("ACCEPTED_SETTLED", place)
    sold, held, settled = here.live_wh or 0, here.held_wh, here.settled_wh
    if settled is None:
        if is_due and sold and not is_metered:
            yield make(Cause.METER_GAP, f"{at(place)} is due and cannot be settled: meter data is missing.", sold, None)
        elif is_due and sold and not (known and not held):
            says = f"{at(place)} is due and stands in no statement."
            yield make(Cause.SETTLEMENT_MISSING, says, sold, None)
        return
    yield from line_faults(make, place, here)
    if settled in (sold, held) and (known or settled == sold):
        return
    if not sold:
        if not known:
            cause = Cause.TRADED_AFTER_CANCELLATION if here.traded else Cause.SETTLED_NOT_TRADED
            word = "cancelled" if here.traded else "never sold"
            yield make(cause, f"{mwh_text(settled)} is settled for {at(place)}, which was {word}.", 0, settled)
        return
    if known and held:
        yield from volume(make, place, "held", held, "settled", settled)
    else:
        yield from volume(make, place, "sold", sold, "settled", settled)


def line_faults(make: Made, place: Place, here: Here) -> Iterator[Difference]:
    """What makes the lines of a place unfit for use, whatever their volume."""
    for line in here.settled:
        name = f"run {line.run} version {line.version}"
        if line.status == "F":
            yield make(Cause.METER_GAP, f"{at(place)} could not be calculated in {name}: meter data is missing.")
        if line.replaced_by:
            yield make(Cause.STALE_RUN, f"{at(place)} is settled by {name}, which {line.replaced_by} has replaced.")
        if line.price_run not in ("", line.run):
            says = f"{at(place)} is settled in {name} at a price of run {line.price_run}."
            yield make(Cause.PRICE_RUN_MISMATCH, says)
    if len({one.ref for one in here.settled}) < len(here.settled):
        counted = sum(one.position_wh for one in here.settled)
        says = f"{at(place)} stands {len(here.settled)} times in the statement, {mwh_text(counted)} in all."
        yield make(Cause.PERIOD_DOUBLE_COUNTED, says, here.live_wh, counted)


def volume(make: Made, place: Place, word: str, expected: int, other: str, found: int) -> Iterator[Difference]:
    """How a volume went wrong, if it did: the sign, MW written for MWh (twice, for half an hour), or otherwise."""
    if found == expected:
        return
    told = f"{at(place)}: {mwh_text(expected)} {word}, {mwh_text(found)} {other}"
    if found == -expected:
        yield make(Cause.SIGN_FLIPPED, f"{told}; the sign is turned round.", expected, found)
    elif found == 2 * expected:
        yield make(Cause.MW_FOR_MWH, f"{told}; MW written for MWh, twice as much in half an hour.", expected, found)
    else:
        yield make(Cause.VOLUME_WRONG, f"{told}.", expected, found)


Made = Callable[..., Difference]


def maker(leg: Leg, place: Place) -> Made:
    """A function that makes differences of `leg` at `place` from cause, sentence and volumes."""

    def make(cause: Cause, says: str, expected_wh: int | None = None, found_wh: int | None = None) -> Difference:
        return Difference(cause, leg, *place, says, expected_wh, found_wh)

    return make
