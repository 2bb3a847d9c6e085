"""A site sells what it can deliver once, whatever offers cover it; what is given back is exactly what was held."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum

from benchmarks.confirm_race import campaign
from marketplace.models import Offer, OfferPeriod, SiteCapacity, StackingRow
from marketplace.rules.errors import MarketError
from marketplace.usecases.cancel_order import cancel_order
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.withdraw_offer import withdraw_offer
from marketplace.wire.catalogue import catalogues
from marketplace.wire.left import left_of
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import FIRST, NOW, RIVAL, SECOND


def books():
    """(deliverable, reserved) of each half hour, after comparing the ledger's own rows with what is reserved."""
    found = []
    for row in SiteCapacity.objects.order_by("start_at"):
        own = StackingRow.objects.filter(state="HELD", start_at__lte=row.start_at, end_at__gt=row.start_at)
        held = own.exclude(form="CO_DELIVERY").aggregate(kw=Sum("kw"))["kw"] or 0
        assert held == row.reserved_kw
        found.append((row.deliverable_kw, row.reserved_kw))
    return found


def cancel(order):
    return cancel_order(
        transaction_id=order.transaction_id, buyer_subscriber_id=order.buyer_subscriber_id, reason="", now=NOW
    )


def left(offer):
    return list(left_of([Offer.objects.get(pk=offer.pk)])[offer.pk].values())


def forms():
    return list(StackingRow.objects.filter(state="HELD").order_by("pk").values_list("service", "form"))


def test_two_offers_over_one_half_hour_sell_its_power_once(site):
    network, trade = market.offer(site), market.offer(site, product="NESO_DFS", start=SECOND, periods=1)
    market.confirmed(network, kw="300")
    assert books() == [(400, 300), (400, 300)]
    assert left(trade) == [100]
    with pytest.raises(MarketError) as caught:
        market.quoted(trade, kw="200", buyer=RIVAL)
    assert caught.value.details == {"available_kw": "100", "start": "2024-01-16T17:30:00Z"}
    assert "beside what it holds for DNO_OPERATIONAL" in str(caught.value)
    theirs = market.confirmed(trade, kw="100", buyer=RIVAL)
    assert books() == [(400, 300), (400, 400)]
    assert forms() == [("DNO_OPERATIONAL", "JUMPING"), ("NESO_DFS", "SPLITTING")]
    assert catalogues([network, trade], seller="s", bpp_url="u", now=NOW) == []
    cancel(theirs)
    assert books() == [(400, 300), (400, 300)]
    assert left(trade) == [100]


def test_an_order_whose_place_was_taken_after_its_quote_is_refused_and_holds_nothing(site):
    network, trade = market.offer(site), market.offer(site, product="NESO_DFS")
    order = market.initialised(trade, kw="200", buyer=RIVAL)
    market.confirmed(network, kw="201")
    with pytest.raises(MarketError) as caught:
        market.confirm(order)
    assert caught.value.details["available_kw"] == "199"
    assert books() == [(400, 201), (400, 201)]
    assert OfferPeriod.objects.get(offer=trade, start_at=FIRST).reserved_kw == 0


def test_listed_services_share_power_and_the_second_takes_it_over(site):
    scheduled = market.offer(site, product="SCHEDULED_UTILISATION")
    flexible = market.offer(site, product="NESO_DFS")
    first = market.confirmed(scheduled)
    assert left(flexible) == [400, 400]
    second = market.confirmed(flexible, kw="250", buyer=RIVAL)
    assert books() == [(400, 400), (400, 400)]
    assert forms() == [("DNO_SCHEDULED", "JUMPING"), ("NESO_DFS", "CO_DELIVERY")]
    cancel(first)
    assert books() == [(400, 250), (400, 250)]
    assert forms() == [("NESO_DFS", "SPLITTING")]
    assert Offer.objects.get(pk=scheduled.pk).state == "PUBLISHED"
    cancel(second)
    assert books() == [(400, 0), (400, 0)]


def test_an_excluding_service_is_named_at_the_offer_at_the_quote_and_at_the_sale(site):
    """The Balancing Mechanism and the Demand Flexibility Service exclude each other for the time."""
    dfs, bm = (market.offer(site, product=one) for one in ("NESO_DFS", "P444_BM"))
    Offer.objects.filter(pk=bm.pk).update(state="DRAFT")
    with pytest.raises(MarketError, match=r"P444_BM and NESO_DFS exclude each other.*2024-01-16T17:00Z") as caught:
        publish_offer(offer=bm, user=None, now=NOW)
    assert caught.value.code == "STACKING_EXCLUDED"
    Offer.objects.filter(pk=bm.pk).update(state="PUBLISHED")
    order = market.initialised(bm, kw="10", buyer=RIVAL)
    market.confirmed(dfs, kw="100")
    said = "10 kW for P444_BM cannot be had at 2024-01-16T17:00Z: the site holds 100 kW for NESO_DFS"
    with pytest.raises(MarketError, match=said):
        market.quoted(bm, kw="10", buyer=RIVAL)
    with pytest.raises(MarketError, match=said):
        market.confirm(order)
    assert left(bm) == [0, 0]


def test_an_offer_within_the_proof_of_another_service_s_goes_on_sale_and_no_other_does(site):
    market.offer(site)
    draft = {"state": "DRAFT", "product": "NESO_DFS"}
    within, beyond = market.offer(site, periods=1, **draft), market.offer(site, kw="401", periods=1, **draft)
    outside = market.offer(site, start=SECOND, **draft)
    for offer in (beyond, outside):
        with pytest.raises(MarketError, match="neither proof covers the other"):
            publish_offer(offer=offer, user=None, now=NOW)
    assert publish_offer(offer=within, user=None, now=NOW).state == "PUBLISHED"
    assert books() == [(400, 0)]


def test_an_offer_from_a_lower_load_leaves_less_to_sell_and_not_less_than_is_sold(site):
    """400 kW from 1,000 kW and 300 kW from 900 kW prove the same level of 600 kW: 300 kW in all may be owed."""
    market.confirmed(market.offer(site), kw="301")
    low = {"holds": True, "reference_kw": ["900", "900"]}
    draft = market.offer(site, kw="300", state="DRAFT", product="NESO_DFS", certificate=low)
    with pytest.raises(MarketError, match="301 kW of the site are sold"):
        publish_offer(offer=draft, user=None, now=NOW)
    assert books() == [(400, 301), (400, 301)]


def test_withdrawing_takes_the_unsold_part_and_leaves_the_sold_one_deliverable(offer):
    order = market.confirmed(offer, kw="150")
    withdraw_offer(offer=offer, user=None, reason="needed ourselves", now=NOW)
    assert books() == [(400, 150), (400, 150)]
    cancel(order)
    assert Offer.objects.get().state == "WITHDRAWN"
    assert books() == [(400, 0), (400, 0)]


def test_a_row_that_an_older_installation_did_not_write_is_made_at_the_sale(offer):
    assert not SiteCapacity.objects.exists()
    market.confirmed(offer, kw="0.125")
    assert books() == [(400, Decimal("0.125"))] * 2
    assert set(OfferPeriod.objects.values_list("capacity__deliverable_kw", flat=True)) == {400}


@pytest.mark.django_db(transaction=True)
def test_the_last_capacity_is_sold_once_under_a_race():
    """A slice of `python -m benchmarks.confirm_race`: half of it through two offers of one site."""
    assert campaign(6)["right"] == 6
