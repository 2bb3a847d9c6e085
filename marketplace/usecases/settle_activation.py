"""Settle an activation for the first time: run II, version 1. What follows it is made by resettle."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from flex_engine.settle.versions import FIRST, Named
from marketplace.models import Activation, SettlementStatement
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import (
    ActivationState,
    OrderEvent,
    OrderState,
    check_activation_step,
    next_order_state,
)
from marketplace.usecases.make_statement import make_statement, work_out_activation

UNDER_WAY = (ActivationState.ACCEPTED, ActivationState.IN_PROGRESS)


def settle_activation(*, activation: Activation, now: datetime) -> SettlementStatement:
    """Make the statement of run II for a finished activation and tell the buyer. Settling again answers the same.

    It is made as soon as the readings are there, which is before run II's day. The order is delivered with the last of
    its dispatches. Raises MarketError: not over yet, readings missing (each period is named), or too few days for the
    baseline.
    """
    with transaction.atomic():
        activation = locked(activation)
        done = activation.statements.order_by("sequence").first()
        if done is not None:
            return done
        if now < activation.end_at:
            raise MarketError(
                "NOT_OVER", f"The activation ends at {activation.end_at:%Y-%m-%dT%H:%M}Z.", fix="Settle it afterwards."
            )
        check_activation_step(ActivationState(activation.state), ActivationState.DELIVERY_COMPLETE)
        worked = work_out_activation(activation, known_at=now)
        activation.state = ActivationState.DELIVERY_COMPLETE
        activation.save(update_fields=["state"])
        deliver_order(activation)
        return make_statement(
            activation=activation, worked=worked, name=Named(FIRST, 1), reason="RUN_DUE", supersedes=None, now=now
        )


def locked(activation: Activation) -> Activation:
    """The activation and its order, held against every other settlement of either, with all that settling reads."""
    return (
        Activation.objects.select_for_update(of=("self", "order"))
        .select_related("order__offer__site__organisation", "order__offer__plan")
        .get(pk=activation.pk)
    )


def deliver_order(activation: Activation) -> None:
    """Move the order to DELIVERED with the last of its dispatches."""
    order = activation.order
    if not order.activations.filter(state__in=UNDER_WAY).exists():
        order.state = next_order_state(OrderState(order.state), OrderEvent.DELIVER)
        order.version += 1
        order.save(update_fields=["state", "version"])
