"""Sell: hold the capacity of every settlement period at once, or not at all; and ask the seller first where its rules say so."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from marketplace import enqueue, events, notify
from marketplace.models import ContractDocument, Order, SaleRules
from marketplace.rules.dispatch import check_gate, check_price
from marketplace.rules.order_state import OrderEvent, OrderState, next_order_state
from marketplace.rules.sale_terms import why_approval
from marketplace.usecases.hold_capacity import hold_capacity
from marketplace.usecases.initialise_order import order_of
from marketplace.usecases.publish_catalogue import refresh_catalogue
from marketplace.usecases.write_document import write_document


def confirm_order(
    *,
    transaction_id: uuid.UUID,
    buyer_subscriber_id: str,
    agreed_pence: int | None,
    request_digest: str = "",
    now: datetime,
) -> Order:
    """Confirm the initialised order, or let it wait for the seller's yes; repeating it answers the same order.

    `request_digest` names the buyer's signed request (BLAKE2b-512 of its bytes) in the log, so that nobody can put another
    in its place. Raises MarketError: sold out, withdrawn, not to be stacked with what the site has sold, quote expired or changed, gate
    closed, wrong state.
    """
    with transaction.atomic():
        order = order_of(transaction_id, buyer_subscriber_id)
        if order.state in {OrderState.CONFIRMED, OrderState.PENDING}:
            return order
        state = next_order_state(OrderState(order.state), OrderEvent.CONFIRM)
        check_gate(now=now, gate_closure_at=order.offer.gate_closure_at)
        check_price(
            quoted_pence=order.quote_pence, agreed_pence=agreed_pence, now=now, expires_at=order.quote_expires_at
        )
        hold_capacity(order=order, now=now)
        enqueue.enqueue("marketplace.agents.optimisation.recertify", site_id=order.offer.site_id)
        rules = SaleRules.objects.filter(site=order.offer.site_id).first()
        order.waits_because = why_it_waits(order, rules)
        if rules is not None and order.waits_because:
            ask(order, rules, request_digest=request_digest, now=now)
        else:
            settle_on(order, state, request_digest=request_digest, now=now)
        refresh_catalogue(organisation=order.offer.site.organisation, now=now)
    return order


def why_it_waits(order: Order, rules: SaleRules | None) -> str:
    """Why the site's rules want a person to approve the order; empty when they do not, or there are none."""
    if rules is None:
        return ""
    return why_approval(
        most_kw=max(row.ordered_kw for row in order.periods.all()),
        price=order.utilisation_price_gbp_per_kwh,
        above_kw=rules.approve_above_kw,
        floor=rules.floor_gbp_per_kwh,
    )


def ask(order: Order, rules: SaleRules, *, request_digest: str, now: datetime) -> None:
    """Let the order wait, its capacity held, until somebody of the seller decides or the time for it is over."""
    site = order.offer.site
    within = timedelta(seconds=rules.approve_within_s)
    order.state = next_order_state(OrderState(order.state), OrderEvent.ASK)
    order.approve_by = min(now + within, order.offer.gate_closure_at)
    order.version += 1
    order.save(update_fields=["state", "approve_by", "waits_because", "version"])
    events.append(
        type="order.waiting",
        subject=f"order:{order.pk}",
        payload={
            "why": order.waits_because,
            "approve_by": order.approve_by.isoformat(),
            **events.requested_by(request_digest),
        },
        organisations=[site.organisation],
        now=now,
    )
    notify.changed("catalogue", "offers", f"orders:{site.organisation.slug}", f"order:{order.pk}")


def settle_on(order: Order, state: OrderState, *, request_digest: str = "", now: datetime) -> None:
    """The order is sold."""
    order.state, order.confirmed_at = state, now
    order.version += 1
    order.save(update_fields=["state", "confirmed_at", "version"])
    record(order, write_document(order=order, now=now), request_digest=request_digest, now=now)


def record(order: Order, document: ContractDocument, *, request_digest: str, now: datetime) -> None:
    """The event, the pages and the agent that follow from a sale."""
    organisation = order.offer.site.organisation
    events.append(
        type="order.confirmed",
        subject=f"order:{order.pk}",
        payload={
            "offer": str(order.offer_id),
            "buyer": order.buyer_subscriber_id,
            "terms_sha256": order.terms_digest,
            "document_sha256": document.sha256,
            "quote_pence": str(order.quote_pence),
            "periods": [
                {"start": row.start_at.isoformat(), "power_w": int(row.ordered_kw * 1000)}
                for row in order.periods.order_by("start_at")
            ],
            **events.requested_by(request_digest),
        },
        organisations=[organisation],
        now=now,
    )
    notify.changed("catalogue", "offers", f"orders:{organisation.slug}", f"order:{order.pk}")
    enqueue.enqueue("marketplace.agents.coordination.tick")
