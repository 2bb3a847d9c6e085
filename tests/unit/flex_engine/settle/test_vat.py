"""VAT apart from the net amount."""

from __future__ import annotations

import doctest
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_engine.settle import vat
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.vat import invoice


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(vat).failed == 0


@given(st.integers(-(10**9), 10**9))
def test_net_vat_and_gross_are_three_figures_that_agree(net: int):
    made = invoice(net, day=date(2026, 1, 15))
    assert made.net_pence == net
    assert made.vat_pence == round(Fraction(net, 5))
    assert made.gross_pence == net + made.vat_pence


def test_an_unknown_rate_is_not_guessed():
    with pytest.raises(NothingInForceError):
        invoice(1, day=date(2026, 1, 15), rate="REDUCED")
    with pytest.raises(NothingInForceError):
        invoice(1, day=date(2010, 12, 31))
