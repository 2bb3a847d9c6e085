"""Settled by arrays or one by one, every figure is the same to the last Wh and penny: also where int64 would not hold it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.settle.bulk import MOST, Orders, fitting, rates, settle_many
from flex_engine.settle.delivery import deliver
from flex_engine.settle.effective import rows_of
from flex_engine.settle.payment import pay
from flex_engine.settle.performance import PerformanceTable, table_of
from flex_engine.timegrid import HALF_HOUR

START = datetime(2026, 1, 15, 17, tzinfo=UTC)
TABLES: list[PerformanceTable | None] = [None, *(table_of(row) for row in rows_of("performance_tables"))]
energies = st.one_of(st.integers(0, 2_000_000), st.integers(0, 40), st.integers(10**11, 10**13))
prices = st.integers(0, 10**6).map(lambda n: Decimal(n).scaleb(-4))


@st.composite
def batches(draw):
    """Orders of one to four periods: (instructed, baseline, metered, others) rows, a price, a penalty, a direction."""
    periods = draw(st.integers(1, 4))
    row = st.tuples(energies, energies, energies, st.one_of(st.just(0), energies))
    order = st.tuples(
        st.lists(row, min_size=periods, max_size=periods), prices, prices, st.sampled_from(["REDUCE", "INCREASE"])
    )
    return draw(st.lists(order, min_size=1, max_size=3))


def arrays(batch) -> Orders:
    def column(number):
        return np.array([[row[number] for row in rows] for rows, *_ in batch], dtype=np.int64)

    return Orders(
        instructed_wh=column(0), baseline_wh=column(1), metered_wh=column(2), others_wh=column(3),
        price=rates([order[1] for order in batch]), penalty=rates([order[2] for order in batch]),
        reduce=np.array([order[3] == "REDUCE" for order in batch]),
    )  # fmt: skip


@given(batches(), st.sampled_from(TABLES), st.sampled_from([100, 120]))
@settings(max_examples=50, deadline=None)
def test_arrays_and_the_rooms_agree(batch, table, cap):
    found = settle_many(arrays(batch), table=table, cap_percent=cap)
    for number, (rows, price, penalty, direction) in enumerate(batch):
        starts = [START + n * HALF_HOUR for n in range(len(rows))]
        given_wh = [dict(zip(starts, column, strict=True)) for column in zip(*rows, strict=True)]
        lines = deliver(
            instructed_wh=given_wh[0], baseline_wh=given_wh[1], metered_wh=given_wh[2], others_wh=given_wh[3],
            direction=direction, cap_percent=cap,
        )  # fmt: skip
        money = pay(lines, price_gbp_per_kwh=price, penalty_gbp_per_kwh=penalty, table=table)
        for name in ("delivered_wh", "eligible_wh", "shortfall_wh"):
            assert getattr(found, name)[number].tolist() == [getattr(line, name) for line in lines]
        for name in ("payment_pence", "penalty_pence", "amount_pence"):
            assert int(getattr(found, name)[number]) == getattr(money, name)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.id if table else "none")
def test_every_share_from_nothing_to_more_than_all_is_the_table_s(table):
    if table is None:
        return
    delivered = np.arange(0, 1301, dtype=np.int64)[None, :]
    instructed = np.full_like(delivered, 997)
    one = np.array([10_000], dtype=np.int64)
    found = settle_many(
        Orders(instructed, delivered, np.zeros_like(delivered), one, one, np.array([True])), table=table, cap_percent=200
    )  # fmt: skip
    expected = sum(Decimal(min(int(d), 1994)) / 1000 * table.scale(int(d), 997) for d in delivered[0])
    assert int(found.payment_pence[0]) == round(expected * 100)


def test_what_int64_does_not_hold_is_reckoned_in_python_s_integers():
    assert fitting(np.array([1]), MOST).dtype == np.int64
    assert fitting(np.array([1]), MOST + 1).dtype == object


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"price": np.array([0.25])}, "price is an array of float64"),
        ({"metered_wh": np.array([[1.0]])}, "metered_wh is an array of float64"),
        ({"metered_wh": np.array([[1, 2]])}, "one row for each order"),
        ({"price": np.array([1, 2])}, "one row for each order"),
        ({"instructed_wh": np.array([[-1]])}, "below zero"),
        ({"baseline_wh": np.array([[2**62]])}, "is the most"),
    ],
)
def test_what_is_no_order_is_refused(change, words):
    one = np.array([[1]])
    facts = {
        "instructed_wh": one, "baseline_wh": one, "metered_wh": one, "price": np.array([1]), "penalty": np.array([1]),
        "reduce": np.array([True]),
    }  # fmt: skip
    with pytest.raises(ValueError, match=words):
        Orders(**{**facts, **change})
    with pytest.raises(ValueError, match="more than four decimal places"):
        rates([Decimal("0.00001")])
