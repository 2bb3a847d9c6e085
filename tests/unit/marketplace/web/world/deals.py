"""Offers, orders, dispatches and statements of the world under test, and the buyer's record of them."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from beckn.registry import register
from beckn.wire.context import Party
from flex_engine.timegrid import HALF_HOUR, settlement_period
from marketplace.models import (
    Activation,
    ActivationPeriod,
    Anchor,
    Dispute,
    DisputeEntry,
    MeterReading,
    Offer,
    OfferPeriod,
    Order,
    OrderPeriod,
    Organisation,
    Plan,
    Purchase,
    PurchaseDispute,
    SearchResult,
    SettlementRecord,
    SettlementStatement,
    Site,
    StatementLine,
)
from marketplace.usecases.keep_delivery import keep_delivery
from marketplace.wire.activation import delivery_attributes, settlement_entry
from marketplace.wire.catalogue import catalogues
from marketplace.wire.contract import order_contract, performance_entry
from marketplace.wire.purchase import exact, freeze
from tests.unit.marketplace.web.world.moment import NOW, START


def make_offers(site: Site, plan: Plan) -> dict[str, Offer]:
    def make(state: str, first: int, length: int, kw: str, *, sold: str = "0", holds: bool = True) -> Offer:
        start = START + first * HALF_HOUR
        offer = Offer.objects.create(
            site=site, plan=plan, state=state, start_at=start, end_at=start + length * HALF_HOUR, gate_closure_at=start - HALF_HOUR,
            utilisation_price_gbp_per_kwh=Decimal("0.2475"), shortfall_penalty_gbp_per_kwh=Decimal("0.1238"), created_at=NOW - timedelta(minutes=30),
            published_at=None if state == "DRAFT" else NOW - timedelta(minutes=20),
            price_arithmetic=[
                {"item": "Energy bought later instead", "value": "18.20", "unit": "GBP", "why": "the moved work costs this much more in the hours it moves to"},
                {"item": "Extra carbon at 85 GBP/t", "value": "1.35", "unit": "GBP", "why": "the hours it moves to are dirtier by 16 kg CO2e"},
                {"item": "Energy turned down", "value": "577.5", "unit": "kWh", "why": "385 kW over 3 half hours"},
                {"item": "Risk margin", "value": "0.2136", "unit": "GBP/kWh", "why": "covers the penalty of a missed half hour in ten"},
            ],
            certificate={
                "holds": holds, "quantity_kw": 428.0, "start": start.isoformat(), "end": (start + length * HALF_HOUR).isoformat(),
                "site_max_kw": [900.0] * length, "solver": "HiGHS 1.15", "solve_s": 0.06, "margin": 0.1,
                "reasons": ["Every job keeps its deadline when the site stays at or under 900 kW in each half hour of the window."],
            },
        )  # fmt: skip
        OfferPeriod.objects.bulk_create(
            OfferPeriod(offer=offer, start_at=start + i * HALF_HOUR, offered_kw=Decimal(kw), reserved_kw=Decimal(sold))
            for i in range(length)
        )
        return offer

    return {
        "draft": make("DRAFT", 8, 3, "385"),
        "published": make("PUBLISHED", 14, 4, "412.5", sold="150"),
        "unproved": make("DRAFT", 30, 2, "200", holds=False),
        "withdrawn": make("WITHDRAWN", 24, 2, "90"),
        "past": make("SOLD", -30, 4, "420", sold="420"),
    }


def make_orders(offers: dict[str, Offer]) -> dict[str, Order]:
    def make(offer: Offer, state: str, kw: str) -> Order:
        order = Order.objects.create(
            offer=offer, buyer_subscriber_id=settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"], transaction_id=uuid.uuid4(), state=state,
            utilisation_price_gbp_per_kwh=offer.utilisation_price_gbp_per_kwh, shortfall_penalty_gbp_per_kwh=offer.shortfall_penalty_gbp_per_kwh,
            quote_pence=7425, terms_digest=hashlib.sha256(state.encode()).hexdigest(), quote_expires_at=NOW + timedelta(minutes=20),
            created_at=NOW - timedelta(minutes=15), confirmed_at=None if state == "DRAFT" else NOW - timedelta(minutes=12),
        )  # fmt: skip
        OrderPeriod.objects.bulk_create(
            OrderPeriod(order=order, start_at=row.start_at, ordered_kw=Decimal(kw)) for row in offer.periods.all()
        )
        return order

    orders = {
        "quoted": make(offers["published"], "DRAFT", "100"),
        "confirmed": make(offers["published"], "CONFIRMED", "150"),
        "active": make(offers["published"], "ACTIVE", "150"),
        "settled": make(offers["past"], "SETTLED", "420"),
    }
    dispatch(orders["active"], "ACTIVATION_ACCEPTED", "d-17")
    dispatch(orders["settled"], "SETTLED", "d-11")
    return orders


def dispatch(order: Order, state: str, name: str) -> Activation:
    periods = list(order.periods.order_by("start_at"))
    start = periods[0].start_at
    activation = Activation.objects.create(
        order=order, instruction_id=name, state=state, start_at=start, end_at=periods[-1].start_at + HALF_HOUR,
        issued_at=start - timedelta(hours=1), ack_by=start - timedelta(minutes=55), responded_at=start - timedelta(minutes=59),
        created_at=start - timedelta(minutes=59),
    )  # fmt: skip
    ActivationPeriod.objects.bulk_create(
        ActivationPeriod(
            activation=activation, start_at=row.start_at, requested_kw=row.ordered_kw, declared_kw=Decimal("1310")
        )
        for row in periods
    )
    return activation


def deliver(order: Order) -> SettlementStatement:
    """Readings and a statement in which the third half hour falls 12.4 kWh short."""
    activation = order.activations.get()
    site = order.offer.site
    lines = []
    for index, row in enumerate(activation.periods.order_by("start_at")):
        short = 12_400 if index == 2 else 0
        lines.append((row.start_at, 210_000, 655_000, 445_000 + short, 210_000 - short, 210_000 - short, short))
        MeterReading.objects.get_or_create(
            site=site,
            start_at=row.start_at,
            import_wh=445_000 + short,
            source="half-hourly meter",
            label="MEASURED",
            known_at=NOW,
        )
    eligible, shortfall = sum(line[5] for line in lines), sum(line[6] for line in lines)
    payment, penalty = round(eligible / 1000 * 24.75), round(shortfall / 1000 * 12.38)
    statement = SettlementStatement.objects.create(
        order=activation.order, activation=activation, start_at=activation.start_at, end_at=activation.end_at,
        baseline_method="like-day-mean-v1", delivered_wh=eligible, eligible_wh=eligible, shortfall_wh=shortfall,
        baseline_facts={"days_used": ["2024-01-15", "2024-01-12", "2024-01-11"], "adjustment_wh": 1250, "adjust": True},
        payment_pence=payment, penalty_pence=penalty, amount_pence=payment - penalty,
        components=[
            {"type": "USAGE", "description": "eligible", "pence": payment, "residual_gbp": "0"},
            {"type": "PENALTY", "description": "short", "pence": -penalty, "residual_gbp": "0"},
        ], label="MEASURED", created_at=NOW - timedelta(hours=1),
        knowledge_time=NOW - timedelta(hours=1),
    )  # fmt: skip
    StatementLine.objects.bulk_create(
        StatementLine(
            statement=statement, start_at=start, settlement_date=settlement_period(start)[0], settlement_period=settlement_period(start)[1],
            instructed_wh=instructed, baseline_wh=baseline, metered_wh=metered, delivered_wh=delivered, eligible_wh=paid, shortfall_wh=missed,
        )
        for start, instructed, baseline, metered, delivered, paid, missed in lines
    )  # fmt: skip
    anchor = Anchor.objects.create(
        kind="RECORD", state="FINAL", tx_hash="0x" + "5e" * 32, block_number=41, block_hash="0x" + "b1" * 32, chain_id=31337,
        contract="0x" + "c0" * 20, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    SettlementRecord.objects.create(
        statement=statement, anchor=anchor, settlement_id="a1" * 32, commitment="c2" * 32, run="II", salt=b"s" * 32
    )
    return statement


def make_dispute(statement: SettlementStatement, by: Organisation, side: str, state: str) -> Dispute:
    """A dispute over the third half hour, or over the whole statement where the seller disputes it."""
    third = list(statement.lines.order_by("start_at"))[2]
    claimed, stated = (
        (third.eligible_wh - 5_000, third.eligible_wh) if side == "BUYER" else (7_000, statement.amount_pence)
    )
    made = Dispute.objects.create(
        statement=statement, opened_by=by, side=side, reason="METER_GAP", unit="WH" if side == "BUYER" else "PENCE",
        stated_value=stated, claimed_value=claimed, difference_pence=-186 if side == "BUYER" else claimed - stated, digest="d" * 64,
        state=state, answer_agrees=None if state == "OPEN" else False, opened_at=NOW - timedelta(minutes=30),
        response_due_at=NOW + timedelta(days=14), decision_due_at=None if state == "OPEN" else NOW + timedelta(days=14),
    )  # fmt: skip
    made.lines.set([third] if side == "BUYER" else [])
    entry: dict[str, Any] = {"dispute": made, "organisation": by, "side": side, "at": made.opened_at}
    DisputeEntry.objects.create(
        step="OPEN",
        words="The meter stood still.",
        evidence_reference="meter-log.csv",
        evidence_sha256="ab" * 32,
        **entry,
    )
    return made


def make_purchases(
    buyer: Organisation, orders: dict[str, Order], statement: SettlementStatement
) -> dict[str, Purchase]:
    seller = settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]

    def make(state: str, order: Order | None, contract: dict[str, Any] | None = None, **more: Any) -> Purchase:
        offer = order.offer if order else orders["quoted"].offer
        return Purchase.objects.create(
            organisation=buyer, transaction_id=order.transaction_id if order else uuid.uuid4(), seller_subscriber_id=seller, offer_id=str(offer.pk),
            resource_id="flex-leeds-1", direction="REDUCE", offer_name=f"{offer.site.name}, turn-down", state=state, contract_id=str(order.pk) if order else "",
            requested_kw=order.periods.all()[0].ordered_kw if order else Decimal(100), start_at=offer.start_at, end_at=offer.end_at,
            quote_pence=order.quote_pence if order else None, contract=freeze(contract or (order_contract(order, seller=seller) if order else {})),
            created_at=NOW - timedelta(minutes=16), updated_at=NOW - timedelta(minutes=2), **more,
        )  # fmt: skip

    settled = order_contract(orders["settled"], seller=seller, statement=statement)
    called = statement.activation
    assert called is not None
    settled["performance"] = [performance_entry(called, "SETTLED", delivery_attributes(statement))]
    trail = {"state": "ANCHORED", "chainId": 31337, "contract": "0x" + "c0" * 20, "txHash": "0x" + "5e" * 32}
    settled["settlements"] = [settlement_entry(statement, audit_trail=trail)]
    about = str(orders["settled"].pk)
    live = {
        "deliveredKw": Decimal("262.5"),
        "periodStart": "2024-01-16T12:30:00Z",
        "asOf": "2024-01-16T13:01:00Z",
        "label": "MEASURED",
        "source": "meter",
    }
    said = {
        "on_track": {"tracking": {"url": "https://seller.example/1", "status": "INACTIVE", "trackingAttributes": live}},
        "on_rate": {"ratings": [{"target": {"id": about}, "range": {"min": 1, "max": 5, "value": 4}}]},
        "on_support": {"support": {"orderId": about, "channels": [{"@type": "EmailChannel", "email": "help@seller.example", "ticket": "t-1"}]}},
    }  # fmt: skip
    answers = {
        action: {"message": message, "error": {}, "received_at": NOW.isoformat()} for action, message in said.items()
    }
    made = {
        "quoting": make("QUOTING", None),
        "quoted": make("QUOTED", orders["quoted"]),
        "confirmed": make("CONFIRMED", orders["confirmed"]),
        "active": make("ACTIVE", orders["active"]),
        "settled": make("SETTLED", orders["settled"], settled, answers=freeze(answers)),
        "initialised": make("INITIALISED", None, order_contract(orders["quoted"], seller=seller)),
        "refused": make("REFUSED", None, refusal={"code": "BIZ_QUANTITY_UNAVAILABLE", "message": "100 kW is asked where 62.5 kW is left. Order at most 62.5 kW."}),
    }  # fmt: skip
    keep_delivery(purchase=made["settled"], contract=settled, told_at=NOW - timedelta(minutes=30), now=NOW)
    return made


def make_searches(buyer: Organisation, offers: dict[str, Offer]) -> dict[str, SearchResult]:
    bpp = settings.BECKN_PARTICIPANTS["bpp"]
    on_sale = [offers["published"], offers["draft"]]
    found = catalogues(on_sale, seller=bpp["subscriber_id"], bpp_url=bpp["url"], now=NOW)
    broken = [{**found[0], "offers": [*found[0]["offers"], {"id": "strange"}]}]
    make = SearchResult.objects.create
    return {
        "answered": make(organisation=buyer, transaction_id=uuid.uuid4(), catalogs=freeze(broken), requested_at=NOW - timedelta(minutes=3), answered_at=NOW - timedelta(minutes=3)),
        "pending": make(organisation=buyer, transaction_id=uuid.uuid4(), requested_at=NOW - timedelta(seconds=3)),
        "late": make(organisation=buyer, transaction_id=uuid.uuid4(), requested_at=NOW - timedelta(minutes=4)),
        "empty": make(organisation=buyer, transaction_id=uuid.uuid4(), catalogs=[], requested_at=NOW - timedelta(hours=1), answered_at=NOW - timedelta(hours=1)),
    }  # fmt: skip


def bought_elsewhere(purchase: Purchase) -> PurchaseDispute:
    """A copy of a settled purchase whose seller is elsewhere, with a dispute that the seller has answered."""
    seller = "seller.example"
    found = PurchaseDispute.objects.filter(purchase__seller_subscriber_id=seller).first()
    if found is not None:
        return found
    party = Party(seller, "http://127.0.0.1:9/beckn/bpp")
    register(party, role="bpp", key_id="k1", public_key="A" * 43 + "=", now=timezone.now())
    copy = Purchase.objects.get(pk=purchase.pk)
    copy.pk, copy.transaction_id, copy.seller_subscriber_id = None, uuid.uuid4(), seller
    copy.save(force_insert=True)
    keep_delivery(purchase=copy, contract=exact(copy.contract), told_at=NOW - timedelta(minutes=20), now=NOW)
    settlement = copy.settlements.get().settlement_id
    said = {"answer": "The log shows no gap.", "decisionDueAt": "2024-01-30T00:00:00Z"}
    return PurchaseDispute.objects.create(
        purchase=copy, settlement_id=settlement, reason="METER_GAP", unit="WH", claimed_value=500_000, words="The meter stood still.",
        message_id=uuid.uuid4(), state="ANSWERED", dispute_id="case-7", said=said, told_at=NOW, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
