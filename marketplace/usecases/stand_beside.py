"""May an offer be on sale beside what else the site has on sale, or has sold, for the same time?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from marketplace.models import Offer, SiteCapacity
from marketplace.rules.capacity import Proof, covers, deliverable_kw
from marketplace.rules.errors import MarketError
from marketplace.rules.stacking import Form, day_of, forms, service_of
from marketplace.usecases.activate_order import declared
from marketplace.usecases.prove_capacity import proofs_of


def stand_beside(*, offer: Offer, now: datetime) -> None:  # noqa: ARG001 - a use case's signature
    """Raise MarketError unless the offer may stand beside every other that covers any of its time. The site is locked."""
    alive = Offer.objects.filter(
        Q(state__in=[Offer.State.PUBLISHED, Offer.State.SOLD]) | Q(periods__reserved_kw__gt=0),
        site=offer.site,
        start_at__lt=offer.end_at,
        end_at__gt=offer.start_at,
    )
    for other in alive.exclude(pk=offer.pk).select_related("plan").distinct().order_by("start_at", "pk"):
        check_beside(offer, other)


def check_beside(offer: Offer, other: Offer) -> None:
    """Raise MarketError unless two offers of a site may both be on sale where they overlap.

    Only for services that may be served beside each other, in one direction, and where one of the two certificates proves
    all that the other does: then the site's capacity row keeps the sum of what is sold within that proof.
    """
    ours, theirs = proofs_by_start(offer), proofs_by_start(other)
    start = min(set(ours) & set(theirs))
    day = day_of(start)
    mine, its = (service_of(one.product, day_of(one.start_at)) for one in (offer, other))
    said = f"from {other.start_at:%Y-%m-%dT%H:%M}Z to {other.end_at:%H:%M}Z is already on sale or sold"
    if mine != its and not forms(mine, its, day) - {Form.JUMPING}:
        raise MarketError(
            "STACKING_EXCLUDED",
            f"{mine} and {its} exclude each other, and an offer of this site for {its} {said}: they overlap at {start:%Y-%m-%dT%H:%M}Z.",
            fix="Draft a window beside it, or withdraw that offer while nothing of it is sold.",
        )
    proved = covers(ours, theirs, offer.direction) or covers(theirs, ours, offer.direction)
    if mine == its or offer.direction != other.direction or not proved:
        raise MarketError(
            "OFFER_OVERLAPS",
            f"An offer of this site for {its} {said}{'' if mine == its or proved else ', and neither proof covers the other'}.",
            fix="Draft a window beside it, or withdraw that offer while nothing of it is sold.",
        )


def proofs_by_start(offer: Offer) -> dict[datetime, Proof]:
    """What the offer's certificate proves, by half hour."""
    return {row.start_at: Proof(declared(offer, row.start_at), row.offered_kw) for row in offer.periods.all()}


def check_still_covered(offer: Offer, rows: Iterable[SiteCapacity]) -> None:
    """Raise MarketError where more of the site is sold than its proofs together allow with this offer among them.

    An offer measured from a lower load than the others leaves less to sell in all.
    """
    sold = {row.start_at: row.reserved_kw for row in rows}
    for start, found in proofs_of(offer.site, offer.direction, list(sold)).items():
        if deliverable_kw(found, offer.direction) < sold[start]:
            raise MarketError(
                "OFFER_OVERLAPS",
                f"{sold[start].normalize():f} kW of the site are sold at {start:%Y-%m-%dT%H:%M}Z, more than stays proved beside this offer.",
                fix="Draft the offer again from the plan in force.",
            )
