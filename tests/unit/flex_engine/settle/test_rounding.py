"""What is paid in all is the exact sum rounded once, over any number of payments, corrections and orders of arrival."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.settle.payment import Component, component
from flex_engine.settle.rounding import Account, before, carry, payer_of

# Exact pounds with up to seven places, many of them on half a penny; the chain they belong to, each correcting the last.
POUNDS = st.one_of(
    st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-7)),
    st.integers(-2001, 2001).map(lambda n: Decimal(n).scaleb(-3) * 5),
)
STATEMENTS = st.lists(st.tuples(st.integers(0, 4), st.lists(POUNDS, min_size=1, max_size=3)), max_size=40)


@settings(max_examples=60)
@given(STATEMENTS)
def test_what_was_paid_is_the_rounded_exact_sum_after_every_statement(statements):
    """In fractions, sharing no code: the sum of what stands, and of the pence that stand."""
    account, standing, sums = Account(), {}, {}
    for chain, amounts in statements:
        account = before(account, standing.get(chain, []))
        parts = [component("USAGE", "", amount) for amount in amounts]
        extra, account = carry(account, parts, payer="BUYER")
        standing[chain] = [*parts, *([extra] if extra else [])]
        sums[chain] = sum(map(Fraction, amounts))
        exact = sum(sums.values())
        paid = sum(part.pence for one in standing.values() for part in one)
        assert paid == account.paid_pence == round(exact * 100)
        assert Fraction(account.residual_gbp) == exact - Fraction(paid, 100)
        assert abs(account.residual_gbp) <= Decimal("0.005")


@settings(max_examples=30)
@given(STATEMENTS.filter(len), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_sum_and_saying_it_again_changes_nothing(statements, rng):
    newest = dict(statements)

    def settle(order):
        account, standing = Account(), {}
        for chain in order:
            parts = [component("USAGE", "", amount) for amount in newest[chain]]
            extra, account = carry(before(account, standing.get(chain, [])), parts, payer="BUYER")
            standing[chain] = [*parts, *([extra] if extra else [])]
        return account, standing

    order = list(newest)
    first, standing = settle(order)
    assert settle([*order, order[-1]]) == (first, standing), "a statement that says the same moves nothing"
    rng.shuffle(order)
    assert settle(order)[0] == first


def test_an_imbalance_is_the_market_s_to_round():
    assert {payer_of(kind) for kind in ("USAGE", "PENALTY", "CANCELLATION_FEE", "ROUNDING")} == {"BUYER"}
    assert {payer_of(kind) for kind in ("IMBALANCE", "IMBALANCE_ROUNDING")} == {"MARKET"}
    extra, _ = carry(Account(), [Component("IMBALANCE", "", 0, Decimal("0.0051"))], payer="MARKET")
    assert (extra.type, extra.pence, extra.residual_gbp) == ("IMBALANCE_ROUNDING", 1, Decimal("-0.01"))
