"""Numbers as people read them: unit, sign and rounding that never say more or less than the value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.templatetags import figures
from marketplace.templatetags.figures import THIN, chip, plain
from marketplace.templatetags.states import TONES, state, tone, words


@pytest.mark.parametrize(
    ("filter_name", "value", "text"),
    [
        ("kw", Decimal("412.500"), "412.5 kW"), ("kw", Decimal("0.7"), "0.7 kW"), ("kw", 9.1234, "9.123 kW"), ("kw", 0, "0 kW"), ("kw", None, "—"),
        ("kwh", 15615, "15,615 kWh"), ("wh_as_kwh", 827_600, "827.6 kWh"), ("wh_as_kwh", 1, "0.001 kWh"), ("wh_plain", 12_400, "12.4"),
        ("pence", 20329, "£203.29"), ("pence", -154, "−£1.54"), ("pence", 0, "£0.00"), ("pence", 123456789, "£1,234,567.89"), ("pence", None, "—"),
        ("pounds", 630.224, "£630.22"), ("pounds", -0.5, "−£0.50"), ("rate_kwh", Decimal("0.2475"), "24.75 p/kWh"), ("rate_kwh", Decimal("1.5"), "£1.50/kWh"),
        ("rate_mwh", Decimal("0.2475"), "247.5 GBP/MWh"), ("grams", 201.4, "201 gCO₂e/kWh"), ("kg", 96.44, "96.4 kg CO₂e"), ("kg", 12_345, "12.35 t CO₂e"),
        ("share", 0.4, "40 %"), ("share", 0.0004, "0.04 %"), ("share", 0.0, "0 %"), ("count", 1234567, "1,234,567"), ("amount", Decimal("0.1238"), "0.124"),
    ],
)  # fmt: skip
def test_a_value_is_shown_with_its_unit(filter_name: str, value: object, text: str) -> None:
    assert getattr(figures, filter_name)(value).replace(THIN, " ") == text


@given(st.integers(-(10**12), 10**12))
def test_pence_are_shown_exactly(pence: int) -> None:
    shown = figures.pence(pence)
    assert int(shown.replace("−", "-").replace("£", "").replace(",", "").replace(".", "")) == pence


@given(st.integers(0, 10**12))
def test_watt_hours_are_shown_exactly(wh: int) -> None:
    assert Decimal(figures.wh_plain(wh).replace(",", "")) * 1000 == wh


@given(st.decimals(-(10**9), 10**9, places=4), st.integers(0, 4))
def test_rounding_stays_within_half_a_step(value: Decimal, places: int) -> None:
    shown = Decimal(plain(value, places).replace(",", "").replace("−", "-"))
    assert abs(shown - value) <= Decimal(1).scaleb(-places) / 2
    assert not plain(value, places).startswith("−0") or shown != 0


def test_a_chip_says_what_the_word_means_where_it_comes_from_and_how_old_it_is() -> None:
    shown = str(chip("FORECAST", 'ridge "1"', datetime(2024, 1, 16, 13, 4, tzinfo=UTC)))
    assert '<span class="chip chip-forecast"' in shown
    assert "Predicted by a model" in shown
    assert "Source: ridge &quot;1&quot;. As of 2024-01-16T13:04:00Z." in shown
    assert "as of <time" in shown
    assert ">13:04 GMT</time>" in shown


def test_a_simulated_value_is_never_shown_as_measured() -> None:
    assert ">Simulated</span>" in str(chip("SIMULATED"))
    assert "no real meter" in str(chip("SIMULATED"))
    assert ">Measured</span>" not in str(chip("SIMULATED"))


def test_states_have_a_word_and_a_tone_and_stand_once() -> None:
    every = [code for codes in TONES.values() for code in codes.split()]
    assert len(every) == len(set(every))
    assert str(state("FINAL")) == '<span class="state state-good">Anchored</span>'
    assert str(state("NEEDS_REVIEW", "<b>")) == '<span class="state state-attention">&lt;b&gt;</span>'
    assert tone("never heard of it") == "neutral"
    assert words("QUEUED") == "Waiting for its transaction"


def test_every_state_of_the_house_has_a_tone() -> None:
    from beckn.models import InboxMessage, OutboxMessage
    from marketplace.models import Anchor, Offer, OfferRequest, Plan, Purchase, Upload
    from marketplace.rules.order_state import ActivationState, OrderState

    kinds = [
        InboxMessage.State,
        OutboxMessage.State,
        Anchor.State,
        Offer.State,
        OfferRequest.State,
        Plan.State,
        Purchase.State,
        Upload.State,
    ]
    codes = [code for kind in kinds for code in kind.values] + [s.value for s in (*ActivationState, *OrderState)]
    assert [code for code in codes if tone(code) == "neutral"] == []
