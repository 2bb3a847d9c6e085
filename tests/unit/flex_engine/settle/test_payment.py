"""Payment to the penny: the protocol's two worked examples, and components that always sum to the amount."""

from __future__ import annotations

import doctest
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.quantities import gbp, wh_from_kw
from flex_engine.settle import payment
from flex_engine.settle.delivery import PeriodDelivery, deliver
from flex_engine.settle.payment import component, pay, total
from flex_engine.settle.performance import performance_table
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


SLIDING = performance_table("SSEN_TRANSITION_UTILISATION", day=date(2026, 1, 15))


@pytest.mark.parametrize(("mwh", "pounds"), [("0.5", "150"), ("0.4", "72"), ("0.25", "0"), ("0.6", "150")])
def test_the_worked_sliding_scale(mwh: str, pounds: str):
    """Half a MWh instructed at 300 GBP/MWh; what is delivered beyond it is not paid for."""
    metered = 2_000_000 - int(Decimal(mwh) * 10**6)
    lines = deliver(
        instructed_wh={START: 500_000},
        baseline_wh={START: 2_000_000},
        metered_wh={START: metered},
        direction="REDUCE",
        cap_percent=SLIDING.cap_percent,
    )
    made = pay(lines, price_gbp_per_kwh=Decimal("0.3"), penalty_gbp_per_kwh=Decimal(0), table=SLIDING)
    assert gbp(made.amount_pence) == Decimal(pounds)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(0, 5), st.integers(1, 10**6), rates, rates)
def test_more_delivered_is_never_paid_less_and_nothing_delivered_earns_nothing(levels, at, more, price, penalty):
    starts = [START + i * HALF_HOUR for i in range(len(levels))]
    instructed = dict.fromkeys(starts, 600_000)

    def paid(delivered: list[int], order: int = 1) -> int:
        lines = deliver(
            instructed_wh=instructed,
            baseline_wh=dict.fromkeys(starts, 2 * 10**6),
            metered_wh={s: 2 * 10**6 - d for s, d in zip(starts, delivered, strict=True)},
            direction="REDUCE",
        )[::order]
        return pay(lines, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty, table=SLIDING).amount_pence

    raised = [level + more if i == at % len(levels) else level for i, level in enumerate(levels)]
    assert paid(levels) <= paid(raised)
    assert paid(levels) == paid(levels, order=-1), "the order of half hours does not matter"
    assert paid([0] * len(levels)) <= 0
    assert paid([10**6] * len(levels)) == paid([600_000] * len(levels)), "over-delivery is never paid beyond the cap"


amounts = st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-5))
kinds = st.sampled_from(["USAGE", "AVAILABILITY", "PENALTY", "CLAWBACK"])


@given(st.lists(st.tuples(kinds, amounts), max_size=12))
def test_any_components_sum_to_the_amount_and_residuals_to_the_rest(parts):
    made = total([component(kind, "", amount) for kind, amount in parts])
    assert sum(part.pence for part in made.components) == made.amount_pence == made.payment_pence - made.penalty_pence
    assert gbp(made.amount_pence) + made.residual_gbp == sum((amount for _, amount in parts), Decimal(0))


def test_availability_stands_beside_utilisation_in_one_payment():
    lines = deliver(
        instructed_wh={START: 500_000}, baseline_wh={START: 10**6}, metered_wh={START: 600_000}, direction="REDUCE"
    )
    others = [component("AVAILABILITY", "fee", Decimal("32.10")), component("CLAWBACK", "missed", Decimal("-5"))]
    made = pay(lines, price_gbp_per_kwh=Decimal("0.25"), penalty_gbp_per_kwh=Decimal("0.10"), others=others)
    assert [(part.type, part.pence) for part in made.components] == [
        ("USAGE", 10000), ("PENALTY", -1000), ("AVAILABILITY", 3210), ("CLAWBACK", -500)
    ]  # fmt: skip
    assert (made.payment_pence, made.penalty_pence, made.amount_pence) == (13210, 1500, 11710)


def test_a_period_without_a_rate_is_an_error():
    with pytest.raises(KeyError):
        pay([PeriodDelivery(START, 1, 1, 0, 1, 1, 0)], price_gbp_per_kwh={}, penalty_gbp_per_kwh=Decimal(0))


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(payment).failed == 0
