"""A meter above the schedule declared before the sale takes the lift out of the statement, and says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.models import Plan
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, PLANNED, SECOND

pytestmark = pytest.mark.usefixtures("network")
METERED = {FIRST: 300_000, SECOND: 310_000}
WINDOW = [FIRST - timedelta(hours=1) - n * HALF_HOUR for n in range(6, 0, -1)]


def loads(start, slots):
    """A plan that says what the site usually draws, in kW."""
    return [settled.usual_wh(start + n * HALF_HOUR) / 500 for n in range(slots)]


def statement_of(site, *, lift_wh, days=30):
    """The dispatch of the small market, `lift_wh` more than usual in each half hour of the window, after `days` of plans."""
    own = market.plan(site)
    Plan.objects.filter(pk=own.pk).update(load_kw=loads(PLANNED, 96))
    for back in range(1, days + 1):
        start = PLANNED - timedelta(days=back, hours=1)
        made = market.plan(site, start=start, slots=20)
        Plan.objects.filter(pk=made.pk).update(load_kw=loads(start, 20))
    offer = market.offer(site, plan=own)
    activation = market.dispatched(market.confirmed(offer), market.instruction())
    lifted = {start: settled.usual_wh(start) + lift_wh for start in WINDOW}
    noise = {start: wh + (start.day * 977) % 4001 - 2000 for start, wh in settled.history(days + 15).items()}
    market.metered(site, noise | lifted | METERED)
    return settle_activation(activation=activation, now=END)


def test_load_moved_into_the_window_is_found_and_not_paid_for(site):
    statement = statement_of(site, lift_wh=60_000)
    finding = statement.baseline_facts["adjustment_finding"]
    assert finding["alarm"] is True
    assert finding["controls"] == 30
    assert finding["sentence"].startswith("Load was moved into the window before the event: +13.")
    assert statement.baseline_facts["adjustment_wh"] == 0
    unadjusted = statement.baseline_facts["unadjusted_wh"]
    assert {line.start_at.isoformat(): line.baseline_wh for line in statement.lines.all()} == unadjusted


def test_a_day_as_declared_keeps_its_adjustment(site):
    statement = statement_of(site, lift_wh=1_000)
    finding = statement.baseline_facts["adjustment_finding"]
    assert finding["alarm"] is False
    adjustment = statement.baseline_facts["adjustment_wh"]
    assert adjustment != 0
    for line in statement.lines.all():
        assert line.baseline_wh == statement.baseline_facts["unadjusted_wh"][line.start_at.isoformat()] + adjustment


def test_without_enough_schedules_nothing_is_found_and_that_is_said(site):
    statement = statement_of(site, lift_wh=60_000, days=5)
    finding = statement.baseline_facts["adjustment_finding"]
    assert finding["alarm"] is None
    assert "5 days without an event have a schedule; 20 are needed" in finding["sentence"]
    assert statement.baseline_facts["adjustment_wh"] > 0
