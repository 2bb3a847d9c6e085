"""Give back what an order holds of its offer and its site; what was co-delivered beside it takes its power over."""

from __future__ import annotations

from datetime import datetime

from marketplace.models import Offer, OfferPeriod, Order, Site, StackingRow
from marketplace.rules.stacking import Form, Row
from marketplace.usecases.hold_capacity import ledger_rows, take
from marketplace.usecases.prove_capacity import locked
from marketplace.wire.left import ledger_row


def release_capacity(*, order: Order, now: datetime) -> bool:
    """Release every row that `order` holds, and put a sold offer whose gate is open back on sale.

    Whether there was anything to release. The caller has locked the order and holds a transaction; locks are taken as by
    hold_capacity.
    """
    holding = StackingRow.objects.filter(order=order, state=StackingRow.State.HELD)
    if not holding.exists():
        return False
    offer = Offer.objects.select_for_update(of=("self",)).get(pk=order.offer_id)
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=offer.site_id)
    held = {row.start_at: row.ordered_kw for row in order.periods.all()}
    periods = OfferPeriod.objects.select_for_update(of=("self",)).filter(offer=offer, start_at__in=held)
    for period in periods.order_by("start_at"):
        # Subtracted here, in decimals: SQLite would subtract binary fractions.
        OfferPeriod.objects.filter(pk=period.pk).update(reserved_kw=period.reserved_kw - held[period.start_at])
    capacity = locked(offer.site, offer.direction, held)
    # Read under the site's lock: the release of another order may have changed the form of these.
    rows = [ledger_row(row) for row in holding.order_by("pk")]
    own = [row for row in rows if row.form != Form.CO_DELIVERY]
    beside = followers(offer, own)
    take(capacity, own, sign=-1)
    take(capacity, beside)
    StackingRow.objects.filter(pk__in=[row.key for row in beside]).update(form=Form.SPLITTING.value, beside=None)
    StackingRow.objects.filter(pk__in=[row.key for row in rows]).update(state=StackingRow.State.RELEASED)
    if now < offer.gate_closure_at:
        Offer.objects.filter(pk=offer.pk, state=Offer.State.SOLD).update(state=Offer.State.PUBLISHED)
    return True


def followers(offer: Offer, own: list[Row]) -> list[Row]:
    """The rows of co-delivery that stand beside any of `own`."""
    if not own:
        return []
    keys = {row.key for row in own}
    around = ledger_rows(offer.site, min(row.start for row in own), max(row.end for row in own))
    return [row for row in around if row.beside in keys]
