"""The money of a statement follows from its product, adds up to the penny, and can be worked out again from its lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from flex_engine.quantities import pence
from flex_engine.settle.products import product
from marketplace.ledger.verify_money import money_check
from marketplace.models import Activation, Offer, Order, SettlementStatement, SignalPoint
from marketplace.rules.errors import MarketError
from marketplace.usecases.compensate_supplier import compensate_supplier
from marketplace.usecases.price_delivery import stood_ready
from marketplace.usecases.settle_activation import settle_activation
from tests.unit.marketplace.usecases import market, settled
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, SECOND

pytestmark = pytest.mark.usefixtures("network")
BASE = settled.baseline_wh(settled.history())
# Of 200 kWh instructed: 160 in the first half hour, 90 in the second.
PARTLY = {FIRST: BASE[FIRST] - 160_000, SECOND: BASE[SECOND] - 90_000}


def statement_of(site, *, metered=PARTLY, sold_as="OPERATIONAL_UTILISATION", now=END) -> SettlementStatement:
    activation = settled.over(site, metered=metered)
    Offer.objects.update(product=sold_as)
    return settle_activation(activation=activation, now=now)


@pytest.mark.parametrize(
    ("sold_as", "expected", "scales"),
    [
        ("OPERATIONAL_UTILISATION", [("USAGE", 6250), ("PENALTY", -1500)], ["1.000000", "1.000000"]),
        ("SCHEDULED_UTILISATION", [("USAGE", 2400)], ["0.600000", "0.000000"]),  # SSEN: 0.8 earns 0.6, 0.45 nothing
        ("NESO_DFS", [("USAGE", 5800)], ["1.000000", "0.800000"]),  # 0.45 lies at four fifths from 0.25 to 0.5
    ],
)
def test_table_cap_and_penalty_are_those_of_the_product(site, sold_as, expected, scales):
    statement = statement_of(site, sold_as=sold_as)
    assert [(part["type"], part["pence"]) for part in statement.components] == expected
    assert [f"{line.scale:f}" for line in statement.lines.order_by("start_at")] == scales
    assert statement.terms["product"] == sold_as
    assert money_check().held


def test_beyond_the_instruction_is_paid_up_to_the_cap_of_the_product(site):
    over = {FIRST: BASE[FIRST] - 230_000, SECOND: BASE[SECOND] - 300_000}
    statement = statement_of(site, metered=over, sold_as="NESO_DFS")
    assert [line.eligible_wh for line in statement.lines.order_by("start_at")] == [230_000, 240_000]


def test_the_components_sum_to_the_amount_and_follow_from_the_lines(site):
    statement = statement_of(site, metered={FIRST: 330_001, SECOND: 349_999})
    assert sum(part["pence"] for part in statement.components) == statement.amount_pence
    lines = statement.lines.order_by("start_at")
    paid, owed = (sum(Decimal(getattr(line, name)) for line in lines) for name in ("pay_gbp", "penalty_gbp"))
    assert (pence(paid), pence(owed)) == (statement.payment_pence, statement.penalty_pence)
    residuals = sum(Decimal(part["residual_gbp"]) for part in statement.components)
    assert residuals == paid - owed - Decimal(statement.amount_pence) / 100
    for line in lines:
        recomputed = Decimal(line.eligible_wh) / 1000 * line.price_gbp_per_kwh * line.scale
        assert Decimal(line.pay_gbp) == recomputed
        assert line.ratio == (Decimal(line.delivered_wh) / line.instructed_wh).quantize(Decimal("0.000001"))
        assert (line.reading_source, line.reading_quality, line.reading_known_at) == ("meter", "ACTUAL", END)


READY = "SCHEDULED_AVAILABILITY_OPERATIONAL_UTILISATION"


def ready(site, *starts, metered):
    """The order's dispatches under a product that pays for standing ready, at £21.40 per MW and hour."""
    order = market.confirmed(market.offer(site, product=READY))
    Order.objects.filter(pk=order.pk).update(availability_price_gbp_per_mw_h=Decimal("21.4"))
    told = [market.instruction("400", *part, identity=f"d-{part[0]:%H%M}") for part in starts]
    parts = [market.dispatched(order, instruction) for instruction in told]
    market.metered(site, settled.history() | metered)
    return [settle_activation(activation=part, now=END) for part in parts]


def test_standing_ready_is_paid_once_an_order_and_taken_back_for_what_was_missed(site):
    """400 kW over an hour are 0.4 MW h, £8.56; the second half hour delivers 45 % and loses its half of that."""
    first, second = ready(site, (FIRST,), (SECOND,), metered=PARTLY)
    assert [(part["type"], part["pence"]) for part in first.components] == [("USAGE", 2400), ("AVAILABILITY", 856)]
    assert [(part["type"], part["pence"]) for part in second.components] == [("USAGE", 0), ("CLAWBACK", -428)]
    assert (second.payment_pence, second.penalty_pence, second.amount_pence) == (0, 428, -428)


def test_the_record_of_the_month_before_scales_what_standing_ready_is_paid(site):
    """In December 300 of 400 kWh were delivered, by the newest statement known then: three quarters of £8.56."""
    (earlier,) = ready(site, (FIRST, SECOND), metered=PARTLY)
    december = FIRST - timedelta(days=31)
    Activation.objects.update(start_at=december)
    SettlementStatement.objects.update(shortfall_wh=100_000)
    in_january, sold_as = earlier.activation, product(READY, settled.DAY)  # the row as it was before
    (fee,) = stood_ready(in_january, sold_as, missed=(), now=END)
    assert (fee.pence, fee.description) == (642, "0.4 MW h available, paid at 75.00%")
    (unknown_then,) = stood_ready(in_january, sold_as, missed=(), now=END - HALF_HOUR)
    assert unknown_then.pence == 856


def test_vat_stands_apart_from_the_net_amount(site):
    statement = statement_of(site)
    assert statement.amount_pence == 4750
    assert statement.vat == {"net_pence": 4750, "rate": "0.20", "vat_pence": 950, "gross_pence": 5700}


def test_a_product_that_is_not_in_force_is_refused_in_words(site):
    with pytest.raises(MarketError) as caught:
        statement_of(site, sold_as="P415_WHOLESALE")
    assert caught.value.code == "BAD_PRODUCT"
    assert "2024-01-16" in caught.value.message


def test_carbon_has_grams_source_and_label_or_says_what_is_missing(site):
    def known(start, value, at):
        SignalPoint.objects.create(
            series="carbon_intensity", start_at=start, value=value, unit="gCO2e/kWh", source="Carbon Intensity API",
            label="MEASURED", known_at=at,
        )  # fmt: skip

    known(FIRST, 200.0, END)
    first = statement_of(site)
    assert first.carbon == {"absent": "There is no carbon intensity for 2024-01-16T17:30Z."}
    known(SECOND, 100.0, END)
    other = market.site(site.organisation, "leeds-2")
    carbon = statement_of(other, now=END + HALF_HOUR).carbon
    assert Decimal(carbon["kg"]) == Decimal("160") * 200 / 1000 + Decimal("90") * 100 / 1000
    assert (carbon["g_per_kwh"], carbon["label"], carbon["source"]) == ("164.0", "MEASURED", "Carbon Intensity API")
    assert carbon["as_of"] == END.isoformat()


def test_under_p444_the_seller_pays_the_supplier_directly():
    """No product has that basis yet, so one is made of another; 2026-08-28 has a published reference price."""
    day = date(2026, 8, 28)
    sold_as = replace(product("OPERATIONAL_UTILISATION", day), regulatory_basis="P444_BM")
    noon = datetime(2026, 8, 28, 12, tzinfo=UTC)
    (line,) = compensate_supplier(moved_wh={noon: 10_000_000}, product=sold_as, now=noon)
    assert (line["kind"], line["scrp_gbp_per_mwh"]) == ("DIRECT", "98.53")
    assert (line["supplier_pence"], line["pot_pence"], line["seller_pence"]) == (98530, 0, -98530)
    (before,) = compensate_supplier(moved_wh={FIRST: 1}, product=sold_as, now=noon)
    assert "Nothing is held for P444_BM on 2024-01-16" in before["absent"]
    assert compensate_supplier(moved_wh={noon: 1}, product=product("NESO_DFS", day), now=noon) == []
