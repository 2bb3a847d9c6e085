"""Gather all that a statement's money follows from, as an evidence pack carries it: anybody works it out anew from there.

It says what was known at a moment, for a statement its knowledge time, and stores nothing. Readings are not in it: they lie beside it,
by site. Money is exact text, energy whole Wh.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flex_engine.settle.products import Product
from flex_engine.timegrid import settlement_period
from marketplace.models import Activation, SettlementStatement
from marketplace.rules.order_state import ActivationState, OrderState
from marketplace.rules.product_terms import product_on
from marketplace.usecases.measure_delivery import event_days, instructed_beside
from marketplace.usecases.nominate_baseline import nomination_of
from marketplace.usecases.price_delivery import decimal_of, record_of_month_before, system_prices


def gather_settlement_inputs(*, statement: SettlementStatement, now: datetime) -> dict[str, Any]:
    """One line of settlements.jsonl. Raises MarketError where a price that the statement rests on is gone.

    A statement of an order that no dispatch was under has no periods.
    """
    order, called = statement.order, statement.activation
    offer, product = order.offer, product_on(order.offer.product, statement.start_at)
    told: dict[str, Any] = {
        "statement": str(statement.pk),
        "site": offer.site.slug,
        "direction": offer.direction,
        "import_limit_wh": int(offer.site.import_limit_kw * 500),
        "periods": [],
    }
    if called is not None:
        told |= delivery_of(statement, called, now=now)
        if product.regulatory_basis == "P415_VTP":
            starts = called.periods.order_by("start_at").values_list("start_at", flat=True)
            prices = system_prices(starts, now=now)
            told["system_gbp_per_mwh"] = {start.isoformat(): f"{decimal_of(one):f}" for start, one in prices.items()}
    if order.state == OrderState.CANCELLED:
        told["cancellation_fee_pence"] = order.cancellation_charged_pence or 0
    elif product.pays_availability:
        told["availability"] = availability_of(statement, product, now=now)
    return told


def delivery_of(statement: SettlementStatement, activation: Activation, *, now: datetime) -> dict[str, Any]:
    """What was instructed, beside what else, and what its baseline rests on besides readings."""
    site = statement.order.offer.site
    periods = list(activation.periods.order_by("start_at"))
    starts = [row.start_at for row in periods]
    others = instructed_beside(activation, starts)
    finding = statement.baseline_facts.get("adjustment_finding") or {}
    told: dict[str, Any] = {
        "periods": [
            {
                "start": row.start_at.isoformat(),
                "instructed_wh": int(row.requested_kw * 500),
                "others_wh": others.get(row.start_at, 0),
            }
            for row in periods
        ],
        "event_days": sorted(day.isoformat() for day in event_days(site, besides=activation, known_at=now)),
        "uplift_alarm": bool(finding.get("alarm")),
    }
    nomination = nomination_of(site, starts, method=statement.baseline_method, now=now)
    if nomination is not None:
        told["nomination"] = {
            "received_at": nomination.received_at.isoformat(),
            "periods": {start.isoformat(): wh for start, wh in sorted(nomination.periods.items())},
        }
    return told


def availability_of(statement: SettlementStatement, product: Product, *, now: datetime) -> dict[str, Any]:
    """What was held ready, and the record of the month before that scales its fee."""
    order = statement.order
    day, _ = settlement_period(statement.start_at)
    delivered, instructed = record_of_month_before(order, product, day=day, now=now)
    dispatched = order.activations.exclude(state=ActivationState.REJECTED).order_by("start_at", "pk")
    first = dispatched.values_list("pk", flat=True).first()
    return {
        "first": first == statement.activation_id,
        "windows": [
            {"start": row.start_at.isoformat(), "power_kw": f"{row.ordered_kw:f}"}
            for row in order.periods.order_by("start_at")
        ],
        "delivered_wh": delivered,
        "instructed_wh": instructed,
    }
