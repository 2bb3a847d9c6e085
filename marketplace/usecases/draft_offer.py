"""Draft an offer from a plan: the most that can be turned down in a window with every deadline kept, and its price."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from flex_engine.flexibility.offer import NoOfferError, OfferDraft, draft
from flex_engine.flexibility.reference import Meter
from flex_engine.optimise.solve import Plan as EnginePlan
from flex_engine.settle.registry import default_method
from flex_engine.timegrid import HALF_HOUR, ceil_half_hour, half_hours
from marketplace import events, notify
from marketplace.models import MeterReading, Offer, OfferPeriod, OfferRequest, Plan, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.back_test_site import back_test_site, event_days
from marketplace.usecases.plan_site import current_plan, problem_of

NOTICE = timedelta(minutes=15)
GATE = timedelta(minutes=30)  # before the window: one notice period and time to answer
LOOKBACK = timedelta(days=62)  # the baseline rule's sixty days, and the day it is in


def draft_offer(
    *,
    site: Site,
    user: User | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    wish: OfferRequest | None = None,
    now: datetime,
) -> Offer:
    """Draft from the plan in force, for [start, end) or the best window it finds. Nothing is on sale until published.

    The gate closes half an hour before the window. Solving and back-testing hold no lock; the offer, and the answer to the
    `wish` it was drafted for, are then written together. Raises MarketError when there is no plan, the
    window is past, or nothing can be turned down.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.PLAN)
    plan = current_plan(site)
    if plan is None:
        raise MarketError("NO_PLAN", f"{site.name} has no plan yet.", fix="Upload a queue and wait for its plan.")
    first = earliest(now)
    if start is not None and start < first:
        raise MarketError(
            "WINDOW_TOO_SOON", f"A window must start at {first:%Y-%m-%dT%H:%M}Z or later.", fix="Choose a later window."
        )
    try:
        drawn = draft(
            problem_of(plan),
            engine_plan(plan),
            start=start,
            end=end,
            earliest=first,
            meter=meter_of(site, method=default_method().id, now=now),
        )
    except NoOfferError as problem:
        raise MarketError(
            "NOTHING_TO_OFFER", str(problem), fix="Choose another window, or give jobs more slack."
        ) from problem
    tests = back_test_site(
        site=site,
        start=drawn.start,
        end=drawn.end,
        direction=Offer.Direction.TURN_DOWN,
        event_mwh=Decimal(drawn.quantity_kw) * int((drawn.end - drawn.start) / HALF_HOUR) / 2000,
        now=now,
    )
    with transaction.atomic():
        offer = store(site, plan, drawn, tests, now=now)
        if wish is not None:
            wish.offer, wish.state, wish.answered_at = offer, OfferRequest.State.DONE, now
            wish.save(update_fields=["offer", "state", "answered_at"])
        events.append(
            type="offer.drafted",
            subject=f"offer:{offer.pk}",
            payload={"site": site.slug, "power_w": int(drawn.quantity_kw * 1000), "plan": plan.pk},
            organisations=[site.organisation],
            now=now,
        )
        notify.changed("offers", f"site:{site.slug}")
    return offer


def earliest(now: datetime) -> datetime:
    """The first half hour an offer drafted at `now` may start in: its gate is then still open for a quarter of an hour."""
    return ceil_half_hour(now + GATE + timedelta(minutes=15))


def meter_of(site: Site, *, method: str, now: datetime) -> Meter:
    """What the meter is known to have read at `now`, and the days with dispatches, for the baseline `method` to expect."""
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


def store(site: Site, plan: Plan, drawn: OfferDraft, tests: dict[str, Any], *, now: datetime) -> Offer:
    """The rows of a drafted offer, one period row per settlement period."""
    offer = Offer.objects.create(
        site=site,
        plan=plan,
        start_at=drawn.start,
        end_at=drawn.end,
        gate_closure_at=drawn.start - GATE,
        notice_s=int(NOTICE.total_seconds()),
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
