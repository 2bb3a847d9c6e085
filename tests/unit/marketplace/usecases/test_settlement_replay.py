"""The database's way through a settlement gives the statements of the pure rules, in any order of readings and ticks."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from flex_engine.settle.versions import due_at
from flex_engine.simulate.settlement_replay import Event, arrivals, replay
from marketplace.agents.settling import settle_due, settle_news, settle_runs
from marketplace.models import BaselineNomination, SettlementStatement
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, SECOND

pytestmark = pytest.mark.usefixtures("network")
CLOSED = due_at(settled.DAY, "RF")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_database_and_the_pure_rules_agree(site, seed):
    rng = Random(seed)
    baseline = {FIRST: 600_000, SECOND: 590_000}
    final = {FIRST: 420_123, SECOND: 391_077}
    activation = market.dispatched(market.confirmed(market.offer(site, baseline_method="nominated-v1")))
    for start, wh in baseline.items():
        noon = END.replace(hour=12) - timedelta(days=1)
        BaselineNomination.objects.create(site=site, start_at=start, import_wh=wh, received_at=noon)
    readings = arrivals(rng, final_wh=final, first=END, last=CLOSED, revisions=5)
    looks = sorted(END + timedelta(hours=rng.randrange(24 * 400)) for _ in range(4))
    looks = [*[one for one in looks if one < CLOSED], CLOSED + timedelta(days=rng.randrange(5))]
    for one in readings:
        market.metered(site, {one.start: one.wh}, known_at=one.known_at)
    for now in looks:
        for _ in range(2):
            settle_due(now)
            settle_runs(now)
            settle_news(now)
    order = activation.order
    event = Event(
        settled.DAY, dict.fromkeys(baseline, 200_000), baseline, order.utilisation_price_gbp_per_kwh,
        order.shortfall_penalty_gbp_per_kwh,
    )  # fmt: skip
    kept = SettlementStatement.objects.order_by("sequence")
    expected = [
        (one.name.run, one.name.version, one.reason, one.figures.amount_pence, one.delta_pence, one.known_at)
        for one in replay(event, readings, looks)
    ]
    fields = ("run", "version", "reason", "amount_pence", "delta_pence", "knowledge_time")
    assert list(kept.values_list(*fields)) == expected
    assert expected[-1][0] == "RF"
