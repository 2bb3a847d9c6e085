"""A missing reading is estimated when somebody who may says by which rule, never otherwise, and the statement says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.agents import metering
from marketplace.models import AgentDecision, EstimationChoice, MeterReading
from marketplace.rules.errors import MarketError
from marketplace.usecases.choose_estimation import choose_estimation
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, NOW, SECOND

pytestmark = pytest.mark.usefixtures("network")
LATER = END + timedelta(hours=1)


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch):
    monkeypatch.setattr("marketplace.clock.now", lambda: LATER)


@pytest.fixture
def activation(site):
    """Over, with the second half hour missing and the one after it known."""
    made = settled.over(site, metered={FIRST: 200_000, END: 420_001})
    MeterReading.objects.filter(start_at=SECOND).delete()
    return made


def choose(activation, rule, *, standing=False, **changes):
    facts = {"site": activation.order.offer.site, "rule": rule, "user": None, "now": LATER}
    return choose_estimation(activation=None if standing else activation, **facts | changes)


def test_a_gap_blocks_the_statement_until_a_rule_is_chosen_and_the_statement_carries_it(activation, owner):
    with pytest.raises(MarketError, match="17:30Z"):
        settle_activation(activation=activation, now=LATER)
    clerk = market.person(owner, "SETTLEMENT")
    assert choose(activation, "linear-2-v1", user=clerk)[1] == 1
    row = MeterReading.objects.get(start_at=SECOND)
    assert (row.import_wh, row.quality, row.source, row.label) == (310_000, "ESTIMATED", "linear-2-v1", "MEASURED")
    statement = settle_activation(activation=activation, now=LATER)
    line = statement.lines.get(start_at=SECOND)
    assert (line.metered_wh, line.reading_quality, line.reading_source) == (310_000, "ESTIMATED", "linear-2-v1")
    assert statement.label == "ESTIMATED"
    assert events_of(f"site:{row.site.slug}") == ["meter.rule_chosen", "meter.estimated"]


def test_an_actual_reading_revises_the_estimate_and_an_estimate_never_an_actual_one(activation):
    choose(activation, "linear-2-v1")
    market.metered(activation.order.offer.site, {SECOND: 300_000}, known_at=LATER + timedelta(minutes=1))
    assert choose(activation, "like-day-v1", now=LATER + HALF_HOUR)[1] == 0
    settle = settle_activation(activation=activation, now=LATER + HALF_HOUR)
    assert settle.lines.get(start_at=SECOND).metered_wh == 300_000
    assert settle.lines.get(start_at=SECOND).reading_quality == "ACTUAL"


@pytest.mark.parametrize(
    ("role", "rule", "code"),
    [("OPERATOR", "linear-2-v1", "NOT_ALLOWED"), ("ADMIN", "guess-v1", "BAD_RULE"), ("ADMIN", "", "BAD_RULE")],
)
def test_who_may_not_or_a_rule_that_is_none(activation, owner, role, rule, code):
    with pytest.raises(MarketError) as caught:
        choose(activation, rule, user=market.person(owner, role))
    assert caught.value.code == code
    assert not EstimationChoice.objects.exists()


def test_a_rule_that_does_not_reach_estimates_nothing_and_stores_nothing(activation):
    MeterReading.objects.filter(start_at__in=[FIRST, FIRST - HALF_HOUR]).delete()
    with pytest.raises(MarketError, match="gap of 3 half hours"):
        choose(activation, "linear-2-v1")
    assert not EstimationChoice.objects.exists()
    assert not MeterReading.objects.filter(quality="ESTIMATED").exists()


@pytest.mark.parametrize(
    ("state", "now", "code"), [("SETTLED", LATER, "NOT_WAITING"), ("IN_PROGRESS", NOW, "NOT_OVER")]
)
def test_only_a_dispatch_that_waits_is_estimated(activation, state, now, code):
    activation.state = state
    with pytest.raises(MarketError) as caught:
        choose(activation, "linear-2-v1", now=now)
    assert caught.value.code == code


def test_a_site_s_standing_rule_fills_gaps_and_leaves_late_readings_alone(activation):
    """What no later reading follows is late; a sender who comes back makes it a gap."""
    site = activation.order.offer.site
    MeterReading.objects.filter(start_at=END).delete()
    choose(activation, "linear-2-v1", standing=True)
    metering.tick()
    assert not MeterReading.objects.filter(quality="ESTIMATED").exists()
    market.metered(site, {END: 420_001}, known_at=LATER)
    metering.tick()
    metering.tick()
    assert MeterReading.objects.get(quality="ESTIMATED").start_at == SECOND
    assert AgentDecision.objects.get(subject=f"activation:{activation.pk}").why == "1 half hours by linear-2-v1"


def test_a_standing_rule_that_was_ended_fills_nothing_and_one_that_cannot_says_so_once(activation):
    MeterReading.objects.filter(start_at__in=[FIRST, FIRST - HALF_HOUR]).delete()
    choose(activation, "linear-2-v1", standing=True)
    metering.tick()
    metering.tick()
    assert "gap of 3" in AgentDecision.objects.get(subject=f"activation:{activation.pk}").why
    choose(activation, "like-day-v1", standing=True, now=LATER + HALF_HOUR)
    choose(activation, "", standing=True, now=LATER + 2 * HALF_HOUR)
    metering.tick()
    assert not MeterReading.objects.filter(quality="ESTIMATED").exists()
