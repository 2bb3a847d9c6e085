"""A nomination counts when it came in time; the plan's load is nominated for an offer that needs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.models import BaselineNomination, Offer
from marketplace.rules.errors import MarketError
from marketplace.usecases.nominate_baseline import METHOD, nominate_baseline, nominate_plan, nomination_of
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, SECOND

IN_TIME = datetime(2024, 1, 15, 12, 0, tzinfo=UTC)  # noon of the day before, the last moment
LATE = IN_TIME + timedelta(seconds=1)
SAID = {FIRST: 500_000, SECOND: 480_000}


def nominate(site, periods=SAID, *, now=IN_TIME, user=None):
    return nominate_baseline(site=site, periods=periods, user=user, now=now)


def known(site, *, now=FIRST, method=METHOD):
    return nomination_of(site, [FIRST, SECOND], method=method, now=now)


def test_the_newest_before_the_deadline_is_the_nomination_and_repeating_it_adds_nothing(site):
    assert nominate(site, now=IN_TIME - timedelta(hours=2)) == 2
    assert nominate(site, now=IN_TIME - timedelta(hours=1)) == 0
    assert nominate(site, {FIRST: 490_000}) == 1
    assert known(site).periods == {FIRST: 490_000, SECOND: 480_000}
    assert known(site, now=IN_TIME - timedelta(minutes=1)).periods == SAID
    assert events_of(f"site:{site.slug}") == ["baseline.nominated"] * 2
    assert known(site, method="like-day-mean-v1") is None


@pytest.mark.parametrize(
    ("periods", "now", "words"),
    [
        ({}, IN_TIME, "names no half hour"),
        (SAID, LATE, "had to be nominated by 2024-01-15T12:00Z"),
        ({FIRST + timedelta(minutes=1): 1}, IN_TIME, "not the start of a half hour"),
        ({FIRST: -1}, IN_TIME, "-1 Wh is nominated for 2024-01-16T17:00Z"),
        ({FIRST: 10**9}, IN_TIME, "what Leeds 1 can import"),
    ],
)
def test_what_cannot_be_nominated_is_refused_whole(site, periods, now, words):
    with pytest.raises(MarketError) as caught:
        nominate(site, {SECOND: 1, **periods} if periods else {}, now=now)
    assert words in str(caught.value)
    assert not BaselineNomination.objects.exists()


def test_only_traders_nominate(site, owner):
    with pytest.raises(MarketError, match="Your role"):
        nominate(site, user=market.person(owner, "OPERATOR"))
    assert nominate(site, user=market.person(owner, "TRADER")) == 2


def test_a_plan_is_nominated_where_it_reaches(site):
    plan = market.plan(site, load_kw=1000.0)
    assert nominate_plan(site=site, plan=plan, start=FIRST, end=SECOND + HALF_HOUR, now=IN_TIME) == 2
    assert known(site).periods == {FIRST: 500_000, SECOND: 500_000}
    assert BaselineNomination.objects.filter(plan=plan).count() == 2
    with pytest.raises(MarketError, match="The plan covers"):
        nominate_plan(site=site, plan=plan, start=FIRST, end=FIRST + timedelta(days=9), now=IN_TIME)


def draft(site):
    certificate = {"holds": True, "reference_kw": ["1000", "1000"]}
    return market.offer(
        site, state=Offer.State.DRAFT, published_at=None, baseline_method=METHOD, certificate=certificate
    )


def test_publishing_nominates_the_plan_unless_something_was_said_before(site):
    publish_offer(offer=draft(site), user=None, accept_back_test=True, now=IN_TIME)
    assert known(site).periods == {FIRST: 500_000, SECOND: 500_000}


@pytest.mark.parametrize(
    ("said", "now", "code"), [({}, LATE, "NOMINATION_REFUSED"), (SAID, IN_TIME, "NOMINATION_TOO_LOW")]
)
def test_an_offer_is_not_published_on_a_nomination_that_is_late_or_below_what_it_counts_from(site, said, now, code):
    if said:
        nominate(site, said)
    offer = draft(site)
    with pytest.raises(MarketError) as caught:
        publish_offer(offer=offer, user=None, accept_back_test=True, now=now)
    assert caught.value.code == code
    assert Offer.objects.get().state == "DRAFT"


@pytest.mark.usefixtures("network")
def test_a_delivery_is_counted_from_what_was_nominated_in_time(site):
    nominate(site, {FIRST: 450_000, SECOND: 440_000})
    offer = market.offer(site, baseline_method=METHOD)
    activation = market.dispatched(market.confirmed(offer))
    market.metered(site, {FIRST: 300_000, SECOND: 400_000})
    statement = settle_activation(activation=activation, now=END)
    lines = statement.lines.order_by("start_at")
    assert [(line.baseline_wh, line.delivered_wh) for line in lines] == [(450_000, 150_000), (440_000, 40_000)]
    assert statement.baseline_method == METHOD
