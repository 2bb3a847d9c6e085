"""Settle an activation for the first time: run II, version 1. What follows it is made by resettle."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from flex_engine.settle.versions import FIRST, Named
from marketplace.models import Activation, Held, Order, SettlementStatement, window_of
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import (
    ActivationState,
    OrderEvent,
    OrderState,
    check_activation_step,
    next_order_state,
)
from marketplace.usecases.make_statement import make_statement, work_out_activation

READ_BESIDE = ("offer__site__organisation", "offer__plan")
UNDER_WAY = (ActivationState.ACCEPTED, ActivationState.IN_PROGRESS)


def settle_activation(*, activation: Activation, now: datetime) -> SettlementStatement:
    """Make the statement of run II for a finished activation and tell the buyer. Settling again answers the same.

    It is made as soon as the readings are there, which is before run II's day. The order is delivered with the last of
    its dispatches. Raises MarketError: not over yet, readings missing (each period is named), or too few days for the
    baseline.
    """
    with transaction.atomic():
        held, activation = hold_activation(activation)
        done = held.first_statement
        if done is not None:
            return done
        if now < held.end_at:
            raise MarketError(
                "NOT_OVER", f"The activation ends at {held.end_at:%Y-%m-%dT%H:%M}Z.", fix="Settle it afterwards."
            )
        check_activation_step(ActivationState(activation.state), ActivationState.DELIVERY_COMPLETE)
        worked = work_out_activation(activation, known_at=now)
        activation.state = ActivationState.DELIVERY_COMPLETE
        activation.save(update_fields=["state"])
        if not held.order.activations.filter(state__in=UNDER_WAY).exists():
            deliver_order(held.order)
        return make_statement(
            held=held, worked=worked, name=Named(FIRST, 1), reason="RUN_DUE", supersedes=None, now=now
        )


def hold_activation(activation: Activation) -> tuple[Held, Activation]:
    """The dispatch and its order, held against every other settlement of either, with all that settling reads.

    The dispatch as it is now stands beside what is held.
    """
    found = (
        Activation.objects.select_for_update(of=("self", "order"))
        .select_related(*(f"order__{name}" for name in READ_BESIDE))
        .get(pk=activation.pk)
    )
    return Held(found.order, found, found.start_at, found.end_at), found


def hold_order(order: Order) -> Held:
    """The order, held against every other step of it, with all that settling it reads."""
    found = Order.objects.select_for_update(of=("self",)).select_related(*READ_BESIDE).get(pk=order.pk)
    return Held(found, None, *window_of(found))


def hold(*, activation: Activation | None, order: Order | None) -> Held:
    """The dispatch, or where none is named the order itself. Raises ValueError where neither is."""
    if activation is not None:
        return hold_activation(activation)[0]
    if order is None:
        raise ValueError("name the dispatch, or the order that none was under")
    return hold_order(order)


def deliver_order(order: Order) -> None:
    """Move the order to DELIVERED."""
    order.state = next_order_state(OrderState(order.state), OrderEvent.DELIVER)
    order.version += 1
    order.save(update_fields=["state", "version"])
