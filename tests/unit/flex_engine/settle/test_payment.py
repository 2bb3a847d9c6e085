"""Payment to the penny: the protocol's two worked examples, and components that always sum to the amount."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.quantities import gbp, wh_from_kw
from flex_engine.settle import payment
from flex_engine.settle.delivery import PeriodDelivery, deliver
from flex_engine.settle.payment import pay
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, 17, tzinfo=UTC)
STARTS = [START + i * HALF_HOUR for i in range(4)]


def energies(*kw: str) -> dict[datetime, int]:
    return {start: wh_from_kw(Decimal(text)) for start, text in zip(STARTS, kw, strict=False)}


def test_the_published_policy_example_is_436_25():
    lines = deliver(
        instructed_wh=energies("150", "120"),
        baseline_wh=energies("150", "200"),
        metered_wh=energies("10", "95"),
        direction="REDUCE",
    )
    made = pay(
        lines,
        price_gbp_per_kwh=dict(zip(STARTS, map(Decimal, ("3.5", "4.0")), strict=False)),
        penalty_gbp_per_kwh=Decimal("1.5"),
    )
    assert gbp(made.amount_pence) == Decimal("436.25")
    assert [gbp(part.pence) for part in made.components] == [Decimal("455.00"), Decimal("-18.75")]


def test_the_worked_order_is_541_25():
    lines = deliver(
        instructed_wh=energies("1200", "1200", "1000", "1000"),
        baseline_wh=energies("2000", "2000", "2000", "2000"),
        metered_wh=energies("800", "760", "1050", "1000"),
        direction="REDUCE",
    )
    assert sum(line.delivered_wh for line in lines) == 2_195_000
    assert sum(line.eligible_wh for line in lines) == 2_175_000
    assert sum(line.shortfall_wh for line in lines) == 25_000
    made = pay(lines, price_gbp_per_kwh=Decimal("0.25"), penalty_gbp_per_kwh=Decimal("0.10"))
    assert (made.payment_pence, made.penalty_pence, made.amount_pence) == (54375, 250, 54125)
    assert [(part.type, part.pence) for part in made.components] == [("USAGE", 54375), ("PENALTY", -250)]
    assert [part.description for part in made.components] == ["2175 kWh eligible", "25 kWh short"]


lines = st.lists(
    st.tuples(st.integers(0, 10**8), st.integers(0, 10**8)).map(
        lambda pair: PeriodDelivery(START, sum(pair), 0, 0, pair[0], pair[0], pair[1])
    ),
    min_size=1,
    max_size=20,
)
rates = st.integers(0, 100_000).map(lambda n: Decimal(n) / 10_000)


@given(lines, rates, rates)
def test_the_components_sum_to_the_amount_and_each_is_rounded_once(delivered, price, penalty):
    made = pay(delivered, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty)
    assert sum(part.pence for part in made.components) == made.amount_pence == made.payment_pence - made.penalty_pence
    assert made.payment_pence == round(Fraction(sum(line.eligible_wh for line in delivered)) * Fraction(price) / 10)
    assert made.penalty_pence == round(Fraction(sum(line.shortfall_wh for line in delivered)) * Fraction(penalty) / 10)


def test_a_period_without_a_rate_is_an_error():
    with pytest.raises(KeyError):
        pay([PeriodDelivery(START, 1, 1, 0, 1, 1, 0)], price_gbp_per_kwh={}, penalty_gbp_per_kwh=Decimal(0))


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(payment).failed == 0
