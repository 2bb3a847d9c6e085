"""A turn-up from draft to money: proved, sold, called, held by the next plan, metered and paid; and shown as what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from flex_engine.timegrid import half_hours
from marketplace.models import Job, Offer, Site
from marketplace.queries.dispatches import dispatch_row
from marketplace.queries.purchases import PurchasePeriod
from marketplace.queries.schedule import locks_of
from marketplace.queries.sold_as import sold_as
from marketplace.rules.errors import MarketError
from marketplace.usecases.complete_settlement import complete_settlement
from marketplace.usecases.draft_offer import draft_offer
from marketplace.usecases.nominate_baseline import nominate_plan
from marketplace.usecases.plan_site import plan_site, problem_of
from marketplace.usecases.publish_offer import ensure_nominated, publish_offer
from marketplace.usecases.settle_activation import settle_activation
from marketplace.wire.contract import order_contract
from tests.unit.marketplace.usecases import market, planned
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import FIRST, HALF_HOUR, NOW, PLANNED, instruction
from tests.unit.marketplace.usecases.test_plan_site import TOLERANCE_KW, work_by_job

START, END = FIRST - timedelta(hours=2), FIRST - timedelta(hours=1)  # before the cheap hour that the work waits for
UP = Offer.Direction.TURN_UP


@pytest.fixture
def ready(site):
    """The site with a plan in force, and two months of readings of its must-run load alone."""
    planned.known_signals()
    planned.queue(site)
    Site.objects.update(import_limit_kw=Decimal(800))
    site.refresh_from_db()
    market.metered(site, dict.fromkeys(half_hours(PLANNED - timedelta(days=30), PLANNED), 150_000), known_at=PLANNED)
    plan_site(site=site, now=NOW)
    return site


@pytest.mark.usefixtures("network")
def test_a_turn_up_is_sold_called_held_by_the_next_plan_and_paid(ready, settings):
    settings.CHAIN_RPC_URL = "none"
    offer = draft_offer(site=ready, start=START, end=END, direction=UP, now=NOW)
    kw = offer.periods.first().offered_kw
    slot = int((START - offer.plan.start_at) / HALF_HOUR)
    reference = [Decimal(one) for one in offer.certificate["reference_kw"]]
    assert offer.direction == UP
    assert kw > 100
    assert all(one >= Decimal(str(load)) for one, load in zip(reference, offer.plan.load_kw[slot:], strict=False))
    assert reference[0] + kw <= 800, "never above the connection"
    publish_offer(offer=offer, user=None, accept_back_test=True, now=NOW)
    order = market.confirmed(offer, kw=str(kw))
    told = order_contract(order, seller="seller.example")
    assert sold_as(told).direction == "INCREASE", "the buyer reads it in the contract"

    activation = market.dispatched(order, instruction(str(kw), START, START + HALF_HOUR))
    replan = plan_site(site=ready, now=NOW + timedelta(minutes=20))
    assert replan.state == "READY", replan.reasons
    bounds = [float(one + kw) for one in reference]
    assert [(c["site_min_kw"], "site_max_kw" in c) for c in replan.commitments] == [(one, False) for one in bounds]
    first = int((START - replan.start_at) / HALF_HOUR)
    assert all(replan.load_kw[first + i] >= least - TOLERANCE_KW for i, least in enumerate(bounds))
    for job in Job.objects.all():
        rest = work_by_job(replan).get(job.external_id, (0.0,))[0]
        assert rest + replan.executed_s.get(job.external_id, 0.0) == pytest.approx(job.duration_s, abs=1.5)
    assert problem_of(replan).floors_kw()[first] == bounds[0], "and a plan that is read again still holds it"
    assert (locks_of(replan)[0].below, locks_of(replan)[0].kw) == (False, bounds[0])
    assert dispatch_row(activation, offer.direction).periods[0].site_bound_kw == reference[0] + kw

    drawn = {PLANNED: offer.plan.load_kw[0]} | {
        replan.start_at + i * HALF_HOUR: load for i, load in enumerate(replan.load_kw)
    }
    market.metered(ready, {at: round(load * 500) for at, load in drawn.items() if at < END}, known_at=END)
    statement = settle_activation(activation=activation, now=END)
    lines = list(statement.lines.all())
    assert [line.instructed_wh for line in lines] == [int(kw * 500)] * 2
    assert all(line.metered_wh > line.baseline_wh for line in lines)
    assert (statement.shortfall_wh, statement.penalty_pence) == (0, 0)
    assert statement.amount_pence == order.quote_pence == round(kw * offer.utilisation_price_gbp_per_kwh * 100)
    complete_settlement(statement=statement, now=END)
    order.refresh_from_db()
    assert order.state == "SETTLED"
    assert events_of(f"order:{order.pk}")[0] == "order.confirmed"


def test_what_cannot_be_turned_up_is_refused_in_words(ready):
    """In the cheap hour the site is at its connection limit already; and a turn-up may not stand beside a turn-down."""
    up = draft_offer(site=ready, direction=UP, now=NOW)  # the best hour, as none is named
    assert (up.direction, up.certificate["direction"], up.certificate["holds"]) == (UP, UP, True)
    publish_offer(offer=up, user=None, accept_back_test=True, now=NOW)
    other = market.offer(ready, start=up.start_at, periods=2, state=Offer.State.DRAFT, kw="10")
    with pytest.raises(MarketError) as caught:
        publish_offer(offer=other, user=None, now=NOW)
    assert caught.value.code == "OFFER_OVERLAPS"
    with pytest.raises(MarketError) as caught:
        draft_offer(site=ready, start=FIRST, end=FIRST + 2 * HALF_HOUR, direction=UP, now=NOW)
    assert caught.value.code == "NOTHING_TO_OFFER"
    assert "turned up" in str(caught.value)


def test_a_nomination_above_what_a_turn_up_counts_from_is_refused(site):
    """The mirror of the turn-down: a baseline nominated too high would pay the site for less than it sold."""
    start = FIRST + timedelta(days=2)
    facts = {"holds": True, "quantity_kw": "100", "reference_kw": ["1000", "1000"]}
    of = market.offer(
        site, start=start, direction=UP, state=Offer.State.DRAFT, baseline_method="nominated-v1", certificate=facts,
        plan=market.plan(site, start=start, load_kw=1000.0),
    )  # fmt: skip
    nominate_plan(site=site, plan=of.plan, start=of.start_at, end=of.end_at, now=NOW)
    ensure_nominated(of, now=NOW)
    of.certificate = facts | {"reference_kw": ["900", "900"]}
    with pytest.raises(MarketError) as caught:
        ensure_nominated(of, now=NOW)
    assert caught.value.code == "NOMINATION_TOO_HIGH"


def test_the_buyer_sees_power_drawn_more_as_delivered():
    row = PurchasePeriod(START, Decimal(100), None, Decimal(300), Decimal(390), up=True)
    assert (row.delivered_kw, replace(row, up=False).delivered_kw) == (Decimal(90), Decimal(-90))
