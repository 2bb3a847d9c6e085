"""Send the buyer the amount of a statement with its proof once that stands on the chain, and close an order with its first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from beckn import outbox
from marketplace import events, notify
from marketplace.models import Activation, Order, SettlementProgress, SettlementStatement
from marketplace.rules.order_state import (
    ActivationState,
    OrderEvent,
    OrderState,
    check_activation_step,
    next_order_state,
)
from marketplace.wire.activation import delivery_attributes, settlement_entry
from marketplace.wire.contract import order_contract, performance_entry
from marketplace.wire.report import audit_trail


def complete_settlement(*, statement: SettlementStatement, now: datetime) -> bool:
    """Tell the buyer of a statement whose record is final on chain; the first one moves the activation to SETTLED.

    The order moves with the last of its activations, or by itself where it had none, and stays SETTLED while later runs
    come; a cancelled one stays CANCELLED. False while the record is not final. A statement that was superseded meanwhile is left to the one that supersedes it. With no chain configured
    the order settles too, and the message says state NO_CHAIN instead of a transaction.
    """
    with transaction.atomic():
        statement = (
            SettlementStatement.objects.select_for_update(of=("self", "order"))
            .select_related("order__offer__site__organisation", "order__offer__plan")
            .get(pk=statement.pk)
        )
        activation, order = statement.activation, statement.order
        progress = SettlementProgress.objects.select_for_update(of=("self",)).get(order=order, activation=activation)
        if progress.announced_id == statement.pk or hasattr(statement, "superseded_by"):
            return True
        trail = audit_trail(statement)
        if trail is None:
            return False
        first = progress.announced_id is None
        if first:
            close(order, activation)
        progress.announced = statement
        progress.save(update_fields=["announced"])
        announce(statement, trail, kind=kind_of(order, first=first), now=now)
    return True


def close(order: Order, activation: Activation | None) -> None:
    """Move the activation to SETTLED, and with its last one the order. What was cancelled stays so."""
    if order.state == OrderState.CANCELLED:
        return
    if activation is not None:
        check_activation_step(ActivationState(activation.state), ActivationState.SETTLED)
        activation.state = ActivationState.SETTLED
        activation.save(update_fields=["state"])
    if not order.activations.exclude(state__in=[ActivationState.SETTLED, ActivationState.REJECTED]).exists():
        order.state = next_order_state(OrderState(order.state), OrderEvent.SETTLE)
        order.version += 1
        order.save(update_fields=["state", "version"])


def kind_of(order: Order, *, first: bool) -> str:
    """The type of the event: an order or one dispatch of it settled; a later statement, or a cancelled order's, proven."""
    if not first or order.state == OrderState.CANCELLED:
        return "settlement.proven"
    return "order.settled" if order.state == OrderState.SETTLED else "activation.settled"


def announce(statement: SettlementStatement, trail: dict[str, Any], *, kind: str, now: datetime) -> None:
    """The event and the buyer's on_update."""
    activation, order = statement.activation, statement.order
    organisation = order.offer.site.organisation
    events.append(
        type=kind,
        subject=f"order:{order.pk}",
        payload={"statement": str(statement.pk), "run": statement.run, "proof": trail["state"]},
        organisations=[organisation],
        now=now,
    )
    seller = settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]
    contract = order_contract(order, seller=seller, statement=statement)
    if activation is not None:
        contract["performance"] = [performance_entry(activation, "SETTLED", delivery_attributes(statement))]
    contract["settlements"] = [settlement_entry(statement, audit_trail=trail)]
    outbox.send(
        role="bpp",
        action="on_update",
        message={"contract": contract},
        to=order.buyer_subscriber_id,
        transaction_id=order.transaction_id,
    )
    notify.changed(f"order:{order.pk}", f"orders:{organisation.slug}", "ledger")
