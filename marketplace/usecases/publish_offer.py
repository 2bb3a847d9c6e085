"""Put a drafted offer on sale."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from flex_engine.settle.registry import nomination_deadline
from flex_engine.timegrid import settlement_period
from marketplace import enqueue, events, notify
from marketplace.models import Offer, SaleRules, Site, User, role_of
from marketplace.rules.back_test import check_back_test, method_test
from marketplace.rules.dispatch import check_gate
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import product_on
from marketplace.rules.roles import Action, require
from marketplace.usecases.nominate_baseline import nominate_plan, nomination_of
from marketplace.usecases.prove_capacity import prove_capacity
from marketplace.usecases.publish_catalogue import publish_catalogue
from marketplace.usecases.stand_beside import check_still_covered, stand_beside
from marketplace.usecases.withdraw_bid import check_unbid


def publish_offer(
    *, offer: Offer, user: User | None, accept_back_test: bool = False, baseline_method: str = "", now: datetime
) -> Offer:
    """From now on the offer is in the catalogue and can be ordered. Publishing twice changes nothing.

    Refused when its certificate does not hold, its gate has closed, or an offer of the site overlaps it that it may not
    be stacked with (the same flexibility would be sold twice); and when the back-test of its baseline breaks a limit, unless whoever
    publishes accepts that, which the event then says. `baseline_method` is one that the product allows, empty for the draft's own:
    the back-test that counts is that of the chosen one. Raises MarketError.
    """
    with transaction.atomic():
        offer = Offer.objects.select_for_update(of=("self",)).select_related("site__organisation").get(pk=offer.pk)
        if user is not None:
            require(role_of(user, offer.site.organisation), Action.TRADE)
        if offer.state == Offer.State.PUBLISHED:
            return offer
        if offer.state != Offer.State.DRAFT:
            raise MarketError(
                "OFFER_NOT_DRAFT", f"This offer is {offer.get_state_display().lower()}.", fix="Draft a new one."
            )
        check_unbid(offer)
        check_gate(now=now, gate_closure_at=offer.gate_closure_at)
        # The scarce thing is the site's time: of two overlapping offers published at once, one must see the other.
        Site.objects.select_for_update(of=("self",)).get(pk=offer.site_id)
        check_sound(offer)
        stand_beside(offer=offer, now=now)
        offer.baseline_method = allowed_baseline(offer, baseline_method)
        check_back_test(offer.back_test, offer.baseline_method, accepted=accept_back_test)
        ensure_nominated(offer, now=now)
        offer.state, offer.published_at = Offer.State.PUBLISHED, now
        take_cancellation_terms(offer)
        offer.save()
        starts = list(offer.periods.values_list("start_at", flat=True))
        rows = prove_capacity(site=offer.site, direction=offer.direction, starts=starts, now=now)
        check_still_covered(offer, rows)
        events.append(
            type="offer.published",
            subject=f"offer:{offer.pk}",
            payload={
                "site": offer.site.slug,
                "direction": offer.direction,
                "start": offer.start_at.isoformat(),
                "end": offer.end_at.isoformat(),
                "power_w": int(offer.periods.order_by("start_at")[0].offered_kw * 1000),
                "price_upgbp_per_mwh": str(int(offer.utilisation_price_gbp_per_kwh * 10**9)),
                "penalty_upgbp_per_mwh": str(int(offer.shortfall_penalty_gbp_per_kwh * 10**9)),
                "product": offer.product,
                "availability_upgbp_per_mw_h": str(int(offer.availability_price_gbp_per_mw_h * 10**6)),
                "baseline_method": offer.baseline_method,
                "back_test": method_test(offer.back_test, offer.baseline_method),
            },
            organisations=[offer.site.organisation],
            now=now,
        )
        publish_catalogue(organisation=offer.site.organisation, now=now)
        notify.changed("offers", "catalogue", f"site:{offer.site.slug}")
        enqueue.enqueue("marketplace.agents.optimisation.recertify", site_id=offer.site_id)
    return offer


def ensure_nominated(offer: Offer, *, now: datetime) -> None:
    """Nominate the plan's load for an offer whose baseline needs it and has none; refuse where it is too late, or less was said.

    The plan is what the site declares beforehand. Raises MarketError.
    """
    starts = [row.start_at for row in offer.periods.order_by("start_at")]
    deadline = nomination_deadline(offer.baseline_method, settlement_period(starts[0])[0])
    if deadline is None:
        return
    said = nomination_of(offer.site, starts, method=offer.baseline_method, now=now)
    if said is None or set(starts) - set(said.periods):
        nominate_plan(site=offer.site, plan=offer.plan, start=offer.start_at, end=offer.end_at, now=now)
        return
    for start, kw in zip(starts, offer.certificate.get("reference_kw", ()), strict=False):
        down, counted = offer.direction == Offer.Direction.TURN_DOWN, Decimal(kw) * 500
        if (said.periods[start] < counted) if down else (said.periods[start] > counted):
            raise MarketError(
                "NOMINATION_TOO_LOW" if down else "NOMINATION_TOO_HIGH",
                f"{said.periods[start] / 500:g} kW is nominated for {start:%Y-%m-%dT%H:%M}Z, and the offer counts from {kw} kW.",
                fix=f"Nominate what the plan draws by {deadline:%Y-%m-%dT%H:%M}Z, or draft another window.",
            )


def allowed_baseline(offer: Offer, wanted: str) -> str:
    """The baseline the offer is sold by: `wanted`, or the draft's own. Raises BAD_BASELINE for one its product does not allow."""
    method = wanted or offer.baseline_method
    allowed = product_on(offer.product, offer.start_at).baseline_methods
    if method != offer.baseline_method and method not in allowed:
        raise MarketError(
            "BAD_BASELINE",
            f"{method[:40]!r} is no baseline of this product.",
            fix=f"Choose one of {', '.join(allowed)}.",
            details={"column": "baseline_method"},
        )
    return method


def take_cancellation_terms(offer: Offer) -> None:
    """Put the site's cancellation terms on the offer: from here on they are part of what is sold."""
    rules = SaleRules.objects.filter(site=offer.site_id).first()
    if rules is not None:
        offer.free_cancellation_s = rules.free_cancellation_s
        offer.cancellation_fee_percent = rules.cancellation_fee_percent


def check_sound(offer: Offer) -> None:
    """Raise MarketError unless the certificate holds, and still held when it was last proved anew."""
    if offer.standing and not offer.standing["holds"]:
        raise MarketError(
            "CERTIFICATE_FAILED",
            f"The plan in force no longer proves this offer: {offer.standing['why']}",
            fix="Draft the offer again.",
        )
    if not offer.certificate.get("holds"):
        raise MarketError(
            "CERTIFICATE_FAILED", "No schedule was proved to deliver this offer.", fix="Draft the offer again."
        )
