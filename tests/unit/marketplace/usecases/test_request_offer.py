"""A wish for an offer is stored and worked on later; an odd window is refused at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.models import OfferRequest, Site
from marketplace.rules.errors import MarketError
from marketplace.usecases.request_offer import request_offer
from marketplace.usecases.request_plan import request_plan
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import END, FIRST, NOW


def test_a_wish_is_kept_and_the_optimisation_agent_is_woken(site, woken):
    wish = request_offer(site=site, user=None, start=FIRST, end=END, now=NOW)
    assert (wish.state, wish.start_at, wish.end_at) == ("PENDING", FIRST, END)
    assert woken == [("marketplace.agents.optimisation.draft", {"request_id": wish.pk})]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (FIRST, None),
        (None, END),
        (END, FIRST),
        (FIRST, FIRST),
        (FIRST + timedelta(minutes=5), END),
        (FIRST, END + timedelta(seconds=1)),
        (NOW - timedelta(days=1, minutes=10), END),
    ],
)
def test_an_odd_window_is_refused(site, start, end):
    with pytest.raises(MarketError) as caught:
        request_offer(site=site, user=None, start=start, end=end, now=NOW)
    assert (caught.value.code, bool(caught.value.fix)) == ("BAD_WINDOW", True)
    assert not OfferRequest.objects.exists()


@pytest.mark.parametrize("verb", [request_offer, request_plan])
def test_a_viewer_may_ask_for_neither_offer_nor_plan(site, owner, verb):
    with pytest.raises(MarketError) as caught:
        verb(site=site, user=market.person(owner, "VIEWER"), now=NOW)
    assert caught.value.code == "NOT_ALLOWED"
    assert Site.objects.get().replan_requested_at is None


def test_asking_for_a_plan_leaves_a_mark_that_survives_a_lost_wake_up(site, woken):
    request_plan(site=site, user=None, now=NOW)
    assert Site.objects.get().replan_requested_at == NOW
    assert woken == [("marketplace.agents.optimisation.plan", {"site_id": site.pk})]
