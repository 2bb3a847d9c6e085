"""The optimisation agent: plans a site when its queue, its commitments or the hour have changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from celery import shared_task

from marketplace import clock
from marketplace.agents.decide import decide
from marketplace.models import AgentDecision, Bid, Offer, OfferRequest, Plan, Site, Tender
from marketplace.rules.errors import MarketError
from marketplace.usecases.answer_offer_request import answer_offer_request
from marketplace.usecases.certify_offers import changed_offers
from marketplace.usecases.clear_tender import clear_tender
from marketplace.usecases.lease import holding
from marketplace.usecases.plan_site import plan_site
from marketplace.usecases.recertify_site import is_stale, recertify_site

log = logging.getLogger(__name__)


@shared_task(name="marketplace.agents.optimisation.plan")
def plan(*, site_id: int, force: bool = False, **_: Any) -> None:
    """Plan one site if it asked for a plan. One plan a site at a time."""
    with holding(f"plan:{site_id}", seconds=120) as held:
        site = Site.objects.get(pk=site_id)
        if not held or (site.replan_requested_at is None and not force):
            return
        now = clock.now()
        try:
            made = plan_site(site=site, now=now)
        except MarketError as problem:
            blocked(site, str(problem))
            return
        decide(agent="optimisation", site=site, now=now, subject=f"plan:{made.pk}", **words(made))
        tell(site, changed_offers(site, now=now), saw=f"plan {made.pk}", now=now)


@shared_task(name="marketplace.agents.optimisation.recertify")
def recertify(*, site_id: int, **_: Any) -> None:
    """Prove one site's offers anew. Beside a plan of it being made there is nothing to do: the plan proves them itself."""
    with holding(f"plan:{site_id}", seconds=120) as held:
        if held:
            site, now = Site.objects.get(pk=site_id), clock.now()
            tell(site, recertify_site(site=site, now=now), saw="an offer was sold or put on sale", now=now)


def tell(site: Site, changed: Iterable[Offer], *, saw: str, now: datetime) -> None:
    """One decision for each offer that holds less, or what is sold of which can no longer be delivered, or can again."""
    for offer in changed:
        decided, why = told(offer)
        decide(agent="optimisation", site=site, now=now, subject=f"offer:{offer.pk}", saw=saw, decided=decided, why=why)


def told(offer: Offer) -> tuple[str, str]:
    """(what became of an offer, why) in words."""
    window = f"the {offer.get_direction_display().lower()} from {offer.start_at:%Y-%m-%dT%H:%M}Z"
    standing = offer.standing
    if standing["broken"]:
        return f"warned: what is sold of {window} cannot be delivered", standing["broken"]
    if offer.state == Offer.State.WITHDRAWN:
        return f"withdrew what was unsold of {window}", standing["why"]
    if not standing["holds"]:
        return f"kept the draft of {window} from being published", standing["why"]
    if standing["why"]:
        return f"offered less of {window}", standing["why"]
    return f"found {window} deliverable again", "the plan in force proves it beside all else that is sold"


def words(made: Plan) -> dict[str, str]:
    """What the agent says of a plan."""
    saw = f"{len(made.allocations)} jobs, {len(made.commitments)} committed half hours, limit {made.site.import_limit_kw.normalize():f} kW"
    if made.state != Plan.State.READY:
        return {"saw": saw, "decided": "kept the plan before it", "why": "; ".join(made.reasons)[:500] or made.status}
    cost, carbon = made.fifo_cost_gbp - made.cost_gbp, made.fifo_carbon_kg - made.carbon_kg
    return {
        "saw": saw,
        "decided": f"a plan of {made.slots} half hours ({made.status.lower()}, {made.solve_s:.2f} s)",
        "why": f"forecast saving against first come, first served: £{cost:.2f} and {carbon:.1f} kg CO2e",
    }


def blocked(site: Site, problem: str) -> None:
    """Say once, not every tick, that a plan cannot be made."""
    newest = AgentDecision.objects.filter(agent="optimisation", site=site).order_by("-at", "-pk").first()
    if newest is None or newest.why != problem:
        decide(
            agent="optimisation", site=site, now=clock.now(), saw="a plan was asked for", decided="waited", why=problem
        )


@shared_task(name="marketplace.agents.optimisation.draft")
def draft(*, request_id: int, **_: Any) -> None:
    """Work out one wish for an offer."""
    now = clock.now()
    with holding(f"draft:{request_id}", seconds=120) as held:
        if not held or not OfferRequest.objects.filter(pk=request_id, state=OfferRequest.State.PENDING).exists():
            return
        wish = answer_offer_request(request_id=request_id, now=now)
        decide(
            agent="optimisation",
            site=wish.site,
            now=now,
            subject=f"offer:{wish.offer_id}" if wish.offer_id else f"offer-request:{wish.pk}",
            saw="an offer was asked for",
            decided="drafted one" if wish.offer_id else "refused",
            why=wish.problem or "every deadline holds when all of it is dispatched",
        )


def clear_due() -> None:
    """Clear every tender that has closed, the earliest first; a fault in one does not hold up the rest."""
    now = clock.now()
    due = Tender.objects.filter(state=Tender.State.OPEN, closes_at__lte=now).order_by("closes_at", "pk")
    for tender_id in due.values_list("pk", flat=True):
        with holding(f"clear:{tender_id}", seconds=300) as held:
            if not held:
                continue
            try:
                cleared = clear_tender(tender_id=tender_id, now=now)
            except Exception:
                log.exception("tender %s could not be cleared; the next tick tries again", tender_id)
                continue
            saw, decided, why = allocated(cleared)
            decide(agent="optimisation", now=now, subject=f"tender:{cleared.pk}", saw=saw, decided=decided, why=why)


def allocated(tender: Tender) -> tuple[str, str, str]:
    """What the agent saw, decided and why, of an allocation."""
    bids = tender.bids.exclude(state=Bid.State.WITHDRAWN)
    taken = bids.filter(state=Bid.State.TAKEN).count()
    unmet = max(tender.clearing.get("unmet_w", [0]), default=0) / 1000
    proved = "proved to be the cheapest" if tender.clearing.get("proved") else "the best found, not proved the cheapest"
    return (
        f"the tender {tender.name} has closed with {bids.count()} bids",
        f"took {taken}" if taken else "took none",
        f"{proved}; {unmet:g} kW of the need stay unmet where it is least met",
    )


@shared_task(name="marketplace.agents.optimisation.tick")
def tick(**_: Any) -> None:
    """Plan every site whose request is still open: nothing depends on the wake-up call."""
    for site_id in Site.objects.filter(replan_requested_at__isnull=False).values_list("pk", flat=True):
        plan(site_id=site_id)
    ahead = Offer.objects.filter(end_at__gt=clock.now())
    for site in Site.objects.filter(pk__in=ahead.values("site")).order_by("pk"):
        if is_stale(site, now=clock.now()):
            recertify(site_id=site.pk)
    clear_due()
    for request_id in OfferRequest.objects.filter(state=OfferRequest.State.PENDING).values_list("pk", flat=True):
        draft(request_id=request_id)
