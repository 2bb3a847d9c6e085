"""Exact conversions: no energy and no penny is lost on the way."""

from __future__ import annotations

import doctest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from flex_engine import quantities
from flex_engine.quantities import gbp, kwh, pence, wh_from_kw


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(quantities).failed == 0


def test_halves_go_to_the_even_neighbour():
    assert [pence(Decimal(text)) for text in ("0.005", "0.015", "0.025", "-0.005", "-0.015")] == [0, 2, 2, 0, -2]
    assert wh_from_kw(Decimal("0.001")) == 0, "half a Wh goes to the even neighbour, nothing"
    assert wh_from_kw(Decimal("0.003")) == 2
    assert wh_from_kw(Decimal("100"), hours=Decimal("0.25")) == 25000


@given(st.integers(-(10**12), 10**12))
def test_pounds_and_pence_are_inverse(amount: int):
    assert pence(gbp(amount)) == amount


@given(st.integers(-(10**12), 10**12))
def test_kwh_is_exact(wh: int):
    assert kwh(wh) * 1000 == wh
