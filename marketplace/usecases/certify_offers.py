"""Prove anew, from a plan, what a site has sold and on sale: all of it beside all of it, however it is called.

Proving holds no lock and may take seconds. Keeping the result is short, in the transaction of the caller, so that a plan
and what it proves of the offers come into force together. An offer that no longer holds is offered smaller, or taken off
sale; what is sold stays sold, and is said to be broken.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db.models import F, Q

from flex_engine.flexibility.certificate import certify
from flex_engine.flexibility.offer import MARGIN
from flex_engine.flexibility.standing import Broken, undeliverable
from flex_engine.optimise.problem import Commitment, Problem
from flex_engine.optimise.solve import Plan as EnginePlan
from marketplace import events, notify
from marketplace.models import Offer, OfferPeriod, Plan, Site
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import product_on
from marketplace.usecases.activate_order import declared
from marketplace.usecases.list_promises import bound_of, list_promises
from marketplace.usecases.prove_capacity import prove_capacity
from marketplace.usecases.publish_catalogue import refresh_catalogue
from marketplace.usecases.withdraw_offer import withdraw_offer

log = logging.getLogger(__name__)
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a plan proves of one offer beside everything else alive.

    `left_kw` is what of its unsold power still holds in every half hour, None where all does; `why` says why not. `broken`
    says why what is sold of it cannot be delivered any more, empty where it can or nothing is.
    """

    offer: Offer
    left_kw: Decimal | None
    why: str
    broken: str
    beside: tuple[str, ...]


def certify_offers(*, site: Site, problem: Problem, plan: EnginePlan, now: datetime) -> list[Standing]:
    """Every draft and published offer with an open gate, and every offer sold in part and not over, oldest first.

    Where all holds together one round of schedules proves it. Otherwise the offers on sale are taken one after the other,
    those published first keep their power, and each is left what holds beside those before it.
    """
    promises = list_promises(site=site, now=now)
    offers = list(alive_offers(site, now=now))
    broken = undeliverable(problem, plan, promises.sold)
    together = broken is None and undeliverable(problem, plan, promises.all) is None
    kept: list[Commitment] = list(promises.all if together else promises.sold)
    beside = tuple(sorted(promises.offers))
    found = []
    for offer in sorted(offers, key=lambda one: (one.state == Offer.State.DRAFT, one.published_at or one.created_at)):
        left, why = None, ""
        if offer.state == Offer.State.PUBLISHED and not together and offer.pk in promises.on_sale:
            left, why = still_left(offer, problem, plan, kept)
            kept += promises.on_sale[offer.pk] if left is None else lowered(offer, left)
        elif offer.state == Offer.State.DRAFT:
            lost = undeliverable(problem, plan, [*kept, *lowered(offer, None)])
            left, why = (None, "") if lost is None else (NOTHING, reason(lost))
            kept += promises.on_sale.get(offer.pk, ()) if left is None and not together else ()
        sold = any(row.reserved_kw for row in offer.periods.all())
        found.append(Standing(offer, left, why, reason(broken) if broken and sold else "", beside))
    return found


def alive_offers(site: Site, *, now: datetime) -> Iterable[Offer]:
    """The offers that a plan can make or break."""
    open_gate = Q(state__in=[Offer.State.DRAFT, Offer.State.PUBLISHED], gate_closure_at__gt=now)
    rows = Offer.objects.filter(open_gate | Q(periods__reserved_kw__gt=0), site=site, end_at__gt=now)
    rows = rows.select_related("plan", "site__organisation").prefetch_related("periods__capacity")
    return rows.distinct().order_by("created_at")


def still_left(
    offer: Offer, problem: Problem, plan: EnginePlan, kept: Sequence[Commitment]
) -> tuple[Decimal | None, str]:
    """(kW of what is unsold that holds in every half hour beside `kept`, why); None where all of it does."""
    rows = sorted(offer.periods.all(), key=lambda row: row.start_at)
    first, last = problem.slot_of(rows[0].start_at), problem.slot_of(rows[-1].start_at) + 1
    if first < 0 or last > problem.slots:
        return NOTHING, "the plan in force does not cover its window"
    proved = certify(
        problem,
        plan,
        first=first,
        last=last,
        direction="REDUCE" if offer.direction == Offer.Direction.TURN_DOWN else "INCREASE",
        beside=kept,
        reference_kw=[float(after_sales(offer, row)) for row in rows],
    )
    unsold = max(sellable(row) for row in rows)
    if proved.holds and proved.quantity_kw >= unsold:
        return None, ""
    left = (proved.quantity_kw * (1 - MARGIN)).quantize(Decimal(1), ROUND_FLOOR) if proved.holds else NOTHING
    least = product_on(offer.product, offer.start_at).minimum_kw
    why = (
        f"{proved.quantity_kw.normalize():f} kW of its {unsold.normalize():f} kW unsold are proved by the plan in force"
    )
    return (left if left >= least else NOTHING), why


def after_sales(offer: Offer, row: OfferPeriod) -> Decimal:
    """Where the site stands in a half hour when everything sold in it is called: what the rest is measured from."""
    taken = row.capacity.reserved_kw if row.capacity is not None else row.reserved_kw
    reference = declared(offer, row.start_at)
    return reference - taken if offer.direction == Offer.Direction.TURN_DOWN else reference + taken


def sellable(row: OfferPeriod) -> Decimal:
    """What can still be sold of an offer in a half hour: its own unsold power, or the site's if that is less."""
    own = row.offered_kw - row.reserved_kw
    return own if row.capacity is None else min(own, row.capacity.left_kw)


def lowered(offer: Offer, left_kw: Decimal | None) -> list[Commitment]:
    """What an offer promises with `left_kw` of it on sale beside what is sold; all of it where that is None."""
    return [
        bound_of(
            str(offer.pk),
            offer.direction,
            row.start_at,
            declared(offer, row.start_at),
            row.offered_kw if left_kw is None else row.reserved_kw + left_kw,
        )
        for row in offer.periods.all()
    ]


def reason(broken: Broken) -> str:
    """Why something cannot be delivered, in one line."""
    return f"from {broken.start:%Y-%m-%dT%H:%M}Z on: {' '.join(broken.words)}"[:600]


def keep_standings(standings: Sequence[Standing], *, site: Site, plan: Plan, now: datetime) -> None:
    """Write what was found, shrink or withdraw what no longer holds. The caller holds a transaction.

    Offers are locked before the site, as every sale does. What was sold since the proof was of what was on sale then, so
    the proof covers it.
    """
    rows = Offer.objects.select_for_update(of=("self",)).filter(pk__in=[one.offer.pk for one in standings])
    locked = {row.pk: row for row in rows.order_by("created_at")}
    Site.objects.select_for_update(of=("self",), no_key=True).get(pk=site.pk)
    lowered_any = False
    for one in standings:
        offer = locked.get(one.offer.pk)
        if offer is not None and offer.state == one.offer.state:
            lowered_any |= keep(one, offer, plan, now=now)
    if lowered_any:
        refresh_catalogue(organisation=site.organisation, now=now)
    if standings:
        notify.changed("offers", "catalogue", f"site:{site.slug}")


def keep(one: Standing, offer: Offer, plan: Plan, *, now: datetime) -> bool:
    """Write one standing; whether the offer was made smaller. The offer is locked."""
    before = offer.standing
    was_broken, holds = bool(before.get("broken")), one.left_kw is None
    shrinks = offer.state == Offer.State.PUBLISHED and not holds
    changed = shrinks or was_broken != bool(one.broken) or before.get("holds", True) != holds
    offer.standing = {
        "plan": plan.pk,
        "at": now.isoformat(),
        "holds": holds or shrinks,
        "why": one.why,
        "lowered": one.why if shrinks else before.get("lowered", ""),  # kept: what is off sale is not put back
        "broken": one.broken,
        "beside": list(one.beside),
        "changed_at": now.isoformat() if changed else before.get("changed_at", ""),
    }
    offer.save(update_fields=["standing"])
    if bool(one.broken) != was_broken:
        record(
            offer, "offer.broken" if one.broken else "offer.restored", {"why": one.broken or before["broken"]}, now=now
        )
    if shrinks:
        shrink(offer, one, now=now)
    return shrinks


def shrink(offer: Offer, one: Standing, *, now: datetime) -> None:
    """Leave on sale what still holds; where that is nothing, withdraw the rest."""
    left = one.left_kw or NOTHING
    if not left:
        try:
            withdraw_offer(offer=offer, user=None, reason=f"No longer proved: {one.why}", now=now)
        except MarketError as problem:  # it stands in a bid
            log.warning("offer %s no longer holds and was not withdrawn: %s", offer.pk, problem)
        return
    before = {row.start_at: row.reserved_kw for row in one.offer.periods.all()}
    for row in offer.periods.select_for_update(of=("self",)).order_by("start_at"):
        kw = max(row.reserved_kw, min(row.offered_kw, before[row.start_at] + left))
        OfferPeriod.objects.filter(pk=row.pk).update(offered_kw=kw)
    starts = list(before)
    prove_capacity(site=offer.site, direction=offer.direction, starts=starts, now=now)
    if not offer.periods.filter(reserved_kw__lt=F("offered_kw")).exists():
        Offer.objects.filter(pk=offer.pk).update(state=Offer.State.SOLD)
    record(offer, "offer.shrunk", {"left_w": int(left * 1000), "why": one.why}, now=now)


def record(offer: Offer, kind: str, payload: dict[str, Any], *, now: datetime) -> None:
    """The event of a standing that changed."""
    events.append(
        type=kind,
        subject=f"offer:{offer.pk}",
        payload={"site": offer.site.slug, **payload},
        organisations=[offer.site.organisation],
        now=now,
    )


def changed_offers(site: Site, *, now: datetime) -> list[Offer]:
    """The offers whose standing changed at `now`, to be told of."""
    rows = Offer.objects.filter(site=site, standing__changed_at=now.isoformat())
    return list(rows.order_by("start_at", "created_at"))
