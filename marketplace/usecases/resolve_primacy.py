"""Two instructions that a site cannot both follow: which stands is decided by rule, and recorded.

What is sold is kept apart when it is sold, so this is the last line: orders from before a row of the matrix, or that somebody
entered by other ways.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from beckn import outbox
from marketplace import events, notify
from marketplace.models import Activation, Order
from marketplace.rules.order_state import (
    ActivationState,
    OrderEvent,
    OrderState,
    check_activation_step,
    next_order_state,
)
from marketplace.rules.stacking import Form, day_of, forms, primacy, service_of
from marketplace.wire.activation import activation_attributes
from marketplace.wire.contract import order_contract, performance_entry

UNDER_WAY = (ActivationState.ACCEPTED, ActivationState.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One standing instruction that cannot be followed beside a new one. `why` is the sentence that is recorded."""

    standing: Activation
    new_goes_first: bool
    why: str


def resolve_primacy(*, order: Order, starts: Collection[datetime], now: datetime) -> str:
    """Why an instruction for `starts` under `order` cannot stand; empty when it can.

    Standing instructions over which it goes first are stood down, their buyers told. What is already being delivered, or is
    of the same rank, stays. The caller has locked the order and holds a transaction.
    """
    found = conflicts(order, starts)
    for conflict in found:
        if not conflict.new_goes_first:
            return conflict.why
    for conflict in found:
        stand_down(conflict, now=now)
    return ""


def conflicts(order: Order, starts: Collection[datetime]) -> list[Conflict]:
    """Standing instructions of the site, under other orders, that an instruction for `starts` contradicts."""
    offer = order.offer
    rows = (
        Activation.objects.filter(order__offer__site=offer.site_id, state__in=UNDER_WAY)
        .filter(order__offer__start_at__lt=offer.end_at, order__offer__end_at__gt=offer.start_at)
        .exclude(order=order)
        .select_related("order__offer__site__organisation", "order__offer__plan")
        .prefetch_related("periods")
        .order_by("pk")
    )
    return [found for row in rows if (found := conflict_of(order, starts, row)) is not None]


def conflict_of(order: Order, starts: Collection[datetime], standing: Activation) -> Conflict | None:
    """Whether and why two instructions contradict each other: another direction, or services that exclude each other."""
    ours, theirs = order.offer, standing.order.offer
    common = sorted(set(starts) & {row.start_at for row in standing.periods.all()})
    start = common[0] if common else min(starts)
    day = day_of(start)
    mine, its = service_of(ours.product, day_of(ours.start_at)), service_of(theirs.product, day_of(theirs.start_at))
    opposed = ours.direction != theirs.direction
    if not opposed and (not common or mine == its or forms(mine, its, day) - {Form.JUMPING}):
        return None
    rule = primacy(mine, its, day)
    first = rule is not None and rule.first == mine and standing.state == ActivationState.ACCEPTED
    winner, loser = (mine, its) if first else (its, mine)
    reason = f"by the order of primacy ({rule.evidence}: {rule.source})" if rule else "because it came first"
    against = "the other way" if opposed else "at the same time"
    why = f"At {start:%Y-%m-%dT%H:%M}Z the site follows {winner} and not {loser}, which is instructed {against}, {reason}."
    return Conflict(standing, first, why)


def stand_down(conflict: Conflict, *, now: datetime) -> None:
    """Take back an accepted instruction that is not under way yet; it is no shortfall, and its buyer is told why."""
    activation = conflict.standing
    order, organisation = activation.order, activation.order.offer.site.organisation
    check_activation_step(ActivationState(activation.state), ActivationState.REJECTED)
    activation.state, activation.refused_because = ActivationState.REJECTED, conflict.why[:400]
    activation.save(update_fields=["state", "refused_because"])
    others = order.activations.exclude(pk=activation.pk).exclude(state=ActivationState.REJECTED)
    if not others.exists():
        order.state = next_order_state(OrderState(order.state), OrderEvent.STAND_DOWN)
    order.version += 1
    order.save(update_fields=["state", "version"])
    record_refusal(activation, now=now)
    contract = order_contract(order, seller=settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"])
    contract["performance"] = [performance_entry(activation, activation.state, activation_attributes(activation))]
    outbox.send(
        role="bpp",
        action="on_update",
        message={"contract": contract},
        to=order.buyer_subscriber_id,
        transaction_id=order.transaction_id,
    )
    notify.changed(f"order:{order.pk}", f"orders:{organisation.slug}", f"site:{order.offer.site.slug}")


def record_refusal(activation: Activation, *, now: datetime) -> None:
    """The event of an instruction that gave way."""
    order = activation.order
    events.append(
        type="activation.gave_way",
        subject=f"activation:{activation.pk}",
        payload={"order": str(order.pk), "instruction": activation.instruction_id, "why": activation.refused_because},
        organisations=[order.offer.site.organisation],
        now=now,
    )
