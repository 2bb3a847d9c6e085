"""A draft offers what is proved and no more, at a price whose lines add up, or says why there is nothing to offer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.models import MeterReading, Offer, OfferRequest, Site
from marketplace.rules.errors import MarketError
from marketplace.rules.product_terms import DEFAULT, product_on
from marketplace.usecases.answer_offer_request import answer_offer_request
from marketplace.usecases.draft_offer import draft_offer, earliest
from marketplace.usecases.plan_site import plan_site
from marketplace.usecases.request_offer import request_offer
from tests.unit.marketplace.usecases import market, planned
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, GATE, HALF_HOUR, NOW


@pytest.fixture
def ready(site):
    """The site with a plan in force."""
    planned.known_signals()
    planned.queue(site)
    Site.objects.update(import_limit_kw=Decimal(800))
    site.refresh_from_db()
    plan_site(site=site, now=NOW)
    return site


def test_the_offer_is_within_what_the_plan_could_turn_down(ready):
    offer = draft_offer(site=ready, start=FIRST, end=END, now=NOW)
    plan = offer.plan
    assert (offer.state, offer.start_at, offer.end_at, offer.gate_closure_at) == ("DRAFT", FIRST, END, GATE)
    rows = list(offer.periods.order_by("start_at"))
    assert [row.start_at for row in rows] == [FIRST, FIRST + HALF_HOUR]
    for row in rows:
        slot = int((row.start_at - plan.start_at) / HALF_HOUR)
        assert 0 < float(row.offered_kw) <= plan.load_kw[slot] - float(ready.must_run_kw) + 0.001
        assert row.offered_kw == round(row.offered_kw, 3)
    assert offer.certificate["holds"] is True
    assert events_of(f"offer:{offer.pk}") == ["offer.drafted"]


def test_the_price_is_the_sum_of_its_lines(ready):
    offer = draft_offer(site=ready, start=FIRST, end=END, now=NOW)
    lines = [Decimal(line["value"]) for line in offer.price_arithmetic if line["unit"] == "GBP/kWh"]
    assert len(lines) >= 2
    assert sum(lines[:-1]) == lines[-1] == offer.utilisation_price_gbp_per_kwh
    assert all(line["item"] and line["why"] for line in offer.price_arithmetic)


def test_without_a_window_the_best_one_is_drafted(ready):
    offer = draft_offer(site=ready, now=NOW)
    assert offer.start_at >= earliest(NOW, product_on(DEFAULT, NOW))
    assert offer.end_at > offer.start_at


def test_without_a_plan_there_is_nothing_to_draft_from(site):
    with pytest.raises(MarketError) as caught:
        draft_offer(site=site, now=NOW)
    assert caught.value.code == "NO_PLAN"


def test_a_window_whose_gate_is_as_good_as_closed_is_refused(ready):
    with pytest.raises(MarketError) as caught:
        draft_offer(site=ready, start=earliest(NOW, product_on(DEFAULT, NOW)) - HALF_HOUR, end=END, now=NOW)
    assert caught.value.code == "WINDOW_TOO_SOON"


def test_a_window_in_which_nothing_can_move_is_refused_in_words(site):
    planned.known_signals()
    planned.job(site, "fixed", arrival_at=FIRST, deadline_at=END, duration_s=3600)
    plan_site(site=site, now=NOW)
    with pytest.raises(MarketError) as caught:
        draft_offer(site=site, start=FIRST, end=END, now=NOW)
    assert (caught.value.code, bool(caught.value.fix)) == ("NOTHING_TO_OFFER", True)
    assert not Offer.objects.exists()


def test_a_viewer_may_not_draft(ready, owner):
    with pytest.raises(MarketError) as caught:
        draft_offer(site=ready, user=market.person(owner, "VIEWER"), now=NOW)
    assert caught.value.code == "NOT_ALLOWED"


def test_a_wish_is_answered_once_with_an_offer(ready):
    wish = request_offer(site=ready, user=None, start=FIRST, end=END, now=NOW)
    first = answer_offer_request(request_id=wish.pk, now=NOW)
    again = answer_offer_request(request_id=wish.pk, now=NOW + timedelta(minutes=1))
    assert (first.state, again.offer_id, again.answered_at) == ("DONE", first.offer_id, NOW)
    assert Offer.objects.count() == 1


def test_a_wish_that_cannot_be_met_is_answered_with_the_reason(site):
    wish = request_offer(site=site, user=None, now=NOW)
    answered = answer_offer_request(request_id=wish.pk, now=NOW)
    assert answered.state == "REFUSED"
    assert "no plan yet" in answered.problem
    assert OfferRequest.objects.get().offer is None


def test_load_above_the_meter_baseline_is_not_offered(ready):
    """Settlement credits baseline less meter, so what the plan draws above the baseline is nobody's to sell."""
    without = draft_offer(site=ready, start=FIRST, end=END, now=NOW)
    assert any(line["item"] == "Baseline" and line["value"] == "unknown" for line in without.price_arithmetic)
    plan = without.plan
    slot = int((FIRST - plan.start_at) / HALF_HOUR)
    by_time = {(plan.start_at + i * HALF_HOUR).time(): kw for i, kw in enumerate(plan.load_kw[:48])}
    for row in (FIRST, FIRST + HALF_HOUR):
        by_time[row.time()] -= 20
    starts = [plan.start_at - i * HALF_HOUR for i in range(1, 62 * 48)]
    MeterReading.objects.bulk_create(
        MeterReading(site=ready, start_at=start, import_wh=round(by_time[start.time()] * 500), source="m", label="MEASURED", known_at=NOW)
        for start in starts
    )  # fmt: skip
    metered = draft_offer(site=ready, start=FIRST, end=END, now=NOW)
    quantity, plain = (offer.periods.get(start_at=FIRST).offered_kw for offer in (metered, without))
    assert quantity < plain
    reference = [Decimal(kw) for kw in metered.certificate["reference_kw"]]
    assert all(kw < Decimal(str(load)) for kw, load in zip(reference, plan.load_kw[slot : slot + 2], strict=True))
