"""Take an order's power out of what its offer and its site have left, and enter it in the stacking ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from flex_engine.timegrid import HALF_HOUR
from marketplace.models import Offer, OfferPeriod, Order, Site, SiteCapacity, StackingRow
from marketplace.rules.dispatch import check_room
from marketplace.rules.errors import MarketError
from marketplace.rules.stacking import Form, Piece, Row, Wish, day_of, place, service_of
from marketplace.usecases.list_promises import offers_beside
from marketplace.usecases.prove_capacity import locked, prove_capacity
from marketplace.wire.left import ledger_row


def hold_capacity(*, order: Order, now: datetime) -> list[StackingRow]:
    """Hold every settlement period of `order` or none. The caller has locked the order and holds a transaction.

    Locks are taken in one sequence everywhere: order, offer, site, the offer's periods, the site's periods by time. The
    database refuses reserved > offered and reserved > deliverable whatever this code does. Raises MarketError: withdrawn,
    too little left of the offer or of the site, or a service that this one may not be stacked with.
    """
    asked = {row.start_at: row.ordered_kw for row in order.periods.all()}
    # The offer first, as publishing and withdrawing lock it: what was withdrawn may be on sale again elsewhere.
    offer = Offer.objects.select_for_update(of=("self",)).get(pk=order.offer_id)
    if offer.state == Offer.State.WITHDRAWN:
        raise MarketError(
            "BIZ_QUANTITY_UNAVAILABLE",
            "The seller has withdrawn this offer since it was quoted.",
            fix="Search the catalogue again.",
        )
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=offer.site_id)
    rows = list(OfferPeriod.objects.select_for_update(of=("self",)).filter(offer=offer).order_by("start_at"))
    check_room(asked=asked, left={row.start_at: row.offered_kw - row.reserved_kw for row in rows})
    check_standing(offer, now=now)
    capacity = capacity_of(offer, asked, now=now)
    pieces = place(
        wish_of(offer, asked),
        held=ledger_rows(offer.site, min(asked), max(asked) + HALF_HOUR),
        room={row.start_at: row.left_kw for row in capacity},
    )
    for row in rows:
        if row.start_at in asked:  # added here, in decimals: SQLite would add binary fractions
            OfferPeriod.objects.filter(pk=row.pk).update(reserved_kw=row.reserved_kw + asked[row.start_at])
    take(capacity, [piece for piece in pieces if piece.form != Form.CO_DELIVERY])
    if not OfferPeriod.objects.filter(offer=offer, reserved_kw__lt=F("offered_kw")).exists():
        Offer.objects.filter(pk=offer.pk, state=Offer.State.PUBLISHED).update(state=Offer.State.SOLD)
    return enter(order, offer, pieces, now=now)


def check_standing(offer: Offer, *, now: datetime) -> None:
    """Raise BIZ_QUANTITY_UNAVAILABLE unless the stored proof of the offer covers all that the site has on sale or sold now.

    What is on sale of an offer is what was proved, so within it the arithmetic is that of check_room. An offer from before
    such proofs were kept stands by its certificate alone.
    """
    standing = offer.standing
    if not standing:
        return
    if not standing["holds"]:
        raise MarketError(
            "BIZ_QUANTITY_UNAVAILABLE",
            "The site's plan no longer proves this offer.",
            fix="Search the catalogue again.",
        )
    if not offers_beside(offer, now=now) <= set(standing["beside"]):
        raise MarketError(
            "BIZ_QUANTITY_UNAVAILABLE",
            "This offer is being proved anew beside another that the site has put on sale since.",
            fix="Confirm again in a minute.",
        )


def capacity_of(offer: Offer, starts: Collection[datetime], *, now: datetime) -> list[SiteCapacity]:
    """The site's rows of these periods, locked. An offer from before there were such rows gets them now."""
    rows = locked(offer.site, offer.direction, starts)
    if len(rows) == len(starts):
        return rows
    return prove_capacity(site=offer.site, direction=offer.direction, starts=starts, now=now)


def check_place(offer: Offer, asked: dict[datetime, Decimal]) -> None:
    """Raise MarketError where the site could not serve `asked` beside what it holds now. Nothing is locked or held."""
    rows = offer.periods.filter(start_at__in=asked).select_related("capacity")
    room = {row.start_at: row.capacity.left_kw if row.capacity else row.offered_kw for row in rows}
    place(wish_of(offer, asked), held=ledger_rows(offer.site, min(asked), max(asked) + HALF_HOUR), room=room)


def wish_of(offer: Offer, asked: dict[datetime, Decimal]) -> Wish:
    """What an order asks of the stacking ledger, as the service its offer's product is."""
    return Wish(asked, service_of(offer.product, day_of(offer.start_at)), offer.direction)


def ledger_rows(site: Site, start: datetime, end: datetime) -> list[Row]:
    """The rows of the site that hold any of [start, end), as the rules know them, oldest first."""
    found = StackingRow.objects.filter(site=site, state=StackingRow.State.HELD, start_at__lt=end, end_at__gt=start)
    return [ledger_row(row) for row in found.order_by("pk")]


def take(capacity: Sequence[SiteCapacity], pieces: Iterable[Piece | Row], *, sign: int = 1) -> None:
    """Add the pieces' power to what is reserved of the site, or take it away with `sign` -1. The rows are locked."""
    pieces = list(pieces)
    for row in capacity:
        kw = sum((piece.kw for piece in pieces if piece.start <= row.start_at < piece.end), Decimal(0))
        if kw:  # in decimals, as above
            row.reserved_kw += sign * kw
            row.save(update_fields=["reserved_kw"])


def enter(order: Order, offer: Offer, pieces: Iterable[Piece], *, now: datetime) -> list[StackingRow]:
    """The order's rows in the stacking ledger."""
    service = service_of(offer.product, day_of(offer.start_at))
    return [
        StackingRow.objects.create(
            site_id=offer.site_id,
            order=order,
            service=service,
            direction=offer.direction,
            form=piece.form.value,
            beside_id=piece.beside,
            start_at=piece.start,
            end_at=piece.end,
            kw=piece.kw,
            created_at=now,
        )
        for piece in pieces
    ]
