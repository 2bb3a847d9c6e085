"""Performance tables: the worked slope, lines that never fall, and tables that cannot be drawn."""

from __future__ import annotations

import doctest
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle import performance
from flex_engine.settle.effective import NothingInForceError, rows_of
from flex_engine.settle.performance import PerformanceTable, performance_table, table_of

DAY = date(2026, 1, 15)
TABLES = [table_of(row) for row in rows_of("performance_tables")]

shares = st.integers(0, 1000).map(lambda n: Decimal(n) / 1000)


@st.composite
def tables(draw: st.DrawFn) -> PerformanceTable:
    xs = sorted(draw(st.sets(st.integers(0, 1500), min_size=1, max_size=6)))
    ys = sorted(draw(st.lists(shares, min_size=len(xs), max_size=len(xs))))
    return PerformanceTable("t", tuple((Decimal(x) / 1000, y) for x, y in zip(xs, ys, strict=True)))


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(performance).failed == 0


def test_the_sliding_scale_between_half_and_all():
    table = performance_table("SSEN_TRANSITION_UTILISATION", day=DAY)
    found = [table.scale(delivered, 500_000) for delivered in (0, 249_999, 250_000, 400_000, 500_000, 600_000)]
    assert found == [0, 0, 0, Decimal("0.6"), 1, 1]


def test_the_tables_of_the_reference_list_are_held_with_source_and_evidence():
    assert {table.id for table in TABLES} == {
        "PRO_RATA", "SSEN_TRANSITION_UTILISATION", "SSEN_TRANSITION_AVAILABILITY", "FLEXIBLE_POWER_EXAMPLE",
        "NESO_DFS_2024",
    }  # fmt: skip
    assert all(table.source for table in TABLES)
    assert performance_table("NESO_DFS_2024", day=DAY).cap_percent == 120
    assert performance_table("FLEXIBLE_POWER_EXAMPLE", day=DAY).evidence == "assumed"
    with pytest.raises(NothingInForceError):
        performance_table("NESO_DFS_2024", day=date(2023, 12, 31))


@pytest.mark.parametrize(("ratio", "scale"), [("0.95", "1"), ("0.90", "0.85"), ("0.80", "0.55"), ("0.61", "0")])
def test_the_example_of_three_points_for_each_per_cent(ratio: str, scale: str):
    made = performance_table("FLEXIBLE_POWER_EXAMPLE", day=DAY).scale(int(Decimal(ratio) * 10_000), 10_000)
    assert abs(made - Decimal(scale)) < Decimal("0.0003")


@given(
    st.one_of(st.sampled_from(TABLES), tables()), st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**7)
)
def test_more_delivered_never_earns_a_smaller_share(table, instructed: int, one: int, other: int):
    less, more = sorted((one, other))
    assert 0 <= table.scale(less, instructed) <= table.scale(more, instructed) <= 1


@given(tables(), st.integers(1, 10**7), st.integers(0, 2 * 10**7))
def test_the_share_is_on_the_line_between_its_neighbours(table: PerformanceTable, instructed: int, delivered: int):
    x = Fraction(delivered, instructed)
    below = [point for point in table.points if point[0] <= x]
    above = [point for point in table.points if point[0] > x]
    if not below or not above:
        exact = Fraction((below[-1] if below else above[0])[1])
    else:
        (x0, y0), (x1, y1) = below[-1], above[0]
        weight = (x - Fraction(x0)) / (Fraction(x1) - Fraction(x0))
        exact = Fraction(y0) * (1 - weight) + Fraction(y1) * weight
    assert table.scale(delivered, instructed) == round(exact, 6)


def test_nothing_instructed_earns_no_share():
    assert performance_table("PRO_RATA", day=DAY).scale(5, 0) == 0


@pytest.mark.parametrize(
    ("points", "cap", "words"),
    [
        ((), 100, "has no point"),
        ((("0.5", "0"), ("0.5", "1")), 100, "both must rise"),
        ((("0", "1"), ("1", "0.5")), 100, "both must rise"),
        ((("0", "0"), ("1", "1.1")), 100, "between 0 and 1"),
        ((("0", "-0.1"), ("1", "1")), 100, "between 0 and 1"),
        ((("0", "1"),), 99, "cap_percent is 99"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(points, cap: int, words: str):
    with pytest.raises(ValueError, match=words):
        PerformanceTable("t", tuple((Decimal(x), Decimal(y)) for x, y in points), cap)
