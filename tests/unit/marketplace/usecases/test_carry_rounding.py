"""What rounding leaves over goes from statement to statement, whatever order they belong to, and nothing is lost or paid twice."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from marketplace.ledger.verify_money import money_check, rounding_check
from marketplace.models import Order, RoundingAccount, SettlementStatement
from marketplace.queries.statement_json import statement_document
from marketplace.queries.statement_page import statement_page
from marketplace.usecases.resettle import resettle
from marketplace.usecases.settle_order import settle_order
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import END, RIVAL
from tests.unit.marketplace.usecases.test_settle_order import SF, on_call

pytestmark = pytest.mark.usefixtures("network")


def half_a_penny_each(owner, count, *, buyer=market.BUYER) -> list[SettlementStatement]:
    """Orders that stood ready for £8.545 each: 854.5 p."""
    made = []
    for number in range(count):
        order = on_call(market.site(owner, f"site-{buyer[:3]}-{number}"))
        facts = {"availability_price_gbp_per_mw_h": Decimal("21.3625"), "buyer_subscriber_id": buyer}
        Order.objects.filter(pk=order.pk).update(**facts)
        made.append(settle_order(order=order, now=END))
    return made


def carried(statement) -> list[tuple[str, int]]:
    return [(part["type"], part["pence"]) for part in statement.components]


def test_half_a_penny_is_carried_until_it_is_a_whole_one(owner):
    made = half_a_penny_each(owner, 4)
    assert [one.amount_pence for one in made] == [854, 855, 855, 854]
    assert carried(made[1]) == [("AVAILABILITY", 854), ("ROUNDING", 1)]
    assert sum(one.amount_pence for one in made) == 4 * 8545 // 10
    assert [one.vat["net_pence"] for one in made] == [one.buyer_pence for one in made]
    account = RoundingAccount.objects.get()
    assert (account.payer, account.counterparty, account.paid_pence) == ("BUYER", market.BUYER, 3418)
    assert Decimal(account.residual_gbp) == 0


def test_every_buyer_has_an_account_of_its_own(owner):
    for buyer in (market.BUYER, RIVAL):
        (statement,) = half_a_penny_each(owner, 1, buyer=buyer)
        assert carried(statement) == [("AVAILABILITY", 854)]
    assert RoundingAccount.objects.count() == 2


def test_a_run_that_says_the_same_moves_no_penny_and_the_check_finds_one_that_moved(owner):
    made = half_a_penny_each(owner, 3)
    later = resettle(order=made[0].order, run="SF", reason="RUN_DUE", now=SF)
    assert (later.delta_pence, resettle(order=made[1].order, reason="NEW_READINGS", now=SF)) == (0, made[1])
    assert rounding_check().held
    assert money_check().held
    SettlementStatement.objects.filter(pk=made[2].pk).update(
        components=[{**made[2].components[0], "pence": 855, "residual_gbp": "-0.005"}, made[2].components[1]]
    )
    assert not rounding_check().held
    assert "grid.example" in rounding_check().why


def test_a_third_party_works_out_what_was_carried_from_the_document_alone(owner):
    for statement in half_a_penny_each(owner, 3):
        document = statement_document(statement_page(statement, None, END), statement)
        (told,) = document["rounding"]
        parts = [one for one in document["components"] if one["type"] != "ROUNDING"]
        paid = sum(one["pence"] for one in parts) + int(told["before_odd"])
        exact = Fraction(paid, 100) + sum(
            (Fraction(one["residual_gbp"]) for one in parts), Fraction(told["before_gbp"])
        )
        due = round(exact * 100) - int(told["before_odd"])
        assert due == document["totals"]["amount_pence"]
        assert Fraction(told["after_gbp"]) == exact - Fraction(due + int(told["before_odd"]), 100)
