"""The life of an order, a purchase and an activation, as pure transition tables.

This room knows states and the events that move them, and nothing of rows, messages or time.
Source of the states: Beckn LTS contract status, and the activation states of the DEG demand-flexibility examples.
"""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands. DRAFT is a quote; its id exists from INITIALISED on. PENDING waits for the seller's yes."""

    DRAFT = "DRAFT"
    INITIALISED = "INITIALISED"
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    ACTIVE = "ACTIVE"
    DELIVERED = "DELIVERED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class OrderEvent(StrEnum):
    """What can happen to an order."""

    INITIALISE = "INITIALISE"
    ASK = "ASK"
    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    CONFIRM = "CONFIRM"
    DISPATCH = "DISPATCH"
    STAND_DOWN = "STAND_DOWN"
    DELIVER = "DELIVER"
    SETTLE = "SETTLE"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"


class ActivationState(StrEnum):
    """Where an activation stands; the codes are those sent in performance[].status.code."""

    REQUESTED = "ACTIVATION_REQUESTED"
    ACCEPTED = "ACTIVATION_ACCEPTED"
    REJECTED = "ACTIVATION_REJECTED"
    IN_PROGRESS = "IN_PROGRESS"
    DELIVERY_COMPLETE = "DELIVERY_COMPLETE"
    SETTLED = "SETTLED"


class InvalidTransitionError(ValueError):
    """The event is not allowed in this state. Beckn code BIZ_INVALID_STATE_TRANSITION."""


S, E, A = OrderState, OrderEvent, ActivationState

ORDER_TRANSITIONS: dict[tuple[OrderState, OrderEvent], OrderState] = {
    (S.DRAFT, E.INITIALISE): S.INITIALISED,
    (S.DRAFT, E.EXPIRE): S.EXPIRED,
    (S.DRAFT, E.CANCEL): S.CANCELLED,
    (S.INITIALISED, E.CONFIRM): S.CONFIRMED,
    (S.INITIALISED, E.ASK): S.PENDING,
    (S.INITIALISED, E.EXPIRE): S.EXPIRED,
    (S.INITIALISED, E.CANCEL): S.CANCELLED,
    (S.PENDING, E.APPROVE): S.CONFIRMED,
    (S.PENDING, E.DECLINE): S.CANCELLED,
    (S.PENDING, E.EXPIRE): S.EXPIRED,
    (S.PENDING, E.CANCEL): S.CANCELLED,
    (S.CONFIRMED, E.DISPATCH): S.ACTIVE,
    (S.CONFIRMED, E.CANCEL): S.CANCELLED,
    (S.CONFIRMED, E.DELIVER): S.DELIVERED,  # it stood ready and was not called
    (S.ACTIVE, E.DISPATCH): S.ACTIVE,
    (S.ACTIVE, E.STAND_DOWN): S.CONFIRMED,
    (S.ACTIVE, E.DELIVER): S.DELIVERED,
    (S.DELIVERED, E.SETTLE): S.SETTLED,
}

ORDER_STEPS: frozenset[tuple[OrderState, OrderState]] = frozenset(
    (before, after) for (before, _), after in ORDER_TRANSITIONS.items() if before != after
)

ACTIVATION_TRANSITIONS: frozenset[tuple[ActivationState, ActivationState]] = frozenset(
    {
        (A.REQUESTED, A.ACCEPTED),
        (A.REQUESTED, A.REJECTED),
        (A.ACCEPTED, A.REJECTED),
        (A.ACCEPTED, A.IN_PROGRESS),
        (A.ACCEPTED, A.DELIVERY_COMPLETE),
        (A.IN_PROGRESS, A.DELIVERY_COMPLETE),
        (A.DELIVERY_COMPLETE, A.SETTLED),
    }
)


def next_order_state(state: OrderState, event: OrderEvent) -> OrderState:
    """The state after `event`. Raises InvalidTransitionError naming both.

    >>> next_order_state(OrderState.INITIALISED, OrderEvent.CONFIRM)
    <OrderState.CONFIRMED: 'CONFIRMED'>
    """
    try:
        return ORDER_TRANSITIONS[OrderState(state), OrderEvent(event)]
    except KeyError:
        message = f"an order that is {OrderState(state).value} cannot take {OrderEvent(event).value}"
        raise InvalidTransitionError(message) from None


def check_activation_step(before: ActivationState, after: ActivationState) -> None:
    """Raise InvalidTransitionError unless an activation may go from `before` to `after`."""
    if (ActivationState(before), ActivationState(after)) not in ACTIVATION_TRANSITIONS:
        raise InvalidTransitionError(f"an activation cannot go from {before} to {after}")
