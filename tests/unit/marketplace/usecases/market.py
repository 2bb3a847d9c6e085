"""A small market to run use cases in, written as rows: one site with a plan, and an offer of two half hours on sale.

Tuesday 16 January 2024, ten past one in the afternoon. The offer is 400 kW from 17:00 to 18:00 at 25 p/kWh, with a
penalty of 10 p/kWh; its gate closes at 16:30. The plan draws 1,000 kW in every half hour.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from marketplace.models import (
    Activation,
    Membership,
    MeterReading,
    Offer,
    OfferPeriod,
    Order,
    Organisation,
    Plan,
    Site,
    User,
)
from marketplace.rules.order_state import ORDER_STEPS, OrderState
from marketplace.usecases.activate_order import activate_order
from marketplace.usecases.confirm_order import confirm_order
from marketplace.usecases.initialise_order import initialise_order
from marketplace.usecases.quote_order import quote_order
from marketplace.wire.activation import Instruction

NOW = datetime(2024, 1, 16, 13, 10, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
PLANNED = NOW.replace(minute=0)
FIRST = datetime(2024, 1, 16, 17, 0, tzinfo=UTC)
SECOND = FIRST + HALF_HOUR
END = SECOND + HALF_HOUR
GATE = FIRST - HALF_HOUR
BUYER, RIVAL = "grid.example", "rival.example"


def organisation(name: str = "Aire Valley Compute", kind: str = "OPERATOR") -> Organisation:
    slug = name.lower().replace(" ", "-")
    return Organisation.objects.create(name=name, slug=slug, kind=kind, created_at=NOW)


def person(owner: Organisation, role: str) -> User:
    """A member of `owner`; a made-up address per role."""
    user = User.objects.create(email=f"{role.lower()}@{owner.slug}.example")
    Membership.objects.create(user=user, organisation=owner, role=role)
    return user


def site(owner: Organisation | None = None, slug: str = "leeds-1", **changes: Any) -> Site:
    facts: dict[str, Any] = {
        "name": "Leeds 1",
        "import_limit_kw": Decimal(2000),
        "must_run_kw": Decimal(300),
        "pue": Decimal("1.25"),
        "kw_per_cpu": Decimal("0.0150"),
        "kw_per_gpu": Decimal("0.4000"),
        "carbon_price_gbp_per_tonne": Decimal(60),
        "msid": "1900000000001",
        "latitude": Decimal("53.79"),
        "longitude": Decimal("-1.54"),
        "created_at": NOW - timedelta(days=60),
    }
    return Site.objects.create(organisation=owner or organisation(), slug=slug, **facts | changes)


def plan(of: Site, *, load_kw: float = 1000.0, start: datetime = PLANNED, slots: int = 96) -> Plan:
    return Plan.objects.create(
        site=of, state="READY", created_at=start, start_at=start, slots=slots, load_kw=[load_kw] * slots,
        fifo_load_kw=[load_kw] * slots, price_gbp_per_mwh=[80.0] * slots, carbon_g_per_kwh=[150.0] * slots,
        status="OPTIMAL",
    )  # fmt: skip


def offer(of: Site, *, kw: str = "400", start: datetime = FIRST, periods: int = 2, **changes: Any) -> Offer:
    """An offer of `kw` in `periods` half hours from `start`, on sale unless `state` says otherwise."""
    facts: dict[str, Any] = {
        "plan": of.plans.order_by("-pk").first() or plan(of),
        "state": Offer.State.PUBLISHED,
        "start_at": start,
        "end_at": start + periods * HALF_HOUR,
        "gate_closure_at": start - HALF_HOUR,
        "utilisation_price_gbp_per_kwh": Decimal("0.2500"),
        "shortfall_penalty_gbp_per_kwh": Decimal("0.1000"),
        "certificate": {"holds": True, "quantity_kw": float(kw), "solver": "HiGHS"},
        "back_test": back_tested(),
        "created_at": NOW,
        "published_at": NOW,
    }
    made = Offer.objects.create(site=of, **facts | changes)
    OfferPeriod.objects.bulk_create(
        OfferPeriod(offer=made, start_at=start + i * HALF_HOUR, offered_kw=Decimal(kw)) for i in range(periods)
    )
    return made


def back_tested(*faults: str) -> dict[str, Any]:
    """A stored back-test of the default baseline with `faults` against it."""
    figures = {
        "days": 60,
        "untested": 0,
        "bias": "0.004",
        "rrmse": "0.12",
        "phantom_mwh": "0.05",
        "clean_days_left": 20,
    }
    method = {"id": "like-day-mean-v1", "name": "Like-day mean", "standing": "DEFAULT", "faults": list(faults)}
    return {
        "known_at": NOW.isoformat(),
        "label": "MEASURED",
        "first_period": 33,
        "periods": 2,
        "methods": [method | figures],
    }


def quoted(of: Offer, *, kw: str = "400", buyer: str = BUYER, now: datetime = NOW) -> Order:
    """A quote for `kw` in every half hour of the offer."""
    return quote_order(
        offer_id=str(of.pk),
        buyer_subscriber_id=buyer,
        transaction_id=uuid.uuid4(),
        kw=Decimal(kw),
        periods=None,
        now=now,
    )


def initialised(of: Offer, *, kw: str = "400", buyer: str = BUYER, now: datetime = NOW) -> Order:
    order = quoted(of, kw=kw, buyer=buyer, now=now)
    return initialise_order(transaction_id=order.transaction_id, buyer_subscriber_id=buyer, now=now)


def confirmed(of: Offer, *, kw: str = "400", buyer: str = BUYER, now: datetime = NOW) -> Order:
    return confirm(initialised(of, kw=kw, buyer=buyer, now=now), now=now)


def confirm(order: Order, *, now: datetime = NOW) -> Order:
    """The buyer's confirmation at the quoted price."""
    return confirm_order(
        transaction_id=order.transaction_id,
        buyer_subscriber_id=order.buyer_subscriber_id,
        agreed_pence=order.quote_pence,
        now=now,
    )


def moved(order: Order, state: str) -> Order:
    """The row put into `state` by the shortest way that the life cycle has, without what its use cases would do beside it."""
    ways = [[OrderState(order.state)]]
    for way in ways:
        if way[-1] == state:
            break
        ways += [[*way, after] for before, after in sorted(ORDER_STEPS) if before == way[-1] and after not in way]
    for step in way:
        Order.objects.filter(pk=order.pk).update(state=step)
    assert way[-1] == state
    return Order.objects.get(pk=order.pk)


def instruction(kw: str = "400", *starts: datetime, identity: str = "dispatch-1", at: datetime = NOW) -> Instruction:
    """A P415 dispatch of `kw` in each of `starts`, both half hours of the offer unless they are named."""
    requested = dict.fromkeys(starts or (FIRST, SECOND), Decimal(kw))
    return Instruction(identity, "P415", requested, issued_at=at, ack_by=at + timedelta(minutes=5))


def dispatched(order: Order, given: Instruction | None = None, *, now: datetime = NOW) -> Activation:
    return activate_order(
        transaction_id=order.transaction_id,
        buyer_subscriber_id=order.buyer_subscriber_id,
        instruction=given or instruction(str(order.periods.first().ordered_kw)),  # type: ignore[union-attr]
        now=now,
    )


def metered(of: Site, wh_by_start: dict[datetime, int], *, label: str = "MEASURED", known_at: datetime = END) -> None:
    """Readings as rows, known from `known_at`."""
    MeterReading.objects.bulk_create(
        MeterReading(site=of, start_at=start, import_wh=wh, source="meter", label=label, known_at=known_at)
        for start, wh in wh_by_start.items()
    )
