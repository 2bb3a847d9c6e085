"""The same megawatt hour sold under P415 and under P444: both suppliers are credited alike, and only one seller pays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from marketplace.ledger.verify_money import money_check
from marketplace.models import BaselineNomination, SettlementStatement, SignalPoint
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_page import statement_page
from marketplace.usecases.activate_schedules import activate_schedules
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import HALF_HOUR

pytestmark = pytest.mark.usefixtures("network")
DAY = date(2026, 8, 28)  # a day with a published SCRP, £98.53
FIRST = datetime(2026, 8, 28, 16, 0, tzinfo=UTC)
STARTS = (FIRST, FIRST + HALF_HOUR)
END = FIRST + 2 * HALF_HOUR
SOLD = FIRST - timedelta(hours=6)


def sold(site, product) -> SettlementStatement:
    """1 MW for an hour at £160 a MWh, called or by schedule, and delivered to the Wh."""
    offer = market.offer(
        site, kw="1000", start=FIRST, plan=market.plan(site, start=SOLD), product=product, baseline_method="nominated-v1",
        utilisation_price_gbp_per_kwh=Decimal("0.1600"), shortfall_penalty_gbp_per_kwh=Decimal(0), created_at=SOLD,
    )  # fmt: skip
    order = market.confirmed(offer, kw="1000", now=SOLD)
    if product == "P415_WHOLESALE":
        (activation,) = activate_schedules(now=offer.gate_closure_at)
    else:
        activation = market.dispatched(order, market.instruction("1000", *STARTS, at=SOLD), now=SOLD)
    for start in STARTS:
        noon = SOLD - timedelta(days=1)
        BaselineNomination.objects.create(site=site, start_at=start, import_wh=900_000, received_at=noon)
    market.metered(site, dict.fromkeys(STARTS, 400_000), known_at=END)
    return settle_activation(activation=activation, now=END)


def test_the_supplier_is_credited_in_both_and_only_p444_s_seller_pays(owner):
    for start in STARTS:
        SignalPoint.objects.create(
            series="price", start_at=start, value=90.0, unit="GBP/MWh", source="s", label="MEASURED", known_at=END
        )
    mutual = sold(market.site(owner, "leeds-1"), "P415_WHOLESALE")
    direct = sold(market.site(owner, "leeds-2"), "P444_BM")
    kinds = [[(line["kind"], line["supplier_pence"], line["pot_pence"], line["seller_pence"]) for line in one.compensation] for one in (mutual, direct)]  # fmt: skip
    assert kinds == [[("MUTUALISED", 9853, -9853, 0)], [("DIRECT", 9853, 0, -9853)]]
    assert (mutual.amount_pence, direct.amount_pence) == (16000, 16000)
    cash = [statement_page(one, None, END).seller_cash_pence for one in (mutual, direct)]
    assert cash == [16000, 6147]
    assert statement_document(statement_page(direct, None, END), direct)["totals"]["seller_cash_pence"] == 6147
    assert direct.terms["regulatory_basis"] == "P444_BM"
    assert "source" in direct.compensation[0]
    assert money_check().held
