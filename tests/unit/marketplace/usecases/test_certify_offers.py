"""What is sold and on sale is proved anew by every plan: kept deliverable, offered smaller, or said to be broken."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from marketplace.agents.optimisation import tell
from marketplace.models import AgentDecision, Offer, Site
from marketplace.queries.attention import open_offers
from marketplace.queries.standings import standing_of
from marketplace.rules.errors import MarketError
from marketplace.usecases.certify_offers import changed_offers
from marketplace.usecases.draft_offer import draft_offer
from marketplace.usecases.plan_site import plan_site
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.recertify_site import is_stale, recertify_site
from tests.unit.marketplace.usecases import market, planned
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, NOW, instruction

LATER = NOW + timedelta(minutes=20)
SLOT = int((FIRST - LATER.replace(minute=30)) / HALF_HOUR)


@pytest.fixture
def on_sale(site) -> Offer:
    """The cheap hour's turn-down on sale: some 360 kW under the 800 kW that the plan draws there."""
    planned.known_signals()
    planned.queue(site)
    Site.objects.update(import_limit_kw=Decimal(800))
    site.refresh_from_db()
    plan_site(site=site, now=NOW)
    offer = draft_offer(site=site, start=FIRST, end=END, now=NOW)
    return publish_offer(offer=offer, user=None, accept_back_test=True, now=NOW)


def rush(site: Site, count: int) -> None:
    """Jobs of 100 kW that must run throughout the offer's hour."""
    for number in range(count):
        planned.job(site, f"rush-{number}", arrival_at=FIRST, deadline_at=END, duration_s=3600)


def due_by_the_end(site: Site, count: int) -> None:
    """Jobs of 100 kW for an hour that the cheap hour would take, and that are due when it is over."""
    for number in range(count):
        planned.job(site, f"due-{number}", deadline_at=END, duration_s=3600)


def test_a_plan_keeps_what_is_sold_deliverable_where_a_cheaper_one_would_not(site, on_sale):
    order = market.confirmed(on_sale, kw="300")
    due_by_the_end(site, 4)
    plan = plan_site(site=site, now=LATER)
    assert plan.state == "READY"
    assert plan.reasons[0].startswith("It is held to all that is sold and not called yet"), plan.reasons
    assert plan.commitments == [], "nothing is called yet"
    activation = market.dispatched(order, instruction("300"), now=LATER)
    called = plan_site(site=site, now=LATER)
    assert called.state == "READY", called.reasons
    assert called.load_kw[SLOT] <= float(activation.periods.get(start_at=FIRST).declared_kw) - 300 + 0.01
    assert {f"due-{number}" for number in range(4)} <= set(called.allocations)


def test_an_offer_shrinks_to_what_still_holds_and_is_withdrawn_when_nothing_does(site, on_sale, owner):
    before = on_sale.periods.first().offered_kw
    rush(site, 1)
    plan_site(site=site, now=LATER)
    left = on_sale.periods.first().offered_kw
    assert Decimal(100) < left < before
    assert events_of(f"offer:{on_sale.pk}") == ["offer.drafted", "offer.published", "offer.shrunk"]
    on_sale.refresh_from_db()
    assert f"kW of its {before.normalize():f} kW unsold are proved" in on_sale.standing["why"]
    recertify_site(site=site, now=LATER + timedelta(minutes=1))
    (item,) = open_offers(market.person(owner, "ADMIN"), LATER)
    assert (item.tone, item.key) == ("attention", str(on_sale.pk)), "told until the window, though the rest holds"
    order = market.confirmed(on_sale, kw=str(left), now=LATER)
    market.dispatched(order, instruction(str(left)), now=LATER)
    assert plan_site(site=site, now=LATER).state == "READY", "all that was left on sale can be called"

    again = market.offer(site, start=FIRST, kw="50", state=Offer.State.DRAFT)
    assert again.standing == {}, "one from before such proofs were kept"


def test_an_offer_that_nothing_is_left_of_goes_off_sale(site, on_sale):
    rush(site, 4)
    plan_site(site=site, now=LATER)
    on_sale.refresh_from_db()
    assert on_sale.state == "WITHDRAWN"
    assert events_of(f"offer:{on_sale.pk}")[-1] == "offer.withdrawn"
    tell(site, changed_offers(site, now=LATER), saw="a plan", now=LATER)
    decision = AgentDecision.objects.get(subject=f"offer:{on_sale.pk}")
    assert decision.decided.startswith("withdrew what was unsold of the turn-down from 2024-01-16T17:00Z")


def test_a_draft_that_no_longer_holds_cannot_be_published(site, on_sale, owner):
    Offer.objects.filter(pk=on_sale.pk).update(state=Offer.State.DRAFT, published_at=None)
    on_sale.refresh_from_db()
    rush(site, 1)
    plan_site(site=site, now=LATER)
    with pytest.raises(MarketError) as caught:
        publish_offer(offer=on_sale, user=None, accept_back_test=True, now=LATER)
    assert (caught.value.code, "no longer proves" in str(caught.value)) == ("CERTIFICATE_FAILED", True)
    (item,) = open_offers(market.person(owner, "ADMIN"), LATER)
    assert item.text == "A draft turn-down of Leeds 1 is no longer proved"


def test_what_is_sold_and_cannot_be_delivered_is_said_to_everyone_and_so_is_its_return(site, on_sale, owner, client):
    market.confirmed(on_sale, kw="300")
    rush(site, 3)
    plan = plan_site(site=site, now=LATER)
    assert plan.state == "READY", "no deadline is given up for a sale"
    said = plan.reasons[0]
    assert said.startswith("What is sold and not called yet cannot all be delivered, from 2024-01-16T17:00Z on.")
    assert "limits" in said
    assert events_of(f"offer:{on_sale.pk}")[2:] == ["offer.broken", "offer.withdrawn"]
    on_sale.refresh_from_db()
    assert standing_of(on_sale).broken.startswith("from 2024-01-16T17:00Z on: ")
    assert on_sale.periods.first().reserved_kw == 300, "what is sold stays sold"
    admin = market.person(owner, "ADMIN")
    (item,) = open_offers(admin, LATER)
    assert (item.tone, item.text) == ("bad", "A sold turn-down of Leeds 1 cannot be delivered")
    client.force_login(admin)
    for page, key in (("offer", on_sale.pk), ("schedule", site.slug)):
        assert "from 2024-01-16T17:00Z on" in client.get(reverse(page, args=[key])).content.decode(), page
    tell(site, changed_offers(site, now=LATER), saw="a plan", now=LATER)
    assert AgentDecision.objects.get().decided.startswith("warned: what is sold of the turn-down")

    site.jobs.filter(external_id__startswith="rush").delete()
    plan_site(site=site, now=LATER + HALF_HOUR)
    assert events_of(f"offer:{on_sale.pk}")[-1] == "offer.restored"
    assert list(open_offers(market.person(market.organisation("Other"), "ADMIN"), LATER)) == []


def test_a_sale_beside_an_offer_that_no_proof_counted_waits_for_one(site, on_sale, woken):
    """The first was proved before the second went on sale; the worker proves both together before it is sold."""
    early = FIRST - 4 * HALF_HOUR
    other = draft_offer(site=site, start=early, end=early + 2 * HALF_HOUR, direction="INCREASE", now=NOW)
    assert other.standing["beside"] == [str(on_sale.pk)], (
        "drafted after the first went on sale, it was proved beside it"
    )
    publish_offer(offer=other, user=None, accept_back_test=True, now=NOW)
    assert ("marketplace.agents.optimisation.recertify", {"site_id": site.pk}) in woken
    with pytest.raises(MarketError) as caught:
        market.confirmed(on_sale, kw="100")
    assert (caught.value.code, "proved anew" in str(caught.value)) == ("BIZ_QUANTITY_UNAVAILABLE", True)
    assert is_stale(site, now=NOW)
    assert recertify_site(site=site, now=NOW) == [], "both hold together"
    assert not is_stale(site, now=NOW)
    market.confirmed(on_sale, kw="100", now=NOW + timedelta(seconds=1))
    assert is_stale(site, now=NOW + timedelta(seconds=1)), "a sale is proved anew too"
    recertify_site(site=site, now=NOW + timedelta(seconds=2))
    assert not is_stale(site, now=NOW + timedelta(seconds=2))
