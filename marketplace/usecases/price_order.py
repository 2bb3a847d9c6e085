"""Price an order that no dispatch was under: availability for having stood ready, or the fee for cancelling it late.

It reads what was known at a moment and stores nothing. Nothing of it was metered: the order's terms and what was told are all.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from flex_engine.settle.availability import availability
from flex_engine.settle.payment import component, total
from flex_engine.settle.performance import performance_table
from flex_engine.settle.products import Product
from flex_engine.timegrid import settlement_period
from marketplace.models import Order
from marketplace.rules.order_state import OrderState
from marketplace.usecases.price_delivery import Priced, record_of_month_before, windows_of


def price_order(*, order: Order, product: Product, now: datetime) -> Priced:
    """CANCELLATION_FEE of a cancelled order, AVAILABILITY of everything ordered otherwise, by what was known at `now`.

    Availability is scaled by the record of the calendar month before, as that of a dispatched order is.
    """
    if order.state == OrderState.CANCELLED:
        fee = order.cancellation_charged_pence or 0
        told = "cancelled after its free cancellation had ended"
        basis = {"fee_pence": str(order.cancellation_fee_pence), "quote_pence": str(order.quote_pence)}
        return Priced(total([component("CANCELLATION_FEE", told, Decimal(fee).scaleb(-2), basis=basis)]), ())
    windows = windows_of(order)
    day, _ = settlement_period(windows[0].start)
    delivered, instructed = record_of_month_before(order, product, day=day, now=now)
    table = performance_table(str(product.availability_table), day=day)
    ready = availability(windows, table=table, delivered_wh=delivered, instructed_wh=instructed)
    return Priced(total(ready), ())
