"""Exact conversions: no energy and no penny is lost on the way."""

from __future__ import annotations

import doctest
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine import quantities
from flex_engine.quantities import divide, exact, gbp, kwh, mwh, pence, share, sva_from_cva, wh_from_kw


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


@given(st.integers(-(10**12), 10**12))
def test_mwh_is_exact(wh: int):
    assert mwh(wh) * 10**6 == wh


@given(st.integers(-(10**15), 10**15), st.integers(1, 500))
def test_division_rounds_half_to_even_like_a_fraction(total: int, count: int):
    assert divide(total, count) == round(Fraction(total, count))


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12), st.integers(0, 8))
def test_a_share_is_the_nearest_decimal(part: int, whole: int, places: int):
    assert share(part, whole, places) == round(Fraction(part, whole), places)
    assert share(part, whole, places).as_tuple().exponent == -places


def test_exact_arithmetic_raises_where_a_digit_would_be_lost():
    third = Decimal(1) / 3
    with exact():
        assert third * third * 9 != 1, "56 digits, all kept"
        with pytest.raises(Inexact):
            Decimal(1) / 3
        with pytest.raises(Inexact):
            third * third * third
    assert Decimal(1) / 3 == third, "outside, arithmetic is as it was"


@given(st.integers(-(10**12), 10**12))
def test_the_sign_survives_the_border_between_cva_and_sva(wh: int):
    assert sva_from_cva(sva_from_cva(wh)) == wh
    assert sva_from_cva(wh) == -wh
