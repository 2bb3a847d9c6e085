"""What is sold keeps to its product: terms, refusals in sentences, availability in the quote, and schedules that need no call."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from flex_engine.settle.products import product
from marketplace.models import Activation, Offer, Site
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import check_size, check_window, product_on
from marketplace.usecases.activate_schedules import activate_schedules
from marketplace.usecases.draft_offer import draft_offer
from marketplace.usecases.plan_site import plan_site
from marketplace.usecases.request_offer import request_offer
from marketplace.wire.catalogue import catalogues
from marketplace.wire.contract import order_contract
from tests.unit.marketplace.usecases import buyer, market, planned
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, GATE, NOW

DAY = FIRST.date()
VARIABLE, SCHEDULED = "VARIABLE_AVAILABILITY_OPERATIONAL_UTILISATION", "SCHEDULED_UTILISATION"


@pytest.fixture
def ready(site):
    planned.known_signals()
    planned.queue(site)
    Site.objects.update(import_limit_kw=Decimal(800))
    site.refresh_from_db()
    plan_site(site=site, now=NOW)
    return site


def refused(code: str, words: str, call) -> None:
    with pytest.raises(MarketError, match=words) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.fix


def test_a_draft_takes_its_terms_from_the_product(ready):
    offer = draft_offer(site=ready, start=FIRST, end=END, product=VARIABLE, now=NOW)
    sold_as = product(VARIABLE, DAY)
    assert (offer.product, offer.notice_s, offer.max_events_per_day) == (VARIABLE, 900, 1)
    assert offer.gate_closure_at == FIRST - timedelta(seconds=sold_as.gate_closure_s)
    assert offer.availability_price_gbp_per_mw_h == Decimal("21.4")
    assert offer.shortfall_penalty_gbp_per_kwh == 0  # it loses availability instead
    asked = draft_offer(site=ready, start=FIRST, end=END, product=VARIABLE, asked_availability=Decimal("9.5"), now=NOW)
    assert asked.availability_price_gbp_per_mw_h == Decimal("9.5")
    plain = draft_offer(site=ready, start=FIRST, end=END, now=NOW)
    # The scale takes more of the price where less is delivered, so the same turn-down asks more.
    assert asked.utilisation_price_gbp_per_kwh > plain.utilisation_price_gbp_per_kwh


def test_what_the_product_does_not_allow_is_refused_in_a_sentence(ready):
    def draft(**changes):
        return lambda: draft_offer(site=ready, **{"start": FIRST, "end": END, "now": NOW} | changes)

    refused("BAD_PRODUCT", "'SOMETHING' is no product on 2024-01-16", draft(product="SOMETHING"))
    refused("BAD_PRODUCT", "P415_WHOLESALE", draft(product="P415_WHOLESALE"))  # not before November 2024
    refused("BAD_DIRECTION", "bought as turn-down, not as turn-up", draft(product="NESO_DFS", direction="INCREASE"))
    refused("WINDOW_TOO_SOON", "must start at 2024-01-17T13:30Z", draft(product=SCHEDULED))
    refused("BAD_AVAILABILITY_PRICE", "utilisation only", draft(asked_availability=Decimal(3)))
    refused("NOTHING_TO_OFFER", "an offer needs 1000 kW", draft(product="NESO_DFS", start=None, end=None))
    morning = datetime(2024, 1, 17, 9, tzinfo=FIRST.tzinfo)
    peak = {"product": "PEAK_REDUCTION", "start": morning, "end": morning + timedelta(hours=1)}
    refused("BAD_WINDOW", "bought Monday to Friday, 16:00 to 20:00", draft(**peak))
    refused("BAD_WINDOW", "16:00 to 20:00", lambda: request_offer(site=ready, user=None, now=NOW, **peak))
    assert not Offer.objects.exists()
    sold_as = product_on("OPERATIONAL_UTILISATION", FIRST)
    check_window(sold_as, morning, END)  # the contract sets it
    refused("BIZ_QUANTITY_UNAVAILABLE", "9.5 kW is less than the 10 kW", lambda: check_size(sold_as, Decimal("9.5")))


def test_the_quote_includes_availability_and_says_so(site):
    offer = market.offer(site, product=VARIABLE, availability_price_gbp_per_mw_h=Decimal("21.40"))
    order = market.quoted(offer, kw="300")
    # 300 kWh at 25 p are £75; 0.3 MW for an hour at £21.40 are £6.42.
    assert (order.quote_pence, order.availability_price_gbp_per_mw_h) == (8142, Decimal("21.40"))
    (part,) = order_contract(order, seller="s")["consideration"]
    lines = part["considerationAttributes"]["components"]
    assert [(line["type"], line["value"]) for line in lines] == [("USAGE", 75), ("AVAILABILITY", Decimal("6.42"))]
    (catalogue,) = catalogues([offer], seller="s", bpp_url="http://s", now=NOW)
    terms = catalogue["offers"][0]["offerAttributes"]["inputs"][0]["inputs"]["product"]
    assert (terms["key"], terms["dispatch"], terms["availabilityPriceGbpPerMwH"]) == (
        VARIABLE, "INSTRUCTION", Decimal("21.4"),
    )  # fmt: skip


def test_a_schedule_is_its_own_instruction(network, site):
    offer = market.offer(site, product=SCHEDULED, baseline_method="like-day-mean-v1")
    purchase, order = buyer.quoted(buyer.grid(), offer, kw="300")
    purchase = buyer.step(purchase, "initialise")
    order = market.initialise_order(transaction_id=order.transaction_id, buyer_subscriber_id=buyer.BUYER, now=NOW)
    purchase = buyer.step(buyer.told(purchase, "on_init", order_contract(order, seller=buyer.SELLER)), "confirm")
    order = market.confirm_order(
        transaction_id=order.transaction_id, buyer_subscriber_id=buyer.BUYER, agreed_pence=order.quote_pence, now=NOW
    )
    purchase = buyer.told(purchase, "on_confirm", order_contract(order, seller=buyer.SELLER))
    refused("POL_UPDATE_NOT_ALLOWED", "needs no dispatch", lambda: buyer.step(purchase, "dispatch"))
    refused("POL_UPDATE_NOT_ALLOWED", "needs no dispatch", lambda: market.dispatched(order))
    called = market.confirmed(
        market.offer(market.site(site.organisation, slug="leeds-2"))
    )  # one that waits for its call
    assert activate_schedules(now=GATE - timedelta(seconds=1)) == []
    (activation,) = activate_schedules(now=GATE)
    assert activate_schedules(now=GATE) == []
    assert (activation.order_id, activation.instruction_id, activation.mechanism) == (order.pk, "schedule", "DSO_FLEX")
    assert [row.requested_kw for row in activation.periods.order_by("start_at")] == [300, 300]
    order.refresh_from_db()
    called.refresh_from_db()
    assert (order.state, called.state) == ("ACTIVE", "CONFIRMED")
    assert events_of(f"activation:{activation.pk}") == ["activation.accepted"]
    (told,) = buyer.sent("on_status")
    assert buyer.told(purchase, "on_status", told["message"]["contract"]).state == "ACTIVE"
    assert Activation.objects.count() == 1
