"""An offer goes on sale once, while its proof holds and its gate is open, and never beside another for the same time."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection

from marketplace.models import Event, Offer, OfferPeriod
from marketplace.queries.offers import offer_page
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import product_on
from marketplace.usecases.publish_offer import publish_offer
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, GATE, HALF_HOUR, NOW, SECOND


@pytest.fixture
def draft(site):
    return market.offer(site, state=Offer.State.DRAFT, published_at=None)


def publish(offer, *, user=None, now=NOW, **accepted):
    return publish_offer(offer=offer, user=user, now=now, **accepted)


def refused(code, offer, **options):
    before = Offer.objects.get(pk=offer.pk).state
    with pytest.raises(MarketError) as caught:
        publish(offer, **options)
    assert (caught.value.code, bool(caught.value.fix)) == (code, True)
    assert Offer.objects.get(pk=offer.pk).state == before


def test_a_draft_goes_on_sale_once(draft):
    first, again = publish(draft), publish(draft, now=NOW + HALF_HOUR)
    assert (first.state, first.published_at, again.published_at) == ("PUBLISHED", NOW, NOW)
    assert events_of(f"offer:{draft.pk}") == ["offer.published"]


def test_an_allowed_baseline_can_be_chosen_and_its_own_back_test_counts(draft):
    allowed = product_on(draft.product, draft.start_at).baseline_methods
    other = next(one for one in allowed if one != draft.baseline_method)
    refused("BAD_BASELINE", draft, baseline_method="zero-guess-v9")
    assert not {"high-3-of-5-v1"} & set(allowed)
    refused("BAD_BASELINE", draft, baseline_method="high-3-of-5-v1", accept_back_test=True)
    refused("BACK_TEST_NOT_ACCEPTED", draft, baseline_method=other)
    tests = market.back_tested()
    tests["methods"].append(tests["methods"][0] | {"id": other, "name": "Other", "faults": ["Its bias is 9 %."]})
    Offer.objects.update(back_test=tests)
    refused("BACK_TEST_NOT_ACCEPTED", draft, baseline_method=other)
    page = offer_page(Offer.objects.get(), NOW, baseline=other)
    assert (page.baseline_method, page.back_test.against) == (other, ("Its bias is 9 %.",))
    assert [one.id for one in page.back_test.methods if one.chosen] == [other]
    assert offer_page(Offer.objects.get(), NOW).baseline_method == draft.baseline_method == page.allowed_baselines[0][0]
    assert publish(draft, baseline_method=other, accept_back_test=True).baseline_method == other
    told = json.loads(bytes(Event.objects.get(type="offer.published").payload))
    assert (told["baseline_method"], told["back_test"]["id"]) == (other, other)


def test_without_a_proof_nothing_is_sold(site):
    for certificate in ({}, {"holds": False}):
        refused("CERTIFICATE_FAILED", market.offer(site, state=Offer.State.DRAFT, certificate=certificate))


@pytest.mark.parametrize(
    ("back_test", "against"),
    [
        (market.back_tested("The rrmse is 27 %."), "The rrmse is 27 %."),
        ({}, "No back-test of like-day-mean-v1 was made for this offer."),
    ],
)
def test_what_the_back_test_speaks_against_is_sold_only_by_somebody_who_says_so(site, back_test, against):
    draft = market.offer(site, state=Offer.State.DRAFT, back_test=back_test)
    refused("BACK_TEST_NOT_ACCEPTED", draft)
    assert publish(draft, accept_back_test=True).state == "PUBLISHED"
    (event,) = Event.objects.filter(subject=f"offer:{draft.pk}")
    assert json.loads(bytes(event.payload))["back_test"]["faults"] == [against]


def test_at_gate_closure_it_is_too_late(draft):
    refused("BIZ_FULFILLMENT_UNAVAILABLE", draft, now=GATE)


@pytest.mark.parametrize("state", ["SOLD", "WITHDRAWN", "EXPIRED"])
def test_only_a_draft_is_published(draft, state):
    Offer.objects.update(state=state)
    refused("OFFER_NOT_DRAFT", draft)


@pytest.mark.parametrize("state", ["PUBLISHED", "SOLD"])
@pytest.mark.parametrize("start", [FIRST - HALF_HOUR, FIRST, SECOND])
def test_the_same_time_is_not_offered_twice(site, draft, state, start):
    market.offer(site, start=start, state=state)
    refused("OFFER_OVERLAPS", draft)


@pytest.mark.parametrize("state", ["WITHDRAWN", "EXPIRED"])
def test_what_was_sold_of_a_closed_offer_is_not_offered_again(site, draft, state):
    """An offer that left the catalogue in part sold is still owed to its buyer."""
    other = market.offer(site, start=SECOND, state=state)
    OfferPeriod.objects.filter(offer=other, start_at=SECOND).update(reserved_kw=1)
    refused("OFFER_OVERLAPS", draft)


@pytest.mark.parametrize("state", ["DRAFT", "WITHDRAWN", "EXPIRED"])
def test_what_nobody_can_buy_is_not_in_the_way(site, draft, state):
    market.offer(site, state=state)
    assert publish(draft).state == "PUBLISHED"


def test_an_offer_next_to_it_or_of_another_site_is_not_in_the_way(site, owner, draft):
    market.offer(site, start=END)
    market.offer(market.site(owner, "leeds-2"))
    assert publish(draft).state == "PUBLISHED"


@pytest.mark.parametrize(
    ("role", "allowed"), [("TRADER", True), ("ADMIN", True), ("OPERATOR", False), ("VIEWER", False)]
)
def test_only_traders_sell(draft, owner, role, allowed):
    user = market.person(owner, role)
    if allowed:
        assert publish(draft, user=user).state == "PUBLISHED"
    else:
        refused("NOT_ALLOWED", draft, user=user)


@pytest.mark.django_db(transaction=True)
def test_of_two_overlapping_drafts_published_at_the_same_moment_one_is_refused():
    site = market.site()
    offers = [market.offer(site, start=start, state=Offer.State.DRAFT) for start in (FIRST, SECOND)]
    line, told = threading.Barrier(2, timeout=30), []

    def press(offer):
        line.wait()
        try:
            told.append(publish(offer).state)
        except MarketError as problem:
            told.append(problem.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[offer]) for offer in offers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["OFFER_OVERLAPS", "PUBLISHED"]
    assert Offer.objects.filter(state="PUBLISHED").count() == 1


def test_the_gate_a_second_before_is_open(draft):
    assert publish(draft, now=GATE - timedelta(seconds=1)).state == "PUBLISHED"
