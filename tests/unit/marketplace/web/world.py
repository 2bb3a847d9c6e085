"""A small market in every state the pages must show, written as rows: two operators, a grid operator and an auditor.

Figures are made up but consistent: the plan keeps its limit, prices and carbon have a winter day's shape, statements add
up. Nothing here goes through a use case, so a page can be tested before, and apart from, the verb it calls.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import rfc8785
from django.conf import settings

from flex_engine.timegrid import HALF_HOUR, settlement_period
from marketplace.models import (
    Activation,
    ActivationPeriod,
    AgentDecision,
    Anchor,
    Event,
    Forecast,
    Job,
    LedgerEntry,
    Membership,
    MeterReading,
    Offer,
    OfferPeriod,
    OfferRequest,
    Order,
    OrderPeriod,
    Organisation,
    Plan,
    Purchase,
    SearchResult,
    SettlementRecord,
    SettlementStatement,
    SignalPoint,
    Site,
    StatementLine,
    Upload,
    User,
)
from marketplace.wire.activation import delivery_attributes, settlement_entry
from marketplace.wire.catalogue import catalogues
from marketplace.wire.contract import order_contract, performance_entry
from marketplace.wire.purchase import freeze

NOW = datetime(2024, 1, 16, 13, 10, tzinfo=UTC)
START = NOW.replace(minute=0)
SLOTS = 96
PASSWORD = "a long password for tests"
LIMIT_KW, MUST_RUN_KW = 2000.0, 350.0


@dataclass
class World:
    """Handles to what a test wants to open."""

    operator: User
    viewer: User
    other: User
    grid: User
    auditor: User
    site: Site
    plan: Plan
    uploads: dict[str, Upload]
    offers: dict[str, Offer]
    orders: dict[str, Order]
    purchases: dict[str, Purchase]
    searches: dict[str, SearchResult]
    foreign: dict[str, Any]


def build(*, jobs: int = 40) -> World:
    """Write the market."""
    aire = organisation("Aire Valley Compute", "OPERATOR")
    mersey = organisation("Mersey Data Halls", "OPERATOR")
    networks = organisation("Northern Networks", "GRID")
    house = organisation("Fieldhouse Audit", "AUDITOR")
    operator = person("operator@aire.example", aire, "ADMIN")
    viewer = person("viewer@aire.example", aire, "VIEWER")
    other = person("operator@mersey.example", mersey, "ADMIN")
    grid = person("control@networks.example", networks, "TRADER")
    auditor = person("auditor@fieldhouse.example", house, "AUDITOR")
    signals()
    site = make_site(aire, "Leeds 1", "leeds-1")
    make_jobs(site, jobs)
    plan = make_plan(site)
    uploads = make_uploads(site, operator)
    offers = make_offers(site, plan)
    orders = make_orders(offers)
    statement = deliver(orders["settled"])
    purchases = make_purchases(networks, orders, statement)
    searches = make_searches(networks, offers)
    wishes(site, offers)
    say(site)
    log(aire, orders, offers, site, statement)
    foreign_site = make_site(mersey, "Wirral 2", "wirral-2")
    make_jobs(foreign_site, 3)
    foreign_plan = make_plan(foreign_site)
    foreign_offers = make_offers(foreign_site, foreign_plan)
    foreign_orders = make_orders(foreign_offers)
    foreign = {
        "site": foreign_site,
        "upload": make_uploads(foreign_site, other)["review"],
        "offer": foreign_offers["draft"],
        "order": foreign_orders["confirmed"],
    }
    return World(
        operator, viewer, other, grid, auditor, site, plan, uploads, offers, orders, purchases, searches, foreign
    )


def organisation(name: str, kind: str) -> Organisation:
    slug = name.lower().replace(" ", "-")
    return Organisation.objects.create(
        name=name, slug=slug, kind=kind, is_demo=True, created_at=NOW - timedelta(days=90)
    )


def person(email: str, member_of: Organisation, role: str) -> User:
    user = User(email=email)
    # The cheap hasher of the tests' own settings is not set here, so one hash is made and shared.
    user.password = hashed()
    user.save()
    Membership.objects.create(user=user, organisation=member_of, role=role)
    return user


_HASH: list[str] = []


def hashed() -> str:
    if not _HASH:
        maker = User()
        maker.set_password(PASSWORD)
        _HASH.append(maker.password)
    return _HASH[0]


def price_at(start: datetime) -> float:
    """A winter day: cheap at night, dear around half past five."""
    hour = start.hour + start.minute / 60
    return round(62 + 18 * math.sin((hour - 9) / 24 * 2 * math.pi) + 74 * math.exp(-(((hour - 17.5) / 1.9) ** 2)), 2)


def carbon_at(start: datetime) -> float:
    """Cleanest in a windy night, dirtiest in the evening."""
    hour = start.hour + start.minute / 60
    return round(150 - 55 * math.cos((hour - 2.5) / 24 * 2 * math.pi) + 45 * math.exp(-(((hour - 18) / 2.2) ** 2)), 1)


SERIES = {
    "price": (price_at, "GBP/MWh", "Elexon system prices"),
    "carbon_intensity": (carbon_at, "gCO2e/kWh", "NESO Carbon Intensity API"),
}


def signals() -> None:
    known, half_hours = START - timedelta(days=3), 3 * 48 + 1
    rows = []
    for name, (value, unit, source) in SERIES.items():
        for index in range(half_hours):
            start = known + index * HALF_HOUR
            rows.append(
                SignalPoint(
                    series=name, start_at=start, value=value(start), unit=unit, source=source, label="MEASURED",
                    known_at=min(start + timedelta(minutes=45), NOW - timedelta(minutes=2)),
                )
            )  # fmt: skip
        middle = [value(START + index * HALF_HOUR) for index in range(SLOTS * 2)]
        width = [0.06 + 0.2 * min(1, index / 60) for index in range(SLOTS * 2)]
        Forecast.objects.create(
            series=name, issued_at=START + timedelta(minutes=4), start_at=START, model="ridge", model_version="1", unit=unit,
            p10=[round(v * (1 - w), 2) for v, w in zip(middle, width, strict=True)], p50=middle,
            p90=[round(v * (1 + w), 2) for v, w in zip(middle, width, strict=True)], inputs_digest="0" * 64, sources=[source],
        )  # fmt: skip
    SignalPoint.objects.bulk_create(rows)


def make_site(owner: Organisation, name: str, slug: str) -> Site:
    return Site.objects.create(
        organisation=owner, name=name, slug=slug, import_limit_kw=LIMIT_KW, must_run_kw=MUST_RUN_KW, pue=Decimal("1.25"),
        kw_per_cpu=Decimal("0.012"), kw_per_gpu=Decimal("0.7"), carbon_price_gbp_per_tonne=85, gsp_group="_M", gsp_zone="SKLG_1",
        licence_area="YEDL", msid="1900000000001", latitude=Decimal("53.79"), longitude=Decimal("-1.54"),
        created_at=NOW - timedelta(days=60),
    )  # fmt: skip


def make_jobs(site: Site, count: int) -> None:
    rows = []
    for index in range(count):
        arrival = START + timedelta(minutes=20 * index - 120)
        duration = timedelta(minutes=30 * (1 + index * 7 % 9))
        rows.append(
            Job(
                site=site, external_id=f"{'train' if index % 3 else 'batch'}-{index:03d}", arrival_at=max(arrival, START),
                deadline_at=max(arrival, START) + duration + timedelta(hours=8 + index * 5 % 22),
                duration_s=int(duration.total_seconds()), power_kw=Decimal(60 + index * 37 % 190), preemptible=index % 4 != 1,
                tier=("BATCH", "TRAINING", "INFERENCE")[index % 3], gpus=index % 3 * 16, power_label="ESTIMATED" if index % 3 else "MEASURED",
                deadline_label="ASSUMED" if index % 5 == 0 else "MEASURED",
            )
        )  # fmt: skip
    Job.objects.bulk_create(rows)


def lay_out(jobs: list[Job], *, by_price: bool) -> tuple[list[float], dict[str, list[list[float]]]]:
    """Fill half hours job by job, cheapest or earliest first, under the import limit: enough for a picture."""
    load, runs = [MUST_RUN_KW] * SLOTS, {}
    for job in jobs:
        first = math.ceil((job.arrival_at - START) / HALF_HOUR)
        last = min(SLOTS, int((job.deadline_at - START) / HALF_HOUR))
        need, power = job.duration_s // 1800, float(job.power_kw)
        slots = [slot for slot in range(first, last) if load[slot] + power <= LIMIT_KW]
        if by_price:
            slots.sort(key=lambda slot: price_at(START + slot * HALF_HOUR))
        chosen = sorted(slots[:need])
        for slot in chosen:
            load[slot] += power
        runs[job.external_id] = [[slot, 1.0] for slot in chosen]
    return load, runs


def make_plan(site: Site) -> Plan:
    jobs = list(Job.objects.filter(site=site).order_by("pk"))
    load, runs = lay_out(jobs, by_price=True)
    plain, plain_runs = lay_out(jobs, by_price=False)
    prices = [price_at(START + slot * HALF_HOUR) for slot in range(SLOTS)]
    carbon = [carbon_at(START + slot * HALF_HOUR) for slot in range(SLOTS)]
    cost = [sum(kw / 2000 * p for kw, p in zip(kws, prices, strict=True)) for kws in (load, plain)]
    mass = [sum(kw / 2000 * c for kw, c in zip(kws, carbon, strict=True)) for kws in (load, plain)]
    return Plan.objects.create(
        site=site, state="READY", created_at=START + timedelta(minutes=5), start_at=START, slots=SLOTS, load_kw=load, fifo_load_kw=plain,
        price_gbp_per_mwh=prices, carbon_g_per_kwh=carbon, down_kw=[max(0.0, kw - MUST_RUN_KW) * 0.8 for kw in load],
        up_kw=[(LIMIT_KW - kw) * 0.6 for kw in load], allocations=runs, fifo_allocations=plain_runs,
        commitments=[
            {"order": "7c1d5f1e-0000-4000-8000-000000000000", "start": (START + slot * HALF_HOUR).isoformat(), "site_max_kw": 700.0}
            for slot in (9, 10, 11)
        ],
        cost_gbp=cost[0], fifo_cost_gbp=cost[1], carbon_kg=mass[0], fifo_carbon_kg=mass[1], solver="HiGHS 1.15", status="OPTIMAL", gap=0.0004,
        solve_s=0.41, signal_sources=["price: ridge 1 issued 2024-01-16T13:04Z", "carbon_intensity: ridge 1 issued 2024-01-16T13:04Z"],
        assumptions=[{"name": "work done before this plan", "value": "12 jobs", "label": "ASSUMED", "why": "taken from the plans in force, not from the cluster"}],
    )  # fmt: skip


def make_uploads(site: Site, user: User) -> dict[str, Upload]:
    def job(index: int) -> dict[str, Any]:
        return {
            "id": f"new-{index}", "arrival": (START + timedelta(hours=1)).isoformat(), "deadline": (START + timedelta(hours=9 + index)).isoformat(),
            "duration_s": 5400, "power_kw": 120.5, "preemptible": True, "tier": "BATCH", "cpus": 64, "gpus": 0, "power_label": "ESTIMATED",
            "deadline_label": "ASSUMED",
        }  # fmt: skip

    errors = [
        {"row": 3, "column": "arrival", "value": "2024-01-16 15:00", "problem": "the time has no zone", "fix": "Write 2024-01-16T15:00Z or 2024-01-16T15:00+00:00."},
        {"row": 7, "column": "power_kw", "value": "-4", "problem": "power is below zero", "fix": "Write the power the job draws, above 0."},
        {"row": 7, "column": "deadline", "value": "2024-01-16T14:00Z", "problem": "the deadline comes before arrival and duration", "fix": "Give it at least until 2024-01-16T16:30Z."},
    ]  # fmt: skip
    common = {"site": site, "uploaded_by": user, "content": b"id,arrival\n", "sha256": hashlib.sha256(b"x").hexdigest()}
    make = Upload.objects.create
    slack = [{"name": "slack", "value": "6 h", "label": "ASSUMED", "why": "9 jobs have no deadline; you gave 6 hours"}]
    return {
        "review": make(filename="night-queue.csv", state="NEEDS_REVIEW", rows_total=12, jobs=[job(i) for i in range(9)], row_errors=errors, assumptions=slack, created_at=NOW - timedelta(minutes=6), read_at=NOW, **common),
        "clean": make(filename="clean.csv", state="NEEDS_REVIEW", rows_total=2, jobs=[job(20), job(21)], created_at=NOW - timedelta(minutes=5), read_at=NOW, **common),
        "received": make(filename="big.parquet", state="RECEIVED", created_at=NOW - timedelta(seconds=4), **common),
        "failed": make(filename="notes.docx", state="FAILED", error="notes.docx is a ZIP archive, not CSV, JSON Lines or Parquet.", created_at=NOW - timedelta(hours=2), **common),
        "imported": make(filename="week-2.csv", state="IMPORTED", rows_total=40, jobs=[job(1)], created_at=NOW - timedelta(days=1), read_at=NOW - timedelta(days=1), reviewed_at=NOW - timedelta(days=1), **common),
    }  # fmt: skip


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
        MeterReading.objects.create(
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
        activation=activation, baseline_method="like-day-mean-v1", delivered_wh=eligible, eligible_wh=eligible, shortfall_wh=shortfall,
        baseline_facts={"days_used": ["2024-01-15", "2024-01-12", "2024-01-11"], "adjustment_wh": 1250, "adjust": True},
        payment_pence=payment, penalty_pence=penalty, amount_pence=payment - penalty, label="MEASURED", created_at=NOW - timedelta(hours=1),
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


def make_purchases(
    buyer: Organisation, orders: dict[str, Order], statement: SettlementStatement
) -> dict[str, Purchase]:
    seller = settings.BECKN_PARTICIPANTS["bpp"]["subscriber_id"]

    def make(state: str, order: Order | None, contract: dict[str, Any] | None = None, **more: Any) -> Purchase:
        offer = order.offer if order else orders["quoted"].offer
        return Purchase.objects.create(
            organisation=buyer, transaction_id=order.transaction_id if order else uuid.uuid4(), seller_subscriber_id=seller, offer_id=str(offer.pk),
            resource_id="flex-leeds-1", offer_name=f"{offer.site.name}, turn-down", state=state, contract_id=str(order.pk) if order else "",
            requested_kw=order.periods.all()[0].ordered_kw if order else Decimal(100), start_at=offer.start_at, end_at=offer.end_at,
            quote_pence=order.quote_pence if order else None, contract=freeze(contract or (order_contract(order, seller=seller) if order else {})),
            created_at=NOW - timedelta(minutes=16), updated_at=NOW - timedelta(minutes=2), **more,
        )  # fmt: skip

    settled = order_contract(orders["settled"], seller=seller, statement=statement)
    settled["performance"] = [performance_entry(statement.activation, "SETTLED", delivery_attributes(statement))]
    trail = {"state": "ANCHORED", "chainId": 31337, "contract": "0x" + "c0" * 20, "txHash": "0x" + "5e" * 32}
    settled["settlements"] = [settlement_entry(statement, audit_trail=trail)]
    return {
        "quoting": make("QUOTING", None),
        "quoted": make("QUOTED", orders["quoted"]),
        "confirmed": make("CONFIRMED", orders["confirmed"]),
        "active": make("ACTIVE", orders["active"]),
        "settled": make("SETTLED", orders["settled"], settled),
        "initialised": make("INITIALISED", None, order_contract(orders["quoted"], seller=seller)),
        "refused": make("REFUSED", None, refusal={"code": "BIZ_QUANTITY_UNAVAILABLE", "message": "100 kW is asked where 62.5 kW is left. Order at most 62.5 kW."}),
    }  # fmt: skip


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


def wishes(site: Site, offers: dict[str, Offer]) -> None:
    make = OfferRequest.objects.create
    make(
        site=site,
        state="DONE",
        offer=offers["draft"],
        created_at=NOW - timedelta(minutes=31),
        answered_at=NOW - timedelta(minutes=30),
    )
    make(site=site, state="PENDING", start_at=START + 20 * HALF_HOUR, end_at=START + 22 * HALF_HOUR, created_at=NOW)
    make(site=site, state="REFUSED", start_at=START + 40 * HALF_HOUR, end_at=START + 44 * HALF_HOUR, problem="Nothing can be turned down from 09:00 to 11:00 with every deadline kept. Choose another window, or give jobs more slack.", created_at=NOW - timedelta(hours=3))  # fmt: skip


def say(site: Site) -> None:
    make = AgentDecision.objects.create
    make(
        agent="optimisation",
        site=site,
        at=START + timedelta(minutes=5),
        saw="40 jobs, 3 committed half hours, limit 2000 kW",
        decided="a plan of 96 half hours (optimal, 0.41 s)",
        why="forecast saving against first come, first served: £58.20 and 96.4 kg CO2e",
    )
    make(
        agent="compute",
        site=site,
        at=NOW - timedelta(minutes=6),
        saw="night-queue.csv with 12 rows",
        decided="kept it for review",
        why="9 jobs are valid, 3 problems were found",
    )
    make(agent="grid", at=NOW - timedelta(minutes=2), saw="1 new half hour of price from Elexon", decided="stored it", why="plans and forecasts rest on it")  # fmt: skip


def log(
    owner: Organisation, orders: dict[str, Order], offers: dict[str, Offer], site: Site, statement: SettlementStatement
) -> None:
    """Nine events, eight of them numbered; heads over the first four, seven and eight in three states."""
    active = orders["active"].activations.get()
    told: list[tuple[str, str, dict[str, Any]]] = [
        ("queue.accepted", "upload:1", {"site": site.slug, "file_sha256": "0" * 64, "jobs": 40, "rows_refused": 2}),
        ("plan.ready", "plan:1", {"site": site.slug, "jobs": 40, "status": "OPTIMAL", "commitments": 0}),
        ("offer.drafted", f"offer:{offers['published'].pk}", {"site": site.slug, "power_w": 412500, "plan": 1}),
        ("offer.published", f"offer:{offers['published'].pk}", {"site": site.slug, "start": "2024-01-16T20:00:00+00:00", "end": "2024-01-16T22:00:00+00:00", "power_w": 412500, "price_upgbp_per_mwh": "247500000", "penalty_upgbp_per_mwh": "123800000", "baseline_method": "like-day-mean-v1"}),
        ("order.confirmed", f"order:{orders['confirmed'].pk}", {"offer": str(offers["published"].pk), "buyer": "grid.caco.local", "terms_sha256": "1" * 64, "quote_pence": "7425", "periods": [{"start": "2024-01-16T20:00:00+00:00", "power_w": 150000}] * 4}),
        ("activation.accepted", f"activation:{active.pk}", {"order": str(orders["active"].pk), "instruction": "d-17", "mechanism": "P415", "issued_at": "2024-01-16T13:00:00+00:00", "periods": [{"start": "2024-01-16T20:00:00+00:00", "power_w": 150000, "declared_w": 1310000}] * 4}),
        ("meter.recorded", f"site:{site.slug}", {"site": site.slug, "readings": 48, "first": "2024-01-15T00:00:00+00:00", "last": "2024-01-15T23:30:00+00:00", "sha256": "2" * 64, "label": "MEASURED"}),
        ("settlement.statement", f"order:{orders['settled'].pk}", {"activation": "d-11", "delivered_wh": str(statement.delivered_wh), "eligible_wh": str(statement.eligible_wh), "shortfall_wh": str(statement.shortfall_wh), "run": "II", "amount_pence": str(statement.amount_pence)}),
        ("order.settled", f"order:{orders['settled'].pk}", {"statement": str(statement.pk), "run": "II", "proof": "ANCHORED"}),
    ]  # fmt: skip
    before = "0" * 64
    for seq, (kind, subject, payload) in enumerate(told):
        at, body, salt = NOW - timedelta(minutes=60 - seq * 5), rfc8785.dumps(payload), bytes([seq]) * 32
        commit = hashlib.sha256(b"caco/v1/" + kind.encode() + b"\0" + salt + body).hexdigest()
        event = Event.objects.create(type=kind, at=at, subject=subject, payload=body, salt=salt, payload_commit=commit)
        event.organisations.add(owner)
        if seq == len(told) - 1:
            continue
        leaf = rfc8785.dumps({"seq": seq, "type": kind, "at": at.isoformat(), "payload_commit": commit, "prev": before})
        leaf_hash = hashlib.sha256(b"\0" + leaf).hexdigest()
        LedgerEntry.objects.create(
            seq=seq, event=event, leaf=leaf, leaf_hash=leaf_hash, prev_hash=before, created_at=at
        )
        before = leaf_hash
    for number, (size, state) in enumerate([(4, "FINAL"), (7, "MINED"), (8, "PENDING")], start=1):
        sent = state != "PENDING"
        Anchor.objects.create(
            kind="HEAD", seq=number, size=size, root=hashlib.sha256(bytes([size])).hexdigest(), state=state,
            tx_hash="0x" + hashlib.sha256(bytes([number])).hexdigest() if sent else "", block_number=40 + number if sent else None,
            block_hash="0x" + "ab" * 32 if sent else "", chain_id=31337, contract="0x" + "c0" * 20, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
