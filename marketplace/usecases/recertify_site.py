"""Prove a site's offers and sales anew from the plan in force: after a sale, and after an offer goes on sale."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.models import Offer, Order, Site
from marketplace.usecases.certify_offers import alive_offers, certify_offers, changed_offers, keep_standings
from marketplace.usecases.draft_offer import engine_plan
from marketplace.usecases.list_promises import alive_periods
from marketplace.usecases.plan_site import current_plan, problem_of


def recertify_site(*, site: Site, now: datetime) -> list[Offer]:
    """The offers whose standing changed; none where the site has no plan. A new plan certifies by itself (plan_site)."""
    plan = current_plan(site)
    if plan is None:
        return []
    standings = certify_offers(site=site, problem=problem_of(plan), plan=engine_plan(plan), now=now)
    with transaction.atomic():
        if current_plan(site) == plan:  # otherwise that plan's own proof is newer
            keep_standings(standings, site=site, plan=plan, now=now)
    return changed_offers(site, now=now)


def is_stale(site: Site, *, now: datetime) -> bool:
    """Whether the site has sold since its offers were last proved, or has something open not proved beside the rest."""
    ahead = set(alive_periods(site.pk, now=now).values_list("offer_id", flat=True))
    offers = [offer for offer in alive_offers(site, now=now) if offer.pk in ahead]
    proved = [offer.standing["at"] for offer in offers if offer.standing]
    if proved and Order.objects.filter(offer__in=offers, confirmed_at__gt=datetime.fromisoformat(min(proved))).exists():
        return True
    unsold = [offer for offer in offers if offer.state != Offer.State.SOLD]
    beside = {str(key) for key in ahead}
    return any(not beside <= {str(offer.pk), *offer.standing.get("beside", ())} for offer in unsold)
