"""The optimisation agent plans what asked for a plan, answers wishes once, and says once why it cannot."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marketplace.agents import optimisation
from marketplace.models import OfferRequest, Plan, Site
from marketplace.usecases.request_offer import request_offer
from marketplace.usecases.request_plan import request_plan
from tests.unit.marketplace.agents.conftest import decisions
from tests.unit.marketplace.usecases import planned
from tests.unit.marketplace.usecases.market import NOW


@pytest.fixture
def busy(site):
    planned.known_signals()
    planned.queue(site)
    Site.objects.update(import_limit_kw=Decimal(800))
    return site


def test_an_open_request_is_planned_by_the_tick_once(busy):
    request_plan(site=busy, user=None, now=NOW)
    optimisation.tick()
    optimisation.tick()
    assert Plan.objects.count() == 1
    ((decided, why),) = decisions("optimisation")
    assert decided.startswith("a plan of 96 half hours")
    assert "forecast saving against first come, first served" in why


def test_nobody_asked_so_nothing_is_planned(busy):
    optimisation.plan(site_id=busy.pk)
    assert not Plan.objects.exists()
    optimisation.plan(site_id=busy.pk, force=True)
    assert Plan.objects.count() == 1


def test_what_blocks_a_plan_is_said_once_and_the_request_stays(site):
    request_plan(site=site, user=None, now=NOW)
    optimisation.tick()
    optimisation.tick()
    assert [decided for decided, _ in decisions("optimisation")] == ["waited"]
    assert Site.objects.get().replan_requested_at == NOW


def test_a_wish_is_answered_by_the_tick_and_decided_once(busy):
    request_plan(site=busy, user=None, now=NOW)
    optimisation.tick()
    request_offer(site=busy, user=None, now=NOW)
    optimisation.tick()
    optimisation.tick()
    wish = OfferRequest.objects.get()
    assert wish.state in {"DONE", "REFUSED"}
    assert len(decisions("optimisation")) == 2


def test_a_wish_without_a_plan_is_refused_in_words(site):
    request_offer(site=site, user=None, now=NOW)
    optimisation.tick()
    assert decisions("optimisation") == [("refused", OfferRequest.objects.get().problem)]
