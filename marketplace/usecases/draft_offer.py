"""Draft an offer from a plan: the most that can be turned down or up in a window with every deadline kept, and its price."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from flex_engine.flexibility.offer import NoOfferError, OfferDraft, Wanted, draft
from flex_engine.flexibility.price import Pay
from flex_engine.flexibility.reference import Meter
from flex_engine.optimise.problem import Commitment
from flex_engine.optimise.solve import Plan as EnginePlan
from flex_engine.settle.performance import performance_table
from flex_engine.settle.products import Product
from flex_engine.timegrid import HALF_HOUR, ceil_half_hour, half_hours, settlement_period
from marketplace import events, notify
from marketplace.models import MeterReading, Offer, OfferPeriod, OfferRequest, Plan, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import (
    DEFAULT,
    availability_price,
    check_direction,
    check_size,
    check_window,
    product_on,
)
from marketplace.rules.roles import Action, require
from marketplace.usecases.back_test_site import back_test_site, event_days
from marketplace.usecases.list_promises import Promises, list_promises
from marketplace.usecases.plan_site import current_plan, problem_of

TIME_TO_PUBLISH = timedelta(minutes=15)  # that a draft's gate is open for at least
LOOKBACK = timedelta(days=62)  # the baseline rule's sixty days, and the day it is in


def draft_offer(
    *,
    site: Site,
    user: User | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    product: str = DEFAULT,
    direction: str = Offer.Direction.TURN_DOWN,
    asked_availability: Decimal | None = None,
    wish: OfferRequest | None = None,
    now: datetime,
) -> Offer:
    """Draft from the plan in force, for [start, end) or the best window it finds. Nothing is on sale until published.

    Gate, notice, baseline, events a day and least size are the product's; `asked_availability` is GBP per MW and hour,
    None for the product's reference. Solving and back-testing hold no lock; the offer, and the answer to the `wish` it was
    drafted for, are then written together. Raises MarketError when there is no plan, the product does not allow it, the
    window is past, or nothing can be moved.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.PLAN)
    plan = current_plan(site)
    if plan is None:
        raise MarketError("NO_PLAN", f"{site.name} has no plan yet.", fix="Upload a queue and wait for its plan.")
    sold_as = product_on(product, start or now)
    check_terms(sold_as, direction, start, end)
    price_ready = availability_price(sold_as, asked_availability)
    promises = list_promises(site=site, now=now)
    drawn = drawn_from(plan, sold_as, direction, beside=promises.all, start=start, end=end, now=now)
    sold_as = product_on(product, drawn.start)  # the rule of the day it is delivered on
    check_terms(sold_as, direction, drawn.start, drawn.end)
    check_size(sold_as, drawn.quantity_kw)
    tests = back_test_site(
        site=site,
        start=drawn.start,
        end=drawn.end,
        direction=direction,
        event_mwh=Decimal(drawn.quantity_kw) * int((drawn.end - drawn.start) / HALF_HOUR) / 2000,
        now=now,
    )
    with transaction.atomic():
        offer = store(site, plan, drawn, sold_as, price_ready, tests, now=now)
        offer.standing = proved_beside(plan, promises, now=now)
        offer.save(update_fields=["standing"])
        if wish is not None:
            wish.offer, wish.state, wish.answered_at = offer, OfferRequest.State.DONE, now
            wish.save(update_fields=["offer", "state", "answered_at"])
        events.append(
            type="offer.drafted",
            subject=f"offer:{offer.pk}",
            payload={
                "site": site.slug,
                "direction": direction,
                "power_w": int(drawn.quantity_kw * 1000),
                "plan": plan.pk,
                "product": sold_as.key,
            },
            organisations=[site.organisation],
            now=now,
        )
        notify.changed("offers", f"site:{site.slug}")
    return offer


def drawn_from(
    plan: Plan,
    sold_as: Product,
    direction: str,
    *,
    beside: tuple[Commitment, ...],
    start: datetime | None,
    end: datetime | None,
    now: datetime,
) -> OfferDraft:
    """The engine's draft under the product, `beside` what the site has promised already.

    Raises WINDOW_TOO_SOON, or NOTHING_TO_OFFER with the engine's reason.
    """
    first = earliest(now, sold_as)
    if start is not None and start < first:
        raise MarketError(
            "WINDOW_TOO_SOON",
            f"A window of {sold_as.name} must start at {first:%Y-%m-%dT%H:%M}Z or later.",
            fix="Choose a later window.",
        )
    try:
        return draft(
            problem_of(plan),
            engine_plan(plan),
            start=start,
            end=end,
            earliest=first,
            meter=meter_of(plan.site, sold_as.default_baseline, now=now),
            wanted=replace(wanted_by(sold_as, first, direction), beside=beside),
        )
    except NoOfferError as problem:
        raise MarketError(
            "NOTHING_TO_OFFER", str(problem), fix="Choose another window, or give jobs more slack."
        ) from problem


def check_terms(sold_as: Product, direction: str, start: datetime | None, end: datetime | None) -> None:
    """Raise MarketError for a direction or window that the product does not sell."""
    check_direction(sold_as, direction)
    if start is not None and end is not None:
        check_window(sold_as, start, end)


def earliest(now: datetime, sold_as: Product) -> datetime:
    """The first half hour an offer drafted at `now` may start in: its gate is then still open for a quarter of an hour."""
    return ceil_half_hour(now + timedelta(seconds=sold_as.gate_closure_s) + TIME_TO_PUBLISH)


def wanted_by(sold_as: Product, moment: datetime, direction: str) -> Wanted:
    """What the product, bought in `direction`, asks of the engine's draft."""
    day, _ = settlement_period(moment)
    table = performance_table(sold_as.performance_table, day=day)
    scaled = len(table.points) > 1  # a table of one point pays every share alike
    return Wanted(
        least_kw=sold_as.minimum_kw,
        within=sold_as.window.covers if sold_as.window else None,
        pay=Pay(table.scale if scaled else None, penalised=sold_as.penalty_rule == "DEFICIENCY_PRICE"),
        direction="REDUCE" if direction == Offer.Direction.TURN_DOWN else "INCREASE",
    )


def meter_of(site: Site, method: str, *, now: datetime) -> Meter:
    """What the meter is known to have read at `now`, and the days with dispatches, for the baseline to expect."""
    rows = MeterReading.objects.filter(site=site, start_at__gte=now - LOOKBACK, known_at__lte=now)
    return Meter(
        readings=dict(rows.order_by("known_at", "pk").values_list("start_at", "import_wh")),
        event_days=event_days(site),
        method=method,
    )


def engine_plan(plan: Plan) -> EnginePlan:
    """The engine's view of a stored plan."""
    return EnginePlan(
        status=plan.status,
        load_kw=tuple(plan.load_kw),
        allocations={job: tuple((slot, share) for slot, share in shares) for job, shares in plan.allocations.items()},
        cost_gbp=plan.cost_gbp,
        carbon_kg=plan.carbon_kg,
        gap=plan.gap,
        solver=plan.solver,
        solve_s=plan.solve_s,
        reasons=tuple(plan.reasons),
        unplanned=(),
    )


def proved_beside(plan: Plan, promises: Promises, *, now: datetime) -> dict[str, Any]:
    """The standing of an offer just drafted: it holds beside everything the site had promised."""
    return {
        "plan": plan.pk,
        "at": now.isoformat(),
        "holds": True,
        "why": "",
        "lowered": "",
        "broken": "",
        "beside": sorted(promises.offers),
        "changed_at": "",
    }


def store(
    site: Site,
    plan: Plan,
    drawn: OfferDraft,
    sold_as: Product,
    availability_gbp_per_mw_h: Decimal,
    tests: dict[str, Any],
    *,
    now: datetime,
) -> Offer:
    """The rows of a drafted offer, one period row per settlement period."""
    offer = Offer.objects.create(
        site=site,
        plan=plan,
        product=sold_as.key,
        direction=drawn.certificate.direction,
        start_at=drawn.start,
        end_at=drawn.end,
        gate_closure_at=drawn.start - timedelta(seconds=sold_as.gate_closure_s),
        notice_s=sold_as.notice_s,
        max_events_per_day=sold_as.max_events_per_day,
        baseline_method=sold_as.default_baseline,
        availability_price_gbp_per_mw_h=availability_gbp_per_mw_h,
        utilisation_price_gbp_per_kwh=drawn.utilisation_price_gbp_per_kwh,
        shortfall_penalty_gbp_per_kwh=drawn.shortfall_penalty_gbp_per_kwh,
        price_arithmetic=[{key: str(value) for key, value in line.items()} for line in drawn.arithmetic],
        certificate=drawn.certificate.to_dict(),
        back_test=tests,
        created_at=now,
    )
    OfferPeriod.objects.bulk_create(
        OfferPeriod(offer=offer, start_at=when, offered_kw=Decimal(drawn.quantity_kw))
        for when in half_hours(drawn.start, drawn.end)
    )
    return offer
