"""Which services a site may serve at once, and in which form: the stacking ledger's rules.

A row of the ledger holds [start, end) and kW of a site for one service. Three forms: co-delivery (the same power at the same
time for two buyers), splitting (other power at the same time), jumping (the same power at other times). Which pairs of
services may take which form is dated data (flex_engine/settle/rows/stacking.json), and who gives way to whom is too
(primacy.json). A ledger is sound when at every moment

1. the rows that take power of their own add up to no more than the site can deliver,
2. a row of co-delivery is within the row it stands beside, in time and, with all that stand beside it, in kW (one megawatt
   has at most two buyers), the two services may co-deliver, and the direction is the same,
3. any other two rows that overlap are of services that may split, and of the same direction.

Pure: times are aware UTC on half hours, power is Decimal kW, days are settlement days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Protocol

from flex_engine.settle.effective import NothingInForceError, in_force, rows_of
from flex_engine.timegrid import HALF_HOUR, settlement_period
from marketplace.rules.errors import MarketError


class Form(StrEnum):
    """How two services share a site."""

    CO_DELIVERY = "CO_DELIVERY"
    SPLITTING = "SPLITTING"
    JUMPING = "JUMPING"


class Allowed(Protocol):
    """The matrix: which forms two services may take on a settlement day."""

    def __call__(self, one: str, other: str, day: date, /) -> frozenset[Form]:
        """The forms, none where nothing is held."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger. `beside` is the key of the row whose power a co-delivery shares."""

    key: int
    start: datetime
    end: datetime
    kw: Decimal
    service: str
    direction: str = "REDUCE"
    form: Form = Form.SPLITTING
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a wish found its place: [start, end) and kW in one form."""

    start: datetime
    end: datetime
    kw: Decimal
    form: Form
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be placed: kW by the start of each half hour, for one service."""

    kw: Mapping[datetime, Decimal]
    service: str
    direction: str = "REDUCE"


@cache
def forms(one: str, other: str, day: date) -> frozenset[Form]:
    """The forms that services `one` and `other` may take together on settlement day `day`; none when no row is held.

    >>> sorted(forms("DNO_SCHEDULED", "NESO_DFS", date(2026, 5, 1)))
    [<Form.CO_DELIVERY: 'CO_DELIVERY'>, <Form.JUMPING: 'JUMPING'>, <Form.SPLITTING: 'SPLITTING'>]
    """
    try:
        row = in_force(rows_of("stacking"), "+".join(sorted((one, other))), day)
    except NothingInForceError:
        return frozenset()
    return frozenset(Form(word) for word in row.values["forms"])


@cache
def service_of(product: str, day: date) -> str:
    """The service that a product is, as the matrix knows it. Raises MarketError for a product the matrix does not know."""
    try:
        return str(in_force(rows_of("stacking_services"), product, day).values["service"])
    except NothingInForceError as problem:
        raise MarketError(
            "STACKING_UNKNOWN_PRODUCT",
            f"What {product} may be stacked with is not held for {day}.",
            fix="Sell another product, or add its row to stacking_services.",
        ) from problem


def day_of(start: datetime) -> date:
    """The settlement day of the half hour from `start`."""
    return settlement_period(start)[0]


def at_each(held: Sequence[Row], starts: Iterable[datetime]) -> Iterator[tuple[datetime, list[Row]]]:
    """The rows that hold each half hour of `starts`, in order of time, in one sweep over both."""
    waiting = sorted(held, key=lambda row: row.start)
    at, active = 0, list[Row]()
    for start in sorted(starts):
        while at < len(waiting) and waiting[at].start <= start:
            active.append(waiting[at])
            at += 1
        active = [row for row in active if row.end > start]
        yield start, active


def place(
    wish: Wish, *, held: Sequence[Row], room: Mapping[datetime, Decimal], allowed: Allowed = forms
) -> tuple[Piece, ...]:
    """A place in the ledger for every half hour of `wish`, adjoining equal ones joined.

    Power of its own comes first, and co-delivery where none is left. `room` is what the site can still deliver beyond the
    rows that take power of their own; a half hour without an entry has none. Raises MarketError
    BIZ_QUANTITY_UNAVAILABLE naming the service and period that stand against the wish.
    """
    found: list[Piece] = []
    for start, active in at_each(held, wish.kw):
        last = found[-1] if found and found[-1].end == start else None
        piece = place_one(wish, start, active, room.get(start, Decimal(0)), allowed, last)
        if last and (last.kw, last.form, last.beside) == (piece.kw, piece.form, piece.beside):
            found[-1] = Piece(last.start, piece.end, piece.kw, piece.form, piece.beside)
        else:
            found.append(piece)
    return tuple(found)


def place_one(
    wish: Wish, start: datetime, active: Sequence[Row], room: Decimal, allowed: Allowed, last: Piece | None
) -> Piece:
    """A place for one half hour. Where several rows can be stood beside, the one before is kept."""
    kw, against = wish.kw[start], standing_against(wish, start, active, allowed)
    if not against and kw <= room:
        return Piece(start, start + HALF_HOUR, kw, Form.SPLITTING if active else Form.JUMPING)
    hosts = [row for row, free in hosts_of(wish, start, active, allowed) if kw <= free]
    if hosts:
        host = min(hosts, key=lambda row: (last is None or row.key != last.beside, row.key))
        return Piece(start, start + HALF_HOUR, kw, Form.CO_DELIVERY, host.key)
    raise refusal(wish, start, active, most(wish, start, active, room, allowed), against)


def standing_against(wish: Wish, start: datetime, active: Sequence[Row], allowed: Allowed) -> list[Row]:
    """The rows of this half hour beside which the wish may take no power of its own."""
    day = day_of(start)
    return [
        row
        for row in active
        if row.direction != wish.direction or Form.SPLITTING not in allowed(wish.service, row.service, day)
    ]


def hosts_of(wish: Wish, start: datetime, active: Sequence[Row], allowed: Allowed) -> Iterator[tuple[Row, Decimal]]:
    """Each row that the wish may be co-delivered beside in this half hour, and how many of its kW have one buyer only."""
    against, day = standing_against(wish, start, active, allowed), day_of(start)
    for row in active:
        if (
            row.form == Form.CO_DELIVERY
            or row.direction != wish.direction
            or any(other is not row for other in against)
        ):
            continue
        if Form.CO_DELIVERY in allowed(wish.service, row.service, day):
            yield row, row.kw - sum((one.kw for one in active if one.beside == row.key), Decimal(0))


def most(wish: Wish, start: datetime, active: Sequence[Row], room: Decimal, allowed: Allowed = forms) -> Decimal:
    """The most kW that the wish's service could be given in the half hour from `start`; the wish's own kW do not matter."""
    own = [] if standing_against(wish, start, active, allowed) else [room]
    return max([*own, *(free for _, free in hosts_of(wish, start, active, allowed))], default=Decimal(0))


def refusal(wish: Wish, start: datetime, active: Sequence[Row], free: Decimal, against: Sequence[Row]) -> MarketError:
    """Why a half hour has no place, in a sentence that names what stands against it; `free` kW could have been had."""
    when, asked, left = f"{start:%Y-%m-%dT%H:%M}Z", f"{wish.kw[start].normalize():f} kW", f"{free.normalize():f}"
    details = {"available_kw": left, "start": f"{start:%Y-%m-%dT%H:%M:%SZ}"}
    fix = f"Order at most {left} kW, or choose another offer."
    if free <= 0:
        fix = "Choose other half hours, or another offer."
    if against:
        row = against[0]
        other = ", the other way," if row.direction != wish.direction else ""
        holds = f"the site holds {row.kw.normalize():f} kW{other} for {row.service} from {row.start:%Y-%m-%dT%H:%M}Z to {row.end:%H:%M}Z"
        message = f"{asked} for {wish.service} cannot be had at {when}: {holds}."
    else:
        services = ", ".join(sorted({row.service for row in active})) or "no other service"
        message = f"{asked} is asked for {when}, where the site has {left} kW left beside what it holds for {services}."
    return MarketError("BIZ_QUANTITY_UNAVAILABLE", message, fix=fix, details=details)


def released(held: Sequence[Row], key: int) -> tuple[Row, ...]:
    """The ledger without the row `key`. What stood beside it takes its power over, of which there is enough by rule 2."""
    return tuple(
        Row(row.key, row.start, row.end, row.kw, row.service, row.direction) if row.beside == key else row
        for row in held
        if row.key != key
    )


@dataclass(frozen=True, slots=True)
class Primacy:
    """Whose instruction stands when two cannot both be followed, and the row that says so."""

    first: str
    second: str
    source: str
    evidence: str


def primacy(one: str, other: str, day: date) -> Primacy | None:
    """Which of two services goes first on settlement day `day`; None where no order is held for them, or they are the same.

    >>> primacy("NESO_DFS", "DNO_OPERATIONAL", date(2026, 5, 1)).first
    'DNO_OPERATIONAL'
    """
    try:
        row = in_force(rows_of("primacy"), "ORDER", day)
    except NothingInForceError:
        return None
    order = [str(service) for service in row.values["services"]]
    if one == other or one not in order or other not in order:
        return None
    first, second = sorted((one, other), key=order.index)
    return Primacy(first, second, row.source, row.evidence)
