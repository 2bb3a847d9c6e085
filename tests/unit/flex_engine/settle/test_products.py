"""Products: every row is whole, names what the other rooms hold, and the days decide which row answers."""

from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest

from flex_engine.settle import products as room
from flex_engine.settle.effective import NothingInForceError, rows_of
from flex_engine.settle.performance import performance_table
from flex_engine.settle.products import PenaltyRule, RegulatoryBasis, check, product, product_of, products
from flex_engine.settle.registry import methods

DAY = date(2026, 11, 25)
KEYS = {
    "PEAK_REDUCTION", "SCHEDULED_UTILISATION", "OPERATIONAL_UTILISATION", "SCHEDULED_AVAILABILITY_OPERATIONAL_UTILISATION",
    "VARIABLE_AVAILABILITY_OPERATIONAL_UTILISATION", "NESO_DFS", "P415_WHOLESALE",
    "P444_BM",
}  # fmt: skip


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(room).failed == 0


def test_every_row_names_methods_and_tables_that_are_held_and_says_what_is_assumed():
    assert {one.key for one in products(DAY)} == KEYS
    standing = {method.id: method.standing for method in methods()}
    for row in rows_of("products"):
        found = product_of(row)
        day = max(found.effective_from or DAY, date(2024, 1, 1))
        assert performance_table(found.performance_table, day=day).cap_percent == found.cap_percent
        assert found.availability_table is None or performance_table(found.availability_table, day=day)
        assert all(standing[method] != "BIASED" for method in found.baseline_methods)
        assert found.regulatory_basis in get_args(RegulatoryBasis)
        assert found.penalty_rule in get_args(PenaltyRule)
        assert found.source
        assert "Assumed:" in found.note


def test_what_was_sold_until_now_keeps_its_terms():
    found = product("OPERATIONAL_UTILISATION", DAY)
    assert (found.notice_s, found.gate_closure_s, found.max_events_per_day) == (900, 1800, 1)
    assert (found.default_baseline, found.performance_table) == ("like-day-mean-v1", "PRO_RATA")
    assert found.needs_instruction
    assert not found.pays_availability


def test_the_day_decides_which_row_answers():
    assert product("NESO_DFS", date(2026, 3, 31)).directions == ("REDUCE",)
    assert product("NESO_DFS", date(2026, 4, 1)).directions == ("REDUCE", "INCREASE")
    with pytest.raises(NothingInForceError, match="P415_WHOLESALE on 2024-11-06"):
        product("P415_WHOLESALE", date(2024, 11, 6))
    with pytest.raises(NothingInForceError, match="DEMAND_TURN_UP"):
        product("DEMAND_TURN_UP", DAY)


@pytest.mark.parametrize(
    ("start", "hours", "inside"),
    [
        ("2026-07-15T15:00Z", 4, True),  # 16:00 to 20:00 in summer time
        ("2026-01-15T15:00Z", 1, False),  # 15:00 in winter
        ("2026-01-15T16:00Z", 4, True),
        ("2026-01-15T19:30Z", 1, False),
        ("2026-01-17T17:00Z", 1, False),  # a Saturday
        ("2026-01-15T16:00Z", 25, False),
    ],
)
def test_a_window_is_by_the_london_clock(start: str, hours: int, inside: bool):
    window = product("PEAK_REDUCTION", DAY).window
    assert window is not None
    begins = datetime.fromisoformat(start).astimezone(UTC)
    assert window.covers(begins, begins + timedelta(hours=hours)) is inside
    assert str(window) == "Monday to Friday, 16:00 to 20:00 London time"


def test_a_row_that_contradicts_itself_is_refused():
    found = product("OPERATIONAL_UTILISATION", DAY)
    for wrong, words in (
        (replace(found, default_baseline="zero-v1"), "not among"),
        (replace(found, gate_closure_s=60), "the gate closes 60 s before"),
        (replace(found, availability_table="PRO_RATA"), "availability table PRO_RATA"),
    ):
        with pytest.raises(ValueError, match=words):
            check(wrong)
