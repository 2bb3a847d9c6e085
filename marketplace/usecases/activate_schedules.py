"""Make the activations of products whose schedule is the instruction: at gate closure, without a message from the buyer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from beckn import outbox
from marketplace.models import Activation, Order
from marketplace.rules.order_state import OrderEvent, OrderState, next_order_state
from marketplace.rules.product_terms import mechanism_of, product_on
from marketplace.usecases.activate_order import take
from marketplace.wire.activation import Instruction, activation_attributes
from marketplace.wire.contract import order_contract, performance_entry

SCHEDULE = "schedule"  # its instruction id: there is one in an order


def activate_schedules(*, now: datetime) -> list[Activation]:
    """Activate every confirmed order whose gate has closed and whose product needs no instruction, and tell its buyer."""
    made = [activate_one(pk, now=now) for pk in due_schedules(now=now)]
    return [activation for activation in made if activation is not None]


def due_schedules(*, now: datetime) -> list[UUID]:
    """Confirmed orders whose gate has closed and whose product needs no instruction, the earliest first."""
    closed = Order.objects.filter(state=OrderState.CONFIRMED, offer__gate_closure_at__lte=now)
    return [
        order.pk
        for order in closed.select_related("offer").order_by("offer__start_at", "pk")
        if not product_on(order.offer.product, order.offer.start_at).needs_instruction
    ]


def activate_one(pk: UUID, *, now: datetime) -> Activation | None:
    """Activate one order in full, unless somebody was faster or cancelled it."""
    with transaction.atomic():
        order = (
            Order.objects.select_for_update(of=("self",))
            .select_related("offer__site__organisation", "offer__plan")
            .get(pk=pk)
        )
        if order.state != OrderState.CONFIRMED or order.activations.filter(instruction_id=SCHEDULE).exists():
            return None
        state = next_order_state(OrderState(order.state), OrderEvent.DISPATCH)
        activation = take(order, instruction_of(order), state, now=now)
        tell(activation)
    return activation


def instruction_of(order: Order) -> Instruction:
    """Everything ordered, said when it was confirmed and answered by gate closure."""
    sold_as = product_on(order.offer.product, order.offer.start_at)
    return Instruction(
        instruction_id=SCHEDULE,
        mechanism=mechanism_of(sold_as),
        requested_kw={row.start_at: row.ordered_kw for row in order.periods.all()},
        issued_at=order.confirmed_at or order.created_at,
        ack_by=order.offer.gate_closure_at,
    )


def tell(activation: Activation) -> None:
    """The buyer learns that its schedule stands."""
    order = activation.order
    contract = order_contract(order, seller=settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"])
    contract["performance"] = [performance_entry(activation, activation.state, activation_attributes(activation))]
    outbox.send(
        role="bpp",
        action="on_status",
        message={"contract": contract},
        to=order.buyer_subscriber_id,
        transaction_id=order.transaction_id,
    )
