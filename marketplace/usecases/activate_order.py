"""Accept a buyer's dispatch: from here on the instructed power is a hard limit on the site's plan."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from flex_engine.timegrid import settlement_period
from marketplace import enqueue, events, notify
from marketplace.models import Activation, ActivationPeriod, Offer, Order, Site, StackingRow
from marketplace.rules.dispatch import check_events_per_day, check_instruction
from marketplace.rules.errors import MarketError
from marketplace.rules.order_state import ActivationState, OrderEvent, OrderState, next_order_state
from marketplace.rules.product_terms import product_on
from marketplace.rules.stacking import day_of, service_of
from marketplace.usecases.initialise_order import order_of
from marketplace.usecases.resolve_primacy import record_refusal, resolve_primacy
from marketplace.wire.activation import Instruction

HALF_HOUR = timedelta(minutes=30)


def activate_order(
    *,
    transaction_id: uuid.UUID,
    buyer_subscriber_id: str,
    instruction: Instruction,
    request_digest: str = "",
    now: datetime,
) -> Activation:
    """Accept `instruction` under the buyer's order, or reject it where another goes first; the same id answers the same.

    `request_digest` names the buyer's signed request in the log, as confirm_order's does. Raises MarketError: outside the
    order, more than ordered, too little notice, too many events a day, wrong state.
    """
    with transaction.atomic():
        order = order_of(transaction_id, buyer_subscriber_id)
        known = order.activations.filter(instruction_id=instruction.instruction_id).first()
        if known is not None:
            return known
        state = next_order_state(OrderState(order.state), OrderEvent.DISPATCH)
        check_called(order)
        # The scarce thing is the offer's events a day, which its buyers share.
        Offer.objects.select_for_update(of=("self",)).get(pk=order.offer_id)
        check_instruction(
            requested=instruction.requested_kw,
            ordered=left_to_dispatch(order),
            now=now,
            notice=timedelta(seconds=order.offer.notice_s),
        )
        check_events_per_day(day_counts=events_that_day(order, instruction), limit=order.offer.max_events_per_day)
        return take(order, instruction, state, request_digest=request_digest, now=now)


def take(
    order: Order, instruction: Instruction, state: OrderState, *, request_digest: str = "", now: datetime
) -> Activation:
    """Enter an instruction that was found good: the order goes to `state`, or the instruction gives way to another.

    The order is locked. Raises MarketError where the stacking ledger does not hold what is instructed.
    """
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=order.offer.site_id)
    check_held(order, instruction)
    why = resolve_primacy(order=order, starts=list(instruction.requested_kw), now=now)
    activation = store(order, instruction, refused_because=why, now=now)
    if why:
        record_refusal(activation, now=now)
        return activation
    order.state = state
    order.version += 1
    order.save(update_fields=["state", "version"])
    Site.objects.filter(pk=order.offer.site_id).update(replan_requested_at=now)
    record(activation, request_digest=request_digest, now=now)
    return activation


def check_held(order: Order, instruction: Instruction) -> None:
    """Raise BIZ_FULFILLMENT_UNAVAILABLE unless the site holds, for this order, what is instructed in every period."""
    held = list(order.stacking_rows.filter(state=StackingRow.State.HELD))
    for start, kw in sorted(instruction.requested_kw.items()):
        here = sum((row.kw for row in held if row.start_at <= start < row.end_at), Decimal(0))
        if kw > here:
            service = service_of(order.offer.product, day_of(order.offer.start_at))
            raise MarketError(
                "BIZ_FULFILLMENT_UNAVAILABLE",
                f"{kw.normalize():f} kW is instructed for {start:%Y-%m-%dT%H:%M}Z, where the site holds {here.normalize():f} kW of this order for {service}.",
                fix="Ask for the state of the order.",
            )


def check_called(order: Order) -> None:
    """Raise POL_UPDATE_NOT_ALLOWED for a product that is delivered by schedule, where a call would be a second instruction."""
    sold_as = product_on(order.offer.product, order.offer.start_at)
    if not sold_as.needs_instruction:
        raise MarketError(
            "POL_UPDATE_NOT_ALLOWED",
            f"{sold_as.name} needs no dispatch: what was ordered is delivered as it was agreed.",
            fix="Send none; delivery and settlement follow by themselves.",
        )


def left_to_dispatch(order: Order) -> dict[datetime, Decimal]:
    """Ordered power not yet instructed, per settlement period; periods already dispatched in full drop out."""
    left = {row.start_at: row.ordered_kw for row in order.periods.all()}
    for row in ActivationPeriod.objects.filter(activation__order=order).exclude(
        activation__state=ActivationState.REJECTED
    ):
        left[row.start_at] -= row.requested_kw
    return {start: kw for start, kw in left.items() if kw > 0}


def events_that_day(order: Order, instruction: Instruction) -> list[int]:
    """Events already accepted under the same offer on each settlement day the instruction touches.

    Buyers who share a window call it separately, and the site turns down once: what overlaps the instruction is no
    second event, and neither is another part of the same order.
    """
    first, last = min(instruction.requested_kw), max(instruction.requested_kw)
    days = {settlement_period(start)[0] for start in instruction.requested_kw}
    taken = [
        settlement_period(activation.start_at)[0]
        for activation in Activation.objects.filter(order__offer=order.offer)
        .exclude(state=ActivationState.REJECTED)
        .exclude(order=order)
        .exclude(start_at__lte=last, end_at__gt=first)
    ]
    return [taken.count(day) for day in days]


def store(order: Order, instruction: Instruction, *, refused_because: str = "", now: datetime) -> Activation:
    """The activation's rows. `declared_kw` is the load that the offer's power is measured from."""
    starts = sorted(instruction.requested_kw)
    activation = Activation.objects.create(
        order=order,
        instruction_id=instruction.instruction_id,
        mechanism=instruction.mechanism,
        state=ActivationState.REJECTED if refused_because else ActivationState.ACCEPTED,
        refused_because=refused_because[:400],
        start_at=starts[0],
        end_at=starts[-1] + HALF_HOUR,
        issued_at=instruction.issued_at,
        ack_by=instruction.ack_by,
        responded_at=now,
        created_at=now,
    )
    ActivationPeriod.objects.bulk_create(
        ActivationPeriod(
            activation=activation,
            start_at=start,
            requested_kw=instruction.requested_kw[start],
            declared_kw=declared(order.offer, start),
        )
        for start in starts
    )
    return activation


def declared(offer: Offer, start: datetime) -> Decimal:
    """The offer's reference in the half hour from `start`: the plan's site power, or the expected baseline where that is
    lower (of a turn-up: higher).

    An offer whose certificate names no reference is measured from its plan.
    """
    reference = offer.certificate.get("reference_kw")
    if reference:
        return Decimal(reference[int((start - offer.start_at) / HALF_HOUR)]).quantize(Decimal("0.001"))
    slot = int((start - offer.plan.start_at) / HALF_HOUR)
    return Decimal(str(offer.plan.load_kw[slot])).quantize(Decimal("0.001"))


def record(activation: Activation, *, request_digest: str, now: datetime) -> None:
    """The event, the pages and the re-plan that follow from a dispatch."""
    order = activation.order
    organisation = order.offer.site.organisation
    events.append(
        type="activation.accepted",
        subject=f"activation:{activation.pk}",
        payload={
            "order": str(order.pk),
            "instruction": activation.instruction_id,
            "mechanism": activation.mechanism,
            "issued_at": activation.issued_at.isoformat(),
            "periods": [
                {
                    "start": row.start_at.isoformat(),
                    "power_w": int(row.requested_kw * 1000),
                    "declared_w": int(row.declared_kw * 1000),
                }
                for row in activation.periods.order_by("start_at")
            ],
            **events.requested_by(request_digest),
        },
        organisations=[organisation],
        now=now,
    )
    enqueue.enqueue("marketplace.agents.optimisation.plan", site_id=order.offer.site_id)
    notify.changed(f"order:{order.pk}", f"orders:{organisation.slug}", f"site:{order.offer.site.slug}")
